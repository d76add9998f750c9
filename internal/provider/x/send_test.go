package x_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/x"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

const (
	directBody = `{"data":{"dm_conversation_id":"1-55","dm_event_id":"1812345678901234567"}}`
	postedBody = `{"data":{"id":"1812345678901234568","text":"hi"}}`
)

var now = time.Unix(1700000000, 0)

func outgoing(m hookswitch.Message) *hookswitch.Outgoing {
	if m.To == "" {
		m.To = "55"
	}
	return &hookswitch.Outgoing{Ref: "msg_1", Message: &m, Route: &hookswitch.Route{Channel: hookswitch.X, Provider: "x",
		Credentials: hookswitch.Credentials{"access_token": {"TEST-X-TOKEN"}, "consumer_secret": {"TEST-X-CONSUMER"}}}}
}

func text(body string) *hookswitch.Outgoing {
	return outgoing(hookswitch.Message{Type: "text", Text: body})
}

func send(t *testing.T, a *providertest.API, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	t.Helper()
	return x.New(x.Options{HTTP: a, Now: func() time.Time { return now }}).Send(t.Context(), out)
}

func sendError(t *testing.T, a *providertest.API, out *hookswitch.Outgoing) *hookswitch.SendError {
	t.Helper()
	accepted, err := send(t, a, out)
	var e *hookswitch.SendError
	if !errors.As(err, &e) {
		t.Fatalf("accepted %+v, error %v; want a SendError", accepted, err)
	}
	if strings.Contains(err.Error(), "TEST-X") {
		t.Errorf("the error shows a secret: %v", err)
	}
	return e
}

func TestSend_SendsADirectMessage(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 201, Body: directBody}
	accepted, err := send(t, a, text("Hi <b> & \"you\" 👋"))
	if err != nil {
		t.Fatal(err)
	}
	if accepted != (hookswitch.Accepted{ProviderID: "1812345678901234567", Sent: true}) {
		t.Errorf("accepted %+v", accepted)
	}
	if got, want := a.Got.Method+" "+a.Got.URL.String(), "POST https://api.x.com/2/dm_conversations/with/55/messages"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wantHeader := []safehttp.Field{
		{Name: "Authorization", Value: "Bearer TEST-X-TOKEN"}, {Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: "application/json"},
	}
	if diff := cmp.Diff(wantHeader, a.Got.Header); diff != "" {
		t.Errorf("header: -want +got\n%s", diff)
	}
	if got, want := string(a.Got.Body), `{"text":"Hi <b> & \"you\" 👋"}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
	if !a.Got.Once {
		t.Error("a request that may have arrived would be sent a second time")
	}
}

func TestSend_AnswersAPostUnderThePost(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 201, Body: postedBody}
	out := text("Thank you")
	out.Answers = &hookswitch.Message{From: "55", ProviderID: "1812345678901234500", Content: json.RawMessage(`{"kind":"mention","postUrl":"https://x.com/ada/status/1"}`)}
	accepted, err := send(t, a, out)
	if err != nil || accepted != (hookswitch.Accepted{ProviderID: "1812345678901234568", Sent: true}) {
		t.Fatalf("accepted %+v, %v", accepted, err)
	}
	if got, want := a.Got.URL.String()+" "+string(a.Got.Body), `https://api.x.com/2/tweets {"text":"Thank you","reply":{"in_reply_to_tweet_id":"1812345678901234500"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	out.Message.Type, out.Message.Content = "image", json.RawMessage(`{"mediaId":"77"}`)
	if _, err := send(t, a, out); err != nil {
		t.Fatal(err)
	}
	if got, want := string(a.Got.Body), `{"text":"Thank you","reply":{"in_reply_to_tweet_id":"1812345678901234500"},"media":{"media_ids":["77"]}}`; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
}

func TestSend_AnswersADirectMessageDirectly(t *testing.T) {
	t.Parallel()
	for _, answered := range []*hookswitch.Message{
		nil,
		{ProviderID: "900"},
		{ProviderID: "900", Content: json.RawMessage(`{"kind":"dm"}`)},
		{ProviderID: "900", Content: json.RawMessage(`{"kind":7}`)},
		{ProviderID: "", Content: json.RawMessage(`{"kind":"mention"}`)},
		{ProviderID: "../900", Content: json.RawMessage(`{"kind":"mention"}`)},
	} {
		a := &providertest.API{Status: 201, Body: directBody}
		out := text("hi")
		out.Answers = answered
		if _, err := send(t, a, out); err != nil || a.Got.URL.Path != "/2/dm_conversations/with/55/messages" {
			t.Errorf("answering %+v: called %s, %v", answered, a.Got.URL, err)
		}
	}
}

