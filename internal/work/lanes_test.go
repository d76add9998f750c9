package work_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

func TestLimit_FailingLaneShrinksToOneProbeAndRecovers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var broken atomic.Bool
		broken.Store(true)
		var now, most atomic.Int64
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			n := now.Add(1)
			defer now.Add(-1)
			most.Store(max(most.Load(), n))
			time.Sleep(50 * time.Millisecond)
			if broken.Load() {
				next := time.Now().Add(time.Minute)
				store.retry(it, next)
				return work.Result{Next: next}
			}
			store.done(it)
			return work.Result{OK: true}
		}})
		for i := range int64(400) {
			r.publish(lane(1), i)
		}
		time.Sleep(200 * time.Millisecond)
		most.Store(0)
		time.Sleep(time.Second)
		st, _ := r.LaneStats(lane(1))
		equal(t, "failing", st.Failing, true)
		equal(t, "runs at once while failing", most.Load(), 1)
		if st.Queued > 64 {
			t.Errorf("a failing lane keeps %d in memory", st.Queued)
		}
		equal(t, "slot for a failing lane with a backlog", r.Reserve(lane(1)), false)

		broken.Store(false)
		time.Sleep(5 * time.Minute)
		equal(t, "owed", store.owed(), 0)
		if most.Load() < 8 {
			t.Errorf("runs at once after recovery: got %d, want at least 8", most.Load())
		}
	})
}

func TestLimit_HangingLaneDelaysNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var hung atomic.Int64
		var worst atomic.Int64
		r := start(t, store, setup{
			Options: work.Options{Global: 32},
			kind:    work.KindOptions{Timeout: 15 * time.Second},
			run: func(ctx context.Context, it work.Item) work.Result {
				if it.Target == 0 {
					hung.Add(1)
					defer hung.Add(-1)
					if hung.Load() > 8 {
						t.Errorf("%d runs of the hanging lane at once", hung.Load())
					}
					<-ctx.Done()
					if context.Cause(ctx) == work.ErrStopping {
						return work.Result{Released: true}
					}
					next := time.Now().Add(5 * time.Minute)
					store.retry(it, next)
					return work.Result{Next: next}
				}
				worst.Store(max(worst.Load(), int64(time.Since(it.Due))))
				time.Sleep(2 * time.Millisecond)
				store.done(it)
				return work.Result{OK: true}
			},
		})
		var subject int64
		for range 3000 {
			for target := range int64(10) {
				subject++
				leased := r.publish(lane(target), subject)
				if target > 0 && !leased {
					t.Fatalf("lane %d has no slot, because of another", target)
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		if d := time.Duration(worst.Load()); d > 0 {
			t.Errorf("healthy lanes waited up to %s", d)
		}
	})
}

func TestSlots_ManyLanesShareFewSlots(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var mu sync.Mutex
		done := map[int64]int{}
		now, most := 0, 0
		r := start(t, store, setup{
			Options: work.Options{Global: 4},
			run: func(_ context.Context, it work.Item) work.Result {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				time.Sleep(10 * time.Millisecond)
				store.done(it)
				mu.Lock()
				now--
				done[it.Target]++
				mu.Unlock()
				return work.Result{OK: true}
			},
		})
		var subject int64
		for target := range int64(20) {
			for range 100 {
				subject++
				r.publish(lane(target), subject)
			}
		}
		time.Sleep(time.Second) // 400 runs, 20 of each lane
		mu.Lock()
		for target := range int64(20) {
			if n := done[target]; n < 15 || n > 25 {
				t.Errorf("lane %d had %d of 400 runs, want about 20", target, n)
			}
		}
		mu.Unlock()
		time.Sleep(10 * time.Second)
		equal(t, "owed", store.owed(), 0)
		equal(t, "runs at once", most, 4)
	})
}

func TestLimit_GrowsWithLatencyAndBacklogOnly(t *testing.T) {
	for _, c := range []struct {
		name    string
		latency time.Duration
		backlog int64
		grown   bool
	}{
		{"far target with backlog", 100 * time.Millisecond, 500, true},
		{"near target with backlog", time.Millisecond, 500, false},
		{"far target without backlog", 100 * time.Millisecond, 4, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				store := newMemStore()
				var now, most atomic.Int64
				r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					time.Sleep(c.latency)
					store.done(it)
					return work.Result{OK: true}
				}})
				var subject int64
				for range 20 {
					for range c.backlog {
						subject++
						r.publish(lane(1), subject)
					}
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
				equal(t, "owed", store.owed(), 0)
				if got := most.Load(); (got > 8) != c.grown || got > 64 {
					t.Errorf("runs at once: got %d, grown %v", got, c.grown)
				}
			})
		})
	}
}

