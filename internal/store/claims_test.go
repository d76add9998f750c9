package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestClaimDue_TakesOldestFirstAndLeases(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint()
		var want []hookswitch.Key
		for i := range 100 {
			e := f.event(ep.Key)
			d := f.waiting(e)
			d[0].NextAt = f.clock.Now().Add(-time.Duration(i) * time.Second)
			f.accept(e, d)
			want = append(want, e.Key)
		}
		later := f.event(ep.Key)
		d := f.waiting(later)
		d[0].NextAt = f.clock.Now().Add(time.Minute)
		f.accept(later, d)
		slices.Reverse(want)
		got := f.claim(func(r *store.ClaimRequest) { r.Max = 90 })
		var keys []hookswitch.Key
		for _, d := range got.Deliveries {
			keys = append(keys, d.Subject)
			if stored := f.delivery(d.Subject, d.Target); !cmp.Equal(stored, d) || d.Owner != f.Node().Number || d.Claim != 1 {
				t.Fatalf("got %+v, stored %+v", d, stored)
			}
		}
		if !slices.Equal(keys, want[:90]) {
			t.Fatalf("got %v, want %v", keys, want[:90])
		}
		if rest := f.claim(); len(rest.Deliveries) != 10 {
			t.Fatalf("got %d, want the other 10", len(rest.Deliveries))
		}
		rest := f.claim()
		if len(rest.Deliveries) != 0 || !rest.Next.Equal(d[0].NextAt) || rest.After != 0 {
			t.Fatalf("got %+v, want nothing until %v", rest, d[0].NextAt)
		}
	})
}

// dead fills the queue of an endpoint with n rows that are due.
func (f *fixture) dead(target hookswitch.Key, n int) {
	f.t.Helper()
	numbers := `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
		SELECT i, $2, 1, $3, 0, 0, 1000 + i, 1, 1, FALSE, 0, 0, 0 FROM n`
	if _, err := f.Exec(f.t.Context(), numbers, int64(n), int64(target), int64(f.app)); err != nil {
		f.t.Fatal(err)
	}
}

func TestClaimDue_ADeadTargetStandsBeforeNobody(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		dead := f.newEndpoint().Key
		f.dead(dead, 30_000)
		var others []hookswitch.Key
		for range 600 { // more than one step of the walk
			ep := f.keys.Next()
			others = append(others, ep)
			e := f.event(ep)
			f.accept(e, f.waiting(e))
		}
		start := time.Now()
		got := f.claim(func(r *store.ClaimRequest) { r.PerTarget = func(hookswitch.Key) int { return 5 } })
		t.Logf("claimed %d in %v", len(got.Deliveries), time.Since(start))
		of := make(map[hookswitch.Key]int)
		for _, d := range got.Deliveries {
			of[d.Target]++
		}
		if of[dead] != 5 {
			t.Errorf("got %d of the dead target, want 5", of[dead])
		}
		for _, ep := range others {
			if of[ep] != 1 {
				t.Fatalf("got %d of another target, want 1", of[ep])
			}
		}
		if got.After != 0 {
			t.Errorf("the walk has not come to its end")
		}
	})
}

func TestClaimDue_PassesOverTargetsWithoutRoomAndGoesOnBehind(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var targets []hookswitch.Key
		for range 5 {
			ep := f.keys.Next()
			targets = append(targets, ep)
			for range 3 {
				e := f.event(ep)
				f.accept(e, f.waiting(e))
			}
		}
		perTarget := func(k hookswitch.Key) int {
			if k == targets[1] {
				return 0
			}
			return 2
		}
		var after hookswitch.Key
		var walks [][]int
		for range 4 {
			got := f.claim(func(r *store.ClaimRequest) { r.PerTarget, r.Max, r.After = perTarget, 4, after })
			after = got.After
			var walk []int
			for _, d := range got.Deliveries {
				walk = append(walk, slices.Index(targets, d.Target))
			}
			walks = append(walks, walk)
		}
		want := [][]int{{0, 0, 2, 2}, {3, 3, 4, 4}, nil, {0, 2, 3, 4}}
		if diff := cmp.Diff(want, walks); diff != "" {
			t.Errorf("targets of each claim (-want +got):\n%s", diff)
		}
	})
}

func TestClaimDue_EndsWhenItHasEnough(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		for range 40 {
			e := f.event(f.keys.Next())
			f.accept(e, f.waiting(e))
		}
		commits := func() int {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.units)
		}
		before := commits()
		if got := f.claim(func(r *store.ClaimRequest) { r.Max = 3 }); len(got.Deliveries) != 3 {
			t.Errorf("claimed %d", len(got.Deliveries))
		}
		if n := commits() - before; n > 1 {
			t.Errorf("it took %d transactions", n)
		}
		if got := f.claim(func(r *store.ClaimRequest) { r.Max = 100 }); len(got.Deliveries) != 37 {
			t.Errorf("then claimed %d", len(got.Deliveries))
		}
	})
}

