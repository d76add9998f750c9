package zavu_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/api/zavu"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// Section 1.4: 401 unauthorized for a header that is missing or not Bearer, and for keys that are unknown or revoked.
func TestAuth_OneAnswerForEveryKeyThatDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		revoked := a.newKey(false)
		id := a.with(revoked).do("GET", "/me", "").is(200).json()["apiKey"].(object)["id"].(string)
		if err := a.Service.DeleteAPIKey(t.Context(), a.app.Key, id); err != nil {
			t.Fatal(err)
		}
		for _, header := range []string{"", "Bearer", "Bearer ", a.key, "Basic " + a.key, "Bearer zv_live_unknown", "Bearer " + a.key + "x", "Bearer " + revoked, "Bearer operator"} {
			a.with("").do("GET", "/me", "", func(r *http.Request) { r.Header["Authorization"] = []string{header} }).fails(401, "unauthorized")
		}
		a.with("").do("GET", "/me", "").fails(401, "unauthorized")
		a.do("GET", "/me", "", func(r *http.Request) { r.Header.Set("Authorization", "bearer "+a.key) }).is(200)
		gone := a.project("Gone")
		if err := a.Service.DeleteApp(t.Context(), gone.app.Key); err != nil {
			t.Fatal(err)
		}
		gone.do("GET", "/me", "").fails(401, "unauthorized")
	})
}

// Section 1.4: unknown route 404, wrong method 405 with Allow. Section 10: what is not needed is 404.
func TestRoutes_UnknownOnesAndWrongMethodsHaveTheErrorShape(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		for _, path := range []string{"", "/unknown", "/broadcasts", "/calls/1", "/phone-numbers", "/10dlc/brands", "/urls", "/sub-accounts", "/agents", "/functions", "/email-domains",
			"/balance", "/introspect/phone", "/addresses", "/regulatory-documents", "/senders/snd_1/agent", "/me//", "/me/x"} {
			a.do("GET", path, "").fails(404, "not_found")
			a.do("POST", path, "{}").fails(404, "not_found")
		}
		an := a.do("POST", "/me", "{}")
		an.fails(405, "method_not_allowed")
		if allow := an.header.Get("Allow"); !strings.Contains(allow, "GET") {
			t.Errorf("Allow is %q", allow)
		}
		a.do("GET", "/me/", "").is(200)
	})
}

// Section 1: 600 requests a minute for each project by default, in windows whose end X-RateLimit-Reset tells in milliseconds.
func TestRateLimit_CountsEachProjectInWindowsOfAMinute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := newAPI(t, db, func(o *zavu.Options) { o.RateLimit = 3 })
		reset := strconv.FormatInt(a.Clock.Now().Truncate(time.Minute).Add(time.Minute).UnixMilli(), 10)
		a.Clock.Advance(20 * time.Second)
		same := a.with(a.newKey(true)) // keys of one project are counted together
		for i, b := range []*api{a, same, a} {
			an := b.do("GET", []string{"/me", "/unknown", "/me"}[i], "")
			if h := an.header; h.Get("X-RateLimit-Limit") != "3" || h.Get("X-RateLimit-Remaining") != strconv.Itoa(2-i) || h.Get("X-RateLimit-Reset") != reset || h.Get("Retry-After") != "" {
				t.Errorf("request %d: %v", i+1, h)
			}
		}
		an := a.do("GET", "/me", "")
		an.fails(429, "rate_limited")
		if h := an.header; h.Get("Retry-After") != "40" || h.Get("X-RateLimit-Remaining") != "0" || h.Get("X-RateLimit-Reset") != reset {
			t.Errorf("beyond the limit: %v", h)
		}
		a.project("Other").do("GET", "/me", "").is(200)
		a.with("").do("GET", "/me", "").fails(401, "unauthorized")
		a.Clock.Advance(40 * time.Second)
		if h := a.do("GET", "/me", "").is(200).header; h.Get("X-RateLimit-Remaining") != "2" {
			t.Errorf("in the next window: %v", h)
		}
	})
}

func TestRateLimit_TheHeadersStayWhereThereIsNone(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		for range 50 {
			a.do("GET", "/me", "").is(200).limited()
		}
		if h := a.do("GET", "/me", "").header; h.Get("X-RateLimit-Remaining") == "0" {
			t.Error("nothing is left of no limit")
		}
	})
}

func TestQuery_OneThatCannotBeReadIsRefused(t *testing.T) {
	each(t, func(t *testing.T, a *api) { a.do("GET", "/me?a=%zz", "").fails(400, "invalid_request") })
}
