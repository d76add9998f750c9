package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var endpointRecoverRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath + "/recover", name: "Recover", tab: "Recover", under: "/endpoints", handle: (*Pages).recoverPage,
		samples: []string{"/endpoints/{failing}/recover", "/endpoints/{failing}/recover?what=failed&last=24h", "/endpoints/{good}/recover?what=never&last=24h", "/endpoints/{off}/recover",
			"/endpoints/{failing}/recover?what=all&last=24h&canary=10&answers=500&tag=vip&types=some&type=message.inbound"}},
	{in: appPages, method: "POST", path: endpointPath + "/recover", name: "Recover", needs: hookswitch.CreateAttempts, handle: (*Pages).startRecovery},
	{in: appPages, method: "POST", path: endpointPath + "/recover/cancel", name: "Cancel a recovery", needs: hookswitch.CreateAttempts, handle: (*Pages).cancelRecovery},
	{in: appPages, method: "POST", path: endpointPath + "/recover/resume", name: "Go on with a recovery", needs: hookswitch.CreateAttempts, handle: (*Pages).resumeRecovery},
}

// recoveryKinds are what can be sent again, by the words of the page.
var recoveryKinds = []struct {
	word, name, text string
	kind             hookswitch.TaskKind
}{
	{"failed", "What failed", "Events that were tried and never got through.", hookswitch.TaskRecover},
	{"never", "What was never tried", "Published while the endpoint was off, or dropped before a try.", hookswitch.TaskReplay},
	{"all", "Everything", "Also what has been delivered: your server will see it again, under the same ids.", hookswitch.TaskBulkReplay},
}

func recoveryKind(word string) hookswitch.TaskKind {
	for _, k := range recoveryKinds {
		if k.word == word {
			return k.kind
		}
	}
	return hookswitch.TaskRecover
}

// recoveryChoice is one of recoveryKinds in the form.
type recoveryChoice struct {
	Word, Name, Text string
	Chosen           bool
}

// recoveryRow is a recovery, past or under way.
type recoveryRow struct {
	ID, What, Who string
	State         ui.Badge
	At            time.Time
	From, Until   time.Time
	Narrowed      string // what it was narrowed to
	Done, Total   string
	Failed        string // how many attempts failed; "": none
	Failures      string // the page of those
	Left          string // how long it will still take
	Note          string
	Running       bool
	Resumable     bool
	Share         int64
}

// recoverPage is the form of recoveries, what one would send, and those of the past.
type recoverPage struct {
	*view
	Head     endpointHead
	Kinds    []recoveryChoice
	From     ui.Field
	Until    ui.Field
	Rate     ui.Field
	Canary   ui.Field
	Types    typePicker
	Tag      ui.Field
	Answers  ui.Field
	Text     ui.Field
	Narrowed bool // the filter is shown open
	Quick    []ui.Link
	Problems ui.Problems
	Blank    *ui.Blank // it cannot be done now
	Refused  string
	Counted  bool
	Plan     service.RecoveryPlan
	First    string // the pages of the first and the last message
	Last     string
	Size     string
	Took     string // an estimate
	Alone    string // how many go first; "": all go at once
	CountAll string // counts to the end what has been counted in part; "": that has been tried
	Fields   []pair // of the form that starts it
	Rows     []recoveryRow
	Running  bool
	Tone     ui.Tone
	Sentence string
}

// countFor is how long what would be sent is counted for somebody who asks for all of it.
const countFor = 10 * time.Second

// timeForm is that of fields of the kind datetime-local, which browsers fill.
const timeForm = "2006-01-02T15:04"

// lastTime is the greatest time that such a field takes.
const lastTime = "9999-12-31T23:59"