func TestSend_WritesWhatXTakes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ typ, text, content, want string }{
		"no type":  {"", "hi", "", `{"text":"hi"}`},
		"template": {"template", "hi Ada", `{"templateId":"tpl_1"}`, `{"text":"hi Ada"}`},
		"picture":  {"image", "look", `{"mediaId":"77","mediaUrl":"https://x.test/a.jpg"}`, `{"text":"look","attachments":[{"media_id":"77"}]}`},
		"film":     {"video", "", `{"mediaId":"77"}`, `{"attachments":[{"media_id":"77"}]}`},
	} {
		a := &providertest.API{Status: 201, Body: directBody}
		if _, err := send(t, a, outgoing(hookswitch.Message{Type: tt.typ, Text: tt.text, Content: json.RawMessage(tt.content)})); err != nil || string(a.Got.Body) != tt.want {
			t.Errorf("%s: %s, %v; want %s", name, a.Got.Body, err, tt.want)
		}
	}
}

func TestSend_RefusesWhatXCannotCarryWithoutACall(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typ, to, text, content, code string }{
		{"audio", "audio", "", "", `{"mediaId":"1"}`, "unsupported_type"},
		{"document", "document", "", "", `{"mediaId":"1"}`, "unsupported_type"},
		{"sticker", "sticker", "", "", `{"mediaId":"1"}`, "unsupported_type"},
		{"location", "location", "", "", `{"latitude":1,"longitude":2}`, "unsupported_type"},
		{"contact", "contact", "", "", `{}`, "unsupported_type"},
		{"buttons", "buttons", "", "hi", `{}`, "unsupported_type"},
		{"list", "list", "", "hi", `{}`, "unsupported_type"},
		{"reaction", "reaction", "", "", `{"emoji":"👍"}`, "unsupported_type"},
		{"template without a text", "template", "", "", `{}`, "unsupported_type"},
		{"no text", "text", "", "", "", "invalid_content"},
		{"long text", "text", "", strings.Repeat("é", 10_001), "", "text_too_long"},
		{"picture elsewhere", "image", "", "", `{"mediaUrl":"https://x.test/a.jpg"}`, "invalid_content"},
		{"odd contents", "image", "", "", `{"mediaId":{}}`, "invalid_content"},
		{"somebody by name", "text", "@ada", "hi", "", "invalid_recipient"},
		{"a path", "text", "../tweets", "hi", "", "invalid_recipient"},
		{"a long number", "text", strings.Repeat("1", 20), "hi", "", "invalid_recipient"},
	}
	for _, tt := range tests {
		a := &providertest.API{Status: 201, Body: directBody}
		e := sendError(t, a, outgoing(hookswitch.Message{Type: tt.typ, To: tt.to, Text: tt.text, Content: json.RawMessage(tt.content)}))
		if e.Code != tt.code || e.Temporary || e.Unknown || e.Message == "" || a.Calls != 0 {
			t.Errorf("%s: %+v after %d calls, want %s", tt.name, e, a.Calls, tt.code)
		}
	}
}

