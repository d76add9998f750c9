package svix_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// row is the row of a list with the id.
func (an answer) row(id string) map[string]any {
	an.t.Helper()
	for _, r := range an.is(200).json()["data"].([]any) {
		if r.(map[string]any)["id"] == id {
			return r.(map[string]any)
		}
	}
	an.t.Fatalf("%s: no row %s in %s", an.what, id, an.body)
	return nil
}

func TestTagsFilterEveryListOfMessagesAndAttempts(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		path := "/app/" + app + "/msg"
		red := a.do("POST", path, `{"eventType":"x","payload":{},"tags":["red","a/b\\c#d","red"]}`).is(202).matches("MessageOut")
		if got := red.json()["tags"]; !cmp.Equal(got, []any{"red", `a/b\c#d`}) {
			t.Errorf("tags %v", got)
		}
		id := red.text("id")
		plain, reddish := a.message(app, ""), a.message(app, `,"tags":["redder"],"channels":["red"]`)
		if v := a.do("GET", path+"/"+plain, "").is(200).json(); v["tags"] != nil || v["deliverAt"] != nil {
			t.Errorf("a plain message shows %v", v)
		}
		at := a.try(app, ep, id, store.Done)
		a.try(app, ep, plain, store.Done)
		a.try(app, ep, reddish, store.Retry)
		for _, c := range []struct{ path, want string }{
			{path, id}, {"/app/" + app + "/endpoint/" + ep + "/msg", id}, {"/app/" + app + "/attempt/endpoint/" + ep, at}, {"/app/" + app + "/attempt/msg/" + id, at},
		} {
			for _, tag := range []string{"red", `a/b\c#d`} {
				if diff := cmp.Diff([]string{c.want}, a.do("GET", c.path+query("tag", tag), "").rows()); diff != "" {
					t.Errorf("%s with %s: %s", c.path, tag, diff)
				}
			}
			for _, tag := range []string{"RED", "re", "a/b", "r_d", "redderer"} {
				if rows := a.do("GET", c.path+query("tag", tag), "").rows(); len(rows) != 0 {
					t.Errorf("%s with %s: %v", c.path, tag, rows)
				}
			}
			a.do("GET", c.path+query("tag", "a b"), "").invalid("query", "tag")
			a.do("GET", c.path+query("tag", strings.Repeat("x", 129)), "").invalid("query", "tag")
		}
		got := a.do("GET", "/app/"+app+"/endpoint/"+ep+"/msg", "").described("ListOfEndpointMessageOut").row(id)
		if !cmp.Equal(got["tags"], []any{"red", `a/b\c#d`}) {
			t.Errorf("attempted message shows %v", got)
		}
	})
}

func TestDeferredMessages(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		at := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		an := a.do("POST", "/app/"+app+"/msg", fmt.Sprintf(`{"eventType":"x","payload":{},"deliverAt":%q}`, at.In(time.FixedZone("", 7200)).Format(time.RFC3339Nano))).is(202).matches("MessageOut")
		shown := at.Format("2006-01-02T15:04:05.000000Z")
		id := an.text("id")
		for _, an := range []answer{an, a.do("GET", "/app/"+app+"/msg/"+id, "").is(200)} {
			if got := an.text("deliverAt"); got != shown {
				t.Errorf("%s: deliverAt %s, want %s", an.what, got, shown)
			}
		}
		row := a.do("GET", "/app/"+app+"/msg/"+id+"/endpoint", "").row(ep)
		if row["statusText"] != "sending" || row["nextAttempt"] != shown {
			t.Errorf("destination %v", row)
		}
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		if row := a.do("GET", "/app/"+app+"/msg/"+id+"/endpoint?expanded_statuses=true", "").row(ep); row["statusText"] != "canceled" || row["nextAttempt"] != nil {
			t.Errorf("after disabling: %v", row)
		}
	})
}

func TestRawPayloadOfAMessage(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for _, payload := range []string{`{ "n" : 1.10,"s":"<&> é\u0041" }`, `{}`} {
			id := a.do("POST", "/app/"+app+"/msg", `{"eventType":"x","payload":`+payload+`}`).is(202).text("id")
			if got := a.do("GET", "/app/"+app+"/msg/"+id+"/raw", "").is(200).described("MessageRawPayloadOut").text("payload"); got != payload {
				t.Errorf("raw %q, want %q", got, payload)
			}
		}
		a.do("GET", "/app/"+app+"/msg/none/raw", "").code(404, "not_found")
	})
}

