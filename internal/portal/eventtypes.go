package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var eventTypesRoutes = []route{
	{in: operator, method: "GET", path: "/event-types", name: "Event types", nav: &nav{"Server", "book"}, handle: (*Pages).eventTypes,
		samples: []string{"/event-types", "/event-types?q=nothing-like-it", "/event-types?archived=yes"}},
	{in: operator, method: "GET", path: "/event-types/new", name: "Add an event type", under: "/event-types", handle: (*Pages).newEventType},
	{in: operator, method: "POST", path: "/event-types/new", name: "Add an event type", under: "/event-types", handle: (*Pages).createEventType},
	{in: operator, method: "GET", path: "/event-types/import", name: "Import event types", under: "/event-types", handle: (*Pages).newImport},
	{in: operator, method: "POST", path: "/event-types/import", name: "Import event types", under: "/event-types", handle: (*Pages).importTypes},
	{in: operator, method: "GET", path: "/event-types/{type}", name: "Event type", under: "/event-types", handle: (*Pages).eventType, samples: []string{"/event-types/message.inbound"}},
	{in: operator, method: "POST", path: "/event-types/{type}", name: "Change the event type", under: "/event-types", handle: (*Pages).changeEventType},
}

type eventTypesPage struct {
	*view
	Filter ui.Filter
	Groups []catalogueGroup
	Blank  *ui.Blank
	Shown  string
}

type catalogueGroup struct {
	Name string
	Rows []typeRow
}

type typeRow struct {
	Name, Page, Text string
	State            ui.Badge
	Versions         string
	Flags            []string
}

// maxTypes is how many event types a page reads.
const maxTypes = 2000

func typeBadge(t *hookswitch.EventType) ui.Badge {
	switch {
	case t.Archived:
		return ui.Badge{Tone: ui.Idle, Word: "Archived", Icon: "pause"}
	case t.Deprecated:
		return ui.Badge{Tone: ui.Warn, Word: "Deprecated"}
	}
	return ui.Badge{Tone: ui.Good, Word: "In use"}
}

func (p *Pages) eventTypes(v *view) error {
	text, archived := strings.ToLower(strings.TrimSpace(v.query("q"))), v.query("archived") != ""
	list, err := p.svc.EventTypes(v.ctx(), service.EventTypeQuery{Archived: archived, Schemas: true}, store.NamePage{Limit: maxTypes})
	if err != nil {
		return err
	}
	page := &eventTypesPage{view: v}
	groups := make(map[string][]typeRow)
	n := 0
	for _, t := range list {
		if !strings.Contains(strings.ToLower(t.Name+" "+t.Description+" "+t.GroupName), text) {
			continue
		}
		group := t.GroupName
		if group == "" {
			group, _, _ = strings.Cut(t.Name, ".")
		}
		versions := schemaVersions(t.Schemas)
		row := typeRow{Name: t.Name, Page: dashboardRoot + "/event-types/" + url.PathEscape(t.Name), Text: t.Description, State: typeBadge(t), Versions: "none", Flags: t.FeatureFlags}
		if len(versions) > 0 {
			row.Versions = strings.Join(versions, ", ")
		}
		groups[group] = append(groups[group], row)
		n++
	}
	for name, rows := range groups {
		page.Groups = append(page.Groups, catalogueGroup{name, rows})
	}
	slices.SortFunc(page.Groups, func(a, b catalogueGroup) int { return strings.Compare(a.Name, b.Name) })
	page.Shown = ui.Plural(n, "event type")
	page.Filter = ui.Filter{Action: dashboardRoot + "/event-types", Target: "types", Label: "Search event types", Text: v.query("q"), Holder: "Name or description", Clear: dashboardRoot + "/event-types",
		Fields: []ui.Field{{ID: "archived", Name: "archived", Label: "Which", Kind: "select", Options: options(v.query("archived"), "", "Those in use", "yes", "Archived ones too")}}}
	if text != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "text", Value: v.query("q"), Without: v.Link("q", "")})
	}
	switch {
	case n > 0:
	case text != "":
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No event type matches", Links: []ui.Action{{Name: "Clear the search", URL: dashboardRoot + "/event-types"}}}
	default:
		page.Blank = &ui.Blank{Kind: "empty", Title: "The catalogue is empty", Text: "Event types are what endpoints can subscribe to by name.", Links: []ui.Action{{Name: "Add an event type", URL: dashboardRoot + "/event-types/new", Look: "primary", Icon: "plus"}}}
	}
	v.api(http.MethodGet, "/event-type", "")
	return v.show("dashboard/event-types", page)
}

