package svix_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// names are the names of a list's rows.
func (an answer) names() []string {
	an.t.Helper()
	an.is(http.StatusOK)
	names := []string{}
	for _, row := range an.json()["data"].([]any) {
		names = append(names, row.(map[string]any)["name"].(string))
	}
	return names
}

// expunge removes the event types that the server brings along, for tests of lists.
func (a *api) expunge() {
	a.t.Helper()
	list, err := service.BuiltInEventTypes()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, t := range list {
		a.do("DELETE", "/event-type/"+t.Name+"?expunge=true", "").is(204)
	}
}

func TestEventTypeLife(t *testing.T) {
	each(t, func(a *api) {
		// Bytes of schemas are kept: numbers, order, white space.
		const schemas = "{\"2\": {\"type\":\"object\", \"maximum\":12345678901234567890},\n\"1\":{\"default\":1.10,\"title\":\"<&>\u2028\"}}"
		an := a.do("POST", "/event-type", `{"name":"user.signup","description":"d","deprecated":true,"groupName":"user","featureFlags":["b","a","b"],"schemas":`+schemas+`}`).is(201).
			matches("EventTypeOut").described("EventTypeOut")
		got := an.json()
		for name, want := range map[string]any{"name": "user.signup", "description": "d", "archived": false, "deprecated": true, "groupName": "user",
			"featureFlags": []any{"a", "b"}, "featureFlag": "a"} {
			if !cmp.Equal(got[name], want) {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		if !bytes.Contains(an.body, []byte(`"schemas":`+schemas)) {
			t.Errorf("the schemas are not shown as they were given: %s", an.body)
		}
		if again := a.do("GET", "/event-type/user.signup", "").is(200); !bytes.Equal(again.body, an.body) {
			t.Errorf("got %s", again.body)
		}
		a.do("POST", "/event-type", `{"name":"user.signup","description":""}`).code(409, "event_type_exists")
		put := a.do("PUT", "/event-type/user.signup", `{"description":"e","name":"ignored"}`).is(200).matches("EventTypeOut").described("EventTypeOut").json()
		for name, want := range map[string]any{"name": "user.signup", "description": "e", "deprecated": false, "groupName": nil, "featureFlags": nil, "featureFlag": nil, "schemas": nil,
			"createdAt": got["createdAt"]} {
			if !cmp.Equal(put[name], want) {
				t.Errorf("after PUT %s is %v, want %v", name, put[name], want)
			}
		}
		a.do("PUT", "/event-type/other.type", `{"description":"made"}`).is(201).matches("EventTypeOut")

		a.do("DELETE", "/event-type/user.signup", "").is(204)
		a.do("DELETE", "/event-type/user.signup", "").is(204)
		if !a.do("GET", "/event-type/user.signup", "").is(200).json()["archived"].(bool) {
			t.Error("it is not archived")
		}
		if slices.Contains(a.do("GET", "/event-type?limit=250", "").names(), "user.signup") || !slices.Contains(a.do("GET", "/event-type?limit=250&include_archived=true", "").names(), "user.signup") {
			t.Error("an archived event type is listed, or not listed when asked for")
		}
		revived := a.do("POST", "/event-type", `{"name":"user.signup","description":"f","featureFlag":"x"}`).is(201).json()
		if revived["description"] != "f" || revived["archived"] != false || !cmp.Equal(revived["featureFlags"], []any{"x"}) || revived["createdAt"] != got["createdAt"] {
			t.Errorf("revived: %v", revived)
		}
		a.do("DELETE", "/event-type/user.signup?expunge=true", "").is(204)
		a.do("GET", "/event-type/user.signup", "").code(404, "not_found")
		a.do("DELETE", "/event-type/user.signup", "").code(404, "not_found")
		a.do("DELETE", "/event-type/user.signup?expunge=x", "").is(400)
		a.do("GET", "/event-type/a%20b", "").code(404, "not_found")
	})
}

func TestPatchOfAnEventType(t *testing.T) {
	each(t, func(a *api) {
		const path = "/event-type/a"
		a.do("POST", "/event-type", `{"name":"a","description":"d","groupName":"g","featureFlags":["x","y"],"schemas":{"1":{"title":"t"}}}`).is(201)
		for _, c := range []struct{ body, field, want string }{
			{`{}`, "featureFlags", `["x","y"]`},
			{`{"featureFlag":"z"}`, "featureFlags", `["z"]`},
			{`{"featureFlag":null}`, "featureFlags", `null`},
			{`{"featureFlag":"old","featureFlags":["new"]}`, "featureFlags", `["new"]`},
			{`{"featureFlags":null}`, "featureFlag", `null`},
			{`{"featureFlags":[]}`, "featureFlags", `null`},
			{`{"description":""}`, "description", `""`},
			{`{"deprecated":true}`, "deprecated", `true`},
			{`{"archived":true}`, "archived", `true`},
			{`{"archived":false}`, "groupName", `"g"`},
			{`{"groupName":null}`, "groupName", `null`},
			{`{"schemas":{"1": {}}}`, "schemas", `{"1": {}}`},
			{`{"deprecated":false}`, "schemas", `{"1": {}}`},
			{`{"schemas":null}`, "schemas", `null`},
		} {
			var got map[string]json.RawMessage
			if err := json.Unmarshal(a.do("PATCH", path, c.body).is(200).matches("EventTypeOut").described("EventTypeOut").body, &got); err != nil {
				t.Fatal(err)
			}
			if string(got[c.field]) != c.want {
				t.Errorf("after %s %s is %s, want %s", c.body, c.field, got[c.field], c.want)
			}
		}
		a.do("PATCH", path, `{"description":null}`).invalid("body", "description")
		a.do("PATCH", path, `{"archived":null}`).invalid("body", "archived")
		a.do("PATCH", path, `{"schemas":[]}`).invalid("body", "schemas")
		a.do("PATCH", "/event-type/none", `{}`).code(404, "not_found")
	})
}

func TestWrongEventTypes(t *testing.T) {
	each(t, func(a *api) {
		type wrong struct {
			body string
			loc  []string
		}
		for what, c := range map[string]wrong{
			"no name":         {`{"description":""}`, []string{"body", "name"}},
			"no description":  {`{"name":"a"}`, []string{"body", "description"}},
			"a bad name":      {`{"name":"a b","description":""}`, []string{"body", "name"}},
			"a long name":     {`{"name":"` + strings.Repeat("a", 257) + `","description":""}`, []string{"body", "name"}},
			"a bad flag":      {`{"name":"a","description":"","featureFlag":"a b"}`, []string{"body", "featureFlag", "[0]"}},
			"a bad flag of 2": {`{"name":"a","description":"","featureFlags":["a","a b"]}`, []string{"body", "featureFlags", "[1]"}},
			"a bad group":     {`{"name":"a","description":"","groupName":""}`, []string{"body", "groupName"}},
			"control signs":   {`{"name":"a","description":"\u0001"}`, []string{"body", "description"}},
			"a wrong schema":  {`{"name":"a","description":"","schemas":{"1":{"type":"strin"}}}`, []string{"body", "schemas", "1"}},
			"schema a list":   {`{"name":"a","description":"","schemas":[]}`, []string{"body", "schemas"}},
			"cyclic":          {`{"name":"a","description":"","schemas":{"1":{"properties":{"a":{"$ref":"#"}}}}}`, []string{"body", "schemas", "1"}},
			"a file":          {`{"name":"a","description":"","schemas":{"1":{"$ref":"file:///etc/passwd"}}}`, []string{"body", "schemas", "1"}},
			"the network":     {`{"name":"a","description":"","schemas":{"1":{"$ref":"http://127.0.0.1:1/"}}}`, []string{"body", "schemas", "1"}},
			"800 levels":      {`{"name":"a","description":"","schemas":{"1":` + strings.Repeat(`{"not":`, 800) + "{}" + strings.Repeat("}", 800) + `}}`, []string{"body"}},
			"1 MB":            {`{"name":"a","description":"","schemas":{"1":{"enum":[` + strings.Repeat(`"aaaaaaa",`, 100_000) + `1]}}}`, []string{"body", "schemas"}},
		} {
			an := a.do("POST", "/event-type", c.body)
			an.what = what
			an.invalid(c.loc...)
		}
		a.do("PUT", "/event-type/a%20b", `{"description":""}`).invalid("path", "event_type_name")
		if got := a.do("GET", "/event-type/a", ""); got.status != 404 {
			t.Errorf("one was made: %s", got.body)
		}
	})
}

func TestPagesOfEventTypes(t *testing.T) {
	each(t, func(a *api) {
		a.expunge()
		empty := a.do("GET", "/event-type", "").is(200).matches("ListResponse_EventTypeOut_").described("ListOfEventTypeOut").json()
		if empty["iterator"] != nil || empty["prevIterator"] != nil || empty["done"] != true {
			t.Errorf("no rows: %v", empty)
		}
		names := []string{"-dashed", "A", "Z", "a", "a-b", "a.b", "b"}
		for i := range names {
			a.do("POST", "/event-type", fmt.Sprintf(`{"name":%q,"description":"d","schemas":{"1":{}}}`, names[i*3%len(names)])).is(201)
		}
		backwards := slices.Clone(names)
		slices.Reverse(backwards)
		for order, want := range map[string][]string{"": names, "ascending": names, "descending": backwards} {
			// To the end, and from there back to the beginning.
			var got, back []string
			iterator := ""
			var first string
			for {
				page := a.do("GET", "/event-type"+query("limit", "2", "order", order, "iterator", iterator), "").matches("ListResponse_EventTypeOut_").described("ListOfEventTypeOut")
				got = append(got, page.names()...)
				v := page.json()
				first, iterator = v["prevIterator"].(string), v["iterator"].(string)
				if v["done"].(bool) {
					break
				}
			}
			for done := false; !done; {
				page := a.do("GET", "/event-type"+query("limit", "2", "order", order, "iterator", first), "")
				v := page.json()
				back = append(page.names(), back...)
				if done = v["done"].(bool); !done {
					first = v["prevIterator"].(string)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", order, diff)
			}
			if diff := cmp.Diff(want[:len(back)], back); diff != "" || len(back) != len(want)-1 {
				t.Errorf("%s, backwards: %v", order, back)
			}
		}
		page := a.do("GET", "/event-type?limit=3", "").json()
		if page["iterator"] != "Z" || page["done"] != false {
			t.Errorf("the iterator is not the last name: %v", page)
		}
		if got := a.do("GET", "/event-type?iterator=-Z&limit=1", "").names(); !cmp.Equal(got, []string{"A"}) {
			t.Errorf("before Z: %v", got)
		}
		if got := a.do("GET", "/event-type?iterator=M", "").names(); !cmp.Equal(got, names[2:]) {
			t.Errorf("after a name that is gone: %v", got)
		}
		for _, it := range []string{"a b", "-", "~", "ä", strings.Repeat("a", 257)} {
			a.do("GET", "/event-type"+query("iterator", it), "").invalid("query", "iterator")
		}
		a.do("GET", "/event-type?limit=251", "").invalid("query", "limit")
		a.do("GET", "/event-type?order=up", "").invalid("query", "order")
		for q, want := range map[string]string{"": "null", "?with_content=false": "null", "?with_content=true": `{"1":{}}`} {
			if got := a.do("GET", "/event-type"+q, "").body; bytes.Count(got, []byte(`"schemas":`+want)) != len(names) {
				t.Errorf("%s: %s", q, got)
			}
		}
	})
}

func TestEventTypesOfAPortal(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		a.types("open", "hidden")
		a.do("PATCH", "/event-type/hidden", `{"featureFlags":["beta"]}`).is(200)
		ep := a.endpoint(app, "")
		portal := a.with("portal_" + app)
		names := portal.do("GET", "/event-type?limit=250", "").names()
		if !slices.Contains(names, "open") || slices.Contains(names, "hidden") || slices.Contains(names, "message.attempt.exhausted") || !slices.Contains(names, "endpoint.disabled") {
			t.Errorf("a portal sees %v", names)
		}
		portal.do("GET", "/event-type/open", "").is(200)
		portal.do("GET", "/event-type/hidden", "").code(404, "not_found")
		path := "/app/" + app + "/endpoint"
		portal.do("POST", path, `{"url":"https://x.example","filterTypes":["open"]}`).is(201)
		portal.do("POST", path, `{"url":"https://x.example","filterTypes":["open","hidden"]}`).invalid("body", "filterTypes")
		portal.do("PATCH", path+"/"+ep, `{"eventTypes":["hidden"]}`).invalid("body", "eventTypes")
		portal.do("PUT", path+"/"+ep, `{"url":"https://x.example","eventTypes":["hidden"]}`).invalid("body", "eventTypes")
		a.do("PATCH", path+"/"+ep, `{"eventTypes":["hidden"]}`).is(200)
		portal.do("PATCH", path+"/"+ep, `{"eventTypes":["hidden","open"]}`).is(200) // what the organization chose stays
		portal.do("POST", path+"/"+ep+"/send-example", `{"eventType":"message.read"}`).is(202)
		portal.do("POST", path+"/"+ep+"/send-example", `{"eventType":"hidden"}`).code(404, "not_found")
		for _, c := range [][2]string{{"POST", "/event-type"}, {"PUT", "/event-type/open"}, {"PATCH", "/event-type/open"}, {"DELETE", "/event-type/open"},
			{"POST", "/event-type/import/openapi"}, {"POST", "/environment/export"}, {"POST", "/environment/import"}} {
			portal.do(c[0], c[1], `{"name":"x","description":""}`).code(403, "insufficient access")
		}
	})
}

func TestFilterOfAnEndpointNamesEventTypes(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/endpoint"
		for _, field := range []string{"filterTypes", "eventTypes"} {
			an := a.do("POST", path, `{"url":"https://x.example","`+field+`":["none.1","message.read","none.2"]}`)
			an.invalid("body", field)
			if !bytes.Contains(an.body, []byte("none.1, none.2")) || bytes.Contains(an.body, []byte("message.read")) {
				t.Errorf("it does not name the missing ones: %s", an.body)
			}
			ep := a.endpoint(app, "")
			a.do("PATCH", path+"/"+ep, `{"`+field+`":["none"]}`).invalid("body", field)
			a.do("PUT", path+"/"+ep, `{"url":"https://x.example","`+field+`":["none"]}`).invalid("body", field)
			a.do("PUT", path+"/new-"+strings.ToLower(field), `{"url":"https://x.example","`+field+`":["none"]}`).invalid("body", field)
		}
	})
}

