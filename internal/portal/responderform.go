package portal

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/respond"
)

// responderForm is the configuration of a responder as a form.
type responderForm struct {
	Kind   string
	Kinds  []ui.Tab
	Parts  []formPart
	Raw    ui.Field // all of it as JSON
	AsJSON bool     // the JSON was sent
	Fresh  bool     // of another kind than the one in effect
	inputs []configInput
}

type formPart struct {
	Title, Text string
	Folded      bool
	Fields      []*ui.Field
}

// configInput is a field of the form, and which one of the configuration it is.
type configInput struct {
	path  string // names joined by full stops
	value string // text, number, decimal, flag, words or secret
	field *ui.Field
}

// configField is what a field of a configuration is like.
type configField struct {
	path, value, label, hint, holder string
	rows                             int // of a text in several lines
	choices                          []string
}

// Parts that several kinds have.
var (
	fallbackFields = []configField{
		{path: "fallback", value: "text", label: "Fallback", rows: 2, hint: "What is said when there is no answer. Empty: nothing is, and in calls and USSD sessions the sender's apology."},
		{path: "timeout", value: "text", label: "Time for one answer", holder: "30s", hint: "At most 55s."},
	}
	peopleFields = []configField{
		{path: "handover", value: "words", label: "Words that ask for a person", holder: "agent, human", hint: "With commas between them. They count anywhere in a message."},
		{path: "handoverReply", value: "text", label: "What is said then", rows: 2},
		{path: "handoverAfter", value: "number", label: "Unsolved answers until a person takes over", holder: "never"},
	}
	guardFields = []configField{
		{path: "loop.answers", value: "number", label: "Answers that are a loop", holder: "30", hint: "So many within the time below. 0 switches it off."},
		{path: "loop.within", value: "text", label: "Time of a loop", holder: "1m"},
		{path: "loop.repeats", value: "number", label: "Equal messages that are a loop", holder: "12", hint: "Within an hour, each answered. 0 switches it off."},
		{path: "optOut.words", value: "words", label: "More words that end messages", hint: "On top of STOP, UNSUBSCRIBE and the other usual ones."},
		{path: "optOut.back", value: "words", label: "More words that bring them back"},
		{path: "optOut.confirmation", value: "text", label: "What is said to who ends them", rows: 2},
		{path: "optOut.off", value: "flag", label: "Such words mean nothing here"},
		{path: "typing", value: "flag", label: "Show people that an answer is being written"},
	}
	modelFields = []configField{
		{path: "baseUrl", value: "text", label: "Address of the API", holder: respond.DefaultBaseURL, hint: "Of OpenAI or of a server that speaks the same. /chat/completions is added."},
		{path: "apiKey", value: "secret", label: "API key"},
		{path: "model", value: "text", label: "Model", holder: "gpt-5-mini", hint: "Its name at the server."},
		{path: "system", value: "text", label: "Prompt", rows: 8, hint: "What the business is and does, and how to answer. People could come to read it. {name} and {channel} are filled in."},
	}
	costFields = []configField{
		{path: "history", value: "number", label: "Earlier messages that it sees", holder: "10", hint: "At most 40."},
		{path: "contextTokens", value: "number", label: "Tokens of them", holder: "3000"},
		{path: "reasoningTokens", value: "number", label: "Tokens for thinking", holder: "0", hint: "On top of those of the answer, for a model that thinks by itself."},
		{path: "reasoningEffort", value: "text", label: "Effort of thinking", choices: []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}},
		{path: "temperature", value: "decimal", label: "Temperature", holder: "the model's own", hint: "0 to 2."},
	}
	marksField = configField{path: "marks", value: "flag", label: "Ask the model to mark what it has solved, and where a person is needed"}
	botFields  = []configField{
		{path: "url", value: "text", label: "Address of the bot", holder: "https://bot.example.com/answer"},
		{path: "secret", value: "secret", label: "Secret that signs requests", hint: "whsec_ and the base64 of 24 to 64 random bytes."},
		{path: "history", value: "number", label: "Earlier messages that it sees", holder: "10", hint: "At most 40."},
	}
	greetingField = configField{path: "greeting", value: "text", label: "Greeting", rows: 2, hint: "For the first message of a person that nothing else answers, and when a call or a session opens."}
	rulesField    = configField{path: "rules", value: "json", label: "Rules", rows: 10, hint: `A list, tried from the top: {"keywords": ["balance"], "reply": "…"}, and perhaps match, handover, end.`}
)

