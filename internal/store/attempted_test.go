package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestAttemptedEvents_ByDerivedState(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep, other := f.newEndpoint().Key, f.newEndpoint().Key
		var keys []hookswitch.Key
		try := func(targets []hookswitch.Key, verdicts ...store.Verdict) store.Delivery {
			e := f.event(targets...)
			f.accept(e, f.leased(e))
			keys = append(keys, e.Key)
			d := f.leased(e)[0]
			for _, v := range verdicts {
				o := f.outcome(d, v)
				o.Next = f.clock.Now().Add(time.Hour)
				f.record(o)
			}
			return d
		}
		one := []hookswitch.Key{ep}
		try(one, store.Done)                     // 0: delivered
		try(one, store.Exhausted)                // 1: failed
		try(one, store.Canceled)                 // 2: canceled
		try(one, store.Retry)                    // 3: waits, and reads as canceled below canceledUpto
		upto := keys[3]                          //
		try(one, store.Retry)                    // 4: pending
		try(one)                                 // 5: never tried
		try([]hookswitch.Key{other}, store.Done) // 6: another endpoint's
		again := try(one, store.Done)            // 7: delivered, and sent again in vain
		f.update(func(tx *store.Tx) error {
			_, _, err := tx.Resend(store.Delivery{Kind: again.Kind, App: f.app, Subject: again.Subject, Target: ep, NextAt: f.clock.Now(), Restore: hookswitch.DeliveryFailed}, f.clock.Now())
			return err
		})
		page := store.Page{Limit: 20, Ascending: true}
		for _, c := range []struct {
			f    store.AttemptedFilter
			want []int
		}{
			{store.AttemptedFilter{}, []int{0, 1, 2, 3, 4, 7}},
			{store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryDelivered}}, []int{0, 7}},
			{store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryFailed}}, []int{1}},
			{store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}}, []int{2, 3}},
			{store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryPending}}, []int{4}},
			{store.AttemptedFilter{States: []hookswitch.DeliveryState{hookswitch.DeliveryPending, hookswitch.DeliveryDelivered}}, []int{0, 4, 7}},
			{store.AttemptedFilter{EventFilter: store.EventFilter{Types: []string{"none"}}, States: []hookswitch.DeliveryState{hookswitch.DeliveryDelivered}}, nil},
		} {
			list, stopped, err := f.AttemptedEvents(t.Context(), f.app, ep, upto, c.f, page)
			if err != nil || stopped != 0 {
				t.Fatalf("%+v: stopped at %d, %v", c.f, stopped, err)
			}
			var got []int
			for _, a := range list {
				got = append(got, slices.Index(keys, a.Event.Key))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%+v: got %v, want %v", c.f, got, c.want)
			}
		}
		if list, _, err := f.AttemptedEvents(t.Context(), f.newApp(), ep, 0, store.AttemptedFilter{}, page); err != nil || len(list) != 0 {
			t.Errorf("another app sees %d, %v", len(list), err)
		}
	})
}