func TestSendExample(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, `,"eventTypes":["other"]`)
		path := "/app/" + app + "/endpoint/" + ep + "/send-example"
		a.do("POST", "/event-type", `{"name":"e","description":"","schemas":{"1":{"examples":[{"n": 1.10},{"n":2}]}}}`).is(201)
		first := a.do("POST", path, `{"eventType":"e"}`, "idempotency-key", "k").is(202).matches("MessageOut").described("MessageOut")
		if !bytes.Contains(first.body, []byte(`"payload":{"n": 1.10}`)) {
			t.Errorf("got %s", first.body)
		}
		if again := a.do("POST", path, `{"eventType":"e"}`, "idempotency-key", "k").is(202); again.text("id") != first.text("id") {
			t.Errorf("the same request made another message: %s", again.body)
		}
		a.try(app, ep, first.text("id"), 0)
		if got := a.do("POST", path, `{"eventType":"e","exampleIndex":1}`).is(202); !bytes.Contains(got.body, []byte(`{"n":2}`)) {
			t.Errorf("got %s", got.body)
		}
		if got := a.do("POST", path, `{"eventType":"svix.ping"}`).is(202); !bytes.Contains(got.body, []byte(`{"success": true}`)) {
			t.Errorf("got %s", got.body)
		}
		a.do("POST", path, `{"eventType":"e","exampleIndex":2}`).code(400, "invalid_scheme")
		a.do("POST", path, `{"eventType":"e","exampleIndex":-1}`).invalid("body", "exampleIndex")
		a.do("POST", path, `{"eventType":"other"}`).code(400, "invalid_scheme")
		a.do("POST", path, `{"eventType":"none"}`).code(404, "not_found")
		a.do("POST", path, `{}`).invalid("body", "eventType")
		a.do("POST", "/app/"+app+"/endpoint/none/send-example", `{"eventType":"e"}`).code(404, "not_found")
		a.with("portal_"+a.app("b")).do("POST", path, `{"eventType":"e"}`).code(404, "not_found")
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		a.do("POST", path, `{"eventType":"e"}`).code(409, "endpoint_disabled")
	})
}

