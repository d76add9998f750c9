package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var homeRoutes = []route{
	{in: appPages, method: "GET", path: "", name: "Home", nav: &nav{"", "home"}, handle: (*Pages).home},
	{in: appPages, method: "POST", path: "/steps/verified", name: "Signature verified", needs: hookswitch.ManageEndpoint, handle: (*Pages).stepVerified},
}

// homePage answers whether everything is fine, for one App.
type homePage struct {
	*view
	Tone      ui.Tone
	Sentence  string
	Advice    string
	Where     *ui.Link // where to look first
	Tiles     []ui.Tile
	Chart     *ui.Chart // nil while there is nothing to draw
	Endpoints []endpointRow
	More      int // endpoints that are not shown
	Issues    []issueRow
	Test      *ui.Action // sends a test
	Steps     []ui.Check
	Done      int        // of Steps
	Look      int        // how often the steps look again by themselves; 0: not any more
	New       bool       // nothing has happened yet
	Portal    *ui.Action // for the operator: the way into the customer's portal
}

// stepLooks is how often the first steps look again by themselves: for some minutes, so that a page which nobody looks at does not keep its session.
const stepLooks = 30

// homeEndpoints is how many endpoints the first page shows.
const homeEndpoints = 6

func (p *Pages) home(v *view) error {
	h, err := p.svc.Health(v.ctx(), v.App.Key)
	if err != nil {
		return err
	}
	steps, err := p.svc.FirstSteps(v.ctx(), v.App.Key, h)
	if err != nil {
		return err
	}
	page := &homePage{view: v, New: len(h.Endpoints) == 0}
	if v.isOperator() {
		page.Portal = &ui.Action{Name: "Open portal as this customer", URL: v.Page("open"), Icon: "user"}
	}
	if n, err := strconv.Atoi(cmp.Or(v.query("look"), strconv.Itoa(stepLooks))); err == nil && n > 0 && n <= stepLooks {
		page.Look = n
	}
	page.say(h)
	page.tiles(h)
	rows, err := v.endpointRows(h.Endpoints)
	if err != nil {
		return err
	}
	if err := page.issues(p, h); err != nil {
		return err
	}
	page.Test = page.test(h)
	page.Endpoints, page.More = rows[:min(len(rows), homeEndpoints)], max(len(rows)-homeEndpoints, 0)
	if ok, failed := totals(h); ok+failed > 0 {
		page.Chart = &ui.Chart{ID: "attempts", Title: "Attempts of the last 24 hours", Unit: "attempts", Times: h.Hours, Stack: true,
			Series: []ui.Series{{Name: "Delivered", Tone: ui.Good, Values: h.OK}, {Name: "Failed", Tone: ui.Bad, Values: h.Failed}}}
		v.Shell.Charts = true
	}
	if !steps.All() {
		page.steps(steps, h)
	}
	v.api(http.MethodGet, "/app/"+v.AppID()+"/endpoint", "hookswitch endpoint list --app "+v.AppID())
	return v.show("app/home", page)
}

// Bounds of the issues on the first page.
const (
	homeIssues       = 5  // are shown
	homeIssuesLookAt = 10 // endpoints are looked at, those that failed most
)

// issues are the newest open issues of what failed in the last day.
func (page *homePage) issues(p *Pages, h *service.AppHealth) error {
	failed := func(e *service.EndpointHealth) int64 {
		_, n := e.Totals()
		return n
	}
	worst := slices.DeleteFunc(slices.Clone(h.Endpoints), func(e *service.EndpointHealth) bool { return failed(e) == 0 })
	slices.SortStableFunc(worst, func(a, b *service.EndpointHealth) int { return cmp.Compare(failed(b), failed(a)) })
	var at []*hookswitch.Endpoint
	for _, e := range worst[:min(len(worst), homeIssuesLookAt)] {
		at = append(at, e.Endpoint)
	}
	if len(at) == 0 {
		return nil
	}
	list, err := p.svc.IssuesAt(page.ctx(), page.App.Key, at)
	for _, i := range list {
		if i.State == service.IssueOpen && len(page.Issues) < homeIssues {
			page.Issues = append(page.Issues, page.issueRow(i))
		}
	}
	return err
}

// Next is what is left of Look after the next time.
func (page *homePage) Next() int { return page.Look - 1 }

