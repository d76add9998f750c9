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
