package work_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

func TestHold_TakesNothingAndLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		r := start(t, store, setup{kind: work.KindOptions{Start: 1, Max: 1}, run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			time.Sleep(time.Second)
			store.done(it)
			return work.Result{OK: true}
		}})
		for i := range int64(5) {
			r.publish(lane(1), i+1)
		}
		synctest.Wait()
		equalSlice(t, "begun", ran.subjects(), []int64{1})
		r.Hold(true)
		time.Sleep(5 * time.Second)
		equalSlice(t, "run while it was held: what was running", ran.subjects(), []int64{1})
		equal(t, "leased while it was held", store.leased(), 0)
		claims := store.claimCount()
		for _, of := range []work.Lane{lane(1), lane(2), {Kind: fifo, Target: 3}} {
			if r.publish(of, 10+of.Target) {
				t.Errorf("a place in the lane %v was given while the engine was held", of)
			}
		}
		time.Sleep(time.Minute)
		equal(t, "claims while it was held", store.claimCount(), claims)
		equal(t, "room taken", r.Stats().Queued, 0)
		r.Hold(false)
		time.Sleep(time.Minute)
		got := ran.subjects()
		slices.Sort(got)
		equalSlice(t, "run once each", got, []int64{1, 2, 3, 4, 5, 11, 12, 13})
		equal(t, "owed", store.owed(), 0)
		equal(t, "handed over again", r.publish(lane(9), 99), true)
	})
}

func TestHold_ARateGoesOnAfterwards(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		var ran recorder
		r := start(t, store, setup{kind: work.KindOptions{Rate: func(work.Item) float64 { return 1 }}, run: func(_ context.Context, it work.Item) work.Result {
			ran.note(it)
			store.done(it)
			return work.Result{OK: true}
		}})
		for i := range int64(10) {
			r.publish(lane(1), i+1)
		}
		time.Sleep(2 * time.Second)
		r.Hold(true)
		time.Sleep(10 * time.Second)
		held := len(ran.subjects())
		time.Sleep(time.Minute)
		equal(t, "run while it was held", len(ran.subjects()), held)
		r.Hold(false)
		time.Sleep(2 * time.Minute)
		equal(t, "run in the end", len(ran.subjects()), 10)
	})
}

func TestHold_AStopEndsIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := newMemStore()
		r := start(t, store, setup{run: func(_ context.Context, it work.Item) work.Result {
			store.done(it)
			return work.Result{OK: true}
		}})
		r.Hold(true)
		r.publish(lane(1), 1)
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		equal(t, "owed", store.owed(), 1)
	})
}