// test leads to the page that sends a test, of an endpoint that is on; nil: there is none.
func (page *homePage) test(h *service.AppHealth) *ui.Action {
	for _, e := range h.Endpoints {
		if !e.Endpoint.Disabled {
			return &ui.Action{Name: "Send a test", Icon: "send", URL: page.Page("endpoints", page.ID(hookswitch.KindEndpoint, e.Endpoint.Key), "testing"), Refused: page.MayNot("messages.resend")}
		}
	}
	return nil
}

func totals(h *service.AppHealth) (ok, failed int64) {
	for _, e := range h.Endpoints {
		a, b := e.Totals()
		ok, failed = ok+a, failed+b
	}
	return ok, failed
}

// say finds the sentence.
func (h *homePage) say(health *service.AppHealth) {
	var failing, disabled, unsteady []*service.EndpointHealth
	for _, e := range health.Endpoints {
		switch e.State() {
		case service.StateFailing:
			failing = append(failing, e)
		case service.StateDisabled:
			if e.Endpoint.DisabledBy != "manual" {
				disabled = append(disabled, e)
			}
		case service.StateUnsteady:
			unsteady = append(unsteady, e)
		}
	}
	all := len(health.Endpoints)
	fine := all - len(failing) - len(disabled) - len(unsteady)
	switch {
	case all == 0:
		h.Tone, h.Sentence = ui.Info, "Nothing is connected yet."
		h.Advice = "Add an endpoint, the address of your server that is to hear what happens. Without a server, open a play bin and look at what would arrive."
	case len(disabled)+len(failing) > 0:
		h.Tone, h.Sentence = ui.Bad, count(fine, all)
		if len(disabled) > 0 {
			h.Sentence += "; " + names(disabled) + were(disabled, " was", " were") + " turned off"
			h.Advice = "Nothing is sent there any more. What is published meanwhile is kept: enable the endpoint once it answers, and recover what it missed."
			h.Where = h.to(disabled[0])
		}
		if len(failing) > 0 {
			h.sayFailing(failing)
		}
		h.Sentence += "."
	case len(unsteady) > 0:
		h.Tone = ui.Warn
		ok, failed := unsteady[0].Totals()
		h.Sentence = count(fine, all) + "; " + names(unsteady) + were(unsteady, " fails", " fail") + " now and then."
		h.Advice = ui.Percent(failed, ok+failed) + " of the attempts there failed in the last 24 hours. Failed deliveries are repeated by themselves."
		h.Where = h.to(unsteady[0])
	default:
		h.Tone = ui.Good
		ok, _ := totals(health)
		h.Sentence = "Everything is fine."
		switch {
		case ok == 0:
			h.Advice = "Nothing was sent in the last 24 hours."
		case all == 1:
			h.Advice = "Your endpoint has taken all that it was sent."
		default:
			h.Advice = "All " + ui.Plural(all, "endpoint") + " take what they are sent."
		}
	}
}

// sayFailing adds what fails, and what will come of it.
func (h *homePage) sayFailing(failing []*service.EndpointHealth) {
	e := failing[0]
	h.Sentence += "; " + names(failing)
	if e.Endpoint.FailSince.IsZero() {
		h.Sentence += were(failing, " fails", " fail")
		h.Advice = "Nothing has got through in the last 24 hours. Deliveries are repeated for more than a day, so nothing is lost yet."
	} else {
		h.Sentence += were(failing, " has", " have") + " failed for " + ui.Span(h.Now.Sub(e.Endpoint.FailSince))
		if !e.DisablesAt.IsZero() {
			h.Advice = endpointName(e.Endpoint) + " will be turned off in " + ui.Span(e.DisablesAt.Sub(h.Now)) + " unless something gets through."
		}
	}
	h.Where = h.to(e)
}

// count is "2 of 3 endpoints fine".
func count(fine, all int) string {
	if all == 1 {
		return "Your endpoint needs a look"
	}
	return ui.Count(fine) + " of " + ui.Plural(all, "endpoint") + " fine"
}

// names are those of at most two endpoints.
func names(list []*service.EndpointHealth) string {
	s := endpointName(list[0].Endpoint)
	if len(list) == 2 {
		s += " and " + endpointName(list[1].Endpoint)
	} else if len(list) > 2 {
		s += " and " + ui.Plural(len(list)-1, "other")
	}
	return s
}

