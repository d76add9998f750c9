package deliver_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestWebhook_AManualTryReachesNoEndpointThatIsDisabledOrDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		first := w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		disabled, deleted := w.Endpoint(app, r.URL), w.Endpoint(app, r.URL)
		ev := w.Publish(app, "a")
		attempted(w, ev, 2)
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		for _, ep := range []*hookswitch.Endpoint{disabled, deleted} {
			resend(w, ev, ep)
		}
		w.Disable(disabled)
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, deleted.Key); err != nil {
			t.Fatal(err)
		}
		w.Run(nil)
		for _, ep := range []*hookswitch.Endpoint{disabled, deleted} {
			// It is skipped, and leaves what was delivered as it was.
			servicetest.Eventually(t, "it is skipped", func() bool { return w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key) == nil })
		}
		if n := len(r.Got()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		for _, d := range servicetest.Must(w.Service.Destinations(t.Context(), ev))(t) {
			if d.Status.State != hookswitch.DeliveryDelivered {
				t.Errorf("what was delivered before is %v", d.Status.State)
			}
		}
	})
}

func TestWebhook_HeadersAreLookedUpAgainAtEachAttempt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		r.Answer(servicetest.Status(500))
		app := w.App()
		ep := w.Endpoint(app, r.URL, func(e *hookswitch.Endpoint) { e.Headers = map[string]string{"X-Old": "1"} })
		ev := w.Publish(app, "a")
		attempted(w, ev, 1)
		waiting(w, ev, ep)
		w.EventTypes("other")
		servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
			e.Headers, e.EventTypes = map[string]string{"X-New": "2"}, []string{"other"}
			return nil
		}))(t)
		w.Clock.Advance(5 * time.Second)
		attempted(w, ev, 2) // the filter that counts is the one of the time of publishing
		got := r.Got()
		if got[0].Header.Get("X-Old") != "1" || got[1].Header.Get("X-Old") != "" || got[1].Header.Get("X-New") != "2" {
			t.Errorf("headers %v, then %v", got[0].Header, got[1].Header)
		}
	})
}

func TestWebhook_WhatWaitsOfADeletedEndpointIsNeverShownAsSending(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, "http://127.0.0.1:1/", servicetest.Filter("t"))
		automatic, manual := w.Publish(app, "t"), w.Publish(app, "other")
		resend(w, manual, ep)
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		if d := servicetest.Must(w.Service.Destinations(t.Context(), automatic))(t); d[0].Status.State != hookswitch.DeliveryCanceled {
			t.Errorf("%+v", d[0].Status)
		}
		for _, d := range servicetest.Must(w.Service.Destinations(t.Context(), manual))(t) {
			if d.Status.State != hookswitch.DeliveryCanceled {
				t.Errorf("by hand: %+v", d.Status)
			}
		}
	})
}
