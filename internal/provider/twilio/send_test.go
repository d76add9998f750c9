package twilio_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// api stands in for the REST API: it keeps the last request and gives one answer.
type api struct {
	status int
	header http.Header
	body   string
	err    error
	got    *safehttp.Request
}

func (a *api) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	a.got = r
	if a.err != nil {
		return nil, a.err
	}
	return &safehttp.Response{Status: a.status, Header: a.header, Body: []byte(a.body)}, nil
}

const created = `{"sid":"SM0000000000000000000000000000OUT1","status":"queued","error_code":null,"error_message":null,"num_segments":"1"}`

// outgoing is a message to send on the channel from +12028831111.
func outgoing(ch hookswitch.Channel, m hookswitch.Message) *hookswitch.Outgoing {
	m.To = "+14133881111"
	return &hookswitch.Outgoing{
		Ref: "msg_1", Message: &m, Callback: "https://gw.example.test/in/snd_1/" + string(ch),
		Route: &hookswitch.Route{
			Channel: ch, Provider: "twilio", Address: "+12028831111",
			Credentials: hookswitch.Credentials{"account_sid": {"AC1"}, "auth_token": {"TEST-TOKEN", "new"}},
		},
	}
}

// sent is the parameters of the call that sends out, which must succeed.
func sent(t *testing.T, out *hookswitch.Outgoing) (url.Values, *safehttp.Request) {
	t.Helper()
	a := &api{status: 201, body: created}
	if _, err := twilio.New(twilio.Options{HTTP: a}).Send(t.Context(), out); err != nil {
		t.Fatalf("%s: %v", out.Message.Type, err)
	}
	form, err := url.ParseQuery(string(a.got.Body))
	if err != nil {
		t.Fatal(err)
	}
	return form, a.got
}

func sendError(t *testing.T, a *api, out *hookswitch.Outgoing) *hookswitch.SendError {
	t.Helper()
	accepted, err := twilio.New(twilio.Options{HTTP: a}).Send(t.Context(), out)
	var e *hookswitch.SendError
	if !errors.As(err, &e) {
		t.Fatalf("accepted %+v, error %v; want a SendError", accepted, err)
	}
	if strings.Contains(err.Error(), "TEST-TOKEN") {
		t.Errorf("the error shows the token: %v", err)
	}
	if e.Code == "" || e.Message == "" || e.Category == "" {
		t.Errorf("%+v does not explain itself", e)
	}
	return e
}

func TestSend_CallsTheAPI(t *testing.T) {
	t.Parallel()
	a := &api{status: 201, body: created}
	accepted, err := twilio.New(twilio.Options{HTTP: a}).Send(t.Context(), outgoing(hookswitch.SMS, hookswitch.Message{Text: "Hi & \"you\" + 👋"}))
	if err != nil || accepted != (hookswitch.Accepted{ProviderID: "SM0000000000000000000000000000OUT1"}) {
		t.Fatalf("accepted %+v, %v", accepted, err)
	}
	if got, want := a.got.Method+" "+a.got.URL.String(), "POST https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wantHeader := []safehttp.Field{
		{Name: "Authorization", Value: "Basic QUMxOlRFU1QtVE9LRU4="},
		{Name: "Content-Type", Value: "application/x-www-form-urlencoded"},
		{Name: "Accept", Value: "application/json"},
	}
	if diff := cmp.Diff(wantHeader, a.got.Header); diff != "" {
		t.Errorf("header: -want +got\n%s", diff)
	}
	form, _ := url.ParseQuery(string(a.got.Body))
	want := url.Values{
		"To": {"+14133881111"}, "From": {"+12028831111"}, "Body": {"Hi & \"you\" + 👋"},
		"StatusCallback": {"https://gw.example.test/in/snd_1/sms?ref=msg_1#rc=3&rp=all"},
	}
	if diff := cmp.Diff(want, form); diff != "" {
		t.Errorf("parameters: -want +got\n%s", diff)
	}
	if !a.got.Once {
		t.Error("a request that may have arrived would be sent a second time")
	}
}

func TestSend_UsesTheCredentialsThatThereAre(t *testing.T) {
	t.Parallel()
	out := outgoing(hookswitch.WhatsApp, hookswitch.Message{Text: "hi"})
	out.Route.Credentials = hookswitch.Credentials{
		"account_sid": {"../AC1"}, "auth_token": {"T"}, "api_key_sid": {"SK1"}, "api_key_secret": {"S"}, "messaging_service_sid": {"MG1"},
	}
	a := &api{status: 201, body: created}
	if _, err := twilio.New(twilio.Options{BaseURL: "http://127.0.0.1:9/twilio/", HTTP: a}).Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got, want := a.got.URL.String(), "http://127.0.0.1:9/twilio/2010-04-01/Accounts/..%2FAC1/Messages.json"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := a.got.Header[0].Value; got != "Basic U0sxOlM=" {
		t.Errorf("authorization %s", got)
	}
	form, _ := url.ParseQuery(string(a.got.Body))
	if form.Get("MessagingServiceSid") != "MG1" || form.Has("From") || form.Get("To") != "whatsapp:+14133881111" {
		t.Errorf("parameters %v", form)
	}
}

