package portal

import (
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var operatorAccessRoutes = []route{
	{in: operator, method: "GET", path: "/access", name: "Keys and access", nav: &nav{"Server", "key"}, handle: (*Pages).operatorAccess},
	{in: operator, method: "POST", path: "/access/end", name: "End a session", under: "/access", handle: (*Pages).endOperatorAccess},
}

// operatorAccessPage is who has access to the whole server, and which keys there are.
type operatorAccessPage struct {
	*view
	Sessions []accessRow
	Keys     []appKeyRow
	Blank    *ui.Blank
	Pager    ui.Pager
}

// appKeyRow is an API key of some App.
type appKeyRow struct {
	Name, Hint, For, App, Page string
	Kind                       ui.Badge
	Used, Made                 time.Time
}

func (p *Pages) operatorAccess(v *view) error {
	page := &operatorAccessPage{view: v}
	sessions, err := p.svc.Sessions(v.ctx(), hookswitch.OrganizationApp, hookswitch.TokenDashboard, store.Page{Limit: maxAccess})
	if err != nil {
		return err
	}
	for _, t := range sessions {
		page.Sessions = append(page.Sessions, accessRow{ID: strconv.FormatInt(int64(t.Key), 10), Name: browserWord(t.Agent), Made: t.CreatedAt, Seen: service.SessionSeen(t), Ends: "in " + ui.Span(t.ExpiresAt.Sub(v.Now)), Current: t.Key == v.Session.Key})
	}
	at := v.pageAt(hookswitch.KindAPIKey)
	keys, err := p.svc.AllAPIKeys(v.ctx(), at)
	if err != nil {
		return err
	}
	keys, page.Pager = turned(v, hookswitch.KindAPIKey, keys, at, func(k service.AppKey) hookswitch.Key { return k.Key.Key })
	for _, k := range keys {
		row := appKeyRow{Name: k.Key.Name, Hint: k.Key.Hint, For: "everything", Kind: ui.Badge{Tone: ui.Good, Word: "Live", Icon: "key"}, Used: k.Key.UsedAt, Made: k.Key.CreatedAt}
		if row.Name == "" {
			row.Name = "Unnamed key"
		}
		if k.Key.Test {
			row.Kind = ui.Badge{Tone: ui.Info, Word: "Test", Icon: "play"}
		}
		if n := len(k.Key.Scopes); n > 0 {
			row.For = ui.Plural(n, "scope")
		}
		var base string
		row.App, base = v.ownerName(k.AppOf)
		if base != "" {
			row.Page = base + "/keys"
		}
		page.Keys = append(page.Keys, row)
	}
	page.Pager.Shown = ui.Plural(len(keys), "key")
	if len(keys) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "No API key yet", Text: "Keys let programs act for one application. They are made on the pages of the application."}
	}
	v.call(http.MethodGet, "/operator/v1/apps/{app}/keys", "hookswitch key list --app APP")
	return v.show("dashboard/access", page)
}

// endOperatorAccess signs a browser of the operator out, or all others.
func (p *Pages) endOperatorAccess(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	const path = dashboardRoot + "/access"
	if form.Get("others") != "" {
		n, err := p.svc.EndOtherOperators(v.ctx(), v.Session.Key)
		if err != nil {
			return err
		}
		return v.done(path, ui.Good, "Signed "+ui.Plural(n, "other browser")+" out.")
	}
	key, err := strconv.ParseInt(form.Get("session"), 10, 64)
	if err != nil || key <= 0 {
		return hookswitch.NotFoundf("There is no such session.")
	}
	if err := p.svc.EndOperator(v.ctx(), hookswitch.Key(key)); err != nil {
		return err
	}
	return v.done(path, ui.Good, "Signed that browser out.")
}
