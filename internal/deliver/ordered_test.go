package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// queueEnd is a receiver of an ordered endpoint. It notes every request, and what it has taken, and fails the test when two are in flight.
type queueEnd struct {
	*servicetest.Receiver
	t    testing.TB
	took time.Duration // of an answer

	mu       sync.Mutex
	inFlight int
	requests []string // the bodies, in the order in which they came
	taken    []string // those answered with 200
	answer   func(body string, before int) int
}

// newQueueEnd answers with what answer makes of a body and of how often it has come before: a status, or 0 for none.
func newQueueEnd(t testing.TB, answer func(body string, before int) int) *queueEnd {
	q := &queueEnd{Receiver: servicetest.NewReceiver(t), t: t, answer: answer}
	q.Answer(func(rw http.ResponseWriter, r *http.Request) {
		all := q.Got()
		body := string(all[len(all)-1].Body)
		q.mu.Lock()
		q.inFlight++
		if q.inFlight > 1 {
			t.Errorf("%d requests are in flight", q.inFlight)
		}
		before := 0
		for _, r := range q.requests {
			if r == body {
				before++
			}
		}
		q.requests = append(q.requests, body)
		status := q.answer(body, before)
		if status == 200 {
			q.taken = append(q.taken, body)
		}
		q.mu.Unlock()
		time.Sleep(q.took)
		if status == 0 {
			<-r.Context().Done()
		}
		q.mu.Lock()
		q.inFlight--
		q.mu.Unlock()
		if status != 0 {
			rw.WriteHeader(status)
		}
	})
	return q
}

func (q *queueEnd) has() (requests, taken []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.requests), slices.Clone(q.taken)
}

func numbered(n int) string { return fmt.Sprintf(`{"n":%d}`, n) }

// publish makes an event with the number.
func publish(w *servicetest.World, app *hookswitch.App, n int) *hookswitch.Event {
	w.TB.Helper()
	return servicetest.Must(w.Service.PublishEvent(context.Background(), app, service.Publish{Type: "a", Payload: []byte(numbered(n))}, none))(w.TB)
}

// pass lets time pass until ok.
func pass(w *servicetest.World, what string, step time.Duration, ok func() bool) {
	w.TB.Helper()
	n := 0
	servicetest.Eventually(w.TB, what, func() bool {
		if n++; n%25 == 0 {
			w.Clock.Advance(step)
		}
		return ok()
	})
}

func quick(timeout time.Duration, waits ...time.Duration) func(*servicetest.Options) {
	return func(o *servicetest.Options) {
		p := o.Profiles[hookswitch.ProfileSvix]
		p.Timeout, p.Waits = timeout, waits
		o.Profiles[hookswitch.ProfileSvix] = p
	}
}

func numbers(from, to int) []string {
	var list []string
	for i := from; i < to; i++ {
		list = append(list, numbered(i))
	}
	return list
}

func TestOrdered_ArrivesInTheOrderOfPublishing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(2*time.Second, 5*time.Second, 10*time.Second))
		w.Run(nil)
		q := newQueueEnd(t, func(body string, before int) int {
			switch {
			case body == numbered(2) && before < 2:
				return 500
			case body == numbered(5) && before == 0: // it has been processed, and the answer does not come
				return 0
			}
			return 200
		})
		app := w.App()
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		other := servicetest.NewReceiver(t)
		w.Endpoint(app, other.URL)
		var events []*hookswitch.Event
		for i := range 10 {
			events = append(events, publish(w, app, i))
		}
		for range 10 {
			<-other.C // an endpoint beside it waits for nobody
		}
		pass(w, "all have arrived", 10*time.Second, func() bool { _, taken := q.has(); return len(taken) == 10 })
		requests, taken := q.has()
		if diff := cmp.Diff(numbers(0, 10), taken); diff != "" {
			t.Error(diff)
		}
		want := slices.Insert(numbers(0, 10), 6, numbered(5))
		want = slices.Insert(want, 3, numbered(2), numbered(2))
		if diff := cmp.Diff(want, requests); diff != "" {
			t.Errorf("requests: %s", diff)
		}
		servicetest.Eventually(t, "nothing is owed", func() bool {
			for _, ev := range events {
				if w.Delivery(hookswitch.DeliverOrdered, ev.Key, ep.Key) != nil {
					return false
				}
			}
			return true
		})
		if n := len(attempts(w, events[2])); n != 4 { // three, and one at the other
			t.Errorf("%d attempts", n)
		}
	})
}