func TestSend_WritesEachType(t *testing.T) {
	t.Parallel()
	const id = "HXaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, tt := range map[string]struct {
		ch                 hookswitch.Channel
		typ, text, content string
		want               map[string]string
	}{
		"SMS":                  {hookswitch.SMS, "text", "hi", "", map[string]string{"Body": "hi"}},
		"MMS":                  {hookswitch.SMS, "image", "look", `{"mediaUrl":"https://x.test/a.jpg?a=1&b=2"}`, map[string]string{"Body": "look", "MediaUrl": "https://x.test/a.jpg?a=1&b=2"}},
		"MMS without a text":   {hookswitch.SMS, "audio", "", `{"mediaUrl":"http://x.test/a.mp3"}`, map[string]string{"MediaUrl": "http://x.test/a.mp3"}},
		"MMS, sound with text": {hookswitch.SMS, "audio", "listen", `{"mediaUrl":"https://x.test/a.mp3"}`, map[string]string{"Body": "listen", "MediaUrl": "https://x.test/a.mp3"}},
		"template by SMS":      {hookswitch.SMS, "template", "", `{"contentSid":"` + id + `"}`, map[string]string{"ContentSid": id}},
		"WhatsApp":             {hookswitch.WhatsApp, "", "hi", "", map[string]string{"Body": "hi"}},
		"document":             {hookswitch.WhatsApp, "document", "yours", `{"mediaUrl":"https://x.test/a.pdf","filename":"a.pdf"}`, map[string]string{"Body": "yours", "MediaUrl": "https://x.test/a.pdf"}},
		"sticker":              {hookswitch.WhatsApp, "sticker", "", `{"mediaUrl":"https://x.test/a.webp"}`, map[string]string{"MediaUrl": "https://x.test/a.webp"}},
		"location": {
			hookswitch.WhatsApp, "location", "", `{"latitude":-1.2920650,"longitude":36.82,"locationName":"HQ","locationAddress":"1 Way"}`,
			map[string]string{"Body": "HQ", "PersistentAction": "geo:-1.2920650,36.82|1 Way"},
		},
		"location without a name": {hookswitch.WhatsApp, "location", "", `{"latitude":0,"longitude":"1.5"}`, map[string]string{"Body": "0, 1.5", "PersistentAction": "geo:0,1.5"}},
		"template": {
			hookswitch.WhatsApp, "template", "", `{"templateId":"tpl_1","templateName":"` + id + `","templateLanguage":"en","templateVariables":{"2":"b<&>","1":"a"}}`,
			map[string]string{"ContentSid": id, "ContentVariables": `{"1":"a","2":"b\u003c\u0026\u003e"}`},
		},
	} {
		form, _ := sent(t, outgoing(tt.ch, hookswitch.Message{Type: tt.typ, Text: tt.text, Content: []byte(tt.content)}))
		got := map[string]string{}
		for k := range form {
			if k != "To" && k != "From" && k != "StatusCallback" {
				got[k] = form.Get(k)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestSend_RefusesWhatItCannotSay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ch                       hookswitch.Channel
		typ, text, content, code string
	}{
		"no text":                    {hookswitch.SMS, "text", "", "", "invalid_content"},
		"too long":                   {hookswitch.SMS, "text", strings.Repeat("ä", 1601), "", "text_too_long"},
		"long caption":               {hookswitch.SMS, "image", strings.Repeat("a", 1601), `{"mediaUrl":"https://x.test/a"}`, "text_too_long"},
		"a file by its id":           {hookswitch.SMS, "image", "", `{"mediaId":"12"}`, "invalid_content"},
		"a file of this machine":     {hookswitch.SMS, "image", "", `{"mediaUrl":"file:///etc/passwd"}`, "invalid_content"},
		"content of another form":    {hookswitch.SMS, "image", "", `{"mediaUrl":7}`, "invalid_content"},
		"sound with text":            {hookswitch.WhatsApp, "audio", "hi", `{"mediaUrl":"https://x.test/a"}`, "invalid_content"},
		"a place by SMS":             {hookswitch.SMS, "location", "", `{"latitude":1,"longitude":2}`, "unsupported_type"},
		"half a place":               {hookswitch.WhatsApp, "location", "", `{"latitude":1}`, "invalid_content"},
		"buttons":                    {hookswitch.WhatsApp, "buttons", "?", `{"buttons":[{"id":"y","title":"Yes"}]}`, "unsupported_type"},
		"list":                       {hookswitch.WhatsApp, "list", "?", `{}`, "unsupported_type"},
		"link":                       {hookswitch.SMS, "cta_url", "?", `{}`, "unsupported_type"},
		"contact":                    {hookswitch.WhatsApp, "contact", "", `{}`, "unsupported_type"},
		"reaction":                   {hookswitch.WhatsApp, "reaction", "", `{"emoji":"👍"}`, "unsupported_type"},
		"location request":           {hookswitch.WhatsApp, "location_request", "?", "", "unsupported_type"},
		"a call":                     {hookswitch.Voice, "text", "hi", "", "unsupported_type"},
		"template of another":        {hookswitch.WhatsApp, "template", "", `{"templateName":"order_update"}`, "invalid_content"},
		"template, digits missing":   {hookswitch.WhatsApp, "template", "", `{"templateName":"HX123"}`, "invalid_content"},
		"template, blanks of a head": {hookswitch.WhatsApp, "template", "", `{"contentSid":"HX` + strings.Repeat("a", 32) + `","templateHeaderVariables":{"1":"x"}}`, "invalid_content"},
	} {
		a := &api{status: 201, body: created}
		e := sendError(t, a, outgoing(tt.ch, hookswitch.Message{Type: tt.typ, Text: tt.text, Content: []byte(tt.content)}))
		if e.Code != tt.code || e.Temporary || e.Unknown || a.got != nil {
			t.Errorf("%s: %+v, called %t; want %s", name, e, a.got != nil, tt.code)
		}
	}
}

func TestSend_NeedsSomebodyToSendToAndFrom(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*hookswitch.Outgoing)
		code   string
	}{
		"no recipient":   {func(o *hookswitch.Outgoing) { o.Message.To = "" }, "invalid_recipient"},
		"a word":         {func(o *hookswitch.Outgoing) { o.Message.To = "ACME" }, "invalid_recipient"},
		"more than one":  {func(o *hookswitch.Outgoing) { o.Message.To = "+15551234567,+15551234568" }, "invalid_recipient"},
		"a user id, SMS": {func(o *hookswitch.Outgoing) { o.Message.To = "US.1234" }, "invalid_recipient"},
		"no number":      {func(o *hookswitch.Outgoing) { o.Route.Address = "" }, "no_provider"},
		"no account":     {func(o *hookswitch.Outgoing) { delete(o.Route.Credentials, "account_sid") }, "no_provider"},
		"no token":       {func(o *hookswitch.Outgoing) { delete(o.Route.Credentials, "auth_token") }, "no_provider"},
		"half a key": {func(o *hookswitch.Outgoing) {
			o.Route.Credentials = hookswitch.Credentials{"account_sid": {"AC1"}, "api_key_sid": {"SK1"}}
		}, "no_provider"},
	} {
		out := outgoing(hookswitch.SMS, hookswitch.Message{Text: "hi"})
		tt.change(out)
		a := &api{status: 201, body: created}
		if e := sendError(t, a, out); e.Code != tt.code || e.Temporary || a.got != nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
	out := outgoing(hookswitch.WhatsApp, hookswitch.Message{Text: "hi"})
	out.Message.To = "US.1234"
	if form, _ := sent(t, out); form.Get("To") != "whatsapp:US.1234" {
		t.Errorf("to %s", form.Get("To"))
	}
	var e *hookswitch.SendError
	if _, err := twilio.New(twilio.Options{}).Send(t.Context(), outgoing(hookswitch.SMS, hookswitch.Message{Text: "hi"})); !errors.As(err, &e) || e.Code != "no_provider" {
		t.Errorf("without a client: %v", err)
	}
}