func TestExpungingAMessage(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep, waits := a.endpoint(app, ""), a.endpoint(app, "")
		id := a.message(app, `,"eventId":"e"`)
		path := "/app/" + app + "/msg/e"
		at := a.try(app, ep, id, store.Retry)
		other := a.message(app, "")
		a.try(app, ep, other, store.Done)
		portal := a.with("portal_" + app)
		portal.do("DELETE", path+"/content", "").code(403, "insufficient access")
		a.do("DELETE", "/app/"+app+"/msg/none/content", "").code(404, "not_found")
		for range 2 { // it is gone already, the second time
			if an := a.do("DELETE", path+"/content", "").is(204); len(an.body) != 0 {
				t.Errorf("body %q", an.body)
			}
		}
		for _, an := range []answer{a.do("GET", path, "").is(200).matches("MessageOut"), a.do("GET", path+"?with_content=true", "").is(200)} {
			if got := an.json()["payload"]; !cmp.Equal(got, map[string]any{"expired": true}) {
				t.Errorf("payload %v", got)
			}
		}
		if got := a.do("GET", path+"?with_content=false", "").is(200).json()["payload"]; !cmp.Equal(got, map[string]any{}) {
			t.Errorf("hidden payload %v", got)
		}
		a.do("GET", path+"/raw", "").code(400, "missing_payload")
		a.do("POST", path+"/endpoint/"+ep+"/resend", "").code(400, "missing_payload")
		if got := a.do("GET", path+"/attempt/"+at, "").is(200).matches("MessageAttemptOut").text("response"); got != "EXPUNGED" {
			t.Errorf("response %q", got)
		}
		want := map[string]string{ep: "canceled", waits: "canceled"}
		if diff := cmp.Diff(want, states(a.do("GET", path+"/endpoint?expanded_statuses=true", ""))); diff != "" {
			t.Errorf("what waited: %s", diff)
		}
		// Another message is as it was.
		if got := states(a.do("GET", "/app/"+app+"/msg/"+other+"/endpoint", "")); got[ep] != "success" || got[waits] != "sending next" {
			t.Errorf("another message: %v", got)
		}
		if got := a.do("GET", "/app/"+app+"/msg/"+other, "").json()["payload"]; !cmp.Equal(got, map[string]any{"n": 1.0}) {
			t.Errorf("another message: %v", got)
		}
	})
}

func TestExpungingManyMessages(t *testing.T) {
	each(t, func(a *api) {
		app, foreign := a.app("a"), a.app("b")
		one, two, theirs := a.message(app, `,"eventId":"one"`), a.message(app, ""), a.message(foreign, "")
		path := "/app/" + app + "/msg/bulk-expunge"
		an := a.do("POST", path, fmt.Sprintf(`{"ids":["one",%q,%q,"none","a b",%q]}`, two, theirs, two), "Idempotency-Key", "k").is(200).described("BulkExpungeOut")
		want := map[string]any{"one": "expunged", two: "expunged", theirs: "not-found", "none": "not-found", "a b": "not-found"}
		if diff := cmp.Diff(want, an.json()["results"]); diff != "" {
			t.Error(diff)
		}
		for app, ids := range map[string]map[string]any{app: {one: map[string]any{"expired": true}, two: map[string]any{"expired": true}}, foreign: {theirs: map[string]any{"n": 1.0}}} {
			for id, want := range ids {
				if got := a.do("GET", "/app/"+app+"/msg/"+id, "").json()["payload"]; !cmp.Equal(got, want) {
					t.Errorf("%s: payload %v", id, got)
				}
			}
		}
		for _, body := range []string{"", "{}", `{"ids":[]}`, `{"ids":null}`} {
			if got := a.do("POST", path, body).is(200).json()["results"]; !cmp.Equal(got, map[string]any{}) {
				t.Errorf("%s: %v", body, got)
			}
		}
		a.do("POST", path, `{"ids":["x"`+strings.Repeat(`,"x"`, 1000)+`]}`).invalid("body", "ids")
		a.do("POST", path, `{"ids":"x"}`).invalid("body", "ids")
		a.with("portal_"+app).do("POST", path, "{}").code(403, "insufficient access")
	})
}

func TestExpungingAnAttempt(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, "")
		at := a.try(app, ep, msg, store.Retry)
		path := "/app/" + app + "/msg/" + msg + "/attempt/" + at
		a.with("portal_"+app).do("DELETE", path+"/content", "").code(403, "insufficient access")
		a.do("DELETE", "/app/"+app+"/msg/"+a.message(app, "")+"/attempt/"+at+"/content", "").code(404, "not_found")
		a.do("DELETE", "/app/"+app+"/msg/"+msg+"/attempt/none/content", "").code(404, "not_found")
		a.do("DELETE", path+"/content", "").is(204)
		if got := a.do("GET", path, "").is(200).text("response"); got != "EXPUNGED" {
			t.Errorf("response %q", got)
		}
		if got := a.do("GET", "/app/"+app+"/attempt/endpoint/"+ep+"?with_content=false", "").row(at)["response"]; got != "{}" {
			t.Errorf("hidden response %q", got)
		}
		if got := a.do("GET", "/app/"+app+"/msg/"+msg, "").json()["payload"]; !cmp.Equal(got, map[string]any{"n": 1.0}) {
			t.Errorf("the message's payload: %v", got)
		}
	})
}

