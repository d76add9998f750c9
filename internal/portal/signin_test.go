package portal_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// browser keeps cookies, as one does, and asks as pages do.
type browser struct {
	*site
	cookies map[string]*http.Cookie
	header  []string
}

func (s *site) browser(header ...string) *browser {
	return &browser{s, make(map[string]*http.Cookie), header}
}

func (b *browser) ask(method, path, form string) answer {
	b.t.Helper()
	var pairs []string
	for name, c := range b.cookies {
		pairs = append(pairs, name+"="+c.Value)
	}
	header := append([]string{"Cookie", strings.Join(pairs, "; "), "Sec-Fetch-Site", "same-origin"}, b.header...)
	if method == "POST" {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	}
	a := b.do(method, path, []byte(form), header...)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c
		}
	}
	return a
}

func (b *browser) open(path string) answer         { b.t.Helper(); return b.ask("GET", path, "") }
func (b *browser) submit(path, form string) answer { b.t.Helper(); return b.ask("POST", path, form) }

func (s *site) app(name string) *hookswitch.App {
	s.t.Helper()
	a, err := s.svc.CreateApp(context.Background(), hookswitch.App{Name: name}, service.Idempotency{})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) appID(a *hookswitch.App) string { return s.svc.IDs().Format(hookswitch.KindApp, a.Key) }

func (s *site) link(a *hookswitch.App, access service.PortalAccess) *service.PortalLink {
	s.t.Helper()
	if access.Capabilities == 0 {
		access.Capabilities = hookswitch.AllCapabilities
	}
	l, err := s.svc.OpenPortal(context.Background(), a.Key, access, service.Idempotency{})
	if err != nil {
		s.t.Fatal(err)
	}
	return l
}

// enter signs in to the portal.
func (b *browser) enter(a *hookswitch.App, access service.PortalAccess) {
	b.t.Helper()
	if got := b.submit("/portal/login", "token="+b.link(a, access).OneTime.Reveal()); got.status != 303 || got.header.Get("Location") != "/portal" {
		b.t.Fatalf("signing in: %d to %q: %s", got.status, got.header.Get("Location"), got.body)
	}
}

// svix-api.md section 7: the login data is base64 JSON of appId, oneTimeToken and region in the fragment, and works once.
func TestSignIn_ALinkOpensThePortalOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil)
		app := s.app("Acme")
		l := s.link(app, service.PortalAccess{})
		u, err := url.Parse(l.URL.Reveal())
		if err != nil || u.Path != "/portal/login" {
			t.Fatalf("the link is %v, %v", u, err)
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(u.Fragment, "key="))
		var login struct{ AppID, OneTimeToken, Region string }
		if err != nil || json.Unmarshal(raw, &login) != nil || login.OneTimeToken != l.OneTime.Reveal() || login.AppID != s.appID(app) {
			t.Fatalf("the fragment holds %s, %v", raw, err)
		}
		b := s.browser()
		if a := b.open("/portal"); a.status != 401 || !strings.Contains(a.body, "You are not signed in") || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("signed out: %d %s", a.status, a.header.Get("Content-Type"))
		}
		if a := b.open("/portal/login"); a.status != 200 || len(b.cookies) != 0 {
			t.Errorf("the page of the link: %d, cookies %v", a.status, b.cookies)
		}
		if a := b.submit("/portal/login", "token="+login.OneTimeToken); a.status != 303 || a.header.Get("Location") != "/portal" {
			t.Fatalf("%d to %q", a.status, a.header.Get("Location"))
		}
		c := b.cookies["__Host-hookswitch-portal"]
		if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Value == login.OneTimeToken {
			t.Fatalf("the cookie is %v", c)
		}
		if a := b.open("/portal"); a.status != 200 || !strings.Contains(a.body, "Nothing is connected yet") {
			t.Errorf("signed in: %d", a.status)
		}
		if a := s.browser().submit("/portal/login", "token="+login.OneTimeToken); a.status != 401 || !strings.Contains(a.body, "used already") || strings.Contains(a.body, login.OneTimeToken) {
			t.Errorf("the second time: %d", a.status)
		}
		// No request of the API may bear what is in the cookie.
		if _, err := s.svc.Token(context.Background(), hookswitch.Secret(c.Value)); hookswitch.KindOf(err) != hookswitch.Unauthorized {
			t.Errorf("the session is a token of the API: %v", err)
		}
	})
}

