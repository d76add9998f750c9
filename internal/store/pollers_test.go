package store_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// stream reads on from a place to the end of what there is, and returns the keys.
func (f *fixture) stream(filter store.EventFilter, from hookswitch.Place, limit int) (keys []hookswitch.Key, next hookswitch.Place) {
	f.t.Helper()
	for range 10_000 {
		got, err := f.Stream(f.t.Context(), f.app, filter, from, limit)
		if err != nil {
			f.t.Fatal(err)
		}
		if len(got.Events) > limit || got.Next.Less(from) {
			f.t.Fatalf("%d events, from %v to %v", len(got.Events), from, got.Next)
		}
		for _, e := range got.Events {
			keys = append(keys, e.Key)
		}
		if from = got.Next; got.Done {
			return keys, from
		}
	}
	f.t.Fatal("it does not end")
	return nil, from
}

func TestStream_DeferredEventsHaveTheirTurnWhenTheyAreDue(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		add := func(deferred time.Duration, change ...func(*hookswitch.Event)) hookswitch.Key {
			e := f.event()
			if deferred > 0 {
				e.DeliverAt = f.clock.Now().Add(deferred).Truncate(time.Millisecond)
			}
			for _, c := range change {
				c(e)
			}
			f.accept(e, nil)
			return e.Key
		}
		blue := func(e *hookswitch.Event) { e.Type, e.Tags = "blue", []string{"b"} }
		a := add(0)
		late := add(2 * time.Minute)
		soon, soon2 := add(time.Minute), add(time.Minute, blue)
		b := add(0, blue)
		f.clock.Advance(10 * time.Second)
		for _, limit := range []int{1, 2, 50} {
			got, next := f.stream(store.EventFilter{}, hookswitch.Place{}, limit)
			if !slices.Equal(got, []hookswitch.Key{a, b}) {
				t.Errorf("before they are due: %v", got)
			}
			if more, _ := f.stream(store.EventFilter{}, next, limit); len(more) != 0 {
				t.Errorf("again: %v", more)
			}
		}
		_, place := f.stream(store.EventFilter{}, hookswitch.Place{}, 50)
		c := add(0)
		f.clock.Advance(55 * time.Second)
		d := add(0, blue)
		f.clock.Advance(10 * time.Second)
		for _, limit := range []int{1, 2, 50} {
			got, _ := f.stream(store.EventFilter{}, place, limit)
			if !slices.Equal(got, []hookswitch.Key{c, soon, soon2, d}) {
				t.Errorf("%d at a time, after a minute: %v, want %v", limit, got, []hookswitch.Key{c, soon, soon2, d})
			}
			for _, filter := range []store.EventFilter{{Types: []string{"blue"}}, {Tag: "b"}} {
				got, next := f.stream(filter, hookswitch.Place{}, limit)
				if !slices.Equal(got, []hookswitch.Key{b, soon2, d}) {
					t.Errorf("%d at a time, blue ones: %v", limit, got)
				}
				if more, _ := f.stream(filter, next, limit); len(more) != 0 {
					t.Errorf("again: %v", more)
				}
			}
		}
		_, place = f.stream(store.EventFilter{}, place, 50)
		f.clock.Advance(2 * time.Minute)
		if got, _ := f.stream(store.EventFilter{}, place, 50); !slices.Equal(got, []hookswitch.Key{late}) {
			t.Errorf("the last: %v", got)
		}
		if got, _ := f.stream(store.EventFilter{}, hookswitch.PlaceBefore(d.Time()), 50); !slices.Equal(got, []hookswitch.Key{d, late}) {
			t.Errorf("from a time on: %v", got)
		}
	})
}

func TestHorizon_StaysBehindWhatIsUnderWay(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		lag := time.Second
		if f.db.Postgres {
			lag = 2 * time.Second
		}
		want := hookswitch.KeyAt(f.clock.Now().Add(-lag))
		if got := f.Horizon(t.Context()); got != want {
			t.Fatalf("horizon %s, want %s", got.Time(), want.Time())
		}
		began := hookswitch.KeyAt(f.clock.Now())
		reached, free := make(chan struct{}), make(chan struct{})
		var once sync.Once
		var wg sync.WaitGroup
		wg.Go(func() {
			f.update(func(tx *store.Tx) error {
				once.Do(func() { close(reached) })
				<-free
				return tx.Append([]*hookswitch.Event{f.event()}, nil)
			})
		})
		<-reached
		f.clock.Advance(time.Minute)
		if got := f.Horizon(t.Context()); got != began {
			t.Errorf("horizon %s, want %s: a transaction is under way since then", got.Time(), began.Time())
		}
		close(free)
		wg.Wait()
		if got, want := f.Horizon(t.Context()), hookswitch.KeyAt(f.clock.Now().Add(-lag)); got != want {
			t.Errorf("horizon %s after it, want %s", got.Time(), want.Time())
		}
	})
}

