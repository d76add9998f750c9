package work_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

func TestStart_RunsHandedOverWorkOnceWithoutClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			if it.Data != "in memory" {
				t.Errorf("data: got %v", it.Data)
			}
			store.done(it)
			return work.Result{OK: true}
		}})
		claims := store.claimCount()
		now := time.Now()
		if !r.Reserve(lane(1)) {
			t.Fatal("no slot in an empty lane")
		}
		it := store.addLeased(lane(1), 7, now, r.LeaseUntil(hooks, now))
		it.Data = "in memory"
		r.Start(it)
		synctest.Wait()
		equalSlice(t, "run at once", ran.subjects(), []int64{7})
		equal(t, "claims", store.claimCount(), claims)
		time.Sleep(5 * time.Minute)
		equalSlice(t, "run later", ran.subjects(), []int64{7})
		equal(t, "room taken", r.Stats().Queued, 0)
	})
}

func TestRun_RetriesAtTheMillisecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		waits := []time.Duration{1337 * time.Millisecond, 5 * time.Second, 5 * time.Minute, 3 * time.Millisecond}
		var ran recorder
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			if it.Tries == len(waits) {
				store.done(it)
				return work.Result{OK: true}
			}
			next := time.Now().Add(waits[it.Tries])
			store.retry(it, next)
			return work.Result{Next: next}
		}})
		r.publish(lane(1), 1)
		time.Sleep(10 * time.Minute)
		at := ran.times()
		if len(at) != len(waits)+1 {
			t.Fatalf("runs: got %d, want %d", len(at), len(waits)+1)
		}
		for i, want := range waits {
			equal(t, "wait", at[i+1].Sub(at[i]), want)
		}
	})
}

func TestWake_IsPreciseForFutureAndPresent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			store.done(it)
			return work.Result{OK: true}
		}})
		time.Sleep(100 * time.Millisecond)
		begin := time.Now()
		at := begin.Add(432 * time.Millisecond)
		store.addWaiting(lane(1), 1, at)
		r.Wake(hooks, at)
		store.addWaiting(lane(1), 2, begin)
		r.Wake(hooks, begin)
		synctest.Wait()
		equalSlice(t, "due now", ran.subjects(), []int64{2})
		time.Sleep(432 * time.Millisecond)
		synctest.Wait()
		equalSlice(t, "due later", ran.subjects(), []int64{2, 1})
	})
}

func TestClaim_FindsWorkOfOthersWithinASecond(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			store.done(it)
			return work.Result{OK: true}
		}})
		store.addWaiting(lane(1), 1, time.Now())
		time.Sleep(time.Second)
		synctest.Wait()
		equalSlice(t, "found", ran.subjects(), []int64{1})
		claims := store.claimCount()
		time.Sleep(time.Minute)
		if n := store.claimCount() - claims; n > 122 {
			t.Errorf("an idle minute made %d claims of two kinds", n)
		}
	})
}

func TestWake_AStormCausesFewClaims(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		r := start(t, store, setup{run: func(context.Context, work.Item) work.Result { return work.Result{} }})
		claims := store.claimCount()
		for range 20_000 {
			r.Wake(hooks, time.Now())
			time.Sleep(50 * time.Microsecond)
		}
		if n := store.claimCount() - claims; n > 40 {
			t.Errorf("20,000 wakes in a second caused %d claims", n)
		}
	})
}

func TestClaim_DrainsALargeBacklog(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		for i := range int64(5000) {
			store.addWaiting(lane(i%3), i, time.Now())
		}
		begin := time.Now()
		var took atomic.Int64
		start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			time.Sleep(time.Millisecond)
			store.done(it)
			took.Store(int64(time.Since(begin)))
			return work.Result{OK: true}
		}})
		time.Sleep(time.Minute)
		equal(t, "owed", store.owed(), 0)
		// 24 runs at once of a millisecond need 208 ms.
		if d := time.Duration(took.Load()); d > 400*time.Millisecond {
			t.Errorf("drained after %s", d)
		}
	})
}

func TestReserve_RefusesAtTheBounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		r := start(t, store, setup{
			Options: work.Options{QueuePerLane: 10, Queue: 30},
			run:     func(context.Context, work.Item) work.Result { return work.Result{OK: true} },
		})
		count := func(target int64) (n int) {
			for r.Reserve(lane(target)) {
				n++
			}
			return n
		}
		equal(t, "lane 1", count(1), 10)
		equal(t, "lane 2", count(2), 10)
		equal(t, "lane 3", count(3), 10)
		equal(t, "lane 4, with the queue full", count(4), 0)
		for range 5 {
			r.Unreserve(lane(1))
		}
		equal(t, "lane 4, after some were returned", count(4), 5)
		equal(t, "unknown kind", r.Reserve(work.Lane{Kind: 99}), false)
		r.stop()
		r.Unreserve(lane(2))
		equal(t, "after a stop", r.Reserve(lane(2)), false)
	})
}

