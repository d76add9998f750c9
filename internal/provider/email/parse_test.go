package email_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
)

// mail is a push of Postmark with the changes made to a plain mail.
func mail(t testing.TB, changes map[string]any) *hookswitch.Push {
	t.Helper()
	m := map[string]any{
		"MessageID": "m-1", "From": "ana@example.org", "FromFull": map[string]string{"Email": "Ana@example.org", "Name": "Ana"}, "To": "support@acme.example",
		"OriginalRecipient": "support@acme.example", "Subject": "Hello", "TextBody": "Hi there", "Date": "Fri, 5 May 2023 17:44:33 -0400",
	}
	maps.Copy(m, changes)
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return push("application/json", string(body))
}

func push(contentType, body string) *hookswitch.Push {
	return &hookswitch.Push{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body), At: receivedAt}
}

func headers(pairs ...string) []map[string]string {
	var out []map[string]string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, map[string]string{"Name": pairs[i], "Value": pairs[i+1]})
	}
	return out
}

func parseOne(t testing.TB, p hookswitch.Provider, in *hookswitch.Push) hookswitch.Update {
	t.Helper()
	updates, err := p.Parse(in)
	if err != nil || len(updates) != 1 {
		t.Fatalf("%d updates, %v", len(updates), err)
	}
	return updates[0]
}

func parseMail(t testing.TB, changes map[string]any) *hookswitch.InboundMessage {
	t.Helper()
	u := parseOne(t, email.Postmark(email.Options{}), mail(t, changes))
	if u.Message == nil {
		t.Fatalf("no message: %+v", u)
	}
	return u.Message
}

func TestParse_MailOfMachinesIsNotAnswered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		changes map[string]any
		quiet   bool
	}{
		"a person":                {nil, false},
		"auto-submitted no":       {map[string]any{"Headers": headers("Auto-Submitted", "no")}, false},
		"no, with a comment":      {map[string]any{"Headers": headers("Auto-Submitted", "No (a person)")}, false},
		"auto-replied":            {map[string]any{"Headers": headers("Auto-Submitted", "auto-replied")}, true},
		"auto-generated, owner":   {map[string]any{"Headers": headers("auto-submitted", "auto-generated; owner-email=\"x\"")}, true},
		"empty auto-submitted":    {map[string]any{"Headers": headers("Auto-Submitted", "")}, true},
		"bulk":                    {map[string]any{"Headers": headers("Precedence", "Bulk")}, true},
		"list":                    {map[string]any{"Headers": headers("Precedence", "list")}, true},
		"junk":                    {map[string]any{"Headers": headers("Precedence", "junk")}, true},
		"first class":             {map[string]any{"Headers": headers("Precedence", "first-class")}, false},
		"a mailing list":          {map[string]any{"Headers": headers("List-Id", "<x.example.org>")}, true},
		"suppress all":            {map[string]any{"Headers": headers("X-Auto-Response-Suppress", "DR, AutoReply")}, true},
		"suppress receipts":       {map[string]any{"Headers": headers("X-Auto-Response-Suppress", "DR, RN")}, false},
		"a delivery report":       {map[string]any{"Headers": headers("Content-Type", "Multipart/Report; report-type=delivery-status")}, true},
		"an empty return path":    {map[string]any{"Headers": headers("Return-Path", "<>")}, true},
		"a return path":           {map[string]any{"Headers": headers("Return-Path", "<ana@example.org>")}, false},
		"mailer daemon":           {map[string]any{"FromFull": map[string]string{"Email": "MAILER-DAEMON@example.org"}}, true},
		"our own address":         {map[string]any{"FromFull": map[string]string{"Email": "Support+x@acme.example"}}, true},
		"our address, in its To":  {map[string]any{"FromFull": map[string]string{"Email": "support@acme.example"}, "OriginalRecipient": "hash@inbound.postmarkapp.com"}, true},
		"somebody of our company": {map[string]any{"FromFull": map[string]string{"Email": "ceo@acme.example"}}, false},
	} {
		m := parseMail(t, tt.changes)
		if m.Quiet != tt.quiet || (m.Metadata["automatic"] == true) != tt.quiet {
			t.Errorf("%s: quiet %t, metadata %v", name, m.Quiet, m.Metadata)
		}
	}
}

