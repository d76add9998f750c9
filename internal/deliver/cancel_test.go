package deliver_test

import (
	"net/http"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// A try that waits in memory for its endpoint's rate has not begun.
func TestCancel_OfWhatWaitsInMemoryIsNotSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		got := servicetest.NewReceiver(t)
		got.Answer(func(http.ResponseWriter, *http.Request) {})
		ep := w.Endpoint(app, got.URL, func(e *hookswitch.Endpoint) { e.ThrottleRate = 1 })
		id := func(k hookswitch.Kind, key hookswitch.Key) string { return w.Service.IDs().Format(k, key) }
		var canceled, again *hookswitch.Event
		for i := range 4 {
			ev := publish(w, app, i)
			switch i {
			case 2:
				canceled = ev
			case 3:
				again = ev
			}
		}
		<-got.C
		for _, ev := range []*hookswitch.Event{canceled, again} {
			if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); d == nil || d.Owner == 0 {
				t.Fatalf("%+v is not held", d)
			}
			if err := w.Service.CancelDelivery(t.Context(), app.Key, id(hookswitch.KindEvent, ev.Key), id(hookswitch.KindEndpoint, ep.Key), service.Idempotency{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Service.Resend(t.Context(), app.Key, id(hookswitch.KindEvent, again.Key), id(hookswitch.KindEndpoint, ep.Key), service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, "it has ended", func() bool {
			d := w.Delivery(hookswitch.DeliverWebhook, canceled.Key, ep.Key)
			return d == nil || d.State == hookswitch.DeliveryCanceled && d.Owner == 0
		})
		servicetest.Eventually(t, "what was asked for again is sent", func() bool { return w.Delivery(hookswitch.DeliverWebhook, again.Key, ep.Key) == nil })
		if d := w.Delivery(hookswitch.DeliverWebhook, canceled.Key, ep.Key); d == nil {
			t.Error("what was canceled was delivered")
		}
		for _, r := range got.Got() {
			if r.Header.Get("webhook-id") == id(hookswitch.KindEvent, canceled.Key) {
				t.Error("what was canceled was sent")
			}
		}
		if n := len(got.Got()); n != 3 {
			t.Errorf("%d were sent, want the two that were not canceled and the one that was asked for again", n)
		}
	})
}
