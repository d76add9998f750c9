package service_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestThrottle_IsTheEndpointsOrItsApps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App(func(a *hookswitch.App) { a.ThrottleRate = 7 })
		own, inherits := w.Endpoint(app, hookURL, func(e *hookswitch.Endpoint) { e.ThrottleRate = 3 }), w.Endpoint(app, hookURL)
		rate := func(when string, app *hookswitch.App, e *hookswitch.Endpoint, want float64) {
			t.Helper()
			if got := w.Service.Throttle(app.Key, e.Key); got != want {
				t.Errorf("%s: %v, want %v", when, got, want)
			}
		}
		rate("its own", app, own, 3)
		rate("its App's", app, inherits, 7)
		rate("another App's endpoint", w.App(), own, 0)
		servicetest.Must(w.Service.UpdateApp(t.Context(), app.Key, func(a *hookswitch.App) error { a.ThrottleRate = 0; return nil }))(t)
		rate("changed", app, inherits, 0)
		w.Disable(own)
		rate("disabled", app, own, 0)
		w.Enable(own)
		servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, own.Key, func(e *hookswitch.Endpoint) error { e.ThrottleRate = 9; return nil }))(t)
		rate("changed", app, own, 9)
		if err := w.Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		rate("deleted", app, own, 0)
		unread := w.App()
		if err := w.Store.Close(); err != nil {
			t.Fatal(err)
		}
		if got := w.Service.Throttle(unread.Key, own.Key); got >= 0 {
			t.Errorf("without a store: %v", got)
		}
	})
}

func TestPublishEvent_ToADisabledOrderedEndpointIsQueued(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		plain, ordered := w.Endpoint(app, hookURL, servicetest.Disabled), w.Endpoint(app, hookURL, servicetest.Disabled, servicetest.Ordered)
		ev := w.Publish(app, "a")
		if len(ev.Targets) != 2 || !ev.Targets[0].Held || ev.Targets[1].Held {
			t.Errorf("targets %+v", ev.Targets)
		}
		wantStatus(t, w, "held", ev, plain, hookswitch.DeliveryStatus{Held: true})
		wantStatus(t, w, "queued", ev, ordered, hookswitch.DeliveryStatus{})
		if d := w.Delivery(hookswitch.DeliverOrdered, ev.Key, ordered.Key); d == nil || d.State != hookswitch.DeliveryPending {
			t.Errorf("the row is %+v", d)
		}
	})
}

func TestPark_NeverOutlivesEnabling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL, servicetest.Ordered)
		ev := w.Publish(app, "a")
		take := func() *servicetest.Leased {
			t.Helper()
			got := w.Claim(hookswitch.DeliverOrdered)
			if len(got) != 1 || got[0].Subject != ev.Key {
				t.Fatalf("claimed %+v", got)
			}
			return got[0]
		}
		park := func(l *servicetest.Leased) time.Time {
			t.Helper()
			return servicetest.Must(w.Service.Park(t.Context(), &l.Outcome))(t)
		}
		l := take()
		w.Disable(ep)
		if next := park(l); next.Sub(w.Clock.Now()) < time.Hour {
			t.Errorf("while disabled it is due at %v", next)
		}
		w.Enable(ep)
		l = take() // enabling made it due
		w.Disable(ep)
		w.Enable(ep) // before the node that holds it has looked
		if next := park(l); next.After(w.Clock.Now()) {
			t.Errorf("enabled meanwhile: due at %v", next)
		}
		l = take()
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		if next := park(l); !next.IsZero() {
			t.Errorf("deleted: due at %v", next)
		}
	})
}

func TestRecover_OfAnOrderedEndpointGoesThroughItsQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		servicetest.Must(s.Service.UpdateEndpoint(t.Context(), s.app.Key, s.ep.Key, func(e *hookswitch.Endpoint) error { e.Ordered = true; return nil }))(t)
		var failed []*hookswitch.Event
		for range 3 {
			ev := s.Publish(s.app, "a")
			l := s.Claim(hookswitch.DeliverOrdered)[0]
			if err := s.Service.RecordNow(t.Context(), s.Fail(l, 500)); err != nil {
				t.Fatal(err)
			}
			failed = append(failed, ev)
		}
		waiting := s.Publish(s.app, "a")
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{Since: s.Clock.Now().Add(-time.Hour)})
		s.step(task)
		for i, want := range append([]*hookswitch.Event{waiting}, failed...) {
			got := s.Claim(hookswitch.DeliverOrdered)
			if len(got) != 1 || got[0].Subject != want.Key || got[0].Manual != (i > 0) {
				t.Fatalf("claim %d: %+v", i, got)
			}
			o := s.Fail(got[0], 200)
			o.Verdict = store.Done
			if err := s.Service.RecordNow(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.Claim(hookswitch.DeliverWebhook)); n != 0 {
			t.Errorf("%d go past the queue", n)
		}
	})
}