// readTime reads a field of a time in UTC.
func readTime(text string) (time.Time, bool) {
	for _, form := range []string{timeForm, "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// recoveryOf is what the form asks for. asked says that it asks for something.
func recoveryOf(form url.Values, now time.Time, wrong map[string]string) (r service.Recovery, asked bool) {
	if last, err := time.ParseDuration(form.Get("last")); err == nil && last > 0 {
		form.Set("from", now.Add(-last).UTC().Format(timeForm))
		form.Del("last")
	}
	if asked = form.Get("from") != ""; !asked {
		return r, false
	}
	var ok bool
	if r.Since, ok = readTime(form.Get("from")); !ok {
		wrong["from"] = "has to be a time such as 2026-01-31T14:00"
	}
	if s := form.Get("until"); s != "" {
		if r.Until, ok = readTime(s); !ok {
			wrong["until"] = "has to be a time such as 2026-01-31T15:10"
		}
	}
	var err error
	if s := form.Get("rate"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > service.MaxTaskRate {
			wrong["rate"] = "has to be a whole number from 1 to " + strconv.Itoa(service.MaxTaskRate)
		}
		r.Rate = n
	}
	if form.Get("types") == "some" {
		if r.EventTypes = form["type"]; len(r.EventTypes) == 0 {
			wrong["types"] = "Choose at least one event type, or all of them"
		}
	}
	if s := form.Get("canary"); s != "" {
		if r.Canary, err = strconv.Atoi(s); err != nil || r.Canary < 0 || r.Canary > service.MaxCanary {
			wrong["canary"] = "has to be one of the choices"
		}
	}
	if r.Tag = strings.TrimSpace(form.Get("tag")); r.Tag != "" {
		if m := hookswitch.CheckTag(r.Tag); m != "" {
			wrong["tag"] = m
		}
	}
	if s := form.Get("answers"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 500 || n%100 != 0 {
			wrong["answers"] = "has to be one of the choices"
		}
		r.CodeClass = &n
	}
	r.Text = strings.TrimSpace(form.Get("text"))
	r.OnlyOwed = true
	return r, true
}

func (p *Pages) recoverPage(v *view) error {
	form := v.r.URL.Query()
	if !form.Has("canary") {
		form.Set("canary", canaries[0])
	}
	return p.showRecover(v, http.StatusOK, form, nil)
}

// canaries are how many may be sent first, the default one first.
var canaries = []string{"10", "10 first, the others when those got through", "100", "100 first, the others when those got through", "0", "All of them at once"}

// answerClasses are what a recovery may be narrowed to by the answers.
var answerClasses = []string{"", "Any answer, or none", "500", "5xx: an error of your server", "400", "4xx: refused by your server", "300", "3xx: a redirect", "200", "2xx: taken", "0", "No answer"}

func (p *Pages) showRecover(v *view, status int, form url.Values, problems map[string]string) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	h, _, err := p.svc.HealthOfEndpoint(v.ctx(), e)
	if err != nil {
		return err
	}
	page := &recoverPage{view: v, Head: v.endpointHead(h), Refused: v.MayNot("messages.resend"), Narrowed: form.Get("types") == "some" || form.Get("tag") != "" || form.Get("text") != "" || form.Get("answers") != ""}
	page.Head.Tabs, v.Shell.Title = currentTab(page.Head.Tabs, "Recover"), "Recover · "+page.Head.Name
	wrong := problems
	if wrong == nil {
		wrong = make(map[string]string)
	}
	what := form.Get("what")
	if what == "" {
		what = "failed"
	}
	if err := p.expandTypes(v, form, wrong); err != nil {
		return err
	}
	if page.Types, err = p.typePicker(v, form, ""); err != nil {
		return err
	}
	r, asked := recoveryOf(form, v.Now, wrong)
	if e.Disabled {
		page.Blank = &ui.Blank{Kind: "denied", Title: "The endpoint is off", Text: "Enable it first; then what it missed can be sent.", Links: []ui.Action{{Name: "To the overview", URL: v.Page("endpoints", page.Head.ID), Look: "primary"}}}
	} else if asked && len(wrong) == 0 {
		within := soon
		if page.CountAll = v.Link("count", "all"); form.Get("count") == "all" {
			within, page.CountAll = countFor, ""
		}
		page.Plan, err = p.svc.PlanRecovery(v.ctx(), recoveryKind(what), v.App.Key, page.Head.ID, r, within)
		if !noteFields(err, wrong, recoveryFields) && err != nil {
			return err
		}
		page.Counted = err == nil
		page.say(what, r)
		page.Fields = append(page.Fields, pair{Name: "what", Value: what})
		for _, name := range []string{"from", "until", "rate", "canary", "types", "type", "tag", "answers", "text"} {
			for _, value := range form[name] {
				page.Fields = append(page.Fields, pair{Name: name, Value: value})
			}
		}
	}
	for _, k := range recoveryKinds {
		page.Kinds = append(page.Kinds, recoveryChoice{k.word, k.name, k.text, k.word == what})
	}
	page.fields(form, wrong)
	if err := page.history(p, e); err != nil {
		return err
	}
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	page.asCall(what, r)
	return v.write(status, "app/endpoint-recover", page)
}

// asCall is the page as a request, and as a command.
func (page *recoverPage) asCall(what string, r service.Recovery) {
	in := map[string]any{"since": r.Since}
	if r.Since.IsZero() {
		in["since"] = page.Now.Add(-24 * time.Hour).UTC().Truncate(time.Minute)
	}
	cli := "hookswitch endpoint recover --app " + page.AppID() + " " + page.Head.ID + " --what " + what + " --since " + in["since"].(time.Time).Format(time.RFC3339)
	add := func(have bool, name, flag string, value any) {
		if have {
			in[name] = value
			cli += " --" + flag + " " + shellWord(fmt.Sprint(value))
		}
	}
	if !r.Until.IsZero() {
		in["until"] = r.Until
		cli += " --until " + r.Until.Format(time.RFC3339)
	}
	add(r.Rate > 0, "ratePerSecond", "rate", r.Rate)
	add(r.Canary > 0, "canary", "canary", r.Canary)
	for _, t := range r.EventTypes {
		in["eventTypes"] = r.EventTypes
		cli += " --type " + shellWord(t)
	}
	add(r.Tag != "", "channel", "tag", r.Tag)
	add(r.Text != "", "text", "text", r.Text)
	if r.CodeClass != nil {
		add(true, "statusCodeClass", "answers", *r.CodeClass)
	}
	if what == "never" {
		in["onlyOwed"] = true
	}
	page.api(http.MethodPost, "/app/"+page.AppID()+"/endpoint/"+page.Head.ID+"/"+map[string]string{"failed": "recover", "never": "replay-missing", "all": "bulk-replay"}[what], cli)
	if body, err := json.Marshal(in); err == nil {
		page.Shell.Call.Curl += " \\\n  -d " + shellWord(string(body))
	}
}

var recoveryFields = map[string]string{"since": "from", "until": "until", "ratePerSecond": "rate", "canary": "canary", "text": "text"}

func (page *recoverPage) fields(form url.Values, wrong map[string]string) {
	field := func(id, label, hint string) ui.Field {
		f := ui.Field{ID: id, Name: id, Label: label, Hint: hint, Value: form.Get(id)}
		if wrong[id] != "" {
			page.Problems.List = append(page.Problems.List, ui.Problem{Field: id, Text: label + " " + wrong[id]})
			f.Problem = label + " " + wrong[id] + "."
		}
		return f
	}
	page.From, page.Until = field("from", "From", "In UTC, by when events were published."), field("until", "Until", "In UTC. Empty: until now.")
	for _, f := range []*ui.Field{&page.From, &page.Until} {
		if t, ok := readTime(f.Value); ok {
			f.Value = t.UTC().Format(timeForm) // the one form that browsers read
		}
	}
	page.From.Kind, page.Until.Kind, page.From.Required, page.Until.Optional = "datetime-local", "datetime-local", true, true
	page.From.Attrs = map[string]string{"max": lastTime, "data-utc": ""} // years of four digits: the field goes on to the hour by itself
	page.Until.Attrs = page.From.Attrs
	page.Rate = field("rate", "At most so many a second", "Empty: as many as the endpoint takes.")
	page.Rate.Kind, page.Rate.Optional = "number", true
	page.Canary = field("canary", "How to begin", "When one of the first fails, the others are not sent.")
	page.Canary.Kind, page.Canary.Options = "select", options(form.Get("canary"), canaries...)
	page.Tag = field("tag", "Tag", "Only events that bear this word. The API calls tags channels.")
	page.Tag.Optional = true
	page.Text = field("text", "Text in the payload", `Words, texts in quotes, and members such as order:17.`)
	page.Text.Optional = true
	page.Answers = field("answers", "What was answered", "By any of the attempts so far.")
	page.Answers.Kind, page.Answers.Options = "select", options(form.Get("answers"), answerClasses...)
	page.Types.problems(&page.Problems, wrong)
	page.Problems.Title = "Nothing was counted"
	for _, q := range [][2]string{{"Last hour", "1h"}, {"24 hours", "24h"}, {"7 days", "168h"}, {"14 days", "336h"}} {
		page.Quick = append(page.Quick, ui.Link{Name: q[0], URL: page.Link("last", q[1], "from", "", "until", "")})
	}
}

// say is what would be sent, in words.
func (page *recoverPage) say(what string, r service.Recovery) {
	n := page.Plan.Count
	switch {
	case n == 0 && page.Plan.More:
		page.Tone, page.Sentence = ui.Info, "Nothing that would be sent was found yet."
	case n == 0 && page.Narrowed:
		page.Tone, page.Sentence = ui.Info, "Nothing in that time fits what it is narrowed to."
	case n == 0:
		page.Tone, page.Sentence = ui.Info, map[string]string{"failed": "Nothing failed in that time.", "never": "Nothing was missed in that time.", "all": "There is nothing in that time."}[what]
	case page.Plan.More:
		page.Tone, page.Sentence = ui.Warn, "More than "+ui.Count(n)+" events would be sent."
	default:
		page.Tone, page.Sentence = ui.Good, ui.Plural(int(n), "event")+" will be sent."
	}
	if n > 0 {
		page.First, page.Last = page.ID(hookswitch.KindEvent, page.Plan.First), page.ID(hookswitch.KindEvent, page.Plan.Last)
	}
	if n == 0 {
		return
	}
	page.Size = ui.Bytes(page.Plan.Bytes)
	if d := page.Plan.Takes; d > 0 && !page.Plan.More {
		page.Took = "≈ " + ui.Span(max(time.Second, d))
	}
	if r.Canary > 0 && int64(r.Canary) < n {
		page.Alone = "The first " + ui.Count(r.Canary) + " go alone."
		if !page.Plan.More {
			page.Alone += " The other " + ui.Count(n-int64(r.Canary)) + " follow when all of those got through."
		} else {
			page.Alone += " The others follow when all of those got through."
		}
	}
}

// FirstAt and LastAt are when the first and the last event were published.
func (page *recoverPage) FirstAt() time.Time { return page.Plan.First.Time() }

// LastAt is that of the last.
func (page *recoverPage) LastAt() time.Time { return page.Plan.Last.Time() }

// history lists past recoveries.
func (page *recoverPage) history(p *Pages, e *hookswitch.Endpoint) error {
	const shown = 20
	tasks, err := p.svc.Recoveries(page.ctx(), page.App.Key, e.Key, shown)
	if err != nil {
		return err
	}
	started, err := p.svc.Activities(page.ctx(), page.App.Key, store.ActivityFilter{Action: hookswitch.DidStartRecovery, Endpoint: e.Key}, store.Page{Limit: 5 * shown})
	if err != nil {
		return err
	}
	who := make(map[string]string)
	for _, a := range started {
		who[a.Details["Task"]] = actorName(a.Actor)
	}
	resumed := make(map[hookswitch.Key]bool)
	for _, t := range tasks {
		r, of, err := page.recoveryRow(p, t)
		if err != nil {
			return err
		}
		if r.Who = who[r.ID]; r.Who == "" {
			r.Who = "–"
		}
		r.Resumable = service.Resumable(t) && !resumed[t.Key] && !e.Disabled
		resumed[of] = true // what goes on with it is newer, and stands above
		page.Running = page.Running || r.Running
		page.Rows = append(page.Rows, r)
	}
	return nil
}

// recoveryRow is one recovery, and which one it goes on with; 0: with none.
func (page *recoverPage) recoveryRow(p *Pages, t *hookswitch.Task) (r recoveryRow, resumes hookswitch.Key, err error) {
	r = recoveryRow{ID: page.ID(hookswitch.KindTask, t.Key), At: t.CreatedAt, Running: t.Status == hookswitch.TaskRunning}
	for _, k := range recoveryKinds {
		if k.kind == t.Kind {
			r.What = k.name
		}
	}
	asked, resumes, err := service.RecoveryAsked(t)
	if err != nil {
		return r, 0, err
	}
	r.From, r.Until, r.Narrowed = asked.Since, asked.Until, narrowed(asked, resumes)
	done, err := p.svc.RecoveryDone(page.ctx(), t)
	if err != nil {
		return r, 0, err
	}
	r.Done, r.Total = ui.Count(done), "counting"
	if t.Total != hookswitch.TaskUncounted {
		r.Total = ui.Count(t.Total)
		if t.Total > 0 {
			r.Share = min(100, done*100/t.Total)
		}
		if took := page.Now.Sub(t.CreatedAt); r.Running && done > 0 && done < t.Total && took > time.Second {
			r.Left = "≈ " + ui.Span(max(time.Second, time.Duration(float64(took)/float64(done)*float64(t.Total-done)))) + " left"
		}
	}
	failed, more, err := p.svc.RecoveryFailures(page.ctx(), t)
	if err != nil {
		return r, 0, err
	}
	if failed > 0 {
		r.Failed = ui.Count(failed) + " failed"
		if more {
			r.Failed = ui.Count(failed) + " or more failed"
		}
		q := "status:failed after:" + t.CreatedAt.UTC().Format(time.RFC3339)
		if !r.Running {
			q += " before:" + t.UpdatedAt.UTC().Add(time.Second).Format(time.RFC3339)
		}
		r.Failures = page.Page("endpoints", page.Head.ID, "deliveries") + "?" + url.Values{"q": {q}}.Encode()
	}
	if t.Skipped > 0 {
		r.Note = ui.Count(t.Skipped) + " not sent"
	}
	switch {
	case t.Canceled:
		r.State = ui.Badge{Tone: ui.Idle, Word: "Canceled", Icon: "ban"}
	case t.Status == hookswitch.TaskRunning:
		r.State = ui.Badge{Tone: ui.Info, Word: "Running", Icon: "turn"}
	case t.Status == hookswitch.TaskFailed:
		r.State, r.Note = ui.Badge{Tone: ui.Bad, Word: "Ended early"}, t.Error
	default:
		r.State = ui.Badge{Tone: ui.Good, Word: "Done"}
	}
	return r, resumes, nil
}

// narrowed is to what a recovery was narrowed, and how it is sent, in words.
func narrowed(r service.Recovery, resumes hookswitch.Key) string {
	var parts []string
	if resumes != 0 {
		parts = append(parts, "goes on with an earlier one")
	}
	switch n := len(r.EventTypes); {
	case n > 0 && n <= 2:
		parts = append(parts, strings.Join(r.EventTypes, ", "))
	case n > 2:
		parts = append(parts, ui.Plural(n, "type"))
	}
	for _, tag := range []string{r.Tag, r.Label} {
		if tag != "" {
			parts = append(parts, "tag "+tag)
		}
	}
	if r.Text != "" {
		parts = append(parts, "“"+excerpt(r.Text, maxShownName)+"”")
	}
	if r.CodeClass != nil {
		parts = append(parts, map[int]string{0: "no answer", 100: "1xx", 200: "2xx", 300: "3xx", 400: "4xx", 500: "5xx"}[*r.CodeClass])
	}
	if r.Rate > 0 {
		parts = append(parts, ui.Count(r.Rate)+" a second")
	}
	if r.Canary > 0 {
		parts = append(parts, ui.Count(r.Canary)+" first")
	}
	return strings.Join(parts, " · ")
}

func (p *Pages) startRecovery(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	wrong := make(map[string]string)
	if err := p.expandTypes(v, form, wrong); err != nil {
		return err
	}
	r, asked := recoveryOf(form, v.Now, wrong)
	if !asked {
		wrong["from"] = "is needed"
	}
	if len(wrong) > 0 {
		return p.showRecover(v, http.StatusUnprocessableEntity, form, wrong)
	}
	if _, err := p.svc.StartRecovery(v.ctx(), recoveryKind(form.Get("what")), v.App.Key, v.ID(hookswitch.KindEndpoint, e.Key), r, service.Idempotency{}); err != nil {
		return err
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "recover")+"#past", ui.Info, "Started. It goes on by itself; below you see how far it is.")
}

func (p *Pages) cancelRecovery(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	if _, err := p.svc.CancelRecovery(v.ctx(), e, form.Get("task")); err != nil {
		return err
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "recover")+"#past", ui.Good, "Canceled. What was sent stays sent; what waited is as it was before.")
}

func (p *Pages) resumeRecovery(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	if _, err := p.svc.ResumeRecovery(v.ctx(), e, form.Get("task"), service.Idempotency{}); err != nil {
		return err
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "recover")+"#past", ui.Info, "It goes on with what has not got through since.")
}

// PlanCount and PlanGone are numbers for the template.
func (page *recoverPage) PlanCount() int { return int(page.Plan.Count) }

// PlanGone is how many are wanted and gone.
func (page *recoverPage) PlanGone() int { return int(page.Plan.Gone) }
