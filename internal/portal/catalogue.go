package portal

import (
	"bytes"
	"encoding/json"
	"go/format"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var catalogueRoutes = []route{
	{in: appPages, method: "GET", path: "/catalogue", name: "Event catalogue", nav: &nav{"", "book"}, handle: (*Pages).catalogue, samples: []string{"/catalogue", "/catalogue?q=inbound", "/catalogue?q=nothing-like-it"}},
	{in: appPages, method: "GET", path: "/catalogue/{type}", name: "Event type", under: "/catalogue", handle: (*Pages).eventTypePage, samples: []string{"/catalogue/message.inbound", "/catalogue/conversation.new", "/catalogue/order.shipped"}},
	{in: appPages, method: "GET", path: "/catalogue/{type}/download", name: "Types of an event", handle: (*Pages).downloadType, data: true},
	{in: appPages, method: "POST", path: "/catalogue/{type}/subscribe", name: "Subscribe", needs: hookswitch.ManageEndpoint, handle: (*Pages).subscribe},
}

// maxOffered is how many event types a page lists.
const maxOffered = 1000

// offeredType is one event type of the catalogue.
type offeredType struct {
	Name, Text, Page string
	Deprecated       bool
	Volume           string
	Getting          []typeEndpoint
}

type typeEndpoint struct{ Name, Page string }

type offeredGroup struct {
	Name, ID string
	Rows     []offeredType
}

// cataloguePage lists event types by group.
type cataloguePage struct {
	*view
	Filter ui.Filter
	Groups []offeredGroup
	Blank  *ui.Blank
	Note   string
	Total  int
	Files  []ui.Action // that describe all types
}

// gets reports whether an endpoint gets events of the type.
func gets(e *hookswitch.Endpoint, name string) bool {
	if e.EventTypes == nil {
		return !hookswitch.OnRequest(name)
	}
	return slices.Contains(e.EventTypes, name)
}

func (p *Pages) catalogue(v *view) error {
	types, err := p.svc.EventTypes(v.ctx(), service.EventTypeQuery{}, store.NamePage{Limit: maxOffered, Ascending: true})
	if err != nil {
		return err
	}
	endpoints, err := p.svc.Endpoints(v.ctx(), v.App.Key, store.Page{Limit: service.HealthEndpoints})
	if err != nil {
		return err
	}
	volumes, more, err := p.svc.TypeVolumes(v.ctx(), v.App.Key)
	if err != nil {
		return err
	}
	text := strings.ToLower(strings.TrimSpace(v.query("q")))
	page := &cataloguePage{view: v, Total: len(types), Filter: ui.Filter{Action: v.Page("catalogue"), Target: "types", Label: "Search event types", Text: v.query("q"), Holder: "Name or description", Clear: v.Page("catalogue"),
		Fields: []ui.Field{{ID: "mine", Name: "mine", Label: "Which", Kind: "select", Options: options(v.query("mine"), "", "All types", "yes", "That my endpoints get", "no", "That nothing gets")}}}}
	if text != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "text", Value: v.query("q"), Without: v.Link("q", "")})
	}
	if m := v.query("mine"); m != "" {
		word := "by my endpoints"
		if m == "no" {
			word = "by nothing"
		}
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "got", Value: word, Without: v.Link("mine", "")})
	}
	if len(types) > 0 {
		page.Files = v.catalogueDownloads()
	}
	if more {
		page.Note = "Numbers are of the newest 50,000 messages of the last 24 hours."
	}
	groups := make(map[string]*offeredGroup)
	for _, t := range types {
		if operationalType(t.Name) || text != "" && !strings.Contains(strings.ToLower(t.Name+" "+t.Description), text) {
			continue
		}
		row := offeredType{Name: t.Name, Text: t.Description, Page: v.Page("catalogue", url.PathEscape(t.Name)), Deprecated: t.Deprecated, Volume: ui.Count(volumes[t.Name]), Getting: v.getting(endpoints, t.Name)}
		if m := v.query("mine"); m == "yes" && len(row.Getting) == 0 || m == "no" && len(row.Getting) > 0 {
			continue
		}
		name := groupOf(t)
		g := groups[name]
		if g == nil {
			g = &offeredGroup{Name: name, ID: "group-" + strconv.Itoa(len(groups))}
			groups[name] = g
		}
		g.Rows = append(g.Rows, row)
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		page.Groups = append(page.Groups, *groups[name])
	}
	switch {
	case len(types) == 0:
		page.Blank = &ui.Blank{Kind: "empty", Title: "The catalogue is empty", Text: "Whoever sends you events has not described them yet."}
	case len(groups) == 0:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No event type matches", Text: "None fits the conditions.", Links: []ui.Action{{Name: "Clear the conditions", URL: v.Page("catalogue")}}}
	}
	v.api(http.MethodGet, "/event-type?limit=100", "")
	return v.show("app/catalogue", page)
}

