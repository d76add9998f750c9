package svix_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// fragment is what a link to the portal carries.
func fragment(t testing.TB, link string) map[string]string {
	t.Helper()
	page, text, _ := strings.Cut(link, "#key=")
	ok := strings.HasPrefix(page, publicURL+"/portal/login?app=app_")
	raw, err := base64.StdEncoding.DecodeString(text)
	var v map[string]string
	if !ok || err != nil || json.Unmarshal(raw, &v) != nil {
		t.Fatalf("%q is no link to the portal", link)
	}
	return v
}

func TestPortalAccess_GivesATokenAndALink(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		an := a.do("POST", "/auth/app-portal-access/"+app, `{}`).is(200).described("AppPortalAccessOut")
		token := an.text("token")
		if v := fragment(t, an.text("url")); v["appId"] != app || v["region"] != "self" || !strings.HasPrefix(v["oneTimeToken"], "otp_") || v["oneTimeToken"] == token {
			t.Errorf("the link carries %v", v)
		}
		if !strings.HasPrefix(token, "appsk_") || strings.Contains(token, ".") {
			t.Errorf("%.6s… may be taken for one of a hosted region", token)
		}
		a.with(token).do("GET", "/app/"+app, "").is(200)
		a.do("POST", "/auth/dashboard-access/"+app, "").is(200).described("AppPortalAccessOut")
		a.do("POST", "/auth/app-portal-access/none", "").code(404, "not_found")
		a.do("POST", "/auth/dashboard-access/none", "").code(404, "not_found")
		a.with(token).do("POST", "/auth/app-portal-access/"+app, "").code(403, "insufficient access")
	})
}

func TestPortalAccess_MakesTheApplicationOnTheWay(t *testing.T) {
	each(t, func(a *api) {
		a.do("POST", "/auth/app-portal-access/new", `{"application":{"name":"New","uid":"other"}}`).invalid("body", "application", "uid")
		a.do("POST", "/auth/app-portal-access/new", `{"application":{"name":"New"}}`).invalid("body", "application", "uid")
		token := a.open("new", `{"application":{"name":"New","uid":"new"}}`)
		if got := a.with(token).do("GET", "/app/new", "").is(200).text("name"); got != "New" {
			t.Errorf("its name is %s", got)
		}
		a.open("new", `{"application":{"name":"Ignored","uid":"new"}}`)
	})
}

func TestPortalAccess_CapabilitiesAreThoseAskedFor(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		all := hookswitch.AllCapabilities.Names()
		for _, c := range []struct {
			body string
			want []string
		}{
			{`{}`, all}, {`{"capabilities":null,"readOnly":false}`, all},
			{`{"capabilities":["ViewBase","CreateAttempts"]}`, []string{"ViewBase", "CreateAttempts"}},
			{`{"capabilities":["ManageEndpoint","ManageEndpoint"]}`, []string{"ViewBase", "ManageEndpoint"}},
			{`{"capabilities":[]}`, []string{"ViewBase"}}, {`{"readOnly":true}`, []string{"ViewBase"}},
			{`{"readOnly":true,"capabilities":["ViewEndpointSecret","ManageEndpoint"]}`, []string{"ViewBase", "ViewEndpointSecret"}},
		} {
			link := a.do("POST", "/auth/app-portal-access/"+app, c.body).is(200).text("url")
			once, _ := oneTime(t, link)
			an := a.with("").do("POST", "/auth/one-time-token", `{"oneTimeToken":"`+once+`"}`).is(200).described("OneTimeTokenOut")
			var got struct{ Capabilities []string }
			if err := json.Unmarshal(an.body, &got); err != nil || !slices.Equal(got.Capabilities, c.want) {
				t.Errorf("%s: got %v, want %v", c.body, got.Capabilities, c.want)
			}
		}
	})
}

func TestPortalAccess_RefusesWhatIsWrong(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for body, field := range map[string][]string{
			`{"expiry":3599}`: {"expiry"}, `{"expiry":604801}`: {"expiry"}, `{"expiry":-1}`: {"expiry"}, `{"expiry":9223372036854775807}`: {"expiry"}, `{"expiry":"1h"}`: {"expiry"},
			`{"expiry":1e400}`: {"expiry"}, `{"capabilities":["ViewBase","Everything"]}`: {"capabilities", "[1]"}, `{"capabilities":"ViewBase"}`: {"capabilities"},
			`{"featureFlags":["a b"]}`: {"featureFlags", "[0]"}, `{"featureFlags":[""]}`: {"featureFlags", "[0]"}, `{"sessionId":""}`: {"sessionId"},
			`{"sessionId":"` + strings.Repeat("x", 257) + `"}`: {"sessionId"}, `{"readOnly":"yes"}`: {"readOnly"}, `{"sessionId":"a\u0000"}`: {"sessionId"},
		} {
			a.do("POST", "/auth/app-portal-access/"+app, body).invalid(append([]string{"body"}, field...)...)
		}
		flags, _ := json.Marshal(slices.Repeat([]string{"a"}, 200))
		a.do("POST", "/auth/app-portal-access/"+app, `{"featureFlags":`+string(flags)+`}`).is(200) // one flag, often
		a.do("POST", "/auth/app-portal-access/"+app, `{"expiry":3600,"featureFlags":null,"sessionId":null,"capabilities":null,"application":null}`).is(200)
		a.do("POST", "/auth/app-portal-access/"+app, `{`).is(422)
	})
}