func TestOrdered_RunsOneAtATimeInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore(fifo)
		var ran recorder
		var now atomic.Int64
		l := work.Lane{Kind: fifo, Target: 1}
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			if now.Add(1) > 1 {
				t.Error("two runs at once")
			}
			defer now.Add(-1)
			time.Sleep(3 * time.Millisecond)
			if it.Subject%50 == 7 && it.Tries < 2 {
				next := time.Now().Add(300 * time.Millisecond)
				store.retry(it, next)
				return work.Result{Next: next}
			}
			ran.note(it)
			store.done(it)
			return work.Result{OK: true}
		}})
		var want []int64
		for i := range int64(300) {
			want = append(want, i)
			r.publish(l, i)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		equalSlice(t, "order", ran.subjects(), want)

		r.publish(l, 300) // a poll long after the last refusal proves that nothing waits
		time.Sleep(10 * time.Second)
		equal(t, "handed over in memory after a quiet time", r.publish(l, 301), true)
	})
}

func TestOrdered_NothingOvertakesAWaitingHead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore(fifo)
		var ran recorder
		l := work.Lane{Kind: fifo, Target: 1}
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			if it.Subject == 1 && it.Tries == 0 {
				next := time.Now().Add(10 * time.Minute)
				store.retry(it, next)
				return work.Result{Next: next}
			}
			store.done(it)
			return work.Result{OK: true}
		}})
		now := time.Now()
		for range 3 {
			r.Reserve(l)
		}
		one := store.addLeased(l, 1, now, r.LeaseUntil(fifo, now))
		two := store.addLeased(l, 2, now, r.LeaseUntil(fifo, now))
		r.Start(one, two)
		synctest.Wait()
		// A commit that was reserved before the head failed comes in after.
		r.Start(store.addLeased(l, 3, now, r.LeaseUntil(fifo, now)))
		time.Sleep(9 * time.Minute)
		equal(t, "slot behind a waiting head", r.publish(l, 4), false)
		equalSlice(t, "before the head is due", ran.subjects(), []int64{1})
		time.Sleep(2 * time.Minute)
		equalSlice(t, "in the end", ran.subjects(), []int64{1, 1, 2, 3, 4})
	})
}

func TestLanes_IdleOnesAreForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			store.done(it)
			return work.Result{OK: true}
		}})
		for i := range int64(2000) {
			r.publish(lane(i), i)
		}
		synctest.Wait()
		equal(t, "lanes", r.Stats().Kinds[hooks].Lanes, 2000)
		if n := r.Stats().Resting; n > 128 {
			t.Errorf("%d workers at rest", n)
		}
		time.Sleep(2 * time.Minute)
		equal(t, "lanes", r.Stats().Kinds[hooks].Lanes, 0)
		equal(t, "workers at rest", r.Stats().Resting, 0)
	})
}

func TestSetNodes_DividesTheLimitOfALane(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var now, most atomic.Int64
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Millisecond)
			store.done(it)
			return work.Result{OK: true}
		}})
		r.SetNodes(3)
		for i := range int64(100) {
			r.publish(lane(1), i)
		}
		time.Sleep(time.Minute)
		equal(t, "runs at once", most.Load(), 2)
		equal(t, "owed", store.owed(), 0)
	})
}

// Runs whose end cannot be recorded come back at once, and again and again. Each lane waits for itself alone.
func TestOrdered_LanesThatAreAlwaysGivenBackHoldUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore(fifo)
		var ran recorder
		var returned atomic.Int64
		healthy := work.Lane{Kind: fifo, Target: 5}
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			if it.Lane != healthy {
				time.Sleep(5 * time.Millisecond)
				returned.Add(1)
				return work.Result{Neutral: true, Released: true}
			}
			ran.note(it)
			store.done(it)
			return work.Result{OK: true}
		}})
		for target := range int64(9) {
			if target != healthy.Target {
				r.publish(work.Lane{Kind: fifo, Target: target}, 1000+target)
			}
		}
		for i := range int64(100) {
			store.addWaiting(healthy, i, time.Now()) // as conversations are: never handed over in memory
			r.Wake(fifo, time.Now())
			time.Sleep(50 * time.Millisecond)
			if got := len(ran.subjects()); got != int(i)+1 {
				t.Fatalf("%d of %d have run after 50 ms", got, i+1)
			}
		}
		if n := returned.Load(); n < 100 {
			t.Errorf("the others were given back %d times: too seldom to hold up anything", n)
		}
	})
}