// operationalType reports whether a type is about the gateway's own work for the operator, which no App gets.
func operationalType(name string) bool {
	for _, prefix := range []string{"endpoint.", "message.attempt.", "background_task."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func groupOf(t *hookswitch.EventType) string {
	if t.GroupName != "" {
		return t.GroupName
	}
	if group, _, ok := strings.Cut(t.Name, "."); ok {
		return group
	}
	return "others"
}

// getting are the endpoints that get a type.
func (v *view) getting(endpoints []*hookswitch.Endpoint, name string) (list []typeEndpoint) {
	for _, e := range endpoints {
		if !e.Disabled && gets(e, name) {
			list = append(list, typeEndpoint{endpointName(e), v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key))})
		}
	}
	return list
}

// typePage is one event type.
type typePage struct {
	*view
	Type      *hookswitch.EventType
	Group     string
	Version   string
	Versions  []ui.Tab
	Before    string // the version before the one that is shown; "": there is none
	Changes   []schemaChange
	Rows      []schemaRow
	Example   string
	Schema    string
	Getting   []typeEndpoint
	Others    []ui.Option // endpoints that do not get it
	Volume    int
	Volumes   string
	Downloads []ui.Action
	Subscribe string // why that is refused; "" when it is not
	TS        string
}

// typeVersion is the type that the path names, the version of its schema that the query names, or the newest, and all of them.
func (p *Pages) typeVersion(v *view) (t *hookswitch.EventType, version string, versions []string, schemas map[string]json.RawMessage, err error) {
	t, err = p.svc.EventType(v.ctx(), v.r.PathValue("type"))
	if err != nil {
		return nil, "", nil, nil, err
	}
	if operationalType(t.Name) || t.Archived {
		return nil, "", nil, nil, hookswitch.NotFoundf("There is no such event type.")
	}
	versions, schemas = versionsOf(t)
	version = v.query("version")
	if !slices.Contains(versions, version) {
		version = ""
		if len(versions) > 0 {
			version = versions[0]
		}
	}
	return t, version, versions, schemas, nil
}

// versionsOf are the versions of the schema of a type, the newest first, and each.
func versionsOf(t *hookswitch.EventType) (versions []string, schemas map[string]json.RawMessage) {
	if t.Schemas == nil || json.Unmarshal(t.Schemas, &schemas) != nil {
		return nil, nil
	}
	versions = slices.SortedFunc(maps.Keys(schemas), func(a, b string) int {
		x, errX := strconv.Atoi(a)
		y, errY := strconv.Atoi(b)
		if errX == nil && errY == nil {
			return y - x
		}
		return strings.Compare(b, a)
	})
	return versions, schemas
}

