package store_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// What is read with each message must not be looked for among all people of a channel, also while the database knows nothing yet about how many there are.
func TestOptedOut_GoesByThePerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		plan, err := f.Plan(t.Context(), store.SelectOptedOut, int64(f.app), int64(1), "sms")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, "identifiers_by_contact") {
			t.Errorf("the plan is\n%s", plan)
		}
	})
}

// A list of channels would make PostgreSQL go through all that an App knows people by.
func TestContactWithPhone_GoesByTheNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		plan, err := f.Plan(t.Context(), store.SelectByPhone, int64(f.app), "+254700000001")
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(plan, "channel = ") + strings.Count(plan, "channel=? AND value=?"); n != 4 || strings.Contains(plan, "Filter") {
			t.Errorf("%d steps into the index; the plan is\n%s", n, plan)
		}
	})
}

// Each head is looked up by its key: joined with all that waits, a claim would take longer with each delivery.
func TestClaimDue_LooksUpTheHeadsByTheirKeys(t *testing.T) {
	f := newFixture(t, storetest.Postgres(t))
	plan, err := f.Plan(t.Context(), store.ClaimHeads, []int64{1, 2, 3}, 3, int64(1), 10, int64(1), int64(2))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plan, "Join Filter") {
		t.Errorf("the plan is\n%s", plan)
	}
}
