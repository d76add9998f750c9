package portal_test

import (
	"context"
	"go/parser"
	"go/token"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// enter opens the portal of a new App and returns it with the cookie.
func (s *site) enter(c hookswitch.Capabilities) (*hookswitch.App, string) {
	s.t.Helper()
	app, err := s.svc.CreateApp(context.Background(), hookswitch.App{Name: "Acme"}, service.Idempotency{})
	if err != nil {
		s.t.Fatal(err)
	}
	return app, s.enterApp(app, c)
}

func (s *site) enterApp(app *hookswitch.App, c hookswitch.Capabilities) string {
	s.t.Helper()
	link, err := s.svc.OpenPortal(context.Background(), app.Key, service.PortalAccess{Capabilities: c}, service.Idempotency{})
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.form("/portal/login", "token="+link.OneTime.Reveal())
	for _, c := range a.header.Values("Set-Cookie") {
		if value, _, _ := strings.Cut(c, ";"); strings.HasPrefix(value, "__Host-hookswitch-portal=") {
			return value
		}
	}
	s.t.Fatalf("no session: %d %v", a.status, a.header)
	return ""
}

func (s *site) as(cookie, method, path, form string) answer {
	s.t.Helper()
	if method == http.MethodGet {
		return s.do(method, path, nil, "Cookie", cookie)
	}
	return s.do(method, path, []byte(form), "Cookie", cookie, "Content-Type", "application/x-www-form-urlencoded")
}

func TestCatalogue_ShowsWhatThereIsAndWhoGetsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil)
		ctx := context.Background()
		app, cookie := s.enter(hookswitch.AllCapabilities)
		const evil = `<script>alert(1)</script>`
		schema := `{"1":{"type":"object","description":"*/ evil","required":["id"],"properties":{"id":{"type":"string","description":"` + evil + `"},"odd name":{"type":["integer","null"]},
			"list":{"type":"array","items":{"type":"object","properties":{"deep":{"enum":["a","b"]}}}}},"examples":[{"id":"x"}]}}`
		for _, et := range []hookswitch.EventType{{Name: "order.paid", Description: evil, Schemas: []byte(schema)}, {Name: "order.gone"}, {Name: "secret.thing", FeatureFlags: []string{"beta"}}} {
			if _, err := s.svc.CreateEventType(ctx, et, service.Idempotency{}); err != nil {
				t.Fatal(err)
			}
		}
		e, err := s.svc.CreateEndpoint(ctx, app.Key, hookswitch.Endpoint{URL: "https://a.example/", Description: "Only gone", EventTypes: []string{"order.gone"}}, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.svc.PublishEvent(ctx, app, service.Publish{Type: "order.paid", Payload: []byte(`{}`)}, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		a := s.as(cookie, "GET", "/portal/catalogue", "")
		if a.status != 200 || !strings.Contains(a.body, "order.paid") || strings.Contains(a.body, "secret.thing") || strings.Contains(a.body, evil) || !strings.Contains(html.UnescapeString(a.body), evil) {
			t.Errorf("the catalogue: %d %s", a.status, a.body)
		}
		if a := s.as(cookie, "GET", "/portal/catalogue?q=gone", ""); strings.Contains(a.body, "order.paid") || !strings.Contains(a.body, "Only gone") {
			t.Error("the search does not narrow")
		}
		a = s.as(cookie, "GET", "/portal/catalogue/order.paid", "")
		for _, want := range []string{"1 message in 24 hours", "list of object", `"odd name"?: number | null`, "Only gone"} {
			if !strings.Contains(html.UnescapeString(a.body), want) {
				t.Errorf("the type's page does not say %q", want)
			}
		}
		if a := s.as(cookie, "GET", "/portal/catalogue/secret.thing", ""); a.status != 404 {
			t.Errorf("a hidden type: %d", a.status)
		}
		ts := s.as(cookie, "GET", "/portal/catalogue/order.paid/download?as=typescript", "")
		if !strings.Contains(ts.body, `deep?: "a" | "b"`) || strings.Contains(ts.body, "*/ evil") || !strings.Contains(ts.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("TypeScript: %s", ts.body)
		}
		if code := s.as(cookie, "GET", "/portal/catalogue/order.paid/download?as=go", ""); code.status != 200 {
			t.Errorf("Go: %d", code.status)
		} else if _, err := parser.ParseFile(token.NewFileSet(), "x.go", code.body, 0); err != nil {
			t.Errorf("Go that is none: %v\n%s", err, code.body)
		}
		if a := s.as(cookie, "POST", "/portal/catalogue/order.paid/subscribe", "endpoint="+s.svc.IDs().Format(hookswitch.KindEndpoint, e.Key)); a.status != 303 {
			t.Fatalf("subscribe: %d", a.status)
		}
		if e, err = s.svc.Endpoint(ctx, app.Key, s.svc.IDs().Format(hookswitch.KindEndpoint, e.Key)); err != nil || len(e.EventTypes) != 2 {
			t.Errorf("the endpoint gets %v, %v", e.EventTypes, err)
		}
		reader := s.enterApp(app, hookswitch.ViewBase)
		if a := s.as(reader, "POST", "/portal/catalogue/order.paid/subscribe", "endpoint=x"); a.status != 403 {
			t.Errorf("who may only look subscribes: %d", a.status)
		}
	})
}

