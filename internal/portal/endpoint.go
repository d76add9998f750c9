package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var endpointRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath, name: "Endpoint", tab: "Overview", under: "/endpoints", handle: (*Pages).endpoint,
		samples: []string{"/endpoints/{endpoint}", "/endpoints/{failing}", "/endpoints/{off}", "/endpoints/{good}", "/endpoints/{quiet}"}},
	{in: appPages, method: "POST", path: endpointPath + "/state", name: "Change an endpoint", needs: hookswitch.ManageEndpoint, handle: (*Pages).changeEndpoint},
	{in: appPages, method: "POST", path: endpointPath + "/probe", name: "Probe an endpoint", needs: hookswitch.CreateAttempts, handle: (*Pages).probeEndpoint},
}

// endpointPath begins the paths of everything about one endpoint.
const endpointPath = "/endpoints/{endpoint}"

// endpointOf is the endpoint that the path names.
func (v *view) endpointOf() (*hookswitch.Endpoint, error) {
	return v.p.svc.Endpoint(v.ctx(), v.App.Key, v.r.PathValue("endpoint"))
}

// endpointForm is the form of the request, and the endpoint that the path names.
func (v *view) endpointForm() (form url.Values, e *hookswitch.Endpoint, err error) {
	if form, err = v.form(); err == nil {
		e, err = v.endpointOf()
	}
	return form, e, err
}

// endpointHead is what stands above every view of one endpoint.
type endpointHead struct {
	ID, Name, URL string
	Bin           string // the page of the play bin that it is
	State         ui.Badge
	Tabs          []ui.Tab
	Actions       []ui.Action
}

// endpointHead makes the head, and says in the shell where the reader is.
func (v *view) endpointHead(h *service.EndpointHealth) endpointHead {
	e := h.Endpoint
	id := v.ID(hookswitch.KindEndpoint, e.Key)
	head := endpointHead{ID: id, Name: endpointName(e), URL: e.URL, State: stateBadge(h), Tabs: v.endpointTabs(id)}
	if token, ok := v.p.svc.BinToken(e.URL); ok {
		head.Bin = playRoot + "/" + token
	}
	v.Shell.Title = head.Name
	if v.route.tab != "" && v.route.path != endpointPath {
		v.Shell.Title = v.route.tab + " · " + head.Name
	}
	v.Shell.Trail = []ui.Link{{Name: "Endpoints", URL: v.Page("endpoints")}}
	return head
}

// endpointTabs are the views of one endpoint.
func (v *view) endpointTabs(id string) (tabs []ui.Tab) {
	for _, t := range v.tabs {
		t.URL = strings.Replace(t.URL, "{endpoint}", id, 1)
		tabs = append(tabs, t)
	}
	return tabs
}

// codeShare is a bar of the list of response codes.
type codeShare struct {
	Name  string
	Tone  ui.Tone
	Count string
	Bar   template.HTML
	Page  string
}

// endpointPage is the first view of an endpoint.
type endpointPage struct {
	*view
	Head     endpointHead
	Tone     ui.Tone
	Sentence string
	Advice   string
	Steps    []lifeStep // how it goes on until the endpoint is turned off
	Tiles    []ui.Tile
	Chart    *ui.Chart
	Band     *ui.Chart
	Codes    []codeShare
	Sample   string // how many attempts the codes are of
	Rows     []attemptRow
	All      string // the page of all of them
	Blank    *ui.Blank
	Bulk     string // why nothing can be sent again; "" when it can
	Live     string // the stream of what is new
	Newest   string // the newest attempt that there may be
	Most     int    // of rows
}

// lifeStep is a moment on the way of an endpoint that fails.
type lifeStep struct {
	Name string
	Text string
	At   time.Time
	Done bool
	Tone ui.Tone
}

// lastAttempts is how many attempts the page of an endpoint shows.
const lastAttempts = 20

