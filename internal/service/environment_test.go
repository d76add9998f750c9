package service_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const petsYAML = `
openapi: 3.1.0
webhooks:
  pet.new:
    post:
      description: A pet has come.
      deprecated: true
      x-svix-group-name: pets
      x-svix-feature-flags: [beta]
      requestBody:
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Pet"}
  pet.gone:
    post: {summary: A pet has gone.}
components:
  schemas:
    Pet:
      type: object
      properties: {name: {type: string}}
`

// catalogue is every event type that is not built in, with what is told of it.
func catalogue(t *testing.T, w *servicetest.World) string {
	t.Helper()
	own := builtIn(t)
	var list []string
	err := w.Service.EachEventType(t.Context(), func(et *hookswitch.EventType) error {
		if !slices.ContainsFunc(own, func(b hookswitch.EventType) bool { return b.Name == et.Name && !et.Archived }) {
			text := et.Name + " " + et.Description + " " + et.GroupName + " " + strings.Join(et.FeatureFlags, "+") + " " + string(et.Schemas)
			if et.Archived {
				text += " archived"
			}
			list = append(list, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}

func wantCatalogue(t *testing.T, w *servicetest.World, when, want string) {
	t.Helper()
	if got := catalogue(t, w); got != want {
		t.Errorf("%s the catalogue is\n%s\nwant\n%s", when, got, want)
	}
}

func TestImportOpenAPI_MakesAnEventTypeOfEachWebhook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, none := t.Context(), service.Idempotency{}
		servicetest.Must(w.Service.CreateEventType(ctx, hookswitch.EventType{Name: "pet.gone", Description: "old", GroupName: "mine", FeatureFlags: []string{"secret"}, Schemas: []byte(`{"1":{}}`)}, none))(t)
		w.EventTypes("other")
		if err := w.Service.ArchiveEventType(ctx, "pet.gone"); err != nil {
			t.Fatal(err)
		}
		before := catalogue(t, w)
		in := service.OpenAPIImport{Document: []byte(petsYAML), Field: "specRaw", DryRun: true, ReplaceAll: true}
		planned := servicetest.Must(w.Service.ImportOpenAPI(ctx, in, none))(t)
		wantCatalogue(t, w, "after a dry run", before)
		in.DryRun = false
		idem := service.Idempotency{Caller: "c", Key: "k", Route: "r"}
		made := servicetest.Must(w.Service.ImportOpenAPI(ctx, in, idem))(t)
		after := "other other   archived\n" +
			"pet.gone A pet has gone. mine secret \n" +
			`pet.new A pet has come. pets beta {"1":{"type":"object","properties":{"name":{"type":"string"}}}}`
		wantCatalogue(t, w, "after the import", strings.Replace(after, "other other   archived", "other other    archived", 1))
		for i, p := range planned {
			if m := made[i]; p.Name != m.Name || p.Description != m.Description || !slices.Equal(p.FeatureFlags, m.FeatureFlags) || p.GroupName != m.GroupName || string(p.Schemas) != string(m.Schemas) {
				t.Errorf("planned %+v, made %+v", p, m)
			}
		}
		if got := servicetest.Must(w.Service.EventType(ctx, "message.inbound"))(t); got.Archived {
			t.Error("an event type of the gateway itself was archived")
		}
		if err := w.Service.ArchiveEventType(ctx, "pet.new"); err != nil {
			t.Fatal(err)
		}
		if again := servicetest.Must(w.Service.ImportOpenAPI(ctx, in, idem))(t); len(again) != 2 || again[0].Name != made[0].Name {
			t.Errorf("the same request answers %v", again)
		}
		if got := servicetest.Must(w.Service.EventType(ctx, "pet.new"))(t); !got.Archived {
			t.Error("the same request changed something again")
		}
	})
}

func TestImportOpenAPI_ReportsWhatIsWrongAndChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		for name, c := range map[string]struct{ doc, want string }{
			"no document":   {"", "spec must be an object: an OpenAPI document"},
			"no webhooks":   {"openapi: 3.1.0", "spec has no section webhooks or x-webhooks"},
			"a bad name":    {`{"webhooks":{"ok":{"post":{}},"a b":{"post":{}}}}`, "spec.webhooks.a b.post.name may contain only letters, digits, '-', '_' and '.'"},
			"a bad schema":  {`{"webhooks":{"ok":{"post":{}},"x":{"post":{"requestBody":{"content":{"application/json":{"schema":{"type":"strin"}}}}}}}}`, "spec.webhooks.x.post.schemas.1 is not a valid JSON Schema: at /type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'"},
			"a ring":        {`{"webhooks":{"x":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/a"}}}}}}},"a":{"properties":{"b":{"$ref":"#/a"}}}}`, "spec.webhooks.x.post.schemas.1 refers to itself in a circle"},
			"another file":  {`{"webhooks":{"x":{"$ref":"other.yaml"}}}`, "spec.webhooks.x refers to other.yaml; a document has to be complete in itself"},
			"a bad flag":    {`{"webhooks":{"x":{"post":{"x-svix-feature-flag":"a b"}}}}`, "spec.webhooks.x.post.featureFlags[0] may contain only letters, digits, '-', '_' and '.'"},
			"no operation":  {`{"webhooks":{"x":{}}}`, "spec.webhooks.x has no operation; a webhook is described by post"},
			"half of it":    {`{"webhooks":{"x":`, "spec cannot be read: the document ends early"},
			"a bill of YAM": {"a: &a [*a]\nwebhooks: *a", "spec cannot be read: is nested more than 128 levels deep"},
		} {
			_, err := w.Service.ImportOpenAPI(t.Context(), service.OpenAPIImport{Document: []byte(c.doc), Field: "spec"}, service.Idempotency{})
			if got := problems(t, err); got != c.want {
				t.Errorf("%s: got %s\nwant %s", name, got, c.want)
			}
		}
		wantCatalogue(t, w, "afterwards", "")
	})
}

