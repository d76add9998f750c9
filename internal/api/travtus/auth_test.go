package travtus_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/travtus"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// The bodies of section 2.2, byte for byte as the portal page publishes them, but for its white space.
const (
	missingBody = `{"error":{"type":"missing_authorization","message":"Your request does not include an 'Authorization' header with a bearer token for your account."}}`
	expiredBody = `{"error":{"type":"expired_token","message":"The bearer token you have provided in the 'Authorization' header has expired. Please obtain a new one."}}`
	wrongBody   = `{"error":{"type":"invalid_authorization","message":"The bearer token you have provided in the 'Authorization' header is invalid."}}`
)

// refused checks that every route of version 2 answers 401 with the body to the header.
func (s *surface) refused(header, body string) {
	s.t.Helper()
	for _, route := range [][2]string{{"POST", "/messages/"}, {"POST", "/messages"}, {"GET", "/webhook/app-portal-access/"}, {"GET", "/webhook/app-portal-access"}} {
		w := s.try(route[0], route[1], "", func(r *http.Request) {
			r.Header.Del("Authorization")
			if header != "" {
				r.Header.Set("Authorization", header)
			}
		})
		if w.Code != 401 || w.Body.String() != body || w.Header().Get("Content-Type") != "application/json" {
			s.t.Errorf("%s %s with %.20q: %d %s\nwant %s", route[0], route[1], header, w.Code, w.Body, body)
		}
	}
}

// Section 2.2: three bodies, all with 401.
func TestAuthorization_IsRefusedInThreeWays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		for _, header := range []string{"", "Bearer", "Bearer ", "bearer   ", "Basic " + s.token, s.token, "Token " + s.token} {
			s.refused(header, missingBody)
		}
		flipped := []byte(s.token)
		flipped[len(flipped)/2] ^= 1
		for _, token := range []string{"x", "zv_live_" + strings.Repeat("a", 32), "hst_", "hst_AAAA", string(flipped), s.token + "A", s.token[:len(s.token)-1], s.secret, "hsk_operator"} {
			s.refused("Bearer "+token, wrongBody)
		}
		for _, scheme := range []string{"bearer ", "BEARER ", "Bearer "} {
			w := s.try("GET", "/webhook/app-portal-access/", "", func(r *http.Request) { r.Header.Set("Authorization", scheme+s.token) })
			s.decode(w, 200)
		}
	})
}

// Sections 2.1 and 2.2: a token lives for an hour, and is told from a wrong one long after.
func TestAuthorization_TellsExpiredFromInvalid(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		s.Clock.Advance(time.Hour - time.Second)
		s.decode(s.try("GET", "/webhook/app-portal-access/", ""), 200)
		s.Clock.Advance(time.Second)
		s.refused("Bearer "+s.token, expiredBody)
		s.Clock.Advance(30 * 24 * time.Hour)
		s.refused("Bearer "+s.token, expiredBody)
		fresh := s.newToken()
		if err := s.Service.RevokeClient(t.Context(), s.app.Key, s.client); err != nil {
			t.Fatal(err)
		}
		s.refused("Bearer "+fresh, wrongBody)
		s.refused("Bearer "+s.token, wrongBody)
		if w := s.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {s.client}, "client_secret": {s.secret}}, nil); w.Code != 401 {
			t.Errorf("a revoked client got %d %s", w.Code, w.Body)
		}
	})
}

// Section 2.1: expires_in says how long a token lives, which operators may shorten. Tokens that were given before live as long as they were told.
func TestToken_LivesAsLongAsItSays(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := newSurface(t, db, func(o *travtus.Options) { o.TokenLife = 90 * time.Second })
	w := s.form(url.Values{"grant_type": {"client_credentials"}, "client_id": {s.client}, "client_secret": {s.secret}}, nil)
	out := s.decode(w, 200)
	if out["expires_in"] != 90.0 {
		t.Errorf("%v", out)
	}
	s.token = out["access_token"].(string)
	s.Clock.Advance(90*time.Second - time.Millisecond)
	s.decode(s.try("GET", "/webhook/app-portal-access/", ""), 200)
	longer := *s
	longer.api = servicetest.Must(travtus.New(travtus.Options{Service: s.Service, Key: bytes.Repeat([]byte{7}, 32), Now: s.Clock.Now}))(t)
	s.Clock.Advance(time.Millisecond)
	s.refused("Bearer "+s.token, expiredBody)
	longer.refused("Bearer "+s.token, expiredBody)
}

// A token says nothing under another key, and nothing when its app is gone.
func TestAuthorization_IsBoundToKeyAndApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		other, err := travtus.New(travtus.Options{Service: s.Service, Key: []byte("another key of 32 bytes, or more"), Now: s.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		strange := *s
		strange.api = other
		strange.refused("Bearer "+s.token, wrongBody)
		if err := s.Service.DeleteApp(t.Context(), s.app.Key); err != nil {
			t.Fatal(err)
		}
		s.refused("Bearer "+s.token, wrongBody)
	})
}

// Section 2.1, and static tokens: API keys have no expiry.
func TestAuthorization_TakesAPIKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		k, text, err := s.Service.CreateAPIKey(context.Background(), s.app.Key, hookswitch.APIKey{})
		if err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(10_000 * time.Hour)
		s.token = text.Reveal()
		s.post(sms("1", "Hello", "c"))
		if err := s.Service.DeleteAPIKey(t.Context(), s.app.Key, s.Service.IDs().Format(hookswitch.KindAPIKey, k.Key)); err != nil {
			t.Fatal(err)
		}
		s.refused("Bearer "+s.token, wrongBody)
	})
}