// newResponderForm is the form for a kind, with what is in effect where that is of the kind, and with what was sent where something was.
func newResponderForm(page *responderPage, kind string, sent url.Values) responderForm {
	f := responderForm{Kind: kind, Fresh: kind != page.Kind}
	for _, k := range []string{"openai", "http", "rules", "menu", "silent", "echo"} {
		f.Kinds = append(f.Kinds, ui.Tab{Name: kindName(k), URL: page.Path + "?kind=" + k + "#change", Current: k == kind})
	}
	if kind == "" {
		return f
	}
	var have map[string]any
	shown := []byte(`{"kind":"` + kind + `"}`)
	if !f.Fresh {
		shown = respond.Show(page.Sender.Responder)
	}
	_ = json.Unmarshal(shown, &have) // what cannot be read is shown empty, and can be seen as JSON
	part := func(title, text string, folded bool, fields ...configField) {
		p := formPart{Title: title, Text: text, Folded: folded}
		for _, c := range fields {
			field := c.input(have, sent)
			p.Fields = append(p.Fields, field)
			f.inputs = append(f.inputs, configInput{c.path, c.value, field})
		}
		f.Parts = append(f.Parts, p)
	}
	var caps []configField
	if kind == "openai" || kind == "http" {
		for _, ch := range answerable(page.Sender) {
			usual := respond.CapsOf(ch)
			caps = append(caps, configField{path: "limits." + string(ch) + ".tokens", value: "number", label: channelName(ch) + ": tokens of an answer", holder: orWord(usual.Tokens, "no limit")},
				configField{path: "limits." + string(ch) + ".characters", value: "number", label: channelName(ch) + ": characters of an answer", holder: orWord(usual.Characters, "no limit")})
		}
	}
	switch kind {
	case "openai":
		part("The model", "", false, modelFields...)
		part("What it may cost", "0 lifts a limit of a channel.", false, append(append(slices.Clone(costFields), fallbackFields[1]), caps...)...)
		part("When there is no answer, and people", "", false, append([]configField{fallbackFields[0], marksField}, peopleFields...)...)
	case "http":
		part("The bot", "", false, append(slices.Clone(botFields), append([]configField{fallbackFields[1]}, caps...)...)...)
		part("When there is no answer, and people", "", false, append([]configField{fallbackFields[0]}, peopleFields...)...)
	case "rules":
		part("What it says", "", false, greetingField, rulesField, fallbackFields[0])
		part("People", "", false, peopleFields...)
	case "menu":
		part("When there is no answer", "", false, fallbackFields[0])
	case "silent", "echo":
		part("People", "", false, peopleFields...)
	}
	part("Guards", "", true, guardFields...)
	if kind == "menu" { // its screens are written elsewhere
		f.Parts = f.Parts[:len(f.Parts)-1]
		f.inputs = f.inputs[:len(f.inputs)-len(guardFields)]
		part("Guards", "", true, guardFields[3:]...)
	}
	f.Raw = ui.Field{ID: "json", Name: "json", Kind: "textarea", Rows: 16, Label: "Configuration", Value: indented(shown), Mono: true, Hint: "*** stands for a secret that stays as it is."}
	if sent.Get("do") == "json" {
		f.AsJSON, f.Raw.Value = true, sent.Get("json")
	}
	return f
}

// input is the field of the form.
func (c *configField) input(have map[string]any, sent url.Values) *ui.Field {
	id := "r-" + strings.ReplaceAll(c.path, ".", "-")
	f := &ui.Field{ID: id, Name: c.path, Label: c.label, Hint: c.hint, Holder: c.holder, Rows: c.rows}
	value := valueAt(have, c.path)
	text := ""
	switch v := value.(type) {
	case string:
		text = v
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		f.Checked = v
	case []any:
		if c.value == "words" {
			var words []string
			for _, w := range v {
				if s, ok := w.(string); ok {
					words = append(words, s)
				}
			}
			text = strings.Join(words, ", ")
		}
	}
	switch c.value {
	case "flag":
		f.Kind = "checkbox"
	case "number", "decimal":
		f.Mono = true
	case "secret":
		f.Kind, f.Autocomplete, f.Mono = "password", "new-password", true
		if text == respond.Mask {
			f.Holder = "Leave empty to keep it"
		}
		text = ""
	case "json":
		f.Kind, f.Mono = "textarea", true
		if value != nil {
			b, _ := json.Marshal(value)
			text = indented(b)
		}
	default:
		if c.rows > 0 {
			f.Kind = "textarea"
		}
	}
	if len(c.choices) > 0 {
		f.Kind, f.Options = "select", []ui.Option{{Name: "The model's own"}}
		for _, one := range c.choices {
			f.Options = append(f.Options, ui.Option{Value: one, Name: one, Chosen: one == text})
		}
	}
	f.Value = text
	if sent.Get("do") == "save" {
		f.Checked = sent.Get(c.path) != ""
		if c.value != "secret" {
			f.Value = sent.Get(c.path)
		}
		if c.value == "flag" {
			f.Value = ""
		}
		for i := range f.Options {
			f.Options[i].Chosen = f.Options[i].Value == f.Value
		}
	}
	return f
}

func valueAt(have map[string]any, path string) any {
	var at any = have
	for _, name := range strings.Split(path, ".") {
		o, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = o[name]
	}
	return at
}

