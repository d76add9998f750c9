package respond_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

func chatModel(t testing.TB, s *standIn, more object) hookswitch.Responder {
	t.Helper()
	return remoteResponder(t, object{"kind": "openai", "baseUrl": s.URL + "/v1/", "apiKey": "sk-hush", "model": "llama3.2"}, more)
}

// completion is an answer of the chat API.
func completion(text, finish string) string {
	body, _ := json.Marshal(object{"id": "c1", "object": "chat.completion", "choices": []any{
		object{"index": 0, "finish_reason": finish, "message": object{"role": "assistant", "content": text}}}})
	return string(body)
}

func TestOpenAI_AsksTheModel(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(200, completion("Your balance is 5.", "stop")))
	turn := question()
	turn.History = append([]hookswitch.Line{{Direction: hookswitch.Outbound, Type: "text", Text: "Your card was used.", At: noon.Add(-time.Hour)}}, turn.History...)
	reply, err := chatModel(t, s, object{"system": "You are {name}'s bank on {channel}.", "temperature": 0.2, "headers": object{"X-Title": "Bank"}}).Respond(t.Context(), turn)
	if err != nil || reply != (hookswitch.Reply{Text: "Your balance is 5.", Unsolved: true, Use: hookswitch.ReplyUse{Model: "llama3.2"}}) {
		t.Fatalf("got %+v, %v", reply, err)
	}
	got := s.only(t)
	if got.path != "POST /v1/chat/completions" || got.header.Get("Authorization") != "Bearer sk-hush" || got.header.Get("X-Title") != "Bank" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s with %v", got.path, got.header)
	}
	want := object{
		"model": "llama3.2", "max_tokens": 140.0, "temperature": 0.2, "stream": false,
		"messages": []any{
			object{"role": "system", "content": "You are Zoë <b>'s bank on SMS.\n\nWrite plain text without markup.\n\nAnswer with at most 160 characters.\n\n" +
				"You had written this to the person before:\nYour card was used."},
			object{"role": "user", "content": "oldest\n[image]"},
			object{"role": "assistant", "content": "Hello!"},
			object{"role": "user", "content": "What is <my> balance?"},
		},
	}
	if d := cmp.Diff(want, s.json(t)); d != "" {
		t.Errorf("body (-want +got):\n%s", d)
	}
}

func TestOpenAI_KnowsWhichFieldBoundsTheAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		more        object
		channel     hookswitch.Channel
		field       string
		want        any
		temperature any
	}{
		{nil, hookswitch.USSD, "max_tokens", 130.0, nil},
		{nil, hookswitch.Voice, "max_tokens", 150.0, nil},
		{nil, hookswitch.Email, "max_tokens", 1000.0, nil},
		{object{"limits": object{"email": object{"tokens": 2000}}, "temperature": 0}, hookswitch.Email, "max_tokens", 2000.0, 1e-06},
		{object{"limits": object{"email": object{"tokens": 0}}}, hookswitch.Email, "max_tokens", nil, nil},
		{object{"model": "gpt-5-mini", "reasoningTokens": 1000, "reasoningEffort": "low"}, hookswitch.SMS, "max_completion_tokens", 1140.0, nil},
		{object{"model": "o3"}, hookswitch.SMS, "max_completion_tokens", 140.0, nil},
	}
	for _, tt := range tests {
		s := newStandIn(t, says(200, completion("x", "stop")))
		turn := question()
		turn.Channel = tt.channel
		if _, err := chatModel(t, s, tt.more).Respond(t.Context(), turn); err != nil {
			t.Errorf("%v: %v", tt.more, err)
			continue
		}
		body := s.json(t)
		if body[tt.field] != tt.want || body["temperature"] != tt.temperature {
			t.Errorf("%v on %s: got %v, temperature %v; want %s of %v, temperature %v", tt.more, tt.channel, body, body["temperature"], tt.field, tt.want, tt.temperature)
		}
	}
}

