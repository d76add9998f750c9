package meta_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
)

const directAccepted = `{"recipient_id":"` + person + `","message_id":"m_OUT"}`

func direct(ch hookswitch.Channel, m hookswitch.Message) *hookswitch.Outgoing {
	m.To = person
	return &hookswitch.Outgoing{Ref: "msg_1", Message: &m, Route: &hookswitch.Route{Channel: ch, Provider: "meta",
		Credentials: hookswitch.Credentials{"access_token": {"EAAtoken"}, "page_id": {pageID}}}}
}

func TestSend_CallsTheSendAPI(t *testing.T) {
	t.Parallel()
	const text = `"message":{"text":"Hi <b> 👋"`
	tests := []struct {
		name        string
		channel     hookswitch.Channel
		credentials hookswitch.Credentials
		url, body   string
	}{
		{"messenger", hookswitch.Messenger, hookswitch.Credentials{"access_token": {"EAAtoken"}, "page_id": {pageID}},
			"https://graph.facebook.com/v23.0/" + pageID + "/messages", `{"recipient":{"id":"` + person + `"},"messaging_type":"RESPONSE",` + text + `,"metadata":"hookswitch:msg_1"},"reply_to":{"mid":"m_IN"}}`},
		{"messenger, the token's page", hookswitch.Messenger, hookswitch.Credentials{"access_token": {"EAAtoken"}},
			"https://graph.facebook.com/v23.0/me/messages", `{"recipient":{"id":"` + person + `"},"messaging_type":"RESPONSE",` + text + `,"metadata":"hookswitch:msg_1"},"reply_to":{"mid":"m_IN"}}`},
		{"instagram of a page", hookswitch.Instagram, hookswitch.Credentials{"access_token": {"EAAtoken"}, "page_id": {pageID}, "ig_user_id": {"17841405822304914"}},
			"https://graph.facebook.com/v23.0/" + pageID + "/messages", `{"recipient":{"id":"` + person + `"},` + text + `},"reply_to":{"mid":"m_IN"}}`},
		{"instagram of a page, the token's", hookswitch.Instagram, hookswitch.Credentials{"access_token": {"EAAtoken"}, "ig_user_id": {"17841405822304914"}},
			"https://graph.facebook.com/v23.0/me/messages", `{"recipient":{"id":"` + person + `"},` + text + `},"reply_to":{"mid":"m_IN"}}`},
		{"instagram by its own login", hookswitch.Instagram, hookswitch.Credentials{"access_token": {"IGAAtoken"}, "ig_user_id": {"17841405822304914"}},
			"https://graph.instagram.com/v23.0/17841405822304914/messages", `{"recipient":{"id":"` + person + `"},` + text + `},"reply_to":{"mid":"m_IN"}}`},
		{"instagram by its own login, the token's", hookswitch.Instagram, hookswitch.Credentials{"access_token": {"IGAAtoken"}},
			"https://graph.instagram.com/v23.0/me/messages", `{"recipient":{"id":"` + person + `"},` + text + `},"reply_to":{"mid":"m_IN"}}`},
	}
	for _, tt := range tests {
		g := &graph{status: 200, body: directAccepted}
		out := direct(tt.channel, hookswitch.Message{Type: "text", Text: "Hi <b> 👋"})
		out.Route.Credentials, out.ReplyTo = tt.credentials, "m_IN"
		accepted, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), out)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if accepted != (hookswitch.Accepted{ProviderID: "m_OUT", Sent: true}) {
			t.Errorf("%s: accepted %+v, want it to count as sent", tt.name, accepted)
		}
		if got := g.got.Method + " " + g.got.URL.String(); got != "POST "+tt.url || !g.got.Once {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.url)
		}
		if got := string(g.got.Body); got != tt.body {
			t.Errorf("%s: body\n got %s\nwant %s", tt.name, got, tt.body)
		}
	}
}

