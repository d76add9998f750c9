package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// rich is an event with everything that few events have.
func (f *fixture) rich(targets ...hookswitch.Key) *hookswitch.Event {
	e := f.event(targets...)
	at := f.clock.Now().Add(time.Hour).Truncate(time.Millisecond)
	e.UID, e.Tags, e.Labels, e.ContentType, e.DeliverAt, e.ExpiresAt = "u", []string{"t"}, []string{`a\b`, "c/d#"}, "text/plain", at, at.Add(time.Hour)
	return e
}

func TestEvents_RoundTripPlainAndRich(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint().Key
		list := []*hookswitch.Event{f.event(ep), f.rich(ep), f.event(ep)}
		list[2].ContentType = "text/csv"
		accepted, appended := list, []*hookswitch.Event{f.event(ep), f.rich(ep)}
		a := &store.Accept{App: f.app, Version: 1, Events: accepted}
		for _, e := range accepted {
			a.Deliveries = append(a.Deliveries, f.leased(e)...)
		}
		if err := f.Accept(a); err != nil {
			t.Fatal(err)
		}
		f.update(func(tx *store.Tx) error { return tx.Append(appended, nil) })
		for _, want := range append(accepted, appended...) {
			got, err := f.Event(t.Context(), f.app, want.Key)
			if diff := cmp.Diff(want, must(t, got, err)); diff != "" {
				t.Error(diff)
			}
			bare, err := f.BareEvents(t.Context(), f.app, []hookswitch.Key{want.Key})
			if err != nil || len(bare) != 1 || bare[0].Payload != nil || bare[0].Key != want.Key || len(bare[0].Labels) != len(want.Labels) {
				t.Errorf("bare %+v, %v", bare, err)
			}
		}
		if bare, err := f.BareEvents(t.Context(), f.newApp(), []hookswitch.Key{list[0].Key}); err != nil || len(bare) != 0 {
			t.Errorf("another app sees %d, %v", len(bare), err)
		}
		got, _, err := f.Events(t.Context(), f.app, store.EventFilter{Bare: true}, store.Page{Limit: 10})
		for _, e := range must(t, got, err) {
			if e.Payload != nil {
				t.Errorf("a bare list has payload %q", e.Payload)
			}
		}
	})
}

func TestExpunge_RemovesContentAndCancelsWhatWaits(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		d, other := f.owed(), f.owed()
		retry := f.outcome(d, store.Retry)
		retry.Next = f.clock.Now().Add(time.Hour)
		f.record(retry)
		f.record(f.outcome(other, store.Retry))
		foreign := f.newApp()
		f.update(func(tx *store.Tx) error { return tx.ExpungeEvents(foreign, []hookswitch.Key{d.Subject}) })
		if e, err := f.Event(t.Context(), f.app, d.Subject); must(t, e, err).Expired {
			t.Fatal("another app has removed it")
		}
		f.update(func(tx *store.Tx) error { return tx.ExpungeEvents(f.app, []hookswitch.Key{d.Subject}) })
		e, err := f.Event(t.Context(), f.app, d.Subject)
		if must(t, e, err); !e.Expired || len(e.Payload) != 0 {
			t.Errorf("event %+v", e)
		}
		attempts, err := f.AttemptsByEvent(t.Context(), f.app, d.Subject, store.AttemptFilter{}, store.Page{Limit: 10})
		if must(t, attempts, err); len(attempts) != 1 || !attempts[0].Expired || len(attempts[0].Answer) != 0 || len(attempts[0].Headers) != 0 {
			t.Errorf("attempts %+v", attempts)
		}
		if got := f.delivery(d.Subject, d.Target); got.State != hookswitch.DeliveryCanceled || got.Tries != 1 {
			t.Errorf("what waited: %+v", got)
		}
		if got := f.delivery(other.Subject, other.Target); got.State != hookswitch.DeliveryPending {
			t.Errorf("another one: %+v", got)
		}
		// What runs at this moment ends by itself.
		running := f.owed()
		f.update(func(tx *store.Tx) error { return tx.ExpungeEvents(f.app, []hookswitch.Key{running.Subject}) })
		f.record(f.outcome(running, store.Done))
		f.noDelivery(running.Subject, running.Target)
	})
}

func TestHousekeep_RemovesPayloadsWhoseTimeHasCome(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		const n = 530 // more than one transaction takes
		var soon []*hookswitch.Event
		f.update(func(tx *store.Tx) error {
			soon = nil
			for i := range n {
				e := f.event()
				e.ExpiresAt = f.clock.Now().Add(time.Hour)
				if i%100 == 0 {
					e.App = f.app + 1
				}
				soon = append(soon, e)
			}
			return tx.Append(soon, nil)
		})
		ep := f.newEndpoint().Key
		later, waits := f.rich(ep), f.event(ep)
		later.ExpiresAt, waits.ExpiresAt = f.clock.Now().Add(2*time.Hour), f.clock.Now().Add(time.Hour)
		f.accept(later, f.waiting(later))
		f.accept(waits, f.waiting(waits))
		keep := func() int {
			t.Helper()
			res, err := f.Housekeep(t.Context(), store.HousekeepOptions{Retention: 90 * 24 * time.Hour})
			return must(t, res, err).Payloads
		}
		f.clock.Advance(time.Hour - time.Millisecond)
		if got := keep(); got != 0 {
			t.Errorf("%d removed too early", got)
		}
		f.clock.Advance(time.Millisecond)
		if got := keep(); got != n+1 {
			t.Errorf("%d removed, want %d", got, n+1)
		}
		if got := keep(); got != 0 {
			t.Errorf("%d removed again", got)
		}
		for _, e := range []*hookswitch.Event{soon[0], soon[1], soon[n-1], waits} {
			if got, err := f.Event(t.Context(), e.App, e.Key); !must(t, got, err).Expired || len(got.Payload) != 0 {
				t.Errorf("%+v", got)
			}
		}
		if got := f.delivery(waits.Key, ep); got.State != hookswitch.DeliveryCanceled {
			t.Errorf("what waited: %+v", got)
		}
		if got, err := f.Event(t.Context(), f.app, later.Key); must(t, got, err).Expired || f.delivery(later.Key, ep).State != hookswitch.DeliveryPending {
			t.Errorf("%+v", got)
		}
	})
}

func TestExpungeExpired_LeavesTheTimeBehind(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		until := f.clock.Now().Add(-time.Minute).Truncate(time.Millisecond)
		aged, asked := f.event(), f.event()
		aged.ExpiresAt, asked.ExpiresAt = until, until.Add(time.Hour)
		f.update(func(tx *store.Tx) error { return tx.Append([]*hookswitch.Event{aged, asked}, nil) })
		f.update(func(tx *store.Tx) error {
			n, err := tx.ExpungeExpired(f.clock.Now(), 10)
			if n != 1 {
				t.Errorf("expunged %d, want 1", n)
			}
			return err
		})
		f.update(func(tx *store.Tx) error { return tx.ExpungeEvents(f.app, []hookswitch.Key{asked.Key}) })
		f.update(func(tx *store.Tx) error {
			n, err := tx.ExpungeExpired(f.clock.Now().Add(2*time.Hour), 10)
			if n != 0 {
				t.Errorf("expunged %d once more", n)
			}
			return err
		})
		for ev, want := range map[*hookswitch.Event]time.Time{aged: until, asked: {}} {
			got, err := f.Event(t.Context(), f.app, ev.Key)
			if err != nil || !got.Expired || len(got.Payload) > 0 || !got.ExpiresAt.Equal(want) {
				t.Errorf("%+v, %v; want it gone at %s", got, err, want)
			}
		}
	})
}