func TestOrdered_OverStopsAndStarts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(5*time.Second, 5*time.Second))
		q := newQueueEnd(t, func(body string, before int) int {
			if body == numbered(1) && before == 0 {
				return 0
			}
			return 200
		})
		app := w.App()
		w.Endpoint(app, q.URL, servicetest.Ordered)
		first := w.Run(nil, func(_ *deliver.Options, o *work.Options) { o.Grace = -1 })
		for i := range 4 {
			publish(w, app, i)
		}
		servicetest.Eventually(t, "one hangs", func() bool { requests, _ := q.has(); return len(requests) == 2 })
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, "it is cut off", func() bool {
			q.mu.Lock()
			defer q.mu.Unlock()
			return q.inFlight == 0
		})
		for i := range 4 {
			publish(w, app, 4+i)
		}
		w.Run(nil)
		pass(w, "all have arrived", 5*time.Second, func() bool { _, taken := q.has(); return len(taken) == 8 })
		requests, taken := q.has()
		if diff := cmp.Diff(numbers(0, 8), taken); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(slices.Insert(numbers(0, 8), 1, numbered(1)), requests); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOrdered_OverTwoNodes(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.Postgres(t), quick(time.Second, 100*time.Millisecond))
	other := w.OtherNode()
	w.Run(nil)
	other.Run(nil)
	q := newQueueEnd(t, func(body string, before int) int {
		if strings.Contains(body, "7") && before == 0 {
			return 503
		}
		return 200
	})
	q.took = 5 * time.Millisecond
	app := w.App()
	w.Endpoint(app, q.URL, servicetest.Ordered)
	servicetest.Must(other.Service.AppByKey(t.Context(), app.Key))(t)
	const each = 40
	var wg sync.WaitGroup
	for node, world := range []*servicetest.World{w, other} {
		wg.Go(func() {
			for i := range each {
				publish(world, app, (node+1)*1000+i)
			}
		})
	}
	wg.Wait()
	pass(w, "all have arrived", 200*time.Millisecond, func() bool { _, taken := q.has(); return len(taken) == 2*each })
	_, taken := q.has()
	for node := range 2 {
		var own []string
		for _, body := range taken {
			if strings.HasPrefix(body, fmt.Sprintf(`{"n":%d`, node+1)) {
				own = append(own, body)
			}
		}
		if diff := cmp.Diff(numbers((node+1)*1000, (node+1)*1000+each), own); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOrdered_TheHeadIsTriedForEver(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(5*time.Second, 5*time.Second, time.Minute), func(o *servicetest.Options) {
			p := o.Profiles[hookswitch.ProfileSvix]
			p.DisableAfter, p.Jitter = time.Hour, 0
			o.Profiles[hookswitch.ProfileSvix] = p
		})
		w.Run(nil)
		healthy := false
		q := newQueueEnd(t, func(string, int) int {
			if healthy {
				return 200
			}
			return 500
		})
		app := w.App()
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		ev := publish(w, app, 0)
		publish(w, app, 1)
		for try, wait := range []time.Duration{5 * time.Second, time.Minute, time.Minute, time.Minute} {
			attempted(w, ev, try+1)
			var next time.Time
			servicetest.Eventually(t, "it waits", func() bool {
				d := w.Delivery(hookswitch.DeliverOrdered, ev.Key, ep.Key)
				next = d.NextAt
				return d.Owner == 0 && d.Tries == try+1
			})
			if got := next.Sub(w.Clock.Now()); got != wait {
				t.Errorf("after attempt %d it waits %v, want %v", try+1, got, wait)
			}
			if since := fresh(w, ep).FailSince; since.IsZero() != (try < 2) {
				t.Errorf("after attempt %d the failure clock is at %v", try+1, since)
			}
			w.Clock.Advance(wait)
		}
		pass(w, "it is disabled", 20*time.Minute, func() bool { return fresh(w, ep).Disabled })
		publish(w, app, 2)
		requests, _ := q.has()
		w.Clock.Advance(48 * time.Hour)
		servicetest.Eventually(t, "the head is parked", func() bool {
			d := w.Delivery(hookswitch.DeliverOrdered, ev.Key, ep.Key)
			return d.Owner == 0 && d.NextAt.After(w.Clock.Now())
		})
		for i, d := range servicetest.Must(w.Service.Destinations(t.Context(), ev))(t) {
			if d.Status.State != hookswitch.DeliveryPending || !d.Status.Next.IsZero() {
				t.Errorf("destination %d while disabled: %+v", i, d.Status)
			}
		}
		q.mu.Lock()
		healthy = true
		q.mu.Unlock()
		if again, _ := q.has(); len(again) != len(requests) || slices.Contains(again, numbered(1)) {
			t.Errorf("%d requests while it is disabled", len(again)-len(requests))
		}
		w.Enable(ep)
		servicetest.Eventually(t, "all have arrived", func() bool { _, taken := q.has(); return len(taken) == 3 })
		if _, taken := q.has(); !slices.Equal(taken, numbers(0, 3)) {
			t.Errorf("taken %v", taken)
		}
	})
}