func TestSend_NeedsTheAccountsToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]hookswitch.Credentials{
		"none":                     {"consumer_secret": {"s"}},
		"a secret without the app": {"access_token": {"t"}, "access_token_secret": {"s"}, "consumer_secret": {"s"}},
		"a key without its secret": {"access_token": {"t"}, "access_token_secret": {"s"}, "consumer_key": {"k"}},
	} {
		a, out := &providertest.API{}, text("hi")
		out.Route.Credentials = c
		if e := sendError(t, a, out); e.Code != "no_provider" || e.Category != "auth" || a.Calls != 0 {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	_, err := x.New(x.Options{}).Send(t.Context(), text("hi"))
	var e *hookswitch.SendError
	if !errors.As(err, &e) || e.Code != "no_provider" {
		t.Errorf("without a client: %v", err)
	}
}

func TestSend_TellsFailuresApart(t *testing.T) {
	t.Parallel()
	problem := func(kind, title, detail string) string {
		return `{"title":"` + title + `","detail":"` + detail + `","type":"` + kind + `","status":400}`
	}
	window := func(reset time.Duration, more ...string) http.Header {
		h := http.Header{}
		h.Set("x-rate-limit-reset", strconv.FormatInt(now.Add(reset).Unix(), 10))
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	tomorrow := strconv.FormatInt(now.Add(20*time.Hour).Unix(), 10)
	const temporary, unknown = "temporary", "unknown"
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		code   string
		cat    string
		kind   string
		wait   time.Duration
	}{
		{"too much", 429, window(9 * time.Minute), problem("about:blank", "Too Many Requests", "Too Many Requests"), "http_429", "rate_limit", temporary, 9 * time.Minute},
		{"too much today", 429, window(9*time.Minute, "x-user-limit-24hour-remaining", "0", "x-user-limit-24hour-reset", tomorrow), "", "http_429", "rate_limit", temporary, 20 * time.Hour},
		{"not too much today", 429, window(9*time.Minute, "x-user-limit-24hour-remaining", "5", "x-user-limit-24hour-reset", tomorrow), "", "http_429", "rate_limit", temporary, 9 * time.Minute},
		{"a window that is over", 429, window(-time.Minute), "", "http_429", "rate_limit", temporary, 0},
		{"an odd window", 429, http.Header{"X-Rate-Limit-Reset": {"9223372036854775807"}}, "", "http_429", "rate_limit", temporary, 24 * time.Hour},
		{"a plain wait", 429, http.Header{"Retry-After": {"30"}}, "", "http_429", "rate_limit", temporary, 30 * time.Second},
		{"the month is used up", 429, nil, problem("https://api.x.com/2/problems/usage-capped", "UsageCapExceeded", "Monthly product cap"), "usage-capped", "policy", "", 0},
		{"too busy", 503, nil, problem("about:blank", "Service Unavailable", "Over capacity"), "http_503", "temporary", temporary, 0},
		{"trouble", 500, nil, `{"errors":[{"code":131,"message":"Internal error"}]}`, "131", "temporary", unknown, 0},
		{"a proxy's trouble", 502, nil, "<html>", "http_502", "temporary", unknown, 0},
		{"wrong token", 401, nil, problem("about:blank", "Unauthorized", "Unauthorized"), "http_401", "auth", "", 0},
		{"old error of the token", 401, nil, `{"errors":[{"code":89,"message":"Invalid or expired token."}]}`, "89", "auth", "", 0},
		{"our clock is wrong", 401, nil, `{"errors":[{"code":135,"message":"Timestamp out of bounds."}]}`, "135", "auth", "", 0},
		{"the app may not", 403, nil, problem("https://api.x.com/2/problems/client-forbidden", "Client Forbidden", "not enrolled"), "client-forbidden", "auth", "", 0},
		{"the person does not want it", 403, nil, problem("about:blank", "Forbidden", "You do not have permission to DM one or more participants."), "recipient_refuses", "recipient", "", 0},
		{"the same, in the old form", 403, nil, `{"errors":[{"code":349,"message":"You cannot send messages to this user."}]}`, "recipient_refuses", "recipient", "", 0},
		{"said before", 403, nil, problem("about:blank", "Forbidden", "You are not allowed to create a Tweet with duplicate content."), "duplicate_content", "policy", "", 0},
		{"the post is gone", 403, nil, problem("about:blank", "Forbidden", "You attempted to reply to a Tweet that is deleted or not visible to you."), "post_gone", "recipient", "", 0},
		{"forbidden otherwise", 403, nil, problem("about:blank", "Forbidden", "something new"), "http_403", "policy", "", 0},
		{"nobody", 404, nil, problem("https://api.x.com/2/problems/resource-not-found", "Not Found Error", "Could not find user"), "resource-not-found", "recipient", "", 0},
		{"wrong", 400, nil, `{"errors":[{"message":"text is missing","parameters":{}}],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.x.com/2/problems/invalid-request"}`, "invalid-request", "permanent", "", 0},
		{"wrong in an odd form", 400, nil, `{"errors":"none"}`, "http_400", "permanent", "", 0},
		{"taken without a word", 201, nil, "", "bad_answer", "temporary", unknown, 0},
		{"taken under no id", 200, nil, `{"data":{}}`, "bad_answer", "temporary", unknown, 0},
	}
	for _, tt := range tests {
		e := sendError(t, &providertest.API{Status: tt.status, Body: tt.body, Header: tt.header}, text("hi"))
		kind := map[bool]string{e.Temporary: temporary, e.Unknown: unknown}[true]
		if e.Code != tt.code || e.Category != tt.cat || kind != tt.kind || e.RetryAfter != tt.wait || e.Message == "" || e.Revoked != (tt.status == 401 && tt.code != "135") {
			t.Errorf("%s: got %+v, want %s %s %s %s", tt.name, e, tt.code, tt.cat, tt.kind, tt.wait)
		}
	}
}

func TestSend_KnowsWhetherARequestMayHaveArrived(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err                error
		temporary, unknown bool
	}{
		"not connected": {&safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: errors.New("x")}, true, false},
		"blocked":       {&safehttp.Error{Code: safehttp.CodeBlockedAddress, Err: errors.New("x")}, false, false},
		"cut off":       {&safehttp.Error{Code: safehttp.CodeConnectionReset, Written: true, Err: errors.New("x")}, false, true},
		"something":     {errors.New("x"), false, true},
	} {
		if e := sendError(t, &providertest.API{Err: tt.err}, text("hi")); e.Temporary != tt.temporary || e.Unknown != tt.unknown || !errors.Is(e, tt.err) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
