package respond_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/webhook"
)

const botSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func bot(t testing.TB, s *standIn, more object, opts ...respond.Options) hookswitch.Responder {
	t.Helper()
	return remoteResponder(t, object{"kind": "http", "url": s.URL + "/bot?tenant=1", "secret": botSecret}, more, opts...)
}

// question is a turn as the service makes it.
func question() *hookswitch.Turn {
	return &hookswitch.Turn{
		App: "app_1", Sender: "snd_1", Conversation: "conv_1", MessageID: "msg_1", Channel: hookswitch.SMS, From: "+254712345678", ProfileName: "Zoë <b>", Text: "What is <my> balance?",
		Type: "text", ReplyID: "btn", Unsolved: 2, State: "s1", At: noon.Add(-time.Second),
		History: []hookswitch.Line{
			{Direction: hookswitch.Inbound, Type: "text", Text: "oldest", At: noon.Add(-3 * time.Minute)},
			{Direction: hookswitch.Inbound, Type: "image", At: noon.Add(-2 * time.Minute)},
			{Direction: hookswitch.Outbound, Type: "text", Text: "Hello!", Answer: true, At: noon.Add(-time.Minute)},
		},
	}
}

func TestHTTP_SendsTheTurnSigned(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(200, `{"text":"5 shillings"}`))
	reply, err := bot(t, s, object{"history": 2, "headers": object{"X-Tenant": "acme"}}).Respond(t.Context(), question())
	if err != nil || reply != (hookswitch.Reply{Text: "5 shillings"}) {
		t.Fatalf("got %+v, %v", reply, err)
	}
	got := s.only(t)
	if got.path != "POST /bot?tenant=1" || got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Tenant") != "acme" || got.header.Get("webhook-id") != "msg_1" {
		t.Errorf("got %s with %v", got.path, got.header)
	}
	secret, err := webhook.ParseSecret(botSecret)
	if err != nil {
		t.Fatal(err)
	}
	if want := webhook.Sign("msg_1", noon, got.body, secret); got.header.Get("webhook-signature") != want || got.header.Get("webhook-timestamp") != "1741953600" {
		t.Errorf("signed as %s at %s, want %s", got.header.Get("webhook-signature"), got.header.Get("webhook-timestamp"), want)
	}
	want := object{
		"id": "msg_1", "appId": "app_1", "senderId": "snd_1", "conversationId": "conv_1", "messageId": "msg_1", "channel": "sms", "from": "+254712345678", "profileName": "Zoë <b>",
		"text": "What is <my> balance?", "messageType": "text", "replyId": "btn", "first": false, "opens": false, "state": "s1", "unsolved": 2.0, "timestamp": "2025-03-14T11:59:59.000Z",
		"limits": object{"characters": 160.0, "tokens": 140.0},
		"history": []any{
			object{"direction": "inbound", "messageType": "image", "text": "", "timestamp": "2025-03-14T11:58:00.000Z"},
			object{"direction": "outbound", "messageType": "text", "text": "Hello!", "timestamp": "2025-03-14T11:59:00.000Z"},
		},
	}
	if d := cmp.Diff(want, s.json(t)); d != "" {
		t.Errorf("body (-want +got):\n%s", d)
	}
	if !strings.Contains(string(got.body), "<my>") {
		t.Errorf("the body escapes what JSON need not: %s", got.body)
	}
}

func TestHTTP_NamesATurnWithoutAMessage(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(200, `{"text":"Welcome"}`))
	r := bot(t, s, nil)
	for range 2 {
		if _, err := r.Respond(t.Context(), &hookswitch.Turn{Conversation: "conv_1", Channel: hookswitch.Voice, Opens: true, At: noon}); err != nil {
			t.Fatal(err)
		}
	}
	a, b := s.requests[0].header.Get("webhook-id"), s.requests[1].header.Get("webhook-id")
	if !strings.HasPrefix(a, "conv_1-") || a != b || strings.Contains(a, ".") {
		t.Errorf("got ids %q and %q, want the same one of the conversation", a, b)
	}
}

