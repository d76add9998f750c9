package respond

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func configOf(t *testing.T, text string) hookswitch.ResponderConfig {
	t.Helper()
	var cfg hookswitch.ResponderConfig
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

const secretive = `{"kind":"openai","model":"m","baseUrl":"https://llm.example/v1?team=secret7","apiKey":"sk-1","headers":{"X-Key":"k-1"},"system":"Be brief."}`

func TestShow_KeepsSecretsBackAndTheOrder(t *testing.T) {
	t.Parallel()
	want := `{"kind":"openai","model":"m","baseUrl":"https://llm.example/v1?***","apiKey":"***","headers":{"X-Key":"***"},"system":"Be brief."}`
	if got := string(Show(configOf(t, secretive))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(Show(configOf(t, `{"kind":"http","url":"https://a.example","secret":"whsec_x"}`))); strings.Contains(got, "whsec") {
		t.Errorf("shows %s", got)
	}
}

func TestFill_PutsBackWhatWasThere(t *testing.T) {
	t.Parallel()
	old := configOf(t, secretive)
	got, err := Fill(configOf(t, strings.Replace(string(Show(old)), "Be brief.", "Be kind.", 1)), old)
	if want := strings.Replace(secretive, "Be brief.", "Be kind.", 1); err != nil || string(got.Raw) != want {
		t.Errorf("got %s and %v, want %s", got.Raw, err, want)
	}
	for name, text := range map[string]string{
		"another server":        `{"kind":"openai","model":"m","baseUrl":"https://evil.example/v1","apiKey":"***"}`,
		"another beside it":     `{"kind":"openai","model":"m","baseUrl":"https://llm.example/v1","apiKey":"***","baseUrl":"https://evil.example/v1"}`,
		"the usual server":      `{"kind":"openai","model":"m","apiKey":"***"}`,
		"a header to another":   `{"kind":"openai","model":"m","baseUrl":"https://evil.example/v1","headers":{"X-Key":"***"}}`,
		"a query of another":    `{"kind":"openai","model":"m","baseUrl":"https://evil.example/v1?***"}`,
		"no secret":             `{"kind":"openai","model":"m","baseUrl":"https://llm.example/v1","headers":{"X-Other":"***"}}`,
		"another kind of thing": `{"kind":"http","url":"https://llm.example/v1","secret":"***"}`,
	} {
		if got, err := Fill(configOf(t, text), old); hookswitch.KindOf(err) != hookswitch.Invalid || strings.Contains(string(got.Raw), "sk-1") || strings.Contains(string(got.Raw), "k-1\"") {
			t.Errorf("%s: got %s and %v", name, got.Raw, err)
		}
	}
}

func TestInEffect_TellsWhatStandsInForWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	e, err := InEffect(configOf(t, `{"kind":"openai","model":"m","baseUrl":"http://127.0.0.1:1/v1","limits":{"sms":{"tokens":7}},"temperature":0}`))
	if err != nil {
		t.Fatal(err)
	}
	if e.Timeout != DefaultTimeout || e.Caps[hookswitch.SMS].Tokens != 7 || e.Caps[hookswitch.Email].Tokens != 1000 || e.System != defaultSystem || e.Temperature != 0 || e.Keyed || e.LoopAnswers != 30 || !e.OptOut {
		t.Errorf("got %+v", e)
	}
}

const flowMenu = `{"kind":"menu","fallback":"Sorry.","start":"main","screens":{
	"main":{"text":"Hello","options":[{"key":1,"label":"Pay","goTo":"sum"},{"key":"07","label":"End","goTo":"bye"}]},
	"sum":{"text":"How much?","as":"sum","input":{"kind":"number"},"goTo":"main"},
	"bye":{"text":"Bye\nfor now","end":true},"lost":{"text":"Nobody comes here","end":true}}}`

func TestFlowOf_DrawsTheMenuAsItIsReached(t *testing.T) {
	t.Parallel()
	f, ok := FlowOf(configOf(t, flowMenu))
	var names []string
	for _, s := range f.Screens {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); !ok || got != "main sum bye lost" || f.Screens[3].Reached || !f.Screens[2].End || f.Screens[1].Input != "number" || f.Screens[0].Options[1].GoTo != "bye" {
		t.Errorf("got %s: %+v", got, f)
	}
	if _, ok := FlowOf(configOf(t, `{"kind":"echo"}`)); ok {
		t.Error("an echo has a flow")
	}
}

// The menu as text is the same menu, and saving it keeps what stands beside it.
func TestMenuText_IsTheSameMenu(t *testing.T) {
	t.Parallel()
	for _, text := range []string{flowMenu, `{"kind":"rules","greeting":"Hi","menu":` + strings.Replace(flowMenu, `"kind":"menu","fallback":"Sorry.",`, "", 1) + `}`} {
		cfg := configOf(t, text)
		doc := MenuText(cfg)
		again, err := WithMenuText(cfg, doc)
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if err := Validate(again, Options{}); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		was, _ := FlowOf(cfg)
		is, ok := FlowOf(again)
		a, _ := json.Marshal(was)
		b, _ := json.Marshal(is)
		if !ok || string(a) != string(b) {
			t.Errorf("%s became %s by way of\n%s", a, b, doc)
		}
		if cfg.Kind == "menu" && !strings.Contains(string(again.Raw), `"fallback":"Sorry."`) || cfg.Kind == "rules" && !strings.Contains(string(again.Raw), `"greeting":"Hi"`) {
			t.Errorf("what stands beside the menu is gone: %s", again.Raw)
		}
		if strings.Contains(doc, "{") || !strings.Contains(doc, "  main:\n") {
			t.Errorf("is not written as people write:\n%s", doc)
		}
	}
	if _, err := WithMenuText(configOf(t, `{"kind":"rules"}`), "start: [\n"); hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Errorf("a text that cannot be read: %v", err)
	}
}
