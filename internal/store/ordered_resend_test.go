package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestCancel_EndsWhatIsOwedInEachState(t *testing.T) {
	for _, kind := range []hookswitch.DeliveryKind{hookswitch.DeliverWebhook, hookswitch.DeliverOrdered} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			eachFixture(t, func(t *testing.T, f *fixture) {
				cancel := func(subject, target hookswitch.Key) (store.Delivery, error) {
					var d store.Delivery
					err := f.Update(t.Context(), func(tx *store.Tx) (err error) {
						d, err = tx.Cancel(subject, target)
						return err
					})
					return d, err
				}
				owed := func() (subject, target hookswitch.Key) {
					e := f.event(f.newEndpoint().Key)
					list := f.waiting(e)
					list[0].Kind = kind
					f.accept(e, list)
					return e.Key, e.Targets[0].Endpoint
				}
				take := func() store.Delivery {
					t.Helper()
					got := f.claim(func(r *store.ClaimRequest) { r.Kind, r.Ordered = kind, kind == hookswitch.DeliverOrdered })
					if len(got.Deliveries) != 1 {
						t.Fatalf("claimed %+v, want one", got.Deliveries)
					}
					return got.Deliveries[0]
				}
				state := func(when string, subject, target hookswitch.Key, want hookswitch.DeliveryState, owner int) {
					t.Helper()
					d, err := f.Delivery(t.Context(), kind, subject, target)
					if err != nil || d.State != want || d.Owner != owner || d.Manual {
						t.Errorf("%s: %+v, %v", when, d, err)
					}
				}
				resend := func(subject, target hookswitch.Key, restore hookswitch.DeliveryState) {
					t.Helper()
					f.update(func(tx *store.Tx) error {
						_, _, err := tx.Resend(store.Delivery{Kind: kind, App: f.app, Subject: subject, Target: target, NextAt: f.clock.Now(), Restore: restore}, f.clock.Now())
						return err
					})
				}

				s, ep := owed()
				if d, err := cancel(s, ep); err != nil || d.State != hookswitch.DeliveryPending {
					t.Errorf("waiting: %+v, %v", d, err)
				}
				state("waiting", s, ep, hookswitch.DeliveryCanceled, 0)
				if d, err := cancel(s, ep); err != nil || d.State != hookswitch.DeliveryCanceled {
					t.Errorf("canceled: %+v, %v", d, err)
				}
				_, err := cancel(s, f.keys.Next())
				wantKind(t, err, hookswitch.NotFound)

				// What runs is ended by its attempt, and by no other event.
				for _, v := range []store.Verdict{store.Retry, store.Postponed, store.Exhausted, store.Done} {
					for _, way := range []string{"batch", "update"} {
						s, ep = owed()
						d := take()
						if _, err := cancel(s, ep); err != nil {
							t.Error(err)
						}
						state("running", s, ep, hookswitch.DeliveryPending, f.Node().Number)
						o := f.outcome(d, v)
						o.Next = f.clock.Now().Add(time.Hour)
						if way == "batch" {
							f.record(o)
						} else {
							f.update(func(tx *store.Tx) error { _, err := tx.Record(o, f.clock.Now()); return err })
						}
						switch v {
						case store.Done:
							if _, err := f.Delivery(t.Context(), kind, s, ep); hookswitch.KindOf(err) != hookswitch.NotFound {
								t.Errorf("a success leaves a row: %v", err)
							}
						case store.Exhausted:
							state("failed for good", s, ep, hookswitch.DeliveryFailed, 0)
						default:
							state(way+" failed", s, ep, hookswitch.DeliveryCanceled, 0)
						}
					}
				}

				// A try asked for by hand is given up.
				for _, restore := range []hookswitch.DeliveryState{hookswitch.DeliveryFailed, hookswitch.DeliveryDelivered} {
					s, ep = owed()
					verdict := store.Exhausted
					if restore == hookswitch.DeliveryDelivered {
						verdict = store.Done
					}
					f.record(f.outcome(take(), verdict))
					resend(s, ep, restore)
					if _, err := cancel(s, ep); err != nil {
						t.Error(err)
					}
					if restore == hookswitch.DeliveryFailed {
						state("by hand", s, ep, restore, 0)
					} else if _, err := f.Delivery(t.Context(), kind, s, ep); hookswitch.KindOf(err) != hookswitch.NotFound {
						t.Errorf("a delivered one has a row: %v", err)
					}
				}
			})
		})
	}
}