func TestPortalAccess_ARepeatGivesTheSame(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ask := func(key string) string {
			return string(a.do("POST", "/auth/app-portal-access/"+app, "{}", "Idempotency-Key", key).is(200).body)
		}
		first := ask("k")
		if again := ask("k"); again != first {
			t.Errorf("the repeat is another answer")
		}
		if other := ask("l"); other == first {
			t.Error("another key has the same answer")
		}
	})
}

func TestOneTimeToken_IsExchangedOnce(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		once, _ := oneTime(t, a.do("POST", "/auth/app-portal-access/"+app, `{"readOnly":true}`).is(200).text("url"))
		visitor := a.with("")
		body := `{"oneTimeToken":"` + once + `"}`
		var wg sync.WaitGroup
		answers := make([]answer, 20)
		for i := range answers {
			wg.Go(func() { answers[i] = visitor.do("POST", "/auth/one-time-token", body) })
		}
		wg.Wait()
		won := 0
		for _, an := range answers {
			if an.status != 200 {
				an.code(401, "authentication_failed")
				if !strings.Contains(an.text("detail"), "used already") {
					t.Errorf("a loser reads %s", an.body)
				}
				continue
			}
			won++
			if an.text("appId") != app {
				t.Errorf("got %s", an.body)
			}
			session := a.with(an.text("token"))
			session.do("GET", "/app/"+app+"/endpoint", "").is(200)
			session.do("POST", "/app/"+app+"/endpoint", `{"url":"https://x.example"}`).code(403, "insufficient access")
		}
		if won != 1 {
			t.Errorf("%d visitors came in, want one", won)
		}
		visitor.do("POST", "/auth/one-time-token", `{"oneTimeToken":"otp_x"}`).code(401, "authentication_failed")
		visitor.do("POST", "/auth/one-time-token", `{}`).invalid("body", "oneTimeToken")
		visitor.do("POST", "/auth/one-time-token", `{"oneTimeToken":7}`).invalid("body", "oneTimeToken")
		a.with(once).do("GET", "/app/"+app, "").code(401, "authentication_failed")
	})
}

// The key of a repeat is the client's to choose, and the exchange has no credential that would tell one client from another.
func TestOneTimeToken_TheSameIdempotencyKeyGivesNobodyTheSessionOfAnother(t *testing.T) {
	each(t, func(a *api) {
		mine, theirs := a.app("mine"), a.app("theirs")
		exchange := func(app string) (string, string) {
			once, _ := oneTime(t, a.do("POST", "/auth/app-portal-access/"+app, "").is(200).text("url"))
			ask := func() answer {
				return a.with("").do("POST", "/auth/one-time-token", `{"oneTimeToken":"`+once+`"}`, "Idempotency-Key", "1").is(200)
			}
			first, again := ask(), ask()
			if string(first.body) != string(again.body) {
				t.Errorf("the repeat is another answer")
			}
			return first.text("token"), first.text("appId")
		}
		a1, app1 := exchange(mine)
		a2, app2 := exchange(theirs)
		if a1 == a2 || app1 != mine || app2 != theirs {
			t.Errorf("sessions in %s and %s, want %s and %s", app1, app2, mine, theirs)
		}
		a.with("").do("POST", "/auth/one-time-token", `{"oneTimeToken":"otp_unknown"}`, "Idempotency-Key", "1").code(401, "authentication_failed")
	})
}

func TestLogout_EndsTheTokenForTheNextRequest(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		token, other := a.open(app, `{"readOnly":true}`), a.open(app, "")
		a.with(token).do("GET", "/app/"+app, "").is(200)
		if an := a.with(token).do("POST", "/auth/logout", "{}").is(204); len(an.body) != 0 {
			t.Errorf("got a body: %s", an.body)
		}
		a.with(token).do("GET", "/app/"+app, "").code(401, "authentication_failed")
		a.with(token).do("POST", "/auth/logout", "").code(401, "authentication_failed")
		a.with(other).do("GET", "/app/"+app, "").is(200)
		a.do("POST", "/auth/logout", "").code(400, "generic_error")
		a.do("GET", "/app/"+app, "").is(200)
	})
}