func TestSend_AnOverriddenAddressHoldsForInstagramToo(t *testing.T) {
	t.Parallel()
	g := &graph{status: 200, body: directAccepted}
	out := direct(hookswitch.Instagram, hookswitch.Message{Text: "hi"})
	out.Route.Credentials = hookswitch.Credentials{"access_token": {"IGAAtoken"}, "ig_user_id": {"../x"}}
	if _, err := meta.New(meta.Options{BaseURL: "http://127.0.0.1:9/g", HTTP: g}).Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got := g.got.URL.String(); got != "http://127.0.0.1:9/g/v23.0/..%2Fx/messages" {
		t.Errorf("got %s", got)
	}
}

// sentDirect is the message of the call for m.
func sentDirect(t *testing.T, ch hookswitch.Channel, m hookswitch.Message) string {
	t.Helper()
	g := &graph{status: 200, body: directAccepted}
	out := direct(ch, m)
	out.Ref = ""
	if _, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), out); err != nil {
		t.Errorf("%s: %v", m.Type, err)
		return ""
	}
	_, message, _ := strings.Cut(string(g.got.Body), `"message":`)
	return strings.TrimSuffix(message, "}")
}

func TestSend_WritesEachDirectType(t *testing.T) {
	t.Parallel()
	const template = `{"attachment":{"type":"template","payload":`
	longRow := strings.Repeat("r", 21)
	tests := []struct{ name, typ, text, content, want string }{
		{"no type", "", "hi", "", `{"text":"hi"}`},
		{"image", "image", "", `{"mediaUrl":"https://x.test/a.jpg?a=1&b=2"}`, `{"attachment":{"type":"image","payload":{"url":"https://x.test/a.jpg?a=1&b=2"}}}`},
		{"video by id", "video", "", `{"mediaId":"12","mediaUrl":"https://x.test/a.mp4"}`, `{"attachment":{"type":"video","payload":{"attachment_id":"12"}}}`},
		{"audio", "audio", "", `{"mediaUrl":"https://x.test/a.mp3"}`, `{"attachment":{"type":"audio","payload":{"url":"https://x.test/a.mp3"}}}`},
		{"buttons", "buttons", "Sure?", `{"buttons":[{"id":"y","title":"Yes"},{"id":"n","title":"No"}]}`,
			template + `{"template_type":"button","text":"Sure?","buttons":[{"type":"postback","title":"Yes","payload":"y"},{"type":"postback","title":"No","payload":"n"}]}}}`},
		{"buttons with a footer", "buttons", "Sure?", `{"buttons":[{"id":"y","title":"Yes"}],"footerText":"F"}`,
			template + `{"template_type":"button","text":"Sure?\n\nF","buttons":[{"type":"postback","title":"Yes","payload":"y"}]}}}`},
		{"four buttons", "buttons", "Which?", `{"buttons":[{"id":"1","title":"A"},{"id":"2","title":"B"},{"id":"3","title":"C"},{"id":"4","title":"D"}]}`,
			`{"text":"Which?","quick_replies":[{"content_type":"text","title":"A","payload":"1"},{"content_type":"text","title":"B","payload":"2"},{"content_type":"text","title":"C","payload":"3"},{"content_type":"text","title":"D","payload":"4"}]}`},
		{"buttons under a long text", "buttons", strings.Repeat("x", 641), `{"buttons":[{"id":"1","title":"A"}]}`,
			`{"text":"` + strings.Repeat("x", 641) + `","quick_replies":[{"content_type":"text","title":"A","payload":"1"}]}`},
		{"short list", "list", "Pick", `{"listButton":"Open","sections":[{"rows":[{"id":"1","title":"One"},{"id":"2","title":"Two"}]}]}`,
			`{"text":"Pick","quick_replies":[{"content_type":"text","title":"One","payload":"1"},{"content_type":"text","title":"Two","payload":"2"}]}`},
		{"list with descriptions", "list", "Pick", `{"listButton":"Open","sections":[{"title":"A","rows":[{"id":"1","title":"One","description":"first"},{"id":"2","title":"Two"}]}]}`,
			template + `{"template_type":"generic","elements":[{"title":"Pick","subtitle":"Open"},` +
				`{"title":"One","subtitle":"first","buttons":[{"type":"postback","title":"Open","payload":"1"}]},{"title":"Two","subtitle":"A","buttons":[{"type":"postback","title":"Open","payload":"2"}]}]}}}`},
		{"list with a long title", "list", "Pick", `{"listButton":"Open","footerText":"F","sections":[{"rows":[{"id":"1","title":"` + longRow + `"}]}]}`,
			template + `{"template_type":"generic","elements":[{"title":"Pick","subtitle":"F"},{"title":"` + longRow + `","buttons":[{"type":"postback","title":"Open","payload":"1"}]}]}}}`},
		{"link", "cta_url", "Go", `{"ctaUrl":"https://x.test","ctaDisplayText":"Open","footerText":"F"}`,
			template + `{"template_type":"button","text":"Go\n\nF","buttons":[{"type":"web_url","title":"Open","url":"https://x.test"}]}}}`},
		{"link with an image above", "cta_url", "Go", `{"ctaUrl":"https://x.test","ctaDisplayText":"Open","ctaHeaderType":"image","ctaHeaderMediaUrl":"https://x.test/a.jpg"}`,
			template + `{"template_type":"generic","elements":[{"title":"Go","image_url":"https://x.test/a.jpg","buttons":[{"type":"web_url","title":"Open","url":"https://x.test"}]}]}}}`},
	}
	for _, tt := range tests {
		for _, ch := range []hookswitch.Channel{hookswitch.Messenger, hookswitch.Instagram} {
			if got := sentDirect(t, ch, hookswitch.Message{Type: tt.typ, Text: tt.text, Content: []byte(tt.content)}); got != tt.want {
				t.Errorf("%s on %s\n got %s\nwant %s", tt.name, ch, got, tt.want)
			}
		}
	}
	if got, want := sentDirect(t, hookswitch.Messenger, hookswitch.Message{Type: "document", Content: []byte(`{"mediaUrl":"https://x.test/a.pdf"}`)}),
		`{"attachment":{"type":"file","payload":{"url":"https://x.test/a.pdf"}}}`; got != want {
		t.Errorf("document: got %s, want %s", got, want)
	}
	if got, want := sentDirect(t, hookswitch.Messenger, hookswitch.Message{Type: "request_contact_info", Text: "Your number?"}),
		`{"text":"Your number?","quick_replies":[{"content_type":"user_phone_number"}]}`; got != want {
		t.Errorf("contact info: got %s, want %s", got, want)
	}
}

