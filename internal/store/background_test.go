package store_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// unwatched is how many updates run in the background, far more than are let through at once.
const unwatched = 200

func TestUpdate_WhoeverIsWaitedForComesFirst_SQLite(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.SQLite(t))
	var order []string // the one writer's own
	began, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	update := func(who string, background bool, fn func()) {
		ctx := t.Context()
		if background {
			ctx = store.Background(ctx)
		}
		all.Go(func() {
			err := f.Update(ctx, func(*store.Tx) error {
				order = append(order, who)
				fn()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	update("first", true, func() { // it holds the way until the others have come
		close(began)
		<-release
	})
	<-began
	for range unwatched {
		update("unwatched", true, func() {})
	}
	update("somebody", false, func() {})
	for {
		if units, later := f.Queued(); units == 1 && later == unwatched {
			break
		}
		runtime.Gosched()
	}
	close(release)
	all.Wait()
	if at := slices.Index(order, "somebody"); at < 0 || at > unwatched/2 {
		t.Errorf("somebody came behind %d of %d that nobody waits for", at, unwatched)
	}
}

// On PostgreSQL they run beside each other: those in the background leave connections.
func TestUpdate_WhoeverIsWaitedForComesFirst_PostgreSQL(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.Postgres(t))
	passed := make(chan struct{})
	var all sync.WaitGroup
	for range unwatched {
		all.Go(func() {
			if err := f.Update(store.Background(t.Context()), func(*store.Tx) error { <-passed; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	if err := f.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
	close(passed)
	all.Wait()
}
