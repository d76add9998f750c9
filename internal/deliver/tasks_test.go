package deliver_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// book counts what a receiver takes, by event id, and keeps the order.
type book struct {
	mu    sync.Mutex
	taken []string
}

func (b *book) take(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.taken = append(b.taken, r.Header.Get("webhook-id"))
	b.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

func (b *book) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.taken)
}

// wantOnce fails the test unless each of the events was taken once, and nothing else.
func (b *book) wantOnce(w *servicetest.World, events []*hookswitch.Event) {
	w.TB.Helper()
	n := map[string]int{}
	for _, id := range b.all() {
		n[id]++
	}
	for _, ev := range events {
		if id := w.Service.IDs().Format(hookswitch.KindEvent, ev.Key); n[id] != 1 {
			w.TB.Errorf("event %s was taken %d times", id, n[id])
		} else {
			delete(n, id)
		}
	}
	if len(n) != 0 {
		w.TB.Errorf("%d others were taken", len(n))
	}
}

func publishMany(w *servicetest.World, app *hookswitch.App, n int) []*hookswitch.Event {
	w.TB.Helper()
	list := make([]*hookswitch.Event, n)
	var publishers sync.WaitGroup
	for worker := range 16 {
		publishers.Go(func() {
			for i := worker; i < n; i += 16 {
				var err error
				if list[i], err = w.Service.PublishEvent(context.Background(), app, service.Publish{Type: "a", Payload: fmt.Appendf(nil, `{"n":%d}`, i)}, none); err != nil {
					w.TB.Error(err)
				}
			}
		})
	}
	publishers.Wait()
	slices.SortFunc(list, func(a, b *hookswitch.Event) int { return int(a.Key - b.Key) })
	return list
}

// failAll plays one failed attempt, the last one, of everything that is due.
func failAll(w *servicetest.World) {
	w.TB.Helper()
	for claimed := w.Claim(hookswitch.DeliverWebhook); len(claimed) > 0; claimed = w.Claim(hookswitch.DeliverWebhook) {
		for _, l := range claimed {
			w.Service.Record(w.Fail(l, 500))
		}
		w.Flush()
	}
}

func start(w *servicetest.World, kind hookswitch.TaskKind, ep *hookswitch.Endpoint) *hookswitch.Task {
	w.TB.Helper()
	return servicetest.Must(w.Service.StartRecovery(context.Background(), kind, ep.App, w.Service.IDs().Format(hookswitch.KindEndpoint, ep.Key),
		service.Recovery{Since: servicetest.Start.Add(-time.Hour)}, none))(w.TB)
}

// passing waits until ok while time passes.
func passing(w *servicetest.World, what string, ok func() bool) {
	w.TB.Helper()
	servicetest.Eventually(w.TB, what, func() bool {
		w.Clock.Advance(5 * time.Millisecond)
		return ok()
	})
}

func task(w *servicetest.World, t *hookswitch.Task) *hookswitch.Task {
	w.TB.Helper()
	return servicetest.Must(w.Store.Task(context.Background(), t.Key))(w.TB)
}

func ended(w *servicetest.World, t *hookswitch.Task) *hookswitch.Task {
	w.TB.Helper()
	passing(w, "the task ends", func() bool { return task(w, t).Status != hookswitch.TaskRunning })
	return task(w, t)
}

func TestTask_RecoverSendsEachOnceAndNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		r, b := servicetest.NewReceiver(t), &book{}
		r.Answer(b.take)
		other := servicetest.NewReceiver(t)
		ep := w.Endpoint(app, r.URL)
		w.Endpoint(app, other.URL)
		foreign := w.App()
		w.Endpoint(foreign, other.URL)
		w.Publish(foreign, "a")
		events := publishMany(w, app, 700)
		failAll(w)
		w.Run(nil)
		ta := start(w, hookswitch.TaskRecover, ep)
		w.Clock.Advance(3 * time.Second)
		got := ended(w, ta)
		if got.Status != hookswitch.TaskFinished || got.Total != 700 || got.Done != 700 || got.Skipped != 0 {
			t.Errorf("at the end: %+v", got)
		}
		b.wantOnce(w, events)
		if n := len(other.Got()); n != 0 {
			t.Errorf("other endpoints got %d requests", n)
		}
		list := servicetest.Must(w.Service.AttemptsByEndpoint(t.Context(), ep.App, ep.Key, store.AttemptFilter{OK: new(true)}, store.Page{Limit: 1000}))(t)
		if len(list) != 700 || !list[0].Manual {
			t.Errorf("%d attempts succeeded, the last one manual: %v", len(list), list[0].Manual)
		}
	})
}