func TestSend_ReactsWithoutAMessage(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		`{"emoji":"👍","reactToMessageId":"m_IN"}`: `{"recipient":{"id":"` + person + `"},"sender_action":"react","payload":{"message_id":"m_IN","reaction":"👍"}}`,
		`{"reactToMessageId":"m_IN"}`:             `{"recipient":{"id":"` + person + `"},"sender_action":"unreact","payload":{"message_id":"m_IN"}}`,
	} {
		g := &graph{status: 200, body: `{"recipient_id":"` + person + `"}`}
		accepted, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), direct(hookswitch.Messenger, hookswitch.Message{Type: "reaction", Content: []byte(content)}))
		if err != nil || accepted != (hookswitch.Accepted{Sent: true}) || string(g.got.Body) != want {
			t.Errorf("%s: accepted %+v, %v, body %s", content, accepted, err, g.got.Body)
		}
	}
}

func TestSend_TagsOnlyWhatPeopleHaveWritten(t *testing.T) {
	t.Parallel()
	tagged := hookswitch.Message{Text: "Sorry for the wait", Content: []byte(`{"messageTag":"HUMAN_AGENT"}`)}
	for _, ch := range []hookswitch.Channel{hookswitch.Messenger, hookswitch.Instagram} {
		g := &graph{status: 200, body: directAccepted}
		if _, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), direct(ch, tagged)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(g.got.Body), `"messaging_type":"MESSAGE_TAG","tag":"HUMAN_AGENT"`) {
			t.Errorf("%s: body %s", ch, g.got.Body)
		}
	}
	automatic := tagged
	automatic.InReplyTo = 7
	other := tagged
	other.Content = []byte(`{"messageTag":"CONFIRMED_EVENT_UPDATE"}`)
	for _, m := range []hookswitch.Message{automatic, other} {
		g := &graph{status: 200, body: directAccepted}
		if e := sendError(t, g, direct(hookswitch.Messenger, m)); e.Code != "invalid_content" || g.calls != 0 {
			t.Errorf("%s in reply to %d: got %+v after %d calls", m.Content, m.InReplyTo, e, g.calls)
		}
	}
}

