package svix_test

import (
	"slices"
	"strings"
	"testing"
)

func TestIntegrations_AreMadeChangedAndDeleted(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/integration"
		made := a.do("POST", path, `{"name":"Zap","featureFlags":["beta","beta"]}`, "Idempotency-Key", "k").is(201).described("IntegrationOut")
		id := made.text("id")
		if again := a.do("POST", path, `{"name":"Zap"}`, "Idempotency-Key", "k").is(201); string(again.body) != string(made.body) || !strings.HasPrefix(id, "integ_") {
			t.Errorf("got %s, want %s", again.body, made.body)
		}
		if got := a.do("GET", path+"/"+id, "").is(200); string(got.body) != string(made.body) {
			t.Errorf("got %s, want %s", got.body, made.body)
		}
		changed := a.do("PUT", path+"/"+id, `{"name":"Zapper"}`).is(200).described("IntegrationOut")
		if changed.text("name") != "Zapper" || len(changed.json()["featureFlags"].([]any)) != 0 || changed.text("id") != id {
			t.Errorf("got %s", changed.body)
		}
		a.do("POST", path, `{}`).invalid("body", "name")
		a.do("PUT", path+"/"+id, `{"name":""}`).invalid("body", "name")
		a.do("POST", path, `{"name":"a","featureFlags":["a b"]}`).invalid("body", "featureFlags", "[0]")
		a.do("PUT", path+"/integ_1srOrx2ZWZBpBUvZwXKQmoEYga2", `{"name":"a"}`).code(404, "not_found")
		a.do("DELETE", path+"/"+id, "").is(204)
		a.do("GET", path+"/"+id, "").code(404, "not_found")
		a.do("DELETE", path+"/"+id, "").code(404, "not_found")
	})
}

func TestIntegrations_AreListedInBothOrders(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/integration"
		var ids []string
		for range 5 {
			ids = append(ids, a.do("POST", path, `{"name":"i"}`).is(201).text("id"))
		}
		a.do("POST", "/app/"+a.app("b")+"/integration", `{"name":"elsewhere"}`).is(201)
		if got := a.do("GET", path, "").described("ListOfIntegrationOut").rows(); !slices.Equal(got, ids) {
			t.Errorf("got %v, want %v", got, ids)
		}
		down := slices.Clone(ids)
		slices.Reverse(down)
		var got []string
		for page, iterator := 0, ""; page < 4; page++ {
			an := a.do("GET", path+query("order", "descending", "limit", "2", "iterator", iterator), "").is(200)
			got = append(got, an.rows()...)
			if an.json()["done"] == true {
				break
			}
			iterator = an.text("iterator")
		}
		if !slices.Equal(got, down) {
			t.Errorf("got %v, want %v", got, down)
		}
		a.do("GET", path+query("iterator", app), "").invalid("query", "iterator")
	})
}

func TestIntegrations_AKeyActsInItsApplication(t *testing.T) {
	each(t, func(a *api) {
		app, other := a.app("a"), a.app("b")
		id := a.do("POST", "/app/"+app+"/integration", `{"name":"i"}`).is(201).text("id")
		path := "/app/" + app + "/integration/" + id + "/key"
		first := a.do("GET", path, "").is(200).described("IntegrationKeyOut").text("key")
		key := a.with(first)
		key.do("POST", "/app/"+app+"/endpoint", `{"url":"https://x.example"}`).is(201)
		key.do("GET", "/app/"+other+"/endpoint", "").code(404, "not_found")
		key.do("POST", "/app/"+app+"/msg", `{"eventType":"a","payload":{}}`).code(403, "insufficient access")
		key.do("GET", path, "").code(403, "insufficient access")
		key.do("POST", "/auth/logout", "").code(400, "generic_error")

		second := a.do("POST", path+"/rotate", "{}", "Idempotency-Key", "k").is(200).text("key")
		if again := a.do("POST", path+"/rotate", "{}", "Idempotency-Key", "k").is(200).text("key"); again != second || second == first {
			t.Error("the repeat is another key")
		}
		key.do("GET", "/app/"+app, "").code(401, "authentication_failed")
		a.with(second).do("GET", "/app/"+app, "").is(200)
		a.do("POST", "/auth/app/"+app+"/expire-all", "").is(204)
		a.with(second).do("GET", "/app/"+app, "").is(200)
		a.do("DELETE", "/app/"+app+"/integration/"+id, "").is(204)
		a.with(second).do("GET", "/app/"+app, "").code(401, "authentication_failed")
		a.do("GET", path, "").code(404, "not_found")

		portal := a.with(a.open(app, ""))
		a.do("POST", "/app/"+app+"/integration", `{"name":"i"}`).is(201)
		if rows := portal.do("GET", "/app/"+app+"/integration", "").rows(); len(rows) != 1 {
			t.Errorf("a portal token sees %v", rows)
		}
	})
}