func TestClaimDue_OrderedTakesTheHeadOnly(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		conversation := f.keys.Next()
		var subjects []hookswitch.Key
		for i := range 4 {
			d := store.Delivery{Kind: hookswitch.DeliverMessage, App: f.app, Subject: f.keys.Next(), Target: conversation, NextAt: f.clock.Now().Add(-time.Duration(i) * time.Second)}
			subjects = append(subjects, d.Subject)
			f.update(func(tx *store.Tx) error { return tx.Append(nil, []store.Delivery{d}) })
		}
		ordered := func(r *store.ClaimRequest) { r.Kind, r.Ordered = hookswitch.DeliverMessage, true }
		take := func() store.Delivery {
			t.Helper()
			got := f.claim(ordered)
			if len(got.Deliveries) != 1 {
				t.Fatalf("got %+v, want one", got)
			}
			return got.Deliveries[0]
		}
		none := func(next time.Time) {
			t.Helper()
			if got := f.claim(ordered); len(got.Deliveries) != 0 || !got.Next.Equal(next) {
				t.Fatalf("got %+v, want none until %v", got, next)
			}
		}
		head := take()
		if head.Subject != subjects[0] {
			t.Fatalf("got %d, want the head %d", head.Subject, subjects[0])
		}
		none(time.Time{}) // one is leased
		o := &store.Outcome{Kind: head.Kind, Subject: head.Subject, Target: head.Target, Claim: head.Claim, Verdict: store.Retry, Next: f.clock.Now().Add(time.Minute)}
		f.record(o)
		none(o.Next) // the head waits, and all behind it do
		f.clock.Advance(time.Minute)
		if head = take(); head.Subject != subjects[0] || head.Tries != 1 {
			t.Fatalf("got %+v, want the head again", head)
		}
		// One that has begun, and whose outcome is unknown, holds nobody up.
		deadline := f.clock.Now().Add(time.Hour)
		f.update(func(tx *store.Tx) error {
			o := &store.Outcome{Kind: head.Kind, Subject: head.Subject, Target: head.Target, Claim: head.Claim}
			if ok, err := tx.Start(o, f.clock.Now()); !ok || err != nil {
				t.Errorf("start: %v, %v", ok, err)
			}
			if ok, err := tx.Start(o, f.clock.Now()); ok || err != nil {
				t.Errorf("a second start: %v, %v, want a refusal", ok, err)
			}
			return tx.Await(o, deadline)
		})
		next := take()
		if next.Subject != subjects[1] {
			t.Fatalf("got %d, want the second %d", next.Subject, subjects[1])
		}
		f.update(func(tx *store.Tx) error { return tx.Settle(next.Kind, next.Subject, next.Target) })
		f.clock.Advance(2 * time.Hour)
		if head = take(); head.Subject != subjects[0] || head.StartedAt.IsZero() {
			t.Fatalf("got %+v, want the begun one after its deadline", head)
		}
	})
}

func TestClaimDue_TwoNodesNeverHaveTheSame(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := newFixture(t, db)
	other := db.Open(storetest.Now(f.clock.Now), db.OtherNode)
	const n = 400
	conversations := []hookswitch.Key{f.keys.Next(), f.keys.Next(), f.keys.Next(), f.keys.Next()}
	f.update(func(tx *store.Tx) error {
		var list []store.Delivery
		for i := range n {
			list = append(list, store.Delivery{Kind: hookswitch.DeliverMessage, App: f.app, Subject: f.keys.Next(), Target: conversations[i%len(conversations)], NextAt: f.clock.Now()})
		}
		return tx.Append(nil, list)
	})
	type taken struct{ subject, target hookswitch.Key }
	got := make(chan taken, 2*n)
	together(2, func(i int) {
		s := []*store.Store{f.Store, other}[i]
		for empty := 0; empty < 20; {
			c, err := s.ClaimDue(context.Background(), store.ClaimRequest{Kind: hookswitch.DeliverMessage, Ordered: true, Now: f.clock.Now(), Lease: f.clock.Now().Add(time.Minute), Max: 10,
				PerTarget: func(hookswitch.Key) int { return 10 }})
			if hookswitch.KindOf(err) == hookswitch.Unavailable {
				continue
			}
			if err != nil {
				t.Errorf("claim: %v", err)
				return
			}
			if len(c.Deliveries) == 0 {
				empty++
				continue
			}
			empty = 0
			for _, d := range c.Deliveries {
				got <- taken{d.Subject, d.Target}
				s.Record(&store.Outcome{Kind: d.Kind, Subject: d.Subject, Target: d.Target, Claim: d.Claim, Verdict: store.Done})
			}
			if err := s.Accept(&store.Accept{App: f.app, Version: 1}); err != nil { // the outcomes ride along
				t.Errorf("flush: %v", err)
			}
		}
	})
	close(got)
	last := make(map[hookswitch.Key]hookswitch.Key)
	count := 0
	for k := range got {
		count++
		if k.subject <= last[k.target] {
			t.Fatalf("subject %d was taken after %d", k.subject, last[k.target])
		}
		last[k.target] = k.subject
	}
	if count != n {
		t.Fatalf("got %d, want %d", count, n)
	}
}