func TestSend_AsksForReportsWhereTwilioCanReachUs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, callback, want string }{
		{"", "https://gw.example.test/in/snd_1/sms", "https://gw.example.test/in/snd_1/sms?ref=msg_1#rc=3&rp=all"},
		{"", "https://gw.example.test/p/in/snd_1/sms?a=b", "https://gw.example.test/p/in/snd_1/sms?a=b&ref=msg_1#rc=3&rp=all"},
		{"", "http://127.0.0.1:8420/in/snd_1/sms", ""},
		{"", "http://localhost:8420/in/snd_1/sms", ""},
		{"", "http://[::1]:8420/in/snd_1/sms", ""},
		{"", "", ""},
		{"http://127.0.0.1:9000", "http://127.0.0.1:8420/in/snd_1/sms", "http://127.0.0.1:8420/in/snd_1/sms?ref=msg_1#rc=3&rp=all"},
	} {
		a := &api{status: 201, body: created}
		out := outgoing(hookswitch.SMS, hookswitch.Message{Text: "hi"})
		out.Callback = tt.callback
		accepted, err := twilio.New(twilio.Options{BaseURL: tt.base, HTTP: a}).Send(t.Context(), out)
		if err != nil {
			t.Fatal(err)
		}
		form, _ := url.ParseQuery(string(a.got.Body))
		if got := form.Get("StatusCallback"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.callback, got, tt.want)
		}
		// Of a message without reports its acceptance is the last we hear.
		if accepted.Sent != (tt.want == "") {
			t.Errorf("%s: sent %t", tt.callback, accepted.Sent)
		}
	}
}