func (p *Pages) endpoint(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	h, hours, err := p.svc.HealthOfEndpoint(v.ctx(), e)
	if err != nil {
		return err
	}
	day, err := p.svc.EndpointDay(v.ctx(), h)
	if err != nil {
		return err
	}
	last, _, _, err := p.svc.FindAttempts(v.ctx(), e, filter.Query{}, store.Page{Limit: lastAttempts})
	if err != nil {
		return err
	}
	page := &endpointPage{view: v, Head: v.endpointHead(h), All: v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "deliveries"), Bulk: v.MayNot("messages.resend"), Most: lastAttempts}
	page.Live, page.Newest = page.All+"/live", newestFor(v.Now)
	for i := range last {
		r := v.attemptRow(e, &last[i])
		r.Bulk = true
		page.Rows = append(page.Rows, r)
	}
	off, err := v.turnedOff([]*service.EndpointHealth{h})
	if err != nil {
		return err
	}
	reason := ""
	for i := range last {
		if !last[i].OK {
			reason = last[i].Reason.Sentence + " " + last[i].Reason.Next
			break
		}
	}
	page.say(h, reason, off[e.Key])
	page.tiles(h, day)
	page.charts(h, day, hours)
	page.Head.Actions = page.actions(h)
	if len(page.Rows) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nothing was sent here yet", Text: "The endpoint gets events from now on. Send a ping to see the request and what your server answers.",
			Links: []ui.Action{page.probe(h)}}
	}
	v.Shell.Script = "tail.js"
	v.api(http.MethodGet, "/app/"+v.AppID()+"/endpoint/"+page.Head.ID, "hookswitch endpoint get --app "+v.AppID()+" "+page.Head.ID)
	return v.show("app/endpoint", page)
}

// say finds the sentence, and the way to being turned off.
func (page *endpointPage) say(h *service.EndpointHealth, reason string, off offNote) {
	e, now := h.Endpoint, page.Now
	ok, failed := h.Totals()
	switch h.State() {
	case service.StateDisabled:
		page.Tone = ui.Idle
		page.Sentence, page.Advice = "Paused "+off.words(e, now)+".", "Nothing is sent. What is published meanwhile is kept, and can be recovered after the endpoint is resumed."
		if e.DisabledBy != "manual" {
			page.Tone = ui.Bad
			page.Sentence = "Turned off " + off.words(e, now) + "."
			page.Advice = "Nothing got through for too long, or the server asked for it (410). "
			if off.Why != "" {
				page.Advice = ""
			}
			if reason != "" {
				page.Advice += "The last failure: " + reason + " "
			}
			page.Advice += "Enable the endpoint once it answers, and recover what it missed."
		}
	case service.StateFailing:
		page.Tone, page.Sentence = ui.Bad, "Nothing gets through."
		if !e.FailSince.IsZero() {
			page.Sentence = "Failing for " + ui.Span(now.Sub(e.FailSince)) + "."
		}
		page.Advice = reason
		if !h.DisablesAt.IsZero() {
			page.Sentence = strings.TrimSuffix(page.Sentence, ".") + "; will be turned off in " + ui.Span(h.DisablesAt.Sub(now)) + "."
			page.life(h)
		}
	case service.StateUnsteady:
		page.Tone, page.Sentence = ui.Warn, ui.Percent(failed, ok+failed)+" of the attempts failed in the last 24 hours."
		page.Advice = "Failed deliveries are repeated by themselves. The last failure: " + reason
	case service.StateActive:
		page.Tone, page.Sentence = ui.Good, "Fine: what is sent gets through."
		if failed > 0 {
			page.Advice = ui.Plural(int(failed), "attempt") + " of " + ui.Count(ok+failed) + " failed in the last 24 hours."
		}
	default:
		page.Tone, page.Sentence = ui.Info, "Nothing was sent in the last 24 hours."
		page.Advice = "The endpoint is on. It gets events as soon as some are published that its filter lets through."
	}
}

