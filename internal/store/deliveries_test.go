package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// owed accepts an event for a new endpoint and returns its leased delivery.
func (f *fixture) owed() store.Delivery {
	f.t.Helper()
	e := f.event(f.newEndpoint().Key)
	d := f.leased(e)
	f.accept(e, d)
	return d[0]
}

// eachWay runs test with both ways of recording an outcome: in the batch, and in an update.
func eachWay(t *testing.T, test func(t *testing.T, f *fixture, record func(*store.Outcome))) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Run("batch", func(t *testing.T) {
			f := newFixture(t, db)
			test(t, f, func(o *store.Outcome) { f.record(o) })
			f.Close()
		})
		t.Run("update", func(t *testing.T) {
			f := newFixture(t, db)
			test(t, f, func(o *store.Outcome) {
				f.update(func(tx *store.Tx) error {
					_, err := tx.Record(o, f.clock.Now())
					return err
				})
			})
		})
	})
}

func TestRecord_EachVerdict(t *testing.T) {
	eachWay(t, func(t *testing.T, f *fixture, record func(*store.Outcome)) {
		next := f.clock.Now().Add(5 * time.Second)
		for _, c := range []struct {
			verdict store.Verdict
			want    func(d *store.Delivery) // nil: the row is gone
		}{
			{store.Done, nil},
			{store.Retry, func(d *store.Delivery) { d.NextAt, d.Tries = next, 1 }},
			{store.Postponed, func(d *store.Delivery) { d.NextAt = next }},
			{store.Exhausted, func(d *store.Delivery) {
				d.State, d.NextAt, d.Tries = hookswitch.DeliveryFailed, time.Time{}, 1
			}},
			{store.Canceled, func(d *store.Delivery) { d.State, d.NextAt = hookswitch.DeliveryCanceled, time.Time{} }},
		} {
			d := f.owed()
			o := f.outcome(d, c.verdict)
			o.Next = next
			record(o)
			a, err := f.Attempt(t.Context(), f.app, d.Subject, o.Attempt.Key)
			if err != nil {
				t.Fatalf("verdict %d: its attempt: %v", c.verdict, err)
			}
			if diff := cmp.Diff(o.Attempt, a); diff != "" {
				t.Errorf("verdict %d: attempt (-want +got):\n%s", c.verdict, diff)
			}
			if c.want == nil {
				f.noDelivery(d.Subject, d.Target)
				continue
			}
			want := d
			want.Owner = 0
			c.want(&want)
			if diff := cmp.Diff(want, f.delivery(d.Subject, d.Target)); diff != "" {
				t.Errorf("verdict %d: row (-want +got):\n%s", c.verdict, diff)
			}
			ok, failed, err := f.Stats(t.Context(), f.app, d.Target, f.clock.Now().Add(-time.Hour), f.clock.Now())
			if err != nil || ok != 0 || failed != 1 {
				t.Errorf("verdict %d: counted %d and %d, %v, want one failure", c.verdict, ok, failed, err)
			}
		}
	})
}

func TestRecord_ALateSuccessEndsTheDeliveryWhateverItsClaim(t *testing.T) {
	eachWay(t, func(t *testing.T, f *fixture, record func(*store.Outcome)) {
		for _, state := range []string{"waiting", "leased again", "failed", "canceled"} {
			d := f.owed()
			late := f.outcome(d, store.Done)
			retry := f.outcome(d, store.Retry)
			switch state {
			case "leased again":
				retry.Next = f.clock.Now()
				record(retry)
				if got := f.claim(); len(got.Deliveries) != 1 {
					t.Fatalf("claimed %d", len(got.Deliveries))
				}
			case "waiting":
				retry.Next = f.clock.Now().Add(time.Hour)
				record(retry)
			case "failed":
				record(f.outcome(d, store.Exhausted))
			case "canceled":
				record(f.outcome(d, store.Canceled))
			}
			record(late)
			f.noDelivery(d.Subject, d.Target)
		}
	})
}