// Section 2.1: the token endpoint.
func TestToken_IsGivenForCredentials(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		good := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.client}, "client_secret": {s.secret}}
		with := func(name string, values ...string) url.Values {
			v := url.Values{}
			for k, list := range good {
				v[k] = list
			}
			delete(v, name)
			if len(values) > 0 {
				v[name] = values
			}
			return v
		}
		basic := func(r *http.Request) { r.SetBasicAuth(s.client, s.secret) }
		for name, c := range map[string]struct {
			form   url.Values
			change func(*http.Request)
			status int
			error  string
		}{
			"form":           {good, nil, 200, ""},
			"basic":          {url.Values{"grant_type": {"client_credentials"}}, basic, 200, ""},
			"unknown fields": {with("scope", "all"), nil, 200, ""},
			"no grant":       {with("grant_type"), nil, 400, "invalid_request"},
			"other grant":    {with("grant_type", "password"), nil, 400, "unsupported_grant_type"},
			"no id":          {with("client_id"), nil, 400, "invalid_request"},
			"no secret":      {with("client_secret"), nil, 400, "invalid_request"},
			"twice":          {with("client_id", s.client, s.client), nil, 400, "invalid_request"},
			"nothing":        {url.Values{}, nil, 400, "invalid_request"},
			"wrong secret":   {with("client_secret", s.secret+"x"), nil, 401, "invalid_client"},
			"wrong id":       {with("client_id", "cli_"+strings.Repeat("0", 27)), nil, 401, "invalid_client"},
			"both ways":      {good, basic, 400, "invalid_request"},
			"basic, wrong":   {url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) { r.SetBasicAuth(s.client, "no") }, 401, "invalid_client"},
			"JSON":           {good, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
			"with a charset": {good, func(r *http.Request) {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
			}, 200, ""},
			"with a huge secret": {with("client_secret", strings.Repeat("x", 100_000)), nil, 413, "invalid_request"},
		} {
			w := s.form(c.form, c.change)
			out := s.decode(w, c.status)
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: Cache-Control %q", name, w.Header().Get("Cache-Control"))
			}
			if got, _ := out["error"].(string); got != c.error {
				t.Errorf("%s: %s, want %s", name, w.Body, c.error)
			}
			if c.status == 200 && (out["token_type"] != "Bearer" || out["expires_in"] != 3600.0 || out["access_token"] == "") {
				t.Errorf("%s: %s", name, w.Body)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); name == "basic, wrong" && !strings.HasPrefix(challenge, "Basic") {
				t.Errorf("%s: WWW-Authenticate %q", name, challenge)
			}
		}
		if w := s.try("GET", "/oauth2/token", ""); w.Code != 405 || w.Header().Get("Allow") != "POST" {
			t.Errorf("GET: %d %v", w.Code, w.Header())
		}
	})
}

// Section 2.3: above the rate requests are answered with 429, and each app has its own.
func TestRates_AreHeld(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := newSurface(t, db, func(o *travtus.Options) {
		o.TokenRates, o.Rates = travtus.Rates{Requests: 2, Burst: 5}, travtus.Rates{Requests: 1, Burst: 2}
	})
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.client}, "client_secret": {s.secret}}
	tooMany := func(what string, w *httptest.ResponseRecorder, wait string) {
		t.Helper()
		want := `{"error":{"type":"too_many_requests","message":"You have sent too many requests. Please slow down and try again."}}`
		if w.Code != 429 || w.Body.String() != want || w.Header().Get("Retry-After") != wait {
			t.Errorf("%s: %d %s, Retry-After %q", what, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	}
	for range 4 { // the surface has taken one
		s.decode(s.form(good, nil), 200)
	}
	tooMany("tokens", s.form(good, nil), "1")
	for range 2 {
		s.decode(s.try("GET", "/webhook/app-portal-access/", ""), 200)
	}
	tooMany("calls", s.try("GET", "/webhook/app-portal-access/", ""), "1")
	s.Clock.Advance(time.Second)
	other := s.newApp("Other")
	other.decode(other.try("GET", "/webhook/app-portal-access/", ""), 200)
	s.decode(s.try("GET", "/webhook/app-portal-access/", ""), 200)
	tooMany("calls again", s.try("GET", "/webhook/app-portal-access/", ""), "1")
	s.refused("", missingBody)
}

// A key that is for less than everything opens neither the portal nor more than it says.
func TestAuthorization_HeedsTheScopesOfKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		for scope, posts := range map[hookswitch.Scope]int{hookswitch.ScopeMessagesWrite: 200, hookswitch.ScopeContactsRead: 403} {
			_, text, err := s.Service.CreateAPIKey(t.Context(), s.app.Key, hookswitch.APIKey{Scopes: []hookswitch.Scope{scope}})
			if err != nil {
				t.Fatal(err)
			}
			s.token = text.Reveal()
			for path, want := range map[string]int{"/messages/": posts, "/v1/sessions": posts, "/v1/webhooks": 403} {
				body := sms("1", "x", "c")
				if path != "/messages/" {
					body = customer
				}
				if w := s.try("POST", path, body); w.Code != want {
					t.Errorf("%s at %s: %d %s, want %d", scope, path, w.Code, w.Body, want)
				}
			}
			if w := s.try("GET", "/webhook/app-portal-access/", ""); w.Code != 403 || !strings.Contains(w.Body.String(), `"type":"forbidden"`) {
				t.Errorf("%s opens the portal: %d %s", scope, w.Code, w.Body)
			}
		}
	})
}
