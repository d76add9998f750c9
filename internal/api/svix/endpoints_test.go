package svix_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/webhook"
)

func TestEndpointLife(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/endpoint"
		a.types("a.b", "c")
		an := a.do("POST", path, `{"url":"HTTPS://Receiver.Example","uid":"main","description":"d","filterTypes":["a.b","a.b","c"],"channels":["x"],
			"rateLimit":5,"version":3,"metadata":{"k":"v"},"headers":{"X-Mine":"1","Authorization":"Bearer s"}}`).is(201).matches("EndpointOut")
		got := an.json()
		id := got["id"].(string)
		types := []any{"a.b", "c"}
		for name, want := range map[string]any{"url": "https://receiver.example/", "filterTypes": types, "eventTypes": types, "rateLimit": 5.0, "throttleRate": 5.0,
			"version": 3.0, "disabled": false, "channels": []any{"x"}, "uid": "main", "metadata": map[string]any{"k": "v"}} {
			if !cmp.Equal(got[name], want) {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		for _, hidden := range []string{"secret", "headers"} {
			if _, has := got[hidden]; has {
				t.Errorf("%s is shown: %s", hidden, an.body)
			}
		}
		if same := a.do("GET", path+"/main", "").is(200); string(same.body) != string(an.body) {
			t.Errorf("by uid: %s, want %s", same.body, an.body)
		}
		secret := a.do("GET", path+"/"+id+"/secret", "").is(200).text("key")

		p := a.do("PATCH", path+"/"+id, `{"description":"e","eventTypes":null,"rateLimit":null}`).is(200).matches("EndpointOut").json()
		if p["description"] != "e" || p["filterTypes"] != nil || p["throttleRate"] != nil || p["version"] != 3.0 || p["uid"] != "main" {
			t.Errorf("after PATCH: %v", p)
		}
		p = a.do("PUT", path+"/"+id, `{"url":"https://other.example/x?y=1","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`).is(200).matches("EndpointOut").json()
		if p["url"] != "https://other.example/x?y=1" || p["uid"] != nil || p["channels"] != nil || p["version"] != 1.0 || p["description"] != "" || !cmp.Equal(p["metadata"], map[string]any{}) {
			t.Errorf("after PUT: %v", p)
		}
		if now := a.do("GET", path+"/"+id+"/secret", "").is(200).text("key"); now != secret {
			t.Error("PUT has changed the secret")
		}
		if h := a.do("GET", path+"/"+id+"/headers", "").is(200).json()["headers"]; !cmp.Equal(h, map[string]any{"X-Mine": "1"}) {
			t.Errorf("PUT has changed the headers: %v", h)
		}

		a.do("DELETE", path+"/"+id, "").is(204)
		a.do("GET", path+"/"+id, "").code(404, "not_found")
		a.do("PATCH", path+"/"+id, `{}`).code(404, "not_found")
		a.do("PUT", path+"/named", `{"url":"https://x.example","uid":"main"}`).is(201)
		a.do("POST", path, `{"url":"https://x.example","uid":"main"}`).code(409, "conflict")
	})
}

func TestSpellingsOfTheFilter(t *testing.T) {
	each(t, func(a *api) {
		path := "/app/" + a.app("a") + "/endpoint"
		a.types("new", "x")
		got := a.do("POST", path, `{"url":"https://x.example","filterTypes":["old"],"eventTypes":["new"],"rateLimit":1,"throttleRate":2}`).is(201).json()
		if !cmp.Equal(got["filterTypes"], []any{"new"}) || got["rateLimit"] != 2.0 {
			t.Errorf("the newer spelling does not win: %v", got)
		}
		a.do("POST", path, `{"url":"https://x.example","filterTypes":[]}`).invalid("body", "filterTypes")
		a.do("POST", path, `{"url":"https://x.example","eventTypes":[]}`).invalid("body", "eventTypes")
		a.do("POST", path, `{"url":"https://x.example","eventTypes":["ok","a b"]}`).invalid("body", "eventTypes", "[1]")
		got = a.do("PATCH", path+"/"+got["id"].(string), `{"filterTypes":["x"]}`).is(200).json()
		if !cmp.Equal(got["eventTypes"], []any{"x"}) {
			t.Errorf("PATCH by the old spelling: %v", got)
		}
		a.do("PATCH", path+"/"+got["id"].(string), `{"eventTypes":[]}`).invalid("body", "eventTypes")
	})
}