func TestRecord_ALateFailureChangesNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, f *fixture, record func(*store.Outcome)) {
		for _, v := range []store.Verdict{store.Retry, store.Exhausted, store.Postponed, store.Canceled, store.Restored} {
			d := f.owed()
			f.clock.Advance(2 * time.Minute)
			if n, err := f.Reclaim(t.Context(), f.clock.Now()); err != nil || n != 1 {
				t.Fatalf("reclaimed %d, %v", n, err)
			}
			again := f.claim().Deliveries
			if len(again) != 1 || again[0].Claim != d.Claim+1 {
				t.Fatalf("claimed %+v", again)
			}
			late := f.outcome(d, v)
			late.Next = f.clock.Now().Add(time.Hour)
			record(late)
			if diff := cmp.Diff(again[0], f.delivery(d.Subject, d.Target)); diff != "" {
				t.Errorf("verdict %d (-want +got):\n%s", v, diff)
			}
			if _, err := f.Attempt(t.Context(), f.app, d.Subject, late.Attempt.Key); err != nil {
				t.Errorf("verdict %d: the attempt is not recorded: %v", v, err)
			}
			record(f.outcome(again[0], store.Done))
		}
	})
}

func TestRecord_NeverMakesARow(t *testing.T) {
	eachWay(t, func(t *testing.T, f *fixture, record func(*store.Outcome)) {
		ep := f.newEndpoint()
		for _, v := range []store.Verdict{store.Done, store.Retry, store.Exhausted, store.Postponed, store.Canceled, store.Restored} {
			d := store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: f.keys.Next(), Target: ep.Key, Claim: 1}
			record(f.outcome(d, v))
			f.noDelivery(d.Subject, d.Target)
		}
	})
}

func TestRecord_AnAttemptOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, f *fixture, record func(*store.Outcome)) {
		d := f.owed()
		o := f.outcome(d, store.Retry)
		o.Next = f.clock.Now()
		record(o)
		again := *o
		record(&again)
		list, err := f.AttemptsByEvent(t.Context(), f.app, d.Subject, store.AttemptFilter{}, store.Page{Limit: 10})
		if err != nil || len(list) != 1 {
			t.Fatalf("got %d attempts, %v, want 1", len(list), err)
		}
		if row := f.delivery(d.Subject, d.Target); row.Tries != 1 {
			t.Fatalf("got %d tries, want 1", row.Tries)
		}
	})
}

func TestRecord_ForeignTextFailsNothing(t *testing.T) {
	eachWay(t, func(t *testing.T, f *fixture, record func(*store.Outcome)) {
		d := f.owed()
		o := f.outcome(d, store.Done)
		o.Attempt.URL = "https://x.example/\x00\xff"
		o.Attempt.Failure = "a\x00\xff"
		o.Attempt.Answer = []byte("\x00\xff\xfe")
		o.Attempt.Headers = []byte("X: \x00\xff")
		record(o)
		a, err := f.Attempt(t.Context(), f.app, d.Subject, o.Attempt.Key)
		if err != nil {
			t.Fatal(err)
		}
		if string(a.Answer) != "\x00\xff\xfe" || string(a.Headers) != "X: \x00\xff" || a.URL != "https://x.example/\uFFFD\uFFFD" || a.Failure != "a\uFFFD\uFFFD" {
			t.Fatalf("got %q, %q, %q, %q", a.Answer, a.Headers, a.URL, a.Failure)
		}
		f.noDelivery(d.Subject, d.Target)
	})
}

// A trigger stands in for whatever a database may find wrong with the text of an answer.
func TestRecord_APoisonedOneIsRecordedWithoutItsTexts(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		trigger := `CREATE TRIGGER poison BEFORE INSERT ON attempts WHEN NEW.answer = x'706f69736f6e' BEGIN SELECT RAISE(ABORT, 'poison'); END`
		if f.db.Postgres {
			trigger = `ALTER TABLE attempts ADD CONSTRAINT poison CHECK (answer <> 'poison'::bytea)`
		}
		if _, err := f.Exec(t.Context(), trigger); err != nil {
			t.Fatal(err)
		}
		var ds []store.Delivery
		var outcomes []*store.Outcome
		for i := range 7 {
			d := f.owed()
			o := f.outcome(d, store.Done)
			if i == 3 {
				o.Attempt.Answer = []byte("poison")
			}
			ds, outcomes = append(ds, d), append(outcomes, o)
		}
		f.record(outcomes...)
		for i, d := range ds {
			f.noDelivery(d.Subject, d.Target)
			a, err := f.Attempt(t.Context(), f.app, d.Subject, outcomes[i].Attempt.Key)
			if err != nil {
				t.Fatalf("attempt %d: %v", i, err)
			}
			if want := i != 3; (len(a.Answer) > 0) != want || !a.OK || a.Code != 200 {
				t.Errorf("attempt %d: got %+v", i, a)
			}
		}
	})
}