func TestSend_RefusesDirectMessagesWithoutACall(t *testing.T) {
	t.Parallel()
	rows := func(n int) string {
		return strings.TrimSuffix(strings.Repeat(`{"id":"1","title":"1","description":"d"},`, n), ",")
	}
	buttons := func(n int) string { return strings.TrimSuffix(strings.Repeat(`{"id":"1","title":"1"},`, n), ",") }
	const messenger, instagram = hookswitch.Messenger, hookswitch.Instagram
	tests := []struct {
		name, code string
		channel    hookswitch.Channel
		m          hookswitch.Message
	}{
		{"no text", "invalid_content", messenger, hookswitch.Message{}},
		{"long text", "text_too_long", messenger, hookswitch.Message{Text: strings.Repeat("ä", 2001)}},
		{"many bytes", "text_too_long", instagram, hookswitch.Message{Text: strings.Repeat("ä", 501)}},
		{"picture with a text", "invalid_content", messenger, hookswitch.Message{Type: "image", Text: "x", Content: []byte(`{"mediaId":"1"}`)}},
		{"no media", "invalid_content", messenger, hookswitch.Message{Type: "image"}},
		{"document", "unsupported_type", instagram, hookswitch.Message{Type: "document", Content: []byte(`{"mediaId":"1"}`)}},
		{"contact info", "unsupported_type", instagram, hookswitch.Message{Type: "request_contact_info", Text: "x"}},
		{"sticker", "unsupported_type", messenger, hookswitch.Message{Type: "sticker", Content: []byte(`{"mediaId":"1"}`)}},
		{"location", "unsupported_type", messenger, hookswitch.Message{Type: "location", Content: []byte(`{"latitude":1,"longitude":2}`)}},
		{"contact", "unsupported_type", instagram, hookswitch.Message{Type: "contact", Content: []byte(`{"contacts":[{"name":"a"}]}`)}},
		{"location request", "unsupported_type", messenger, hookswitch.Message{Type: "location_request", Text: "x"}},
		{"template", "unsupported_type", messenger, hookswitch.Message{Type: "template", Content: []byte(`{"templateName":"a","templateLanguage":"en"}`)}},
		{"content of another form", "invalid_content", messenger, hookswitch.Message{Type: "image", Content: []byte(`{"mediaId":1}`)}},
		{"no buttons", "invalid_content", messenger, hookswitch.Message{Type: "buttons", Text: "x"}},
		{"buttons without a text", "invalid_content", messenger, hookswitch.Message{Type: "buttons", Content: []byte(`{"buttons":[` + buttons(1) + `]}`)}},
		{"many buttons", "invalid_content", messenger, hookswitch.Message{Type: "buttons", Text: "x", Content: []byte(`{"buttons":[` + buttons(14) + `]}`)}},
		{"long button", "invalid_content", messenger, hookswitch.Message{Type: "buttons", Text: "x", Content: []byte(`{"buttons":[{"id":"1","title":"123456789012345678901"}]}`)}},
		{"list without a text", "invalid_content", messenger, hookswitch.Message{Type: "list", Content: []byte(`{"listButton":"o","sections":[{"rows":[` + rows(1) + `]}]}`)}},
		{"list without rows", "invalid_content", messenger, hookswitch.Message{Type: "list", Text: "x", Content: []byte(`{"listButton":"o"}`)}},
		{"list without a button", "invalid_content", messenger, hookswitch.Message{Type: "list", Text: "x", Content: []byte(`{"sections":[{"rows":[` + rows(1) + `]}]}`)}},
		{"long list", "invalid_content", messenger, hookswitch.Message{Type: "list", Text: "x", Content: []byte(`{"listButton":"o","sections":[{"rows":[` + rows(10) + `]}]}`)}},
		{"list with a long text", "text_too_long", messenger, hookswitch.Message{Type: "list", Text: strings.Repeat("x", 81), Content: []byte(`{"listButton":"o","sections":[{"rows":[` + rows(1) + `]}]}`)}},
		{"row without a title", "invalid_content", messenger, hookswitch.Message{Type: "list", Text: "x", Content: []byte(`{"listButton":"o","sections":[{"rows":[{"id":"1"}]}]}`)}},
		{"link without a target", "invalid_content", messenger, hookswitch.Message{Type: "cta_url", Text: "x", Content: []byte(`{"ctaDisplayText":"o"}`)}},
		{"link with a video above", "invalid_content", messenger, hookswitch.Message{Type: "cta_url", Text: "x", Content: []byte(`{"ctaUrl":"u","ctaDisplayText":"o","ctaHeaderType":"video","ctaHeaderMediaUrl":"v"}`)}},
		{"link with a long text", "text_too_long", messenger, hookswitch.Message{Type: "cta_url", Text: strings.Repeat("x", 641), Content: []byte(`{"ctaUrl":"u","ctaDisplayText":"o"}`)}},
		{"reaction to nothing", "invalid_content", messenger, hookswitch.Message{Type: "reaction", Content: []byte(`{"emoji":"x"}`)}},
	}
	for _, tt := range tests {
		g := &graph{status: 200, body: directAccepted}
		e := sendError(t, g, direct(tt.channel, tt.m))
		if e.Code != tt.code || e.Temporary || e.Unknown || e.Message == "" || e.Category == "" || g.calls != 0 {
			t.Errorf("%s: got %+v after %d calls, want the code %s", tt.name, e, g.calls, tt.code)
		}
	}
	for _, to := range []string{"USER_PSID", "t-12.3:4", strings.Repeat("1", 128)} { // Meta promises no form of its ids
		g := &graph{status: 200, body: directAccepted}
		out := direct(messenger, hookswitch.Message{Text: "x"})
		out.Message.To = to
		if _, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), out); err != nil || g.calls != 1 {
			t.Errorf("to %q: %v after %d calls", to, err, g.calls)
		}
	}
	for _, to := range []string{"", "+254712345678", "a@x.test", "a b", "a\n", "\u00e9", strings.Repeat("1", 129)} {
		out := direct(messenger, hookswitch.Message{Text: "x"})
		out.Message.To = to
		if e := sendError(t, &graph{}, out); e.Code != "invalid_recipient" {
			t.Errorf("to %q: got %+v", to, e)
		}
	}
	out := direct(messenger, hookswitch.Message{Text: "x"})
	delete(out.Route.Credentials, "access_token")
	if e := sendError(t, &graph{}, out); e.Code != "no_provider" {
		t.Errorf("no token: got %+v", e)
	}
	for ch, text := range map[hookswitch.Channel]string{messenger: strings.Repeat("ä", 2000), instagram: strings.Repeat("ä", 500)} {
		if got := sentDirect(t, ch, hookswitch.Message{Text: text}); !strings.Contains(got, text) {
			t.Errorf("a text of just the limit on %s: %.40s", ch, got)
		}
	}
}