func TestSignIn_EachReasonHasItsWords(t *testing.T) {
	t.Parallel()
	clock := storetest.NewClock(time.Now())
	s := newSite(t, storetest.SQLite(t), clock.Now)
	old := s.link(s.app("Acme"), service.PortalAccess{})
	clock.Advance(service.OneTimeLife)
	for token, want := range map[string]string{"": "does not sign you in", "-": "not valid", "otp_" + strings.Repeat("x", 36): "not valid", old.OneTime.Reveal(): "has expired"} {
		if a := s.browser().submit("/portal/login", "token="+token); a.status != 401 || !strings.Contains(a.body, want) || !strings.Contains(a.body, "you came from") {
			t.Errorf("%q: %d, want %q", token, a.status, want)
		}
	}
}

// svix-api.md section 7: embedding pages put darkMode, primaryColor, fontFamily and icon into the query.
func TestSignIn_TheLookOfTheEmbeddingPageLasts(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil, func(o *portal.Options) { o.FrameAncestors = []string{"https://app.example.com"} })
	app := s.app("Acme")
	if err := s.svc.SetPortalSettings(context.Background(), app.Key, hookswitch.PortalSettings{Look: hookswitch.Look{Color: "#ff0000", Theme: "light"}, FrameAncestors: []string{"https://own.example"}}); err != nil {
		t.Fatal(err)
	}
	b := s.browser("Sec-Fetch-Dest", "iframe")
	q := url.Values{"darkMode": {"true"}, "primaryColor": {"1f4fd8"}, "fontFamily": {`"Open Sans", sans-serif`}, "icon": {"https://cdn.example.com/logo.png"}, "next": {"/portal/endpoints"}}
	a := b.submit("/portal/login?"+q.Encode(), "token="+s.link(app, service.PortalAccess{}).OneTime.Reveal())
	if a.header.Get("Location") != "/portal/endpoints" {
		t.Errorf("leads to %q", a.header.Get("Location"))
	}
	if c := b.cookies["__Host-hookswitch-portal"]; c == nil || c.SameSite != http.SameSiteNoneMode || !c.Partitioned || !c.Secure {
		t.Errorf("the cookie in a frame is %v", c)
	}
	a = b.open("/portal/endpoints")
	for _, want := range []string{`data-theme="dark"`, `--brand-day:#1f4fd8`, `--font:"Open Sans"`, `src="https://cdn.example.com/logo.png"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	csp := a.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "img-src 'self' https://cdn.example.com;") || !strings.Contains(csp, "frame-ancestors https://app.example.com https://own.example") || a.header.Get("X-Frame-Options") != "" {
		t.Errorf("the policy is %q", csp)
	}
	// Whoever may frame the page of the link is known before anybody signs in, where the link names the App.
	if csp := b.open("/portal/login?app=" + s.appID(app)).header.Get("Content-Security-Policy"); !strings.Contains(csp, "https://own.example") {
		t.Errorf("the policy of the link is %q", csp)
	}
	for _, path := range []string{"/dashboard/login", "/play"} {
		if csp := b.open(path).header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %q", path, csp)
		}
	}
	// What could end the style sheet or the policy does not get in.
	evil := url.Values{"primaryColor": {"red;}body{display:none"}, "fontFamily": {`x";}*{color:red`}, "icon": {"https://a.example;script-src *"}, "next": {"//evil.example"}}
	a = b.submit("/portal/login?"+evil.Encode(), "token="+s.link(app, service.PortalAccess{}).OneTime.Reveal())
	if a.header.Get("Location") != "/portal" {
		t.Errorf("leads to %q", a.header.Get("Location"))
	}
	a = b.open("/portal")
	if strings.Contains(a.body, "display:none") || strings.Contains(a.body, "color:red") || strings.Contains(a.header.Get("Content-Security-Policy"), "script-src *") {
		t.Error("the parameters get into the style or the policy")
	}
}