func TestCatalogue_GoTypesOfWhateverTheGatewaySendsAreGo(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	if err := s.svc.RegisterEventTypes(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, cookie := s.enter(hookswitch.AllCapabilities)
	list, err := s.svc.EventTypes(context.Background(), service.EventTypeQuery{}, store.NamePage{Limit: 500})
	if err != nil || len(list) < 20 {
		t.Fatalf("%d types, %v", len(list), err)
	}
	n := 0
	for _, et := range list {
		a := s.as(cookie, "GET", "/portal/catalogue/"+url.PathEscape(et.Name)+"/download?as=go", "")
		if a.status == 404 {
			continue
		}
		if n++; a.status != 200 {
			t.Errorf("%s: %d", et.Name, a.status)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "x.go", a.body, 0); err != nil {
			t.Errorf("%s: %v\n%s", et.Name, err, a.body)
		}
	}
	if n < 15 {
		t.Errorf("only %d types have a schema", n)
	}
}

func TestIssues_AreGroupedMarkedAndOpenAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := storetest.NewClock(time.Now().Truncate(time.Second))
		s := newSite(t, db, clock.Now)
		ctx := context.Background()
		app, cookie := s.enter(hookswitch.AllCapabilities)
		e, err := s.svc.CreateEndpoint(ctx, app.Key, hookswitch.Endpoint{URL: "https://a.example/", Description: "Till"}, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		fail := func(code int) {
			t.Helper()
			clock.Advance(time.Minute)
			ev, err := s.svc.PublishEvent(ctx, app, service.Publish{Type: "a.b", Payload: []byte(`{}`)}, service.Idempotency{})
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Second)
			got, err := s.db.ClaimDue(ctx, store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: clock.Now(), Lease: clock.Now().Add(time.Hour), Max: 10, PerTarget: func(hookswitch.Key) int { return 10 }})
			if err != nil || len(got.Deliveries) == 0 {
				t.Fatalf("claimed %v, %v", got, err)
			}
			d := got.Deliveries[0]
			s.svc.Record(&store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim, Verdict: store.Exhausted,
				Attempt: &hookswitch.Attempt{Key: s.svc.NextKey(), App: app.Key, Event: ev.Key, Endpoint: e.Key, URL: e.URL, Code: code, Failure: "status", Answer: []byte("<b>no</b>")}})
			_ = s.db.Accept(&store.Accept{}) // it is refused, and commits what waits
		}
		fail(500)
		fail(500)
		fail(404)
		a := s.as(cookie, "GET", "/portal/issues", "")
		links := regexp.MustCompile(`href="(/portal/issues/ep_[^"]+)"`).FindAllStringSubmatch(a.body, -1)
		if len(links) != 2 || strings.Contains(a.body, "<b>no</b>") {
			t.Fatalf("%d issues: %s", len(links), a.body)
		}
		server := links[1][1] // the older one
		if a := s.as(cookie, "GET", server, ""); a.status != 200 || !strings.Contains(a.body, "<dt>Failures</dt><dd>2</dd>") || !strings.Contains(a.body, "Send 3 messages again") {
			t.Fatalf("the issue: %d %s", a.status, a.body)
		}
		reader := s.enterApp(app, hookswitch.ViewBase)
		if a := s.as(reader, "POST", server, "do=solved"); a.status != 403 {
			t.Errorf("who may only look marks it: %d", a.status)
		}
		s.as(cookie, "POST", server, "do=note&note="+url.QueryEscape(`<i>who</i> knows`))
		s.as(cookie, "POST", server, "do=solved")
		if a := s.as(cookie, "GET", "/portal/issues?state=solved", ""); !strings.Contains(a.body, server) || !strings.Contains(a.body, "&lt;i&gt;who&lt;/i&gt; knows") {
			t.Error("it is not among the solved ones with its note")
		}
		fail(500)
		if a := s.as(cookie, "GET", "/portal/issues", ""); !strings.Contains(a.body, server) {
			t.Error("it has happened again and stays solved")
		}
		s.as(cookie, "POST", server, "do=muted")
		fail(500)
		if a := s.as(cookie, "GET", "/portal/issues", ""); strings.Contains(a.body, server) {
			t.Error("it is muted and shown")
		}
		if a := s.as(cookie, "POST", server+"/recover", ""); a.status != 303 {
			t.Errorf("recover: %d %s", a.status, a.body)
		}
		_, other := s.enter(hookswitch.AllCapabilities)
		if a := s.as(other, "GET", server, ""); a.status != 404 {
			t.Errorf("another App's issue: %d", a.status)
		}
	})
}