const petSpec = `{"openapi":"3.1.0","webhooks":{"pet.new":{"post":{"description":"d","requestBody":{"content":{"application/json":{"schema":{"type":"object","maximum":1.10}}}}}},"pet.gone":{"post":{}}}}`

func TestImportOfOpenAPI(t *testing.T) {
	each(t, func(a *api) {
		const path = "/event-type/import/openapi"
		asText, _ := json.Marshal("webhooks:\n  yaml.type: {post: {summary: s}}\n")
		dry := a.do("POST", path, `{"dryRun":true,"spec":`+petSpec+`}`).is(200).described("EventTypeImportOpenApiOut")
		const want = `{"data":{"modified":[],"to_modify":[{"name":"pet.new","description":"d","deprecated":false,"featureFlag":null,"featureFlags":null,"groupName":null,"schemas":{"1":{"type":"object","maximum":1.10}}},` +
			`{"name":"pet.gone","description":"","deprecated":false,"featureFlag":null,"featureFlags":null,"groupName":null,"schemas":null}]}}`
		if string(dry.body) != want {
			t.Errorf("got  %s\nwant %s", dry.body, want)
		}
		a.do("GET", "/event-type/pet.new", "").code(404, "not_found")
		if got := a.do("POST", path, `{"spec":`+petSpec+`}`).is(200).described("EventTypeImportOpenApiOut"); string(got.body) != `{"data":{"modified":["pet.new","pet.gone"],"to_modify":null}}` {
			t.Errorf("got %s", got.body)
		}
		a.do("POST", path, `{"replaceAll":true,"specRaw":`+string(asText)+`}`).is(200)
		if got := a.do("GET", "/event-type/pet.new", "").is(200).json(); got["archived"] != true {
			t.Errorf("it is not archived: %v", got)
		}
		a.do("POST", path, `{}`).code(400, "generic_error")
		a.do("POST", path, `{"spec":{},"specRaw":""}`).code(400, "generic_error")
		a.do("POST", path, `{"spec":{}}`).invalid("body", "spec")
		a.do("POST", path, `{"spec":[]}`).invalid("body", "spec")
		a.do("POST", path, `{"specRaw":"[1"}`).invalid("body", "specRaw")
		a.do("POST", path, `{"spec":{"webhooks":{"a b":{"post":{}}}}}`).invalid("body", "spec", "webhooks", "a b", "post", "name")
	})
}

