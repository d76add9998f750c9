package portal

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var auditRoutes = []route{
	{in: operator, method: "GET", path: "/audit", name: "Audit", nav: &nav{"Server", "shield"}, handle: (*Pages).audit,
		samples: []string{"/audit", "/audit?who=operator", "/audit?q=billing", "/audit?q=nothing-like-it"}},
	{in: operator, method: "GET", path: "/audit/export", name: "Export the audit", stream: true, handle: (*Pages).exportAudit},
	{in: operator, method: "POST", path: "/audit/verify", name: "Check the record", under: "/audit", handle: (*Pages).verifyAudit},
}

// auditPage is who did what to all Apps, and to the server.
type auditPage struct {
	*view
	Rows   []auditRow
	Filter ui.Filter
	Pager  ui.Pager
	Blank  *ui.Blank
	CSV    string
	NDJSON string
	Report *chainReport // of a check that was just made
}

type auditRow struct {
	activityRow
	App, AppPage string
	Number       int64
	Hash         string // its beginning; "": it is older than the chains
}

// chainReport is what checking the chains has come to, for people.
type chainReport struct {
	Tone     ui.Tone
	Sentence string
	Notes    []string
	Problems []chainProblem
	Heads    string // to be kept elsewhere
}

type chainProblem struct{ App, Page, What string }

var chainWords = map[string]string{service.EntryChanged: "is not what was written", service.EntryMissing: "is missing, with what stood before it", service.ChainCut: "and what stood behind it are missing",
	service.EntryReplaced: "is another one than was noted"}

func (v *view) auditFilter() store.ActivityFilter {
	f := v.activityFilter()
	f.Text = strings.TrimSpace(v.query("q"))
	return f
}

func (p *Pages) audit(v *view) error { return p.showAudit(v, nil) }

func (p *Pages) showAudit(v *view, report *chainReport) error {
	f := v.auditFilter()
	at := v.pageAt(hookswitch.KindTask)
	list, stopped, err := p.svc.AllActivities(v.ctx(), f, at)
	if err != nil {
		return err
	}
	page := &auditPage{view: v, Report: report}
	list, page.Pager = turned(v, hookswitch.KindTask, list, at, func(a *hookswitch.Activity) hookswitch.Key { return a.Key })
	if stopped != 0 && !at.Ascending && page.Pager.Older == "" {
		page.Pager.Older = v.Link("before", v.ID(hookswitch.KindTask, stopped), "after", "", "further", "yes")
	}
	names := make(map[hookswitch.Key]string)
	for _, a := range list {
		row := auditRow{Number: a.Number, App: "This server"}
		if a.App != hookswitch.OrganizationApp {
			row.AppPage = dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, a.App)
			name, known := names[a.App]
			if !known {
				app, err := p.svc.AppByKey(v.ctx(), a.App)
				switch {
				case err == nil:
					name = excerpt(app.Name, maxShownName)
				case hookswitch.KindOf(err) != hookswitch.NotFound:
					return err
				}
				names[a.App] = name
			}
			if row.App = name; name == "" {
				row.App, row.AppPage = "Deleted application", ""
			}
		}
		row.activityRow = v.activityRow(a, row.AppPage)
		if row.AppPage == "" {
			row.Page = ""
		}
		if len(a.Hash) > 0 {
			row.Hash = hex.EncodeToString(a.Hash[:min(len(a.Hash), 6)])
		}
		page.Rows = append(page.Rows, row)
	}
	page.Pager.Shown = ui.Plural(len(list), "entry", "entries")
	page.filter(f)
	const path = dashboardRoot + "/audit"
	switch {
	case len(list) == 0 && page.Pager.Older != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "Nothing found so far", Text: "There are older entries, which were not looked at yet.", Links: []ui.Action{{Name: "Search further back", URL: page.Pager.Older, Look: "primary", Icon: "clock"}}}
	case len(list) == 0 && f != (store.ActivityFilter{}):
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "Nothing matches", Text: "Nobody did that, as far back as it is kept.", Links: []ui.Action{{Name: "Clear the conditions", URL: path}}}
	case len(list) == 0:
		page.Blank = &ui.Blank{Kind: "empty", Title: "Nothing was changed yet", Text: "Who changes applications, endpoints and keys, sees secrets, starts recoveries or pauses deliveries is noted here, and what happens by itself."}
	}
	query := *v.r.URL
	query.Path = path + "/export"
	page.CSV, page.NDJSON = ui.With(&query, "format", "csv", "before", "", "after", ""), ui.With(&query, "format", "ndjson", "before", "", "after", "")
	v.call(http.MethodGet, "/operator/v1/activity", "hookswitch audit list")
	return v.show("dashboard/audit", page)
}

