package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sashabaranov/go-openai"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// The bounds of what a configuration says to a model, and what it is said unless the configuration has words of its own.
const (
	MaxSystem            = 16000 // characters of the system prompt
	MaxModel             = 200
	DefaultBaseURL       = "https://api.openai.com/v1"
	DefaultContextTokens = 3000
	MaxContextTokens     = 100_000
	MaxReasoningTokens   = 32_000
	maxCompletion        = 1 << 20 // bytes of an answer: servers send the thoughts with it, escaped

	defaultSystem = "You answer the messages of a business's customers. Be friendly, brief and honest. If you do not know something, say so."
)

// Marks that a model is asked to end its answer with, where the configuration switches them on.
const (
	handoverMark = "[handover]"
	solvedMark   = "[solved]"

	marksPrompt = "If the person asks for a human, or you cannot help, end your answer with " + handoverMark + " on a line of its own. " +
		"If the person's question is answered for good, end it with " + solvedMark + " on a line of its own. Otherwise write neither."
)

// model is a responder that asks a language model over the chat API that OpenAI has and others share. Its answers are not streamed: nothing is said before all of it is there.
type model struct {
	remote
	base          *url.URL
	key           hookswitch.Secret
	name          string
	system        string
	temperature   float32 // 0: the model's own
	effort        string
	reasoning     int // tokens that a model may spend on thinking, on top of the cap
	history       int
	contextTokens int
	caps          capsByChannel
	marks         bool
	completion    bool // the server takes max_completion_tokens
}

// coldest stands for a temperature of 0, which the library leaves out.
const coldest = 1e-6

// efforts are the words that servers know for how much a model thinks.
var efforts = []string{"", openai.ReasoningEffortNone, openai.ReasoningEffortMinimal, openai.ReasoningEffortLow, openai.ReasoningEffortMedium, openai.ReasoningEffortHigh,
	openai.ReasoningEffortXHigh, openai.ReasoningEffortMax}

// thinkers are models that refuse max_tokens wherever they run.
var thinkers = regexp.MustCompile(`^(o[1-9]|gpt-[5-9])`)

func buildOpenAI(f *fields, s *settings, o Options) hookswitch.Responder {
	m := &model{
		remote:        readRemote(f, s, o),
		base:          readURL(f, "baseUrl", DefaultBaseURL, o.Guard),
		key:           hookswitch.Secret(f.text("apiKey", MaxKey)),
		name:          f.text("model", MaxModel),
		system:        f.textOr("system", MaxSystem, defaultSystem),
		effort:        f.text("reasoningEffort", MaxKeyword),
		reasoning:     int(f.number("reasoningTokens", 0, MaxReasoningTokens, 0)),
		history:       int(f.number("history", 0, MaxHistory, DefaultHistory)),
		contextTokens: int(f.number("contextTokens", 100, MaxContextTokens, DefaultContextTokens)),
		caps:          readCaps(f),
		marks:         f.flag("marks"),
	}
	if temperature := f.decimal("temperature", 0, 2, -1); temperature >= 0 {
		m.temperature = max(float32(temperature), coldest)
	}
	if m.name == "" {
		f.wrong("must name the model", "model")
	}
	if !slices.Contains(efforts, m.effort) {
		f.wrong("must be one of "+strings.Join(efforts[1:], ", "), "reasoningEffort")
	}
	if safehttp.CheckHeader("Authorization", m.key.Reveal()) != nil {
		f.wrong("must not contain line breaks or other control characters", "apiKey")
	}
	m.completion = thinkers.MatchString(m.name) || m.base != nil && m.base.Host == "api.openai.com"
	switch err := openai.NewReasoningValidator().Validate(m.request(&hookswitch.Turn{Channel: hookswitch.SMS})); {
	case errors.Is(err, openai.ErrReasoningModelLimitationsOther):
		f.wrong("must be left out, or 1: this model has one of its own", "temperature")
	case errors.Is(err, openai.ErrReasoningEffortUnsupported):
		f.wrong("is not known to this model", "reasoningEffort")
	case err != nil:
		f.wrong(err.Error(), "model")
	}
	return m
}

func (m *model) Respond(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	if m.http == nil {
		return hookswitch.Reply{}, errNoHTTP
	}
	call := &chatCall{remote: &m.remote, at: m.base.JoinPath("chat", "completions")}
	cfg := openai.DefaultConfig(m.key.Reveal())
	cfg.BaseURL, cfg.HTTPClient = m.base.String(), call
	out, err := openai.NewClientWithConfig(cfg).CreateChatCompletion(ctx, m.request(turn))
	if call.fail != nil {
		return hookswitch.Reply{}, call.fail
	}
	if err != nil {
		return hookswitch.Reply{}, unreadable(err)
	}
	caps := m.caps.of(turn.Channel)
	reply, err := m.read(&out)
	reply.Use = hookswitch.ReplyUse{Model: wordOr(out.Model, m.name), TokensIn: max(out.Usage.PromptTokens, 0), TokensOut: max(out.Usage.CompletionTokens, 0), Refused: refuses(&out)}
	if err == nil {
		reply.Text = caps.cut(reply.Text, turn.Channel)
	}
	return reply, err
}