func TestSession_EndsIdlyBySigningOutAndWhenItIsRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := storetest.NewClock(time.Now())
		s := newSite(t, db, clock.Now)
		app := s.app("Acme")
		ended := func(why string, b *browser) {
			t.Helper()
			if a := b.open("/portal"); a.status != 401 {
				t.Errorf("%s: %d", why, a.status)
			}
		}
		b := s.browser()
		b.enter(app, service.PortalAccess{})
		for range 5 {
			clock.Advance(service.SessionIdle - time.Minute)
			if a := b.open("/portal"); a.status != 200 {
				t.Fatalf("a session in use: %d", a.status)
			}
		}
		list, err := s.svc.Sessions(context.Background(), app.Key, hookswitch.TokenSession, store.Page{Limit: 10})
		if err != nil || len(list) != 1 || !service.SessionSeen(list[0]).Equal(clock.Now().Truncate(time.Millisecond)) {
			t.Errorf("the sessions are %v, %v", list, err)
		}
		clock.Advance(service.SessionIdle)
		ended("idle", b)

		b.enter(app, service.PortalAccess{Life: time.Hour})
		clock.Advance(time.Hour)
		ended("past what the link says", b)

		b.enter(app, service.PortalAccess{})
		kept := b.cookies["__Host-hookswitch-portal"]
		if a := b.submit("/portal/logout", ""); a.status != 303 || b.cookies["__Host-hookswitch-portal"] != nil {
			t.Errorf("signing out: %d", a.status)
		}
		b.cookies["__Host-hookswitch-portal"] = kept
		ended("signed out", b)

		b.enter(app, service.PortalAccess{Session: "user-7"})
		if err := s.svc.ExpirePortal(context.Background(), app.Key, []string{"user-7"}, 0, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		ended("its session was ended", b)
		b.enter(app, service.PortalAccess{})
		if err := s.svc.ExpirePortal(context.Background(), app.Key, nil, 0, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		ended("all were ended", b)
		b.enter(app, service.PortalAccess{})
		if err := s.svc.DeleteApp(context.Background(), app.Key); err != nil {
			t.Fatal(err)
		}
		ended("the App is gone", b)
	})
}