func TestPrecheck(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/msg/precheck/active"
		check := func(body string, want bool) {
			t.Helper()
			if got := a.do("POST", path, body).is(200).described("MessagePrecheckOut").json()["active"]; got != want {
				t.Errorf("%s: active %v, want %v", body, got, want)
			}
		}
		check(`{"eventType":"x"}`, false)
		ep := a.endpoint(app, `,"eventTypes":["x"]`)
		check(`{"eventType":"x"}`, true)
		check(`{"eventType":"y"}`, false)
		a.endpoint(app, `,"channels":["c"]`)
		check(`{"eventType":"y","channels":["c","d"]}`, true)
		check(`{"eventType":"y","channels":["d"]}`, false)
		check(`{"eventType":"y","channels":null}`, false)
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		check(`{"eventType":"x"}`, false)
		a.do("POST", path, "{}").invalid("body", "eventType")
		a.do("POST", path, `{"eventType":"x","channels":["a b"]}`).invalid("body", "channels", "[0]")
		a.do("POST", path, `{"eventType":"x","channels":[]}`).invalid("body", "channels")
		a.with("portal_"+app).do("POST", path, "{}").code(403, "insufficient access")
	})
}

func TestAttemptsWithTheirMessages(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, `,"eventId":"e","channels":["c"],"tags":["t"]`)
		at := a.try(app, ep, msg, store.Done)
		for _, path := range []string{"/app/" + app + "/attempt/endpoint/" + ep, "/app/" + app + "/attempt/msg/" + msg} {
			got := a.do("GET", path+"?with_msg=true", "").described("ListOfMessageAttemptOut").row(at)["msg"].(map[string]any)
			want := map[string]any{"id": msg, "eventId": "e", "eventType": "user.signup", "channels": []any{"c"}, "tags": []any{"t"}, "payload": map[string]any{}, "timestamp": got["timestamp"]}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
			if row := a.do("GET", path, "").row(at); row["msg"] != nil {
				t.Errorf("%s shows %v unasked", path, row["msg"])
			}
			a.do("GET", path+"?with_msg=1", "").code(400, "generic_error")
			a.do("GET", path+"?expanded_statuses=maybe", "").code(400, "generic_error")
		}
	})
}

func TestAttemptsAreCounted(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep, other := a.endpoint(app, ""), a.endpoint(app, "")
		for i := range 5 {
			msg := a.message(app, fmt.Sprintf(`,"tags":["n%d"]`, i%2))
			a.try(app, ep, msg, []store.Verdict{store.Done, store.Retry}[i%2])
			a.try(app, other, msg, store.Done)
		}
		path := "/app/" + app + "/attempt/endpoint/" + ep + "/count"
		for q, want := range map[string]float64{"": 5, "?status=0": 3, "?status=2": 2, "?status=3": 0, "?status_code_class=500": 2, "?status_code_class=400": 0, "?tag=n0": 3, "?event_types=user.signup": 5,
			"?event_types=none": 0, "?channel=c": 0, query("after", time.Now().Add(time.Hour).Format(time.RFC3339)): 0, query("before", time.Now().Add(-time.Hour).Format(time.RFC3339)): 0} {
			if got := a.do("GET", path+q, "").is(200).described("CountOut").json(); got["count"] != want || got["approximated"] != false {
				t.Errorf("%s: %v, want %v", q, got, want)
			}
		}
		a.do("GET", path+"?status=9", "").invalid("query", "status")
	})
}

func TestAttemptHeaders(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, `,"headers":{"X-Own":"1","Authorization":"Bearer x"}`)
		msg := a.message(app, "")
		failed := a.try(app, ep, msg, store.Retry, func(at *hookswitch.Attempt) { at.Headers = []byte("Content-Type: text/plain\nX-Two: a: b\n") })
		path := "/app/" + app + "/msg/" + msg + "/attempt/"
		want := map[string]any{"sentHeaders": map[string]any{"content-type": "application/json", "svix-id": msg, "webhook-id": msg, "X-Own": "1"},
			"responseHeaders": []any{[]any{"Content-Type", "text/plain"}, []any{"X-Two", "a: b"}}, "sensitive": []any{"Authorization"}}
		if diff := cmp.Diff(want, a.do("GET", path+failed+"/headers", "").is(200).described("MessageAttemptHeadersOut").json()); diff != "" {
			t.Error(diff)
		}
		// Those of a deleted endpoint are still known.
		a.do("DELETE", "/app/"+app+"/endpoint/"+ep, "").is(204)
		a.do("GET", path+failed+"/headers", "").is(200)
		a.do("GET", path+"none/headers", "").code(404, "not_found")
	})
}

func TestPayloadsAreRemovedWhenTheirTimeHasCome(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for body, want := range map[string]time.Duration{`,"payloadRetentionHours":2`: 2 * time.Hour, `,"payloadRetentionPeriod":1`: 24 * time.Hour, "": 0} {
			id := a.message(app, body)
			ev, err := a.service.EventByKey(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, id))
			if err != nil {
				t.Fatal(err)
			}
			if want == 0 {
				if !ev.ExpiresAt.IsZero() {
					t.Errorf("a plain message's payload is removed at %s", ev.ExpiresAt)
				}
			} else if off := ev.ExpiresAt.Sub(ev.CreatedAt()) - want; off.Abs() > time.Minute {
				t.Errorf("%s: removed after %s", body, ev.ExpiresAt.Sub(ev.CreatedAt()))
			}
		}
	})
}