func TestOpenAI_BoundsTheContext(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(200, completion("x", "stop")))
	turn := question()
	turn.History = nil
	for i := range 40 {
		text, direction := strings.Repeat("word ", 20), hookswitch.Inbound // 25 tokens
		if i%2 == 1 {
			direction = hookswitch.Outbound
		}
		turn.History = append(turn.History, hookswitch.Line{Direction: direction, Type: "text", Text: text, At: noon.Add(-time.Hour)})
	}
	if _, err := chatModel(t, s, object{"contextTokens": 200, "history": 40}).Respond(t.Context(), turn); err != nil {
		t.Fatal(err)
	}
	if n := len(s.json(t)["messages"].([]any)); n < 6 || n > 9 {
		t.Errorf("the model was sent %d messages, want about 200 tokens of them", n)
	}

	long := newStandIn(t, says(200, completion("x", "stop")))
	turn = question()
	turn.Text = strings.Repeat("ሰ", 5000)
	if _, err := chatModel(t, long, object{"contextTokens": 200}).Respond(t.Context(), turn); err != nil {
		t.Fatal(err)
	}
	messages := long.json(t)["messages"].([]any)
	if last := messages[len(messages)-1].(object)["content"].(string); utf8.RuneCountInString(last) != 200 || len(messages) != 2 {
		t.Errorf("a long message came as %d characters among %d messages, want 200 of it alone", utf8.RuneCountInString(last), len(messages))
	}
}

