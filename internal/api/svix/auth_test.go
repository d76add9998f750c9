package svix_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/svix"
)

// open opens the portal of the app with the body, and returns the token.
func (a *api) open(app, body string) string {
	a.t.Helper()
	return a.do("POST", "/auth/app-portal-access/"+app, body).is(200).text("token")
}

// oneTime is the one-time token in a link to the portal, and the id of its app.
func oneTime(t testing.TB, link string) (token, app string) {
	t.Helper()
	v := fragment(t, link)
	return v["oneTimeToken"], v["appId"]
}

func TestEachRouteSaysWhatItNeeds(t *testing.T) {
	each(t, func(a *api) {
		rights := svix.Rights(a.handler)
		if len(rights) != len(a.handler.Routes()) {
			t.Errorf("%d routes have rights, of %d", len(rights), len(a.handler.Routes()))
		}
		// What must never be open to less, whoever adds a route.
		for _, r := range rights {
			what := r.Method + " " + r.Path
			kinds := 0
			for _, is := range []bool{r.Open, r.Org, r.Everybody, r.Capability != 0} {
				if is {
					kinds++
				}
			}
			if kinds != 1 {
				t.Errorf("%s: the right is not clear: %+v", what, r)
			}
			if open := slices.Contains([]string{"GET /openapi.json", "GET /health", "GET /health/ping", "POST /auth/one-time-token"}, what); r.Open != open {
				t.Errorf("%s: needs no token: %v", what, r.Open)
			}
			writes := r.Method != "GET" && !r.Open && what != "POST /auth/logout"
			reads := r.Everybody || r.Capability == hookswitch.ViewBase
			if writes && reads && !r.Pollers {
				t.Errorf("%s: writes, and needs only to read", what)
			}
			secret := strings.HasSuffix(r.Path, "/secret") || strings.HasSuffix(r.Path, "/key") || strings.HasSuffix(r.Path, "/token")
			if secret && reads {
				t.Errorf("%s: shows a secret, and needs only to read", what)
			}
			if r.Pollers && !strings.Contains(r.Path, "/poller/") && !strings.Contains(r.Path, "/polling-endpoint/") {
				t.Errorf("%s: is open to keys of pollers", what)
			}
		}
	})
}

func TestEachRouteIsOpenToItsRightsOnly(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep, msg := a.endpoint(app, ""), a.message(app, "")
		fill := strings.NewReplacer("{app_id}", app, "{endpoint_id}", ep, "{msg_id}", msg)
		tokens := map[hookswitch.Capabilities]string{hookswitch.ViewBase: a.open(app, `{"readOnly":true}`), hookswitch.AllCapabilities: a.open(app, "")}
		for _, name := range hookswitch.AllCapabilities.Names()[1:] {
			one, _ := hookswitch.ParseCapability(name)
			tokens[one] = a.open(app, `{"capabilities":["`+name+`"]}`)
		}
		poller := a.do("POST", "/auth/app/"+app+"/poller/sink/token/rotate", "").is(200).text("token")
		for _, r := range svix.Rights(a.handler) {
			path := fill.Replace(r.Path)
			if r.Path == "/auth/logout" || r.Open {
				continue
			}
			for have, token := range tokens {
				an := a.with(token).do(r.Method, path, "")
				if allowed := r.Everybody || have.Allow(r.Capability); allowed {
					if an.status == 401 || an.status == 403 {
						t.Errorf("%s with %v: %d: %s", an.what, have.Names(), an.status, an.body)
					}
					continue
				}
				an.code(403, "insufficient access")
				if detail := an.text("detail"); !r.Org && !strings.Contains(detail, r.Capability.Names()[0]) || r.Org && !strings.Contains(detail, "organization") {
					t.Errorf("%s with %v: %q does not say what is lacking", an.what, have.Names(), detail)
				}
			}
			if !r.Pollers && !r.Everybody {
				a.with(poller).do(r.Method, path, "").code(403, "insufficient access")
			}
			a.with("").do(r.Method, path, "").code(401, "authentication_failed")
		}
	})
}