func TestSend_TellsFailuresApart(t *testing.T) {
	t.Parallel()
	refusal := func(code string) string {
		return `{"code":` + code + `,"message":"Told by Twilio","more_info":"https://www.twilio.com/docs/errors/` + code + `","status":400}`
	}
	for name, tt := range map[string]struct {
		status             int
		retryAfter, body   string
		code, category     string
		temporary, unknown bool
		wait               time.Duration
	}{
		"bad number":           {400, "", refusal("21211"), "21211", "recipient", false, false, 0},
		"opted out":            {400, "", refusal("21610"), "21610", "recipient", false, false, 0},
		"region":               {400, "", refusal("21408"), "21408", "policy", false, false, 0},
		"landline":             {400, "", refusal("21614"), "21614", "recipient", false, false, 0},
		"credentials":          {401, "", refusal("20003"), "20003", "auth", false, false, 0},
		"no such account":      {404, "", refusal("20404"), "20404", "auth", false, false, 0},
		"too fast":             {429, "7", refusal("20429"), "20429", "rate_limit", true, false, 7 * time.Second},
		"too fast, a proxy":    {429, "", "<html>", "http_429", "rate_limit", true, false, 0},
		"queue full":           {400, "", refusal("21611"), "21611", "rate_limit", true, false, time.Minute},
		"WhatsApp's window":    {400, "", refusal("63016"), "63016", "window", false, false, 0},
		"WhatsApp's rate":      {400, "", refusal("63018"), "63018", "rate_limit", true, false, 0},
		"template":             {400, "", refusal("21656"), "21656", "template", false, false, 0},
		"a code nobody knows":  {400, "", refusal("21999"), "21999", "permanent", false, false, 0},
		"unreachable at once":  {400, "", refusal("30003"), "30003", "recipient", false, false, 0},
		"server":               {500, "", refusal("20500"), "20500", "temporary", false, true, 0},
		"a proxy":              {502, "", "<html>", "http_502", "temporary", false, true, 0},
		"forbidden":            {403, "", "", "http_403", "auth", false, false, 0},
		"without a reason":     {400, "", "{}", "http_400", "permanent", false, false, 0},
		"taken, under no name": {201, "", "{", "bad_answer", "temporary", false, true, 0},
		"made and failed":      {201, "", `{"sid":"SM1","status":"failed","error_code":30007,"error_message":"Filtered"}`, "30007", "policy", false, false, 0},
		"an age to wait":       {429, "99999999", "", "http_429", "rate_limit", true, false, time.Hour},
	} {
		a := &api{status: tt.status, header: http.Header{}, body: tt.body}
		if tt.retryAfter != "" {
			a.header.Set("Retry-After", tt.retryAfter)
		}
		e := sendError(t, a, outgoing(hookswitch.SMS, hookswitch.Message{Text: "hi"}))
		if e.Code != tt.code || e.Category != tt.category || e.Temporary != tt.temporary || e.Unknown != tt.unknown || e.RetryAfter != tt.wait || e.OptedOut != (tt.code == "21610") {
			t.Errorf("%s: %+v", name, *e)
		}
		if strings.Contains(tt.body, "Told by Twilio") && e.Message != "Told by Twilio" {
			t.Errorf("%s: %q", name, e.Message)
		}
	}
}

func TestSend_TellsACallThatWasNotMadeFromOneWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err                error
		temporary, unknown bool
	}{
		"refused connection": {&safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: errors.New("refused")}, true, false},
		"written":            {&safehttp.Error{Code: safehttp.CodeTimeout, Err: errors.New("late"), Written: true}, false, true},
		"something else":     {context.DeadlineExceeded, false, true},
		"blocked address":    {&safehttp.Error{Code: safehttp.CodeBlockedAddress, Err: errors.New("private")}, false, false},
	} {
		if e := sendError(t, &api{err: tt.err}, outgoing(hookswitch.SMS, hookswitch.Message{Text: "hi"})); e.Temporary != tt.temporary || e.Unknown != tt.unknown {
			t.Errorf("%s: %+v", name, *e)
		}
	}
}