func TestOpenAI_ReadsAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("This is a sentence. ", 20)
	tests := []struct {
		name, body string
		more       object
		channel    hookswitch.Channel
		want       hookswitch.Reply
	}{
		{"cut to the cap", completion(long, "stop"), nil, hookswitch.SMS, hookswitch.Reply{Text: strings.TrimSpace(long[:160]), Unsolved: true}},
		{"cap of our own", completion(long, "stop"), object{"limits": object{"sms": object{"characters": 320}}}, hookswitch.SMS, hookswitch.Reply{Text: strings.TrimSpace(long[:320]), Unsolved: true}},
		{"public answers are short", completion(long, "stop"), nil, hookswitch.X, hookswitch.Reply{Text: strings.TrimSpace(long[:280]), Unsolved: true}},
		{"pages of USSD", completion(long, "stop"), nil, hookswitch.USSD, hookswitch.Reply{Text: strings.TrimSpace(long), Unsolved: true}},
		{"half a sentence", completion("One. Two! Thr", "length"), nil, hookswitch.SMS, hookswitch.Reply{Text: "One. Two!", Unsolved: true}},
		{"thoughts", completion("<think>\nthe person wants…\n</think>\n\nHello.", "stop"), nil, hookswitch.SMS, hookswitch.Reply{Text: "Hello.", Unsolved: true}},
		{"thoughts without a beginning", completion("The person wants [handover]…\n</think>\n\nHello.", "stop"), object{"marks": true}, hookswitch.SMS, hookswitch.Reply{Text: "Hello.", Unsolved: true}},
		{"half a number", completion("Your order is on its way. The total you owe is KES 1,234.50 and it is due on Fri", "length"), nil, hookswitch.SMS,
			hookswitch.Reply{Text: "Your order is on its way. The total you owe is KES 1,234.50 and it is due on Fri", Unsolved: true}},
		{"a number at the end", completion("Your order is on its way, it is. You owe 1,234.", "length"), nil, hookswitch.SMS, hookswitch.Reply{Text: "Your order is on its way, it is.", Unsolved: true}},
		{"a whole sentence at the end", completion("One. Two. Three.", "length"), nil, hookswitch.SMS, hookswitch.Reply{Text: "One. Two. Three.", Unsolved: true}},
		{"most of it would be lost", completion("One. Two", "length"), nil, hookswitch.SMS, hookswitch.Reply{Text: "One. Two", Unsolved: true}},
		{"long thoughts", completion("<think>"+strings.Repeat("well ", 20_000)+"</think>Hello.", "stop"), nil, hookswitch.SMS, hookswitch.Reply{Text: "Hello.", Unsolved: true}},
		{"handover mark", completion("I get somebody.\n[Handover]", "stop"), object{"marks": true}, hookswitch.SMS, hookswitch.Reply{Text: "I get somebody.", Handover: true, Unsolved: true}},
		{"handover mark alone", completion("[handover]", "stop"), object{"marks": true, "handoverReply": "Wait."}, hookswitch.SMS, hookswitch.Reply{Text: "Wait.", Handover: true, Unsolved: true}},
		{"solved mark", completion("Done. [solved]", "stop"), object{"marks": true}, hookswitch.SMS, hookswitch.Reply{Text: "Done."}},
		{"marks that nobody asked for", completion("[solved]", "stop"), nil, hookswitch.SMS, hookswitch.Reply{Text: "[solved]", Unsolved: true}},
		{"parts", `{"choices":[{"message":{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}}]}`, nil, hookswitch.SMS, hookswitch.Reply{Text: "ab", Unsolved: true}},
		{"refusal", `{"choices":[{"message":{"role":"assistant","content":null,"refusal":"I cannot."}}]}`, nil, hookswitch.SMS, hookswitch.Reply{Text: "I cannot.", Unsolved: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			turn := question()
			turn.Channel = tt.channel
			got, err := chatModel(t, newStandIn(t, says(200, tt.body)), tt.more).Respond(t.Context(), turn)
			if got.Use = (hookswitch.ReplyUse{}); err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestOpenAI_SaysWhetherAskingAgainMayHelp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		answer    http.HandlerFunc
		permanent bool
		wait      time.Duration
		text      string
	}{
		{"wrong key", says(401, `{"error":{"message":"Incorrect API key provided: sk-hush","type":"invalid_request_error","code":"invalid_api_key"}}`), true, 0, "refused with status 401: invalid_api_key"},
		{"no such model", says(404, `{"error":{"message":"model \"x\" not found","type":"api_error"}}`), true, 0, "status 404: api_error"},
		{"busy", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3")
			says(429, `{"error":{"message":"slow down","type":"rate_limit_error","code":"My PIN"}}`)(w, nil)
		}, false, 3 * time.Second, "status 429: rate_limit_error"},
		{"overloaded", says(529, `{"type":"error"}`), false, 0, "status 529"},
		{"loading", says(503, "loading model"), false, 0, "status 503"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://10.0.0.1/v1", http.StatusTemporaryRedirect)
		}, true, 0, "redirects are not followed"},
		{"page", says(200, "<html>sk-hush"), true, 0, "not one of a chat API"},
		{"another shape", says(200, `{"choices":{"sk-hush":1}}`), true, 0, "not one of a chat API"},
		{"nothing", says(204, ""), true, 0, "not one of a chat API"},
		{"no choices", says(200, `{}`), true, 0, "no choices"},
		{"no words", says(200, completion(" ", "content_filter")), true, 0, "the model said nothing (content_filter)"},
		{"only thoughts", says(200, completion("<think>hmm", "length")), true, 0, "spent all its tokens"},
		{"huge", says(200, completion(strings.Repeat("x", 2_000_000), "stop")), true, 0, "longer than 1024 KiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, tt.answer)
			fail := failure(t, chatModel(t, s, nil), question())
			if fail.Permanent != tt.permanent || fail.RetryAfter != tt.wait || !strings.Contains(fail.Error(), tt.text) ||
				strings.Contains(fail.Error(), "hush") || strings.Contains(fail.Error(), "PIN") {
				t.Errorf("got %q, permanent %v, wait %v; want %q, %v, %v", fail, fail.Permanent, fail.RetryAfter, tt.text, tt.permanent, tt.wait)
			}
			s.only(t)
		})
	}
}

func TestOpenAI_EndsWithItsTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	s := newStandIn(t, func(http.ResponseWriter, *http.Request) { <-release })
	_, err := chatModel(t, s, object{"timeout": "50ms"}).Respond(t.Context(), question())
	var fail *hookswitch.ResponderError
	if !errors.As(err, &fail) || fail.Permanent {
		t.Errorf("got %v, want a failure that may pass", err)
	}
}

func TestOpenAI_KeepsTheQueryOfItsAddress(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, says(200, completion("Hello.", "stop")))
	for _, base := range []string{"/v1?api-version=1", "/v1/?api-version=1"} {
		if _, err := chatModel(t, s, object{"baseUrl": s.URL + base}).Respond(t.Context(), question()); err != nil {
			t.Fatal(err)
		}
	}
	for _, got := range s.requests {
		if got.path != "POST /v1/chat/completions?api-version=1" {
			t.Errorf("asked %s", got.path)
		}
	}
}

