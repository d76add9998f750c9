package svix_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch/internal/httpapi"
)

func TestPutCreatesAnEndpointUnderTheUIDOfItsBody(t *testing.T) {
	each(t, func(a *api) {
		app, other := a.app("mine"), a.app("other")
		path, body := "/app/"+app+"/endpoint/", `{"url":"https://x.example"}`
		theirs := a.endpoint(other, `,"uid":"theirs"`)
		for _, ref := range []string{"unknown", "ep_1srOrx2ZWZBpBUvZwXKQmoEYga2", "ep_", "theirs", "a%20b", "%00", "%ff%fe", strings.Repeat("x", 100_000)} {
			an := a.do("PUT", path+ref, body).is(201)
			if uid := an.json()["uid"]; uid != nil {
				t.Errorf("%.40s: the uid of the path was taken: %v", ref, uid)
			}
		}
		gone := a.endpoint(app, "")
		a.do("DELETE", path+gone, "").is(204)
		for _, ref := range []string{theirs, gone} { // ids of ours: no other endpoint may come into being under them
			a.do("PUT", path+ref, body).code(404, "not_found")
		}
		id := a.do("PUT", path+"unknown", `{"url":"https://x.example","uid":"unknown"}`).is(201).text("id")
		if got := a.do("PUT", path+"unknown", `{"url":"https://y.example","uid":"unknown"}`).is(200).text("id"); got != id {
			t.Errorf("another one was made: %s", got)
		}
	})
}

func TestPutsOfTheSameNewThingAtOnceMakeOneAndChangeIt(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("mine")
		for _, c := range []struct{ path, body string }{
			{"/app/", `{"name":"x","uid":"%s"}`},
			{"/app/" + app + "/endpoint/", `{"url":"https://x.example","uid":"%s"}`},
			{"/operational-webhook/endpoint/", `{"url":"https://x.example","uid":"%s"}`},
		} {
			for round := range 5 { // who is first is chance
				uid := fmt.Sprintf("put%d", round)
				answers := make([]answer, 20)
				var wg sync.WaitGroup
				for i := range answers {
					wg.Go(func() { answers[i] = a.do("PUT", c.path+uid, fmt.Sprintf(c.body, uid)) })
				}
				wg.Wait()
				made := 0
				for _, an := range answers {
					if an.status == 201 {
						made++
					} else {
						an.is(200)
					}
					if got, want := an.text("id"), answers[0].text("id"); got != want {
						t.Fatalf("%s: two were made, %s and %s", c.path, got, want)
					}
				}
				if made != 1 {
					t.Fatalf("%s: %d answers tell that they made it", c.path, made)
				}
			}
		}
		// What the path does not name cannot have the uid of another.
		a.do("PUT", "/app/other", `{"name":"x","uid":"put0"}`).code(409, "conflict")
		a.do("PUT", "/app/"+app+"/endpoint/other", `{"url":"https://x.example","uid":"put0"}`).code(409, "conflict")
	})
}

// patchable are the routes that change a thing which another route of the same path shows.
func (a *api) patchable() (list []httpapi.Route) {
	all := a.routes()
	for _, rt := range all {
		if rt.Method == "PATCH" && slices.ContainsFunc(all, func(o httpapi.Route) bool { return o.Method == "GET" && o.Path == rt.Path }) {
			list = append(list, rt)
		}
	}
	return list
}

