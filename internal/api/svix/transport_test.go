package svix_test

import (
	"net/http"
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

func TestAnotherAppsThingsDoNotExist(t *testing.T) {
	each(t, func(a *api) {
		mine, other := a.app("mine"), a.app("other")
		ep, msg := a.endpoint(other, `,"uid":"ep-uid"`), a.message(other, `,"eventId":"msg-uid"`)
		at := a.try(other, ep, msg, 0)
		myEp, myMsg := a.endpoint(mine, ""), a.message(mine, "")
		bodies := map[string]string{"PATCH": `{"headers":{}}`, "PUT": `{"url":"https://x.example","headers":{}}`, "POST": `{}`}
		checked := 0
		for _, rt := range a.handler.Routes() {
			if !strings.Contains(rt.Path, "{endpoint_id}") && !strings.Contains(rt.Path, "{msg_id}") {
				continue
			}
			path := strings.TrimPrefix(rt.Path, "/api/v1")
			for _, use := range [][3]string{{ep, msg, at}, {"ep-uid", "msg-uid", at}, {ep, myMsg, at}, {myEp, msg, at}} {
				theirs := strings.Contains(path, "{endpoint_id}") && use[0] != myEp || strings.Contains(path, "{msg_id}") && use[1] != myMsg ||
					strings.Contains(path, "{attempt_id}")
				if !theirs || rt.Method == "PUT" && use[0] == "ep-uid" && strings.HasSuffix(path, "{endpoint_id}") {
					continue // a name is free in every app
				}
				p := strings.NewReplacer("{app_id}", mine, "{endpoint_id}", use[0], "{msg_id}", use[1], "{attempt_id}", use[2]).Replace(path)
				an := a.do(rt.Method, p, bodies[rt.Method])
				if an.status == http.StatusOK && strings.HasSuffix(path, "{endpoint_id}/attempt") && len(an.rows()) == 0 {
					continue // a filter that matches nothing
				}
				an.code(404, "not_found")
				checked++
			}
		}
		if checked < 30 {
			t.Errorf("only %d combinations were checked", checked)
		}
		if rows := a.do("GET", "/app/"+mine+"/attempt/msg/"+myMsg+"?endpoint_id="+ep, "").rows(); len(rows) != 0 {
			t.Errorf("another app's attempts: %v", rows)
		}
	})
}