func TestStream_SeesEachEventOnceAndInOrderWhileOthersPublish(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := liveFixture(t, db)
		stores := []*fixture{f}
		if db.Postgres {
			other := &fixture{Store: db.Open(db.OtherNode), t: t, db: db, app: f.app}
			other.keys = hookswitch.NewKeys(other.Node().Number, time.Now)
			stores = append(stores, other)
		}
		const publishers, each = 8, 60
		var published atomic.Int64
		var mu sync.Mutex
		var want []hookswitch.Key
		var wg sync.WaitGroup
		for i := range publishers {
			wg.Go(func() {
				s := stores[i%len(stores)]
				for n := range each {
					e := s.event()
					if n%7 == 0 {
						e.Type = "rare"
					}
					var err error
					if n%5 == 0 { // as those that the gateway itself makes
						err = s.Update(t.Context(), func(tx *store.Tx) error {
							e.Key = s.keys.Next()
							return tx.Append([]*hookswitch.Event{e}, nil)
						})
					} else {
						err = s.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}})
					}
					if err != nil {
						continue // refused: it is not there
					}
					mu.Lock()
					want = append(want, e.Key)
					mu.Unlock()
					time.Sleep(time.Duration(n%3) * 10 * time.Millisecond) // spread over the reader's lag
				}
				published.Add(1)
			})
		}
		var got, rare []hookswitch.Key
		var from, rareFrom hookswitch.Place
		read := func() {
			more, next := f.stream(store.EventFilter{}, from, 17)
			got, from = append(got, more...), next
			more, next = f.stream(store.EventFilter{Types: []string{"rare"}}, rareFrom, 17)
			rare, rareFrom = append(rare, more...), next
		}
		for published.Load() < publishers {
			read()
		}
		wg.Wait()
		slices.Sort(want)
		for deadline := time.Now().Add(20 * time.Second); len(got) < len(want) && time.Now().Before(deadline) || f.Horizon(t.Context()) <= want[len(want)-1]; {
			read()
		}
		read()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("published and read: %s", diff)
		}
		if !slices.IsSorted(rare) || len(rare) < publishers*each/7 || len(slices.Compact(slices.Clone(rare))) != len(rare) {
			t.Errorf("%d rare ones, sorted %v", len(rare), slices.IsSorted(rare))
		}
	})
}

func TestConsumers_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		p := &hookswitch.Poller{Key: f.keys.Next(), App: f.app, Name: "sink", CreatedAt: f.clock.Now()}
		f.update(func(tx *store.Tx) error { return tx.InsertPoller(p, 2) })
		got, err := f.Poller(t.Context(), f.app, "sink")
		if diff := cmp.Diff(p, must(t, got, err)); diff != "" {
			t.Error(diff)
		}
		_, err = f.Poller(t.Context(), f.newApp(), "sink")
		wantKind(t, err, hookswitch.NotFound)
		c := &hookswitch.Consumer{Poller: p.Key, Name: "c"}
		f.update(func(tx *store.Tx) error { return tx.InsertConsumer(c, 1, f.clock.Now()) })
		c.Place, c.Epoch, c.Taken, c.LeasedUntil = hookswitch.Place{At: 5, Key: 7}, 3, 9, f.clock.Now()
		c.Handed = []hookswitch.Place{{At: 1, Key: 2}, {At: 3, Key: 4}}
		f.update(func(tx *store.Tx) error { return tx.UpdateConsumer(c, f.clock.Now()) })
		have, err := f.Consumer(t.Context(), p.Key, "c")
		if diff := cmp.Diff(c, must(t, have, err)); diff != "" {
			t.Error(diff)
		}
		_, err = f.Consumer(t.Context(), p.Key+1, "c")
		wantKind(t, err, hookswitch.NotFound)
		wantKind(t, f.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertConsumer(&hookswitch.Consumer{Poller: p.Key, Name: "d"}, 1, f.clock.Now())
		}), hookswitch.Conflict)
		wantKind(t, f.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertPoller(&hookswitch.Poller{Key: f.keys.Next(), App: f.app, Name: "other"}, 1)
		}), hookswitch.Conflict)
	})
}

func TestHorizon_StaysBehindTheTransactionsOfOtherNodes(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := liveFixture(t, db)
	other := db.Open(db.OtherNode)
	lag := func() time.Duration { return time.Since(f.Horizon(t.Context()).Time()) }
	reached, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := other.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.InsertStray(f.keys.Next(), "p", "d", "r", nil); err != nil {
				return err
			}
			once.Do(func() { close(reached) })
			<-free
			return nil
		}); err != nil {
			t.Errorf("update: %v", err)
		}
	})
	<-reached
	began := time.Now()
	for lag() < 3*time.Second { // two seconds are always kept
		if time.Since(began) > 20*time.Second {
			t.Fatal("it is not heeded")
		}
		time.Sleep(10 * time.Millisecond)
	}
	close(free)
	wg.Wait()
}