func TestAReadOnlyTokenWritesNothing(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep, msg := a.endpoint(app, ""), a.message(app, "")
		readOnly := a.with(a.open(app, `{"readOnly":true}`))
		fill := strings.NewReplacer("{app_id}", app, "{endpoint_id}", ep, "{msg_id}", msg)
		before := a.do("GET", "/app/"+app+"/endpoint/"+ep, "").is(200).body
		bodies := map[string]string{"PUT": `{"url":"https://x.example","headers":{},"name":"x"}`, "PATCH": `{"disabled":true,"headers":{}}`, "POST": `{"url":"https://x.example","name":"x"}`}
		refused := 0
		for _, r := range svix.Rights(a.handler) {
			if r.Method == "GET" || r.Open || r.Pollers || r.Path == "/auth/logout" {
				continue
			}
			readOnly.do(r.Method, fill.Replace(r.Path), bodies[r.Method]).code(403, "insufficient access")
			refused++
		}
		if after := a.do("GET", "/app/"+app+"/endpoint/"+ep, "").is(200).body; refused < 20 || string(after) != string(before) {
			t.Errorf("%d routes refused; the endpoint was %s and is %s", refused, before, after)
		}
		readOnly.do("GET", "/app/"+app+"/endpoint/"+ep, "").is(200)
		readOnly.do("GET", "/app/"+app+"/endpoint/"+ep+"/secret", "").code(403, "insufficient access")
	})
}

func TestOfAnotherAppATokenLearnsNothing(t *testing.T) {
	each(t, func(a *api) {
		mine, other := a.app("mine"), a.app("other")
		a.do("POST", "/auth/app/"+other+"/poller/sink/token/rotate", "").is(200)
		i := a.do("POST", "/app/"+other+"/integration", `{"name":"i"}`).is(201).text("id")
		fill := strings.NewReplacer("{app_id}", other, "{endpoint_id}", a.endpoint(other, ""), "{msg_id}", a.message(other, ""), "{sink_id}", "sink", "{integ_id}", i)
		for _, token := range []string{a.open(mine, ""), a.open(mine, `{"readOnly":true}`), a.do("POST", "/auth/app/"+mine+"/poller/sink/token/rotate", "").is(200).text("token")} {
			for _, r := range svix.Rights(a.handler) {
				if strings.Contains(r.Path, "{app_id}") && !r.Org {
					a.with(token).do(r.Method, fill.Replace(r.Path), `{"url":"https://x.example","headers":{}}`).code(404, "not_found")
				}
			}
		}
	})
}

func TestCallersReadThePollersThatAreTheirs(t *testing.T) {
	t.Parallel()
	const app, other hookswitch.Key = 1, 2
	for _, c := range []struct {
		name   string
		caller svix.Caller
		want   []string // of the app's pollers a and b, and the other app's a
	}{
		{"organisation", svix.Caller{Org: true}, []string{"a", "b", "other a"}},
		{"portal token", svix.Caller{App: app, Capabilities: hookswitch.ViewBase}, []string{"a", "b"}},
		{"portal token without rights", svix.Caller{App: app}, nil},
		{"key of a", svix.Caller{App: app, Poller: "a", Capabilities: hookswitch.ViewBase}, []string{"a"}},
		{"nobody", svix.Caller{}, nil},
	} {
		var got []string
		for _, p := range []struct {
			name string
			app  hookswitch.Key
			sink string
		}{{"a", app, "a"}, {"b", app, "b"}, {"other a", other, "a"}} {
			if c.caller.MayPoll(p.app, p.sink) {
				got = append(got, p.name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s may read %v, want %v", c.name, got, c.want)
		}
		if err := svix.GuardsPollers(c.caller); (err == nil) != (c.want != nil) {
			t.Errorf("%s: the table says %v", c.name, err)
		}
	}
}

func TestATokenIsRefused(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		token := a.open(app, "")
		_, key, err := a.service.CreateAPIKey(t.Context(), a.key(hookswitch.KindApp, app), hookswitch.APIKey{})
		if err != nil {
			t.Fatal(err)
		}
		for what, wrong := range map[string]string{"unknown": "appsk_" + strings.Repeat("a", 36), "API key of another surface": key.Reveal(), "cut off": token[:len(token)-1],
			"empty": "", "JWT": "eyJhbGciOiJIUzI1NiJ9.e30.x", "another case": strings.ToUpper(token)} {
			an := a.with(wrong).do("GET", "/app/"+app, "")
			an.code(401, "authentication_failed")
			if an.text("detail") != "Invalid token" {
				t.Errorf("%s: %s", what, an.body)
			}
		}
		a.with(token).do("GET", "/app/"+app, "").is(200)
	})
}
