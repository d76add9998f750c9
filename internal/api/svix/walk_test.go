package svix_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// described is the route's operation in the description.
func (a *api) described(rt httpapi.Route) *operation {
	a.t.Helper()
	d, err := described()
	if err != nil {
		a.t.Fatal(err)
	}
	op := d.operation(rt.Method, "/api/v1"+rt.Path)
	if op == nil {
		a.t.Fatalf("%s is not described", name(rt))
	}
	return op
}

// bodyFits fails the test unless the description allows the body, with no field that it does not name.
func bodyFits(t testing.TB, op *operation, body string) {
	t.Helper()
	if body == "" {
		if op.RequestBody != nil && op.RequestBody.Required {
			t.Errorf("%s %s succeeds without a body, which is described as required", op.method, op.path)
		}
		return
	}
	if op.RequestBody == nil && body == "{}" {
		return // some libraries send it with every POST
	}
	if op.RequestBody == nil {
		t.Errorf("%s %s takes a body that is not described: %s", op.method, op.path, body)
		return
	}
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.schema(op.pointer("requestBody", "content", "application/json", "schema"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("%s %s succeeds with a body that is not described: %v\n%s", op.method, op.path, err, body)
	}
}

// Every answer is compared with the description by the fixture; here every route is made to give each kind of answer.
func TestEveryRouteAnswersAsDescribed(t *testing.T) {
	each(t, func(a *api) {
		missing := "app_1srOrx2ZWZBpBUvZwXKQmoEYga2"
		for _, rt := range a.routes() {
			op := a.described(rt)
			list := examples[name(rt)]
			if list == nil {
				list = []string{""}
			}
			things := a.things()
			for i, ex := range list {
				if i > 0 && rt.Method != "POST" {
					things = a.things()
				}
				body := things.body(ex)
				an := a.as(rt, things).do(rt.Method, things.at(a.t, rt.Path), body)
				if an.status/100 != 2 {
					a.t.Errorf("%s has no example that succeeds: add one to examples in registry_test.go; with %q: %d %s", name(rt), ex, an.status, an.body)
					continue
				}
				bodyFits(a.t, op, body)
			}
			things = a.things()
			path, body := things.at(a.t, rt.Path), things.body(example(rt))
			if op.open() {
				a.with("").do(rt.Method, path, body).okay()
				continue
			}
			for _, tok := range []string{"", "wrong", token + "x"} {
				a.with(tok).do(rt.Method, path, body).code(401, "authentication_failed")
			}
			if strings.HasPrefix(rt.Path, "/app/{app_id}") && name(rt) != "PUT /app/{app_id}" {
				a.do(rt.Method, strings.Replace(path, things.id("app_id"), missing, 1), body).code(404, "not_found")
			}
			a.do(rt.Method, path+"?%zz", body).code(400, "generic_error")
			a.walkQuery(op, rt, path, body)
			if op.RequestBody != nil {
				a.walkBodies(rt, path)
			}
		}
	})
}

// walkQuery asks with each parameter of the query that the description has, and with values that it does not allow.
func (a *api) walkQuery(op *operation, rt httpapi.Route, path, body string) {
	a.t.Helper()
	ask := func(name, value string) answer {
		return a.do(rt.Method, path+"?"+name+"="+url.QueryEscape(value), body)
	}
	for _, p := range op.Parameters {
		if p.In != "query" {
			continue
		}
		enum, _ := p.Schema["enum"].([]any)
		kinds, _ := p.Schema["type"].(string)
		switch {
		case p.Name == "iterator":
			ask(p.Name, "no thing").is(422)
		case len(enum) > 0:
			for _, v := range enum {
				if text, ok := v.(string); ok {
					ask(p.Name, text).okay()
				} else {
					n, _ := json.Marshal(v)
					ask(p.Name, string(n)).okay()
				}
			}
			if an := ask(p.Name, "sideways"); an.status != 422 && an.status != 400 {
				a.t.Errorf("%s: %d", an.what, an.status)
			}
		case kinds == "integer":
			ask(p.Name, "1").okay()
			ask(p.Name, "many").code(400, "generic_error")
			if most, ok := p.Schema["maximum"].(float64); ok {
				ask(p.Name, strconv.Itoa(int(most))).okay()
				ask(p.Name, strconv.Itoa(int(most)+1)).invalid("query", p.Name)
			}
			if least, ok := p.Schema["minimum"].(float64); ok {
				ask(p.Name, strconv.Itoa(int(least)-1)).invalid("query", p.Name)
			}
			ask(p.Name, strings.Repeat("9", 40)).invalid("query", p.Name)
		case kinds == "boolean":
			ask(p.Name, "true").okay()
			ask(p.Name, "false").okay()
			ask(p.Name, "maybe").code(400, "generic_error")
		case p.Schema["format"] == "date-time":
			now := time.Now().Add(-time.Hour)
			for _, layout := range []string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000+00:00"} {
				ask(p.Name, now.UTC().Format(layout)).okay()
			}
			ask(p.Name, "yesterday").code(400, "generic_error")
		case kinds == "array":
			for _, form := range []string{p.Name, p.Name + "[]", p.Name + "[0]"} {
				ask(form, "user.signup").okay()
			}
		default:
			if an := ask(p.Name, "c"); an.status != 404 {
				an.okay()
			}
		}
	}
}