func TestExportAndImportOfAnEnvironment(t *testing.T) {
	each(t, func(a *api) {
		const schemas = `{"1": {"maximum":1.10}}`
		a.do("POST", "/event-type", `{"name":"a","description":"d","featureFlags":["x"],"groupName":"g","deprecated":true,"schemas":`+schemas+`}`).is(201)
		a.types("b")
		a.do("DELETE", "/event-type/b", "").is(204)
		export := a.do("POST", "/environment/export", "").is(200).described("EnvironmentOut")
		before := a.do("GET", "/event-type?limit=250&with_content=true&include_archived=true", "").is(200)
		if !bytes.Contains(export.body, []byte(`"schemas":`+schemas)) || !bytes.Contains(export.body, []byte(`"connectors":[]`)) {
			t.Errorf("got %s", export.body)
		}
		for _, name := range []string{"a", "b", "message.read"} {
			a.do("DELETE", "/event-type/"+name+"?expunge=true", "").is(204)
		}
		a.types("stays")
		a.do("POST", "/environment/import", string(export.body)).is(204)
		after := a.do("GET", "/event-type?limit=250&with_content=true&include_archived=true", "").is(200)
		stripped := func(an answer) map[string]any {
			rows := map[string]any{}
			for _, row := range an.json()["data"].([]any) {
				m := row.(map[string]any)
				delete(m, "createdAt")
				delete(m, "updatedAt")
				rows[m["name"].(string)] = m
			}
			delete(rows, "stays")
			return rows
		}
		if diff := cmp.Diff(stripped(before), stripped(after)); diff != "" {
			t.Error(diff)
		}
		a.do("GET", "/event-type/stays", "").is(200)
		a.do("POST", "/environment/import", `{"eventTypes":[{"name":"n","description":""},{"name":"m"}]}`).invalid("body", "eventTypes", "[1]", "description")
		a.do("POST", "/environment/import", `{"eventTypes":[{"name":"n","description":""},{"name":"m m","description":""}]}`).invalid("body", "eventTypes", "[1]", "name")
		a.do("GET", "/event-type/n", "").code(404, "not_found")
		a.do("POST", "/environment/import", `{"eventTypes":[],"settings":{"x":1}}`).is(204)
		a.do("POST", "/environment/import", "").is(204)
		a.do("POST", "/environment/import", `{"connectors":[{}]}`).code(501, "not_implemented")
	})
}

