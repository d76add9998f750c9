package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestHousekeep_DropsWhatIsPastKeeping(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		old := f.owed() // still waits
		f.record(func() *store.Outcome {
			o := f.outcome(old, store.Retry)
			o.Next = f.clock.Now().Add(time.Hour)
			return o
		}())
		failed := f.owed()
		f.record(f.outcome(failed, store.Exhausted))
		running := f.owed()
		delivered := f.owed()
		f.record(f.outcome(delivered, store.Done))
		f.update(func(tx *store.Tx) error {
			for _, err := range []error{
				tx.PutBin(&store.Bin{Token: "old", ExpiresAt: f.clock.Now().Add(time.Hour)}), tx.InsertBinRequest(&store.BinRequest{Key: f.keys.Next(), Token: "old"}),
				tx.InsertReceipt(&hookswitch.Receipt{Key: f.keys.Next(), App: f.app}), tx.InsertStray(f.keys.Next(), "p", "d", "r", nil),
				tx.Claim(store.OnceOf(store.Life1Day, 1, "x"), f.clock.Now()), tx.Claim(store.OnceOf(store.LifeForever, 1, "x"), f.clock.Now()),
			} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		o := store.HousekeepOptions{Retention: 30 * 24 * time.Hour, StrayRetention: 24 * time.Hour}
		keep := func() store.HousekeepResult {
			t.Helper()
			res, err := f.Housekeep(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		if res := keep(); len(res.Canceled) != 0 || res.Events+res.Attempts+res.Bins+res.Once+res.Receipts+res.Strays+res.Counters+res.Ended != 0 {
			t.Fatalf("got %+v at once, want nothing", res)
		}
		f.clock.Advance(2*24*time.Hour + time.Hour)
		if res := keep(); res.Bins != 1 || res.Strays != 1 || res.Once != 1 || res.Events != 0 {
			t.Errorf("got %+v after two days", res)
		}
		f.clock.Advance(29 * 24 * time.Hour)
		fresh := f.owed()
		f.record(f.outcome(fresh, store.Exhausted))
		res := keep()
		// The event of what runs at this moment stays.
		if res.Canceled[f.app] != 1 || len(res.Canceled) != 1 || res.Events != 3 || res.Attempts != 3 || res.Receipts != 1 || res.Counters != 3 {
			t.Errorf("got %+v", res)
		}
		for _, d := range []store.Delivery{old, failed, delivered} {
			f.noDelivery(d.Subject, d.Target)
			if f.hasEvent(d.Subject) {
				t.Errorf("event %d is still there", d.Subject)
			}
		}
		if !f.hasEvent(running.Subject) || !f.hasEvent(fresh.Subject) {
			t.Error("too much was dropped")
		}
		f.delivery(fresh.Subject, fresh.Target)
		if _, err := f.Seen(store.OnceOf(store.LifeForever, 1, "x")); err != nil {
			t.Errorf("what is remembered for ever: %v", err)
		}
		f.record(f.outcome(running, store.Done))
		if res := keep(); res.Events != 1 || f.hasEvent(running.Subject) {
			t.Errorf("got %+v", res)
		}
	})
}

func TestHousekeep_KeepsForEverWithoutARetention(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		d := f.owed()
		f.record(f.outcome(d, store.Exhausted))
		f.clock.Advance(1000 * 24 * time.Hour)
		if _, err := f.Housekeep(t.Context(), store.HousekeepOptions{}); err != nil {
			t.Fatal(err)
		}
		if !f.hasEvent(d.Subject) {
			t.Error("the event is gone")
		}
	})
}

func TestHousekeep_EmptiesTheQueueOfDisabledAndDeletedEndpoints(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		disabled, deleted, healthy := f.newEndpoint(), f.newEndpoint(), f.newEndpoint()
		const many = 1200 // more than two chunks
		for _, e := range []*hookswitch.Endpoint{disabled, healthy} {
			f.dead(e.Key, many)
		}
		manual := f.event(deleted.Key)
		list := f.waiting(manual)
		list[0].Manual = true
		f.accept(manual, list)
		disabled.Disabled, disabled.CanceledUpto = true, many-100
		f.update(func(tx *store.Tx) error {
			if err := tx.DeleteEndpoint(f.app, deleted.Key, 1, f.clock.Now()); err != nil {
				return err
			}
			return tx.UpdateEndpoint(disabled)
		})
		res, err := f.Housekeep(t.Context(), store.HousekeepOptions{})
		if err != nil || res.Ended != many-100+1 {
			t.Fatalf("got %+v, %v, want %d ended", res, err, many-100+1)
		}
		if d := f.delivery(manual.Key, deleted.Key); d.State != hookswitch.DeliveryCanceled {
			t.Errorf("got %+v, want it canceled", d)
		}
		of := make(map[hookswitch.Key]int)
		for _, d := range f.claim(func(r *store.ClaimRequest) { r.Max, r.PerTarget = 5000, func(hookswitch.Key) int { return 5000 } }).Deliveries {
			of[d.Target]++
		}
		if of[disabled.Key] != 100 || of[healthy.Key] != many || of[deleted.Key] != 0 {
			t.Errorf("got %v waiting", of)
		}
	})
}

func TestHousekeep_WorksInChunksAndEndsWithItsContext(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var events []*hookswitch.Event
		for range 1100 {
			events = append(events, f.event())
		}
		f.update(func(tx *store.Tx) error { return tx.Append(events, nil) })
		f.clock.Advance(2 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Housekeep(ctx, store.HousekeepOptions{Retention: time.Hour}); err == nil {
			t.Error("it did not notice that its context had ended")
		}
		res, err := f.Housekeep(t.Context(), store.HousekeepOptions{Retention: time.Hour})
		if err != nil || res.Events != 1100 {
			t.Fatalf("got %+v, %v", res, err)
		}
	})
}