// schemaVersions are the versions that have a schema.
func schemaVersions(schemas []byte) []string {
	var by map[string]json.RawMessage
	if len(schemas) == 0 || json.Unmarshal(schemas, &by) != nil {
		return nil
	}
	list := make([]string, 0, len(by))
	for name := range by {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

type eventTypePage struct {
	*view
	New      bool
	Type     *hookswitch.EventType
	State    ui.Badge
	Path     string
	Fields   []ui.Field
	Schemas  ui.Field
	Example  string // of a payload
	Problems ui.Problems
	Compared []typeComparison // with what there is
	Same     bool             // they were compared, and nothing differs
	Sure     bool             // who saves has to say that receivers may fail
	Versions []string
}

// typeComparison is in what one version differs from what receivers know.
type typeComparison struct {
	Title   string
	State   ui.Badge
	Changes []service.SchemaChange
}

func newComparisons(list []service.SchemaComparison) (out []typeComparison, breaks bool) {
	for i := range list {
		c := &list[i]
		one := typeComparison{Title: "Version " + c.Version + ", as it was and as it would be", Changes: c.Changes, State: ui.Badge{Tone: ui.Good, Word: "Breaks nothing"}}
		switch {
		case c.Gone:
			one.Title, one.State = "Version "+c.Version+" would be gone", ui.Badge{Tone: ui.Bad, Word: "Breaks receivers"}
		case c.Version != c.Against:
			one.Title, one.State = "Version "+c.Version+" is new, beside version "+c.Against, ui.Badge{Tone: ui.Info, Word: "New version"}
		case c.Breaks():
			one.State = ui.Badge{Tone: ui.Bad, Word: "May break receivers"}
		}
		breaks = breaks || c.Breaks()
		out = append(out, one)
	}
	return out, breaks
}

func (p *Pages) newEventType(v *view) error {
	return p.showEventType(v, http.StatusOK, &hookswitch.EventType{Schemas: []byte("{\n  \"1\": {\n    \"type\": \"object\",\n    \"properties\": {},\n    \"examples\": [{}]\n  }\n}")}, nil, true)
}

func (p *Pages) eventType(v *view) error {
	t, err := p.svc.EventType(v.ctx(), v.r.PathValue("type"))
	if err != nil {
		return err
	}
	return p.showEventType(v, http.StatusOK, t, nil, false)
}

func (p *Pages) showEventType(v *view, status int, t *hookswitch.EventType, wrong map[string]string, fresh bool) error {
	return v.write(status, "dashboard/event-type", p.eventTypePageOf(v, t, wrong, fresh))
}

func (p *Pages) eventTypePageOf(v *view, t *hookswitch.EventType, wrong map[string]string, fresh bool) *eventTypePage {
	page := &eventTypePage{view: v, New: fresh, Type: t, State: typeBadge(t), Path: dashboardRoot + "/event-types/new"}
	v.Shell.Trail = []ui.Link{{Name: "Event types", URL: dashboardRoot + "/event-types"}}
	var fields []ui.Field
	if fresh {
		fields = append(fields, ui.Field{ID: "name", Name: "name", Label: "Name", Value: t.Name, Problem: wrong["name"], Required: true, Mono: true, Holder: "order.created", Hint: "Parts with full stops between them. It cannot be changed later."})
	} else {
		page.Path = dashboardRoot + "/event-types/" + url.PathEscape(t.Name)
		v.Shell.Title = t.Name
	}
	fields = append(fields,
		ui.Field{ID: "description", Name: "description", Kind: "textarea", Rows: 2, Label: "Description", Value: t.Description, Problem: wrong["description"], Optional: true, Hint: "What has happened when an event of this type is sent."},
		ui.Field{ID: "group", Name: "group", Label: "Group", Value: t.GroupName, Problem: wrong["group"], Optional: true, Mono: true, Holder: "order", Hint: "What it is listed under."},
		ui.Field{ID: "flags", Name: "flags", Label: "Feature flags", Value: strings.Join(t.FeatureFlags, " "), Problem: wrong["flags"], Optional: true, Mono: true, Hint: "With flags, only customers whose portal has one of them see it."})
	page.Schemas = ui.Field{ID: "schemas", Name: "schemas", Kind: "textarea", Rows: 18, Label: "Schemas", Value: indented(t.Schemas), Problem: wrong["schemas"], Optional: true, Mono: true,
		Hint: "An object from versions to JSON Schemas (draft 7). The first of a schema's examples is what is sent when somebody tests an endpoint."}
	list := make([]*ui.Field, 0, len(fields)+1)
	for i := range fields {
		list = append(list, &fields[i])
	}
	fieldProblems(&page.Problems, "The event type was not saved", wrong, append(list, &page.Schemas)...)
	page.Fields = fields
	if ex := exampleOf(t.Schemas); ex != "" {
		page.Example = ex
	}
	if fresh {
		v.api(http.MethodPost, "/event-type", "")
	} else {
		v.api(http.MethodGet, "/event-type/"+url.PathEscape(t.Name), "")
	}
	page.Versions = service.SchemaVersions(t.Schemas)
	return page
}

// compareType compares the schemas that a form has with those that there are. It reports true where it has answered: that was what was asked for, or receivers may fail and nobody has said that this is meant.
func (p *Pages) compareType(v *view, name string, form url.Values) (bool, error) {
	have, err := p.svc.EventType(v.ctx(), name)
	if err != nil {
		return false, err
	}
	now := *have
	typed(&now, form)
	list, err := p.svc.CheckEventType(v.ctx(), name, now.Schemas)
	wrong := make(map[string]string)
	if noteFields(err, wrong, typeFields) {
		return true, p.showEventType(v, http.StatusUnprocessableEntity, &now, wrong, false)
	}
	if err != nil {
		return false, err
	}
	compared, breaks := newComparisons(list)
	checking := form.Get("do") == "check"
	if !checking && (!breaks || form.Get("sure") != "") {
		return false, nil
	}
	page := p.eventTypePageOf(v, &now, nil, false)
	page.Compared, page.Same, page.Sure = compared, len(compared) == 0, breaks
	status := http.StatusOK
	if !checking {
		status = http.StatusConflict
		page.Problems = ui.Problems{Title: "The event type was not saved", List: []ui.Problem{{Field: "sure", Text: "What receivers rely on would change. Give what is new a version of its own, or say below that it is meant."}}}
	}
	return true, v.write(status, "dashboard/event-type", page)
}

func indented(b []byte) string {
	var out bytes.Buffer
	if len(b) == 0 || json.Indent(&out, b, "", "  ") != nil {
		return string(b)
	}
	return out.String()
}

// exampleOf is the first example of the newest version that has one.
func exampleOf(schemas []byte) string {
	var by map[string]struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if len(schemas) == 0 || json.Unmarshal(schemas, &by) != nil {
		return ""
	}
	versions := schemaVersions(schemas)
	for i := len(versions) - 1; i >= 0; i-- {
		if ex := by[versions[i]].Examples; len(ex) > 0 {
			return indented(ex[0])
		}
	}
	return ""
}

// typeFields are what errors of the service call the fields, and what the form does.
var typeFields = map[string]string{"name": "name", "description": "description", "groupName": "group", "featureFlags": "flags", "schemas": "schemas"}

// typed makes an event type what the form says.
func typed(t *hookswitch.EventType, form url.Values) {
	t.Description, t.GroupName, t.FeatureFlags = strings.TrimSpace(strings.ReplaceAll(form.Get("description"), "\r\n", "\n")), strings.TrimSpace(form.Get("group")), strings.Fields(form.Get("flags"))
	t.Schemas = nil
	if s := strings.TrimSpace(form.Get("schemas")); s != "" {
		t.Schemas = []byte(s)
	}
}

func (p *Pages) createEventType(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	t := hookswitch.EventType{Name: strings.TrimSpace(form.Get("name"))}
	typed(&t, form)
	_, err = p.svc.CreateEventType(v.ctx(), t, service.Idempotency{})
	wrong := make(map[string]string)
	if noteFields(err, wrong, typeFields) {
		return p.showEventType(v, http.StatusUnprocessableEntity, &t, wrong, true)
	}
	if err != nil {
		return err
	}
	return v.done(dashboardRoot+"/event-types/"+url.PathEscape(t.Name), ui.Good, "Added "+t.Name+" to the catalogue. Endpoints can subscribe to it.")
}

func (p *Pages) changeEventType(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	name := v.r.PathValue("type")
	back, text := dashboardRoot+"/event-types/"+url.PathEscape(name), ""
	set := func(sentence string, change func(*hookswitch.EventType)) error {
		text = sentence
		_, err := p.svc.UpdateEventType(v.ctx(), name, func(t *hookswitch.EventType) error { change(t); return nil })
		return err
	}
	switch form.Get("do") {
	case "archive":
		err, text = p.svc.ArchiveEventType(v.ctx(), name), "Archived "+name+". It cannot be chosen any more; endpoints that name it already go on getting it."
	case "restore":
		err = set("Took "+name+" back into the catalogue.", func(t *hookswitch.EventType) { t.Archived = false })
	case "deprecate":
		err = set("Marked "+name+" as deprecated.", func(t *hookswitch.EventType) { t.Deprecated = true })
	case "undeprecate":
		err = set(name+" is no longer marked as deprecated.", func(t *hookswitch.EventType) { t.Deprecated = false })
	case "check", "save":
		var now hookswitch.EventType
		stop, err := p.compareType(v, name, form)
		if stop || err != nil {
			return err
		}
		err = set("Saved "+name+".", func(t *hookswitch.EventType) { typed(t, form); now = *t })
		wrong := make(map[string]string)
		if noteFields(err, wrong, typeFields) {
			if now.Name == "" {
				now.Name = name
				typed(&now, form)
			}
			return p.showEventType(v, http.StatusUnprocessableEntity, &now, wrong, false)
		}
	default:
		return hookswitch.InvalidField("is none of the things that can be done to an event type", "do")
	}
	if err != nil {
		return err
	}
	return v.done(back, ui.Good, text)
}
