package deliver_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// arrivals notes when requests came.
type arrivals struct {
	*servicetest.Receiver
	mu sync.Mutex
	at []time.Time
}

func newArrivals(t testing.TB) *arrivals {
	a := &arrivals{Receiver: servicetest.NewReceiver(t)}
	a.Answer(func(http.ResponseWriter, *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.at = append(a.at, time.Now())
	})
	return a
}

func (a *arrivals) times() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.at)
}

// most is the greatest number of times within any window.
func most(times []time.Time, window time.Duration) int {
	n, from := 0, 0
	for i, at := range times {
		for at.Sub(times[from]) >= window {
			from++
		}
		n = max(n, i+1-from)
	}
	return n
}

// jitter is for what a request may take to arrive, beside all that runs on a test machine.
const jitter = 200 * time.Millisecond

func TestThrottle_HoldsAnEndpointToItsRate(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		name := "at once"
		if ordered {
			name = "ordered"
		}
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				w := servicetest.New(t, db)
				w.Run(nil)
				app := w.App(func(a *hookswitch.App) { a.ThrottleRate = 50 })
				own, inherits, slow, free := newArrivals(t), newArrivals(t), newArrivals(t), servicetest.NewReceiver(t)
				order := func(e *hookswitch.Endpoint) { e.Ordered = ordered }
				w.Endpoint(app, own.URL, order, func(e *hookswitch.Endpoint) { e.ThrottleRate = 10 })
				w.Endpoint(app, inherits.URL, order)
				w.Endpoint(app, slow.URL, order, func(e *hookswitch.Endpoint) { e.ThrottleRate = 1 })
				other := w.App()
				w.Endpoint(other, free.URL)
				const n = 30
				for i := range n {
					publish(w, app, i)
				}
				publish(w, other, 0)
				<-free.C // somebody else's waits for nobody
				if len(slow.times()) == n {
					t.Error("what is held to one a second has not been")
				}
				servicetest.Eventually(t, "all have arrived", func() bool { return len(own.times()) == n && len(inherits.times()) == n })
				if got := most(own.times(), time.Second-jitter); got > 11 {
					t.Errorf("%d within a second", got)
				}
				if got := most(inherits.times(), 200*time.Millisecond); got > 10+5+10 {
					t.Errorf("%d within a fifth of a second", got)
				}
			})
		})
	}
}

func TestThrottle_CountsManualAttemptsAndHeedsChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		run := w.Run(nil)
		app := w.App()
		r := newArrivals(t)
		ep := w.Endpoint(app, r.URL, func(e *hookswitch.Endpoint) { e.ThrottleRate = 4 })
		var events []*hookswitch.Event
		for i := range 4 {
			events = append(events, publish(w, app, i))
		}
		servicetest.Eventually(t, "it waits", func() bool { return !w.Service.Throttled(ep).IsZero() })
		servicetest.Eventually(t, "all have arrived", func() bool { return len(r.times()) == 4 })
		for _, ev := range events {
			servicetest.Eventually(t, "it is delivered", func() bool { return w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key) == nil })
			resend(w, ev, ep)
		}
		servicetest.Eventually(t, "all have arrived again", func() bool { return len(r.times()) == 8 })
		if got := most(r.times(), time.Second-jitter); got > 5 {
			t.Errorf("%d within a second", got)
		}
		// An hour's work is done at once when the limit goes.
		for i := range 40 {
			publish(w, app, 10+i)
		}
		servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
			e.ThrottleRate = 0
			return nil
		}))(t)
		servicetest.Eventually(t, "the rest has arrived", func() bool { return len(r.times()) == 48 })
		servicetest.Eventually(t, "nothing is left", func() bool { s := run.Engine.Stats(); return s.Queued == 0 && s.Serving == 0 })
		if at := w.Service.Throttled(ep); !at.IsZero() {
			t.Errorf("throttled since %v", at)
		}
	})
}

func TestThrottle_DoesNotHoldUpWhatIsSkipped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		app := w.App()
		r := servicetest.NewReceiver(t)
		ep := w.Endpoint(app, r.URL, func(e *hookswitch.Endpoint) { e.ThrottleRate = 1 })
		for i := range 60 {
			publish(w, app, i)
		}
		w.Clock.Advance(2 * time.Second)
		if err := w.Service.CancelDeliveries(t.Context(), app.Key, ep, w.Clock.Now(), none); err != nil {
			t.Fatal(err)
		}
		last := publish(w, app, 99)
		servicetest.Eventually(t, "the last has arrived", func() bool { return w.Delivery(hookswitch.DeliverWebhook, last.Key, ep.Key) == nil })
		if n := len(r.Got()); n > 12 {
			t.Errorf("%d requests", n)
		}
	})
}
