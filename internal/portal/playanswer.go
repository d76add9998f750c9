package portal

import (
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var playAnswerRoutes = []route{
	{in: open, method: "GET", path: "/play/{token}/answer", name: "What the bin answers", handle: onPlay((*play).answer), samples: []string{"/play/{emptybin}/answer", "/play/{manybin}/answer"}},
	{in: open, method: "POST", path: "/play/{token}/answer", name: "What the bin answers", handle: onPlay((*play).saveAnswer)},
}

// answerWord is what a bin answers in a word or two.
func answerWord(a *store.BinAnswer) string {
	switch {
	case a == nil:
		return "200"
	case a.Cut == store.CutBefore:
		return "none"
	case len(a.Sequence) > 0:
		return strconv.Itoa(a.Sequence[0]) + ", …"
	case a.Status == 0:
		return "200"
	}
	return strconv.Itoa(a.Status)
}

// answeredWords say what a request was answered.
func answeredWords(a *store.BinAnswered) string {
	if a == nil {
		return ""
	}
	var b strings.Builder
	if a.Cut == store.CutBefore {
		b.WriteString("nothing: the connection was closed")
	} else {
		b.WriteString(strconv.Itoa(a.Status))
		if text := http.StatusText(a.Status); text != "" {
			b.WriteString(" " + text)
		}
		b.WriteString(", " + lengthOf(a.Size))
	}
	if a.DelayMS > 0 {
		b.WriteString(", after " + ui.Millis(time.Duration(a.DelayMS)*time.Millisecond))
	}
	if a.DripMS > 0 {
		b.WriteString(", spread over " + ui.Millis(time.Duration(a.DripMS)*time.Millisecond))
	}
	if a.Cut == store.CutBody {
		b.WriteString(", closed in the middle")
	}
	switch a.Why {
	case "sequence":
		b.WriteString(" (from the sequence)")
	case "chance":
		b.WriteString(" (failed by chance)")
	}
	return b.String()
}

// kit is an answer that can be had with one press.
type kit struct {
	ID, Name, Text string
	Current        bool // the bin does so now
}

var kits = []kit{
	{ID: "ok", Name: "Answer 200", Text: "Every request is taken. What a bin does by itself."},
	{ID: "retry", Name: "Fail twice, then take it", Text: "503, 503, 200: see what is sent again, and when."},
	{ID: "flaky", Name: "Fail now and then", Text: "A third of the requests get 500."},
	{ID: "slow", Name: "Answer late", Text: "After 20 seconds, which many senders do not wait for."},
	{ID: "drip", Name: "Answer drop by drop", Text: "A body that takes 15 seconds to arrive."},
	{ID: "busy", Name: "Too many requests", Text: "429 with Retry-After: 30."},
	{ID: "gone", Name: "Gone", Text: "410: good senders stop for ever."},
	{ID: "redirect", Name: "Redirect", Text: "302 to somewhere else. Webhooks are not to follow."},
	{ID: "huge", Name: "A huge body", Text: "200 with 8 MiB nobody asked for."},
	{ID: "cut", Name: "Close early", Text: "The connection ends without an answer."},
	{ID: "half", Name: "Half an answer", Text: "The connection ends in the middle of the body."},
	{ID: "html", Name: "A log-in page", Text: "200, with HTML instead of an answer."},
}

// kitAnswer is the answer of a kit; nil for what a bin does by itself.
func kitAnswer(id string) (a *store.BinAnswer, ok bool) {
	switch id {
	case "ok":
		return nil, true
	case "retry":
		return &store.BinAnswer{Sequence: []int{503, 503, 200}}, true
	case "flaky":
		return &store.BinAnswer{FailRate: 33, FailWith: 500}, true
	case "slow":
		return &store.BinAnswer{DelayMS: 20_000}, true
	case "drip":
		return &store.BinAnswer{DripMS: 15_000, Huge: 4096, Body: "drip drop\n"}, true
	case "busy":
		return &store.BinAnswer{Status: 429, Headers: []store.HeaderLine{{Name: "Retry-After", Value: "30"}}}, true
	case "gone":
		return &store.BinAnswer{Status: 410, Body: "gone"}, true
	case "redirect":
		return &store.BinAnswer{Status: 302, Headers: []store.HeaderLine{{Name: "Location", Value: "https://example.com/moved"}}}, true
	case "huge":
		return &store.BinAnswer{Huge: 8 << 20, Body: "all work and no play "}, true
	case "cut":
		return &store.BinAnswer{Cut: store.CutBefore}, true
	case "half":
		return &store.BinAnswer{Cut: store.CutBody, Huge: 8192, Body: "half of this is all you get "}, true
	case "html":
		return &store.BinAnswer{Headers: []store.HeaderLine{{Name: "Content-Type", Value: "text/html; charset=utf-8"}},
			Body: "<!doctype html><title>Sign in</title><h1>Sign in</h1><form><input name=\"user\"><input name=\"password\" type=\"password\"></form>"}, true
	}
	return nil, false
}

// answerPage is the editor.
type answerPage struct {
	*binHead
	Now      string // what the bin answers, in a sentence
	Next     string // what the next request gets, where a sequence is under way
	Kits     []kit
	Problems ui.Problems
	Status, Sequence, Headers, Body, Huge, Delay, Drip, Cut, FailRate, FailWith,
	Repeat ui.Field
}

func (pl *play) answer(v *view) error {
	h, err := pl.owned(v)
	if err != nil {
		return err
	}
	return pl.showAnswer(h, http.StatusOK, h.bin.Answer, nil)
}

// answerSentence is what a bin does, in words.
func answerSentence(a *store.BinAnswer) string {
	if a == nil {
		return "It answers every request with 200 at once."
	}
	var parts []string
	switch {
	case a.Cut == store.CutBefore:
		parts = append(parts, "closes the connection without an answer")
	case len(a.Sequence) > 0:
		words := joinInts(a.Sequence)
		if a.Repeat {
			words += ", and so on from the start"
		} else {
			words += ", which it stays at"
		}
		parts = append(parts, "answers "+words)
	default:
		parts = append(parts, "answers "+answerWord(a))
	}
	if a.FailRate > 0 {
		with := a.FailWith
		if with == 0 {
			with = 500
		}
		parts = append(parts, "fails "+strconv.Itoa(a.FailRate)+" in 100 with "+strconv.Itoa(with))
	}
	if a.DelayMS > 0 {
		parts = append(parts, "waits "+ui.Millis(time.Duration(a.DelayMS)*time.Millisecond)+" before")
	}
	if a.DripMS > 0 {
		parts = append(parts, "spreads the body over "+ui.Millis(time.Duration(a.DripMS)*time.Millisecond))
	}
	if a.Huge > 0 {
		parts = append(parts, "sends "+lengthOf(a.Huge))
	}
	if a.Cut == store.CutBody {
		parts = append(parts, "closes the connection in the middle of the body")
	}
	return "It " + strings.Join(parts, ", ") + "."
}

func joinInts(list []int) string {
	words := make([]string, len(list))
	for i, n := range list {
		words[i] = strconv.Itoa(n)
	}
	return strings.Join(words, ", ")
}

func seconds(ms int) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64)
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (pl *play) showAnswer(h *binHead, status int, a *store.BinAnswer, typed map[string]string, problems ...ui.Problem) error {
	page := &answerPage{binHead: h, Now: answerSentence(h.bin.Answer)}
	for _, k := range kits {
		of, _ := kitAnswer(k.ID)
		if have := h.bin.Answer; of != nil && have != nil {
			of.From = have.From
		}
		k.Current = reflect.DeepEqual(of, h.bin.Answer)
		page.Kits = append(page.Kits, k)
	}
	if have := h.bin.Answer; have != nil && len(have.Sequence) > 0 {
		i := max(0, h.bin.Taken+1-have.From)
		if have.Repeat {
			i %= int64(len(have.Sequence))
		}
		page.Next = "The next request gets " + strconv.Itoa(have.Sequence[min(i, int64(len(have.Sequence)-1))]) + "."
	}
	if a == nil {
		a = &store.BinAnswer{}
	}
	var headers strings.Builder
	for _, line := range a.Headers {
		headers.WriteString(line.Name + ": " + line.Value + "\n")
	}
	value := func(name, saved string) string {
		if typed != nil {
			return typed[name]
		}
		return saved
	}
	problem := func(name string) string {
		for _, p := range problems {
			if p.Field == name {
				return p.Text
			}
		}
		return ""
	}
	field := func(name, label, saved, hint, holder string) ui.Field {
		return ui.Field{ID: name, Name: name, Label: label, Value: value(name, saved), Hint: hint, Holder: holder, Problem: problem(name), Autocomplete: "off"}
	}
	page.Status = field("status", "Status", number(a.Status), "Any between 200 and 599.", "200")
	page.Sequence = field("sequence", "Statuses in turn", joinInts(a.Sequence), "For the next requests, one after the other, instead of the status. The last one stays. Saving begins anew.", "503, 503, 200")
	page.Repeat = ui.Field{ID: "repeat", Name: "repeat", Kind: "checkbox", Label: "Begin again after the last one", Checked: value("repeat", boolWord(a.Repeat)) != ""}
	page.FailRate = field("fail_rate", "Fail by chance, so many in 100", number(a.FailRate), "", "0")
	page.FailWith = field("fail_with", "Status of those", number(a.FailWith), "", "500")
	page.Headers = field("headers", "Headers", headers.String(), "One a line. Cookies and what concerns the connection are left to the server.", "Retry-After: 120")
	page.Headers.Kind, page.Headers.Mono = "textarea", true
	page.Body = field("body", "Body", a.Body, "Placeholders: {{n}} is the number of the request, {{method}}, {{path}}, {{time}}, {{unix}}, {{body}}, {{header NAME}}, and {{json data.id}} a value of its body.", `{"received": {{n}}}`)
	page.Body.Kind, page.Body.Mono, page.Body.Rows = "textarea", true, 5
	huge := ""
	if a.Huge > 0 {
		huge = strconv.FormatInt(a.Huge>>10, 10)
		if a.Huge < 1<<10 {
			huge = "1"
		}
	}
	page.Huge = field("huge", "Repeat the body up to, in KiB", huge, "At most 16384.", "0")
	page.Delay = field("delay_ms", "Wait before the answer, in seconds", seconds(a.DelayMS), "At most 60.", "0")
	page.Drip = field("drip_ms", "Spread the body over, in seconds", seconds(a.DripMS), "At most 60.", "0")
	page.Cut = ui.Field{ID: "cut", Name: "cut", Label: "Close the connection", Kind: "select", Problem: problem("cut"),
		Options: options(value("cut", a.Cut), "", "When the answer is complete", store.CutBefore, "Without an answer", store.CutBody, "In the middle of the body")}
	if len(problems) > 0 {
		page.Problems = ui.Problems{Title: "The answer was not saved", List: problems}
	}
	return h.write(status, "play/answer", page)
}