func TestAccess_TokensMayNoMoreThanWhoMakesThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil)
		app, cookie := s.enter(hookswitch.AllCapabilities)
		reader := s.enterApp(app, hookswitch.ViewBase)
		made := regexp.MustCompile(`appsk_[0-9A-Za-z]+`)
		for c, want := range map[string]bool{cookie: true, reader: false} {
			a := s.as(c, "POST", "/portal/access/tokens", "name=export&rights=all&life=168")
			text := made.FindString(a.body)
			tok, err := s.svc.Token(context.Background(), hookswitch.Secret(text))
			if err != nil {
				t.Fatalf("%v: %d %s", err, a.status, a.body)
			}
			if tok.Capabilities.Allow(hookswitch.ManageEndpoint) != want || tok.App != app.Key || tok.ExpiresAt.After(time.Now().Add(service.MaxPortalLife)) {
				t.Errorf("the token may %v until %v", tok.Capabilities.Names(), tok.ExpiresAt)
			}
			if a := s.as(c, "GET", "/portal/access", ""); made.MatchString(a.body) || !strings.Contains(a.body, "export") {
				t.Error("the list shows the token's text, or not the token")
			}
			if want {
				if a := s.as(c, "POST", "/portal/access/end", "token="+strconv.FormatInt(int64(tok.Key), 10)); a.status != 303 {
					t.Errorf("end: %d", a.status)
				}
				if _, err := s.svc.Token(context.Background(), hookswitch.Secret(text)); hookswitch.KindOf(err) != hookswitch.Unauthorized {
					t.Errorf("an ended token: %v", err)
				}
			}
		}
		if a := s.as(cookie, "POST", "/portal/access/tokens", "name="); a.status != 422 {
			t.Errorf("a token without a name: %d", a.status)
		}
		if a := s.as(reader, "POST", "/portal/access/end", "all=yes"); a.status != 403 {
			t.Errorf("who may only look ends sessions: %d", a.status)
		}
		s.as(cookie, "POST", "/portal/access/end", "all=yes")
		for _, c := range []string{cookie, reader} {
			if a := s.as(c, "GET", "/portal/access", ""); a.status != 401 {
				t.Errorf("after the end of all sessions: %d", a.status)
			}
		}
	})
}

func TestFrames_TheAppsOriginsAreSentWithEveryPageOfItsPortal(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app, cookie := s.enter(hookswitch.AllCapabilities)
	const origin = "https://app.acme.example"
	if err := s.svc.SetPortalSettings(context.Background(), app.Key, hookswitch.PortalSettings{FrameAncestors: []string{origin}}); err != nil {
		t.Fatal(err)
	}
	id := s.svc.IDs().Format(hookswitch.KindApp, app.Key)
	hint := "__Host-hookswitch-portal-app=" + id
	for _, c := range []struct {
		path, cookie string
		status       int
		framed       bool
	}{
		{"/portal", cookie, 200, true},
		{"/portal/catalogue", cookie, 200, true},
		{"/portal/nothing", cookie, 404, true},
		{"/portal/login?app=" + id, "", 200, true},
		{"/portal/login", "", 200, false},
		{"/portal", "", 401, false},
		{"/portal", hint, 401, true}, // the session has ended
		{"/play", cookie, 200, false},
		{"/dashboard/login?app=" + id, hint, 200, false},
	} {
		a := s.do("GET", c.path, nil, "Cookie", c.cookie)
		if framed := strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors "+origin); a.status != c.status || framed != c.framed {
			t.Errorf("%s with %.30q: %d, framed %v: %s", c.path, c.cookie, a.status, framed, a.header.Get("Content-Security-Policy"))
		}
	}
	if a := s.do("GET", "/static/embed.js", nil, "Origin", origin); a.status != 200 || a.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the element cannot be loaded: %d %v", a.status, a.header)
	}
}
