package portal_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// connector is a provider that knows one number.
type connector struct {
	*servicetest.Provider
	down bool
}

func (connector) Name() string { return "meta" }

func (c *connector) Connect(_ context.Context, _ hookswitch.Channel, cr hookswitch.Credentials) (hookswitch.ConnectedAccount, error) {
	switch {
	case c.down:
		return hookswitch.ConnectedAccount{}, hookswitch.Errorf(hookswitch.Unavailable, "Meta does not answer")
	case cr.First("phone_number_id") != "106":
		return hookswitch.ConnectedAccount{}, hookswitch.InvalidField("was not accepted. Meta says: no <such> number", "phone_number_id")
	}
	return hookswitch.ConnectedAccount{Channel: hookswitch.WhatsApp, ID: "106", Name: "Acme Kiosk", Parent: cr.First("waba_id"), Phone: "+254712345678"}, nil
}

type inviting struct {
	*site
	provider *connector
	app      *hookswitch.App
	clock    *storetest.Clock
}

func newInviting(t *testing.T) *inviting {
	t.Helper()
	clock := storetest.NewClock(time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC))
	p := &connector{Provider: servicetest.NewProvider()}
	svc, err := service.New(service.Options{Store: storetest.SQLite(t).Open(storetest.Now(clock.Now)), Now: clock.Now, PublicURL: "https://hooks.example.test", Providers: []hookswitch.Provider{p}})
	if err != nil {
		t.Fatal(err)
	}
	mux := httpapi.NewMux(&httpapi.Surface{Name: "test"})
	portal.New(portal.Options{Service: svc, Now: clock.Now}).Register(mux)
	srv := httptest.NewServer(httpapi.Chain(mux, httpapi.WithRequestID, httpapi.SecurityHeaders, httpapi.CORS, httpapi.Gzip))
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	app, err := svc.CreateApp(t.Context(), hookswitch.App{Name: "Partner <Ltd>"}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	return &inviting{&site{t: t, svc: svc, url: srv.URL, http: client}, p, app, clock}
}

func (s *inviting) invite(i hookswitch.Invitation) (path string, key hookswitch.Key) {
	s.t.Helper()
	made, err := s.svc.CreateInvitation(context.Background(), s.app.Key, i, 0, service.Idempotency{})
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimPrefix(s.svc.InvitationURL(made), "https://hooks.example.test"), made.Key
}