func TestParse_EnvelopeSenders(t *testing.T) {
	t.Parallel()
	for envelope, quiet := range map[string]bool{`{"to":["s@a.example"],"from":""}`: true, `{"to":["s@a.example"],"from":"<>"}`: true, `{"to":["s@a.example"],"from":"x@y.example"}`: false,
		`{"to":["s@a.example"]}`: false, `nonsense`: false} {
		body := url.Values{"envelope": {envelope}, "from": {"x@y.example"}, "to": {"s@a.example"}, "text": {"hi"}}.Encode()
		u := parseOne(t, email.SendGrid(email.Options{}), push("application/x-www-form-urlencoded", body))
		if u.Message == nil || u.Message.Quiet != quiet {
			t.Errorf("%s: %+v", envelope, u.Message)
		}
	}
}

func TestParse_Threads(t *testing.T) {
	t.Parallel()
	m := parseMail(t, map[string]any{"Headers": headers("Message-ID", " <c@x> ", "References", "<a@x>\r\n\t<b@x>")})
	if m.Content["replyToProviderMessageId"] != "<b@x>" || m.Content["references"] != "<a@x> <b@x>" || m.Content["internetMessageId"] != "<c@x>" {
		t.Errorf("got %v", m.Content)
	}
	m = parseMail(t, map[string]any{"Headers": headers("In-Reply-To", "Message from Ana of Monday <msg_0Abc@acme.example> \"x\"", "References", "<a@x>")})
	if m.Content["replyToProviderMessageId"] != "<msg_0Abc@acme.example>" || m.Content["replyToMessageId"] != "msg_0Abc" || m.Metadata["replyToMessageId"] != "<msg_0Abc@acme.example>" {
		t.Errorf("got %v", m.Content)
	}
	var ids strings.Builder
	for i := range 500 {
		fmt.Fprintf(&ids, "<%d@x> ", i)
	}
	m = parseMail(t, map[string]any{"Headers": headers("References", ids.String())})
	kept := strings.Fields(m.Content["references"].(string))
	if len(kept) != 20 || kept[0] != "<0@x>" {
		t.Errorf("kept %v", kept)
	}
	m = parseMail(t, map[string]any{"Headers": headers("In-Reply-To", "no id", "References", "")})
	if _, ok := m.Content["replyToProviderMessageId"]; ok || m.Content["references"] != nil {
		t.Errorf("got %v", m.Content)
	}
}

func TestParse_WhatAMailSays(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 300_000)
	for name, tt := range map[string]struct {
		changes map[string]any
		want    string
	}{
		"the stripped reply":        {map[string]any{"StrippedTextReply": " ok \r\n"}, "ok"},
		"the text":                  {map[string]any{"StrippedTextReply": " \n", "HtmlBody": "<p>other</p>"}, "Hi there"},
		"the HTML":                  {map[string]any{"TextBody": "", "HtmlBody": "<p>From <i>HTML</i></p>"}, "From HTML"},
		"the subject":               {map[string]any{"TextBody": " ", "HtmlBody": "<img src=x>"}, "Hello"},
		"nothing":                   {map[string]any{"TextBody": "", "Subject": ""}, ""},
		"line ends":                 {map[string]any{"TextBody": "a\r\nb\rc\n\n"}, "a\nb\nc"},
		"control characters":        {map[string]any{"TextBody": "a\x00b\x1b[0m\u0085c"}, "ab[0mc"},
		"cut at a character's end":  {map[string]any{"TextBody": long}, long[:256<<10]},
		"only what is seen of HTML": {map[string]any{"TextBody": "", "HtmlBody": "<style>x</style><div>a<div>b</div></div>c<br><br>d<script>e"}, "a\nb\nc\nd"},
	} {
		m := parseMail(t, tt.changes)
		if m.Text != tt.want || (m.Metadata["truncated"] == true) != (name == "cut at a character's end") {
			t.Errorf("%s: %.80q, want %.80q, metadata %v", name, m.Text, tt.want, m.Metadata["truncated"])
		}
	}
	if u := parseOne(t, email.Postmark(email.Options{}), mail(t, map[string]any{"TextBody": "", "Subject": ""})); hookswitch.NewReceivedMessage(&u, receivedAt).Message != "[email]" {
		t.Error("a mail that says nothing has no marker")
	}
}