// okay fails the test unless the request succeeded or, having had its effect already, met it.
func (an answer) okay() {
	an.t.Helper()
	switch an.status {
	case 200, 201, 202, 204, 404, 409:
	default:
		an.t.Errorf("%s: %d %s", an.what, an.status, an.body)
	}
}

// walkBodies sends bodies that are not JSON, too deep, or too large.
func (a *api) walkBodies(rt httpapi.Route, path string) {
	a.t.Helper()
	for _, body := range []string{`{"`, `[]`, `"text"`, `7`, "{\"name\":\"\xff\"}", `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", strings.Repeat("[", 200_000)} {
		an := a.do(rt.Method, path, body)
		an.is(422)
		if !strings.Contains(string(an.body), `"type":"value_error.jsondecode"`) || !strings.Contains(string(an.body), `"loc":["body"`) {
			a.t.Errorf("%s with %.20q: %s", an.what, body, an.body)
		}
	}
	a.do(rt.Method, path, `{"name":"`+strings.Repeat("x", httpapi.DefaultMaxBody)+`"}`).code(413, "payload_too_large")
}

// state is what is shown of the things: the answer of every route that reads.
func (a *api) state(things things) map[string]string {
	a.t.Helper()
	out := make(map[string]string)
	for _, rt := range a.routes() {
		if rt.Method != "GET" || !strings.HasPrefix(rt.Path, "/app/{app_id}") {
			continue
		}
		out[name(rt)] = string(a.do("GET", things.at(a.t, rt.Path), "").is(200).body)
	}
	return out
}

func (a *api) unchanged(what string, before, after map[string]string) {
	a.t.Helper()
	for route, want := range before {
		if got := after[route]; got != want {
			a.t.Errorf("%s has changed what %s shows: got %s, want %s", what, route, got, want)
		}
	}
}

// Every route is asked for another application's objects: by the organization on the path of the wrong application, and by somebody who is bound to another one.
func TestNoRouteReachesIntoAnotherApplication(t *testing.T) {
	each(t, func(a *api) {
		mine, theirs := a.things(), a.things()
		before := a.state(theirs)
		checked := 0
		for _, rt := range a.routes() {
			if !strings.HasPrefix(rt.Path, "/app/{app_id}") && !strings.Contains(rt.Path, "{app_id}") {
				continue
			}
			list := params(rt.Path)
			// As the organization: mine is the application, and all the rest or one of the rest is theirs, by id and by name.
			for ref := range 2 {
				for _, foreign := range append(list[1:], "all") {
					if len(list) == 1 && foreign == "all" {
						continue
					}
					free := false
					path := fill(rt.Path, func(prefix string) string {
						o, from := objectOf(a.t, prefix), mine
						if paramOf(prefix) != "app_id" && (prefix == foreign || foreign == "all") {
							from = theirs
						}
						refs := from.of(prefix)
						// A name is free in every application, so a PUT makes its own under it.
						free = free || o.opens || from.id("app_id") == theirs.id("app_id") && rt.Method == "PUT" && ref == 1 && prefix == rt.Path
						return refs[min(ref, len(refs)-1)]
					})
					an := a.do(rt.Method, path, theirs.body(example(rt)))
					switch empty := an.status == 200 && rt.Method == "GET" && strings.HasPrefix(string(an.body), `{"data":[],`); {
					case free && (an.status/100 == 2 || an.status == 409), empty && strings.HasSuffix(rt.Path, "/endpoint/{endpoint_id}/attempt"): // the latter is a filter
					default:
						an.code(404, "not_found")
					}
					checked++
				}
			}
			// As somebody bound to mine: theirs is the application.
			for ref := range 2 {
				path := fill(rt.Path, func(prefix string) string {
					refs := theirs.of(prefix)
					return refs[min(ref, len(refs)-1)]
				})
				an := a.with("portal_"+mine.id("app_id")).do(rt.Method, path, theirs.body(example(rt)))
				if an.status == 403 {
					an.code(403, "insufficient access")
				} else {
					an.code(404, "not_found")
				}
				checked++
			}
			a.unchanged(name(rt), before, a.state(theirs))
			if a.t.Failed() {
				a.t.FailNow()
			}
		}
		if checked < 120 {
			a.t.Errorf("only %d requests were made", checked)
		}
		// A filter by another application's endpoint matches nothing.
		for _, path := range []string{"/app/{app_id}/attempt/msg/{msg_id}", "/app/{app_id}/msg/{msg_id}/attempt"} {
			if rows := a.do("GET", mine.at(a.t, path)+"?endpoint_id="+theirs.id("endpoint_id"), "").rows(); len(rows) != 0 {
				a.t.Errorf("%s: another application's attempts: %v", path, rows)
			}
		}
	})
}

// What is bound to an application and may not do everything in it meets 403 for the organization's own routes, and changes nothing there.
func TestTheOrganizationsRoutesRefuseOthers(t *testing.T) {
	each(t, func(a *api) {
		things := a.things()
		p := a.with("portal_" + things.id("app_id"))
		for _, rt := range a.routes() {
			if !slices.Contains([]string{"GET /app", "POST /app", "PUT /app/{app_id}", "PATCH /app/{app_id}", "DELETE /app/{app_id}", "POST /app/{app_id}/msg"}, name(rt)) {
				continue
			}
			before := a.state(things)
			p.do(rt.Method, things.at(a.t, rt.Path), things.body(example(rt))).code(403, "insufficient access")
			a.unchanged(name(rt), before, a.state(things))
		}
	})
}
