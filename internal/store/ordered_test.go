package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func ordered(e *hookswitch.Endpoint) { e.Ordered = true }

// inQueue is what an event is owed to an ordered endpoint as.
func (f *fixture) inQueue(e *hookswitch.Event) []store.Delivery {
	list := f.waiting(e)
	for i := range list {
		list[i].Kind, list[i].Claim = hookswitch.DeliverOrdered, 1
	}
	return list
}

// queued accepts n events for an ordered endpoint, one after the other.
func (f *fixture) queued(endpoint hookswitch.Key, n int) []hookswitch.Key {
	f.t.Helper()
	var subjects []hookswitch.Key
	for range n {
		e := f.event(endpoint)
		f.accept(e, f.inQueue(e))
		subjects = append(subjects, e.Key)
	}
	return subjects
}

func fromQueues(r *store.ClaimRequest) { r.Kind, r.Ordered = hookswitch.DeliverOrdered, true }

// head claims what is first in a queue, and fails the test unless it is the subject; 0 for nothing.
func (f *fixture) head(want hookswitch.Key) store.Delivery {
	f.t.Helper()
	got := f.claim(fromQueues)
	switch {
	case want == 0 && len(got.Deliveries) == 0:
		return store.Delivery{}
	case len(got.Deliveries) != 1 || got.Deliveries[0].Subject != want:
		f.t.Fatalf("claimed %+v, want %d", got.Deliveries, want)
	}
	return got.Deliveries[0]
}

func (f *fixture) ordered(subject, target hookswitch.Key) *store.Delivery {
	f.t.Helper()
	d, err := f.Delivery(f.t.Context(), hookswitch.DeliverOrdered, subject, target)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return &d
}

func TestOrdered_TheHeadStandsBeforeAllOthers(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		s := f.queued(ep, 4)
		d := f.head(s[0])
		f.head(0) // it is running
		retry := f.outcome(d, store.Retry)
		retry.Next = f.clock.Now().Add(time.Hour)
		if err := f.RecordNow(t.Context(), retry); err != nil {
			t.Fatal(err)
		}
		if got := f.claim(fromQueues); len(got.Deliveries) != 0 || !got.Next.Equal(retry.Next) {
			t.Errorf("claimed %+v, want none before %v", got, retry.Next)
		}
		f.clock.Advance(time.Hour)
		d = f.head(s[0])
		if d.Tries != 1 {
			t.Errorf("%d tries, want 1", d.Tries)
		}
		if err := f.RecordNow(t.Context(), f.outcome(d, store.Done)); err != nil {
			t.Fatal(err)
		}
		f.update(func(tx *store.Tx) error {
			_, err := tx.Cancel(s[1], ep)
			return err
		})
		d = f.head(s[2])
		f.reopen() // the lease of a predecessor is taken back
		d = f.head(s[2])
		f.record(f.outcome(d, store.Exhausted))
		f.head(s[3])
	})
}