// life is how a failing endpoint comes to be turned off.
func (page *endpointPage) life(h *service.EndpointHealth) {
	e := h.Endpoint
	whole := h.DisablesAt.Sub(e.FailSince)
	page.Steps = []lifeStep{
		{Name: "All attempts of an event failed", Text: "The failure clock began.", At: e.FailSince, Done: true, Tone: ui.Bad},
		{Name: "Now", Text: ui.Percent(int64(page.Now.Sub(e.FailSince)/time.Second), int64(whole/time.Second)) + " of the time has passed. One success stops the clock.", At: page.Now, Done: true, Tone: ui.Warn},
		{Name: "Turned off", Text: "At the next event that is given up after this time. Events are kept and can be recovered.", At: h.DisablesAt, Tone: ui.Idle},
	}
}

func (page *endpointPage) tiles(h *service.EndpointHealth, day *service.EndpointDay) {
	ok, failed := h.Totals()
	rate := ui.Tile{Name: "Failed, 24 h", Value: ui.Percent(failed, ok+failed), Note: ui.Plural(int(failed), "attempt")}
	if failed*20 > ok+failed {
		rate.Tone = ui.Warn
	}
	p95 := ui.Tile{Name: "Answer time, p95", Value: "–", Note: "nothing was answered"}
	if h.P95 > 0 {
		p95.Value, p95.Note = ui.Millis(h.P95), "19 of 20 answers are faster"
	}
	backlog := ui.Tile{Name: "Backlog", Value: ui.Count(h.Owed.Waiting), Note: "nothing is owed"}
	if n := h.Owed.Waiting; n > 0 {
		if n >= store.MaxOwed {
			backlog.Value = ui.Count(n) + "+"
		}
		backlog.URL = page.All + "?q=status%3Awaiting"
		backlog.Note = "oldest " + ui.Ago(h.Owed.Oldest, page.Now)
	}
	drain := ui.Tile{Name: "Drained in", Value: "–", Note: "the line is clear"}
	switch {
	case h.Owed.Waiting == 0:
	case h.Endpoint.Disabled:
		drain.Note = "not while it is off"
	case day.Drain == 0:
		drain.Note = "nothing got through in the last hour"
	default:
		drain.Value, drain.Note = "≈ "+ui.Span(max(day.Drain, time.Second)), "at the pace of the last hour, "+ui.Count(int64(day.Pace))+" an hour"
		if h.Owed.Waiting >= store.MaxOwed {
			drain.Value = "> " + ui.Span(day.Drain)
		}
	}
	next := ui.Tile{Name: "Next attempt", Value: "–", Note: "none is due"}
	if at := h.Owed.NextAt; !at.IsZero() && !h.Endpoint.Disabled {
		next.Value, next.Note = ui.Ago(at, page.Now), "of what waits"
		if at.Before(page.Now) {
			next.Value = "now"
		}
	}
	page.Tiles = []ui.Tile{{Name: "Delivered, 24 h", Value: ui.Count(ok), Note: ui.Plural(int(ok+failed), "attempt")}, rate, p95, backlog, drain, next}
}

func (page *endpointPage) charts(h *service.EndpointHealth, day *service.EndpointDay, hours []time.Time) {
	if ok, failed := h.Totals(); ok+failed > 0 {
		page.Chart = &ui.Chart{ID: "outcomes", Title: "Attempts by outcome, 24 hours", Unit: "attempts", Times: hours, Stack: true,
			Series: []ui.Series{{Name: "Delivered", Tone: ui.Good, Values: h.OK}, {Name: "Failed", Tone: ui.Bad, Values: h.Failed}}}
		page.Shell.Charts = true
	}
	if h.P95 > 0 {
		band := &ui.Chart{ID: "latency", Title: "Answer time of successes, 24 hours", Unit: "ms", Times: hours,
			Series: []ui.Series{{Name: "p95", Tone: ui.Warn, Gaps: true}, {Name: "p50", Tone: ui.Info, Gaps: true}}}
		for i := range hours {
			band.Series[0].Values = append(band.Series[0].Values, day.P95[i].Milliseconds())
			band.Series[1].Values = append(band.Series[1].Values, day.P50[i].Milliseconds())
		}
		page.Band = band
	}
	for _, c := range day.Codes {
		s := codeShare{Name: codeName(c.Code), Tone: codeTone(c.Code), Count: ui.Count(c.Count), Bar: ui.Bar(max(c.Count*100/day.Sampled, 1), codeTone(c.Code))}
		word := strconv.Itoa(c.Code)
		if c.Code == 0 {
			word = "none"
		}
		s.Page = page.All + "?q=code%3A" + word
		page.Codes = append(page.Codes, s)
	}
	page.Sample = "Of " + ui.Plural(day.Sampled, "attempt") + " in 24 hours"
	if !day.Whole {
		page.Sample = "Of the newest " + ui.Plural(day.Sampled, "attempt")
	}
}

