package service_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestResend_InEveryState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		ids := w.Service.IDs()
		resend := func(ev *hookswitch.Event) error {
			return w.Service.Resend(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, ev.Key), ids.Format(hookswitch.KindEndpoint, ep.Key), none)
		}
		// run claims the one manual try, and lets it fail or succeed.
		run := func(when string, ok bool) {
			t.Helper()
			claimed := w.Claim(hookswitch.DeliverWebhook)
			if len(claimed) != 1 || !claimed[0].Manual {
				t.Fatalf("%s: claimed %+v, want one manual try", when, claimed)
			}
			if ok {
				w.Succeed(claimed[0], false)
				return
			}
			o := w.Fail(claimed[0], 500)
			o.Verdict = store.Restored
			w.Service.Record(o)
			w.Flush()
		}
		must := func(when string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", when, err)
			}
		}
		type status = hookswitch.DeliveryStatus

		ev := w.Publish(app, "a")
		claimed := w.Claim(hookswitch.DeliverWebhook)
		must("in flight", resend(ev))
		if n := len(w.Claim(hookswitch.DeliverWebhook)); n != 0 {
			t.Errorf("in flight: %d more tries are due", n)
		}
		due := w.Clock.Now().Add(time.Hour)
		retry := w.Fail(claimed[0], 500)
		retry.Verdict, retry.Next = store.Retry, due
		w.Service.Record(retry)
		w.Flush()

		must("waiting", resend(ev))
		must("asked for twice", resend(ev))
		run("waiting", false)
		wantStatus(t, w, "a manual failure leaves the schedule alone", ev, ep, status{Tried: true, Next: due})
		if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); d.Tries != 1 {
			t.Errorf("%d tries are counted, want 1", d.Tries)
		}
		must("waiting", resend(ev))
		run("waiting", true)
		wantStatus(t, w, "a manual success", ev, ep, status{State: hookswitch.DeliveryDelivered, Tried: true})
		must("delivered", resend(ev))
		run("delivered", false)
		wantStatus(t, w, "a failure after success", ev, ep, status{State: hookswitch.DeliveryDelivered, Tried: true})
		if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); d != nil {
			t.Errorf("the row %+v is left of a delivered one", d)
		}

		ev = w.Publish(app, "a")
		must("exhaust", w.Service.Exhaust(t.Context(), w.Fail(w.Claim(hookswitch.DeliverWebhook)[0], 500), false))
		must("failed", resend(ev))
		run("failed", false)
		wantStatus(t, w, "failed again", ev, ep, status{State: hookswitch.DeliveryFailed, Tried: true})
		must("failed", resend(ev))
		run("failed", true)
		wantStatus(t, w, "failed, then sent by hand", ev, ep, status{State: hookswitch.DeliveryDelivered, Tried: true})

		ev = w.Publish(app, "a")
		w.Disable(ep)
		held := w.Publish(app, "a")
		wantKind(t, resend(ev), hookswitch.Conflict)
		w.Enable(ep)
		must("canceled", resend(ev))
		run("canceled", false)
		wantStatus(t, w, "canceled, failed by hand", ev, ep, status{State: hookswitch.DeliveryCanceled, Tried: true})
		if n := len(w.Claim(hookswitch.DeliverWebhook)); n > 1 {
			t.Errorf("%d tries are due of a canceled one", n)
		}
		must("held", resend(held))
		run("held", false)
		wantStatus(t, w, "held, failed by hand", held, ep, status{State: hookswitch.DeliveryFailed, Tried: true})
		must("held", resend(held))
		run("held", true)

		late := w.Endpoint(app, hookURL, servicetest.Filter("other"))
		must("never a target", w.Service.Resend(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, held.Key), ids.Format(hookswitch.KindEndpoint, late.Key), none))
		run("never a target", true)
		wantStatus(t, w, "never a target", held, late, status{State: hookswitch.DeliveryDelivered, Tried: true})
	})
}