func (s *inviting) status(key hookswitch.Key) hookswitch.InvitationStatus {
	s.t.Helper()
	list, err := s.svc.Invitations(context.Background(), s.app.Key, "", store.Page{Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, i := range list {
		if i.Key == key {
			return i.Status
		}
	}
	return ""
}

func (s *inviting) wantPage(what string, a answer, status int, words ...string) {
	s.t.Helper()
	if a.status != status {
		s.t.Errorf("%s: %d, want %d\n%s", what, a.status, status, a.body)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			s.t.Errorf("%s: the page does not say %q\n%s", what, w, a.body)
		}
	}
}

func TestInvitation_AClientConnectsTheirNumber(t *testing.T) {
	t.Parallel()
	s := newInviting(t)
	path, key := s.invite(hookswitch.Invitation{ClientName: "Njeri & Co"})
	s.wantPage("opened", s.get(path), 200, "Connect your WhatsApp number", "Partner &lt;Ltd&gt;", "Njeri &amp; Co", `value="start"`)
	if got := s.status(key); got != hookswitch.InvitationPending {
		t.Errorf("looked at, and %s", got)
	}
	if a := s.form(path, "do=start"); a.status != 303 || a.header.Get("Location") != path {
		t.Fatalf("begun: %d to %q", a.status, a.header.Get("Location"))
	}
	s.wantPage("begun", s.get(path), 200, `name="phone_number_id"`, `name="access_token"`, `value="connect"`)

	s.wantPage("nothing known that proves messages", s.form(path, "do=connect&phone_number_id=106&waba_id=1&access_token=TOKEN-1"), 400, "App secret is needed")
	form := url.Values{"do": {"connect"}, "phone_number_id": {"107"}, "waba_id": {"1"}, "access_token": {"TOKEN-1"}, "app_secret": {"SECRET-1"}, "secret": {"x"}, "address": {"x"}}
	a := s.form(path, form.Encode())
	s.wantPage("a wrong number", a, 400, "no &lt;such&gt; number", `value="107"`)
	if strings.Contains(a.body, "TOKEN-1") || strings.Contains(a.body, "SECRET-1") {
		t.Error("the page shows secrets again")
	}
	s.provider.down = true
	s.wantPage("Meta does not answer", s.form(path, form.Encode()), 503, "Meta does not answer")
	s.provider.down = false
	form.Set("phone_number_id", " 106 ")
	a = s.form(path, form.Encode())
	s.wantPage("connected", a, 200, "https://hooks.example.test/in/snd_", "Verify token", "Acme Kiosk")
	if got := s.status(key); got != hookswitch.InvitationCompleted {
		t.Errorf("connected, and %s", got)
	}
	senders, err := s.svc.Senders(t.Context(), s.app.Key, store.Page{Limit: 10})
	if err != nil || len(senders) != 1 || senders[0].Name != "Njeri & Co" || senders[0].PhoneNumber != "+254712345678" {
		t.Fatalf("senders %+v, %v", senders, err)
	}
	c := senders[0].Routes[0].Credentials
	if c.First("access_token") != "TOKEN-1" || c.First("app_secret") != "SECRET-1" || len(c["address"]) > 0 {
		t.Error("the route does not have what was entered, and that alone")
	}
	a = s.get(path)
	s.wantPage("used", a, 200, "has been used")
	if strings.Contains(a.body, "<form method=\"post\"") {
		t.Error("a used invitation can be used again")
	}
	if a := s.form(path, form.Encode()); a.status != 303 {
		t.Errorf("used again: %d", a.status)
	}
}

func TestInvitation_WhatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	s := newInviting(t)
	cancelled, key := s.invite(hookswitch.Invitation{})
	if _, err := s.svc.CancelInvitation(t.Context(), s.app.Key, s.svc.IDs().Format(hookswitch.KindInvitation, key)); err != nil {
		t.Fatal(err)
	}
	s.wantPage("cancelled", s.get(cancelled), 200, "was withdrawn")
	failed, key := s.invite(hookswitch.Invitation{ConnectionType: hookswitch.ConnectMessenger})
	for _, do := range []string{"do=start", "do=give-up"} {
		if a := s.form(failed, do); a.status != 303 {
			t.Errorf("%s: %d", do, a.status)
		}
	}
	if got := s.status(key); got != hookswitch.InvitationFailed {
		t.Errorf("given up, and %s", got)
	}
	s.wantPage("failed", s.get(failed), 200, "try again with this link", "Facebook page", `value="start"`)
	s.clock.Advance(8 * 24 * time.Hour)
	s.wantPage("expired", s.get(failed), 200, "has expired")
	if a := s.form(failed, "do=start"); a.status != 303 {
		t.Errorf("an expired one: %d", a.status)
	}
	s.wantPage("unknown", s.get("/invite/ABCDEFGH"), 404, "does not exist")
}

func TestInvitation_IsGuarded(t *testing.T) {
	t.Parallel()
	s := newInviting(t)
	path, key := s.invite(hookswitch.Invitation{})
	a := s.do("POST", path, []byte("do=start"), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	if a.status != 403 || s.status(key) != hookswitch.InvitationPending {
		t.Errorf("a form of another site: %d, %s", a.status, s.status(key))
	}
	h := s.get(path).header
	if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") {
		t.Errorf("policy %q", csp)
	}
	if h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("headers %v", h)
	}
	s.form(path, "do=start")
	tooFast := 0
	for range 10 {
		if a := s.form(path, "do=connect&phone_number_id=1&waba_id=1&access_token=t&app_secret=s"); a.status == 429 {
			tooFast++
		}
	}
	if tooFast != 5 {
		t.Errorf("of ten attempts %d were too fast, want 5", tooFast)
	}
	s.clock.Advance(time.Minute)
	if a := s.form(path, "do=connect&phone_number_id=1&waba_id=1&access_token=t&app_secret=s"); a.status != 400 {
		t.Errorf("a minute later: %d", a.status)
	}
}

func TestInvitation_WhatIsTooLongIsToldBesideItsField(t *testing.T) {
	t.Parallel()
	s := newInviting(t)
	path, _ := s.invite(hookswitch.Invitation{})
	form := url.Values{"do": {"connect"}, "phone_number_id": {"106"}, "waba_id": {"17"}, "access_token": {strings.Repeat("x", 3000)}, "app_secret": {"SECRET-1"}}
	s.wantPage("a long token", s.form(path, form.Encode()), 400, "Access token is too long", `id="access_token-problem"`, `value="106"`, `value="17"`)
}