func TestTask_CanceledAtTwoFifthsAndBegunAgainSendsAllOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		r, b := servicetest.NewReceiver(t), &book{}
		gate := make(chan struct{})
		const total, atFirst = 1000, 400
		r.Answer(func(rw http.ResponseWriter, q *http.Request) {
			if len(b.all()) >= atFirst {
				select {
				case <-gate:
				case <-q.Context().Done():
					return
				}
			}
			b.take(rw, q)
		})
		ep := w.Endpoint(app, r.URL)
		events := publishMany(w, app, total)
		failAll(w)
		w.Run(nil, func(_ *deliver.Options, o *work.Options) { o.Global = 16 })
		ta := start(w, hookswitch.TaskRecover, ep)
		w.Clock.Advance(3 * time.Second)
		passing(w, "two fifths are sent", func() bool { return len(b.all()) >= atFirst })
		began := time.Now()
		got := servicetest.Must(w.Service.CancelTask(t.Context(), task(w, ta)))(t)
		took := time.Since(began)
		if !got.Canceled || took > 2*time.Second {
			t.Errorf("canceled after %v: %+v", took, got)
		}
		close(gate)
		passing(w, "what was in flight ends", func() bool { return servicetest.Must(w.Store.Outstanding(t.Context(), ta.Key))(t) == 0 })
		sent := len(b.all())
		if got = task(w, ta); int(got.Done) != sent || sent > atFirst+64 {
			t.Errorf("%d sent, the task says %d of %d", sent, got.Done, got.Total)
		}
		again := start(w, hookswitch.TaskRecover, ep)
		if int(again.Total) != total-sent {
			t.Errorf("%d are left, want %d", again.Total, total-sent)
		}
		w.Clock.Advance(3 * time.Second)
		if got := ended(w, again); got.Done != again.Total {
			t.Errorf("at the end: %+v", got)
		}
		b.wantOnce(w, events)
	})
}

func TestTask_ReplayMissingSendsWhatWasHeldInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		r, b := servicetest.NewReceiver(t), &book{}
		r.Answer(b.take)
		ep := w.Endpoint(app, r.URL, servicetest.Disabled)
		held := publishMany(w, app, 500)
		w.Enable(ep)
		w.Run(nil)
		w.Clock.Advance(3 * time.Second)
		if n := len(r.Got()); n != 0 {
			t.Fatalf("enabling sent %d", n)
		}
		ta := start(w, hookswitch.TaskReplay, ep)
		if ta.Total != 500 {
			t.Errorf("counted %d, want 500", ta.Total)
		}
		w.Clock.Advance(3 * time.Second)
		if got := ended(w, ta); got.Done != 500 {
			t.Errorf("at the end: %+v", got)
		}
		b.wantOnce(w, held)
		place := map[string]int{}
		for i, ev := range held {
			place[w.Service.IDs().Format(hookswitch.KindEvent, ev.Key)] = i
		}
		// Several are sent at a time, and one of them may be held up.
		far := 0
		for i, id := range b.all() {
			if d := i - place[id]; d < -100 || d > 100 {
				far++
			}
		}
		if far > len(held)/20 {
			t.Errorf("%d of %d were taken far from their places", far, len(held))
		}
	})
}

func TestTask_DisabledWhileItRunsSendsNothingMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		r, b := servicetest.NewReceiver(t), &book{}
		gate := make(chan struct{})
		r.Answer(func(rw http.ResponseWriter, q *http.Request) {
			select {
			case <-gate:
			case <-q.Context().Done():
				return
			}
			b.take(rw, q)
		})
		ep := w.Endpoint(app, r.URL)
		publishMany(w, app, 300)
		failAll(w)
		w.Run(nil, func(_ *deliver.Options, o *work.Options) { o.Global = 16 })
		ta := start(w, hookswitch.TaskRecover, ep)
		w.Clock.Advance(3 * time.Second)
		passing(w, "some are in flight", func() bool { return len(r.Got()) > 0 })
		w.Disable(ep)
		close(gate)
		got := ended(w, ta)
		if got.Status != hookswitch.TaskFailed || got.Error == "" {
			t.Errorf("at the end: %+v", got)
		}
		passing(w, "nothing is outstanding", func() bool { return servicetest.Must(w.Store.Outstanding(t.Context(), ta.Key))(t) == 0 })
		if n := len(b.all()); n > 64 || int(task(w, ta).Done) != n {
			t.Errorf("%d were sent, the task says %d", n, task(w, ta).Done)
		}
	})
}