// A row that another transaction is at work on is passed over: it holds up neither its own target nor another one for as long as that takes.
func TestClaimDue_WaitsForNoRowThatIsBeingChanged(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	for _, kind := range []hookswitch.DeliveryKind{hookswitch.DeliverWebhook, hookswitch.DeliverRespond, hookswitch.DeliverOrdered} {
		f := newFixture(t, db)
		held, free := f.keys.Next(), f.keys.Next()
		var list []store.Delivery
		for _, target := range []hookswitch.Key{held, held, free} {
			list = append(list, store.Delivery{Kind: kind, App: f.app, Subject: f.keys.Next(), Target: target, NextAt: f.clock.Now()})
		}
		f.update(func(tx *store.Tx) error { return tx.Append(nil, list) })
		locked, ended, over := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		end := sync.OnceFunc(func() { close(ended) })
		t.Cleanup(end)
		go func() {
			over <- f.Update(context.Background(), func(tx *store.Tx) error {
				if err := tx.Settle(kind, list[0].Subject, held); err != nil {
					return err
				}
				_, err := tx.Delivery(tx.Context(), kind, list[2].Subject, free) // what is read sees that it is gone
				close(locked)
				<-ended
				return err
			})
		}()
		<-locked
		got := f.claim(func(r *store.ClaimRequest) { r.Kind, r.Ordered = kind, kind != hookswitch.DeliverWebhook })
		end()
		if err := <-over; err != nil {
			t.Error(err)
		}
		var subjects []hookswitch.Key
		for _, d := range got.Deliveries {
			subjects = append(subjects, d.Subject)
		}
		want := []hookswitch.Key{list[2].Subject}
		if kind == hookswitch.DeliverWebhook {
			want = []hookswitch.Key{list[1].Subject, list[2].Subject}
		}
		if diff := cmp.Diff(want, subjects); diff != "" {
			t.Errorf("kind %d: claimed (-want +got):\n%s", kind, diff)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRelease_GivesBackWhatIsStillOurs(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		a, b := f.owed(), f.owed()
		done := f.owed()
		f.record(f.outcome(done, store.Done))
		stale := b
		stale.Claim--
		f.clock.Advance(time.Second)
		if err := f.Release(t.Context(), []store.Delivery{a, stale, done}, f.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if d := f.delivery(a.Subject, a.Target); d.Owner != 0 || !d.NextAt.Equal(f.clock.Now()) || d.Tries != 0 {
			t.Errorf("got %+v, want it waiting, due now", d)
		}
		if diff := cmp.Diff(b, f.delivery(b.Subject, b.Target)); diff != "" {
			t.Errorf("one of another claim (-want +got):\n%s", diff)
		}
		f.noDelivery(done.Subject, done.Target)
	})
}

func TestReclaim_TakesBackOnlyWhatHasEnded(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		old := f.owed()
		f.clock.Advance(30 * time.Second)
		young := f.owed()
		if n, err := f.Reclaim(t.Context(), f.clock.Now()); n != 0 || err != nil {
			t.Fatalf("got %d, %v, want none", n, err)
		}
		f.clock.Advance(31 * time.Second)
		if n, err := f.Reclaim(t.Context(), f.clock.Now()); n != 1 || err != nil {
			t.Fatalf("got %d, %v, want one", n, err)
		}
		if d := f.delivery(old.Subject, old.Target); d.Owner != 0 || !d.NextAt.Equal(f.clock.Now()) {
			t.Errorf("got %+v, want it waiting, due now", d)
		}
		if diff := cmp.Diff(young, f.delivery(young.Subject, young.Target)); diff != "" {
			t.Errorf("the young one (-want +got):\n%s", diff)
		}
	})
}
