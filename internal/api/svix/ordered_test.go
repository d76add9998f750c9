package svix_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

func TestTheFieldFifo(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		path := "/app/" + app + "/endpoint"
		fifo := func(an answer) any {
			t.Helper()
			return an.described("EndpointOut").json()["fifo"]
		}
		const body = `"url":"https://receiver.example/"`
		if got := fifo(a.do("POST", path, "{"+body+"}").is(201)); got != false {
			t.Errorf("unless given: %v", got)
		}
		an := a.do("POST", path, "{"+body+`,"fifo":true,"uid":"e"}`).is(201)
		if got := fifo(an); got != true {
			t.Errorf("created: %v", got)
		}
		for _, c := range []struct {
			method, body string
			want         bool
		}{
			{"GET", "", true},
			{"PATCH", `{"description":"x"}`, true},
			{"PUT", `{` + body + `,"uid":"e"}`, true}, // client libraries do not know of it
			{"PATCH", `{"fifo":false}`, false},
			{"PUT", `{` + body + `,"uid":"e","fifo":true}`, true},
			{"PUT", `{` + body + `,"uid":"e","fifo":false}`, false},
		} {
			if got := fifo(a.do(c.method, path+"/e", c.body).is(200)); got != c.want {
				t.Errorf("%s %s: %v", c.method, c.body, got)
			}
		}
		a.do("POST", path, "{"+body+`,"fifo":"yes"}`).invalid("body", "fifo")
		a.do("PATCH", path+"/e", `{"fifo":null}`).invalid("body", "fifo")
		a.do("PATCH", path+"/e", `{"fifo":1}`).invalid("body", "fifo")
	})
}