func TestParse_FindsTheSender(t *testing.T) {
	t.Parallel()
	for from, want := range map[string][2]string{
		"Ana <Ana@Example.org>":                              {"ana@example.org", "Ana"},
		`"Last, First" <a@b.example>`:                        {"a@b.example", "Last, First"},
		"=?iso-8859-1?q?J=F6rg?= <j@b.example>":              {"j@b.example", "Jörg"},
		"=?windows-1251?b?yOLg7Q==?= <i@b.example>":          {"i@b.example", "Иван"},
		"a@b.example, c@d.example":                           {"a@b.example", ""},
		"Weird: Name [x] <w@b.example>":                      {"w@b.example", "Weird: Name [x]"},
		"plain w@b.example here":                             {"w@b.example", ""},
		"Two\r\nBcc: x@y.example <t@b.example>":              {"t@b.example", "Two Bcc: x@y.example"},
		"=?utf-8?q?new=0D=0Aline?= <n@b.example>":            {"n@b.example", "new line"},
		"Ünï <ünï@müll.example>":                             {"ünï@müll.example", "Ünï"},
		"<@route:x@y.example>":                               {"@route:x@y.example", ""},
		strings.Repeat("x", 400) + "@b.example <k@b.ex>":     {"k@b.ex", ""},
		"undisclosed-recipients:; <q@b.example> (a comment)": {"q@b.example", ""},
	} {
		body := url.Values{"from": {from}, "to": {"s@a.example"}, "text": {"hi"}, "envelope": {`{"to":["s@a.example"]}`}}.Encode()
		u := parseOne(t, email.SendGrid(email.Options{}), push("application/x-www-form-urlencoded", body))
		if u.Message == nil || u.Message.From != want[0] {
			t.Errorf("%q: %+v, want %s", from, u, want[0])
		} else if want[1] != "" && u.Message.ProfileName != want[1] {
			t.Errorf("%q: name %q, want %q", from, u.Message.ProfileName, want[1])
		}
	}
	u := parseOne(t, email.SendGrid(email.Options{}), push("application/x-www-form-urlencoded", url.Values{"from": {"nobody"}, "to": {"s@a.example"}, "envelope": {`{"to":["s@a.example"],"from":"env@x.example"}`}}.Encode()))
	if u.Message == nil || u.Message.From != "env@x.example" {
		t.Errorf("the envelope's sender is not used: %+v", u)
	}
}

func TestSendGrid_DecodesEveryFieldByItsCharset(t *testing.T) {
	t.Parallel()
	for charset, tt := range map[string]struct{ raw, want string }{
		"ISO-8859-15":  {"10 \xa4", "10 €"},
		"windows-1252": {"\x93x\x94", "“x”"},
		"cp850":        {"\x81", "ü"},
		"koi8-r":       {"\xf0\xd2\xc9", "При"},
		"gb2312":       {"\xc4\xe3", "你"},
		"big5":         {"\xa7A", "你"},
		"shift_jis":    {"\x82\xa0", "あ"},
		"EUC-KR":       {"\xb0\xa1", "가"},
		"iso-2022-jp":  {"\x1b$B$\"\x1b(B", "あ"},
		"UTF-16BE":     {"\x00h\x00i", "hi"},
		"utf-8":        {"ü", "ü"},
		"UTF8":         {"ü", "ü"},
		"us-ascii":     {"caf\xe9", "café"}, // not what it says
		"x-unknown":    {"caf\xe9", "café"}, // guessed
		"":             {"na\u00efve", "naïve"},
	} {
		info, _ := json.Marshal(map[string]string{"text": charset, "subject": charset})
		body := url.Values{"from": {"a@b.example"}, "to": {"s@a.example"}, "text": {tt.raw}, "subject": {tt.raw}, "charsets": {string(info)}}.Encode()
		u := parseOne(t, email.SendGrid(email.Options{}), push("application/x-www-form-urlencoded", body))
		if u.Message == nil || u.Message.Text != tt.want || u.Message.Content["subject"] != tt.want {
			t.Errorf("%s: %+v, want %q", charset, u.Message, tt.want)
		}
	}
}

