package svix_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// insert stores an event that is owed to nobody.
func (a *api) insert(ev *hookswitch.Event) {
	a.t.Helper()
	if err := a.store.Update(context.Background(), func(tx *store.Tx) error { return tx.Append([]*hookswitch.Event{ev}, nil) }); err != nil {
		a.t.Fatal(err)
	}
}

func TestAttemptShape(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, `,"eventId":"e"`)
		failed := a.try(app, ep, msg, store.Retry)
		path := "/app/" + app + "/msg/e/attempt/" + failed
		got := a.do("GET", path, "").is(200).matches("MessageAttemptOut").json()
		want := map[string]any{"id": failed, "msgId": msg, "endpointId": ep, "url": "https://receiver.example/hook", "response": "went wrong", "responseStatusCode": 500.0,
			"responseDurationMs": 1234.0, "status": 2.0, "statusText": "fail", "triggerType": 0.0, "timestamp": got["timestamp"]}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if !stamp.MatchString(got["timestamp"].(string)) {
			t.Errorf("timestamp %v", got["timestamp"])
		}
		a.do("GET", "/app/"+app+"/msg/e/attempt/atmpt_1srOrx2ZWZBpBUvZwXKQmoEYga2", "").code(404, "not_found")
		a.do("GET", "/app/"+app+"/msg/"+a.message(app, "")+"/attempt/"+failed, "").code(404, "not_found")
	})
}

func TestAttemptAnswersAsText(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		long := strings.Repeat("x", 19_999) + "é and more"
		binary := "\xff\xfe\x00"
		for _, c := range []struct{ answer, want string }{
			{"", ""}, {"<&>\u2028", "<&>\u2028"}, {long, long[:19_999]}, {binary, base64.StdEncoding.EncodeToString([]byte(binary))},
		} {
			id := a.try(app, ep, a.message(app, ""), store.Done, func(at *hookswitch.Attempt) { at.Answer = []byte(c.answer) })
			rows := a.do("GET", "/app/"+app+"/attempt/endpoint/"+ep+"?limit=1", "").is(200).json()["data"].([]any)
			row := rows[0].(map[string]any)
			if row["id"] != id || row["response"] != c.want {
				t.Errorf("answer %.20q is shown as %.20q", c.answer, row["response"])
			}
		}
		row := a.do("GET", "/app/"+app+"/attempt/endpoint/"+ep+"?with_content=false", "").json()["data"].([]any)[0].(map[string]any)
		if row["response"] != "{}" {
			t.Errorf("hidden answer reads %q", row["response"])
		}
	})
}

func TestAttemptLists(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep, other := a.endpoint(app, `,"uid":"first"`), a.endpoint(app, "")
		m1, m2 := a.message(app, `,"channels":["c"]`), a.do("POST", "/app/"+app+"/msg", `{"eventType":"user.gone","payload":{}}`).is(202).text("id")
		at1 := a.try(app, ep, m1, store.Retry)
		at2 := a.try(app, ep, m2, store.Done)
		at3 := a.try(app, other, m1, store.Exhausted, func(at *hookswitch.Attempt) { at.Code, at.Manual = 0, true })

		byEndpoint, byMessage := "/app/"+app+"/attempt/endpoint/"+ep, "/app/"+app+"/attempt/msg/"+m1
		for _, c := range []struct {
			path string
			want []string
		}{
			{byEndpoint, []string{at2, at1}},
			{"/app/" + app + "/attempt/endpoint/first", []string{at2, at1}},
			{byEndpoint + "?status=0", []string{at2}},
			{byEndpoint + "?status=2", []string{at1}},
			{byEndpoint + "?status=1", []string{}},
			{byEndpoint + "?status=3", []string{}},
			{byEndpoint + "?status=4&expanded_statuses=true", []string{}},
			{byEndpoint + "?status_code_class=500", []string{at1}},
			{byEndpoint + "?status_code_class=400", []string{}},
			{byEndpoint + "?channel=c", []string{at1}},
			{byEndpoint + "?event_types=user.gone", []string{at2}},
			{byMessage, []string{at3, at1}},
			{byMessage + "?endpoint_id=" + other, []string{at3}},
			{byMessage + "?endpoint_id=first", []string{at1}},
			{byMessage + "?status_code_class=0", []string{at3}},
			{"/app/" + app + "/msg/" + m1 + "/attempt", []string{at3, at1}},
			{"/app/" + app + "/msg/" + m1 + "/endpoint/" + ep + "/attempt", []string{at1}},
			{byEndpoint + query("after", time.Now().Add(time.Hour).Format(time.RFC3339)), []string{}},
			{byEndpoint + query("before", time.Now().Add(time.Hour).Format(time.RFC3339)), []string{at2, at1}},
		} {
			if diff := cmp.Diff(c.want, a.do("GET", c.path, "").is(200).matches("ListResponse_MessageAttemptOut_").rows()); diff != "" {
				t.Errorf("%s: %s", c.path, diff)
			}
		}
		forth, back := walk(a, byEndpoint, "1")
		if !cmp.Equal(forth, []string{at2, at1}) || !cmp.Equal(back, []string{at2}) {
			t.Errorf("forward %v, backward %v", forth, back)
		}
		row := a.do("GET", byMessage+"?limit=1", "").json()["data"].([]any)[0].(map[string]any)
		if row["triggerType"] != 1.0 || row["responseStatusCode"] != 0.0 {
			t.Errorf("%v", row)
		}
		a.do("GET", byEndpoint+"?status=7", "").invalid("query", "status")
		a.do("GET", byEndpoint+"?status_code_class=250", "").invalid("query", "status_code_class")
		a.do("GET", byMessage+"?endpoint_id=nobody", "").code(404, "not_found")
		// The attempts of a deleted endpoint are still there.
		a.do("DELETE", "/app/"+app+"/endpoint/"+other, "").is(204)
		if diff := cmp.Diff([]string{at3}, a.do("GET", byMessage+"?endpoint_id="+other, "").rows()); diff != "" {
			t.Error(diff)
		}
	})
}

