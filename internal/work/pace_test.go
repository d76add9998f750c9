package work_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

// limited is an engine whose lanes of hooks have the rate, and what was run in the order of starting.
type limited struct {
	*rig
	rate atomic.Int64 // a thousandth of a start a second
	ran  recorder
	took time.Duration // of a run
}

func (l *limited) set(perSecond float64) { l.rate.Store(int64(perSecond * 1000)) }

// throttled starts an engine that holds each lane with a target below 100 to the rate.
func throttled(t *testing.T, perSecond float64, change ...func(*setup)) *limited {
	t.Helper()
	l, store := &limited{}, newMemStore(fifo)
	l.set(perSecond)
	s := setup{run: func(_ context.Context, it work.Item) work.Result {
		if it.Target < 100 {
			l.ran.note(it)
		}
		time.Sleep(l.took)
		store.done(it)
		return work.Result{OK: true}
	}}
	s.kind.Rate = func(it work.Item) float64 {
		if it.Target >= 100 {
			return 0
		}
		return float64(l.rate.Load()) / 1000
	}
	for _, c := range change {
		c(&s)
	}
	l.rig = start(t, store, s)
	return l
}

// most is the greatest number of times within any window.
func most(times []time.Time, window time.Duration) int {
	n, from := 0, 0
	for i, at := range times {
		for at.Sub(times[from]) >= window {
			from++
		}
		n = max(n, i+1-from)
	}
	return n
}

func TestRate_HoldsInAnyWindowAndLosesNothing(t *testing.T) {
	for _, rate := range []float64{1, 2, 3, 7, 10, 11, 50, 99, 100, 333, 1000, 4096, 20000, 65535} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				l := throttled(t, rate)
				rng := rand.New(rand.NewPCG(uint64(rate), 1))
				l.took = time.Duration(rng.IntN(3)) * time.Millisecond
				n := int(min(max(20, 4*rate), 20000))
				for i := range n {
					l.publish(lane(1), int64(i+1))
					if rng.IntN(200) == 0 {
						time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
					}
				}
				begun := time.Now()
				for l.store.owed() > 0 && time.Since(begun) < 10*time.Minute {
					time.Sleep(50 * time.Millisecond)
				}
				times := l.ran.times()
				equal(t, "runs", len(times), n)
				subjects := l.ran.subjects()
				slices.Sort(subjects)
				equal(t, "subjects", len(slices.Compact(subjects)), n)
				if got, limit := most(times, time.Second), rate+max(1, rate/10); float64(got) > limit {
					t.Errorf("%d starts within a second, the limit is %v", got, limit)
				}
				if got := times[n-1].Sub(times[0]).Seconds(); rate <= 1000 && got > 1.1*float64(n)/rate+1 {
					t.Errorf("%d runs took %.1f s", n, got)
				}
			})
		})
	}
}

func TestRate_ABurstStaysInTheStoreAndRowsAreLeasedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 10)
		const burst = 100_000
		for i := range burst {
			l.publish(lane(1), int64(i+1))
		}
		time.Sleep(2 * time.Second)
		written := l.store.leases + len(l.store.releasedSubjects())
		time.Sleep(time.Minute)
		s, _ := l.LaneStats(lane(1))
		if s.Queued > 50 {
			t.Errorf("%d items are in memory", s.Queued)
		}
		if n := l.Stats().Serving; n > 1 {
			t.Errorf("%d workers wait for their turn", n)
		}
		if n := l.store.leases + len(l.store.releasedSubjects()) - written; n > 650 {
			t.Errorf("rows were leased or given back %d times for 600 attempts", n)
		}
		if n := len(l.ran.times()); n < 600 || n > 640 {
			t.Errorf("%d runs in a minute", n)
		}
		if len(l.store.releasedSubjects()) > 600 {
			t.Errorf("%d rows were given back", len(l.store.releasedSubjects()))
		}
	})
}

func TestRate_OtherLanesDoNotNotice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 1, func(s *setup) { s.Global = 4 })
		for i := range 50 {
			l.publish(lane(int64(1+i%20)), int64(i+1))
		}
		time.Sleep(100 * time.Millisecond)
		for i := range 1000 {
			l.publish(lane(100), int64(1000+i))
		}
		time.Sleep(500 * time.Millisecond)
		for i := range 1000 {
			if l.store.waitsBefore(lane(100), int64(1000+i)) {
				t.Fatal("a lane without a rate has to wait")
			}
		}
		if n := l.store.owed(); n > 50 {
			t.Errorf("%d are owed", n)
		}
	})
}

func TestRate_ChangesCountWithinHalfASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 0.01)
		for i := range 5000 {
			l.publish(lane(1), int64(i+1))
		}
		step := func(what string, rate, low, high float64) {
			t.Helper()
			l.set(rate)
			time.Sleep(500 * time.Millisecond)
			before := len(l.ran.times())
			time.Sleep(4 * time.Second)
			if n := float64(len(l.ran.times())-before) / 4; n < low || n > high {
				t.Errorf("%s: %v runs a second", what, n)
			}
		}
		step("one in a hundred seconds", 0.01, 0, 0.3)
		step("up", 50, 47, 52)
		step("down", 2, 1.7, 2.3)
		step("up again", 200, 190, 210)
		l.set(0)
		time.Sleep(500 * time.Millisecond)
		equal(t, "owed without a limit", l.store.owed(), 0)
	})
}