func TestImportEventTypes_AllOrNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, none := t.Context(), service.Idempotency{}
		w.EventTypes("b", "c")
		list := []hookswitch.EventType{{Name: "a", Schemas: []byte("{ \"1\": {\"maximum\":1.10} }")}, {Name: "b", Description: "new", Archived: true}, {Name: "a b"}, {Name: "d", Schemas: []byte(`{"1":[]}`)}}
		if got, want := problems(t, w.Service.ImportEventTypes(ctx, list, none)),
			"eventTypes[2].name may contain only letters, digits, '-', '_' and '.'; eventTypes[3].schemas.1 must be an object: a JSON Schema"; got != want {
			t.Errorf("got %s", got)
		}
		wantCatalogue(t, w, "after a refusal", "b b   \nc c   ")
		if err := w.Service.ImportEventTypes(ctx, list[:2], none); err != nil {
			t.Fatal(err)
		}
		wantCatalogue(t, w, "after the import", "a    { \"1\": {\"maximum\":1.10} }\nb new    archived\nc c   ")
	})
}

func TestEachEventType_GoesThroughMoreThanAPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		var list []hookswitch.EventType
		for i := range 600 {
			list = append(list, hookswitch.EventType{Name: "n" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "." + strings.Repeat("0", i/26)})
		}
		if err := w.Service.ImportEventTypes(t.Context(), list, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		want := servicetest.Must(w.Service.EventTypes(t.Context(), service.EventTypeQuery{Archived: true}, store.NamePage{Limit: 10_000, Ascending: true}))(t)
		var got []string
		if err := w.Service.EachEventType(t.Context(), func(et *hookswitch.EventType) error {
			got = append(got, et.Name)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) || !slices.IsSorted(got) || len(slices.Compact(got)) != len(want) {
			t.Errorf("went through %d of %d", len(got), len(want))
		}
	})
}