func TestTheOfficialGoLibraryKnowsTheCatalogue(t *testing.T) {
	each(t, func(a *api) {
		ctx, client := context.Background(), a.sdk()
		made := must[*models.EventTypeOut](t)(client.EventType.Create(ctx, models.EventTypeIn{Name: "a.b", Description: "d", FeatureFlags: []string{"x"}, GroupName: new("g"),
			Schemas: &map[string]any{"1": map[string]any{"examples": []any{map[string]any{"n": 1}}}}}, nil))
		if made.Name != "a.b" || *made.FeatureFlag != "x" || len(made.FeatureFlags) != 1 || *made.GroupName != "g" {
			t.Errorf("%+v", made)
		}
		list := must[*models.ListResponseEventTypeOut](t)(client.EventType.List(ctx, nil))
		if len(list.Data) == 0 || list.Data[0].Name != "a.b" || list.Data[0].Schemas != nil {
			t.Errorf("%+v", list)
		}
		must[*models.EventTypeOut](t)(client.EventType.Update(ctx, "a.b", models.EventTypeUpdate{Description: "e"}))
		must[*models.EventTypeOut](t)(client.EventType.Patch(ctx, "a.b", models.EventTypePatch{Deprecated: new(true)}))
		spec := map[string]any{"webhooks": map[string]any{"pet.new": map[string]any{"post": map[string]any{"description": "d"}}}}
		dry := must[*models.EventTypeImportOpenApiOut](t)(client.EventType.ImportOpenapi(ctx, models.EventTypeImportOpenApiIn{Spec: &spec, DryRun: new(true)}, nil))
		if len(dry.Data.ToModify) != 1 || dry.Data.ToModify[0].Name != "pet.new" || len(dry.Data.Modified) != 0 {
			t.Errorf("%+v", dry)
		}
		out := must[*models.EnvironmentOut](t)(client.Environment.Export(ctx, nil))
		if len(out.EventTypes) < 10 || *out.Version != 1 {
			t.Errorf("%+v", out)
		}
		if err := client.Environment.Import(ctx, models.EnvironmentIn{EventTypes: []models.EventTypeIn{{Name: "imported", Description: "d"}}}, nil); err != nil {
			t.Error(err)
		}
		must[*models.EventTypeOut](t)(client.EventType.Get(ctx, "imported"))
		if err := client.EventType.Delete(ctx, "imported", nil); err != nil {
			t.Error(err)
		}
		app := must[*models.ApplicationOut](t)(client.Application.Create(ctx, models.ApplicationIn{Name: "a"}, nil))
		ep := must[*models.EndpointOut](t)(client.Endpoint.Create(ctx, app.Id, models.EndpointIn{Url: "https://x.example"}, nil))
		msg := must[*models.MessageOut](t)(client.Endpoint.SendExample(ctx, app.Id, ep.Id, models.EventExampleIn{EventType: "message.read", ExampleIndex: new(uint64(0))}, nil))
		if msg.EventType != "message.read" {
			t.Errorf("%+v", msg)
		}
	})
}