func TestResend_ToAnOrderedEndpoint(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		resend := func(subject hookswitch.Key, restore hookswitch.DeliveryState) (row store.Delivery, inFlight bool) {
			t.Helper()
			f.update(func(tx *store.Tx) (err error) {
				row, inFlight, err = tx.Resend(store.Delivery{Kind: hookswitch.DeliverOrdered, App: f.app, Subject: subject, Target: ep, NextAt: f.clock.Now(), Restore: restore}, f.clock.Now())
				return err
			})
			return row, inFlight
		}
		s := f.queued(ep, 3)
		if _, inFlight := resend(s[1], hookswitch.DeliveryFailed); !inFlight {
			t.Error("what waits for its turn is asked for again")
		}
		d := f.head(s[0])
		retry := f.outcome(d, store.Retry)
		retry.Next = f.clock.Now().Add(time.Hour)
		f.record(retry)
		if row, inFlight := resend(s[0], hookswitch.DeliveryFailed); inFlight || !row.Manual {
			t.Errorf("the head, which waits for its next try: %+v, %v", row, inFlight)
		}
		d = f.head(s[0])
		f.record(f.outcome(d, store.Restored))
		if row := f.ordered(s[0], ep); !row.NextAt.Equal(retry.Next) || row.Manual || row.State != hookswitch.DeliveryPending {
			t.Errorf("after a failure by hand the head is %+v", row)
		}
		f.clock.Advance(time.Hour)
		f.record(f.outcome(f.head(s[0]), store.Exhausted))

		// What is over goes to the end of the queue, for one try.
		resend(s[0], hookswitch.DeliveryDelivered)
		f.record(f.outcome(f.head(s[1]), store.Done))
		f.record(f.outcome(f.head(s[2]), store.Done))
		d = f.head(s[0])
		if !d.Manual || d.Restore != hookswitch.DeliveryFailed {
			t.Errorf("it is %+v", d)
		}
		f.record(f.outcome(d, store.Restored))
		if row := f.ordered(s[0], ep); row.State != hookswitch.DeliveryFailed {
			t.Errorf("after its one try it is %+v", row)
		}
		resend(s[1], hookswitch.DeliveryDelivered)
		f.record(f.outcome(f.head(s[1]), store.Restored))
		if row := f.ordered(s[1], ep); row != nil {
			t.Errorf("a delivered one leaves %+v", row)
		}

		// What was owed before the endpoint was ordered waits as it did; over, it goes to the end of the queue.
		e := f.event(ep)
		f.accept(e, f.leased(e))
		plain := f.delivery(e.Key, ep)
		o := f.outcome(plain, store.Retry)
		o.Next = f.clock.Now().Add(time.Hour)
		f.record(o)
		if row, _ := resend(e.Key, hookswitch.DeliveryFailed); row.Kind != hookswitch.DeliverWebhook || !row.Manual {
			t.Errorf("what waits in another manner: %+v", row)
		}
		f.record(f.outcome(f.claim().Deliveries[0], store.Exhausted))
		resend(e.Key, hookswitch.DeliveryFailed)
		f.noDelivery(e.Key, ep)
		f.head(e.Key)
	})
}

