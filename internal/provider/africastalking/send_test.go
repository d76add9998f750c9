package africastalking_test

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
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// api stands in for Africa's Talking: it keeps the last request and gives one answer.
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

const takenBody = `{"SMSMessageData":{"Message":"Sent to 1/1 Total Cost: KES 0.8000","Recipients":[{"statusCode":101,"number":"+254712345678","status":"Success","cost":"KES 0.8000","messageId":"ATXid_1"}]}}`

func text(body string) *hookswitch.Outgoing {
	return &hookswitch.Outgoing{
		Ref: "msg_1",
		Route: &hookswitch.Route{Channel: hookswitch.SMS, Provider: "africastalking",
			Credentials: hookswitch.Credentials{"username": {"acme"}, "api_key": {"TEST-AT-API-KEY"}, "callback_key": {key}}},
		Message: &hookswitch.Message{Type: "text", To: "+254712345678", Text: body},
	}
}

func sent(t *testing.T, a *api) url.Values {
	t.Helper()
	form, err := url.ParseQuery(string(a.got.Body))
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func TestSend_CallsTheAPI(t *testing.T) {
	t.Parallel()
	a := &api{status: 201, body: takenBody}
	accepted, err := africastalking.New(africastalking.Options{HTTP: a}).Send(t.Context(), text("Hi & 100% “sure” 👋"))
	if err != nil || accepted != (hookswitch.Accepted{ProviderID: "ATXid_1", Sent: true}) {
		t.Fatalf("accepted %+v, %v", accepted, err)
	}
	if got, want := a.got.Method+" "+a.got.URL.String(), "POST https://api.africastalking.com/version1/messaging"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wantHeader := []safehttp.Field{
		{Name: "apiKey", Value: "TEST-AT-API-KEY"},
		{Name: "Content-Type", Value: "application/x-www-form-urlencoded"},
		{Name: "Accept", Value: "application/json"},
	}
	if diff := cmp.Diff(wantHeader, a.got.Header); diff != "" {
		t.Errorf("header: -want +got\n%s", diff)
	}
	want := url.Values{"username": {"acme"}, "to": {"+254712345678"}, "message": {"Hi & 100% “sure” 👋"}, "bulkSMSMode": {"1"}}
	if diff := cmp.Diff(want, sent(t, a)); diff != "" {
		t.Errorf("form: -want +got\n%s", diff)
	}
	if !a.got.Once {
		t.Error("a request that may have arrived would be sent a second time")
	}
}

func TestSend_GoesToTheAPIOfTheAccount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ base, username, keyword, want string }{
		{"", "acme", "", "https://api.africastalking.com/version1/messaging"},
		{"", "sandbox", "", "https://api.sandbox.africastalking.com/version1/messaging"},
		{"", "acme", "NEWS", "https://content.africastalking.com/version1/messaging"},
		{"http://127.0.0.1:9/at/", "sandbox", "", "http://127.0.0.1:9/at/version1/messaging"},
		{"http://127.0.0.1:9", "acme", "NEWS", "http://127.0.0.1:9/version1/messaging"},
	} {
		a := &api{status: 201, body: takenBody}
		out := text("hi")
		out.Route.Credentials["username"], out.Route.Credentials["keyword"] = []string{tt.username}, []string{tt.keyword}
		if _, err := africastalking.New(africastalking.Options{BaseURL: tt.base, HTTP: a}).Send(t.Context(), out); err != nil {
			t.Fatal(err)
		}
		if got := a.got.URL.String(); got != tt.want {
			t.Errorf("%+v: %s", tt, got)
		}
	}
}

func TestSend_AnswersAPremiumMessageByItsLink(t *testing.T) {
	t.Parallel()
	a := &api{status: 201, body: takenBody}
	out := text("hi")
	out.Route.Credentials["short_code"], out.Route.Credentials["keyword"] = []string{"21512"}, []string{"NEWS"}
	in := only(t, notification(t, smsDoor, "from=%2B254712345678&to=21512&id=1&text=NEWS&linkId=Link1"))
	out.Answers = &hookswitch.Message{Content: []byte(`{"linkId":"` + in.Message.Content["linkId"].(string) + `"}`)}
	if _, err := africastalking.New(africastalking.Options{HTTP: a}).Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	want := url.Values{"username": {"acme"}, "to": {"+254712345678"}, "message": {"hi"}, "bulkSMSMode": {"0"}, "from": {"21512"}, "keyword": {"NEWS"}, "linkId": {"Link1"}}
	if diff := cmp.Diff(want, sent(t, a)); diff != "" {
		t.Errorf("form: -want +got\n%s", diff)
	}
}

