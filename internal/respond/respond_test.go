package respond_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

func config(t testing.TB, raw string) hookswitch.ResponderConfig {
	t.Helper()
	var cfg hookswitch.ResponderConfig
	if err := json.Unmarshal([]byte(raw), &cfg); err != nil {
		t.Fatalf("config %s: %v", raw, err)
	}
	return cfg
}

func newResponder(t testing.TB, raw string) hookswitch.Responder {
	t.Helper()
	r, err := respond.New(config(t, raw), respond.Options{})
	if err != nil {
		t.Fatalf("new responder: %v", err)
	}
	return r
}

func TestNew_WithoutKindSaysNothing(t *testing.T) {
	t.Parallel()
	r, err := respond.New(hookswitch.ResponderConfig{}, respond.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := r.Respond(t.Context(), &hookswitch.Turn{Text: "hello", First: true})
	if err != nil || reply != (hookswitch.Reply{}) {
		t.Errorf("got %+v, %v; want silence", reply, err)
	}
}

func TestNew_EchoRepeatsTheText(t *testing.T) {
	t.Parallel()
	for _, r := range []hookswitch.Responder{newResponder(t, `{"kind":"echo"}`), mustNew(t, hookswitch.ResponderConfig{Kind: "echo"})} {
		reply, err := r.Respond(t.Context(), &hookswitch.Turn{Text: "Grüße 👋", Channel: hookswitch.WhatsApp})
		if err != nil || reply.Text != "Grüße 👋" {
			t.Errorf("got %+v, %v; want the text back", reply, err)
		}
	}
}

func mustNew(t *testing.T, cfg hookswitch.ResponderConfig) hookswitch.Responder {
	t.Helper()
	r, err := respond.New(cfg, respond.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNew_CutsWhatIsSaidInCallsAlone(t *testing.T) {
	t.Parallel()
	r := newResponder(t, `{"kind":"echo"}`)
	long := strings.Repeat("word ", 1500)
	for _, c := range hookswitch.Channels {
		reply, err := r.Respond(t.Context(), &hookswitch.Turn{Text: long, Channel: c})
		if err != nil {
			t.Fatal(err)
		}
		switch n := len(reply.Text); {
		case c == hookswitch.Voice && (n > 4096 || n < 4086):
			t.Errorf("what is said in a call has %d characters, want just under 4096", n)
		case c != hookswitch.Voice && reply.Text != long:
			t.Errorf("the answer over %s was cut to %d characters: it goes out in parts or pages", c, n)
		}
	}
}

func TestValidate_NamesEveryWrongField(t *testing.T) {
	t.Parallel()
	tooManyKeywords := strings.TrimSuffix(strings.Repeat(`"a",`, 51), ",")
	tooManyRules := strings.TrimSuffix(strings.Repeat(`{"keywords":["a"],"reply":"b"},`, 201), ",")
	tests := []struct {
		name, raw string
		want      []string
	}{
		{"unknown kind", `{"kind":"magic"}`, []string{"body.responder.kind: must be one of rules, http, openai, echo, menu, silent"}},
		{"no kind", `{"greeting":"hi"}`, []string{"body.responder.kind: must be one of rules, http, openai, echo, menu, silent"}},
		{"misspelt field", `{"kind":"rules","greetings":"hi"}`, []string{"body.responder.greetings: is not a known field"}},
		{"echo takes nothing", `{"kind":"echo","loud":true}`, []string{"body.responder.loud: is not a known field"}},
		{"wrong types", `{"kind":"rules","greeting":1,"rules":{},"handover":["a",2]}`, []string{
			"body.responder.greeting: must be a text",
			"body.responder.rules: must be a list",
			"body.responder.handover.[1]: must be a text",
		}},
		{"inside rules", `{"kind":"rules","rules":[{"keywords":["a"]},{"keywords":[],"reply":"x","match":"regexp"},{"reply":"x","handover":"yes"},{"keywords":["?!"],"x":1},7,null]}`, []string{
			"body.responder.rules.[1].match: must be one of word, exact, contains, prefix",
			"body.responder.rules.[1].keywords: must name at least one keyword",
			"body.responder.rules.[2].handover: must be true or false",
			"body.responder.rules.[2].keywords: must name at least one keyword",
			"body.responder.rules.[3].keywords.[0]: must have a letter, a digit or a symbol",
			"body.responder.rules.[3].x: is not a known field",
			"body.responder.rules.[4]: must be an object",
			"body.responder.rules.[5]: must be an object",
		}},
		{"control character", `{"kind":"rules","fallback":"a\u0000b"}`, []string{"body.responder.fallback: must not contain control characters"}},
		{"reply too long", `{"kind":"rules","fallback":"` + strings.Repeat("ä", 4097) + `"}`, []string{"body.responder.fallback: must be at most 4096 characters long"}},
		{"too many keywords", `{"kind":"rules","rules":[{"keywords":[` + tooManyKeywords + `],"reply":"x"}]}`, []string{"body.responder.rules.[0].keywords: must have at most 50 entries"}},
		{"too many rules", `{"kind":"rules","rules":[` + tooManyRules + `]}`, []string{"body.responder.rules: must have at most 200 entries"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := respond.Validate(config(t, tt.raw), respond.Options{})
			if hookswitch.KindOf(err) != hookswitch.Invalid {
				t.Fatalf("got %v, want an error of kind Invalid", err)
			}
			var e *hookswitch.Error
			errors.As(err, &e)
			var got []string
			for _, f := range e.Fields {
				got = append(got, strings.Join(f.Path, ".")+": "+f.Message)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("fields (-want +got):\n%s", d)
			}
		})
	}
}

func TestValidate_AcceptsTheBounds(t *testing.T) {
	t.Parallel()
	var rules []string
	for i := range 200 {
		rules = append(rules, fmt.Sprintf(`{"keywords":["k%d"%s],"reply":%q}`, i, strings.Repeat(`,"x"`, 49), strings.Repeat("r", 4096)))
	}
	raw := `{"kind":"rules","greeting":null,"rules":[` + strings.Join(rules, ",") + `]}`
	if err := respond.Validate(config(t, raw), respond.Options{}); err != nil {
		t.Errorf("got %v, want nil", err)
	}
}