func TestAskTries_OfAnOrderedEndpointStandAtTheEndOfItsQueue(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		s := f.queued(ep, 4)
		f.record(f.outcome(f.head(s[0]), store.Done))
		f.record(f.outcome(f.head(s[1]), store.Exhausted))
		e := f.event(ep)
		f.accept(e, f.leased(e))
		f.record(f.outcome(f.delivery(e.Key, ep), store.Exhausted)) // of the time before the endpoint was ordered
		plain := f.event(ep)
		f.accept(plain, f.leased(plain))
		never := f.event()
		f.accept(never, nil)
		task := f.keys.Next()
		ask := func(again bool) (n int) {
			t.Helper()
			f.update(func(tx *store.Tx) (err error) {
				n, err = tx.AskTries(store.TryRequest{Task: task, App: f.app, Endpoint: ep, Ordered: true, Again: again, At: f.clock.Now(),
					Events: []hookswitch.Key{e.Key, s[1], s[2], plain.Key, s[0], never.Key}})
				return err
			})
			return n
		}
		if n := ask(false); n != 3 {
			t.Errorf("%d tries were added, want 3", n)
		}
		if n := ask(false); n != 0 {
			t.Errorf("%d tries were added to those that wait", n)
		}
		if n := ask(true); n != 1 {
			t.Errorf("%d tries were added of what has been delivered, want 1", n)
		}
		if n, err := f.Outstanding(t.Context(), task); err != nil || n != 4 {
			t.Errorf("%d rows of the task, %v", n, err)
		}
		f.record(f.outcome(f.head(s[2]), store.Done))
		f.record(f.outcome(f.head(s[3]), store.Done))
		for _, c := range []struct {
			subject hookswitch.Key
			gone    bool
		}{{e.Key, false}, {s[1], false}, {never.Key, false}, {s[0], true}} {
			d := f.head(c.subject)
			if !d.Manual {
				t.Errorf("%+v is not by hand", d)
			}
			f.record(f.outcome(d, store.Restored))
			if d := f.ordered(c.subject, ep); (d == nil) != c.gone || d != nil && d.State != hookswitch.DeliveryFailed {
				t.Errorf("after its try it is %+v", d)
			}
		}
		if n, err := f.Outstanding(t.Context(), task); err != nil || n != 0 {
			t.Errorf("%d rows of the task, %v", n, err)
		}
		// What somebody cancels is none of the task's any more.
		ask(false)
		f.update(func(tx *store.Tx) error {
			_, err := tx.Cancel(e.Key, ep)
			return err
		})
		if n, err := f.Outstanding(t.Context(), task); err != nil || n != 2 {
			t.Errorf("%d rows of the task, %v", n, err)
		}
		// What the task takes back is what it was before.
		if n := ask(true); n != 3 { // those that were delivered, and the one that was canceled
			t.Errorf("%d tries were added once more, want 3", n)
		}
		for n := 1; n > 0; {
			f.update(func(tx *store.Tx) (err error) {
				n, err = tx.TakeBack(task, 2)
				return err
			})
		}
		f.head(0)
		for _, subject := range []hookswitch.Key{e.Key, s[1], never.Key} {
			if d := f.ordered(subject, ep); d == nil || d.State != hookswitch.DeliveryFailed {
				t.Errorf("taken back: %+v", d)
			}
		}
		if d := f.ordered(s[0], ep); d != nil {
			t.Errorf("a delivered one has the row %+v", d)
		}
	})
}

func TestCancelOrdered_GoesThroughTheQueueFromItsEnd(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint(ordered).Key
		s := f.queued(ep, 10)
		running := f.head(s[0])
		f.update(func(tx *store.Tx) error {
			_, _, err := tx.Resend(store.Delivery{Kind: hookswitch.DeliverOrdered, App: f.app, Subject: 5, Target: ep, NextAt: f.clock.Now(), Restore: hookswitch.DeliveryFailed}, f.clock.Now())
			return err
		})
		upto, below, steps := s[7], int64(0), 0
		for {
			f.update(func(tx *store.Tx) (err error) {
				below, err = tx.CancelOrdered(ep, upto, below, 3)
				return err
			})
			if steps++; below == 0 || steps > 10 {
				break
			}
		}
		if steps < 4 || steps > 5 {
			t.Errorf("%d steps", steps)
		}
		for i, subject := range s {
			want := hookswitch.DeliveryCanceled
			if i == 0 || i > 7 {
				want = hookswitch.DeliveryPending
			}
			if d := f.ordered(subject, ep); d.State != want {
				t.Errorf("event %d is %+v", i, d)
			}
		}
		retry := f.outcome(running, store.Retry)
		retry.Next = f.clock.Now().Add(time.Hour)
		f.record(retry)
		if d := f.ordered(s[0], ep); d.State != hookswitch.DeliveryCanceled {
			t.Errorf("what ran is %+v", d)
		}
		f.record(f.outcome(f.head(s[8]), store.Done))
		f.record(f.outcome(f.head(s[9]), store.Done))
		f.head(5)
	})
}