// request is what the model is asked.
func (m *model) request(turn *hookswitch.Turn) openai.ChatCompletionRequest {
	r := openai.ChatCompletionRequest{Model: m.name, Messages: m.messages(turn), ReasoningEffort: m.effort, Temperature: m.temperature}
	if tokens := m.caps.of(turn.Channel).Tokens; tokens > 0 {
		if tokens += m.reasoning; m.completion {
			r.MaxCompletionTokens = tokens
		} else {
			r.MaxTokens = tokens //lint:ignore SA1019 servers other than OpenAI's know no other field
		}
	}
	return r
}

// messages are the system prompt, as much of the history as the configuration allows, and the message to be answered. The person and we take turns in them, the person first: the
// templates of some models know no other order.
func (m *model) messages(turn *hookswitch.Turn) []openai.ChatCompletionMessage {
	asked := said(turn.Type, turn.Text)
	if asked == "" {
		asked = "(The person says nothing yet.)"
	}
	asked = clip(asked, m.contextTokens)
	left := m.contextTokens - tokens(asked)
	lines := turn.History[max(0, len(turn.History)-m.history):]
	from := len(lines)
	for from > 0 {
		if left -= tokens(said(lines[from-1].Type, lines[from-1].Text)) + lineTokens; left < 0 {
			break
		}
		from--
	}
	var before []string // what we had written when the person first wrote
	var out []openai.ChatCompletionMessage
	add := func(role, text string) {
		if last := len(out) - 1; last >= 0 && out[last].Role == role {
			out[last].Content += "\n" + text
			return
		}
		out = append(out, openai.ChatCompletionMessage{Role: role, Content: text})
	}
	for _, l := range lines[from:] {
		switch text := said(l.Type, l.Text); {
		case text == "":
		case l.Direction == hookswitch.Inbound:
			add(openai.ChatMessageRoleUser, text)
		case len(out) == 0:
			before = append(before, text)
		default:
			add(openai.ChatMessageRoleAssistant, text)
		}
	}
	add(openai.ChatMessageRoleUser, asked)
	system := openai.ChatCompletionMessage{Role: openai.ChatMessageRoleSystem, Content: m.prompt(turn, before)}
	return append([]openai.ChatCompletionMessage{system}, out...)
}

// lineTokens is what a message costs beside its text.
const lineTokens = 4

// clip cuts text to about so many tokens.
func clip(text string, limit int) string {
	if tokens(text) <= limit {
		return text
	}
	n := 0
	for i, r := range text {
		if n++; r >= 0x80 {
			n += 3
		}
		if n > 4*limit {
			return text[:i]
		}
	}
	return text
}

// said is what a message says, in words.
func said(kind, text string) string {
	if text = strings.TrimSpace(text); text != "" || kind == "" || kind == "text" {
		return text
	}
	return "[" + kind + "]"
}

func (m *model) prompt(turn *hookswitch.Turn, before []string) string {
	parts := []string{expand(m.system, &hookswitch.Turn{ProfileName: turn.ProfileName, Channel: turn.Channel, Text: "{text}"})}
	if turn.Channel == hookswitch.Voice {
		parts = append(parts, "Your answer is read aloud: write plain sentences, no lists and no symbols.")
	} else if turn.Channel != hookswitch.Email {
		parts = append(parts, "Write plain text without markup.")
	}
	parts = append(parts, m.caps.of(turn.Channel).words())
	if m.marks {
		parts = append(parts, marksPrompt)
	}
	if len(before) > 0 {
		parts = append(parts, "You had written this to the person before:\n"+strings.Join(before, "\n"))
	}
	return strings.Join(nonEmpty(parts), "\n\n")
}

func nonEmpty(parts []string) []string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// thought is what models put before their answer when nobody takes it apart for them.
// The templates of some of them have put the opening tag before it already.
var thought = regexp.MustCompile(`(?s)^\s*(?:<think(?:ing)?>)?.*?</think(?:ing)?>`)

// read is the reply that the model's answer is.
func (m *model) read(out *openai.ChatCompletionResponse) (hookswitch.Reply, error) {
	if len(out.Choices) == 0 {
		return hookswitch.Reply{}, &hookswitch.ResponderError{Message: "the model's answer has no choices", Permanent: true}
	}
	choice := &out.Choices[0]
	text := choice.Message.Content
	for _, part := range choice.Message.MultiContent {
		text += part.Text
	}
	if text == "" {
		text = choice.Message.Refusal
	}
	text = tidy(thought.ReplaceAllString(text, ""))
	if strings.HasPrefix(text, "<think") { // it never came to an end
		text = ""
	}
	reply := hookswitch.Reply{Unsolved: true}
	if m.marks {
		text, reply.Handover = takeMark(text, handoverMark)
		var solved bool
		text, solved = takeMark(text, solvedMark)
		reply.Unsolved = !solved
	}
	cut := choice.FinishReason == openai.FinishReasonLength
	if cut {
		text = wholeSentences(text)
	}
	if text == "" && !reply.Handover {
		problem := "the model said nothing"
		if cut {
			problem = "the model spent all its tokens without an answer; allow it more with limits or reasoningTokens"
		} else if reason := string(choice.FinishReason); isWord(reason) {
			problem += " (" + reason + ")"
		}
		return hookswitch.Reply{}, &hookswitch.ResponderError{Message: problem, Permanent: true}
	}
	reply.Text = text
	return reply, nil
}

