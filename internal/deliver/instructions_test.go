package deliver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// instructing answers with a status and the header webhook-delivery.
func instructing(code int, values ...string) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) {
		for _, v := range values {
			rw.Header().Add("webhook-delivery", v)
		}
		rw.WriteHeader(code)
	}
}

func TestInstructions_DisableTheEndpoint(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		told := servicetest.NewReceiver(t)
		w.Endpoint(app, told.URL, servicetest.Filter(hookswitch.EventEndpointDisabled))
		for value, c := range map[string]struct {
			code     int
			disabled bool
			state    hookswitch.DeliveryState
		}{
			"disable":         {500, true, hookswitch.DeliveryFailed},
			"  DisAble ":      {200, true, hookswitch.DeliveryDelivered},
			"other, disable":  {302, true, hookswitch.DeliveryFailed},
			"disabled":        {500, false, hookswitch.DeliveryPending},
			"do not disable ": {200, false, hookswitch.DeliveryDelivered},
		} {
			r := servicetest.NewReceiver(t)
			r.Answer(instructing(c.code, value))
			ep := w.Endpoint(app, r.URL, servicetest.Filter("t"))
			ev := w.Publish(app, "t")
			if a := attempted(w, ev, 1)[0]; a.OK != (c.code == 200) || a.Code != c.code {
				t.Errorf("%q: attempt %d %t", value, a.Code, a.OK)
			}
			if c.disabled {
				servicetest.Eventually(t, value, func() bool { return fresh(w, ep).Disabled })
				got := <-told.C
				if body := string(got.Body); !strings.Contains(body, w.Service.IDs().Format(hookswitch.KindEndpoint, ep.Key)) || !strings.Contains(body, `"failSince":"2025`) {
					t.Errorf("%q: told %s", value, body)
				}
			} else if fresh(w, ep).Disabled {
				t.Errorf("%q disables", value)
			}
			waiting(w, ev, ep)
			if d := servicetest.Must(w.Service.Destinations(t.Context(), ev))(t)[0].Status; d.State != c.state {
				t.Errorf("%q: it is %v, want %v", value, d.State, c.state)
			}
			if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestInstructions_AbortTheMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		for _, c := range []struct {
			code   int
			values []string
			state  hookswitch.DeliveryState
		}{
			{500, []string{"abort-message"}, hookswitch.DeliveryFailed},
			{503, []string{"x", " Abort-Message "}, hookswitch.DeliveryFailed},
			{200, []string{"abort-message"}, hookswitch.DeliveryDelivered},
			{500, []string{"abort"}, hookswitch.DeliveryPending},
		} {
			r := servicetest.NewReceiver(t)
			r.Answer(instructing(c.code, c.values...))
			ep := w.Endpoint(app, r.URL, servicetest.Filter("t"))
			ev := w.Publish(app, "t")
			attempted(w, ev, 1)
			waiting(w, ev, ep)
			if d := servicetest.Must(w.Service.Destinations(t.Context(), ev))(t)[0].Status; d.State != c.state {
				t.Errorf("%v: it is %v, want %v", c.values, d.State, c.state)
			}
			if e := fresh(w, ep); e.Disabled || !e.FailSince.IsZero() {
				t.Errorf("%v: the endpoint is judged by it: %+v", c.values, e)
			}
			if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
				t.Fatal(err)
			}
		}

		// The queue of an ordered endpoint goes on behind it.
		q := newQueueEnd(t, func(string, int) int { return 200 })
		q.Answer(func(rw http.ResponseWriter, r *http.Request) {
			if strings.Contains(string(q.Got()[len(q.Got())-1].Body), numbered(0)) {
				instructing(500, "abort-message")(rw, r)
			}
		})
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		first, second := publish(w, app, 0), publish(w, app, 1)
		if a := attempted(w, second, 1)[0]; !a.OK {
			t.Errorf("attempt %+v", a)
		}
		if d := w.Delivery(hookswitch.DeliverOrdered, first.Key, ep.Key); d.State != hookswitch.DeliveryFailed {
			t.Errorf("the first is %+v", d)
		}
	})
}

func TestInstructions_SayNothingToSendersWebhooks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		r := servicetest.NewReceiver(t)
		r.Answer(instructing(500, "disable", "abort-message"))
		hook := zavuHook(w, app, r.URL, "")
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "Hi")))(t)
		events := w.Events(app)
		ev := events[len(events)-1]
		attempted(w, ev, 1)
		if d := waiting(w, ev, hook); d.State != hookswitch.DeliveryPending || d.NextAt.Sub(w.Clock.Now()) != time.Minute || fresh(w, hook).Disabled {
			t.Errorf("the row is %+v", d)
		}
	})
}

func TestWebhook_A410KeepsTheQueueOfAnOrderedEndpoint(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		gone := true
		q := newQueueEnd(t, func(string, int) int {
			if gone {
				return 410
			}
			return 200
		})
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		publish(w, app, 0)
		servicetest.Eventually(t, "it is disabled", func() bool { return fresh(w, ep).Disabled })
		publish(w, app, 1)
		q.mu.Lock()
		gone = false
		q.mu.Unlock()
		w.Clock.Advance(time.Hour)
		w.Enable(ep)
		servicetest.Eventually(t, "both have arrived", func() bool { _, taken := q.has(); return len(taken) == 2 })
	})
}

func TestWebhook_ARedirectFailsAndShowsWhereItLeads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		elsewhere, r := servicetest.NewReceiver(t), servicetest.NewReceiver(t)
		for _, code := range []int{301, 302, 303, 307, 308} {
			r.Answer(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Location", elsewhere.URL+"/<b>")
				rw.WriteHeader(code)
			})
			ep := w.Endpoint(app, r.URL, servicetest.Filter("t"))
			ev := w.Publish(app, "t")
			if a := attempted(w, ev, 1)[0]; a.OK || a.Code != code || !strings.Contains(string(a.Headers), "Location: "+elsewhere.URL+"/<b>\n") {
				t.Errorf("attempt %d %q", a.Code, a.Headers)
			}
			if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(elsewhere.Got()); n != 0 {
			t.Errorf("%d were followed", n)
		}
	})
}