func TestEndpointFieldsAreChecked(t *testing.T) {
	each(t, func(a *api) {
		path := "/app/" + a.app("a") + "/endpoint"
		for body, field := range map[string]string{
			`{}`:                        "url",
			`{"url":"ftp://x.example"}`: "url",
			`{"url":"nowhere"}`:         "url",
			`{"url":"https://x/y z"}`:   "url",
			`{"url":"https://` + strings.Repeat("x", 65536) + `"}`:                                 "url",
			`{"url":"https://x.example","uid":"ep_x"}`:                                             "uid",
			`{"url":"https://x.example","channels":[]}`:                                            "channels",
			`{"url":"https://x.example","channels":["a","b","c","d","e","f","g","h","i","j","k"]}`: "channels",
			`{"url":"https://x.example","version":0}`:                                              "version",
			`{"url":"https://x.example","secret":"whsec_short"}`:                                   "secret",
		} {
			a.do("POST", path, body).invalid("body", field)
		}
		// Two mistakes are told at once.
		an := a.do("POST", path, `{"url":"x","uid":"a b","throttleRate":0}`)
		an.invalid("body", "url")
		an.invalid("body", "uid")
		an.invalid("body", "throttleRate")
		id := a.endpoint(strings.Split(path, "/")[2], "")
		a.do("PATCH", path+"/"+id, `{"url":null}`).invalid("body", "url")
		// A private address is a matter for the time of sending.
		a.do("POST", path, `{"url":"http://127.0.0.1:9/x"}`).is(201)
	})
}

func TestEndpointListPages(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		var ids []string
		for range 5 {
			ids = append(ids, a.endpoint(app, ""))
		}
		slices.Reverse(ids)
		path := "/app/" + app + "/endpoint"
		if diff := cmp.Diff(ids, a.do("GET", path, "").matches("ListResponse_EndpointOut_").rows()); diff != "" {
			t.Errorf("descending by default: %s", diff)
		}
		forth, back := walk(a, path, "2")
		if diff := cmp.Diff(ids, forth); diff != "" {
			t.Errorf("forward: %s", diff)
		}
		if diff := cmp.Diff(ids[:4], back); diff != "" {
			t.Errorf("backward: %s", diff)
		}
		slices.Reverse(ids)
		if diff := cmp.Diff(ids, a.do("GET", path+"?order=ascending", "").rows()); diff != "" {
			t.Errorf("ascending: %s", diff)
		}
	})
}

// secrets are the texts of an endpoint's secrets, newest first.
func (a *api) secrets(app, ep string) []hookswitch.EndpointSecret {
	a.t.Helper()
	e, err := a.service.Endpoint(context.Background(), a.key(hookswitch.KindApp, app), ep)
	if err != nil {
		a.t.Fatal(err)
	}
	return e.Secrets
}

