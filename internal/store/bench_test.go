package store_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// BenchmarkCycle accepts an event with one delivery and records its success, as the happy path does, from 64 submitters.
func BenchmarkCycle(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkCycle(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { benchmarkCycle(b, storetest.Postgres(b)) })
}

func benchmarkCycle(b *testing.B, db *storetest.DB) {
	var commits, units atomic.Int64
	var spent atomic.Int64
	f := liveFixture(b, db, func(o *store.Options) {
		o.Observe = func(n int, took time.Duration) {
			commits.Add(1)
			units.Add(int64(n))
			spent.Add(int64(took))
		}
	})
	var endpoints []hookswitch.Key
	for range 10 {
		endpoints = append(endpoints, f.newEndpoint().Key)
	}
	payload := bytes.Repeat([]byte("x"), 400)
	answer := []byte("ok")
	headers := []byte("Content-Type: text/plain\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\n")
	work := make(chan int)
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 64 {
		wg.Go(func() {
			for i := range work {
				now := time.Now()
				ep := endpoints[i%len(endpoints)]
				e := &hookswitch.Event{Key: f.keys.Next(), App: f.app, Type: "order.paid", Payload: payload, Targets: []hookswitch.Target{{Endpoint: ep}}}
				d := store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: e.Key, Target: ep, Owner: f.Node().Number, Claim: 1, NextAt: now.Add(time.Minute)}
				if err := f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: []store.Delivery{d}}); err != nil {
					b.Error(err)
					return
				}
				f.Record(&store.Outcome{Kind: d.Kind, App: d.App, Subject: e.Key, Target: ep, Claim: 1, Verdict: store.Done,
					Attempt: &hookswitch.Attempt{Key: f.keys.Next(), App: f.app, Event: e.Key, Endpoint: ep, URL: "http://127.0.0.1:9000/hook", OK: true, Code: 200, Answer: answer, Headers: headers,
						Timings: hookswitch.Timings{Wait: time.Millisecond, Total: time.Millisecond}}})
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	wg.Wait()
	f.settle()
	b.ReportMetric(float64(units.Load())/float64(commits.Load()), "units/commit")
	b.ReportMetric(float64(spent.Load())/float64(commits.Load())/1e3, "µs/commit")
	b.ReportMetric(float64(spent.Load())/float64(b.Elapsed()), "committing")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "cycles/s")
}

// BenchmarkClaim claims 1,000 that are due, of one target with 100,000 and of 1,000 targets with one each.
func BenchmarkClaim(b *testing.B) {
	for _, name := range []string{"sqlite", "postgres"} {
		for _, targets := range []int{1, 1000} {
			b.Run(name+map[int]string{1: "/one-target", 1000: "/many-targets"}[targets], func(b *testing.B) {
				db := map[string]func(testing.TB) *storetest.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres}[name](b)
				f := liveFixture(b, db)
				if targets == 1 {
					f.dead(f.keys.Next(), 100_000)
				} else {
					var list []store.Delivery
					for range targets {
						list = append(list, store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: f.keys.Next(), Target: f.keys.Next(), NextAt: time.Now()})
					}
					f.update(func(tx *store.Tx) error { return tx.Append(nil, list) })
				}
				for b.Loop() {
					got, err := f.ClaimDue(b.Context(), store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: time.Now().Add(time.Second), Lease: time.Now().Add(time.Minute), Max: 1000,
						PerTarget: func(hookswitch.Key) int { return 1000 }})
					if err != nil || len(got.Deliveries) != 1000 {
						b.Fatalf("got %d, %v", len(got.Deliveries), err)
					}
					b.StopTimer()
					if _, err := f.Exec(b.Context(), `UPDATE deliveries SET owner = 0, next_at = 1000 WHERE owner <> 0`); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
	}
}