func boolWord(b bool) string {
	if b {
		return "on"
	}
	return ""
}

func (pl *play) saveAnswer(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	if id := form.Get("kit"); id != "" {
		a, ok := kitAnswer(id)
		if !ok {
			return hookswitch.InvalidField("is not known", "kit")
		}
		if err := pl.svc.SetBinAnswer(v.ctx(), h.Token, a); err != nil {
			return err
		}
		return v.done(h.Path+"/answer", ui.Good, "From the next request on: "+answerSentence(a))
	}
	typed := make(map[string]string)
	for name := range form {
		typed[name] = strings.ReplaceAll(form.Get(name), "\r\n", "\n")
	}
	var problems []ui.Problem
	wrong := func(field, text string) { problems = append(problems, ui.Problem{Field: field, Text: text}) }
	whole := func(name string) int {
		text := strings.TrimSpace(typed[name])
		if text == "" {
			return 0
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			wrong(name, "That is not a whole number.")
		}
		return n
	}
	millis := func(name string) int {
		text := strings.TrimSpace(typed[name])
		if text == "" {
			return 0
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0 && n <= 1e6) {
			wrong(name, "That is not a number of seconds.")
			return 0
		}
		return int(n * 1000)
	}
	a := &store.BinAnswer{Status: whole("status"), Repeat: typed["repeat"] != "", Body: typed["body"], DelayMS: millis("delay_ms"), DripMS: millis("drip_ms"), Cut: typed["cut"],
		FailRate: whole("fail_rate"), FailWith: whole("fail_with"), Huge: int64(whole("huge")) << 10}
	for part := range strings.FieldsFuncSeq(typed["sequence"], func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		code, err := strconv.Atoi(part)
		if err != nil {
			wrong("sequence", "Write statuses with commas between them, such as 503, 503, 200.")
			break
		}
		a.Sequence = append(a.Sequence, code)
	}
	for line := range strings.Lines(typed["headers"]) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, text, ok := strings.Cut(line, ":")
		if !ok {
			wrong("headers", "Write one header a line, such as Retry-After: 120.")
			break
		}
		a.Headers = append(a.Headers, store.HeaderLine{Name: strings.TrimSpace(name), Value: strings.TrimSpace(text)})
	}
	if len(problems) == 0 {
		var e *hookswitch.Error
		if errors.As(service.CheckBinAnswer(a), &e) {
			for _, f := range e.Fields {
				wrong(f.Path[len(f.Path)-1], "It "+f.Message+".")
			}
		}
	}
	if len(problems) > 0 {
		return pl.showAnswer(h, http.StatusUnprocessableEntity, nil, typed, problems...)
	}
	if err := pl.svc.SetBinAnswer(v.ctx(), h.Token, a); err != nil {
		return err
	}
	return v.done(h.Path+"/answer", ui.Good, "From the next request on: "+answerSentence(a))
}