func TestRecord_SuccessStopsTheFailureClock(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint()
		clock := func() (failSince, lastOK time.Time) {
			f.update(func(tx *store.Tx) (err error) {
				lastOK, err = tx.LastOK(f.app, ep.Key)
				return err
			})
			e, err := f.Endpoint(t.Context(), f.app, ep.Key)
			if err != nil {
				t.Fatal(err)
			}
			return e.FailSince, lastOK
		}
		start := func() {
			f.update(func(tx *store.Tx) error {
				e, err := tx.Endpoint(tx.Context(), f.app, ep.Key)
				if err != nil {
					return err
				}
				e.FailSince = f.clock.Now()
				return tx.UpdateEndpoint(e)
			})
		}
		succeed := func(clockRuns bool) {
			e := f.event(ep.Key)
			f.accept(e, f.leased(e))
			o := f.outcome(f.leased(e)[0], store.Done)
			o.ClockRuns = clockRuns
			f.record(o)
		}
		start()
		succeed(false) // the first success is always written
		first := f.clock.Now()
		if since, ok := clock(); !since.IsZero() || !ok.Equal(first) {
			t.Fatalf("got %v and %v, want a stopped clock", since, ok)
		}
		f.clock.Advance(10 * time.Second)
		succeed(false) // within the minute: not written
		if _, ok := clock(); !ok.Equal(first) {
			t.Fatalf("got %v, want %v", ok, first)
		}
		start()
		succeed(true) // but when the clock runs, it is
		if since, ok := clock(); !since.IsZero() || !ok.Equal(f.clock.Now()) {
			t.Fatalf("got %v and %v, want a stopped clock", since, ok)
		}
		f.clock.Advance(time.Minute)
		succeed(false)
		if _, ok := clock(); !ok.Equal(f.clock.Now()) {
			t.Fatalf("got %v, want it written a minute later", ok)
		}
		ok, failed, err := f.Stats(t.Context(), f.app, ep.Key, first.Add(-time.Hour), f.clock.Now())
		if err != nil || ok != 4 || failed != 0 {
			t.Fatalf("counted %d and %d, %v, want 4 and 0", ok, failed, err)
		}
	})
}

func TestStats_CountByHour(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint()
		begin := f.clock.Now()
		for range 3 {
			var list []*store.Outcome
			for _, v := range []store.Verdict{store.Done, store.Retry, store.Exhausted} {
				e := f.event(ep.Key)
				f.accept(e, f.leased(e))
				list = append(list, f.outcome(f.leased(e)[0], v))
			}
			f.record(list...)
			f.clock.Advance(time.Hour)
		}
		for hours, want := range []int64{1, 2, 3} {
			ok, failed, err := f.Stats(t.Context(), f.app, ep.Key, begin, begin.Add(time.Duration(hours)*time.Hour))
			if err != nil || ok != want || failed != 2*want {
				t.Errorf("%d hours: got %d and %d, %v, want %d and %d", hours, ok, failed, err, want, 2*want)
			}
		}
	})
}

func TestOpen_TakesBackTheLeasesOfItsPredecessor(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		d := f.owed()
		f.clock.Advance(time.Second)
		node := f.Node()
		f.reopen()
		if n := f.Node(); n.Number != node.Number || n.Epoch != node.Epoch+1 || n.Instance != node.Instance {
			t.Errorf("got node %+v after %+v", n, node)
		}
		if got := f.delivery(d.Subject, d.Target); got.Owner != 0 || !got.NextAt.Equal(f.clock.Now()) {
			t.Errorf("got %+v, want it waiting, due now", got)
		}
	})
}

func TestOpen_LeavesTheLeasesOfAnotherNode(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := newFixture(t, db)
	d := f.owed()
	other := db.Open(storetest.Now(f.clock.Now), db.OtherNode)
	if other.Node().Number == f.Node().Number {
		t.Fatal("two nodes have one number")
	}
	if got := f.delivery(d.Subject, d.Target); got.Owner != f.Node().Number {
		t.Fatalf("got %+v, want it still leased", got)
	}
	f.clock.Advance(2 * time.Minute)
	if n, err := other.Reclaim(t.Context(), f.clock.Now()); n != 1 || err != nil {
		t.Fatalf("got %d, %v, want one after its lease has ended", n, err)
	}
}

