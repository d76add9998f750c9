package work_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

// Each conversation is a lane of its own: when a responder is slow, there are more of them than runs at once and room in memory. Webhooks must not stand in line
// behind them.
func TestPool_SlowKindWithAShareOfItsOwnHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var slow, most, quick atomic.Int64
		r := start(t, store, setup{
			Options: work.Options{Global: 8, Queue: 200}, own: 16,
			run: func(_ context.Context, it work.Item) work.Result {
				if it.Kind == fifo {
					n := slow.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					time.Sleep(10 * time.Second)
					slow.Add(-1)
				} else {
					time.Sleep(time.Millisecond)
					quick.Add(1)
				}
				store.done(it)
				return work.Result{OK: true}
			},
		})
		var subject int64
		for target := range int64(500) {
			subject++
			r.publish(work.Lane{Kind: fifo, Target: target}, subject)
		}
		time.Sleep(5 * time.Second)
		for range 100 {
			subject++
			r.publish(lane(1), subject)
		}
		time.Sleep(500 * time.Millisecond)
		equal(t, "webhooks that ran beside 500 slow answers", quick.Load(), 100)
		time.Sleep(10 * time.Minute)
		equal(t, "owed", store.owed(), 0)
		equal(t, "slow runs at once", most.Load(), 16)
	})
}

// A claim looks for its work from the start and writes a transaction: where runs end one by one, it waits until there is room for several.
func TestPool_ClaimsWhatIsWorthAClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran, claims atomic.Int64
		r := start(t, store, setup{
			own: 64,
			run: func(_ context.Context, it work.Item) work.Result {
				time.Sleep(time.Second + time.Duration(it.Subject)*time.Millisecond)
				if ran.Add(1) == 2000 {
					claims.Store(int64(store.claimCount()))
				}
				store.done(it)
				return work.Result{OK: true}
			},
		})
		for subject := range int64(2000) {
			r.publish(work.Lane{Kind: fifo, Target: subject}, subject)
		}
		time.Sleep(10 * time.Minute)
		equal(t, "runs", ran.Load(), 2000)
		if n := claims.Load(); n > 2000/4 {
			t.Errorf("%d claims for 2000 runs", n)
		}
	})
}
