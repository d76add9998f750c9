package portal

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// importPage is the import of event types from an OpenAPI document.
type importPage struct {
	*view
	Document, ReplaceAll ui.Field
	Rows                 []importRow
	Archives             string
	Problems             ui.Problems
}

type importRow struct {
	Name, Text  string
	What, State ui.Badge
	Why         []string
}

// maxWhy is how many reasons are told of one event type.
const maxWhy = 5

func (p *Pages) newImport(v *view) error {
	return v.show("dashboard/event-import", newImportPage(v, "", false))
}

func newImportPage(v *view, document string, replaceAll bool) *importPage {
	v.Shell.Trail = []ui.Link{{Name: "Event types", URL: dashboardRoot + "/event-types"}}
	v.api(http.MethodPost, "/event-type/import/openapi", "hookswitch event-type import -f openapi.yaml")
	return &importPage{view: v,
		Document: ui.Field{ID: "document", Name: "document", Kind: "textarea", Rows: 18, Label: "OpenAPI document", Value: document, Mono: true, Required: true,
			Hint: "JSON or YAML, up to 200 kB; larger ones go over the API. Its webhooks become event types."},
		ReplaceAll: ui.Field{ID: "replace-all", Name: "replaceAll", Kind: "checkbox", Label: "Archive the event types that it does not name", Checked: replaceAll, Hint: "Those that this server itself makes stay."}}
}

func (p *Pages) importTypes(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	document, all, look := form.Get("document"), form.Get("replaceAll") != "", form.Get("do") == "look"
	page := newImportPage(v, document, all)
	list, err := p.svc.ImportOpenAPI(v.ctx(), service.OpenAPIImport{Document: []byte(document), Field: "document", DryRun: true}, service.Idempotency{})
	if page.wrong(err) {
		return v.write(http.StatusUnprocessableEntity, "dashboard/event-import", page)
	}
	if err != nil {
		return err
	}
	if look {
		if err := page.preview(p, list, all); err != nil {
			return err
		}
		return v.show("dashboard/event-import", page)
	}
	list, err = p.svc.ImportOpenAPI(v.ctx(), service.OpenAPIImport{Document: []byte(document), Field: "document", ReplaceAll: all}, service.Idempotency{})
	if page.wrong(err) {
		return v.write(http.StatusUnprocessableEntity, "dashboard/event-import", page)
	}
	if err != nil {
		return err
	}
	return v.done(dashboardRoot+"/event-types", ui.Good, "Imported "+ui.Plural(len(list), "event type")+" from the document.")
}

// wrong puts what is wrong with the document on top, and reports false where err is none of it.
func (page *importPage) wrong(err error) bool {
	e, ok := asInvalid(err)
	if !ok {
		return false
	}
	page.Problems.Title, page.Document.Problem = "Nothing was imported", "There is something to correct; see above."
	for _, f := range e.Fields {
		path := f.Path
		if at := slices.Index(path, "document"); at >= 0 {
			path = path[at+1:]
		}
		text := "The document "
		if len(path) > 0 {
			text = strings.Join(path, " › ") + " "
		}
		page.Problems.List = append(page.Problems.List, ui.Problem{Field: "document", Text: excerpt(text+f.Message, 400)})
	}
	if len(e.Fields) == 0 {
		page.Problems.List = append(page.Problems.List, ui.Problem{Field: "document", Text: e.Message})
	}
	return true
}

// preview shows what an import would change.
func (page *importPage) preview(p *Pages, list []*hookswitch.EventType, all bool) error {
	named := make(map[string]bool)
	for _, t := range list {
		named[t.Name] = true
		row := importRow{Name: t.Name, Text: excerpt(t.Description, 120), What: ui.Badge{Tone: ui.Info, Word: "Is new", Icon: "plus"}, State: ui.Badge{Tone: ui.Idle, Word: "None yet"}}
		have, err := p.svc.EventType(page.ctx(), t.Name)
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
		case err != nil:
			return err
		default:
			row.What, row.State = ui.Badge{Tone: ui.Info, Word: "Changes"}, ui.Badge{Tone: ui.Good, Word: "Nothing breaks"}
			if have.Description == t.Description && have.GroupName == t.GroupName && have.Deprecated == t.Deprecated && bytes.Equal(have.Schemas, t.Schemas) && !have.Archived {
				row.What = ui.Badge{Tone: ui.Idle, Word: "Stays as it is"}
			}
			if have.Archived {
				row.What = ui.Badge{Tone: ui.Info, Word: "Comes back"}
			}
			row.compare(service.CompareSchemas(have.Schemas, t.Schemas))
		}
		page.Rows = append(page.Rows, row)
	}
	if !all {
		return nil
	}
	have, err := p.svc.EventTypes(page.ctx(), service.EventTypeQuery{}, store.NamePage{Limit: maxTypes})
	if err != nil {
		return err
	}
	own, err := service.BuiltInEventTypes()
	if err != nil {
		return err
	}
	for _, t := range own {
		named[t.Name] = true
	}
	n := 0
	for _, t := range have {
		if !named[t.Name] {
			n++
		}
	}
	if n > 0 {
		page.Archives = ui.Plural(n, "other event type") + " would be archived."
	}
	return nil
}

// compare says what receivers may trip over.
func (row *importRow) compare(list []service.SchemaComparison) {
	for i := range list {
		c := &list[i]
		if !c.Breaks() {
			continue
		}
		row.State = ui.Badge{Tone: ui.Bad, Word: "May break"}
		if c.Gone {
			row.Why = append(row.Why, "version "+c.Version+" is gone")
		}
		for _, change := range c.Changes {
			if change.Breaking && len(row.Why) < maxWhy {
				row.Why = append(row.Why, excerpt(strings.TrimSpace(change.Path+" "+change.Text), 160))
			}
		}
	}
}
