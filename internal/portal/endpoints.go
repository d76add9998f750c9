package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var endpointsRoutes = []route{
	{in: appPages, method: "GET", path: "/endpoints", name: "Endpoints", nav: &nav{"", "endpoint"}, handle: (*Pages).endpoints,
		samples: []string{"/endpoints", "/endpoints?q=nothing-like-it", "/endpoints?state=failing"}},
	{in: appPages, method: "POST", path: "/endpoints/state", name: "Change endpoints", needs: hookswitch.ManageEndpoint, handle: (*Pages).changeEndpoints},
}

// endpointRow is one endpoint as lists show it.
type endpointRow struct {
	ID, Name, URL, Page string
	Bin                 string // the page of the play bin that it is
	State               ui.Badge
	Why                 string // since when, and what comes of it
	Types               []string
	Spark               template.HTML
	Success             string
	Attempts            string
	P95                 string
	Waiting             string
	Disabled            bool
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Host
}

// stateBadge is the state of an endpoint: a word with an icon.
func stateBadge(h *service.EndpointHealth) ui.Badge {
	switch h.State() {
	case service.StateDisabled:
		if h.Endpoint.DisabledBy == "manual" {
			return ui.Badge{Tone: ui.Idle, Word: "Paused", Icon: "pause"}
		}
		return ui.Badge{Tone: ui.Bad, Word: "Turned off", Icon: "ban"}
	case service.StateFailing:
		return ui.Badge{Tone: ui.Bad, Word: "Failing"}
	case service.StateUnsteady:
		return ui.Badge{Tone: ui.Warn, Word: "Unsteady"}
	case service.StateActive:
		return ui.Badge{Tone: ui.Good, Word: "Active"}
	}
	return ui.Badge{Tone: ui.Idle, Word: "Quiet"}
}

// offNote is what is noted of how an endpoint was turned off.
type offNote struct {
	By  hookswitch.ActorKind // "": that is not kept any more
	Why string
	At  time.Time
}