func TestCancelAMessage(t *testing.T) {
	for _, more := range []string{"", `,"fifo":true`} {
		t.Run(more, func(t *testing.T) {
			each(t, func(a *api) {
				app := a.app("a")
				ep := a.endpoint(app, more)
				other := a.endpoint(app, `,"eventTypes":["other"]`)
				msg := a.message(app, `,"eventId":"m"`)
				path := "/app/" + app + "/msg/m/endpoint/" + ep + "/cancel"
				an := a.do("POST", path, "", "Idempotency-Key", "k").is(202)
				if string(an.body) != "{}" {
					t.Errorf("body %q", an.body)
				}
				a.do("POST", path, "", "Idempotency-Key", "k").is(202)
				a.do("POST", path, "{}").code(409, "nothing_waits")
				list := "/app/" + app + "/msg/" + msg + "/endpoint"
				if diff := cmp.Diff(map[string]string{ep: "canceled"}, states(a.do("GET", list+"?expanded_statuses=true", ""))); diff != "" {
					t.Error(diff)
				}
				if diff := cmp.Diff(map[string]string{ep: "fail"}, states(a.do("GET", list, ""))); diff != "" {
					t.Error(diff)
				}
				a.do("POST", "/app/"+app+"/msg/m/endpoint/"+other+"/cancel", "").code(404, "not_found")
				a.do("POST", "/app/"+app+"/msg/none/endpoint/"+ep+"/cancel", "").code(404, "not_found")
				a.do("POST", "/app/"+app+"/msg/m/endpoint/none/cancel", "").code(404, "not_found")

				// One that is canceled can be asked for by hand, and given up again.
				a.do("POST", "/app/"+app+"/msg/m/endpoint/"+ep+"/resend", "").is(202)
				a.do("POST", path, "").is(202)
				if diff := cmp.Diff(map[string]string{ep: "canceled"}, states(a.do("GET", list+"?expanded_statuses=true", ""))); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestADeliveredMessageCannotBeCanceled(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, "")
		msg := a.message(app, "")
		a.try(app, ep, msg, store.Done)
		a.do("POST", "/app/"+app+"/msg/"+msg+"/endpoint/"+ep+"/cancel", "").code(409, "nothing_waits")
		failed := a.message(app, "")
		a.try(app, ep, failed, store.Exhausted)
		a.do("POST", "/app/"+app+"/msg/"+failed+"/endpoint/"+ep+"/cancel", "").code(409, "nothing_waits")
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		held := a.message(app, "")
		a.do("POST", "/app/"+app+"/msg/"+held+"/endpoint/"+ep+"/cancel", "").code(404, "not_found")
	})
}

func TestCancelAllMessagesOfAnEndpoint(t *testing.T) {
	for _, more := range []string{"", `,"fifo":true`} {
		t.Run(more, func(t *testing.T) {
			each(t, func(a *api) {
				app := a.app("a")
				ep := a.endpoint(app, more)
				path := "/app/" + app + "/endpoint/" + ep + "/cancel-msgs"
				state := func(msg string) string {
					t.Helper()
					return states(a.do("GET", "/app/"+app+"/msg/"+msg+"/endpoint?expanded_statuses=true", "").is(200))[ep][:4]
				}
				first := a.message(app, "")
				a.do("POST", path, `{"createdBefore":"2001-01-01T00:00:00Z"}`).is(204)
				if got := state(first); got != "send" {
					t.Errorf("one made later is %s", got)
				}
				for time.Now().UnixMilli() <= a.key(hookswitch.KindEvent, first).Millis() {
					time.Sleep(time.Millisecond) // keys of one millisecond have no order in time
				}
				an := a.do("POST", path, "", "Idempotency-Key", "k").is(204)
				if len(an.body) != 0 {
					t.Errorf("body %q", an.body)
				}
				second := a.message(app, "")
				a.do("POST", path, "", "Idempotency-Key", "k").is(204) // the same request again
				if a, b := state(first), state(second); a != "canc" || b != "send" {
					t.Errorf("the first is %s, the second %s", a, b)
				}
				a.do("POST", path, `{"createdBefore":"2999-01-01T00:00:00+02:00"}`).is(204)
				third := a.message(app, "")
				if a, b := state(second), state(third); a != "canc" || b != "send" {
					t.Errorf("the second is %s, the third %s", a, b)
				}
				a.do("POST", path, `{"createdBefore":"yesterday"}`).invalid("body", "createdBefore")
				a.do("POST", path, `{"createdBefore":7}`).invalid("body", "createdBefore")
			})
		})
	}
}

// throttled is an engine all of whose lanes wait since a time.
type throttled struct{ since time.Time }

func (throttled) Reserve(work.Lane) bool                          { return false }
func (throttled) Unreserve(work.Lane)                             {}
func (throttled) Start(...work.Item)                              {}
func (throttled) Wake(work.Kind, time.Time)                       {}
func (throttled) Hold(bool)                                       {}
func (throttled) LeaseUntil(_ work.Kind, now time.Time) time.Time { return now }
func (t throttled) Throttled(work.Lane) time.Time                 { return t.since }

func TestThrottlingStatus(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, `,"throttleRate":1`)
		path := "/app/" + app + "/endpoint/" + ep + "/rate-limit-status"
		v := a.do("GET", path, "").is(200).described("EndpointThrottlingOut").json()
		if v["status"] != "Ok" || v["throttledSince"] != nil {
			t.Errorf("%v", v)
		}
		a.service.Attach(throttled{time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)})
		v = a.do("GET", path, "").is(200).described("EndpointThrottlingOut").json()
		if v["status"] != "RateLimited" || v["throttledSince"] != "2025-01-02T03:04:05.000000Z" {
			t.Errorf("%v", v)
		}
	})
}

func TestAQueueIsNotShownAsCanceledWhileItsEndpointIsDisabled(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		ep := a.endpoint(app, `,"fifo":true`)
		msg := a.message(app, "")
		a.do("PATCH", "/app/"+app+"/endpoint/"+ep, `{"disabled":true}`).is(200)
		later := a.message(app, "")
		for _, id := range []string{msg, later} {
			if diff := cmp.Diff(map[string]string{ep: "sending"}, states(a.do("GET", "/app/"+app+"/msg/"+id+"/endpoint?expanded_statuses=true", ""))); diff != "" {
				t.Error(diff)
			}
		}
		a.do("DELETE", "/app/"+app+"/endpoint/"+ep, "").is(204)
		if diff := cmp.Diff(map[string]string{ep: "canceled"}, states(a.do("GET", "/app/"+app+"/msg/"+later+"/endpoint?expanded_statuses=true", ""))); diff != "" {
			t.Error(diff)
		}
		if rows, err := a.store.DeliveriesOf(context.Background(), a.key(hookswitch.KindApp, app), a.key(hookswitch.KindEvent, msg)); err != nil || len(rows) != 1 {
			t.Errorf("%v, %v", rows, err)
		}
	})
}