func TestStart_DropsDuplicates(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		release := make(chan struct{})
		r := start(t, store, setup{kind: work.KindOptions{Start: 1, Max: 1}, run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			<-release
			store.done(it)
			return work.Result{OK: true}
		}})
		now := time.Now()
		one := store.addLeased(lane(1), 1, now, r.LeaseUntil(hooks, now))
		two := store.addLeased(lane(1), 2, now, r.LeaseUntil(hooks, now))
		newer := two
		newer.Claim = 5
		for range 4 {
			r.Reserve(lane(1))
		}
		r.Start(one, two, one, newer) // one runs, two waits
		synctest.Wait()
		equal(t, "room taken", r.Stats().Queued, 1)
		release <- struct{}{}
		release <- struct{}{}
		synctest.Wait()
		equalSlice(t, "runs", ran.subjects(), []int64{1, 2})
		equal(t, "room taken at the end", r.Stats().Queued, 0)
	})
}

func TestTake_GivesBackWorkWhoseLeaseIsTooShort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		r := start(t, store, setup{
			kind: work.KindOptions{Timeout: 10 * time.Second},
			run: func(_ context.Context, it work.Item) work.Result {
				ran.note(it)
				if left := time.Until(it.Lease); left < 10*time.Second {
					t.Errorf("subject %d started with a lease of %s", it.Subject, left)
				}
				store.done(it)
				return work.Result{OK: true}
			},
		})
		now := time.Now()
		r.Reserve(lane(1))
		r.Start(store.addLeased(lane(1), 1, now, now.Add(11*time.Second)))
		synctest.Wait()
		equal(t, "run with the short lease", len(ran.subjects()), 0)
		equalSlice(t, "given back", store.releasedSubjects(), []int64{1})
		time.Sleep(time.Second)
		synctest.Wait()
		equalSlice(t, "run after a claim", ran.subjects(), []int64{1})
	})
}

func TestReclaim_BringsBackLostWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			store.done(it)
			return work.Result{OK: true}
		}})
		now := time.Now()
		store.addLeased(lane(1), 1, now, r.LeaseUntil(hooks, now)) // never handed over
		time.Sleep(r.LeaseUntil(hooks, now).Sub(now) + 6*time.Second)
		equalSlice(t, "runs", ran.subjects(), []int64{1})
	})
}

func TestStore_OutageIsLoggedOnceAndRecoversByItself(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		logs := &countingHandler{}
		start(t, store, setup{
			Options: work.Options{Logger: slog.New(logs)},
			run: func(_ context.Context, it work.Item) work.Result {
				ran.note(it)
				store.done(it)
				return work.Result{OK: true}
			},
		})
		store.fail(errors.New("disk on fire"))
		store.addWaiting(lane(1), 1, time.Now())
		claims := store.claimCount()
		time.Sleep(2 * time.Minute)
		if n := store.claimCount() - claims; n > 120 {
			t.Errorf("%d claims in two minutes without a store", n)
		}
		equal(t, "errors logged by two claim loops and the reclaim loop", logs.errors.Load(), 3)
		store.fail(nil)
		time.Sleep(6 * time.Second)
		equalSlice(t, "runs", ran.subjects(), []int64{1})
	})
}

type countingHandler struct{ errors atomic.Int64 }

func (h *countingHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h *countingHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Level >= slog.LevelError {
		h.errors.Add(1)
	}
	return nil
}
func (h *countingHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *countingHandler) WithGroup(string) slog.Handler      { return h }

func TestRun_PanicLosesNothingAndStopsNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		logs := &countingHandler{}
		r := start(t, store, setup{
			Options: work.Options{Logger: slog.New(logs)},
			run: func(_ context.Context, it work.Item) work.Result {
				ran.note(it)
				if it.Subject == 1 && it.Claim == 1 {
					panic("nil map")
				}
				store.done(it)
				return work.Result{OK: true}
			},
		})
		r.publish(lane(1), 1)
		r.publish(lane(1), 2)
		synctest.Wait()
		equal(t, "errors logged", logs.errors.Load(), 1)
		equal(t, "owed", store.owed(), 1)
		time.Sleep(2 * time.Minute)
		equal(t, "owed after the lease", store.owed(), 0)
		equal(t, "runs", len(ran.subjects()), 3)
	})
}

