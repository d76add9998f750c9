package portal

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var failuresRoutes = []route{
	{in: operator, method: "GET", path: "/failures", name: "Failed deliveries", nav: &nav{"Traffic", "alert"}, handle: (*Pages).failures,
		samples: []string{"/failures", "/failures?code=4", "/failures?q=acme", "/failures?q=nobody-at-all"}},
	{in: operator, method: "POST", path: "/failures/resend", name: "Send again", under: "/failures", handle: (*Pages).resendFailure},
}

type failuresPage struct {
	*view
	Filter ui.Filter
	Rows   []failureRow
	Blank  *ui.Blank
	Pager  ui.Pager
}

type failureRow struct {
	App, AppID, AppPage      string
	Endpoint, EndpointURL    string
	EndpointPage, EndpointID string
	Event, Page              string
	Answer                   ui.Badge
	Now                      ui.Badge
	Next                     time.Time
	At                       time.Time
	Took                     string
	Why                      string // what went wrong, as a sentence
	Refused                  string
}

// codeClasses are what attempts are narrowed to, by the word in the URL.
var codeClasses = map[string]int{"none": 0, "3": 300, "4": 400, "5": 500}

func (p *Pages) failures(v *view) error {
	page := &failuresPage{view: v}
	ref, code := strings.TrimSpace(v.query("q")), v.query("code")
	var class *int
	if code != "" {
		c, ok := codeClasses[code]
		if !ok {
			return hookswitch.InvalidField("must be none, 3, 4 or 5", "code")
		}
		class = &c
	}
	var app hookswitch.Key
	unknown := false
	if ref != "" {
		a, err := p.svc.App(v.ctx(), ref)
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
			unknown = true
		case err != nil:
			return err
		default:
			app = a.Key
		}
	}
	at := v.pageAt(hookswitch.KindAttempt)
	var list []service.FailedAttempt
	var stopped hookswitch.Key
	var err error
	if !unknown {
		if list, stopped, err = p.svc.FailedAttempts(v.ctx(), app, class, at); err != nil {
			return err
		}
	}
	list, page.Pager = turned(v, hookswitch.KindAttempt, list, at, func(f service.FailedAttempt) hookswitch.Key { return f.Attempt.Key })
	if stopped != 0 && !at.Ascending && page.Pager.Older == "" {
		page.Pager.Older = v.Link("before", v.ID(hookswitch.KindAttempt, stopped), "after", "")
	}
	for _, f := range list {
		page.Rows = append(page.Rows, v.failureRow(f))
	}
	page.Pager.Shown = ui.Plural(len(list), "failed attempt")
	page.Filter = ui.Filter{Action: dashboardRoot + "/failures", Target: "failures", Label: "Application", Text: ref, Holder: "Id or own id of an application", Clear: dashboardRoot + "/failures",
		Fields: []ui.Field{{ID: "code", Name: "code", Label: "Answer", Kind: "select", Options: options(code, "", "Any failure", "none", "No answer", "3", "Redirects", "4", "4xx", "5", "5xx")}}}
	if ref != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "application", Value: ref, Without: v.Link("q", "")})
	}
	if code != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "answer", Value: code, Without: v.Link("code", "")})
	}
	switch {
	case unknown:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "There is no such application", Text: "No application has the id or own id “" + ref + "”.", Links: []ui.Action{{Name: "Clear the conditions", URL: dashboardRoot + "/failures"}}}
	case len(list) == 0 && page.Pager.Older != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "None among the newest", Text: "Looking took too long to look at all of them.", Links: []ui.Action{{Name: "Go on with older ones", URL: page.Pager.Older}}}
	case len(list) == 0 && (ref != "" || code != ""):
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No failure matches", Links: []ui.Action{{Name: "Clear the conditions", URL: dashboardRoot + "/failures"}}}
	case len(list) == 0:
		page.Blank = &ui.Blank{Kind: "empty", Title: "All quiet", Text: "No attempt at any endpoint has failed, as far back as attempts are kept."}
	}
	v.call(http.MethodGet, "/metrics", "")
	return v.show("dashboard/failures", page)
}

func (v *view) failureRow(f service.FailedAttempt) failureRow {
	a := f.Attempt
	row := failureRow{App: f.App.Name, AppID: v.ID(hookswitch.KindApp, a.App), Event: v.ID(hookswitch.KindEvent, a.Event), EndpointID: v.ID(hookswitch.KindEndpoint, a.Endpoint), EndpointURL: a.URL,
		Endpoint: hostOf(a.URL), At: a.Key.Time(), Took: ui.Millis(a.Timings.Total), Next: f.NextAt}
	row.AppPage = dashboardRoot + "/apps/" + row.AppID
	row.Page = row.AppPage + "/messages/" + row.Event + "/attempts/" + v.ID(hookswitch.KindAttempt, a.Key)
	if f.Endpoint == nil {
		row.Refused = "The endpoint has been deleted."
	} else {
		row.Endpoint, row.Why = endpointName(f.Endpoint), firstReason(v, a, f.Endpoint)
		row.EndpointPage = row.AppPage + "/endpoints/" + row.EndpointID
		if f.Endpoint.Disabled {
			row.Refused = "The endpoint is paused or off. Resume it before sending to it again."
		}
	}
	row.Answer = ui.Badge{Tone: ui.Bad, Word: strconv.Itoa(a.Code)}
	if a.Code == 0 {
		row.Answer.Word = "No answer"
		if a.Failure != "" {
			row.Answer.Word = strings.ReplaceAll(a.Failure, "_", " ")
		}
	}
	switch f.State {
	case hookswitch.DeliveryDelivered:
		row.Now = ui.Badge{Tone: ui.Good, Word: "Delivered since"}
	case hookswitch.DeliveryFailed:
		row.Now = ui.Badge{Tone: ui.Bad, Word: "Given up", Icon: "ban"}
	case hookswitch.DeliveryCanceled:
		row.Now = ui.Badge{Tone: ui.Idle, Word: "Canceled", Icon: "cross"}
	default:
		row.Now = ui.Badge{Tone: ui.Warn, Word: "Will be tried again", Icon: "clock"}
		if !row.Next.After(v.Now) {
			row.Next, row.Now.Word = time.Time{}, "Due for another try"
		}
	}
	return row
}

func (p *Pages) resendFailure(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	app, err := p.svc.App(v.ctx(), form.Get("app"))
	if err != nil {
		return err
	}
	if err := p.svc.Resend(v.ctx(), app.Key, form.Get("event"), form.Get("endpoint"), service.Idempotency{}); err != nil {
		return err
	}
	back := local(form.Get("back"), dashboardRoot)
	if back == dashboardRoot {
		back = dashboardRoot + "/failures"
	}
	return v.done(back, ui.Good, "Queued one more attempt at the endpoint of "+app.Name+".")
}