func TestSend_DecidesByTheCodesOfTheSendAPI(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]hookswitch.SendError{
		`"code":10,"error_subcode":2018278`:  {Code: "10", Category: "window"},
		`"code":10,"error_subcode":2534022`:  {Code: "10", Category: "window"},
		`"code":10`:                          {Code: "10", Category: "auth"},
		`"code":100,"error_subcode":2018001`: {Code: "100", Category: "recipient"},
		`"code":100`:                         {Code: "100", Category: "permanent"},
		`"code":551,"error_subcode":1545041`: {Code: "551", Category: "recipient"},
		`"code":551`:                         {Code: "551", Category: "recipient"},
		`"code":190,"error_subcode":463`:     {Code: "190", Category: "auth", Revoked: true},
		`"code":200`:                         {Code: "200", Category: "auth"},
		`"code":230`:                         {Code: "230", Category: "auth"},
		`"code":368`:                         {Code: "368", Category: "policy", Revoked: true},
		`"code":613`:                         {Code: "613", Category: "rate_limit", Temporary: true, Account: true},
		`"code":4`:                           {Code: "4", Category: "rate_limit", Temporary: true, Account: true},
		`"code":32`:                          {Code: "32", Category: "rate_limit", Temporary: true, Account: true},
		`"code":80006`:                       {Code: "80006", Category: "rate_limit", Temporary: true, Account: true},
		`"code":2`:                           {Code: "2", Category: "temporary", Temporary: true},
		`"code":1200`:                        {Code: "1200", Category: "temporary", Temporary: true},
	} {
		want.Message = "(#1) Said"
		g := &graph{status: 400, body: `{"error":{"message":"(#1) Said","type":"OAuthException",` + members + `,"fbtrace_id":"A"}}`}
		if diff := cmp.Diff(&want, sendError(t, g, direct(hookswitch.Messenger, hookswitch.Message{Text: "hi"}))); diff != "" {
			t.Errorf("%s: -want +got\n%s", members, diff)
		}
	}
	for _, body := range []string{``, `{"recipient_id":"1"}`, `{"message_id":""}`, directAccepted[:len(directAccepted)-1]} {
		if e := sendError(t, &graph{status: 200, body: body}, direct(hookswitch.Instagram, hookswitch.Message{Text: "hi"})); e.Code != "bad_answer" || !e.Unknown {
			t.Errorf("%q: got %+v", body, e)
		}
	}
}