// turnedOff is that of those endpoints of the list that are off.
func (v *view) turnedOff(list []*service.EndpointHealth) (map[hookswitch.Key]offNote, error) {
	const look = 500
	f := store.ActivityFilter{Action: hookswitch.DidDisableEndpoint}
	n := 0
	for _, h := range list {
		if h.Endpoint.Disabled {
			f.Endpoint = h.Endpoint.Key
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	page := store.Page{Limit: 1}
	if n > 1 {
		f.Endpoint, page.Limit = 0, look
	}
	noted, err := v.p.svc.Activities(v.ctx(), v.App.Key, f, page)
	notes := make(map[hookswitch.Key]offNote)
	for _, a := range noted {
		if _, newer := notes[a.Endpoint]; !newer {
			notes[a.Endpoint] = offNote{By: a.Actor.Kind, Why: a.Details["Why"], At: a.At()}
		}
	}
	return notes, err
}

// words are who turned an endpoint off, when and why.
func (n offNote) words(e *hookswitch.Endpoint, now time.Time) string {
	if n.By == "" {
		n.At, n.By = e.UpdatedAt, hookswitch.ActorSystem
		if e.DisabledBy == "manual" {
			return ui.Ago(n.At, now) + " by hand"
		}
	}
	by := ui.Ago(n.At, now) + " " + map[hookswitch.ActorKind]string{hookswitch.ActorAPI: "over the API", hookswitch.ActorPortal: "in the portal", hookswitch.ActorOperator: "by the operator",
		hookswitch.ActorKey: "with an API key", hookswitch.ActorSystem: "by the rules"}[n.By]
	if n.Why != "" {
		by += ": " + n.Why
	}
	return by
}

// stateWhy is the sentence behind the badge.
func (v *view) stateWhy(h *service.EndpointHealth, off offNote) string {
	e := h.Endpoint
	switch {
	case e.Disabled:
		return off.words(e, v.Now)
	case !h.DisablesAt.IsZero():
		return "for " + ui.Span(v.Now.Sub(e.FailSince)) + ", off in " + ui.Span(h.DisablesAt.Sub(v.Now))
	case !e.FailSince.IsZero():
		return "for " + ui.Span(v.Now.Sub(e.FailSince))
	}
	return ""
}

func (v *view) endpointRows(list []*service.EndpointHealth) ([]endpointRow, error) {
	off, err := v.turnedOff(list)
	if err != nil {
		return nil, err
	}
	rows := make([]endpointRow, 0, len(list))
	for _, h := range list {
		e := h.Endpoint
		ok, failed := h.Totals()
		r := endpointRow{ID: v.ID(hookswitch.KindEndpoint, e.Key), Name: endpointName(e), URL: e.URL, State: stateBadge(h), Why: v.stateWhy(h, off[e.Key]), Types: e.EventTypes,
			Success: ui.Percent(ok, ok+failed), Attempts: ui.Plural(int(ok+failed), "attempt"), P95: "–", Waiting: "–", Disabled: e.Disabled}
		r.Page = v.Page("endpoints", r.ID)
		if token, ok := v.p.svc.BinToken(e.URL); ok {
			r.Bin = playRoot + "/" + token
		}
		text := "no attempts in 24 hours"
		if ok+failed > 0 {
			text = ui.Count(ok) + " delivered and " + ui.Count(failed) + " failed in 24 hours"
		}
		r.Spark = ui.Sparkline(h.OK, h.Failed, text)
		if h.P95 > 0 {
			r.P95 = ui.Millis(h.P95)
		}
		if n := h.Owed.Waiting; n > 0 {
			r.Waiting = ui.Count(n)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// endpointsPage is the list of endpoints.
type endpointsPage struct {
	*view
	Add    ui.Action
	Play   ui.Action
	Rows   []endpointRow
	Any    bool // there may be some
	Filter ui.Filter
	Blank  *ui.Blank
	Pager  ui.Pager
	Bulk   string // why endpoints cannot be changed; "" when they can
}

func (p *Pages) endpoints(v *view) error {
	refused := v.MayNot("endpoints.write")
	page := &endpointsPage{view: v, Bulk: refused,
		Add:  ui.Action{Name: "Add endpoint", URL: v.Page("endpoints", "new"), Icon: "plus", Look: "primary", Refused: refused},
		Play: ui.Action{Name: "Use a play bin", URL: v.Page("endpoints", "play"), Icon: "play", Post: true, Refused: refused}}
	text, state, at := strings.ToLower(strings.TrimSpace(v.query("q"))), v.query("state"), v.pageAt(hookswitch.KindEndpoint)
	list, stopped, err := p.svc.FindEndpoints(v.ctx(), v.App.Key, func(e *hookswitch.Endpoint) bool {
		return text == "" || strings.Contains(strings.ToLower(e.Description+" "+e.UID+" "+e.URL+" "+v.ID(hookswitch.KindEndpoint, e.Key)+" "+strings.Join(e.EventTypes, " ")), text)
	}, service.State(state), at)
	if err != nil {
		return err
	}
	list, page.Pager = turned(v, hookswitch.KindEndpoint, list, at, func(h *service.EndpointHealth) hookswitch.Key { return h.Endpoint.Key })
	if stopped != 0 && !at.Ascending {
		page.Pager.Older = v.Link("before", v.ID(hookswitch.KindEndpoint, stopped), "after", "")
	}
	if page.Rows, err = v.endpointRows(list); err != nil {
		return err
	}
	page.Any = len(list) > 0 || text != "" || state != "" || at.Before != 0 || at.After != 0
	page.Filter = ui.Filter{Action: v.Page("endpoints"), Target: "endpoints", Label: "Search endpoints", Text: v.query("q"), Holder: "Name, address or event type",
		Fields: []ui.Field{{ID: "state", Name: "state", Label: "State", Kind: "select", Options: options(state, "", "Any state", "active", "Active", "unsteady", "Unsteady", "failing", "Failing",
			"disabled", "Paused or off", "idle", "Quiet")}}}
	if text != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "text", Value: v.query("q"), Without: v.Link("q", "")})
	}
	if state != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "state", Value: state, Without: v.Link("state", "")})
	}
	page.Filter.Clear = v.Page("endpoints")
	switch {
	case !page.Any:
		page.Blank = &ui.Blank{Kind: "empty", Title: "No endpoint yet", Text: "An endpoint is an address of your server that events are sent to. Without a server, a play bin shows you what would arrive.",
			Links: []ui.Action{page.Add, page.Play}}
	case len(page.Rows) == 0:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No endpoint matches", Text: "None fits the conditions.", Links: []ui.Action{{Name: "Clear the conditions", URL: v.Page("endpoints")}}}
		if page.Pager.Older != "" {
			page.Blank.Title, page.Blank.Text = "No endpoint matches so far", "There are very many; those that were looked at do not fit."
			page.Blank.Links = append([]ui.Action{{Name: "Look further", URL: page.Pager.Older, Look: "primary"}}, page.Blank.Links...)
		}
	}
	page.Pager.Shown = ui.Plural(len(page.Rows), "endpoint")
	v.api(http.MethodGet, "/app/"+v.AppID()+"/endpoint", "hookswitch endpoint list --app "+v.AppID())
	return v.show("app/endpoints", page)
}

// options are choices: values and names in turn.
func options(chosen string, pairs ...string) []ui.Option {
	var list []ui.Option
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, ui.Option{Value: pairs[i], Name: pairs[i+1], Chosen: pairs[i] == chosen})
	}
	return list
}

// changeEndpoints pauses endpoints, or lets them go on.
func (p *Pages) changeEndpoints(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	disable := form.Get("do") == "pause"
	n := 0
	for _, ref := range form["endpoint"] {
		e, err := p.svc.Endpoint(v.ctx(), v.App.Key, ref)
		if err != nil {
			return err
		}
		if e.Disabled == disable {
			continue
		}
		if _, err := p.svc.UpdateEndpoint(v.ctx(), v.App.Key, e.Key, func(e *hookswitch.Endpoint) error {
			e.Disabled = disable
			return nil
		}); err != nil {
			return err
		}
		n++
	}
	back := local(form.Get("back"), v.Base)
	if back == v.Base {
		back = v.Page("endpoints")
	}
	switch {
	case len(form["endpoint"]) == 0:
		return v.done(back, ui.Warn, "No endpoint was chosen.")
	case disable:
		return v.done(back, ui.Good, "Paused "+ui.Plural(n, "endpoint")+". What is published meanwhile is kept, and can be sent later.")
	}
	return v.done(back, ui.Good, "Resumed "+ui.Plural(n, "endpoint")+". Nothing that was missed is sent by itself: recover it on the endpoint's page.")
}