func TestSecretRotation(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		key := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		ep := a.endpoint(app, `,"secret":"`+key+`"`)
		path := "/app/" + app + "/endpoint/" + ep + "/secret"
		if got := a.do("GET", path, "").is(200).matches("EndpointSecretOut").text("key"); got != key {
			t.Errorf("the secret given is not the one shown: %s", got)
		}
		before := time.Now()
		a.do("POST", path+"/rotate", "").is(204)
		if got := a.do("GET", path, "").text("key"); got == key || !strings.HasPrefix(got, "whsec_") {
			t.Errorf("after rotation the secret is %s", got)
		}
		list := a.secrets(app, ep)
		if len(list) != 2 || list[1].Secret.Reveal() != key {
			t.Fatalf("%d secrets", len(list))
		}
		if left := list[1].ExpiresAt.Sub(before); left < 24*time.Hour-time.Second || left > 24*time.Hour+time.Minute {
			t.Errorf("the old secret signs for %v more", left)
		}
		// A key of the caller's own, without its prefix, and no grace: the replaced one is gone at once, older ones keep theirs.
		a.do("POST", path+"/rotate", `{"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYX","gracePeriodSeconds":0}`).is(204)
		list = a.secrets(app, ep)
		if len(list) != 2 || list[0].Secret.Reveal() != "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX" || list[1].Secret.Reveal() != key {
			t.Errorf("%d secrets after a rotation without grace", len(list))
		}
		if an := a.do("POST", path+"/rotate", "", "User-Agent", "svix-libs/2.6.2/ruby"); an.status != 204 || len(an.body) != 0 {
			t.Errorf("an older library got %d: %s", an.status, an.body)
		}
		told := a.do("POST", path+"/rotate", "", "User-Agent", "svix-libs/2.7.0/ruby").is(200).described("EndpointSecretOut").text("key")
		if shown := a.do("GET", path, "").text("key"); told != shown {
			t.Errorf("a newer library was told %q, the secret is %q", told, shown)
		}
		a.do("POST", path+"/rotate", `{"gracePeriodSeconds":-1}`).invalid("body", "gracePeriodSeconds")
		a.do("POST", path+"/rotate", `{"gracePeriodSeconds":604801}`).invalid("body", "gracePeriodSeconds")
		a.do("POST", path+"/rotate", `{"key":"whsec_x"}`).invalid("body", "key")
	})
}

func TestTheEleventhOldSecretIsRefused(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		path := "/app/" + app + "/endpoint/" + ep + "/secret/rotate"
		for range 10 {
			a.do("POST", path, `{}`).is(204)
		}
		a.do("POST", path, `{}`).code(400, "limit_reached")
		if n := len(a.secrets(app, ep)); n != 11 {
			t.Errorf("%d secrets, want 11", n)
		}
	})
}

func TestARotationThatIsRetriedRotatesOnce(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		path := "/app/" + app + "/endpoint/" + ep + "/secret/rotate"
		a.do("POST", path, `{}`, "Idempotency-Key", "k").is(204)
		a.do("POST", path, `{}`, "Idempotency-Key", "k").is(204)
		if n := len(a.secrets(app, ep)); n != 2 {
			t.Errorf("%d secrets, want 2", n)
		}
	})
}

func TestAKeyPairShowsItsPublicHalfOnly(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		pair := webhook.NewSigningKey()
		ep := a.endpoint(app, fmt.Sprintf(`,"secret":%q`, pair.Reveal()))
		path := "/app/" + app + "/endpoint/" + ep + "/secret"
		if got := a.do("GET", path, "").is(200).text("key"); got != pair.Public() || !strings.HasPrefix(got, "whpk_") {
			t.Errorf("shown: %s", got)
		}
		a.do("POST", path+"/rotate", `{}`).is(204)
		if got := a.do("GET", path, "").is(200).text("key"); got == pair.Public() || !strings.HasPrefix(got, "whpk_") {
			t.Errorf("after rotation: %s", got)
		}
		a.do("POST", "/app/"+app+"/endpoint", fmt.Sprintf(`{"url":"https://x.example","secret":%q}`, pair.Public())).invalid("body", "secret")
		for _, n := range []int{24, 75} {
			a.endpoint(app, `,"secret":"whsec_`+base64.StdEncoding.EncodeToString(make([]byte, n))+`"`)
		}
		a.do("POST", "/app/"+app+"/endpoint", `{"url":"https://x.example","secret":"whsec_`+base64.StdEncoding.EncodeToString(make([]byte, 76))+`"}`).invalid("body", "secret")
	})
}