func TestHTTP_ReadsAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		want   hookswitch.Reply
	}{
		{"text", 200, `{"text":"hi"}`, hookswitch.Reply{Text: "hi"}},
		{"everything", 201, `{"text":"bye","end":true,"handover":true,"unsolved":true,"state":"x","more":[1]}`,
			hookswitch.Reply{Text: "bye", End: true, Handover: true, Unsolved: true, State: "x"}},
		{"no content", 204, "", hookswitch.Reply{}},
		{"empty", 200, " \r\n", hookswitch.Reply{}},
		{"empty object", 200, "{}", hookswitch.Reply{}},
		{"null", 200, "null", hookswitch.Reply{}},
		{"null text", 202, `{"text":null,"end":null}`, hookswitch.Reply{}},
		{"handover alone", 200, `{"handover":true}`, hookswitch.Reply{Handover: true}},
		{"control characters", 200, `{"text":"  a\u0000b\r\nc\u0007\td\u009b "}`, hookswitch.Reply{Text: "ab\nc\td"}},
		{"half a character", 200, "{\"text\":\"a\xff\\ud800b\"}", hookswitch.Reply{Text: "a\ufffd\ufffdb"}},
		{"over the cap", 200, `{"text":"` + strings.Repeat("word ", 60) + `"}`, hookswitch.Reply{Text: strings.TrimSpace(strings.Repeat("word ", 32))}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := bot(t, newStandIn(t, says(tt.status, tt.body)), nil).Respond(t.Context(), question())
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

// failure is the *ResponderError of an answer, which has to be one.
func failure(t *testing.T, r hookswitch.Responder, turn *hookswitch.Turn) *hookswitch.ResponderError {
	t.Helper()
	reply, err := r.Respond(t.Context(), turn)
	var fail *hookswitch.ResponderError
	if !errors.As(err, &fail) || reply != (hookswitch.Reply{Use: reply.Use}) {
		t.Fatalf("got %+v, %v; want a ResponderError", reply, err)
	}
	return fail
}

func TestHTTP_SaysWhetherAskingAgainMayHelp(t *testing.T) {
	t.Parallel()
	after := func(status int, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(status)
		}
	}
	tests := []struct {
		name      string
		answer    http.HandlerFunc
		permanent bool
		wait      time.Duration
		text      string
	}{
		{"bad request", says(400, `{"text":"never said"}`), true, 0, "refused with status 400"},
		{"gone", says(410, ""), true, 0, "status 410"},
		{"server error", says(500, "boom"), false, 0, "status 500"},
		{"busy", after(429, "7"), false, 7 * time.Second, "status 429"},
		{"busy until", after(503, noon.Add(30*time.Second).Format(http.TimeFormat)), false, 30 * time.Second, "status 503"},
		{"busy for an hour", after(429, "3600"), true, time.Hour, "status 429"},
		{"busy for ever", after(429, "1e300"), true, 1e6 * time.Second, "status 429"},
		{"busy in riddles", after(429, "NaN"), false, 0, "status 429"},
		{"request timeout", says(408, ""), false, 0, "status 408"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		}, true, 0, "redirects are not followed"},
		{"garbage", says(200, "<html>my PIN is 1234"), true, 0, "not an object"},
		{"text of another type", says(200, `{"text":{"a":1}}`), true, 0, "not an object"},
		{"list", says(200, `["hi"]`), true, 0, "not an object"},
		{"huge", says(200, `{"text":"`+strings.Repeat("x", 100_000)+`"}`), true, 0, "longer than 64 KiB"},
		{"huge state", says(200, `{"text":"x","state":"`+strings.Repeat("x", 17_000)+`"}`), true, 0, "state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, tt.answer)
			fail := failure(t, bot(t, s, nil), question())
			if fail.Permanent != tt.permanent || fail.RetryAfter != tt.wait || !strings.Contains(fail.Error(), tt.text) || strings.Contains(fail.Error(), "PIN") {
				t.Errorf("got %q, permanent %v, wait %v; want %q, %v, %v", fail, fail.Permanent, fail.RetryAfter, tt.text, tt.permanent, tt.wait)
			}
			s.only(t)
		})
	}
}

func TestHTTP_EndsWithItsTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	s := newStandIn(t, func(http.ResponseWriter, *http.Request) { <-release })
	_, err := bot(t, s, object{"timeout": "50ms"}).Respond(t.Context(), question())
	var fail *hookswitch.ResponderError
	if !errors.As(err, &fail) || fail.Permanent {
		t.Errorf("got %v, want a failure that may pass", err)
	}
	begun := newStandIn(t, func(w http.ResponseWriter, _ *http.Request) { // half an answer
		_, _ = w.Write([]byte(`{"text":"h`))
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	_, err = bot(t, begun, object{"timeout": "100ms"}).Respond(t.Context(), question())
	if !errors.As(err, &fail) || fail.Permanent {
		t.Errorf("half an answer: got %v, want a failure that may pass", err)
	}
}

func TestHTTP_NobodyThereMayPass(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := remoteResponder(t, object{"kind": "http", "url": "http://" + addr, "secret": botSecret}, nil)
	if fail := failure(t, r, question()); fail.Permanent {
		t.Errorf("got %v, want a failure that may pass", fail)
	}
}

func TestHTTP_IsGuarded(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(200, `{"text":"secret of the inside"}`))
	raw, _ := json.Marshal(object{"kind": "http", "url": s.URL, "secret": botSecret}) // can be encoded
	if err := respond.Validate(config(t, string(raw)), respond.Options{}); err == nil || !strings.Contains(err.Error(), "allow-networks") {
		t.Errorf("a private address: got %v, want a refusal that names the setting", err)
	}
	// A name that leads inside is found out when it is dialled.
	open := loopback(t)
	closed := open
	closed.HTTP = respondClient(t)
	r := bot(t, s, nil, closed)
	if fail := failure(t, r, question()); !fail.Permanent || len(s.requests) != 0 {
		t.Errorf("got %v and %d requests, want a refusal for good and none", fail, len(s.requests))
	}
	if fail := failure(t, bot(t, s, nil, respond.Options{Guard: open.Guard}), question()); !fail.Permanent {
		t.Errorf("without a client: got %v", fail)
	}
}