func TestOrdered_GoesOnBehindWhatIsSkipped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(5*time.Second, time.Hour))
		w.Run(nil)
		q := newQueueEnd(t, func(body string, _ int) int {
			if body == numbered(0) || body == numbered(3) {
				return 500
			}
			return 200
		})
		app := w.App()
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		var events []*hookswitch.Event
		for i := range 5 {
			events = append(events, publish(w, app, i))
		}
		ids := w.Service.IDs()
		cancel := func(ev *hookswitch.Event) error {
			return w.Service.CancelDelivery(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, ev.Key), ids.Format(hookswitch.KindEndpoint, ep.Key), none)
		}
		attempted(w, events[0], 1)
		servicetest.Eventually(t, "the head waits", func() bool { return w.Delivery(hookswitch.DeliverOrdered, events[0].Key, ep.Key).Owner == 0 })
		for _, ev := range []*hookswitch.Event{events[2], events[0]} {
			if err := cancel(ev); err != nil {
				t.Fatal(err)
			}
		}
		attempted(w, events[3], 1)
		if _, taken := q.has(); !slices.Equal(taken, []string{numbered(1)}) {
			t.Errorf("taken %v", taken)
		}
		if err := cancel(events[1]); hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("of a delivered one: %v", err)
		}
		servicetest.Eventually(t, "the next head waits", func() bool { return w.Delivery(hookswitch.DeliverOrdered, events[3].Key, ep.Key).Owner == 0 })
		if err := w.Service.CancelDeliveries(t.Context(), app.Key, ep, w.Clock.Now().Add(time.Hour), none); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(2 * time.Second)
		publish(w, app, 5)
		servicetest.Eventually(t, "the queue goes on", func() bool { _, taken := q.has(); return slices.Contains(taken, numbered(5)) })
		if requests, _ := q.has(); slices.Contains(requests, numbered(4)) || slices.Contains(requests, numbered(2)) {
			t.Errorf("requests %v", requests)
		}
	})
}

func TestOrdered_AnAttemptThatRunsIsTheLastOfACanceledOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(2*time.Second, time.Hour))
		w.Run(nil)
		q := newQueueEnd(t, func(body string, _ int) int {
			if body == numbered(0) {
				return 0
			}
			return 200
		})
		app := w.App()
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		ev := publish(w, app, 0)
		publish(w, app, 1)
		servicetest.Eventually(t, "it runs", func() bool { requests, _ := q.has(); return len(requests) == 1 })
		ids := w.Service.IDs()
		if err := w.Service.CancelDelivery(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, ev.Key), ids.Format(hookswitch.KindEndpoint, ep.Key), none); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, "the queue goes on", func() bool { _, taken := q.has(); return len(taken) == 1 })
		if d := w.Delivery(hookswitch.DeliverOrdered, ev.Key, ep.Key); d.State != hookswitch.DeliveryCanceled {
			t.Errorf("the row is %+v", d)
		}
	})
}

