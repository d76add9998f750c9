package portal

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var endpointRecoverRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath + "/recover", name: "Recover", tab: "Recover", under: "/endpoints", handle: (*Pages).recoverPage,
		samples: []string{"/endpoints/{failing}/recover", "/endpoints/{failing}/recover?what=failed&last=24h", "/endpoints/{good}/recover?what=never&last=24h", "/endpoints/{off}/recover"}},
	{in: appPages, method: "POST", path: endpointPath + "/recover", name: "Recover", needs: hookswitch.CreateAttempts, handle: (*Pages).startRecovery},
	{in: appPages, method: "POST", path: endpointPath + "/recover/cancel", name: "Cancel a recovery", needs: hookswitch.CreateAttempts, handle: (*Pages).cancelRecovery},
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
	Done, Total   string
	Note          string
	Running       bool
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
	Groups   []typeGroup
	All      bool
	Quick    []ui.Link
	Problems ui.Problems
	Blank    *ui.Blank // it cannot be done now
	Refused  string
	Counted  bool
	Plan     service.RecoveryPlan
	First    string // the pages of the first and the last message
	Last     string
	Took     string // an estimate
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
	r.OnlyOwed = true
	return r, true
}

func (p *Pages) recoverPage(v *view) error {
	return p.showRecover(v, http.StatusOK, v.r.URL.Query(), nil)
}

func (p *Pages) showRecover(v *view, status int, form url.Values, problems map[string]string) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	h, _, err := p.svc.HealthOfEndpoint(v.ctx(), e)
	if err != nil {
		return err
	}
	page := &recoverPage{view: v, Head: v.endpointHead(h), Refused: v.MayNot("messages.resend"), All: form.Get("types") != "some"}
	page.Head.Tabs, v.Shell.Title = currentTab(page.Head.Tabs, "Recover"), "Recover · "+page.Head.Name
	wrong := problems
	if wrong == nil {
		wrong = make(map[string]string)
	}
	what := form.Get("what")
	if what == "" {
		what = "failed"
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
		for _, name := range []string{"from", "until", "rate", "types", "type"} {
			for _, value := range form[name] {
				page.Fields = append(page.Fields, pair{Name: name, Value: value})
			}
		}
	}
	for _, k := range recoveryKinds {
		page.Kinds = append(page.Kinds, recoveryChoice{k.word, k.name, k.text, k.word == what})
	}
	page.fields(form, wrong)
	if page.Groups, err = p.typeGroups(v, form["type"]); err != nil {
		return err
	}
	if err := page.history(p, e); err != nil {
		return err
	}
	if len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	v.api(http.MethodPost, "/app/"+v.AppID()+"/endpoint/"+page.Head.ID+"/"+map[string]string{"failed": "recover", "never": "replay-missing", "all": "bulk-replay"}[what], "")
	return v.write(status, "app/endpoint-recover", page)
}

var recoveryFields = map[string]string{"since": "from", "until": "until", "ratePerSecond": "rate"}

func (page *recoverPage) fields(form url.Values, wrong map[string]string) {
	field := func(id, label, hint string) ui.Field {
		f := ui.Field{ID: id, Name: id, Label: label, Hint: hint, Value: form.Get(id)}
		if wrong[id] != "" {
			page.Problems.List = append(page.Problems.List, ui.Problem{Field: id, Text: label + " " + wrong[id]})
			f.Problem = label + " " + wrong[id] + "."
		}
		return f
	}
	page.From, page.Until = field("from", "From", "In UTC, by when events were published. At most 14 days back."), field("until", "Until", "In UTC. Empty: until now.")
	page.From.Kind, page.Until.Kind, page.From.Required, page.Until.Optional = "datetime-local", "datetime-local", true, true
	page.From.Attrs = map[string]string{"max": lastTime} // years of four digits: the field goes on to the hour by itself
	page.Until.Attrs = page.From.Attrs
	page.Rate = field("rate", "At most so many a second", "Empty: as many as the endpoint takes.")
	page.Rate.Kind, page.Rate.Optional = "number", true
	for _, id := range []string{"types", ""} {
		if wrong[id] != "" {
			page.Problems.List = append(page.Problems.List, ui.Problem{Field: id, Text: wrong[id]})
		}
	}
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
	if r.Rate > 0 && n > 0 && !page.Plan.More {
		page.Took = ui.Span(max(time.Second, time.Duration(n)*time.Second/time.Duration(r.Rate)))
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
	for _, t := range tasks {
		r := recoveryRow{ID: page.ID(hookswitch.KindTask, t.Key), At: t.CreatedAt, Running: t.Status == hookswitch.TaskRunning}
		if r.Who = who[r.ID]; r.Who == "" {
			r.Who = "–"
		}
		for _, k := range recoveryKinds {
			if k.kind == t.Kind {
				r.What = k.name
			}
		}
		asked, err := service.RecoveryAsked(t)
		if err != nil {
			return err
		}
		r.From, r.Until = asked.Since, asked.Until
		done, err := p.svc.RecoveryDone(page.ctx(), t)
		if err != nil {
			return err
		}
		r.Done, r.Total = ui.Count(done), "counting"
		if t.Total != hookswitch.TaskUncounted {
			r.Total = ui.Count(t.Total)
			if t.Total > 0 {
				r.Share = min(100, done*100/t.Total)
			}
		}
		switch {
		case t.Canceled:
			r.State = ui.Badge{Tone: ui.Idle, Word: "Canceled", Icon: "ban"}
		case t.Status == hookswitch.TaskRunning:
			r.State = ui.Badge{Tone: ui.Info, Word: "Running", Icon: "turn"}
			page.Running = true
		case t.Status == hookswitch.TaskFailed:
			r.State, r.Note = ui.Badge{Tone: ui.Bad, Word: "Ended early"}, t.Error
		default:
			r.State = ui.Badge{Tone: ui.Good, Word: "Done"}
		}
		if t.Skipped > 0 {
			r.Note = ui.Count(t.Skipped) + " not sent"
		}
		page.Rows = append(page.Rows, r)
	}
	return nil
}

func (p *Pages) startRecovery(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	wrong := make(map[string]string)
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
	form, err := v.form()
	if err != nil {
		return err
	}
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	if _, err := p.svc.CancelRecovery(v.ctx(), e, form.Get("task")); err != nil {
		return err
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "recover")+"#past", ui.Good, "Canceled. What was sent stays sent; what waited is as it was before.")
}

// PlanCount and PlanGone are numbers for the template.
func (page *recoverPage) PlanCount() int { return int(page.Plan.Count) }

// PlanGone is how many are wanted and gone.
func (page *recoverPage) PlanGone() int { return int(page.Plan.Gone) }
