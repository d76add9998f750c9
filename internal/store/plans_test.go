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