func (a *auditPage) filter(f store.ActivityFilter) {
	const path = dashboardRoot + "/audit"
	actions := []string{"", "Anything"}
	for _, one := range hookswitch.Actions {
		actions = append(actions, string(one), actionNames[one])
	}
	a.Filter = ui.Filter{Action: path, Target: "entries", Label: "Search the audit", Text: f.Text, Holder: "Name of an endpoint, a key or an application, or a detail", Clear: path, Fields: []ui.Field{
		{ID: "action", Name: "action", Label: "What", Kind: "select", Options: options(string(f.Action), actions...)},
		{ID: "who", Name: "who", Label: "Who", Kind: "select", Options: options(string(f.Actor), "", "Anybody", "portal", "A portal", "operator", "The operator", "key", "API keys, at the dashboard", "api", "The API", "system", "By itself")}}}
	for _, c := range []struct{ name, param, value string }{{"text", "q", f.Text}, {"what", "action", actionNames[f.Action]}, {"who", "who", actorWord(f.Actor)}} {
		if c.value != "" {
			a.Filter.Chips = append(a.Filter.Chips, ui.Chip{Name: c.name, Value: c.value, Without: a.Link(c.param, "", "before", "", "after", "")})
		}
	}
}

func actorWord(k hookswitch.ActorKind) string {
	if k == "" {
		return ""
	}
	return actorName(hookswitch.Actor{Kind: k})
}

// verifyAudit checks all chains. heads, where given, is what an earlier check told.
func (p *Pages) verifyAudit(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	var noted []store.ChainLink
	wrong := 0
	for line := range strings.Lines(form.Get("heads")) {
		parts := strings.Fields(line)
		if len(parts) == 0 {
			continue
		}
		link, ok := v.parseHead(parts)
		if !ok {
			wrong++
			continue
		}
		noted = append(noted, link)
	}
	found, err := p.svc.CheckChains(v.ctx(), 0, noted)
	if err != nil {
		return err
	}
	r := &chainReport{Tone: ui.Good, Sentence: ui.Plural(found.Entries, "entry", "entries") + " in " + ui.Plural(found.Chains, "chain") + " are as they were written."}
	if found.Entries == 0 {
		r.Sentence = "There is no entry to check yet."
	}
	if n := len(found.Problems); n > 0 {
		r.Tone, r.Sentence = ui.Bad, "The record is not as it was written, at "+ui.Plural(n, "place")+"."
		if found.More {
			r.Sentence = "The record is not as it was written, at more than " + ui.Plural(n, "place") + "."
		}
	}
	if len(noted) > 0 {
		r.Notes = append(r.Notes, "They were held against "+ui.Plural(len(noted), "entry", "entries")+" that you had noted.")
	}
	if wrong > 0 {
		r.Notes = append(r.Notes, ui.Plural(wrong, "line")+" of what you had noted cannot be read, and did not count.")
	}
	if found.Unchained > 0 {
		r.Notes = append(r.Notes, ui.Plural(found.Unchained, "entry is", "entries are")+" older than the chains, and cannot be checked.")
	}
	for _, one := range found.Problems {
		row := chainProblem{App: "This server", What: "Entry " + strconv.FormatInt(one.Number, 10) + " " + chainWords[one.What] + "."}
		if one.App != hookswitch.OrganizationApp {
			row.App = v.ID(hookswitch.KindApp, one.App)
			if app, err := p.svc.AppByKey(v.ctx(), one.App); err == nil {
				row.App, row.Page = app.Name, dashboardRoot+"/apps/"+row.App
			}
		}
		r.Problems = append(r.Problems, row)
	}
	var b strings.Builder
	for _, l := range found.Heads {
		of := "server"
		if l.App != hookswitch.OrganizationApp {
			of = v.ID(hookswitch.KindApp, l.App)
		}
		b.WriteString(of + " " + strconv.FormatInt(l.Number, 10) + " " + hex.EncodeToString(l.Hash) + "\n")
	}
	r.Heads = strings.TrimSpace(b.String())
	return p.showAudit(v, r)
}

// parseHead reads the last entry of a chain as the page writes it: whose it is, its number, its hash.
func (v *view) parseHead(parts []string) (l store.ChainLink, ok bool) {
	if len(parts) != 3 {
		return l, false
	}
	l.App, ok = hookswitch.OrganizationApp, true
	if parts[0] != "server" {
		l.App, ok = v.p.svc.IDs().Parse(hookswitch.KindApp, parts[0])
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	hash, problem := hex.DecodeString(parts[2])
	l.Number, l.Hash = n, hash
	return l, ok && err == nil && problem == nil && n > 0
}

func (p *Pages) exportAudit(v *view) error {
	s, err := v.download("audit", "time", "action", "what", "endpointId", "endpoint", "actor", "who", "details", "appId", "number", "hash")
	if err != nil {
		return err
	}
	defer s.flush()
	return each(v, maxExport, func(at store.Page) ([]*hookswitch.Activity, hookswitch.Key, error) {
		return p.svc.AllActivities(v.ctx(), v.auditFilter(), at)
	}, func(a *hookswitch.Activity) hookswitch.Key { return a.Key }, func(a *hookswitch.Activity) error {
		app := ""
		if a.App != hookswitch.OrganizationApp {
			app = v.ID(hookswitch.KindApp, a.App)
		}
		return s.row(append(v.activityCells(a), app, a.Number, hex.EncodeToString(a.Hash))...)
	})
}
