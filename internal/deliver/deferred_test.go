package deliver_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestDeferred_NothingIsSentBeforeItIsDue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		run := w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		ep := w.Endpoint(app, r.URL)
		at := w.Clock.Now().Add(10 * time.Minute)
		publish := func(kind string, at time.Time) *hookswitch.Event {
			return servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: kind, Payload: []byte(`{}`), DeliverAt: at}, none))(t)
		}
		deferred := publish("deferred", at)
		now := publish("now", time.Time{})
		attempted(w, now, 1)
		w.Clock.Advance(10*time.Minute - time.Millisecond)
		attempted(w, publish("before", time.Time{}), 1) // the engine has had occasion to claim
		if d := w.Delivery(hookswitch.DeliverWebhook, deferred.Key, ep.Key); d == nil || d.Owner != 0 || !d.NextAt.Equal(at) || d.Tries != 0 {
			t.Fatalf("what is deferred: %+v", d)
		}
		if got := len(attempts(w, deferred)); got != 0 {
			t.Fatalf("%d attempts before its time", got)
		}
		// It outlives its process.
		if err := run.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := w.Store.Close(); err != nil {
			t.Fatal(err)
		}
		w = w.Reopen()
		w.Run(nil)
		w.Clock.Advance(time.Millisecond)
		attempted(w, deferred, 1)
		if n := len(r.Got()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

func TestDeferred_DisablingAndDeletingEndIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		disabled, deleted, kept := w.Endpoint(app, r.URL+"/disabled"), w.Endpoint(app, r.URL+"/deleted"), w.Endpoint(app, r.URL+"/kept")
		ev := servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: []byte(`{}`), DeliverAt: w.Clock.Now().Add(time.Hour)}, none))(t)
		w.Disable(disabled)
		w.Enable(disabled)
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, deleted.Key); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		attempted(w, ev, 1)
		waiting(w, ev, kept)
		for _, ep := range []*hookswitch.Endpoint{disabled, deleted} {
			servicetest.Eventually(t, "it is canceled", func() bool {
				d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key)
				return d != nil && d.State == hookswitch.DeliveryCanceled
			})
		}
		for _, q := range r.Got() {
			if q.URI != "/kept" {
				t.Errorf("a request to %s", q.URI)
			}
		}
	})
}

func TestDeferred_DoesNotHoldUpAnOrderedEndpoint(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		w.Endpoint(app, r.URL, func(e *hookswitch.Endpoint) { e.Ordered = true })
		publish := func(at time.Time) *hookswitch.Event {
			return servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: []byte(`{}`), DeliverAt: at}, none))(t)
		}
		deferred := publish(w.Clock.Now().Add(time.Hour))
		for range 3 {
			attempted(w, publish(time.Time{}), 1)
		}
		if n := len(attempts(w, deferred)); n != 0 {
			t.Fatalf("%d attempts before its time", n)
		}
		w.Clock.Advance(time.Hour)
		attempted(w, deferred, 1)
	})
}

func TestWebhook_SendsAsTheContentTypeOfThePayload(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		w.Endpoint(app, r.URL)
		for _, c := range []struct{ given, want string }{{"text/plain; charset=utf-8", "text/plain; charset=utf-8"}, {"", "application/json"}, {"application/xml", "application/xml"}} {
			payload := " <a>é\r\n</a> "
			servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: []byte(payload), ContentType: c.given}, none))(t)
			got := <-r.C
			if got.Header.Get("Content-Type") != c.want || len(got.Header["Content-Type"]) != 1 || string(got.Body) != payload {
				t.Errorf("%q: sent as %v, %q", c.given, got.Header["Content-Type"], got.Body)
			}
		}
	})
}

func TestWebhook_ARemovedPayloadIsNotSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		r.Answer(servicetest.Status(500))
		app := w.App()
		ep := w.Endpoint(app, r.URL)
		ev := w.Publish(app, "a")
		attempted(w, ev, 1)
		waiting(w, ev, ep)
		if err := w.Service.Expunge(t.Context(), app.Key, w.Service.IDs().Format(hookswitch.KindEvent, ev.Key)); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Hour)
		attempted(w, w.Publish(app, "b"), 1)
		if d := waiting(w, ev, ep); d == nil || d.State != hookswitch.DeliveryCanceled {
			t.Errorf("what waited: %+v", d)
		}
		attempted(w, ev, 1)
	})
}