func TestExpireAll_EndsTokensForTheNextRequest(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		one, two := a.open(app, `{"sessionId":"1"}`), a.open(app, `{"sessionId":"2"}`)
		path := "/auth/app/" + app + "/expire-all"
		a.do("POST", path, `{"expiry":259200}`).is(204)
		a.do("POST", path, `{"sessionIds":["1","unknown"],"expiry":null}`).is(204)
		a.with(one).do("GET", "/app/"+app, "").code(401, "authentication_failed")
		a.with(two).do("POST", path, "").code(403, "insufficient access")
		a.do("POST", path, "").is(204)
		a.with(two).do("GET", "/app/"+app, "").code(401, "authentication_failed")
		a.do("POST", path, `{"expiry":259201}`).invalid("body", "expiry")
		a.do("POST", path, `{"expiry":-1}`).invalid("body", "expiry")
		a.do("POST", path, `{"sessionIds":["a",""]}`).invalid("body", "sessionIds", "[1]")
		a.do("POST", path, `{"sessionIds":"a"}`).invalid("body", "sessionIds")
		a.do("POST", "/auth/app/none/expire-all", "").code(404, "not_found")
	})
}

func TestPollerToken_IsMadeShownAndRotated(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/auth/app/" + app + "/poller/sink/token"
		a.do("GET", path, "").code(404, "not_found")
		first := a.do("POST", path+"/rotate", "", "Idempotency-Key", "k").is(200).described("ApiTokenOut")
		for _, same := range []answer{a.do("GET", path, ""), a.do("POST", path+"/rotate", "", "Idempotency-Key", "k")} {
			if string(same.is(200).body) != string(first.body) {
				t.Errorf("%s: got %s, want %s", same.what, same.body, first.body)
			}
		}
		if first.json()["expiresAt"] != nil || first.text("name") != "sink" || !strings.HasPrefix(first.text("token"), "sk_poll_") {
			t.Errorf("got %s", first.body)
		}
		second := a.do("POST", path+"/rotate", `{"expiry":60,"oldTokenExpiry":0}`).is(200).described("ApiTokenOut")
		if second.json()["expiresAt"] == nil || second.text("id") == first.text("id") {
			t.Errorf("got %s", second.body)
		}
		a.with(first.text("token")).do("GET", "/app/"+app, "").code(401, "authentication_failed")
		a.with(second.text("token")).do("GET", "/app/"+app, "").code(403, "insufficient access")
		for body, field := range map[string]string{`{"expiry":0}`: "expiry", `{"expiry":31536001}`: "expiry", `{"oldTokenExpiry":86401}`: "oldTokenExpiry", `{"oldTokenExpiry":-1}`: "oldTokenExpiry"} {
			a.do("POST", path+"/rotate", body).invalid("body", field)
		}
		a.do("POST", "/auth/app/"+app+"/poller/a%20b/token/rotate", "").code(404, "not_found")

		view, rotate := a.with(a.open(app, `{"capabilities":["ViewEndpointSecret"]}`)), a.with(a.open(app, `{"capabilities":["ManageEndpointSecret"]}`))
		view.do("GET", path, "").is(200)
		view.do("POST", path+"/rotate", "").code(403, "insufficient access")
		rotate.do("POST", path+"/rotate", "").is(200)
	})
}

// No token may reach a log or an error: whatever happens to requests that bear one, what is written down does not show it.
func TestTokensReachNoLogAndNoError(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	var log bytes.Buffer
	handler := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a.handler = svix.New(svix.Options{Service: a.service, Auth: svix.Tokens(token, a.service), Log: handler})
	app := a.app("a")
	link := a.do("POST", "/auth/app-portal-access/"+app, "").is(200)
	once, _ := oneTime(t, link.text("url"))
	exchanged := a.with("").do("POST", "/auth/one-time-token", `{"oneTimeToken":"`+once+`"}`).is(200).text("token")
	secrets := []string{token, link.text("token"), once, exchanged}
	var said bytes.Buffer
	requests := func() {
		for _, secret := range secrets {
			b := a.with(secret)
			for _, an := range []answer{
				b.do("POST", "/auth/one-time-token", `{"oneTimeToken":"`+secret+`"}`), b.do("POST", "/auth/one-time-token", `{"oneTimeToken":["`+secret+`"]}`),
				b.do("GET", "/app/none", ""), b.do("POST", "/auth/app/"+app+"/expire-all", `{"sessionIds":["`+secret+`","x"],"expiry":-1}`), b.do("GET", "/app/"+app+"/integration/x/key", ""),
				b.do("POST", "/auth/app-portal-access/"+app, `{"capabilities":["`+secret+`"]}`),
			} {
				fmt.Fprintln(&said, an.status, string(an.body), an.header)
			}
		}
	}
	requests()
	if err := a.store.Close(); err != nil {
		t.Fatal(err)
	}
	requests()
	if !strings.Contains(said.String(), "503 ") || log.Len() == 0 {
		t.Errorf("the closed store was not noticed: %s", log.String())
	}
	for i, secret := range secrets {
		if strings.Contains(log.String(), secret) {
			t.Errorf("token %d is in the log", i)
		}
		if strings.Contains(said.String(), secret) {
			t.Errorf("token %d is in an error", i)
		}
	}
}