func sendError(t *testing.T, a *api, out *hookswitch.Outgoing) *hookswitch.SendError {
	t.Helper()
	p := africastalking.New(africastalking.Options{})
	if a != nil {
		p = africastalking.New(africastalking.Options{HTTP: a})
	}
	accepted, err := p.Send(t.Context(), out)
	var e *hookswitch.SendError
	if !errors.As(err, &e) {
		t.Fatalf("accepted %+v, error %v; want a SendError", accepted, err)
	}
	if strings.Contains(err.Error(), "TEST-AT-API-KEY") || e.Code == "" || e.Message == "" || e.Category == "" {
		t.Errorf("the error shows the key, or says too little: %+v", e)
	}
	return e
}

// recipients is an answer about one recipient.
func recipients(list string) string {
	return `{"SMSMessageData":{"Message":"Sent to 0/1 Total Cost: 0","Recipients":[` + list + `]}}`
}

func TestSend_JudgesAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status    int
		body      string
		code      string
		category  string
		temporary bool
		unknown   bool
	}{
		{201, recipients(`{"statusCode":403,"number":"+254","status":"InvalidPhoneNumber","cost":"0","messageId":"None"}`), "403", "recipient", false, false},
		{201, recipients(`{"statusCode":"405","number":"+254","status":"InsufficientBalance","cost":"0","messageId":"None"}`), "405", "balance", false, false},
		{201, recipients(`{"statusCode":406,"status":"UserInBlacklist"}`), "406", "recipient", false, false},
		{201, recipients(`{"statusCode":401,"status":"RiskHold","messageId":"ATXid_1"}`), "401", "policy", false, false},
		{201, recipients(`{"statusCode":501,"status":"GatewayError"}`), "501", "temporary", true, false},
		{201, recipients(`{"statusCode":499,"status":"SomethingNew"}`), "499", "permanent", false, false},
		{201, recipients(`{"statusCode":499}`), "499", "permanent", false, false},
		{201, recipients(`{"status":"UserInBlacklist"}`), "UserInBlacklist", "recipient", false, false},
		{201, recipients(`{}`), "bad_answer", "temporary", false, true},
		{201, recipients(`{"statusCode":101,"status":"Success","messageId":"None"}`), "bad_answer", "temporary", false, true},
		{201, recipients(`{"statusCode":102,"status":"Success"}`), "bad_answer", "temporary", false, true},
		{201, `{"SMSMessageData":{"Message":"InvalidSenderId","Recipients":[]}}`, "InvalidSenderId", "auth", false, false},
		{200, `{"SMSMessageData":{"Message":"Something new","Recipients":[]}}`, "Something new", "permanent", false, false},
		{201, `{"SMSMessageData":{"Recipients":[]}}`, "bad_answer", "temporary", false, true},
		{201, `{}`, "bad_answer", "temporary", false, true},
		{201, `{"SMSMessageData":{"Mess`, "bad_answer", "temporary", false, true},
		{201, "", "bad_answer", "temporary", false, true},
		{401, "The supplied authentication is invalid", "http_401", "auth", false, false},
		{400, "Must have username in your request", "http_400", "permanent", false, false},
		{429, "", "http_429", "rate_limit", true, false},
		{500, "<html>", "http_500", "temporary", false, true},
		{502, takenBody, "http_502", "temporary", false, true},
	} {
		e := sendError(t, &api{status: tt.status, body: tt.body}, text("hi"))
		if e.Code != tt.code || e.Category != tt.category || e.Temporary != tt.temporary || e.Unknown != tt.unknown || e.OptedOut != strings.Contains(tt.body, "UserInBlacklist") {
			t.Errorf("%d %s\n got %+v\nwant %+v", tt.status, tt.body, e, tt)
		}
	}
}

