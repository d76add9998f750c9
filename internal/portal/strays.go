package portal

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/store"
)

var straysRoutes = []route{
	{in: operator, method: "GET", path: "/strays", name: "Kept aside", nav: &nav{"Traffic", "question"}, handle: (*Pages).strays},
	{in: operator, method: "GET", path: "/strays/{stray}", name: "A push that was kept aside", under: "/strays", handle: (*Pages).stray, samples: []string{"/strays/{stray}"}},
	{in: operator, method: "POST", path: "/strays/{stray}/delete", name: "Delete it", under: "/strays", handle: (*Pages).deleteStray},
}

type straysPage struct {
	*view
	Rows  []strayRow
	Blank *ui.Blank
	Pager ui.Pager
}

type strayRow struct {
	ID, Page, Provider, Door, Reason, Advice string
	Size                                     int64
	At                                       time.Time
	Start                                    string
}

func (v *view) strayRow(s store.Stray) strayRow {
	id := v.ID(hookswitch.KindStray, s.Key)
	row := strayRow{ID: id, Page: dashboardRoot + "/strays/" + id, Provider: s.Provider, Door: s.Door, Reason: s.Reason, Size: int64(len(s.Body)), At: s.Key.Time()}
	row.Start = "bytes that are no text"
	if utf8.Valid(s.Body) {
		row.Start = excerpt(string(s.Body), 80)
	}
	return row
}

func (p *Pages) strays(v *view) error {
	at := v.pageAt(hookswitch.KindStray)
	list, err := p.svc.Strays(v.ctx(), at)
	if err != nil {
		return err
	}
	page := &straysPage{view: v}
	list, page.Pager = turned(v, hookswitch.KindStray, list, at, func(s store.Stray) hookswitch.Key { return s.Key })
	for _, s := range list {
		page.Rows = append(page.Rows, v.strayRow(s))
	}
	page.Pager.Shown = ui.Plural(len(list), "push", "pushes")
	if len(list) == 0 {
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nothing was kept aside", Text: "Every genuine push belonged to a sender, and could be read."}
	}
	v.call(http.MethodGet, "/operator/v1/strays", "hookswitch stray list")
	return v.show("dashboard/strays", page)
}

type strayPage struct {
	*view
	Stray strayRow
	Text  string
}

func (p *Pages) stray(v *view) error {
	key, ok := p.svc.IDs().Parse(hookswitch.KindStray, v.r.PathValue("stray"))
	if !ok {
		return hookswitch.NotFoundf("There is no such push.")
	}
	s, err := p.svc.Stray(v.ctx(), key)
	if err != nil {
		return err
	}
	page := &strayPage{view: v, Stray: v.strayRow(s), Text: strings.ToValidUTF8(string(s.Body), "\ufffd")}
	v.Shell.Trail = []ui.Link{{Name: "Kept aside", URL: dashboardRoot + "/strays"}}
	v.call(http.MethodGet, "/operator/v1/strays/"+page.Stray.ID, "hookswitch stray get "+page.Stray.ID)
	return v.show("dashboard/stray", page)
}

func (p *Pages) deleteStray(v *view) error {
	key, ok := p.svc.IDs().Parse(hookswitch.KindStray, v.r.PathValue("stray"))
	if !ok {
		return hookswitch.NotFoundf("There is no such push.")
	}
	if err := p.svc.DeleteStray(v.ctx(), key); err != nil {
		return err
	}
	return v.done(dashboardRoot+"/strays", ui.Good, "Deleted the push. Nothing is left of it.")
}
