package store_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// crowded fills the queue with n rows of a target that owner holds, or that wait where owner is 0.
func (f *fixture) crowded(target hookswitch.Key, owner, n int) {
	f.t.Helper()
	if _, err := f.Exec(f.t.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
		INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
		SELECT CAST($2 AS BIGINT) + i, CAST($2 AS BIGINT), 1, $3, 0, $4, CAST($5 AS BIGINT) + i, 1, 1, FALSE, 0, 0, 0 FROM n`,
		n, int64(target), int64(f.app), owner, f.clock.Now().Add(time.Hour).UnixMilli()); err != nil {
		f.t.Fatal(err)
	}
}

// benchmarkCrowded times run while few rows are in its way, and while many are: the two should cost the same.
func benchmarkCrowded(b *testing.B, prepare func(f *fixture) (crowd func(), run func(b *testing.B))) {
	for name, open := range map[string]func(testing.TB) *storetest.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			crowd, run := prepare(newFixture(b, open(b)))
			timed := func(b *testing.B) {
				for b.Loop() {
					run(b)
				}
			}
			b.Run("few", timed)
			crowd()
			b.Run("many", timed)
		})
	}
}

// BenchmarkClaimDue_Crowded claims what an ordered target is owed, beside what nodes hold.
func BenchmarkClaimDue_Crowded(b *testing.B) {
	benchmarkCrowded(b, func(f *fixture) (func(), func(b *testing.B)) {
		crowd := func() { f.crowded(f.newEndpoint().Key, f.Node().Number, 40_000) }
		return crowd, func(b *testing.B) {
			e := f.event(f.keys.Next())
			d := f.waiting(e)
			d[0].Kind = hookswitch.DeliverMessage
			f.accept(e, d)
			got := f.claim(func(r *store.ClaimRequest) { r.Kind, r.Ordered = hookswitch.DeliverMessage, true })
			if len(got.Deliveries) != 1 {
				b.Fatalf("claimed %+v", got)
			}
		}
	})
}

// BenchmarkHousekeep_Crowded keeps house beside what waits for an endpoint that was disabled once, and is enabled again.
func BenchmarkHousekeep_Crowded(b *testing.B) {
	benchmarkCrowded(b, func(f *fixture) (func(), func(b *testing.B)) {
		disabledOnce := func() hookswitch.Key {
			ep := f.newEndpoint().Key
			f.update(func(tx *store.Tx) error { return tx.CancelUpto(f.app, ep, ep-1) })
			return ep
		}
		f.crowded(disabledOnce(), 0, 1_000)
		crowd := func() { f.crowded(disabledOnce(), 0, 40_000) }
		return crowd, func(b *testing.B) {
			if res, err := f.Housekeep(b.Context(), store.HousekeepOptions{}); err != nil || res.Ended != 0 {
				b.Fatal(res, err)
			}
		}
	})
}
