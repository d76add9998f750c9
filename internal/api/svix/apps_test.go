package svix_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var stamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

func TestAppLife(t *testing.T) {
	each(t, func(a *api) {
		an := a.do("POST", "/app", `{"name":"Acme","uid":"acme","rateLimit":7,"metadata":{"k":"v"}}`).is(201).matches("ApplicationOut")
		got := an.json()
		if !regexp.MustCompile(`^app_[0-9A-Za-z]{27}$`).MatchString(got["id"].(string)) || !stamp.MatchString(got["createdAt"].(string)) {
			t.Errorf("id or time: %s", an.body)
		}
		if got["throttleRate"] != 7.0 || got["rateLimit"] != 7.0 {
			t.Errorf("both spellings of the rate: %s", an.body)
		}
		id := got["id"].(string)
		if same := a.do("GET", "/app/acme", "").is(200); string(same.body) != string(an.body) {
			t.Errorf("by uid: %s, want %s", same.body, an.body)
		}

		// PATCH keeps what is absent and clears what is null.
		p := a.do("PATCH", "/app/"+id, `{"name":"Acme 2","throttleRate":null}`).is(200).matches("ApplicationOut").json()
		if p["name"] != "Acme 2" || p["throttleRate"] != nil || p["uid"] != "acme" || !cmp.Equal(p["metadata"], map[string]any{"k": "v"}) {
			t.Errorf("after PATCH: %v", p)
		}
		// PUT clears what is absent.
		p = a.do("PUT", "/app/"+id, `{"name":"Acme 3","throttleRate":9}`).is(200).matches("ApplicationOut").json()
		if _, has := p["uid"]; has || p["throttleRate"] != 9.0 || !cmp.Equal(p["metadata"], map[string]any{}) {
			t.Errorf("after PUT: %v", p)
		}
		a.do("PATCH", "/app/"+id, `{"uid":"acme"}`).is(200)

		if an := a.do("DELETE", "/app/acme", "").is(204); len(an.body) != 0 {
			t.Errorf("204 with the body %q", an.body)
		}
		a.do("GET", "/app/"+id, "").code(404, "not_found")
		a.do("DELETE", "/app/"+id, "").code(404, "not_found")
		a.do("POST", "/app/"+id+"/msg", `{"eventType":"a","payload":{}}`).code(404, "not_found")
		a.do("POST", "/app", `{"name":"again","uid":"acme"}`).is(201) // the uid is free
	})
}

func TestPutCreatesAnAppUnderTheUIDOfItsBody(t *testing.T) {
	each(t, func(a *api) {
		p := a.do("PUT", "/app/from-path", `{"name":"n"}`).is(201).json()
		if _, has := p["uid"]; has {
			t.Errorf("the uid of the path was taken: %v", p)
		}
		a.do("PUT", "/app/from-path", `{"name":"n","uid":"from-path"}`).is(201)
		a.do("PUT", "/app/from-path", `{"name":"m","uid":"from-path"}`).is(200)
		for _, malformed := range []string{"app_1srOrx2ZWZBpBUvZwXKQmoEYga2", "app_", "a%20b", "%00", "%ff"} {
			id := a.do("PUT", "/app/"+malformed, `{"name":"n"}`).is(201).text("id")
			a.do("GET", "/app/"+id, "").is(200)
		}
		gone := a.app("gone")
		a.do("DELETE", "/app/"+gone, "").is(204)
		a.do("PUT", "/app/"+gone, `{"name":"n"}`).code(404, "not_found") // no other one may come into being under an id of ours
	})
}

func TestGetIfExists(t *testing.T) {
	each(t, func(a *api) {
		id := a.do("POST", "/app?get_if_exists=true", `{"name":"one","uid":"u"}`).is(201).text("id")
		an := a.do("POST", "/app?get_if_exists=true", `{"name":"two","uid":"u"}`).is(200)
		if an.text("id") != id || an.text("name") != "one" {
			t.Errorf("not the first one: %s", an.body)
		}
		a.do("POST", "/app", `{"name":"two","uid":"u"}`).code(409, "conflict")
		a.do("POST", "/app?get_if_exists=maybe", `{"name":"two"}`).code(400, "generic_error")
	})
}

func TestAppFieldsAreChecked(t *testing.T) {
	each(t, func(a *api) {
		for body, field := range map[string]string{
			`{"name":""}`:                       "name",
			`{"name":"a\u0001"}`:                "name",
			`{"name":"a","uid":"app_x"}`:        "uid",
			`{"name":"a","uid":"a b"}`:          "uid",
			`{"name":"a","uid":""}`:             "uid",
			`{"name":"a","throttleRate":0}`:     "throttleRate",
			`{"name":"a","throttleRate":65536}`: "throttleRate",
			`{"name":"a","rateLimit":0}`:        "rateLimit",
			`{"name":"a","metadata":{"k":1}}`:   "metadata",
			`{"name":"a","metadata":{"k":"` + strings.Repeat("x", 5000) + `"}}`: "metadata",
		} {
			an := a.do("POST", "/app", body)
			if field == "metadata" && strings.Contains(body, ":1") {
				an.invalid("body", "metadata", "k")
				continue
			}
			an.invalid("body", field)
		}
		if m := a.do("POST", "/app", `{"name":"a","metadata":null}`).is(201).json()["metadata"]; !cmp.Equal(m, map[string]any{}) {
			t.Errorf("metadata null reads as %v", m)
		}
	})
}