func TestOpenAI_ChecksItsConfiguration(t *testing.T) {
	t.Parallel()
	tests := []struct{ raw, want string }{
		{`{"kind":"openai"}`, "model: must name the model"},
		{`{"kind":"openai","model":"m","baseUrl":"http://127.0.0.1:11434/v1"}`, "baseUrl: address 127.0.0.1 is in a range that the server's configuration blocks; allow it with allow-networks"},
		{`{"kind":"openai","model":"m","temperature":3}`, "temperature: must be a number from 0 to 2"},
		{`{"kind":"openai","model":"m","reasoningEffort":"huge"}`, "reasoningEffort: must be one of none, "},
		{`{"kind":"openai","model":"m","apiKey":"sk\nx"}`, "apiKey: must not contain"},
		{`{"kind":"openai","model":"m","contextTokens":1}`, "contextTokens: must be a whole number from 100"},
		{`{"kind":"openai","model":"m","model":"n"}`, "model: is given twice"},
		{`{"kind":"openai","model":"m","limits":{"sms":{"tokens":20,"tokens":30}}}`, "limits.sms.tokens: is given twice"},
		{`{"kind":"openai","model":"o3","temperature":0}`, "temperature: must be left out"},
		{`{"kind":"openai","model":"gpt-6-sol","reasoningEffort":"minimal"}`, "reasoningEffort: is not known to this model"},
		{`{"kind":"openai","model":"m","marks":"yes"}`, "marks: must be true or false"},
	}
	for _, tt := range tests {
		if err := respond.Validate(config(t, tt.raw), respond.Options{}); err == nil || !strings.Contains(err.Error(), "body.responder."+tt.want) {
			t.Errorf("%s: got %v, want %q", tt.raw, err, tt.want)
		}
	}
	for _, raw := range []string{`{"kind":"openai","apiKey":"sk","model":"gpt-5-mini"}`, `{"kind":"openai","baseUrl":"https://api.anthropic.com/v1/","apiKey":"sk","model":"claude-haiku-4-5","temperature":0}`} {
		if err := respond.Validate(config(t, raw), respond.Options{}); err != nil {
			t.Errorf("%s: got %v, want nil", raw, err)
		}
	}
}

func FuzzReadModel(f *testing.F) {
	f.Add([]byte(completion("Hello. [solved]", "length")))
	f.Add([]byte(`{"choices":[{"message":{"content":[{"type":"text","text":"<think>"}],"refusal":"\u0000"},"finish_reason":null}]}`))
	f.Add([]byte(`{"choices":[{}]} trailing`))
	f.Fuzz(func(t *testing.T, body []byte) {
		reply, err := respond.ReadModel(t.Context(), body)
		if err != nil {
			if reply != (hookswitch.Reply{}) {
				t.Fatalf("got %+v with %v", reply, err)
			}
			return
		}
		if !utf8.ValidString(reply.Text) || strings.ContainsAny(reply.Text, "\x00\r\x1b") || reply.Text == "" && !reply.Handover {
			t.Errorf("text %q is not fit to be sent", reply.Text)
		}
	})
}

func TestOpenAI_TellsWhatAnAnswerCost(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]hookswitch.ReplyUse{
		`{"model":"llama3.2:3b","usage":{"prompt_tokens":31,"completion_tokens":7},"choices":[{"finish_reason":"stop","message":{"content":"Hi"}}]}`:          {Model: "llama3.2:3b", TokensIn: 31, TokensOut: 7},
		`{"model":"a\nb","usage":{"prompt_tokens":-3},"choices":[{"message":{"content":null,"refusal":"I cannot."}}]}`:                                        {Model: "llama3.2", Refused: true},
		`{"usage":{"prompt_tokens":31,"completion_tokens":0},"choices":[{"finish_reason":"content_filter","message":{"content":""}}]}`:                        {Model: "llama3.2", TokensIn: 31, Refused: true},
		`{"usage":{"prompt_tokens":31,"completion_tokens":140},"choices":[{"finish_reason":"length","message":{"content":"<think>and so on and so forth"}}]}`: {Model: "llama3.2", TokensIn: 31, TokensOut: 140},
	} {
		got, _ := chatModel(t, newStandIn(t, says(200, body)), nil).Respond(t.Context(), question())
		if got.Use != want {
			t.Errorf("%s: got %+v, want %+v", body, got.Use, want)
		}
	}
}
