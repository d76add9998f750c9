package svix_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service"
)

func TestUnknownRoutesAndMethodsAnswerInJSON(t *testing.T) {
	each(t, func(a *api) {
		a.do("GET", "/nothing/here", "").code(404, "not_found")
		a.do("POST", "/", "").code(404, "not_found")
		a.do("DELETE", "/app", "").code(405, "method_not_allowed")
	})
}

func TestEveryRouteNeedsAToken(t *testing.T) {
	each(t, func(a *api) {
		for _, tok := range []string{"", "wrong", token + "x"} {
			an := a.with(tok).do("GET", "/app", "")
			an.code(401, "authentication_failed")
			if an.text("detail") != "Invalid token" {
				t.Errorf("detail %q", an.text("detail"))
			}
		}
		a.with("").do("PUT", "/app/x/endpoint/y/mtls", "").code(401, "authentication_failed")
		a.with("").do("GET", "/health", "").is(200)
		a.with("").do("HEAD", "/health", "").is(200)
		a.with("").do("GET", "/health", "", "User-Agent", "svix-libs/1.99.1/kotlin").is(204)
		if an := a.with("").do("GET", "/health/ping", "").is(204); len(an.body) != 0 {
			t.Errorf("204 with the body %q", an.body)
		}
	})
}

func TestWhatIsNotBuiltSaysSo(t *testing.T) {
	each(t, func(a *api) {
		for _, route := range []string{"GET /connector", "GET /stream/strm_x", "POST /msg/broadcast", "PUT /app/x/endpoint/y/oauth",
			"PATCH /app/x/endpoint/y/transformation", "PUT /app/x/endpoint/y/ca"} {
			method, path, _ := strings.Cut(route, " ")
			a.do(method, path, "{}").code(501, "not_implemented")
		}
	})
}

func TestTrailingSlashesWorkWithoutARedirect(t *testing.T) {
	each(t, func(a *api) {
		app := a.do("POST", "/app/", `{"name":"slash"}`).is(201).text("id")
		a.do("GET", "/app/"+app+"/", "").is(200)
		a.do("POST", "/app/"+app+"/msg/?with_content=false", `{"eventType":"a","payload":{}}`).is(202)
	})
}

func TestAnyOriginMayCall(t *testing.T) {
	each(t, func(a *api) {
		an := a.with("").do("OPTIONS", "/app/x/endpoint", "", "Origin", "https://customer.example",
			"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", "authorization, svix-req-id, idempotency-key").is(204)
		for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "600",
			"Access-Control-Allow-Headers": "authorization, svix-req-id, idempotency-key"} {
			if got := an.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := a.do("GET", "/app", "", "Origin", "https://customer.example").is(200).header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("Access-Control-Allow-Origin is %q", got)
		}
		if got := a.do("GET", "/nothing", "", "Origin", "https://customer.example").is(404).header.Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("on an error Access-Control-Allow-Origin is %q", got)
		}
	})
}

func TestBodies(t *testing.T) {
	each(t, func(a *api) {
		a.do("POST", "/app", `{"name":"any","nobodyKnows":[1]}`, "Content-Type", "text/plain").is(201)
		a.do("POST", "/app", "").invalid("body", "name")
		a.do("POST", "/app", `{"name":`).invalid("body")
		a.do("POST", "/app", `{"name":7,"throttleRate":"x"}`).invalid("body", "name")
		an := a.do("POST", "/app", `{"name":7}`)
		if !strings.Contains(string(an.body), "value_error.jsondecode") {
			t.Errorf("the type of a JSON error is missing in %s", an.body)
		}
	})
}

func TestTooLargeBodiesAreRefusedWithJSON(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("large")
		fill := func(n int) string { return `{"eventType":"a","payload":{"x":"` + strings.Repeat("x", n) + `"}}` }
		a.do("POST", "/app/"+app+"/msg", fill(3<<20)).code(413, "payload_too_large")
		a.do("POST", "/app/"+app+"/msg", fill(service.MaxPayload)).code(413, "payload_too_large")
		a.do("POST", "/app/"+app+"/msg", fill(service.MaxPayload-100)).is(202)
	})
}

func TestAPortalTokenSeesItsAppOnly(t *testing.T) {
	each(t, func(a *api) {
		mine, other := a.app("mine"), a.app("other")
		ep, msg := a.endpoint(mine, ""), a.message(mine, "")
		p := a.with("portal_" + mine)
		p.do("GET", "/app/"+mine, "").is(200)
		p.do("GET", "/app/"+mine+"/endpoint/"+ep, "").is(200)
		p.do("GET", "/app/"+mine+"/msg/"+msg, "").is(200)
		p.do("GET", "/app/"+other, "").code(404, "not_found")
		p.do("POST", "/app/"+other+"/endpoint", `{"url":"https://x.example"}`).code(404, "not_found")
		p.do("GET", "/app", "").code(403, "insufficient access")
		p.do("POST", "/app", `{"name":"x"}`).code(403, "insufficient access")
		p.do("DELETE", "/app/"+mine, "").code(403, "insufficient access")
		p.do("POST", "/app/"+mine+"/msg", `{"eventType":"a","payload":{}}`).code(403, "insufficient access")
		a.with("portal_").do("GET", "/app/"+mine, "").code(404, "not_found")
	})
}