func TestHeartbeat_CountsWhoLives(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := newFixture(t, db)
	other := db.Open(storetest.Now(f.clock.Now), db.OtherNode)
	beat := func(s *store.Store, want int) {
		t.Helper()
		if n, err := s.Heartbeat(t.Context(), store.NodeLoad{}); n != want || err != nil {
			t.Fatalf("got %d, %v, want %d", n, err, want)
		}
	}
	beat(f.Store, 2)
	f.clock.Advance(time.Minute)
	beat(f.Store, 1)
	beat(other, 2)
}

func TestOpen_GivesTheNumberOfAForgottenNodeAway(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := newFixture(t, db)
	d := f.owed()
	f.clock.Advance(store.NodeForgotten + time.Second)
	heir := db.Open(storetest.Now(f.clock.Now), db.OtherNode)
	if heir.Node().Number != f.Node().Number || heir.Node().Epoch == f.Node().Epoch {
		t.Fatalf("got node %+v, want the number of %+v", heir.Node(), f.Node())
	}
	if got := f.delivery(d.Subject, d.Target); got.Owner != 0 {
		t.Errorf("got %+v, want it taken back", got)
	}
	if _, err := f.Heartbeat(t.Context(), store.NodeLoad{}); err == nil {
		t.Error("the old one may go on")
	}
	select {
	case <-f.Fatal():
	default:
		t.Error("the old one is not told to end")
	}
}

func TestResend_InEachState(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		resend := func(d store.Delivery) (row store.Delivery, inFlight bool) {
			t.Helper()
			f.update(func(tx *store.Tx) (err error) {
				row, inFlight, err = tx.Resend(d, f.clock.Now())
				return err
			})
			return row, inFlight
		}
		ask := func(d store.Delivery) store.Delivery {
			return store.Delivery{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, NextAt: f.clock.Now(), Restore: hookswitch.DeliveryDelivered}
		}
		run := func(want store.Delivery) store.Delivery {
			t.Helper()
			got := f.claim()
			if len(got.Deliveries) != 1 || got.Deliveries[0].Subject != want.Subject || !got.Deliveries[0].Manual {
				t.Fatalf("got %+v, want the manual one", got)
			}
			return got.Deliveries[0]
		}

		t.Log("in flight")
		d := f.owed()
		if row, inFlight := resend(ask(d)); !inFlight || !cmp.Equal(row, d) || !cmp.Equal(f.delivery(d.Subject, d.Target), d) {
			t.Errorf("got %+v, %v, want the running one", row, inFlight)
		}

		t.Log("waiting")
		due := f.clock.Now().Add(time.Hour)
		o := f.outcome(d, store.Retry)
		o.Next = due
		f.record(o)
		before := f.delivery(d.Subject, d.Target)
		row, inFlight := resend(ask(d))
		if inFlight || !row.Manual || !row.NextAt.Equal(f.clock.Now()) || !cmp.Equal(f.delivery(d.Subject, d.Target), row) {
			t.Errorf("got %+v, %v, want it due now by hand", row, inFlight)
		}
		if again, inFlight := resend(ask(d)); !inFlight || !cmp.Equal(again, row) {
			t.Errorf("got %+v, %v, want what was asked for before", again, inFlight)
		}
		got := run(d)
		f.record(f.outcome(got, store.Restored))
		after := f.delivery(d.Subject, d.Target)
		if after.Owner != 0 || after.Manual || !after.NextAt.Equal(due) || after.Tries != before.Tries || after.State != hookswitch.DeliveryPending {
			t.Errorf("got %+v after the failure, want it as before: %+v", after, before)
		}

		t.Log("failed and canceled")
		for _, v := range []store.Verdict{store.Exhausted, store.Canceled} {
			d := f.owed()
			f.record(f.outcome(d, v))
			before := f.delivery(d.Subject, d.Target)
			if row, inFlight := resend(ask(d)); inFlight || row.State != hookswitch.DeliveryPending || !row.Manual {
				t.Errorf("got %+v, %v", row, inFlight)
			}
			f.record(f.outcome(run(d), store.Restored))
			if after := f.delivery(d.Subject, d.Target); after.State != before.State || after.Tries != before.Tries || after.Manual || !after.NextAt.IsZero() {
				t.Errorf("got %+v after the failure, want %+v", after, before)
			}
			resend(ask(d))
			f.record(f.outcome(run(d), store.Done))
			f.noDelivery(d.Subject, d.Target)
		}

		t.Log("delivered")
		d = f.owed()
		f.record(f.outcome(d, store.Done))
		if row, inFlight := resend(ask(d)); inFlight || !row.Manual || !cmp.Equal(f.delivery(d.Subject, d.Target), row) {
			t.Errorf("got %+v, %v", row, inFlight)
		}
		f.record(f.outcome(run(d), store.Restored))
		f.noDelivery(d.Subject, d.Target)

		t.Log("none, to run at once")
		d = ask(f.owed())
		f.record(&store.Outcome{Kind: d.Kind, Subject: d.Subject, Target: d.Target, Verdict: store.Done})
		d.Owner, d.NextAt, d.Restore = f.Node().Number, f.clock.Now().Add(time.Minute), hookswitch.DeliveryFailed
		if row, inFlight := resend(d); inFlight || row.Owner != f.Node().Number || !cmp.Equal(f.delivery(d.Subject, d.Target), row) {
			t.Errorf("got %+v, %v", row, inFlight)
		}
		late := d
		late.Claim = 1 // of a row that was there before
		f.record(f.outcome(late, store.Exhausted))
		if after := f.delivery(d.Subject, d.Target); after.State != hookswitch.DeliveryPending {
			t.Errorf("got %+v, want it untouched by a late failure", after)
		}
		d.Claim = f.delivery(d.Subject, d.Target).Claim
		f.record(f.outcome(d, store.Restored))
		if after := f.delivery(d.Subject, d.Target); after.State != hookswitch.DeliveryFailed {
			t.Errorf("got %+v, want it failed", after)
		}
	})
}