func TestSession_ReadOnlyShowsWhyAndIsHeldToIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app := s.app("Acme")
	b := s.browser()
	b.enter(app, service.PortalAccess{Capabilities: hookswitch.ViewBase})
	for _, path := range []string{"/portal", "/portal/endpoints", "/portal/endpoints/new"} {
		if a := b.open(path); a.status != 200 || !strings.Contains(a.body, `aria-disabled="true"`) || !strings.Contains(a.body, "Your access is read-only") {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range []string{"/portal/endpoints/new", "/portal/endpoints/play", "/portal/endpoints/state", "/portal/endpoints/check", "/portal/steps/verified"} {
		if a := b.submit(path, "url=https://example.com"); a.status != 403 || !strings.Contains(a.body, "read-only") {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if list, err := s.svc.Endpoints(context.Background(), app.Key, store.Page{Limit: 10}); err != nil || len(list) != 0 {
		t.Errorf("there are %v, %v", list, err)
	}
}

func TestDashboard_TheOperatorSeesAllAndAKeyItsOwnApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := storetest.NewClock(time.Now())
		s := newSite(t, db, clock.Now)
		own, other := s.app("Acme"), s.app("Baraka")
		key, text, err := s.svc.CreateAPIKey(context.Background(), own.Key, hookswitch.APIKey{})
		if err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		if a := b.open("/dashboard/apps?q=x"); a.status != 303 || a.header.Get("Location") != "/dashboard/login?next=%2Fdashboard%2Fapps%3Fq%3Dx" {
			t.Errorf("signed out: %d to %q", a.status, a.header.Get("Location"))
		}
		for _, wrong := range []string{"", "wrong", operatorToken + "x", "zv_live_" + strings.Repeat("a", 32)} {
			if a := b.submit("/dashboard/login", "token="+wrong); a.status != 401 && a.status != 422 || len(b.cookies) != 0 {
				t.Errorf("%q: %d", wrong, a.status)
			}
		}
		if a := b.submit("/dashboard/login?next=/dashboard/apps", "token="+operatorToken); a.status != 303 || a.header.Get("Location") != "/dashboard/apps" {
			t.Fatalf("the operator: %d to %q", a.status, a.header.Get("Location"))
		}
		for _, path := range []string{"/dashboard", "/dashboard/apps", "/dashboard/apps/" + s.appID(own), "/dashboard/apps/" + s.appID(other) + "/endpoints"} {
			if a := b.open(path); a.status != 200 {
				t.Errorf("%s: %d", path, a.status)
			}
		}
		if a := b.open("/dashboard/apps/" + s.svc.IDs().Format(hookswitch.KindApp, hookswitch.OrganizationApp)); a.status != 404 {
			t.Errorf("the organisation's App: %d", a.status)
		}
		if a := b.open("/portal"); a.status != 401 {
			t.Errorf("the portal with the dashboard's cookie: %d", a.status)
		}

		k := s.browser()
		home := "/dashboard/apps/" + s.appID(own)
		if a := k.submit("/dashboard/login", "token="+text.Reveal()); a.status != 303 || a.header.Get("Location") != home {
			t.Fatalf("with a key: %d to %q", a.status, a.header.Get("Location"))
		}
		for path, want := range map[string]int{"/dashboard": 303, home: 200, home + "/endpoints": 200, "/dashboard/apps": 404, "/dashboard/apps/" + s.appID(other): 404,
			"/dashboard/apps/" + s.appID(other) + "/endpoints/new": 404} {
			if a := k.open(path); a.status != want || strings.Contains(a.body, "Baraka") {
				t.Errorf("with a key, %s: %d", path, a.status)
			}
		}
		if a := k.submit("/dashboard/apps", "name=Mine"); a.status != 404 {
			t.Errorf("with a key, creating an App: %d", a.status)
		}
		_, narrow, err := s.svc.CreateAPIKey(context.Background(), own.Key, hookswitch.APIKey{Scopes: []hookswitch.Scope{hookswitch.ScopeMessagesRead}})
		if err != nil {
			t.Fatal(err)
		}
		if a := s.browser().submit("/dashboard/login", "token="+narrow.Reveal()); a.status != 403 || !strings.Contains(a.body, "without scopes") {
			t.Errorf("a key with scopes: %d", a.status)
		}
		if err := s.svc.DeleteAPIKey(context.Background(), own.Key, s.svc.IDs().Format(hookswitch.KindAPIKey, key.Key)); err != nil {
			t.Fatal(err)
		}
		if a := k.open(home); a.status != 303 {
			t.Errorf("with a revoked key: %d", a.status)
		}
		clock.Advance(service.SessionIdle)
		if a := b.open("/dashboard"); a.status != 303 {
			t.Errorf("the idle operator: %d", a.status)
		}
	})
}

func TestSession_AnotherOperatorTokenEndsTheOperatorsSessions(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := newSite(t, db, nil)
	_, text, err := s.svc.OpenOperatorSession(context.Background(), operatorToken, "test")
	if err != nil {
		t.Fatal(err)
	}
	for token, lives := range map[hookswitch.Secret]bool{operatorToken: true, "another": false, "": false} {
		if _, err := s.svc.Session(context.Background(), text, hookswitch.TokenDashboard, token); (err == nil) != lives {
			t.Errorf("with %q: %v", token.Reveal(), err)
		}
	}
}

func TestPages_FormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app := s.app("Acme")
	b := s.browser()
	b.enter(app, service.PortalAccess{})
	b.header = []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}
	if a := b.submit("/portal/endpoints/new", "url=https://example.com&types=all"); a.status != 403 {
		t.Errorf("%d", a.status)
	}
}