// states are the statuses by id of a list's rows, and whether a next attempt is due.
func states(an answer) map[string]string {
	an.t.Helper()
	out := map[string]string{}
	for _, row := range an.is(200).json()["data"].([]any) {
		v := row.(map[string]any)
		text := v["statusText"].(string)
		if v["nextAttempt"] != nil {
			text += " next"
		}
		out[v["id"].(string)] = text
	}
	return out
}

func TestAttemptedDestinations(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ok, retry, dead, untried := a.endpoint(app, ""), a.endpoint(app, ""), a.endpoint(app, ""), a.endpoint(app, "")
		a.endpoint(app, `,"disabled":true`)        // held: it got nothing
		a.endpoint(app, `,"eventTypes":["other"]`) // does not match
		msg := a.message(app, "")
		a.try(app, ok, msg, store.Done)
		a.try(app, retry, msg, store.Retry)
		a.try(app, dead, msg, store.Exhausted)
		path := "/app/" + app + "/msg/" + msg + "/endpoint"
		an := a.do("GET", path, "").is(200).matches("ListResponse_MessageEndpointOut_")
		if diff := cmp.Diff([]string{ok, retry, dead, untried}, an.rows()); diff != "" {
			t.Errorf("ascending by id: %s", diff)
		}
		want := map[string]string{ok: "success", retry: "sending next", dead: "fail", untried: "sending next"}
		if diff := cmp.Diff(want, states(an)); diff != "" {
			t.Error(diff)
		}
		if v := an.json()["data"].([]any)[0].(map[string]any); v["version"] != 1.0 || v["status"] != 0.0 {
			t.Errorf("%v", v)
		}
		forth, back := walk(a, path, "3")
		if !cmp.Equal(forth, []string{ok, retry, dead, untried}) || !cmp.Equal(back, []string{ok, retry, dead}) {
			t.Errorf("forward %v, backward %v", forth, back)
		}
		// Disabling and deleting end what is pending. Only those who ask are told canceled.
		a.do("PATCH", "/app/"+app+"/endpoint/"+retry, `{"disabled":true}`).is(200)
		a.do("DELETE", "/app/"+app+"/endpoint/"+untried, "").is(204)
		want[retry], want[untried] = "fail", "fail"
		if diff := cmp.Diff(want, states(a.do("GET", path, ""))); diff != "" {
			t.Error(diff)
		}
		want[retry], want[untried] = "canceled", "canceled"
		if diff := cmp.Diff(want, states(a.do("GET", path+"?expanded_statuses=true", ""))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAttemptedMessages(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		other := a.endpoint(app, "")
		var msgs []string
		for range 4 {
			msgs = append(msgs, a.message(app, ""))
		}
		a.try(app, ep, msgs[0], store.Done)
		a.try(app, ep, msgs[1], store.Retry)
		a.try(app, ep, msgs[2], store.Exhausted)
		a.try(app, other, msgs[3], store.Done) // not tried at ep
		path := "/app/" + app + "/endpoint/" + ep + "/msg"
		an := a.do("GET", path, "").is(200).matches("ListResponse_EndpointMessageOut_")
		if diff := cmp.Diff([]string{msgs[2], msgs[1], msgs[0]}, an.rows()); diff != "" {
			t.Errorf("newest first: %s", diff)
		}
		if diff := cmp.Diff(map[string]string{msgs[0]: "success", msgs[1]: "sending next", msgs[2]: "fail"}, states(an)); diff != "" {
			t.Error(diff)
		}
		filter := func(q string, want ...string) {
			t.Helper()
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, a.do("GET", path+q, "").rows()); diff != "" {
				t.Errorf("%s: %s", q, diff)
			}
		}
		filter("?status=0", msgs[0])
		filter("?status=1")
		filter("?status=2", msgs[2])
		filter("?status=3", msgs[1])
		filter("?status=4")
		filter("?event_types=user.signup&status=2", msgs[2])
		filter("?event_types=nothing")
		filter("?status=0&event_types=nothing")
		forth, back := walk(a, path, "2")
		if !cmp.Equal(forth, []string{msgs[2], msgs[1], msgs[0]}) || !cmp.Equal(back, []string{msgs[2], msgs[1]}) {
			t.Errorf("forward %v, backward %v", forth, back)
		}
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		filter("?status=2", msgs[2], msgs[1])
		filter("?status=2&expanded_statuses=true", msgs[2])
		filter("?status=4&expanded_statuses=true", msgs[1])
		filter("?status=3")
	})
}