// walk follows iterators from the start, and then back with prevIterator.
func walk(a *api, path string, limit string) (forth, back []string) {
	a.t.Helper()
	iterator, prev := "", ""
	for range 100 {
		q := []string{"limit", limit}
		if iterator != "" {
			q = append(q, "iterator", iterator)
		}
		an := a.do("GET", path+query(q...), "").is(200)
		forth = append(forth, an.rows()...)
		v := an.json()
		if p, ok := v["prevIterator"].(string); ok {
			prev = p
		}
		if v["done"].(bool) {
			break
		}
		iterator = v["iterator"].(string)
	}
	for range 100 {
		an := a.do("GET", path+query("limit", limit, "iterator", prev), "").is(200)
		back = slices.Concat(an.rows(), back)
		v := an.json()
		if v["done"].(bool) {
			break
		}
		prev = v["prevIterator"].(string)
	}
	return forth, back
}

func TestAppListPages(t *testing.T) {
	each(t, func(a *api) {
		var ids []string
		for range 7 {
			ids = append(ids, a.app("x"))
		}
		an := a.do("GET", "/app", "").is(200).matches("ListResponse_ApplicationOut_")
		if diff := cmp.Diff(ids, an.rows()); diff != "" {
			t.Errorf("ascending by default: %s", diff)
		}
		if !slices.IsSorted(ids) {
			t.Errorf("ids do not sort by creation: %v", ids)
		}
		forth, back := walk(a, "/app", "3")
		if diff := cmp.Diff(ids, forth); diff != "" {
			t.Errorf("forward: %s", diff)
		}
		if diff := cmp.Diff(ids[:6], back); diff != "" { // from the first row of the last page
			t.Errorf("backward: %s", diff)
		}
		reversed := slices.Clone(ids)
		slices.Reverse(reversed)
		if diff := cmp.Diff(reversed, a.do("GET", "/app?order=descending", "").rows()); diff != "" {
			t.Errorf("descending: %s", diff)
		}
		v := a.do("GET", "/app?limit=7", "").is(200).json()
		if v["done"] != true || v["iterator"] != ids[6] || v["prevIterator"] != "-"+ids[0] {
			t.Errorf("a full last page: done %v iterator %v prevIterator %v", v["done"], v["iterator"], v["prevIterator"])
		}
		if v := a.do("GET", "/app?limit=6", "").is(200).json(); v["done"] != false {
			t.Errorf("one more to come: done %v", v["done"])
		}
	})
}

func TestPagesAreChecked(t *testing.T) {
	each(t, func(a *api) {
		an := a.do("GET", "/app", "").is(200).matches("ListResponse_ApplicationOut_")
		if got := string(an.body); got != `{"data":[],"iterator":null,"done":true}` {
			t.Errorf("an empty page is %s", got)
		}
		a.do("GET", "/app?limit=251", "").invalid("query", "limit")
		a.do("GET", "/app?limit=0", "").invalid("query", "limit")
		a.do("GET", "/app?limit=many", "").code(400, "generic_error")
		a.do("GET", "/app?order=sideways", "").invalid("query", "order")
		for _, it := range []string{"x", "-", "app_1srOrx2ZWZBpBUvZwXKQmoEYga2", "--" + a.app("x"), a.endpoint(a.app("y"), "")} {
			a.do("GET", "/app"+query("iterator", it), "").invalid("query", "iterator")
		}
	})
}

func TestAppListFilters(t *testing.T) {
	each(t, func(a *api) {
		none, disabled, mixed, gone := a.app("none"), a.app("disabled"), a.app("mixed"), a.app("gone")
		a.endpoint(disabled, `,"disabled":true`)
		a.endpoint(disabled, `,"disabled":true`)
		a.endpoint(mixed, `,"disabled":true`)
		a.endpoint(mixed, "")
		a.do("DELETE", "/app/"+gone+"/endpoint/"+a.endpoint(gone, ""), "").is(204)
		last := a.app("last")
		a.endpoint(last, "")
		const no, off, play = "exclude_apps_with_no_endpoints=", "&exclude_apps_with_disabled_endpoints=", "&exclude_apps_with_svix_play_endpoints="
		for q, want := range map[string][]string{
			no + "false" + off + "false" + play + "false": {none, disabled, mixed, gone, last},
			no + "true":  {disabled, mixed, last},
			off + "true": {none, mixed, gone, last},
			no + "true" + off + "true" + play + "true":  {mixed, last},
			no + "true" + off + "true&order=descending": {last, mixed},
		} {
			if diff := cmp.Diff(want, a.do("GET", "/app?"+strings.TrimPrefix(q, "&"), "").rows()); diff != "" {
				t.Errorf("%s: %s", q, diff)
			}
		}
		// Pages are full however many are left out, and done tells the truth.
		v := a.do("GET", "/app?limit=1&"+no+"true"+off+"true", "").is(200).json()
		if v["done"] != false || v["iterator"] != mixed {
			t.Errorf("the first page: %v", v)
		}
		v = a.do("GET", "/app?limit=1&iterator="+mixed+"&"+no+"true"+off+"true", "").is(200).json()
		if v["done"] != true || v["iterator"] != last {
			t.Errorf("the last page: %v", v)
		}
		a.do("GET", "/app?"+no+"perhaps", "").code(400, "generic_error")
	})
}