// cleared reports whether the field reads as not set.
func cleared(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func TestPatchKeepsWhatIsAbsentAndClearsWhatIsNull(t *testing.T) {
	each(t, func(a *api) {
		d, err := described()
		if err != nil {
			a.t.Fatal(err)
		}
		for _, rt := range a.patchable() {
			things := a.things()
			path := things.at(a.t, rt.Path)
			show := func() map[string]any {
				v := a.do("GET", path, "").is(200).json()
				delete(v, "updatedAt")
				return v
			}
			// A full one, so that there is something to keep and to clear.
			if an := a.do("PATCH", path, things.body(example(rt))); an.status/100 != 2 {
				a.t.Fatalf("%s: %d %s", name(rt), an.status, an.body)
			}
			before := show()
			if an := a.do("PATCH", path, "{}"); an.status/100 != 2 {
				a.t.Errorf("%s with {}: %d %s", name(rt), an.status, an.body)
			}
			if diff := cmp.Diff(before, show()); diff != "" {
				a.t.Errorf("%s with {}: %s", name(rt), diff)
			}
			if strings.HasSuffix(rt.Path, "/headers") {
				continue // its fields are what to merge, not what is kept
			}
			for field, s := range d.properties(a.described(rt)) {
				before := show()
				an := a.do("PATCH", path, fmt.Sprintf(`{%q:null}`, field))
				after := show()
				if !nullable(s) {
					// A text that cannot be null may still read null as empty.
					if an.status == 422 {
						an.invalid("body", field)
						if diff := cmp.Diff(before, after); diff != "" {
							a.t.Errorf("%s refuses %s null and changes it all the same: %s", name(rt), field, diff)
						}
					} else if _, shown := after[field]; shown && !cleared(after[field]) && field != "version" {
						a.t.Errorf("%s: %s null reads as %v", name(rt), field, after[field])
					}
					continue
				}
				if an.status/100 != 2 || !cleared(after[field]) {
					a.t.Errorf("%s with %s null: %d %s; it reads as %v", name(rt), field, an.status, an.body, after[field])
				}
				for other, was := range before {
					if other != field && !twins[field+" "+other] && !cmp.Equal(was, after[other]) {
						a.t.Errorf("%s with %s null changed %s from %v to %v", name(rt), field, other, was, after[other])
					}
				}
			}
		}
	})
}

// twins are two spellings of one field.
var twins = map[string]bool{"eventTypes filterTypes": true, "filterTypes eventTypes": true, "throttleRate rateLimit": true, "rateLimit throttleRate": true,
	"featureFlag featureFlags": true, "featureFlags featureFlag": true}

// properties are the fields of an operation's request body.
func (d *description) properties(op *operation) map[string]map[string]any {
	if op.RequestBody == nil {
		return nil
	}
	s := op.RequestBody.Content["application/json"].Schema
	if ref, ok := s["$ref"].(string); ok {
		s = d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
	}
	out := make(map[string]map[string]any)
	properties, _ := s["properties"].(map[string]any)
	for field, p := range properties {
		out[field], _ = p.(map[string]any)
	}
	return out
}

func nullable(s map[string]any) bool {
	kinds, _ := s["type"].([]any)
	if slices.Contains(kinds, any("null")) {
		return true
	}
	alternatives, _ := s["anyOf"].([]any)
	return slices.ContainsFunc(alternatives, func(alternative any) bool {
		m, _ := alternative.(map[string]any)
		return m["type"] == "null"
	})
}

func TestPutClearsWhatIsAbsent(t *testing.T) {
	each(t, func(a *api) {
		all := a.routes()
		for _, rt := range all {
			if rt.Method != "PUT" || !slices.ContainsFunc(all, func(o httpapi.Route) bool { return o.Method == "PATCH" && o.Path == rt.Path }) {
				continue
			}
			things := a.things()
			path := things.at(a.t, rt.Path)
			list := examples[name(rt)]
			full, least := things.body(list[0]), things.body(list[len(list)-1])
			for _, body := range []string{full, least} {
				if an := a.do(http.MethodPut, path, body); an.status/100 != 2 {
					a.t.Fatalf("%s with %s: %d %s", name(rt), body, an.status, an.body)
				}
			}
			shown := a.do("GET", path, "").is(200).json()
			d, err := described()
			if err != nil {
				a.t.Fatal(err)
			}
			for field, s := range d.properties(a.described(rt)) {
				if v, has := shown[field]; has && nullable(s) && !strings.Contains(least, `"`+field+`"`) && !cleared(v) {
					a.t.Errorf("%s left %s at %v", name(rt), field, v)
				}
			}
		}
	})
}