func TestEndpointHeaders(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		path := "/app/" + app + "/endpoint/" + ep + "/headers"
		want := func(when string, headers map[string]any, sensitive ...any) {
			t.Helper()
			v := a.do("GET", path, "").is(200).matches("EndpointHeadersOut").json()
			if sensitive == nil {
				sensitive = []any{}
			}
			if diff := cmp.Diff(map[string]any{"headers": headers, "sensitive": sensitive}, v); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		want("at first", map[string]any{})
		if an := a.do("PUT", path, `{"headers":{"X-One":"1","x-TWO":"2","Authorization":"Bearer s","X-API-Key":"k"}}`).is(204); len(an.body) != 0 {
			t.Errorf("204 with the body %q", an.body)
		}
		want("after PUT", map[string]any{"X-One": "1", "x-TWO": "2"}, "Authorization", "X-API-Key")
		a.do("PATCH", path, `{"headers":{"x-one":"3","X-Two":null},"deleteHeaders":["authorization","unknown"]}`).is(204)
		want("after PATCH", map[string]any{"x-one": "3"}, "X-API-Key")
		a.do("PATCH", path, `{"deleteHeaders":["X-One"]}`).is(204)
		want("after deleting", map[string]any{}, "X-API-Key")
		a.do("PUT", path, `{"headers":{}}`).is(204)
		want("after an empty PUT", map[string]any{})
		a.do("PUT", path, `{}`).invalid("body", "headers")
		for _, name := range []string{"User-Agent", "Content-Type", "svix-id", "X-Amz-Date", "Transfer-Encoding", "X Y"} {
			a.do("PUT", path, fmt.Sprintf(`{"headers":{%q:"v"}}`, name)).invalid("body", "headers", name)
		}
		a.do("PUT", path, `{"headers":{"X-Long":"`+strings.Repeat("x", 4097)+`"}}`).invalid("body", "headers", "X-Long")
		a.do("PUT", path, `{"headers":{"X-Lines":"a\r\nb"}}`).invalid("body", "headers", "X-Lines")
		a.do("PATCH", path, `{"headers":{"Host":"v"}}`).invalid("body", "headers", "Host")
	})
}

func TestEndpointStats(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		for i := range 3 {
			msg := a.message(app, "")
			if i < 2 {
				a.try(app, ep, msg, 0)
			} else {
				a.try(app, ep, msg, 1)
			}
		}
		path := "/app/" + app + "/endpoint/" + ep + "/stats"
		got := a.do("GET", path, "").is(200).matches("EndpointStats").json()
		want := map[string]any{"success": 2.0, "fail": 1.0, "pending": 0.0, "sending": 0.0, "canceled": 0.0}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339Nano) }
		const day = 24 * time.Hour
		a.do("GET", path+query("since", at(-28*day-time.Minute)), "").is(200)
		a.do("GET", path+query("since", at(-28*day-time.Hour)), "").code(400, "invalid_range")
		a.do("GET", path+query("until", at(time.Hour)), "").code(400, "invalid_range")
		a.do("GET", path+query("since", at(-time.Hour), "until", at(-2*time.Hour)), "").code(400, "invalid_range")
		a.do("GET", path+"?since=yesterday", "").code(400, "generic_error")
		v := a.do("GET", path+query("since", at(-20*day), "until", at(-10*day)), "").is(200).json()
		if v["success"] != 0.0 {
			t.Errorf("counted outside of the range: %v", v)
		}
		newer := strings.TrimSuffix(path, "stats") + "attempt-stats"
		want = map[string]any{"success": 2.0, "fail": 1.0, "canceled": 0.0}
		if diff := cmp.Diff(want, a.do("GET", newer, "").is(200).described("EndpointAttemptStats").json()); diff != "" {
			t.Error(diff)
		}
		a.do("GET", newer+query("until", at(time.Hour)), "").code(400, "invalid_range")
	})
}