func TestParse_HostileShapesCostLittle(t *testing.T) {
	t.Parallel()
	var nested strings.Builder
	nested.WriteString("From: a@b.example\r\nMessage-ID: <deep@x>\r\n")
	for i := range 20_000 {
		fmt.Fprintf(&nested, "Content-Type: Multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	var heavy strings.Builder
	heavy.WriteString("From: a@b.example\r\n")
	for i := range 90 {
		fmt.Fprintf(&heavy, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	heavy.WriteString("\r\n" + strings.Repeat("-\n", 5<<20))
	folded := "From: a@b.example\r\nSubject: x\r\n" + strings.Repeat(" y\r\n", 400_000) + "\r\nbody"
	for name, raw := range map[string]string{"nested": nested.String(), "nested and large": heavy.String(), "folded": folded, "many fields": "From: a@b.example\r\n" + strings.Repeat("X: y\r\n", 200_000) + "\r\nhi",
		"no end of angle brackets": "From: a@b.example\r\nReferences: " + strings.Repeat("<", 500_000) + "\r\n\r\nhi"} {
		u := parseOne(t, email.SendGrid(email.Options{}), push("application/x-www-form-urlencoded", url.Values{"email": {raw}, "from": {"a@b.example"}}.Encode()))
		if u.Message == nil || u.Message.From != "a@b.example" {
			t.Errorf("%s: %+v", name, u)
		}
	}
	deep := strings.Repeat("<div>", 500_000) + "x"
	if m := parseMail(t, map[string]any{"TextBody": "", "HtmlBody": deep}); m.Text != "x" {
		t.Errorf("deep HTML: %.40q", m.Text)
	}
	many := make([]map[string]any, 5000)
	for i := range many {
		many[i] = map[string]any{"Name": "f", "ContentType": "text/plain", "ContentLength": 1}
	}
	m := parseMail(t, map[string]any{"Attachments": many})
	if n := len(m.Content["attachments"].([]any)); n != 100 || m.Metadata["attachmentCount"] != 5000 {
		t.Errorf("%d attachments are listed, %v counted", n, m.Metadata["attachmentCount"])
	}
}

func TestParse_KeepsNoBytesOfAttachments(t *testing.T) {
	t.Parallel()
	m := parseMail(t, map[string]any{"Attachments": []map[string]any{{"Name": "secret.txt", "Content": "U0VDUkVU", "ContentType": "Text/Plain; charset=utf-8"}}})
	text, _ := json.Marshal(m)
	if strings.Contains(string(text), "U0VDUkVU") || strings.Contains(string(text), "SECRET") {
		t.Errorf("the bytes are kept: %s", text)
	}
	a := m.Content["attachments"].([]any)[0].(map[string]any)
	if a["size"] != 6 || a["mimeType"] != "text/plain" || a["filename"] != "secret.txt" || a["isInline"] != false {
		t.Errorf("got %v", a)
	}
}

func TestParse_OddMembersSpoilNothingElse(t *testing.T) {
	t.Parallel()
	m := parseMail(t, map[string]any{"Subject": []int{1}, "Headers": "none", "Attachments": map[string]any{}, "Date": 5, "Cc": map[string]any{"x": 1}, "Metadata": 7})
	if m.Text != "Hi there" || m.From != "ana@example.org" {
		t.Errorf("got %+v", m)
	}
	for _, p := range []hookswitch.Provider{email.Postmark(email.Options{}), email.SendGrid(email.Options{}), email.Mailgun(email.Options{}), email.Resend(email.Options{})} {
		for _, body := range []string{`{}`, `[]`, `null`, `"x"`, `1`, `{"type":5}`, `[[]]`, `[null,1,"x"]`, `{"RecordType":{}}`, `{"event-data":[]}`, `{"data":7,"type":"x"}`} {
			if updates, err := p.Parse(push("application/json", body)); err != nil || len(updates) != 0 {
				t.Errorf("%s, %s: %d updates, %v", p.Name(), body, len(updates), err)
			}
		}
		for _, body := range []string{``, `{`, `{"a":}`} {
			if _, err := p.Parse(push("application/json", body)); hookswitch.KindOf(err) != hookswitch.Invalid {
				t.Errorf("%s, %s: %v, want Invalid", p.Name(), body, err)
			}
		}
	}
}

func TestMailgun_ListsTheFilesThatItStores(t *testing.T) {
	t.Parallel()
	body := url.Values{"recipient": {"s@a.example"}, "sender": {"a@b.example"}, "from": {"a@b.example"}, "body-plain": {"hi"}, "timestamp": {"1794000000"}, "token": {"t1"},
		"attachments":    {`[{"url":"https://storage.example/1","content-type":"image/png","name":"x.png","size":321}]`},
		"content-id-map": {`{"<c1>":"https://storage.example/1"}`}}.Encode()
	u := parseOne(t, email.Mailgun(email.Options{}), push("application/x-www-form-urlencoded", body))
	a := u.Message.Content["attachments"].([]any)[0].(map[string]any)
	if a["providerUrl"] != "https://storage.example/1" || a["size"] != 321 || a["contentId"] != "c1" || a["isInline"] != true {
		t.Errorf("got %v", a)
	}
	if len(u.Tokens) != 1 || u.Tokens[0] != "t1" {
		t.Errorf("tokens %q", u.Tokens)
	}
	if want := time.Unix(1794000000, 0).UTC(); !u.At.Equal(want) {
		t.Errorf("at %v, want the time of the push %v", u.At, want)
	}
}