func TestOrdered_OthersInAnyNumberDoNotSlowTheHeadDown(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		const n = 40_000
		if _, err := f.Exec(t.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at, position)
			SELECT i, $2, 5, $3, CASE WHEN i <= $4 THEN 3 ELSE 0 END, 0, 1000 + i, 1, 1, FALSE, 0, 0, 0, i FROM n`, int64(n), int64(ep), int64(f.app), int64(n/2)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		const claims = 40
		for i := range claims {
			f.record(f.outcome(f.head(hookswitch.Key(n/2+1+i)), store.Done))
		}
		took := time.Since(start) / claims
		t.Logf("%v each", took)
		if took > 250*time.Millisecond {
			t.Errorf("a claim and its outcome take %v", took)
		}
	})
}

func TestOrdered_PositionsFollowTheOrderOfAcceptance(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		a, b := f.newEndpoint(ordered).Key, f.newEndpoint(ordered).Key
		stores := []*store.Store{f.Store}
		if f.db.Postgres {
			stores = append(stores, f.db.Open(storetest.Now(f.clock.Now), f.db.OtherNode))
		}
		const publishers, each = 8, 25
		var failed atomic.Int64
		together(publishers, func(i int) {
			for range each {
				e := f.event(a, b)
				err := stores[i%len(stores)].Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: f.inQueue(e)})
				if err != nil {
					t.Error(err)
					failed.Add(1)
				}
			}
		})
		// Whatever emits events in transactions of its own gets its turn, however many arrive.
		for _, ep := range []hookswitch.Key{a, b} {
			last, err := f.Int(t.Context(), `SELECT COUNT(DISTINCT position) * 1000000 + MAX(position) FROM deliveries WHERE target = $1`, int64(ep))
			if err != nil || last != publishers*each*1_000_001 {
				t.Errorf("%d, %v: want %d different positions, without a gap", last, err, publishers*each)
			}
		}
		// One publisher's events are in its order.
		s := f.queued(a, 5)
		for i, subject := range s {
			p, err := f.Int(t.Context(), `SELECT position FROM deliveries WHERE subject = $1 AND target = $2`, int64(subject), int64(a))
			if err != nil || p != int64(publishers*each+1+i) {
				t.Errorf("event %d has position %d, %v", i, p, err)
			}
		}
	})
}

func TestOrdered_TransactionsThatEmitComeThroughWhileManyPublish(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		ctx, stop := context.WithCancel(t.Context())
		var published atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			together(8, func(int) {
				for ctx.Err() == nil {
					e := f.event(ep)
					if err := f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: f.inQueue(e)}); err != nil {
						t.Error(err)
					}
					published.Add(1)
				}
			})
		}()
		start := time.Now()
		for range 20 {
			f.update(func(tx *store.Tx) error {
				if err := tx.LockPositions([]hookswitch.Key{ep}); err != nil {
					return err
				}
				for range 10 { // as much as a push reads
					if _, err := tx.App(tx.Context(), f.app); err != nil {
						return err
					}
				}
				e := f.event(ep)
				return tx.Append([]*hookswitch.Event{e}, f.inQueue(e))
			})
		}
		took := time.Since(start)
		stop()
		<-done
		t.Logf("20 transactions in %v beside %d publishes", took, published.Load())
		n, err := f.Int(t.Context(), `SELECT COUNT(DISTINCT position) FROM deliveries WHERE target = $1`, int64(ep))
		if err != nil || n != published.Load()+20 {
			t.Errorf("%d positions, %v, want %d", n, err, published.Load()+20)
		}
	})
}

func TestOrdered_AcceptsAreJudgedOneByOne(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		accept := func(version int64, once ...store.Once) error {
			e := f.event(ep)
			return f.Accept(&store.Accept{App: f.app, Version: version, Events: []*hookswitch.Event{e}, Deliveries: f.inQueue(e), Once: once})
		}
		var fine, stale, again atomic.Int64
		together(30, func(i int) {
			var dup *store.DuplicateError
			var err error
			switch i % 3 {
			case 0:
				err = accept(1)
			case 1:
				err = accept(7)
			default:
				err = accept(1, store.OnceOf(store.Life1Day, 99, "the same"))
			}
			switch {
			case err == nil:
				fine.Add(1)
			case errors.Is(err, store.ErrStale):
				stale.Add(1)
			case errors.As(err, &dup) && dup.Ref == 99:
				again.Add(1)
			default:
				t.Error(err)
			}
		})
		if diff := cmp.Diff([]int64{11, 10, 9}, []int64{fine.Load(), stale.Load(), again.Load()}); diff != "" {
			t.Error(diff)
		}
		if n, err := f.Int(t.Context(), `SELECT COUNT(DISTINCT position) FROM deliveries WHERE target = $1`, int64(ep)); err != nil || n != 11 {
			t.Errorf("%d are owed, %v", n, err)
		}
		f.clock.Advance(-time.Hour)
		e := f.event(ep)
		e.Key = hookswitch.KeyAt(f.clock.Now().Add(-time.Hour))
		wantKind(t, f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: f.inQueue(e)}), hookswitch.Unavailable)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		wantKind(t, accept(1), hookswitch.Unavailable)
		f.open()
	})
}

func TestClaimDue_TwoNodesNeverRunAQueueAtOnce(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := newFixture(t, db)
	stores := []*store.Store{f.Store, db.Open(storetest.Now(f.clock.Now), db.OtherNode)}
	eps := []hookswitch.Key{f.newEndpoint(ordered).Key, f.newEndpoint(ordered).Key}
	var want [2][]hookswitch.Key
	for i, ep := range eps {
		want[i] = f.queued(ep, 60)
	}
	type ran struct{ subject, target hookswitch.Key }
	got := make(chan ran, 240)
	var inFlight [2]atomic.Int32
	together(4, func(i int) {
		s := stores[i%2]
		for empty := 0; empty < 30; {
			c, err := s.ClaimDue(t.Context(), store.ClaimRequest{Kind: hookswitch.DeliverOrdered, Ordered: true, Now: f.clock.Now(), Lease: f.clock.Now().Add(time.Minute), Max: 10,
				PerTarget: func(hookswitch.Key) int { return 10 }})
			if err != nil && hookswitch.KindOf(err) != hookswitch.Unavailable {
				t.Error(err)
				return
			}
			empty++
			for _, d := range c.Deliveries {
				empty = 0
				flight := &inFlight[slices.Index(eps, d.Target)]
				if n := flight.Add(1); n > 1 {
					t.Errorf("%d of one queue are in flight", n)
				}
				got <- ran{d.Subject, d.Target}
				flight.Add(-1)
				if err := s.RecordNow(t.Context(), &store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim, Verdict: store.Done}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	close(got)
	var have [2][]hookswitch.Key
	for r := range got {
		i := slices.Index(eps, r.target)
		have[i] = append(have[i], r.subject)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestWakeHead_MakesTheHeadDueAndLeavesWhatRuns(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		wake := func() { f.update(func(tx *store.Tx) error { return tx.WakeHead(ep, f.clock.Now()) }) }
		wake() // an empty queue
		s := f.queued(ep, 2)
		d := f.head(s[0])
		wake()
		if row := f.ordered(s[0], ep); !row.NextAt.Equal(d.NextAt) {
			t.Errorf("the lease is changed: %+v", row)
		}
		park := f.outcome(d, store.Postponed)
		park.Attempt, park.Next = nil, f.clock.Now().Add(24*time.Hour)
		f.record(park)
		f.head(0)
		wake()
		f.head(s[0])
	})
}

func TestHousekeep_KeepsTheQueueOfADisabledEndpointAndEndsThatOfADeletedOne(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered)
		s := f.queued(ep.Key, 3)
		ep.Disabled, ep.CanceledUpto = true, f.keys.Next()
		f.update(func(tx *store.Tx) error { return tx.UpdateEndpoint(ep) })
		if _, err := f.Housekeep(t.Context(), store.HousekeepOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, subject := range s {
			if d := f.ordered(subject, ep.Key); d.State != hookswitch.DeliveryPending {
				t.Errorf("disabled: %+v", d)
			}
		}
		f.update(func(tx *store.Tx) error { return tx.DeleteEndpoint(f.app, ep.Key, f.keys.Next(), f.clock.Now()) })
		res, err := f.Housekeep(t.Context(), store.HousekeepOptions{})
		if err != nil || res.Ended != 3 {
			t.Errorf("%+v, %v", res, err)
		}
		for _, subject := range s {
			if d := f.ordered(subject, ep.Key); d.State != hookswitch.DeliveryCanceled {
				t.Errorf("deleted: %+v", d)
			}
		}
	})
}

func TestBacklog_LeavesQueuesOut(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		f.queued(f.newEndpoint(ordered).Key, 3)
		if b, err := f.Backlog(t.Context(), f.clock.Now().Add(time.Hour)); err != nil || b.Due != 0 {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

func BenchmarkAccept_Ordered(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *storetest.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		for _, nodes := range []int{1, 2} {
			if name == "sqlite" && nodes > 1 {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", name, nodes), func(b *testing.B) {
				db := open(b)
				f := newFixture(b, db)
				f.clock = nil
				keys := hookswitch.NewKeys(5, time.Now)
				ep := hookswitch.Key(77)
				stores := []*store.Store{f.Store}
				if nodes > 1 {
					stores = append(stores, db.Open(db.OtherNode))
				}
				payload := make([]byte, 400)
				var n atomic.Int64
				b.SetParallelism(16)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					s := stores[int(n.Add(1))%len(stores)]
					for pb.Next() {
						e := &hookswitch.Event{Key: keys.Next(), App: f.app, Type: "a", Payload: payload, Targets: []hookswitch.Target{{Endpoint: ep}}}
						d := []store.Delivery{{Kind: hookswitch.DeliverOrdered, App: f.app, Subject: e.Key, Target: ep, NextAt: time.Now(), Claim: 1}}
						if err := s.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: d}); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