// refuses reports whether the model, or a filter before it, refused to answer.
func refuses(out *openai.ChatCompletionResponse) bool {
	if len(out.Choices) == 0 {
		return false
	}
	c := &out.Choices[0]
	return c.FinishReason == openai.FinishReasonContentFilter || c.Message.Refusal != "" && c.Message.Content == ""
}

// wordOr is the name of a model as a server tells it, where it is one, or ours.
func wordOr(told, ours string) string {
	if told == "" || len(told) > MaxModel || hookswitch.CheckText(told) != "" || strings.ContainsAny(told, "\n\r") {
		return ours
	}
	return told
}

// takeMark takes a mark out of text, wherever it stands, and reports whether there was one.
func takeMark(text, mark string) (string, bool) {
	out, found := text, false
	for {
		i := indexFold(out, mark)
		if i < 0 {
			return strings.TrimSpace(out), found
		}
		out, found = out[:i]+out[i+len(mark):], true
	}
}

// indexFold is strings.Index for an ASCII needle in any case.
func indexFold(text, needle string) int {
	for i := 0; i+len(needle) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(needle)], needle) {
			return i
		}
	}
	return -1
}

// wholeSentences leaves out the sentence that text breaks off in, unless that is most of it.
func wholeSentences(text string) string {
	if ends := sentenceEnd.FindAllStringIndex(text, -1); len(ends) > 0 {
		if last := ends[len(ends)-1]; last[0] > len(text)/2 {
			return strings.TrimSpace(text[:last[1]])
		}
	}
	return text
}

// sentenceEnd is the end of a sentence. A full stop of ASCII is one only before a space: it stands in numbers and addresses, too, and what follows it at the end of all is not known.
var sentenceEnd = regexp.MustCompile(`[.!?]["')\]]*\s|[^\s\d][.!?]$|[…。！？।؟\n]`)

// unreadable is the failure of an answer that the library could not read. Its own words may quote the answer.
func unreadable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	return &hookswitch.ResponderError{Message: "the answer is not one of a chat API", Permanent: true, Err: err}
}

// chatCall carries the library's one request of an answer to the guarded client. It is made for each answer.
type chatCall struct {
	remote *remote
	at     *url.URL // with the query of the address that was configured
	fail   error    // why there is no answer
}

// Do implements openai.HTTPDoer.
func (c *chatCall) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	fields := []safehttp.Field{{Name: "User-Agent", Value: userAgent}}
	for _, name := range []string{"Content-Type", "Accept", "Authorization"} {
		own := false
		for _, f := range c.remote.header {
			own = own || http.CanonicalHeaderKey(f.Name) == name
		}
		if value := r.Header.Get(name); value != "" && !own {
			fields = append(fields, safehttp.Field{Name: name, Value: value})
		}
	}
	resp, err := c.remote.http.Do(r.Context(), &safehttp.Request{
		Method: r.Method, URL: c.at, Header: append(fields, c.remote.header...), Body: body, Timeout: c.remote.timeout, Keep: maxCompletion,
	})
	if err != nil {
		c.fail = callError(err)
		return nil, c.fail
	}
	if fail := refusal(resp.Status, resp.Header, c.remote.now()); fail != nil {
		if reason := refusalReason(resp); reason != "" {
			fail.Message += ": " + reason
		}
		c.fail = fail
	} else {
		c.fail = whole(resp, maxCompletion)
	}
	if c.fail != nil {
		return nil, c.fail
	}
	return &http.Response{StatusCode: resp.Status, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(resp.Body))}, nil
}

var _ openai.HTTPDoer = (*chatCall)(nil)

// refusalReason is the word by which a server says why it refuses, such as invalid_api_key. Its sentences are left out: they quote keys and what people wrote.
func refusalReason(resp *safehttp.Response) string {
	var answer struct {
		Error struct {
			Code any `json:"code"`
			Type any `json:"type"`
		} `json:"error"`
	}
	_ = json.Unmarshal(resp.Body, &answer) // what is no JSON has no word
	for _, v := range []any{answer.Error.Code, answer.Error.Type} {
		if text, _ := v.(string); isWord(text) {
			return text
		}
	}
	return ""
}

// isWord reports whether text is a short word for programs.
func isWord(text string) bool {
	return text != "" && len(text) <= 60 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") == ""
}