func were(list []*service.EndpointHealth, one, many string) string {
	if len(list) == 1 {
		return one
	}
	return many
}

func (h *homePage) to(e *service.EndpointHealth) *ui.Link {
	return &ui.Link{Name: "Look at " + endpointName(e.Endpoint), URL: h.Page("endpoints", h.ID(hookswitch.KindEndpoint, e.Endpoint.Key))}
}

func (h *homePage) tiles(health *service.AppHealth) {
	ok, failed := totals(health)
	rate := ui.Tile{Name: "Failure rate, 24 h", Value: ui.Percent(failed, ok+failed), Note: ui.Plural(int(failed), "failed attempt")}
	if failed*20 > ok+failed {
		rate.Tone = ui.Warn
	}
	p95 := ui.Tile{Name: "Answer time, p95", Value: "–", Note: "nothing was answered"}
	if health.P95 > 0 {
		p95.Value, p95.Note = ui.Millis(health.P95), "19 of 20 answers are faster"
	}
	waiting := ui.Tile{Name: "Waiting", Value: ui.Count(health.Owed.Waiting), Note: "nothing is owed"}
	if health.Owed.Waiting > 0 {
		waiting.Note = "to be tried again"
	}
	oldest := ui.Tile{Name: "Oldest waiting", Value: "–", Note: "the line is clear"}
	if at := health.Owed.Oldest; !at.IsZero() {
		oldest.Value, oldest.Note = ui.Span(h.Now.Sub(at)), "since it was published"
	}
	h.Tiles = []ui.Tile{{Name: "Delivered, 24 h", Value: ui.Count(ok), Note: ui.Plural(int(ok+failed), "attempt")}, rate, p95, waiting, oldest}
}

func (h *homePage) steps(f service.FirstSteps, health *service.AppHealth) {
	refused := h.MayNot("endpoints.write")
	first := ""
	if len(health.Endpoints) > 0 {
		first = h.ID(hookswitch.KindEndpoint, health.Endpoints[0].Endpoint.Key)
	}
	add := ui.Check{Done: f.Endpoint, Name: "Add an endpoint", Text: "The address that events are sent to. A play bin will do for a first look."}
	if !f.Endpoint {
		add.Links = []ui.Action{{Name: "Add endpoint", URL: h.Page("endpoints", "new"), Look: "primary", Icon: "plus", Refused: refused},
			{Name: "Use a play bin", URL: h.Page("endpoints", "play"), Icon: "play", Post: true, Refused: refused}}
	}
	test := ui.Check{Done: f.Test, Name: "Send a test event", Text: "See the request as your server gets it, and what it answers."}
	if !f.Test && first != "" {
		test.Links = []ui.Action{{Name: "Send a test", URL: h.Page("endpoints", first, "testing"), Icon: "send", Refused: h.MayNot("messages.resend")}}
	}
	verified := ui.Check{Done: f.Verified, Name: "Verify the signature", Text: "Make sure that requests come from here and were not changed. A play bin checks them for you; your own code needs a few lines."}
	if !f.Verified && first != "" {
		verified.Links = []ui.Action{{Name: "How to verify", URL: h.Page("endpoints", first, "signing"), Icon: "shield"},
			{Name: "My server does", URL: h.Page("steps", "verified"), Icon: "check", Post: true, Refused: refused}}
	}
	h.Steps = []ui.Check{add, test, verified, {Done: f.Live, Name: "Receive a live event", Text: "The first one that gets through ticks this by itself."}}
	for _, s := range h.Steps {
		if s.Done {
			h.Done++
		}
	}
}

// stepVerified notes that somebody says that their server verifies signatures.
func (p *Pages) stepVerified(v *view) error {
	if err := p.svc.NoteStep(v.ctx(), v.App.Key, service.StepVerified); err != nil {
		return err
	}
	return v.done(v.Base, ui.Good, "Noted: your server verifies signatures.")
}

// maxShownName is the greatest length, in characters, of names in sentences and titles.
const maxShownName = 60

// endpointName is what people call an endpoint: the first line of its description, else its host.
func endpointName(e *hookswitch.Endpoint) string {
	first, _, _ := strings.Cut(e.Description, "\n")
	if name := excerpt(first, maxShownName); name != "" {
		return name
	}
	if e.UID != "" {
		return e.UID
	}
	return hostOf(e.URL)
}
