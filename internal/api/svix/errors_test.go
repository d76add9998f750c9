package svix_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// The codes are what programs look at: they stay.
func TestCodes(t *testing.T) {
	each(t, func(a *api) {
		things := a.things()
		app, ep := "/app/"+things.id("app_id"), "/app/"+things.id("app_id")+"/endpoint/"+things.id("endpoint_id")
		portal := a.with("portal_" + things.id("app_id"))

		an := a.with("").do("GET", "/app", "")
		an.code(401, "authentication_failed")
		if got := an.text("detail"); got != "Invalid token" {
			t.Errorf("detail %q", got)
		}
		if got := an.header.Get("WWW-Authenticate"); got != "Bearer" {
			t.Errorf("WWW-Authenticate %q", got)
		}
		portal.do("GET", "/app", "").code(403, "insufficient access")
		a.do("GET", "/app/unknown", "").code(404, "not_found")
		a.do("GET", "/unknown", "").described("Error").code(404, "not_found")
		a.do("POST", "/app", "{}").described("ValidationError").invalid("body", "name")
		a.do("PATCH", "/app", "{}").code(405, "method_not_allowed")
		a.do("POST", "/app", `{"name":"n","uid":"`+things["app_id"][1]+`"}`).code(409, "conflict")
		a.do("POST", app+"/endpoint", `{"url":"https://x.example","uid":"`+things["endpoint_id"][1]+`"}`).code(409, "conflict")
		a.do("POST", app+"/msg", `{"eventType":"a","payload":{},"eventId":"`+things["msg_id"][1]+`"}`).code(409, "conflict")
		a.do("GET", "/app?limit=x", "").code(400, "generic_error")
		a.do("GET", ep+"/stats?until=2999-01-01T00:00:00Z", "").code(400, "invalid_range")
		a.do("GET", ep+"/stats?since=2000-01-01T00:00:00Z", "").code(400, "invalid_range")
		for range service.MaxOldSecrets {
			a.do("POST", ep+"/secret/rotate", "{}").is(204)
		}
		a.do("POST", ep+"/secret/rotate", "{}").code(400, "limit_reached")
		a.do("GET", "/connector", "").code(501, "not_implemented")

		a.do("PATCH", ep, `{"disabled":true}`).is(200)
		a.do("POST", app+"/msg/"+things.id("msg_id")+"/endpoint/"+things.id("endpoint_id")+"/resend", "").code(409, "endpoint_disabled")
	})
}

// A field is named as the caller named it, where it has two names.
func TestFieldsAreNamedAsTheCallerDid(t *testing.T) {
	each(t, func(a *api) {
		app := "/app/" + a.app("a")
		ep := app + "/endpoint/" + a.endpoint(app[len("/app/"):], "")
		for _, field := range []string{"eventTypes", "filterTypes"} {
			for _, bad := range []string{`[]`, `["ok","a b"]`, `["a b"]`} {
				want := []string{"body", field}
				if bad != `[]` {
					want = append(want, map[string]string{`["ok","a b"]`: "[1]", `["a b"]`: "[0]"}[bad])
				}
				a.do("POST", app+"/endpoint", fmt.Sprintf(`{"url":"https://x.example",%q:%s}`, field, bad)).invalid(want...)
				a.do("PUT", ep, fmt.Sprintf(`{"url":"https://x.example",%q:%s}`, field, bad)).invalid(want...)
				a.do("PATCH", ep, fmt.Sprintf(`{%q:%s}`, field, bad)).invalid(want...)
			}
		}
		for _, field := range []string{"throttleRate", "rateLimit"} {
			for _, path := range []string{"/app", app + "/endpoint"} {
				a.do("POST", path, fmt.Sprintf(`{"name":"n","url":"https://x.example",%q:0}`, field)).invalid("body", field)
			}
			a.do("PATCH", app, fmt.Sprintf(`{%q:65536}`, field)).invalid("body", field)
			a.do("PATCH", ep, fmt.Sprintf(`{%q:-1}`, field)).invalid("body", field)
		}
		for _, field := range []string{"payload", "data"} {
			a.do("POST", app+"/msg", fmt.Sprintf(`{"eventType":"a",%q:[]}`, field)).invalid("body", field)
		}
		a.do("POST", app+"/msg", `{"eventType":"a"}`).invalid("body", "payload")
	})
}

func TestTheStoreBeingAwayIsA503ThatSaysWhenToComeAgain(t *testing.T) {
	each(t, func(a *api) {
		things := a.things()
		callers := make(map[string]*api)
		for _, rt := range a.routes() {
			callers[name(rt)] = a.as(rt, things)
		}
		if err := a.store.Close(); err != nil {
			t.Fatal(err)
		}
		if err := a.store.Update(context.Background(), func(*store.Tx) error { return nil }); err == nil {
			t.Fatal("the store still writes")
		}
		for _, rt := range a.routes() {
			if a.described(rt).open() && rt.Path != "/health" {
				continue
			}
			an := callers[name(rt)].do(rt.Method, things.at(t, rt.Path), things.body(example(rt)), "Idempotency-Key", "k")
			if an.status != 503 || an.header.Get("Retry-After") == "" {
				// What is remembered may still be shown.
				if an.status/100 != 2 || rt.Method != "GET" {
					t.Errorf("%s: %d %s", an.what, an.status, an.body)
				}
			}
		}
	})
}