// config is what was sent as a configuration. It reports false where something cannot be read, which it notes.
func (f *responderForm) config(old hookswitch.ResponderConfig, sent url.Values, wrong map[string]string) (cfg hookswitch.ResponderConfig, ok bool) {
	if f.AsJSON {
		if err := json.Unmarshal([]byte(sent.Get("json")), &cfg); err != nil {
			wrong["json"] = "is no JSON: " + err.Error()
			return cfg, false
		}
		return cfg, true
	}
	raw := []byte(`{"kind":"` + f.Kind + `"}`)
	if !f.Fresh {
		raw = respond.Show(old)
	}
	if err := json.Unmarshal(raw, &cfg); err != nil {
		wrong["json"] = "cannot be read: " + err.Error()
		return cfg, false
	}
	var have map[string]any
	_ = json.Unmarshal(raw, &have) // it has just been read
	if have == nil {
		have = map[string]any{}
	}
	set := make(map[string]any)
	for _, in := range f.inputs {
		value, problem := in.read(sent)
		if problem != "" {
			wrong[in.path] = problem
			continue
		}
		if in.value == "secret" && value == nil {
			if valueAt(have, in.path) == nil {
				continue
			}
			value = respond.Mask
		}
		names := strings.Split(in.path, ".")
		put(have, names, value)
		if set[names[0]] = have[names[0]]; have[names[0]] == nil {
			set[names[0]] = nil
		}
	}
	if len(wrong) > 0 {
		return cfg, false
	}
	cfg, err := respond.With(cfg, set)
	return cfg, err == nil
}

// put sets a value in objects inside each other; nil takes it away, and what is empty then too.
func put(o map[string]any, names []string, value any) {
	if len(names) == 1 {
		if value == nil {
			delete(o, names[0])
		} else {
			o[names[0]] = value
		}
		return
	}
	sub, ok := o[names[0]].(map[string]any)
	if !ok {
		if value == nil {
			return
		}
		sub = make(map[string]any)
		o[names[0]] = sub
	}
	if put(sub, names[1:], value); len(sub) == 0 {
		delete(o, names[0])
	}
}

// read is the value that was sent; nil: none.
func (in *configInput) read(sent url.Values) (value any, problem string) {
	text := strings.TrimSpace(strings.ReplaceAll(sent.Get(in.path), "\r\n", "\n"))
	if in.value == "flag" {
		if text == "" {
			return nil, ""
		}
		return true, ""
	}
	if text == "" {
		return nil, ""
	}
	switch in.value {
	case "number":
		n, err := strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
		if err != nil {
			return nil, "must be a whole number"
		}
		return n, ""
	case "decimal":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, "must be a number"
		}
		return n, ""
	case "words":
		words := []string{}
		for _, w := range strings.Split(text, ",") {
			if w = strings.TrimSpace(w); w != "" {
				words = append(words, w)
			}
		}
		return words, ""
	case "json":
		if !json.Valid([]byte(text)) {
			return nil, "must be JSON"
		}
		return json.RawMessage(text), ""
	}
	return text, ""
}

// note takes what is wrong from an error of the service, and reports false where it is none of the configuration.
func (f *responderForm) note(err error, wrong map[string]string) bool {
	e, ok := asInvalid(err)
	if !ok {
		return false
	}
	for _, one := range e.Fields {
		path := one.Path
		if at := slices.Index(path, "responder"); at >= 0 {
			path = path[at+1:]
		}
		name, rest := "json", strings.Join(path, ".")
		for n := len(path); n > 0; n-- {
			joined := strings.Join(path[:n], ".")
			if slices.ContainsFunc(f.inputs, func(in configInput) bool { return in.path == joined }) && !f.AsJSON {
				name, rest = joined, strings.Join(path[n:], ".")
				break
			}
		}
		text := one.Message
		if rest != "" {
			text = rest + " " + text
		}
		if wrong[name] != "" {
			text = wrong[name] + "; " + text
		}
		wrong[name] = text
	}
	if len(e.Fields) == 0 {
		wrong[""] = e.Message
	}
	return true
}

// problems puts what is wrong with fields into the form, and on top of it.
func (f *responderForm) problems(to *ui.Problems, wrong map[string]string) {
	var fields []*ui.Field
	for _, in := range f.inputs {
		in.field.Problem = wrong[in.path]
		fields = append(fields, in.field)
	}
	f.Raw.Problem = wrong["json"]
	for i := range f.Parts {
		if slices.ContainsFunc(f.Parts[i].Fields, func(one *ui.Field) bool { return one.Problem != "" }) {
			f.Parts[i].Folded = false
		}
	}
	if f.Raw.Problem != "" {
		f.AsJSON = true
	}
	fieldProblems(to, "The responder was not saved", wrong, append(fields, &f.Raw)...)
}