func TestSend_WaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	for asked, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "-1": 0, "soon": 0, "99999": time.Hour} {
		e := sendError(t, &api{status: 429, header: http.Header{"Retry-After": {asked}}}, text("hi"))
		if e.RetryAfter != want || !e.Temporary {
			t.Errorf("Retry-After %q: %s, want %s", asked, e.RetryAfter, want)
		}
	}
}

func TestSend_AcceptsNumbersAsTexts(t *testing.T) {
	t.Parallel()
	for code, sent := range map[string]bool{"100": false, `"101"`: true, "102": false, `"102"`: false} {
		a := &api{status: 201, body: recipients(`{"statusCode":` + code + `,"status":"Success","cost":0.8,"messageId":"ATXid_9"}`)}
		accepted, err := africastalking.New(africastalking.Options{HTTP: a}).Send(t.Context(), text("hi"))
		if err != nil || accepted.ProviderID != "ATXid_9" || accepted.Sent != sent {
			t.Errorf("%s: %+v, %v", code, accepted, err)
		}
	}
}

func TestSend_TellsAMissingAnswerFromACallThatWasNotMade(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err                error
		temporary, unknown bool
	}{
		{&safehttp.Error{Code: safehttp.CodeConnectionRefused}, true, false},
		{&safehttp.Error{Code: safehttp.CodeDNSFailed}, true, false},
		{&safehttp.Error{Code: safehttp.CodeTimeout, Written: true}, false, true},
		{&safehttp.Error{Code: safehttp.CodeBlockedAddress, Err: errors.New("blocked")}, false, false},
		{errors.New("odd"), false, true},
	} {
		e := sendError(t, &api{err: tt.err}, text("hi"))
		if e.Temporary != tt.temporary || e.Unknown != tt.unknown || !errors.Is(e, tt.err) {
			t.Errorf("%v: %+v", tt.err, e)
		}
	}
}

func TestSend_RefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		change func(*hookswitch.Outgoing)
		code   string
	}{
		{func(o *hookswitch.Outgoing) { o.Message.Type = "image" }, "unsupported_type"},
		{func(o *hookswitch.Outgoing) { o.Message.Type = "reaction" }, "unsupported_type"},
		{func(o *hookswitch.Outgoing) { o.Message.Type = "buttons" }, "unsupported_type"},
		{func(o *hookswitch.Outgoing) { o.Route.Channel = hookswitch.USSD }, "unsupported_type"},
		{func(o *hookswitch.Outgoing) { o.Route.Channel = hookswitch.Voice }, "unsupported_type"},
		{func(o *hookswitch.Outgoing) { o.Message.Text = " " }, "invalid_content"},
		{func(o *hookswitch.Outgoing) { o.Message.Type, o.Message.Text = "template", "" }, "invalid_content"},
		{func(o *hookswitch.Outgoing) { o.Message.Text = strings.Repeat("é", 1601) }, "text_too_long"},
		{func(o *hookswitch.Outgoing) { o.Message.To = "0712345678" }, "invalid_recipient"},
		{func(o *hookswitch.Outgoing) { o.Message.To = "+254711,+254722" }, "invalid_recipient"},
		{func(o *hookswitch.Outgoing) { delete(o.Route.Credentials, "api_key") }, "no_provider"},
		{func(o *hookswitch.Outgoing) { delete(o.Route.Credentials, "username") }, "no_provider"},
	} {
		a, out := &api{status: 201, body: takenBody}, text("hi")
		tt.change(out)
		e := sendError(t, a, out)
		if e.Code != tt.code || e.Temporary || e.Unknown || a.got != nil {
			t.Errorf("got %+v, want %s and no call", e, tt.code)
		}
	}
	if e := sendError(t, nil, text("hi")); e.Code != "no_provider" {
		t.Errorf("without a client: %+v", e)
	}
	a := &api{status: 201, body: takenBody}
	out := text(strings.Repeat("é", 1600))
	out.Message.Type = "template" // its words have been put in by whoever knows it
	if _, err := africastalking.New(africastalking.Options{HTTP: a}).Send(t.Context(), out); err != nil {
		t.Error(err)
	}
}
