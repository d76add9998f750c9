package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// modelRow is what the model knows of one delivery.
type modelRow struct {
	subject, target hookswitch.Key
	there           bool
	state           hookswitch.DeliveryState
	leased          bool
	next            time.Time
	tries           int
	claim           int64
	manual          bool
	restore         hookswitch.DeliveryState
	due             time.Time
	attempts        int
}

func (r *modelRow) String() string {
	if !r.there {
		return fmt.Sprintf("%d: none, %d attempts", r.subject, r.attempts)
	}
	return fmt.Sprintf("%d: %v, leased %v, next %d, %d tries, claim %d, manual %v, %d attempts", r.subject, r.state, r.leased, r.next.UnixMilli(), r.tries, r.claim, r.manual, r.attempts)
}

// run is a try that has not been settled, as an engine holds it: late ones stay in the list until their outcome comes.
type run struct {
	row   *modelRow
	claim int64
}

// apply is what an outcome has to do.
func (r *modelRow) apply(u run, v store.Verdict, next time.Time) {
	r.attempts++
	if !r.there || v != store.Done && r.claim != u.claim {
		return
	}
	switch v {
	case store.Done:
		r.there = false
	case store.Retry:
		if r.state == hookswitch.DeliveryPending && r.leased {
			r.leased, r.next, r.manual = false, next, false
			r.tries++
		}
	case store.Postponed:
		if r.state == hookswitch.DeliveryPending && r.leased {
			r.leased, r.next = false, next
		}
	case store.Exhausted, store.Canceled:
		if r.state == hookswitch.DeliveryPending {
			r.leased, r.next, r.manual, r.state = false, time.Time{}, false, hookswitch.DeliveryCanceled
			if v == store.Exhausted {
				r.state = hookswitch.DeliveryFailed
				r.tries++
			}
		}
	case store.Restored:
		if r.restore == hookswitch.DeliveryDelivered {
			r.there = false
			return
		}
		r.leased, r.state, r.next, r.manual = false, r.restore, r.due, false
	}
}

func TestStore_BehavesAsItsModel(t *testing.T) {
	t.Parallel()
	shared := newFixture(t, storetest.SQLite(t))
	rapid.Check(t, func(rt *rapid.T) {
		f, endpoint := shared, shared.newEndpoint().Key
		if _, err := f.Exec(t.Context(), `DELETE FROM deliveries`); err != nil {
			rt.Fatal(err)
		}
		var rows []*modelRow
		var running []run
		pick := func() *modelRow {
			if len(rows) == 0 {
				rt.Skip("nothing has been accepted")
			}
			return rapid.SampledFrom(rows).Draw(rt, "row")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"accept": func(rt *rapid.T) {
				e := f.event(endpoint)
				r := &modelRow{subject: e.Key, target: endpoint, there: true, next: f.clock.Now()}
				d := f.waiting(e)
				if rapid.Bool().Draw(rt, "leased") {
					d = f.leased(e)
					r.leased, r.claim, r.next = true, 1, d[0].NextAt
					running = append(running, run{r, 1})
				}
				f.accept(e, d)
				rows = append(rows, r)
			},
			"claim": func(rt *rapid.T) {
				limit := rapid.IntRange(1, 4).Draw(rt, "max")
				got := f.claim(func(q *store.ClaimRequest) { q.Max = limit })
				due := 0
				for _, r := range rows {
					if r.there && !r.leased && r.state == hookswitch.DeliveryPending && !r.next.After(f.clock.Now()) {
						due++
					}
				}
				if want := min(due, limit); len(got.Deliveries) != want {
					rt.Fatalf("claimed %d of %d due, want %d", len(got.Deliveries), due, want)
				}
				for _, d := range got.Deliveries {
					r := rows[slices.IndexFunc(rows, func(r *modelRow) bool { return r.subject == d.Subject })]
					r.leased, r.next = true, f.clock.Now().Add(time.Minute)
					r.claim++
					running = append(running, run{r, r.claim})
				}
			},
			"outcome": func(rt *rapid.T) {
				if len(running) == 0 {
					rt.Skip("nothing runs")
				}
				i := rapid.IntRange(0, len(running)-1).Draw(rt, "run")
				u := running[i]
				running = slices.Delete(running, i, i+1)
				v := rapid.SampledFrom([]store.Verdict{store.Done, store.Retry, store.Exhausted, store.Postponed, store.Canceled}).Draw(rt, "verdict")
				if u.row.manual && u.row.claim == u.claim && v != store.Done {
					v = store.Restored
				}
				next := f.clock.Now().Add(time.Duration(rapid.IntRange(0, 90).Draw(rt, "wait")) * time.Second)
				o := f.outcome(store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: u.row.subject, Target: u.row.target, Claim: u.claim}, v)
				o.Next = next
				if rapid.Bool().Draw(rt, "with consequences") {
					f.update(func(tx *store.Tx) error {
						_, err := tx.Record(o, f.clock.Now())
						return err
					})
				} else {
					f.record(o)
				}
				u.row.apply(u, v, next)
			},
			"resend": func(rt *rapid.T) {
				r := pick()
				var inFlight bool
				f.update(func(tx *store.Tx) (err error) {
					_, inFlight, err = tx.Resend(store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: r.subject, Target: r.target, NextAt: f.clock.Now(),
						Restore: hookswitch.DeliveryDelivered}, f.clock.Now())
					return err
				})
				if want := r.there && (r.leased || r.manual); inFlight != want {
					rt.Fatalf("resend of %v: in flight %v, want %v", r, inFlight, want)
				}
				switch {
				case inFlight:
				case r.there:
					r.restore, r.due = r.state, r.next
					r.state, r.manual, r.next = hookswitch.DeliveryPending, true, f.clock.Now()
				default:
					*r = modelRow{subject: r.subject, target: r.target, there: true, next: f.clock.Now(), claim: f.clock.Now().UnixMilli(), manual: true, restore: hookswitch.DeliveryDelivered, attempts: r.attempts}
				}
			},
			"wait": func(rt *rapid.T) {
				f.clock.Advance(time.Duration(rapid.IntRange(1, 80).Draw(rt, "seconds")) * time.Second)
			},
			"reclaim": func(rt *rapid.T) {
				want := 0
				for _, r := range rows {
					if r.there && r.leased && r.next.Before(f.clock.Now()) {
						r.leased, r.next = false, f.clock.Now()
						want++
					}
				}
				if n, err := f.Reclaim(t.Context(), f.clock.Now()); n != want || err != nil {
					rt.Fatalf("reclaimed %d, %v, want %d", n, err, want)
				}
			},
			"": func(rt *rapid.T) {
				stored, err := f.AllDeliveries(t.Context())
				if err != nil {
					rt.Fatal(err)
				}
				attempts, err := f.AttemptsByEndpoint(t.Context(), f.app, endpoint, store.AttemptFilter{}, store.Page{Limit: 10_000})
				if err != nil {
					rt.Fatal(err)
				}
				tried := make(map[hookswitch.Key]int)
				for _, a := range attempts {
					tried[a.Event]++
				}
				for _, r := range rows {
					got := &modelRow{subject: r.subject, target: r.target, attempts: tried[r.subject]}
					if d, ok := stored[r.subject]; ok {
						got.there, got.state, got.leased, got.next, got.tries, got.claim, got.manual = true, d.State, d.Owner != 0, d.NextAt, d.Tries, d.Claim, d.Manual
					}
					if got.String() != r.String() {
						rt.Fatalf("got  %v\nwant %v", got, r)
					}
				}
			},
		})
	})
}