func TestOrdered_DeletingEndsTheQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(5*time.Second, 5*time.Second))
		w.Run(nil)
		q := newQueueEnd(t, func(string, int) int { return 500 })
		app := w.App()
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		first, second := publish(w, app, 0), publish(w, app, 1)
		attempted(w, first, 1)
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		for _, ev := range []*hookswitch.Event{first, second} {
			if d := servicetest.Must(w.Service.Destinations(t.Context(), ev))(t); d[0].Status.State != hookswitch.DeliveryCanceled {
				t.Errorf("at once: %+v", d[0].Status)
			}
		}
		w.Clock.Advance(10 * time.Second)
		servicetest.Eventually(t, "the queue is empty", func() bool {
			a, b := w.Delivery(hookswitch.DeliverOrdered, first.Key, ep.Key), w.Delivery(hookswitch.DeliverOrdered, second.Key, ep.Key)
			return a.State == hookswitch.DeliveryCanceled && b.State == hookswitch.DeliveryCanceled
		})
		if requests, _ := q.has(); len(requests) != 1 {
			t.Errorf("%d requests", len(requests))
		}
	})
}

func TestOrdered_CountsForWhatIsAcceptedFromThenOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, "http://127.0.0.1:1/")
		set := func(ordered bool) {
			servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
				e.Ordered = ordered
				return nil
			}))(t)
		}
		kinds := func(ev *hookswitch.Event) hookswitch.DeliveryKind {
			return servicetest.Must(w.Store.DeliveriesOf(t.Context(), app.Key, ev.Key))(t)[0].Kind
		}
		before := publish(w, app, 0)
		set(true)
		during := publish(w, app, 1)
		set(false)
		after := publish(w, app, 2)
		if got := []hookswitch.DeliveryKind{kinds(before), kinds(during), kinds(after)}; !slices.Equal(got, []hookswitch.DeliveryKind{1, 5, 1}) {
			t.Errorf("kinds %v", got)
		}
	})
}

func TestOrdered_AResendIsOneTryAtTheEndOfTheQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, quick(5*time.Second, time.Hour))
		w.Run(nil)
		fail := ""
		q := newQueueEnd(t, func(body string, _ int) int {
			if body == fail {
				return 500
			}
			return 200
		})
		app := w.App()
		ep := w.Endpoint(app, q.URL, servicetest.Ordered)
		first := publish(w, app, 0)
		attempted(w, first, 1)
		servicetest.Eventually(t, "it is delivered", func() bool { return w.Delivery(hookswitch.DeliverOrdered, first.Key, ep.Key) == nil })
		q.mu.Lock()
		fail = numbered(1)
		q.mu.Unlock()
		second := publish(w, app, 1)
		attempted(w, second, 1)
		servicetest.Eventually(t, "it waits", func() bool { return w.Delivery(hookswitch.DeliverOrdered, second.Key, ep.Key).Owner == 0 })
		resend(w, first, ep) // stands behind the second
		resend(w, second, ep)
		if list := attempted(w, second, 2); !list[1].Manual {
			t.Errorf("attempt %+v", list[1])
		}
		servicetest.Eventually(t, "it waits", func() bool { return w.Delivery(hookswitch.DeliverOrdered, second.Key, ep.Key).Owner == 0 })
		if n := len(attempts(w, first)); n != 1 {
			t.Errorf("the first has overtaken: %d attempts", n)
		}
		q.mu.Lock()
		fail = numbered(0)
		q.mu.Unlock()
		w.Clock.Advance(time.Hour)
		if list := attempted(w, first, 2); !list[1].Manual || list[1].OK {
			t.Errorf("attempt %+v", list[1])
		}
		third := publish(w, app, 2)
		attempted(w, third, 1)
		if requests, _ := q.has(); !slices.Equal(requests, []string{numbered(0), numbered(1), numbered(1), numbered(1), numbered(0), numbered(2)}) {
			t.Errorf("requests %v", requests)
		}
	})
}