func TestRate_IsSharedByNodes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 40)
		l.SetNodes(4)
		for i := range 200 {
			l.publish(lane(1), int64(i+1))
		}
		time.Sleep(10 * time.Second)
		if n := len(l.ran.times()); n < 95 || n > 102 {
			t.Errorf("%d runs in ten seconds, want a quarter of 400", n)
		}
	})
}

func TestRate_FewerThanOneALeaseAreRunToo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 0.01) // every hundred seconds: longer than a lease
		for i := range 6 {
			l.publish(lane(1), int64(i+1))
		}
		time.Sleep(510 * time.Second)
		equal(t, "runs", len(l.ran.times()), 6)
		if got := most(l.ran.times(), 99*time.Second); got > 1 {
			t.Errorf("%d runs in 99 s", got)
		}
	})
}

func TestRate_RunsThatCallNobodyAreFree(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 1, func(s *setup) {
			run := s.run
			s.run = func(ctx context.Context, it work.Item) work.Result {
				r := run(ctx, it)
				r.Idle = it.Subject <= 300
				return r
			}
		})
		for i := range 310 {
			l.publish(lane(1), int64(i+1))
		}
		time.Sleep(5 * time.Second)
		if n := len(l.ran.times()); n < 303 || n > 307 {
			t.Errorf("%d runs", n)
		}
	})
}

func TestRate_WhereItCannotBeToldWhatItWasGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 5)
		for i := range 100 {
			l.publish(lane(1), int64(i+1))
		}
		time.Sleep(time.Second)
		l.set(-1)
		before := len(l.ran.times())
		time.Sleep(4 * time.Second)
		if n := len(l.ran.times()) - before; n < 19 || n > 21 {
			t.Errorf("%d runs in four seconds", n)
		}
	})
}

func TestRate_OrderedLanesKeepTheirOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 4)
		key := work.Lane{Kind: fifo, Target: 1}
		for i := range 40 {
			l.store.addWaiting(key, int64(i+1), time.Now())
		}
		l.Wake(fifo, time.Now())
		time.Sleep(10500 * time.Millisecond)
		subjects := l.ran.subjects()
		if !slices.IsSorted(subjects) || len(subjects) < 38 {
			t.Errorf("run in the order %v", subjects)
		}
		if got := most(l.ran.times(), time.Second); got > 5 {
			t.Errorf("%d starts within a second", got)
		}
	})
}

func TestThrottled_TellsSinceWhen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		l := throttled(t, 2)
		if at := l.Throttled(lane(1)); !at.IsZero() {
			t.Errorf("an idle lane is throttled since %v", at)
		}
		begun := time.Now()
		for i := range 10 {
			l.publish(lane(1), int64(i+1))
		}
		time.Sleep(3 * time.Second)
		if at := l.Throttled(lane(1)); at.Before(begun) || at.Sub(begun) > 100*time.Millisecond {
			t.Errorf("throttled since %v after the start", at.Sub(begun))
		}
		time.Sleep(3 * time.Second)
		if at := l.Throttled(lane(1)); !at.IsZero() {
			t.Errorf("an empty lane is throttled since %v", at)
		}
	})
}

// TestRate_HoldsThroughStopsFailuresAndChanges puts lanes with rates through what the engine does otherwise, and checks that nothing is lost or run twice at once.
func TestRate_HoldsThroughStopsFailuresAndChanges(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 3))
				store := newMemStore(fifo)
				m := &model{t: t, store: store, rng: rand.New(rand.NewPCG(seed, 4)), global: 2 + rng.IntN(8), most: 4,
					running: map[rowKey]bool{}, perLane: map[work.Lane]int{}, done: map[rowKey]int{}, last: map[work.Lane]int64{}}
				var rate atomic.Int64
				o := setup{Options: work.Options{Global: m.global, QueuePerLane: 32, Queue: 200, Grace: 50 * time.Millisecond},
					kind: work.KindOptions{Start: 2, Max: 4, Timeout: 2 * time.Second, Rate: func(it work.Item) float64 {
						if it.Target%2 == 0 {
							return 0
						}
						return float64(rate.Load())
					}}, run: m.run}
				published := 0
				for range 3 {
					r := start(t, store, o)
					for range 200 {
						rate.Store([]int64{0, 1, 5, 40, 500}[rng.IntN(5)])
						published++
						r.publish(lane(int64(rng.IntN(6))), int64(published))
						time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
					}
					if err := r.stop(); err != nil {
						t.Error(err)
					}
					if n := r.Stats().Queued; n != 0 || store.leased() != 0 {
						t.Errorf("after a stop: room %d, leases %d", n, store.leased())
					}
				}
				rate.Store(20)
				r := start(t, store, o)
				for range 600 {
					if store.owed() == 0 {
						break
					}
					time.Sleep(time.Second)
				}
				synctest.Wait()
				equal(t, "done", len(m.done), published)
				if s := r.Stats(); s.Queued != 0 || s.Serving != 0 {
					t.Errorf("at rest: %+v", s)
				}
			})
		})
	}
}