func TestHTTP_StopsWithTheCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	defer close(release)
	s := newStandIn(t, func(http.ResponseWriter, *http.Request) { cancel(); <-release })
	if _, err := bot(t, s, nil).Respond(ctx, question()); err == nil {
		t.Error("got an answer")
	}
}

func TestHTTP_ChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, raw, want string }{
		{"nothing", `{"kind":"http"}`, "url: must be the URL; secret: must be a secret"},
		{"plain http", `{"kind":"http","url":"http://bot.example.com","secret":"` + botSecret + `"}`, "url: must start with https://"},
		{"another scheme", `{"kind":"http","url":"file:///etc/passwd","secret":"` + botSecret + `"}`, "url: URL must begin"},
		{"metadata service", `{"kind":"http","url":"https://169.254.169.254/","secret":"` + botSecret + `"}`, "url: address 169.254.169.254 is in a range"},
		{"password", `{"kind":"http","url":"https://a:b@bot.example.com/","secret":"` + botSecret + `"}`, "url: must not contain a user name"},
		{"secret", `{"kind":"http","url":"https://bot.example.com","secret":"hush-hush!"}`, "secret: "},
		{"public half", `{"kind":"http","url":"https://bot.example.com","secret":"` + webhook.NewSigningKey().Public() + `"}`, "secret: cannot sign"},
		{"headers", `{"kind":"http","url":"https://bot.example.com","secret":"` + botSecret + `","headers":{"Host":"x"}}`, "headers: header Host"},
		{"our headers", `{"kind":"http","url":"https://bot.example.com","secret":"` + botSecret + `","headers":{"webhook-id":"x"}}`, "headers: header webhook-id is set"},
		{"line break", `{"kind":"http","url":"https://bot.example.com","secret":"` + botSecret + `","headers":{"A":"x\r\nB: y"}}`, "headers: value of header A"},
		{"time", `{"kind":"http","url":"https://bot.example.com","secret":"` + botSecret + `","timeout":"90s"}`, "timeout: must be a time of at most 55s"},
		{"limits", `{"kind":"http","url":"https://bot.example.com","secret":"` + botSecret + `","limits":{"sms":{"tokens":-1},"fax":{}}}`,
			"limits.sms.tokens: must be a whole number; limits.fax: is not a known field"},
		{"history", `{"kind":"http","url":"https://bot.example.com","secret":"` + botSecret + `","history":1000}`, "history: must be a whole number from 0 to 40"},
	}
	for _, tt := range tests {
		err := respond.Validate(config(t, tt.raw), respond.Options{})
		if err == nil || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("%s: got %v", tt.name, err)
			continue
		}
		for _, want := range strings.Split(tt.want, "; ") {
			if !strings.Contains(err.Error(), "body.responder."+want) {
				t.Errorf("%s: got %v, want %q", tt.name, err, want)
			}
		}
	}
	good := `{"kind":"http","url":"https://bot.example.com/answer","secret":"` + botSecret + `","headers":{"Authorization":"Bearer x"},"timeout":"20s","history":0,"fallback":"Sorry"}`
	if err := respond.Validate(config(t, good), respond.Options{}); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}

func TestFallback_IsWhatTheConfigurationSays(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(500, ""))
	f, ok := bot(t, s, object{"fallback": "Sorry, {name}.", "handoverAfter": 3, "handoverReply": "A colleague comes."}).(hookswitch.Fallbacker)
	if !ok {
		t.Fatal("the responder has no words for a failure")
	}
	if got, want := f.Fallback(&hookswitch.Turn{ProfileName: "Ada", State: "order"}), (hookswitch.Reply{Text: "Sorry, Ada.", Unsolved: true, State: "order"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := f.Fallback(&hookswitch.Turn{ProfileName: "Ada", Unsolved: 2}), (hookswitch.Reply{Text: "Sorry, Ada.\n\nA colleague comes.", Unsolved: true, Handover: true}); got != want {
		t.Errorf("the third in a row: got %+v, want %+v", got, want)
	}
}

func FuzzReadBot(f *testing.F) {
	f.Add(200, []byte(`{"text":"hi","end":true,"handover":false,"unsolved":true,"state":"x"}`))
	f.Add(200, []byte(`{"text":"\ud800\u0000`))
	f.Add(204, []byte(""))
	f.Add(302, []byte("null"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		reply, err := respond.ReadBot(status, body)
		if err != nil {
			var fail *hookswitch.ResponderError
			if !errors.As(err, &fail) || reply != (hookswitch.Reply{}) {
				t.Fatalf("got %+v, %v", reply, err)
			}
			return
		}
		if status < 200 || status > 299 {
			t.Fatalf("status %d is an answer", status)
		}
		if !utf8.ValidString(reply.Text) || strings.ContainsAny(reply.Text, "\x00\r\x1b") || strings.TrimSpace(reply.Text) != reply.Text {
			t.Errorf("text %q is not fit to be sent", reply.Text)
		}
	})
}