func TestStop_WaitsThenCancelsThenReleases(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var finished, cut atomic.Int64
		r := start(t, store, setup{
			Options: work.Options{Grace: 10 * time.Second},
			kind:    work.KindOptions{Start: 4, Max: 4},
			run: func(ctx context.Context, it work.Item) work.Result {
				d := 5 * time.Second
				if it.Subject < 2 {
					d = 20 * time.Second
				}
				select {
				case <-time.After(d):
					finished.Add(1)
					store.done(it)
					return work.Result{OK: true}
				case <-ctx.Done():
					if context.Cause(ctx) != work.ErrStopping {
						t.Errorf("cause: %v", context.Cause(ctx))
					}
					cut.Add(1)
					return work.Result{Released: true}
				}
			},
		})
		for i := range int64(8) {
			r.publish(lane(1), i)
		}
		r.Reserve(lane(1))
		now := time.Now()
		late := store.addLeased(lane(1), 8, now, r.LeaseUntil(hooks, now))
		synctest.Wait()
		go func() {
			time.Sleep(time.Second)
			if got := store.releasedSubjects(); !slices.Equal(got, []int64{4, 5, 6, 7}) {
				t.Errorf("released at once: got %v", got)
			}
			r.Start(late)
		}()
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		equal(t, "stop took", time.Since(now), 10*time.Second)
		equal(t, "finished within the grace", finished.Load(), 2)
		equal(t, "cut off", cut.Load(), 2)
		equalSlice(t, "released", store.releasedSubjects(), []int64{0, 1, 4, 5, 6, 7, 8})
		equal(t, "leases left", store.leased(), 0)
		equal(t, "room taken", r.Stats().Queued, 0)
		if err := r.Run(t.Context()); err == nil {
			t.Error("an engine ran twice")
		}
	})
}

func TestStop_ReturnsWhenTheStoreIsGone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		r := start(t, store, setup{run: func(ctx context.Context, it work.Item) work.Result {
			<-ctx.Done()
			return work.Result{Released: true}
		}})
		r.publish(lane(1), 1)
		synctest.Wait()
		store.fail(errors.New("no route to host"))
		begin := time.Now()
		if err := r.stop(); err == nil {
			t.Error("a stop that could not release says nothing")
		}
		if d := time.Since(begin); d > 16*time.Second {
			t.Errorf("stop took %s", d)
		}
	})
}

func TestRun_ContextEndsWithTheTimeout(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var took atomic.Int64
		var kept atomic.Value
		r := start(t, store, setup{
			kind: work.KindOptions{Timeout: 2 * time.Second},
			run: func(ctx context.Context, it work.Item) work.Result {
				begin := time.Now()
				if it.Subject == 2 {
					kept.Store(ctx)
					store.done(it)
					return work.Result{OK: true}
				}
				if at, ok := ctx.Deadline(); !ok || !at.Equal(begin.Add(2*time.Second)) {
					t.Errorf("deadline: %v %v", at, ok)
				}
				sub, cancel := context.WithCancel(ctx)
				defer cancel()
				<-sub.Done()
				took.Store(int64(time.Since(begin)))
				if !errors.Is(sub.Err(), context.DeadlineExceeded) {
					t.Errorf("err: %v", sub.Err())
				}
				store.done(it)
				return work.Result{}
			},
		})
		r.publish(lane(1), 1)
		r.publish(lane(1), 2)
		time.Sleep(3 * time.Second)
		equal(t, "run took", time.Duration(took.Load()), 2*time.Second)
		if kept.Load().(context.Context).Err() == nil {
			t.Error("the context of a run that is over is alive")
		}
	})
}

func TestHooks_SeeEachRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var waited, took atomic.Int64
		r := start(t, store, setup{
			Options: work.Options{Hooks: work.Hooks{
				Waited: func(k work.Kind, d time.Duration) { waited.Add(int64(d)) },
				Ran:    func(k work.Kind, d time.Duration, r work.Result) { took.Add(int64(d)) },
			}},
			kind: work.KindOptions{Start: 1, Max: 1},
			run: func(_ context.Context, it work.Item) work.Result {
				time.Sleep(time.Second)
				store.done(it)
				return work.Result{OK: true}
			},
		})
		r.publish(lane(1), 1)
		r.publish(lane(1), 2)
		time.Sleep(time.Minute)
		equal(t, "waited", time.Duration(waited.Load()), time.Second)
		equal(t, "took", time.Duration(took.Load()), 2*time.Second)
	})
}

func TestNew_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	run := runFunc(func(context.Context, work.Item) work.Result { return work.Result{} })
	for name, o := range map[string]work.Options{
		"no store":        {Kinds: map[work.Kind]work.KindOptions{hooks: {Runner: run}}},
		"no kinds":        {Store: newMemStore()},
		"no runner":       {Store: newMemStore(), Kinds: map[work.Kind]work.KindOptions{hooks: {}}},
		"lease too short": {Store: newMemStore(), LeaseFor: time.Second, Kinds: map[work.Kind]work.KindOptions{hooks: {Runner: run}}},
	} {
		if _, err := work.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
