package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var appsRoutes = []route{
	{in: operator, method: "GET", path: "/apps", name: "Applications", nav: &nav{"", "apps"}, handle: (*Pages).apps, samples: []string{"/apps", "/apps?q=nothing-like-it"}},
	{in: operator, method: "POST", path: "/apps", name: "Create an application", handle: (*Pages).createApp},
	{in: tenant, method: "GET", path: "/open", name: "Open the portal as this customer", admin: true, handle: (*Pages).openAsCustomer},
	{in: tenant, method: "POST", path: "/open", name: "Open the portal as this customer", admin: true, handle: (*Pages).enterAsCustomer},
}

// appsPage is the list of Apps.
type appsPage struct {
	*view
	Rows     []appRow
	Filter   ui.Filter
	Blank    *ui.Blank
	Pager    ui.Pager
	Name     ui.Field
	UID      ui.Field
	Problems ui.Problems
}

type appRow struct {
	ID, UID, Name, Page string
	State               ui.Badge
	Endpoints           string
	Delivered           string
	Failed              string
	Spark               any
	App                 *hookswitch.App
}

func (p *Pages) apps(v *view) error { return p.showApps(v, http.StatusOK, nil, nil) }

func (p *Pages) showApps(v *view, status int, form map[string]string, wrong map[string]string) error {
	page := &appsPage{view: v}
	text := strings.TrimSpace(v.query("q"))
	at := v.pageAt(hookswitch.KindApp)
	var apps []*hookswitch.App
	var err error
	if text == "" {
		apps, err = p.svc.Apps(v.ctx(), at)
	} else {
		apps, err = p.svc.FindApps(v.ctx(), text, at)
	}
	if err != nil {
		return err
	}
	more := len(apps) > pageLength
	apps = apps[:min(len(apps), pageLength)]
	if at.Ascending {
		slices.Reverse(apps)
	}
	if len(apps) > 0 {
		first, last := v.ID(hookswitch.KindApp, apps[0].Key), v.ID(hookswitch.KindApp, apps[len(apps)-1].Key)
		if more && !at.Ascending || at.Ascending && at.After != 0 {
			page.Pager.Older = v.Link("before", last, "after", "")
		}
		if at.Before != 0 || more && at.Ascending {
			page.Pager.Newer = v.Link("after", first, "before", "")
		}
	}
	page.Pager.Shown = ui.Plural(len(apps), "application")
	for _, a := range apps {
		h, err := p.svc.Health(v.ctx(), a.Key)
		if err != nil {
			return err
		}
		ok, failed := totals(h)
		id := v.ID(hookswitch.KindApp, a.Key)
		row := appRow{ID: id, UID: a.UID, Name: a.Name, Page: dashboardRoot + "/apps/" + id, State: appBadge(h), Endpoints: ui.Count(len(h.Endpoints)), Delivered: ui.Count(ok),
			Failed: ui.Percent(failed, ok+failed), App: a, Spark: ui.Sparkline(h.OK, h.Failed, ui.Count(ok)+" delivered and "+ui.Count(failed)+" failed in 24 hours")}
		page.Rows = append(page.Rows, row)
	}
	page.Filter = ui.Filter{Action: dashboardRoot + "/apps", Target: "apps", Label: "Search applications", Text: text, Holder: "Name, id or your own id", Clear: dashboardRoot + "/apps"}
	if text != "" {
		page.Filter.Chips = []ui.Chip{{Name: "text", Value: text, Without: dashboardRoot + "/apps"}}
	}
	switch {
	case len(apps) == 0 && text != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No application matches", Text: "No name, id or own id holds “" + text + "”.", Links: []ui.Action{{Name: "Clear the search", URL: dashboardRoot + "/apps"}}}
	case len(apps) == 0:
		page.Blank = &ui.Blank{Kind: "empty", Title: "No application yet", Text: "An application is a customer of yours, with endpoints, senders and keys of its own."}
	}
	page.Name = ui.Field{ID: "name", Name: "name", Label: "Name", Value: form["name"], Problem: wrong["name"], Required: true, Holder: "Acme Ltd"}
	page.UID = ui.Field{ID: "uid", Name: "uid", Label: "Your own id for it", Value: form["uid"], Problem: wrong["uid"], Optional: true, Mono: true, Holder: "acme", Hint: "It can be used in place of ours."}
	for _, f := range []*ui.Field{&page.Name, &page.UID} {
		if f.Problem != "" {
			page.Problems.List = append(page.Problems.List, ui.Problem{Field: f.ID, Text: f.Label + " " + f.Problem})
			f.Problem = f.Label + " " + f.Problem + "."
		}
	}
	if wrong[""] != "" {
		page.Problems.List = append(page.Problems.List, ui.Problem{Field: "uid", Text: wrong[""]})
	}
	page.Problems.Title = "The application was not created"
	v.api(http.MethodGet, "/app", "hookswitch app list")
	return v.write(status, "dashboard/apps", page)
}

func appBadge(h *service.AppHealth) ui.Badge {
	worst := service.StateIdle
	order := []service.State{service.StateIdle, service.StateActive, service.StateUnsteady, service.StateFailing}
	for _, e := range h.Endpoints {
		if s := e.State(); slices.Index(order, s) > slices.Index(order, worst) || s == service.StateDisabled && e.Endpoint.DisabledBy != "manual" {
			worst = s
		}
		if worst == service.StateDisabled {
			break
		}
	}
	switch worst {
	case service.StateDisabled, service.StateFailing:
		return ui.Badge{Tone: ui.Bad, Word: "Failing"}
	case service.StateUnsteady:
		return ui.Badge{Tone: ui.Warn, Word: "Unsteady"}
	case service.StateActive:
		return ui.Badge{Tone: ui.Good, Word: "Fine"}
	}
	return ui.Badge{Tone: ui.Idle, Word: "Quiet"}
}

func (p *Pages) createApp(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	in := map[string]string{"name": strings.TrimSpace(form.Get("name")), "uid": strings.TrimSpace(form.Get("uid"))}
	a, err := p.svc.CreateApp(v.ctx(), hookswitch.App{Name: in["name"], UID: in["uid"]}, service.Idempotency{})
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"name": "name", "uid": "uid"}) {
		return p.showApps(v, http.StatusUnprocessableEntity, in, wrong)
	}
	if err != nil {
		return err
	}
	return v.done(dashboardRoot+"/apps/"+v.ID(hookswitch.KindApp, a.Key), ui.Good, "Created "+a.Name+".")
}

// openPage asks how the operator wants to open the portal of a customer.
type openPage struct {
	*view
	Life string
}

func (p *Pages) openAsCustomer(v *view) error {
	v.Shell.Trail = []ui.Link{{Name: "Home", URL: v.Base}}
	v.api(http.MethodPost, "/auth/app-portal-access/"+v.AppID(), "")
	return v.show("dashboard/open", openPage{v, ui.Span(service.OperatorPortalLife)})
}

// enterAsCustomer leads the operator into the portal of an App: to look and not to touch, unless more was asked for.
func (p *Pages) enterAsCustomer(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	may := hookswitch.ViewBase
	if form.Get("rights") == "all" {
		may = hookswitch.AllCapabilities
	}
	link, err := p.svc.OpenPortalAs(v.ctx(), v.App.Key, may)
	if err != nil {
		return err
	}
	u, err := url.Parse(link.URL.Reveal())
	if err != nil {
		return fmt.Errorf("read the link to the portal: %w", err)
	}
	return seeOther(v.w, portalRoot+"/login?"+u.RawQuery+"#"+u.EscapedFragment())
}