func TestAttend_MarksAsReadAndShowsTyping(t *testing.T) {
	t.Parallel()
	m := &hookswitch.Message{ProviderID: "wamid.IN", From: person}
	tests := []struct {
		channel hookswitch.Channel
		typing  bool
		want    string
	}{
		{hookswitch.WhatsApp, false, `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.IN"}`},
		{hookswitch.WhatsApp, true, `{"messaging_product":"whatsapp","status":"read","message_id":"wamid.IN","typing_indicator":{"type":"text"}}`},
		{hookswitch.Messenger, false, `{"recipient":{"id":"` + person + `"},"sender_action":"mark_seen"}`},
		{hookswitch.Instagram, true, `{"recipient":{"id":"` + person + `"},"sender_action":"typing_on"}`},
	}
	credentials := hookswitch.Credentials{"access_token": {"EAAtoken"}, "page_id": {pageID}, "phone_number_id": {"77"}}
	for _, tt := range tests {
		g := &graph{status: 200, body: `{"success":true}`}
		err := meta.New(meta.Options{HTTP: g}).Attend(t.Context(), &hookswitch.Route{Channel: tt.channel, Credentials: credentials}, m, tt.typing)
		if err != nil || string(g.got.Body) != tt.want {
			t.Errorf("%s, typing %t: %v, body %s", tt.channel, tt.typing, err, g.got.Body)
		}
	}
	var e *hookswitch.SendError
	g := &graph{status: 400, body: `{"error":{"code":131009,"message":"no such message"}}`}
	if err := meta.New(meta.Options{HTTP: g}).Attend(t.Context(), &hookswitch.Route{Channel: hookswitch.WhatsApp, Credentials: credentials}, m, true); !errors.As(err, &e) || e.Code != "131009" {
		t.Errorf("refused: %v", err)
	}
	for ch, m := range map[hookswitch.Channel]*hookswitch.Message{hookswitch.WhatsApp: {From: "+1"}, hookswitch.Messenger: {From: "+1"}, hookswitch.SMS: {ProviderID: "1"}} {
		g := &graph{status: 200}
		if err := meta.New(meta.Options{HTTP: g}).Attend(t.Context(), &hookswitch.Route{Channel: ch, Credentials: credentials}, m, true); !errors.As(err, &e) || g.calls != 0 {
			t.Errorf("%s: %v after %d calls", ch, err, g.calls)
		}
	}
}