func codeName(code int) string {
	if code == 0 {
		return "No answer"
	}
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

func codeTone(code int) ui.Tone {
	switch {
	case code >= 200 && code <= 299:
		return ui.Good
	case code >= 300 && code <= 399:
		return ui.Warn
	}
	return ui.Bad
}

// probe is the button that sends a ping.
func (page *endpointPage) probe(h *service.EndpointHealth) ui.Action {
	a := ui.Action{Name: "Probe now", Icon: "pulse", Post: true, URL: page.Page("endpoints", page.Head.ID, "probe"), Refused: page.MayNot("messages.resend")}
	if h.Endpoint.Disabled && a.Refused == "" {
		a.Refused = "The endpoint is off: enable it first."
	}
	return a
}

func (page *endpointPage) actions(h *service.EndpointHealth) []ui.Action {
	e := h.Endpoint
	state := ui.Action{Name: "Pause", Icon: "pause", Post: true, URL: page.Page("endpoints", page.Head.ID, "state"), Fields: map[string]string{"do": "pause"}, Refused: page.MayNot("endpoints.write")}
	switch {
	case e.Disabled && e.DisabledBy == "manual":
		state.Name, state.Icon, state.Look, state.Fields = "Resume", "play", "primary", map[string]string{"do": "resume"}
	case e.Disabled:
		state.Name, state.Icon, state.Look, state.Fields = "Enable", "play", "primary", map[string]string{"do": "enable"}
	}
	recovery := page.Page("endpoints", page.Head.ID, "recover") + "?last=24h&what="
	again := ui.Action{Name: "Send failed again", Icon: "turn", URL: recovery + "failed", Refused: page.Bulk}
	missed := ui.Action{Name: "Replay missing", Icon: "send", URL: recovery + "never", Refused: page.Bulk}
	if e.Disabled {
		for _, a := range []*ui.Action{&again, &missed} {
			if a.Refused == "" {
				a.Refused = "The endpoint is off: enable it first."
			}
		}
	}
	return []ui.Action{page.probe(h), again, missed, state}
}

// changeEndpoint pauses an endpoint, or lets it go on.
func (p *Pages) changeEndpoint(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	back := v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key))
	disable := form.Get("do") == "pause"
	if e.Disabled == disable {
		return v.done(back, ui.Info, "Nothing has changed: the endpoint is "+map[bool]string{true: "off", false: "on"}[disable]+" already.")
	}
	if _, err := p.svc.UpdateEndpoint(v.ctx(), v.App.Key, e.Key, func(e *hookswitch.Endpoint) error {
		e.Disabled = disable
		return nil
	}); err != nil {
		return err
	}
	if disable {
		return v.done(back, ui.Good, "Paused. Nothing is sent any more; what is published meanwhile is kept.")
	}
	return v.done(back, ui.Good, "On again. New events are sent; what was missed is not sent by itself.")
}

// probeEndpoint sends a ping to an endpoint, and leads to what comes of it.
func (p *Pages) probeEndpoint(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	ev, err := p.svc.SendExample(v.ctx(), v.App, e.Key, hookswitch.EventTypePing, 0, service.Idempotency{})
	if err != nil {
		return err
	}
	return v.done(v.Page("messages", v.ID(hookswitch.KindEvent, ev.Key)), ui.Info, "A ping is on its way to "+endpointName(e)+". What becomes of it shows below.")
}
