package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// scene is an App with an endpoint, and hands that play the engine.
type scene struct {
	*servicetest.World
	app *hookswitch.App
	ep  *hookswitch.Endpoint
}

func newScene(t *testing.T, db *storetest.DB, change ...func(*hookswitch.Endpoint)) *scene {
	w := servicetest.New(t, db)
	app := w.App()
	return &scene{w, app, w.Endpoint(app, hookURL, change...)}
}

func (s *scene) ref() string { return s.Service.IDs().Format(hookswitch.KindEndpoint, s.ep.Key) }

// try claims everything that is due for the endpoint and plays one try of each. The outcome is the verdict's: Done succeeds, everything else fails with code. It
// returns the events in the order in which they were claimed.
func (s *scene) try(verdict store.Verdict, code int) []hookswitch.Key {
	s.TB.Helper()
	var list []hookswitch.Key
	for _, l := range s.Claim(hookswitch.DeliverWebhook) {
		if l.Target != s.ep.Key {
			continue
		}
		o := s.Fail(l, code)
		o.Verdict, o.Next = verdict, s.Clock.Now().Add(time.Hour)
		if l.Manual && verdict != store.Done {
			o.Verdict = store.Restored
		}
		s.Service.Record(o)
		list = append(list, l.Subject)
	}
	s.Flush()
	return list
}

func (s *scene) recovery(kind hookswitch.TaskKind, r service.Recovery) *hookswitch.Task {
	s.TB.Helper()
	if r.Since.IsZero() {
		r.Since = servicetest.Start.Add(-time.Hour)
	}
	return servicetest.Must(s.Service.StartRecovery(context.Background(), kind, s.app.Key, s.ref(), r, none))(s.TB)
}

// step lets time pass, and runs the task once. It returns the task as it then stands.
func (s *scene) step(t *hookswitch.Task) *hookswitch.Task {
	s.TB.Helper()
	s.Clock.Advance(3 * time.Second)
	for _, l := range s.Claim(hookswitch.DeliverTask) {
		servicetest.Must(s.Service.RunTask(context.Background(), &l.Outcome, l.Tries))(s.TB)
	}
	return s.task(t)
}

func (s *scene) task(t *hookswitch.Task) *hookswitch.Task {
	s.TB.Helper()
	return servicetest.Must(s.Store.Task(context.Background(), t.Key))(s.TB)
}

// data is what the task tells of itself.
func (s *scene) data(t *hookswitch.Task) map[string]any {
	s.TB.Helper()
	var v map[string]any
	if err := json.Unmarshal(servicetest.Must(s.Service.TaskData(context.Background(), s.task(t)))(s.TB), &v); err != nil {
		s.TB.Fatal(err)
	}
	return v
}

func (s *scene) wantData(t *hookswitch.Task, want map[string]any) {
	s.TB.Helper()
	got := s.data(t)
	for name, v := range want {
		if diff := cmp.Diff(v, got[name]); diff != "" {
			s.TB.Errorf("data.%s (-want +got):\n%s", name, diff)
		}
	}
}

func keysOf(list ...*hookswitch.Event) []hookswitch.Key {
	keys := make([]hookswitch.Key, len(list))
	for i, ev := range list {
		keys[i] = ev.Key
	}
	return keys
}

func (s *scene) wantEvents(what string, got []hookswitch.Key, want ...*hookswitch.Event) {
	s.TB.Helper()
	got = slices.Clone(got)
	slices.Sort(got)
	keys := keysOf(want...)
	slices.Sort(keys)
	if diff := cmp.Diff(keys, got, cmp.Transformer("keys", func(l []hookswitch.Key) []hookswitch.Key { return append([]hookswitch.Key{}, l...) })); diff != "" {
		s.TB.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// expire removes what an event says, as a person would ask for it.
func (s *scene) expire(after, upto hookswitch.Key) {
	s.TB.Helper()
	if err := s.Store.Update(context.Background(), func(tx *store.Tx) error {
		_, _, err := tx.PurgeContents(s.app.Key, after, upto, 1000)
		return err
	}); err != nil {
		s.TB.Fatal(err)
	}
}

// rows are the deliveries to the target, by event.
func (s *scene) rows(target hookswitch.Key) map[hookswitch.Key]store.Delivery {
	s.TB.Helper()
	rows := make(map[hookswitch.Key]store.Delivery)
	for _, ev := range s.Events(s.app) {
		if d := s.Delivery(hookswitch.DeliverWebhook, ev.Key, target); d != nil {
			rows[ev.Key] = *d
		}
	}
	return rows
}

// publishMany publishes without waiting for one after the other.
func publishMany(w *servicetest.World, app *hookswitch.App, n int) {
	w.TB.Helper()
	errs := make(chan error, 16)
	for worker := range cap(errs) {
		go func() {
			for i := worker; i < n; i += cap(errs) {
				if _, err := w.Service.PublishEvent(context.Background(), app, service.Publish{Type: "a", Payload: fmt.Appendf(nil, `{"n":%d}`, i)}, none); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			w.TB.Fatal(err)
		}
	}
}

func wantOnce(t *testing.T, seen map[hookswitch.Key]int, total int) {
	t.Helper()
	for key, n := range seen {
		if n != 1 {
			t.Errorf("event %d was sent %d times", key, n)
		}
	}
	if len(seen) != total {
		t.Errorf("%d events were sent, want %d", len(seen), total)
	}
}