func TestResend(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, `,"eventId":"e"`)
		a.try(app, ep, msg, store.Done)
		path := "/app/" + app + "/msg/e/endpoint/" + ep + "/resend"
		an := a.do("POST", path, "", "Idempotency-Key", "auto_k").is(202)
		if string(an.body) != "{}" {
			t.Errorf("body %q", an.body)
		}
		manual := a.try(app, ep, msg, store.Done)
		if got := a.do("GET", "/app/"+app+"/msg/e/attempt/"+manual, "").is(200).json()["triggerType"]; got != 1.0 {
			t.Errorf("triggerType %v", got)
		}
		// The same request again asks for nothing more.
		a.do("POST", path, "", "Idempotency-Key", "auto_k").is(202)
		rows, err := a.store.DeliveriesOf(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, msg))
		if err != nil || len(rows) != 0 {
			t.Errorf("owed after a repeated request: %v, %v", rows, err)
		}
		a.do("POST", path, "{}", "Idempotency-Key", "auto_other").is(202)
		if rows, err = a.store.DeliveriesOf(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, msg)); err != nil || len(rows) != 1 {
			t.Errorf("owed after a new request: %v, %v", rows, err)
		}
		a.do("POST", "/app/"+app+"/msg/unknown/endpoint/"+ep+"/resend", "").code(404, "not_found")
		a.do("POST", "/app/"+app+"/msg/e/endpoint/unknown/resend", "").code(404, "not_found")
	})
}

func TestAttemptedMessagesOfARareEndpointComeInShortPages(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, "")
		a.try(app, ep, msg, store.Done)
		err := a.store.Update(context.Background(), func(tx *store.Tx) error {
			list := make([]*hookswitch.Event, 10_000)
			for i := range list {
				list[i] = &hookswitch.Event{Key: a.service.NextKey(), App: a.key(hookswitch.KindApp, app), Type: "other", Payload: []byte("{}")}
			}
			return tx.Append(list, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		path := "/app/" + app + "/endpoint/" + ep + "/msg"
		first := a.do("GET", path, "").is(200)
		v := first.json()
		if len(first.rows()) != 0 || v["done"] != false || v["iterator"] == nil {
			t.Fatalf("first page: %s", first.body)
		}
		next := a.do("GET", path+query("iterator", v["iterator"].(string)), "").is(200)
		if diff := cmp.Diff([]string{msg}, next.rows()); diff != "" || next.json()["done"] != true {
			t.Errorf("second page: %s", next.body)
		}
	})
}