// TestListsOfManyEventTypes: ten thousand types with large schemas are paged through at the speed of what is shown.
func TestListsOfManyEventTypes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	list := make([]hookswitch.EventType, 10_000)
	schemas := []byte(`{"1":{"description":"` + strings.Repeat("x", 4000) + `"}}`)
	for i := range list {
		list[i] = hookswitch.EventType{Name: fmt.Sprintf("type.%05d", i), Schemas: schemas, FeatureFlags: []string{"hidden"}}
	}
	if err := a.service.ImportEventTypes(context.Background(), list, service.Idempotency{}); err != nil {
		t.Fatal(err)
	}
	portal := a.with("portal_" + a.app("a"))
	for what, list := range map[string]func() answer{
		"the first page":         func() answer { return a.do("GET", "/event-type?limit=250", "") },
		"a page in the middle":   func() answer { return a.do("GET", "/event-type?limit=250&iterator=type.05000", "") },
		"backwards from the end": func() answer { return a.do("GET", "/event-type?limit=250&iterator=-type.09999", "") },
		"a portal":               func() answer { return portal.do("GET", "/event-type?limit=250", "") },
		"a page with schemas":    func() answer { return a.do("GET", "/event-type?limit=250&iterator=type.05000&with_content=true", "") },
	} {
		best := time.Hour // of some tries: the machine may do something else
		for try := 0; try < 10 && best > 50*time.Millisecond; try++ {
			start := time.Now()
			an := list()
			best = min(best, time.Since(start))
			if len(an.names()) == 0 {
				t.Fatalf("%s: no rows", what)
			}
		}
		if best > 2*time.Second { // forty times what it may take, for the race detector on a machine that does much else
			t.Errorf("%s: it took %v", what, best)
		}
	}
}