func (p *Pages) eventTypePage(v *view) error {
	t, version, versions, schemas, err := p.typeVersion(v)
	if err != nil {
		return err
	}
	endpoints, err := p.svc.Endpoints(v.ctx(), v.App.Key, store.Page{Limit: service.HealthEndpoints})
	if err != nil {
		return err
	}
	volumes, more, err := p.svc.TypeVolumes(v.ctx(), v.App.Key)
	if err != nil {
		return err
	}
	v.Shell.Title = t.Name
	v.Shell.Trail = []ui.Link{{Name: "Event catalogue", URL: v.Page("catalogue")}}
	page := &typePage{view: v, Type: t, Group: groupOf(t), Version: version, Getting: v.getting(endpoints, t.Name), Volumes: ui.Plural(volumes[t.Name], "message") + " in 24 hours", Subscribe: v.MayNot("endpoints.write")}
	if more {
		page.Volumes = "At least " + page.Volumes
	}
	for _, name := range versions {
		page.Versions = append(page.Versions, ui.Tab{Name: "Version " + name, URL: v.Link("version", name), Current: name == version})
	}
	for _, e := range endpoints {
		if e.EventTypes != nil && !slices.Contains(e.EventTypes, t.Name) {
			page.Others = append(page.Others, ui.Option{Value: v.ID(hookswitch.KindEndpoint, e.Key), Name: endpointName(e)})
		}
	}
	if s := parseSchema(schemas[version]); s != nil {
		page.Rows = (&schemaReader{root: s}).rows(s, 0)
		var b bytes.Buffer
		if json.Indent(&b, s.sample(), "", "  ") == nil {
			page.Example = b.String()
		}
		page.TS = s.typeScript(t.Name)
		if at := slices.Index(versions, version); at+1 < len(versions) {
			page.Before = versions[at+1]
			page.Changes = schemaChanges(parseSchema(schemas[page.Before]), s)
		}
		base := v.Page("catalogue", url.PathEscape(t.Name), "download") + "?version=" + url.QueryEscape(version) + "&as="
		page.Downloads = []ui.Action{{Name: "JSON Schema", URL: base + "schema", Icon: "down"}, {Name: "TypeScript", URL: base + "typescript", Icon: "down"}, {Name: "Go", URL: base + "go", Icon: "down"}}
	}
	v.api(http.MethodGet, "/event-type/"+url.PathEscape(t.Name), "")
	return v.show("app/event-type", page)
}

// downloadType answers with the schema of a type, or what a program makes of it.
func (p *Pages) downloadType(v *view) error {
	t, version, _, schemas, err := p.typeVersion(v)
	if err != nil {
		return err
	}
	raw := schemas[version]
	s := parseSchema(raw)
	if s == nil {
		return hookswitch.NotFoundf("The event type has no schema.")
	}
	var body []byte
	kind, ext := "text/plain; charset=utf-8", ""
	switch v.query("as") {
	case "schema":
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return err
		}
		body, kind, ext = b.Bytes(), "application/schema+json", ".schema.json"
	case "typescript":
		body, ext = []byte(s.typeScript(t.Name)), ".ts"
	case "go":
		text := []byte(s.goType(t.Name))
		if tidy, err := format.Source(text); err == nil {
			text = tidy
		}
		body, ext = text, ".go"
	default:
		return hookswitch.InvalidField("must be schema, typescript or go", "as")
	}
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+t.Name+ext+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = v.w.Write(body) // an error means that the reader has gone
	return nil
}

// subscribe adds a type to those that an endpoint gets.
func (p *Pages) subscribe(v *view) error {
	t, _, _, _, err := p.typeVersion(v)
	if err != nil {
		return err
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	e, err := p.svc.Endpoint(v.ctx(), v.App.Key, form.Get("endpoint"))
	if err != nil {
		return err
	}
	if e, err = p.svc.UpdateEndpoint(v.ctx(), v.App.Key, e.Key, func(e *hookswitch.Endpoint) error {
		if e.EventTypes != nil && !slices.Contains(e.EventTypes, t.Name) {
			e.EventTypes = append(slices.Clone(e.EventTypes), t.Name)
		}
		return nil
	}); err != nil {
		return err
	}
	return v.done(v.Page("catalogue", url.PathEscape(t.Name)), ui.Good, endpointName(e)+" gets "+t.Name+" from now on.", "Open the endpoint", v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key)))
}
