package store_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestCancel_OfWhatANodeHoldsOutlivesItsLease(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		queue := f.newEndpoint(ordered).Key
		for _, c := range []struct {
			name string
			back func(held []store.Delivery)
		}{
			{"given back", func(held []store.Delivery) {
				if err := f.Release(t.Context(), held, f.clock.Now()); err != nil {
					t.Fatal(err)
				}
			}},
			{"its lease has ended", func([]store.Delivery) {
				f.clock.Advance(2 * time.Minute)
				if n, err := f.Reclaim(t.Context(), f.clock.Now()); n != 2 || err != nil {
					t.Fatalf("took back %d, %v, want both", n, err)
				}
			}},
			{"its node has begun again", func([]store.Delivery) { f.reopen() }},
		} {
			held := []store.Delivery{f.owed(), f.head(f.queued(queue, 1)[0])}
			for _, d := range held {
				f.update(func(tx *store.Tx) error {
					_, err := tx.Cancel(d.Subject, d.Target)
					return err
				})
			}
			c.back(held)
			for _, d := range held {
				got, err := f.Delivery(t.Context(), d.Kind, d.Subject, d.Target)
				if must(t, got, err); got.State != hookswitch.DeliveryCanceled || got.Owner != 0 {
					t.Errorf("%s: %+v, want it canceled", c.name, got)
				}
			}
		}
		if got := f.claim(); len(got.Deliveries) != 0 {
			t.Errorf("claimed %+v", got.Deliveries)
		}
		f.head(0)
	})
}