func TestCancelPending_EndsWhatWaitsBelow(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint().Key
		var ds []store.Delivery
		for i := range 6 {
			e := f.event(ep)
			list := f.waiting(e)
			if i == 0 {
				list = f.leased(e)
			}
			if i == 1 {
				list[0].Manual = true
			}
			f.accept(e, list)
			ds = append(ds, list[0])
		}
		cancel := func(limit int) (n int) {
			t.Helper()
			f.update(func(tx *store.Tx) (err error) {
				n, err = tx.CancelPending(hookswitch.DeliverWebhook, ep, ds[4].Subject, limit)
				return err
			})
			return n
		}
		if a, b, c := cancel(2), cancel(10), cancel(10); a != 2 || b != 1 || c != 0 {
			t.Errorf("got %d, %d, %d, want 2, 1, 0", a, b, c)
		}
		for i, want := range []hookswitch.DeliveryState{0, 0, hookswitch.DeliveryCanceled, hookswitch.DeliveryCanceled, hookswitch.DeliveryCanceled, 0} {
			if d := f.delivery(ds[i].Subject, ep); d.State != want {
				t.Errorf("delivery %d is %v, want %v", i, d.State, want)
			}
		}
		if got := f.claim(); len(got.Deliveries) != 2 {
			t.Errorf("got %d, want the manual one and the one above", len(got.Deliveries))
		}
	})
}

func TestBacklog_CountsWhatIsDue(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		if b, err := f.Backlog(t.Context(), f.clock.Now()); err != nil || b != (store.Backlog{}) {
			t.Fatalf("got %+v, %v", b, err)
		}
		oldest := f.clock.Now().Add(-time.Minute)
		for _, at := range []time.Time{f.clock.Now(), oldest, f.clock.Now().Add(time.Second)} {
			e := f.event(9)
			d := f.waiting(e)
			d[0].NextAt = at
			f.accept(e, d)
		}
		f.owed()
		b, err := f.Backlog(t.Context(), f.clock.Now())
		if err != nil || b.Due != 2 || !b.Oldest.Equal(oldest) {
			t.Fatalf("got %+v, %v, want 2 since %v", b, err, oldest)
		}
	})
}

func TestDeliveriesOf_AreAllOfASubject(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		e := f.event(3, 4, 5)
		f.accept(e, f.waiting(e))
		list, err := f.DeliveriesOf(t.Context(), f.app, e.Key)
		if err != nil || len(list) != 3 {
			t.Fatalf("got %d, %v", len(list), err)
		}
		if s := fmt.Sprint(list[0].State); s != "pending" {
			t.Errorf("got %s", s)
		}
	})
}
