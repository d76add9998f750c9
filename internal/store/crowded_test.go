package store_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
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

// best is how long the quickest of some runs takes: what else runs on the machine only makes it longer.
func best(run func()) time.Duration {
	quickest := time.Hour
	for range 10 {
		start := time.Now()
		run()
		quickest = min(quickest, time.Since(start))
	}
	return quickest
}

func TestClaimDue_WhatNodesHoldDoesNotSlowOrderedTargetsDown(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		claim := func() {
			e := f.event(f.keys.Next())
			d := f.waiting(e)
			d[0].Kind = hookswitch.DeliverMessage
			f.accept(e, d)
			got := f.claim(func(r *store.ClaimRequest) { r.Kind, r.Ordered = hookswitch.DeliverMessage, true })
			if len(got.Deliveries) != 1 {
				t.Fatalf("claimed %+v", got)
			}
		}
		alone := best(claim)
		f.crowded(f.newEndpoint().Key, f.Node().Number, 40_000)
		if took := best(claim); took > 6*alone {
			t.Errorf("a claim takes %v, and %v where nodes hold nothing", took, alone)
		}
	})
}

func TestHousekeep_WhatWaitsForAnEnabledEndpointDoesNotSlowItDown(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		disabledOnce := func() hookswitch.Key {
			ep := f.newEndpoint().Key
			f.update(func(tx *store.Tx) error { return tx.CancelUpto(f.app, ep, ep-1) })
			return ep
		}
		housekeep := func() {
			if res, err := f.Housekeep(t.Context(), store.HousekeepOptions{}); err != nil || res.Ended != 0 {
				t.Fatal(res, err)
			}
		}
		f.crowded(disabledOnce(), 0, 1_000)
		few := best(housekeep)
		f.crowded(disabledOnce(), 0, 40_000)
		if took := best(housekeep); took > 6*few {
			t.Errorf("it takes %v, and %v where few wait", took, few)
		}
	})
}
