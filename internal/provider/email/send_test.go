package email_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// api is a service that answers what it is told to, and remembers what it was asked.
type api struct {
	status int
	body   string
	header http.Header
	err    error
	calls  []*safehttp.Request
}

func (a *api) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	a.calls = append(a.calls, r)
	if a.err != nil {
		return nil, a.err
	}
	h := a.header
	if h == nil {
		h = http.Header{}
	}
	return &safehttp.Response{Status: a.status, Header: h, Body: []byte(a.body)}, nil
}

func (a *api) last(t *testing.T) *safehttp.Request {
	t.Helper()
	if len(a.calls) != 1 {
		t.Fatalf("%d calls, want one", len(a.calls))
	}
	return a.calls[0]
}

func field(r *safehttp.Request, name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

const ref = "msg_00000000000000000000000001a"

// services are the four, each with an answer that accepts a mail.
var services = map[string]struct {
	make   func(email.Options) *email.Provider
	c      hookswitch.Credentials
	taken  api
	id     string
	repeat bool // the same call may be made again without sending twice
}{
	"postmark": {email.Postmark, hookswitch.Credentials{"server_token": {"TOKEN"}}, api{status: 200, body: `{"To":"x","MessageID":"pm-1","ErrorCode":0,"Message":"OK"}`}, "pm-1", false},
	"sendgrid": {email.SendGrid, hookswitch.Credentials{"api_key": {"KEY"}}, api{status: 202, header: http.Header{"X-Message-Id": {"sg-1"}}}, "sg-1", false},
	"mailgun":  {email.Mailgun, hookswitch.Credentials{"api_key": {"KEY"}, "domain": {"mg.acme.example"}}, api{status: 200, body: `{"id":"<` + ref + `@acme.example>","message":"Queued. Thank you."}`}, "<" + ref + "@acme.example>", false},
	"resend":   {email.Resend, hookswitch.Credentials{"api_key": {"KEY"}}, api{status: 200, body: `{"id":"re-1"}`}, "re-1", true},
}

func outgoing(c hookswitch.Credentials, m hookswitch.Message, content map[string]any) *hookswitch.Outgoing {
	all := hookswitch.Credentials{"address": {"Support@acme.example"}, "from_name": {"Acme \"Help\""}}
	for name, v := range c {
		all[name] = v
	}
	if m.To == "" {
		m.To = "ana@example.org"
	}
	if content != nil {
		m.Content, _ = json.Marshal(content)
	}
	return &hookswitch.Outgoing{Ref: ref, Route: &hookswitch.Route{Channel: hookswitch.Email, Credentials: all}, Message: &m}
}

func send(t *testing.T, name string, a *api, out *hookswitch.Outgoing) (hookswitch.Accepted, *hookswitch.SendError) {
	t.Helper()
	acc, err := services[name].make(email.Options{BaseURL: "http://127.0.0.1:1/", HTTP: a}).Send(t.Context(), out)
	if err == nil {
		return acc, nil
	}
	var e *hookswitch.SendError
	if !errors.As(err, &e) {
		t.Fatalf("%T %v is no SendError", err, err)
	}
	return acc, e
}

// answer is the mail that is answered in these tests.
func answer() *hookswitch.Message {
	return &hookswitch.Message{ProviderID: "pm-in", Content: json.RawMessage(`{"subject":"Where is it?","internetMessageId":"<q@mail.example.org>","references":"<first@mail.example.org>","replyTo":"billing@example.org"}`)}
}

func thread(c hookswitch.Credentials) *hookswitch.Outgoing {
	out := outgoing(c, hookswitch.Message{Type: "text", Text: "On its way & soon.", InReplyTo: 7}, nil)
	out.Answers = answer()
	return out
}

func TestPostmark_Send(t *testing.T) {
	t.Parallel()
	s := services["postmark"]
	a := s.taken
	if acc, fail := send(t, "postmark", &a, thread(s.c)); fail != nil || acc.ProviderID != "pm-1" || !acc.Sent {
		t.Fatalf("%+v, %v", acc, fail)
	}
	r := a.last(t)
	if r.Method != "POST" || r.URL.String() != "http://127.0.0.1:1/email" || field(r, "X-Postmark-Server-Token") != "TOKEN" || !r.Once {
		t.Errorf("%s %s %+v once %t", r.Method, r.URL, r.Header, r.Once)
	}
	const want = `{"From":"\"Acme \\\"Help\\\"\" <Support@acme.example>","To":"billing@example.org","Subject":"Re: Where is it?","TextBody":"On its way & soon.",` +
		`"Headers":[{"Name":"Message-ID","Value":"<` + ref + `@acme.example>"},{"Name":"X-PM-KeepID","Value":"true"},{"Name":"In-Reply-To","Value":"<q@mail.example.org>"},` +
		`{"Name":"References","Value":"<first@mail.example.org> <q@mail.example.org>"},{"Name":"Auto-Submitted","Value":"auto-replied"}],` +
		`"Metadata":{"hookswitch_address":"support@acme.example","hookswitch_message":"` + ref + `"},"MessageStream":"outbound"}`
	if diff := cmp.Diff(want, string(r.Body)); diff != "" {
		t.Error(diff)
	}
}

func TestSendGrid_Send(t *testing.T) {
	t.Parallel()
	s := services["sendgrid"]
	a := s.taken
	out := thread(s.c)
	out.Message.Content = json.RawMessage(`{"htmlBody":"<p>On its way</p>","replyTo":"team@acme.example","attachments":[{"filename":"a.txt","content":"aGk=","content_type":"text/plain"},{"filename":"i.png","content":"aGk=","content_id":"<c1>"}]}`)
	if acc, fail := send(t, "sendgrid", &a, out); fail != nil || acc.ProviderID != "sg-1" || !acc.Sent {
		t.Fatalf("%+v, %v", acc, fail)
	}
	r := a.last(t)
	if r.URL.Path != "/v3/mail/send" || field(r, "Authorization") != "Bearer KEY" {
		t.Errorf("%s %+v", r.URL, r.Header)
	}
	const want = `{"personalizations":[{"to":[{"email":"billing@example.org"}]}],"from":{"email":"Support@acme.example","name":"Acme \"Help\""},"reply_to":{"email":"team@acme.example"},` +
		`"subject":"Re: Where is it?","content":[{"type":"text/plain","value":"On its way & soon."},{"type":"text/html","value":"<p>On its way</p>"}],` +
		`"attachments":[{"content":"aGk=","type":"text/plain","filename":"a.txt","disposition":"attachment"},{"content":"aGk=","type":"image/png","filename":"i.png","disposition":"inline","content_id":"c1"}],` +
		`"headers":{"Auto-Submitted":"auto-replied","In-Reply-To":"<q@mail.example.org>","Message-ID":"<` + ref + `@acme.example>","References":"<first@mail.example.org> <q@mail.example.org>"},` +
		`"custom_args":{"hookswitch_address":"support@acme.example","hookswitch_message":"` + ref + `"}}`
	if diff := cmp.Diff(want, string(r.Body)); diff != "" {
		t.Error(diff)
	}
	bare := api{status: 202}
	if acc, fail := send(t, "sendgrid", &bare, thread(s.c)); fail != nil || acc.ProviderID != "<"+ref+"@acme.example>" {
		t.Errorf("without X-Message-Id: %+v, %v", acc, fail)
	}
}

func TestMailgun_Send(t *testing.T) {
	t.Parallel()
	s := services["mailgun"]
	a := s.taken
	if acc, fail := send(t, "mailgun", &a, thread(s.c)); fail != nil || acc.ProviderID != s.id || !acc.Sent {
		t.Fatalf("%+v, %v", acc, fail)
	}
	r := a.last(t)
	if r.URL.Path != "/v3/mg.acme.example/messages" || field(r, "Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("api:KEY")) {
		t.Errorf("%s %+v", r.URL, r.Header)
	}
	got, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"from": {`"Acme \"Help\"" <Support@acme.example>`}, "to": {"billing@example.org"}, "subject": {"Re: Where is it?"}, "text": {"On its way & soon."},
		"h:Message-Id": {"<" + ref + "@acme.example>"}, "h:In-Reply-To": {"<q@mail.example.org>"}, "h:References": {"<first@mail.example.org> <q@mail.example.org>"},
		"h:Auto-Submitted": {"auto-replied"}, "v:hookswitch_message": {ref}, "v:hookswitch_address": {"support@acme.example"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMailgun_SendsFilesAsMultipart(t *testing.T) {
	t.Parallel()
	s := services["mailgun"]
	a := s.taken
	out := outgoing(s.c, hookswitch.Message{Type: "text", Text: "see"}, map[string]any{"attachments": []map[string]string{
		{"filename": `a"b.txt`, "content": "aGVsbG8="}, {"filename": "i.png", "content": "aGk=", "content_id": "c1"}}})
	if _, fail := send(t, "mailgun", &a, out); fail != nil {
		t.Fatal(fail)
	}
	r := a.last(t)
	_, params, err := mime.ParseMediaType(field(r, "Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(strings.NewReader(string(r.Body)), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if form.Value["text"][0] != "see" || form.File["attachment"][0].Filename != `a"b.txt` || form.File["inline"][0].Filename != "c1" {
		t.Errorf("got %+v", form)
	}
	f, _ := form.File["attachment"][0].Open()
	if b, _ := io.ReadAll(f); string(b) != "hello" {
		t.Errorf("the file is %q", b)
	}
}

func TestResend_Send(t *testing.T) {
	t.Parallel()
	s := services["resend"]
	a := s.taken
	out := thread(s.c)
	out.Message.Type = "image"
	out.Message.Content = json.RawMessage(`{"mediaUrl":"https://cdn.example/pic/cat.png?x=1"}`)
	if acc, fail := send(t, "resend", &a, out); fail != nil || acc.ProviderID != "re-1" || !acc.Sent {
		t.Fatalf("%+v, %v", acc, fail)
	}
	r := a.last(t)
	if r.URL.Path != "/emails" || field(r, "Authorization") != "Bearer KEY" || field(r, "Idempotency-Key") != ref {
		t.Errorf("%s %+v", r.URL, r.Header)
	}
	const want = `{"from":"\"Acme \\\"Help\\\"\" <Support@acme.example>","to":["billing@example.org"],"subject":"Re: Where is it?","text":"On its way & soon.",` +
		`"headers":{"Auto-Submitted":"auto-replied","In-Reply-To":"<q@mail.example.org>","References":"<first@mail.example.org> <q@mail.example.org>"},` +
		`"attachments":[{"filename":"cat.png","path":"https://cdn.example/pic/cat.png?x=1","content_type":"image/png"}],"tags":[{"name":"hookswitch_message","value":"` + ref + `"}]}`
	if diff := cmp.Diff(want, string(r.Body)); diff != "" {
		t.Error(diff)
	}
}

func TestSend_ThreadsAndSubjects(t *testing.T) {
	t.Parallel()
	inReply := json.RawMessage(`{"subject":"RE: Where is it?","internetMessageId":"<q@mail.example.org>"}`)
	for name, tt := range map[string]struct {
		answers  json.RawMessage
		text     string
		subject  string
		replyTo  string
		auto     bool
		want, to string
		parent   string
	}{
		"an answer":                   {answers: answer().Content, text: "x", auto: true, want: "Re: Where is it?", to: "billing@example.org", parent: "<q@mail.example.org>"},
		"a person's answer":           {answers: answer().Content, text: "x", want: "Re: Where is it?", to: "ana@example.org", parent: "<q@mail.example.org>"},
		"Re: once":                    {answers: inReply, text: "x", want: "RE: Where is it?", to: "ana@example.org", parent: "<q@mail.example.org>"},
		"another subject":             {answers: answer().Content, text: "x", subject: "News", want: "News", to: "ana@example.org"},
		"the thread's subject":        {answers: answer().Content, text: "x", subject: "re: where IS it?", want: "re: where IS it?", to: "ana@example.org", parent: "<q@mail.example.org>"},
		"a quoted mail":               {text: "x", subject: "News", replyTo: "<other@x>", want: "News", to: "ana@example.org", parent: "<other@x>"},
		"a mail without a Message-ID": {answers: json.RawMessage(`{"subject":"Hm"}`), text: "x", want: "Re: Hm", to: "ana@example.org"},
		"the first line":              {text: "Your order has left.\nMore", want: "Your order has left.", to: "ana@example.org"},
		"a long first line":           {text: strings.Repeat("word ", 40), want: strings.TrimSpace(strings.Repeat("word ", 14)) + "…", to: "ana@example.org"},
		"a subject on several lines":  {text: "x", subject: "a\r\nBcc: evil@example.org", want: "a Bcc: evil@example.org", to: "ana@example.org"},
	} {
		a := services["postmark"].taken
		content := map[string]any{}
		if tt.subject != "" {
			content["subject"] = tt.subject
		}
		out := outgoing(services["postmark"].c, hookswitch.Message{Type: "text", Text: tt.text}, content)
		out.ReplyTo = tt.replyTo
		if tt.auto {
			out.Message.InReplyTo = 7
		}
		if tt.answers != nil {
			out.Answers = &hookswitch.Message{Content: tt.answers}
		}
		if _, fail := send(t, "postmark", &a, out); fail != nil {
			t.Errorf("%s: %v", name, fail)
			continue
		}
		var got struct {
			To, Subject string
			Headers     []struct{ Name, Value string }
		}
		if err := json.Unmarshal(a.last(t).Body, &got); err != nil {
			t.Fatal(err)
		}
		parent, auto := "", false
		for _, h := range got.Headers {
			if h.Name == "In-Reply-To" {
				parent = h.Value
			}
			auto = auto || h.Name == "Auto-Submitted"
		}
		if got.Subject != tt.want || got.To != tt.to || parent != tt.parent || auto != tt.auto {
			t.Errorf("%s: got %+v parent %q auto %t", name, got, parent, auto)
		}
	}
}

func TestSend_WhatAMailCanCarry(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for name, tt := range map[string]struct {
		typ, text string
		content   object
		want      string // the text
		code      string
	}{
		"text":                {"text", "hi", nil, "hi", ""},
		"HTML alone":          {"text", "", object{"htmlBody": "<p>a</p><p>b</p>"}, "a\n\nb", ""},
		"a template":          {"template", "Hello Ana", object{"templateId": "t"}, "Hello Ana", ""},
		"an image, as a link": {"image", "look", object{"mediaUrl": "https://cdn.example/a.png", "filename": "a.png"}, "look\n\na.png\nhttps://cdn.example/a.png", ""},
		"a file by its URL":   {"text", "look", object{"attachments": []object{{"path": "https://cdn.example/a.pdf"}}}, "look\n\nhttps://cdn.example/a.pdf", ""},
		"a file alone":        {"text", "", object{"attachments": []object{{"filename": "a.pdf", "content": "aGk="}}}, "a.pdf", ""},
		"a location":          {"location", "", object{"latitude": 52.5, "longitude": 13.4, "locationName": "Office", "locationAddress": "Mitte 1"}, "Office\nMitte 1\n52.5,13.4\ngeo:52.5,13.4", ""},
		"contacts":            {"contact", "Call them", object{"contacts": []object{{"name": "Bo", "phones": []string{"+1555"}}, {"name": "Cy"}}}, "Call them\n\nBo\n+1555\n\nCy", ""},
		"a link":              {"cta_url", "Pay here", object{"ctaUrl": "https://pay.example", "ctaDisplayText": "Pay", "footerText": "Thanks"}, "Pay here\n\nPay: https://pay.example\n\nThanks", ""},

		"nothing":                {"text", " ", nil, "", "invalid_content"},
		"an empty template":      {"template", "", object{"templateId": "t"}, "", "invalid_content"},
		"an image of nothing":    {"image", "x", nil, "", "invalid_content"},
		"a place nowhere":        {"location", "x", object{"latitude": 1}, "", "invalid_content"},
		"no contacts":            {"contact", "x", nil, "", "invalid_content"},
		"half a link":            {"cta_url", "x", object{"ctaUrl": "https://x.example"}, "", "invalid_content"},
		"a local file":           {"text", "x", object{"attachments": []object{{"path": "file:///etc/passwd"}}}, "", "invalid_content"},
		"an empty file":          {"text", "x", object{"attachments": []object{{"filename": "x"}}}, "", "invalid_content"},
		"broken base64":          {"text", "x", object{"attachments": []object{{"content": "%%"}}}, "", "invalid_content"},
		"a broken reply-to":      {"text", "x", object{"replyTo": "nobody"}, "", "invalid_content"},
		"odd content":            {"text", "x", object{"attachments": "x"}, "", "invalid_content"},
		"buttons":                {"buttons", "x", object{"buttons": []object{{"id": "1", "title": "a"}}}, "", "unsupported_type"},
		"a list":                 {"list", "x", nil, "", "unsupported_type"},
		"a sticker":              {"sticker", "", object{"mediaUrl": "https://x.example/a.webp"}, "", "unsupported_type"},
		"a reaction":             {"reaction", "", object{"emoji": "x"}, "", "unsupported_type"},
		"a request to share":     {"location_request", "x", nil, "", "unsupported_type"},
		"a request for a number": {"request_contact_info", "x", nil, "", "unsupported_type"},
	} {
		a := services["postmark"].taken
		_, fail := send(t, "postmark", &a, outgoing(services["postmark"].c, hookswitch.Message{Type: tt.typ, Text: tt.text}, tt.content))
		if tt.code != "" {
			if fail == nil || fail.Code != tt.code || fail.Temporary || fail.Unknown || fail.Message == "" || fail.Category == "" || len(a.calls) > 0 {
				t.Errorf("%s: %+v after %d calls, want %s", name, fail, len(a.calls), tt.code)
			}
			continue
		}
		if fail != nil {
			t.Errorf("%s: %v", name, fail)
			continue
		}
		var got struct{ TextBody string }
		if err := json.Unmarshal(a.last(t).Body, &got); err != nil || got.TextBody != tt.want {
			t.Errorf("%s: %q, want %q", name, got.TextBody, tt.want)
		}
	}
}

func TestSend_NeedsCredentialsAndAddresses(t *testing.T) {
	t.Parallel()
	for name, s := range services {
		a := s.taken
		if _, fail := send(t, name, &a, outgoing(nil, hookswitch.Message{Text: "x"}, nil)); fail == nil || fail.Code != "no_provider" {
			t.Errorf("%s without credentials: %v", name, fail)
		}
		for _, to := range []string{"+15551234567", "a@b.example, c@d.example", "x@y.example\r\nBcc: z@y.example", "Ana <a@b.example>", "@"} {
			if _, fail := send(t, name, &a, outgoing(s.c, hookswitch.Message{Text: "x", To: to}, nil)); fail == nil || fail.Code != "invalid_recipient" {
				t.Errorf("%s to %q: %v", name, to, fail)
			}
		}
		out := outgoing(s.c, hookswitch.Message{Text: "x"}, nil)
		delete(out.Route.Credentials, "address")
		if _, fail := send(t, name, &a, out); fail == nil || fail.Code != "no_provider" {
			t.Errorf("%s without an address: %v", name, fail)
		}
		out.Route.Channel = hookswitch.SMS
		if _, fail := send(t, name, &a, out); fail == nil || fail.Code != "unsupported_type" {
			t.Errorf("%s on another channel: %v", name, fail)
		}
		if len(a.calls) > 0 {
			t.Errorf("%s was called", name)
		}
		if _, err := s.make(email.Options{}).Send(t.Context(), outgoing(s.c, hookswitch.Message{Text: "x"}, nil)); err == nil {
			t.Errorf("%s sends without HTTP", name)
		}
		out = outgoing(s.c, hookswitch.Message{Text: "x", From: "shop@acme.example"}, nil)
		delete(out.Route.Credentials, "address")
		if _, fail := send(t, name, &a, out); fail != nil || len(a.calls) != 1 {
			t.Errorf("%s does not answer from the address that was written to: %v", name, fail)
		}
	}
}

func TestSend_ErrorsOfTheServices(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		service        string
		status         int
		body           string
		header         http.Header
		code, category string
		temporary      bool
		unknown        bool
		wait           time.Duration
	}{
		{"postmark", 401, `{"ErrorCode":10,"Message":"Bad or missing Server API token."}`, nil, "10", "auth", false, false, 0},
		{"postmark", 422, `{"ErrorCode":300,"Message":"Invalid 'To' address."}`, nil, "300", "permanent", false, false, 0},
		{"postmark", 422, `{"ErrorCode":400,"Message":"The 'From' address is no Sender Signature"}`, nil, "400", "auth", false, false, 0},
		{"postmark", 422, `{"ErrorCode":406,"Message":"You tried to send to recipient(s) that have been marked as inactive."}`, nil, "406", "recipient", false, false, 0},
		{"postmark", 503, `{"ErrorCode":100,"Message":"Maintenance"}`, nil, "100", "temporary", true, false, 0},
		{"postmark", 429, ``, http.Header{"Retry-After": {"7"}}, "http_429", "rate_limit", true, false, 7 * time.Second},
		{"postmark", 500, `<html>`, nil, "http_500", "temporary", false, true, 0},
		{"postmark", 200, `{"ErrorCode":0}`, nil, "bad_answer", "temporary", false, true, 0},
		{"postmark", 200, `{"ErrorCode":405,"Message":"no credits"}`, nil, "405", "auth", false, false, 0},
		{"sendgrid", 400, `{"errors":[{"message":"does not contain a valid address.","field":"from.email","help":null}]}`, nil, "http_400", "permanent", false, false, 0},
		{"sendgrid", 401, `{"errors":[{"message":"The provided authorization grant is invalid","field":null}]}`, nil, "http_401", "auth", false, false, 0},
		{"sendgrid", 403, `{"errors":[{"message":"The from address does not match a verified Sender Identity."}]}`, nil, "http_403", "auth", false, false, 0},
		{"sendgrid", 413, ``, nil, "http_413", "permanent", false, false, 0},
		{"sendgrid", 429, `{"errors":[{"message":"too many requests"}]}`, http.Header{"X-Ratelimit-Reset": {"1795176042"}, "Date": {"Fri, 20 Nov 2026 12:00:00 GMT"}}, "http_429", "rate_limit", true, false, 42 * time.Second},
		{"sendgrid", 500, ``, nil, "http_500", "temporary", false, true, 0},
		{"mailgun", 400, `{"message":"'to' parameter is not a valid address"}`, nil, "http_400", "permanent", false, false, 0},
		{"mailgun", 401, `Forbidden`, nil, "http_401", "auth", false, false, 0},
		{"mailgun", 402, `{"message":"payment required"}`, nil, "http_402", "auth", false, false, 0},
		{"mailgun", 404, `{"message":"Domain not found: x"}`, nil, "http_404", "auth", false, false, 0},
		{"mailgun", 429, `{"message":"too many"}`, http.Header{"Retry-After": {"99999999"}}, "http_429", "rate_limit", true, false, time.Hour},
		{"mailgun", 502, ``, nil, "http_502", "temporary", false, true, 0},
		{"mailgun", 200, `{}`, nil, "bad_answer", "temporary", false, true, 0},
		{"resend", 400, `{"statusCode":400,"name":"validation_error","message":"bad"}`, nil, "validation_error", "permanent", false, false, 0},
		{"resend", 403, `{"statusCode":403,"name":"invalid_api_key","message":"API key is invalid"}`, nil, "invalid_api_key", "auth", false, false, 0},
		{"resend", 409, `{"statusCode":409,"name":"concurrent_idempotent_requests","message":"in progress"}`, nil, "concurrent_idempotent_requests", "temporary", true, false, 0},
		{"resend", 409, `{"statusCode":409,"name":"invalid_idempotent_request","message":"other body"}`, nil, "invalid_idempotent_request", "permanent", false, false, 0},
		{"resend", 422, `{"statusCode":422,"name":"invalid_from_address","message":"x"}`, nil, "invalid_from_address", "auth", false, false, 0},
		{"resend", 429, `{"statusCode":429,"name":"rate_limit_exceeded","message":"slow"}`, http.Header{"Retry-After": {"1"}}, "rate_limit_exceeded", "rate_limit", true, false, time.Second},
		{"resend", 429, `{"statusCode":429,"name":"daily_quota_exceeded","message":"enough"}`, nil, "daily_quota_exceeded", "rate_limit", false, false, 0},
		{"resend", 500, `{"statusCode":500,"name":"application_error","message":"oops"}`, nil, "application_error", "temporary", true, false, 0},
		{"resend", 200, `{}`, nil, "bad_answer", "temporary", true, false, 0},
	} {
		a := &api{status: tt.status, body: tt.body, header: tt.header}
		_, e := send(t, tt.service, a, outgoing(services[tt.service].c, hookswitch.Message{Text: "x"}, nil))
		if e == nil || e.Code != tt.code || e.Category != tt.category || e.Temporary != tt.temporary || e.Unknown != tt.unknown || e.RetryAfter != tt.wait || e.Message == "" {
			t.Errorf("%s %d %s: %+v", tt.service, tt.status, tt.body, e)
		}
	}
}

func TestSend_TellsCallsNotMadeFromAnswersNotReceived(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for name, s := range services {
		for _, tt := range []struct {
			err                error
			code               string
			temporary, unknown bool
		}{
			{&safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: cause}, "connection_refused", true, false},
			{&safehttp.Error{Code: safehttp.CodeBlockedAddress, Err: cause}, "blocked_address", false, false},
			{&safehttp.Error{Code: safehttp.CodeTimeout, Err: cause, Written: true}, "no_answer", s.repeat, !s.repeat},
			{cause, "no_answer", s.repeat, !s.repeat},
		} {
			_, e := send(t, name, &api{err: tt.err}, outgoing(s.c, hookswitch.Message{Text: "x"}, nil))
			if e == nil || e.Code != tt.code || e.Temporary != tt.temporary || e.Unknown != tt.unknown || !errors.Is(e, cause) {
				t.Errorf("%s, %v: %+v", name, tt.err, e)
			}
		}
	}
}

func TestSend_TheSameMailIsTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, s := range services {
		bodies := map[string]bool{}
		for range 5 {
			a := s.taken
			out := thread(s.c)
			out.Message.Content = json.RawMessage(`{"attachments":[{"filename":"a.txt","content":"aGk="}]}`)
			if _, fail := send(t, name, &a, out); fail != nil {
				t.Fatal(name, fail)
			}
			bodies[string(a.last(t).Body)] = true
		}
		if len(bodies) != 1 {
			t.Errorf("%s was called with %d different bodies", name, len(bodies))
		}
	}
}

func TestSend_Regions(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{"postmark": {"api.postmarkapp.com", "api.postmarkapp.com"}, "sendgrid": {"api.sendgrid.com", "api.eu.sendgrid.com"},
		"mailgun": {"api.mailgun.net", "api.eu.mailgun.net"}, "resend": {"api.resend.com", "api.resend.com"}} {
		s := services[name]
		for i, region := range []string{"", "EU"} {
			a := s.taken
			out := outgoing(s.c, hookswitch.Message{Text: "x"}, nil)
			out.Route.Credentials["region"] = []string{region}
			if _, err := s.make(email.Options{HTTP: &a}).Send(t.Context(), out); err != nil {
				t.Fatal(err)
			}
			if u := a.last(t).URL; u.Scheme != "https" || u.Host != want[i] {
				t.Errorf("%s in %q: %s", name, region, u)
			}
		}
	}
}
