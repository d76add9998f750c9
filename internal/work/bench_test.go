package work_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

// BenchmarkHandOver measures the engine's own cost of one item: reserve, start, run. Publishers that wait for each item
// to be run are what 32 connections do; those that do not wait fight over the lane's lock all the time.
func BenchmarkHandOver(b *testing.B) {
	for _, waits := range []bool{true, false} {
		for _, lanes := range []int64{1, 5} {
			b.Run(fmt.Sprintf("waits=%v/lanes=%d", waits, lanes), func(b *testing.B) { benchmarkHandOver(b, lanes, 32, waits) })
		}
	}
}

func benchmarkHandOver(b *testing.B, lanes int64, publishers int, waits bool) {
	var ran atomic.Int64
	done := make(chan struct{})
	n := int64(b.N)
	run := runFunc(func(_ context.Context, it work.Item) work.Result {
		if done, ok := it.Data.(chan struct{}); ok {
			done <- struct{}{}
		}
		if ran.Add(1) == n {
			close(done)
		}
		return work.Result{OK: true}
	})
	e, err := work.New(work.Options{
		Store:        newMemStore(),
		QueuePerLane: 1 << 16, // publishers that do nothing else are faster than workers
		Queue:        1 << 20,
		Kinds:        map[work.Kind]work.KindOptions{hooks: {Runner: run}},
		Logger:       slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	for !e.Reserve(lane(1)) {
		time.Sleep(time.Millisecond)
	}
	e.Unreserve(lane(1))

	var subject, refused atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range publishers {
		wg.Go(func() {
			var data any
			mine := make(chan struct{}, 1)
			if waits {
				data = mine
			}
			for {
				s := subject.Add(1)
				if s > n {
					return
				}
				l := lane(s % lanes)
				for !e.Reserve(l) {
					refused.Add(1)
					time.Sleep(20 * time.Microsecond)
				}
				now := time.Now()
				e.Start(work.Item{Lane: l, Subject: s, Claim: 1, Due: now, Lease: e.LeaseUntil(hooks, now), Data: data})
				if waits {
					<-mine
				}
			}
		})
	}
	wg.Wait()
	<-done
	b.StopTimer()
	b.ReportMetric(float64(refused.Load())/float64(n), "refused/op")
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
