package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// newcomers stores people who have just written, and returns their keys.
func (f *fixture) newcomers(t *testing.T, n int) (keys []hookswitch.Key) {
	t.Helper()
	now := f.clock.Now()
	err := f.Update(t.Context(), func(tx *store.Tx) error {
		keys = keys[:0]
		for i := range n {
			c := &hookswitch.Contact{Key: f.keys.Next(), App: f.app, Name: fmt.Sprintf("Zoë Newcomer%d", i), CreatedAt: now, UpdatedAt: now}
			keys = append(keys, c.Key)
			if err := tx.InsertContactSeen(c, hookswitch.SMS, fmt.Sprintf("+2547%08d", int64(c.Key)%100_000_000), now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestFindContacts_FindsWhoHasJustComeAndWhatHasJustChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		people := f.newcomers(t, 2*store.IndexStep+1)
		found := func(text string, want int) {
			t.Helper()
			list, _, err := f.FindContacts(t.Context(), f.app, text, store.Found{}, 1000)
			if err != nil || len(list) != want {
				t.Errorf("%q finds %d, %v; want %d", text, len(list), err, want)
			}
		}
		found("zoe", len(people))
		found("newcomer7 zoe", 1)
		if n, err := f.Int(t.Context(), `SELECT COUNT(*) FROM contacts_to_index`); err != nil || n != 0 {
			t.Errorf("%d still wait to be indexed, %v", n, err)
		}
		err := f.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.SeeContact(f.app, people[0], hookswitch.SMS, "", "Anna", f.clock.Now()); err != nil {
				return err
			}
			return tx.DeleteContact(f.app, people[1])
		})
		if err != nil {
			t.Fatal(err)
		}
		found("zoe", len(people)-2)
		found("anna", 1)
	})
}

func TestIndex_WaitsForTheEndOfABurstButNotForever(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		due := func(when string, want bool) {
			t.Helper()
			got, err := f.IndexDue(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
			// The store's own loop may have been there meanwhile.
			if n, err := f.Int(t.Context(), `SELECT COUNT(*) FROM contacts_to_index`); !want || err != nil || n > 0 {
				t.Errorf("%s: due %t with %d that wait, %v; want %t", when, got, n, err, want)
			}
		}
		due("nobody has come", false)
		f.newcomers(t, store.IndexBurst+1)
		due("in a burst", false)
		f.clock.Advance(2 * time.Second)
		due("after it", true)
		for waited := time.Duration(0); waited < store.IndexPatience; waited += time.Second / 2 {
			f.newcomers(t, store.IndexBurst)
			f.clock.Advance(time.Second / 2)
		}
		due("in a burst that does not end", true)
	})
}

// Nothing is left of whoever is deleted before they are indexed, nor of what is to be indexed.
func TestIndex_LeavesNothingOfTheDeleted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		for range 5 {
			who := f.newcomers(t, 1)[0]
			done := make(chan error, 1)
			go func() {
				_, err := f.IndexSome(t.Context())
				done <- err
			}()
			if err := f.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteContact(f.app, who) }); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"contacts_to_index", "contact_terms"} {
				if n, err := f.Int(t.Context(), `SELECT COUNT(*) FROM `+table+` WHERE contact_id = $1`, int64(who)); err != nil || n != 0 {
					t.Fatalf("%d rows of %s are left, %v", n, table, err)
				}
			}
		}
	})
}

// The burst of another App keeps nobody from being found.
func TestFindContacts_FindsWhoHasJustComeInTheBurstOfAnotherApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		f.newcomers(t, store.SearchIndexes+1)
		f.app = f.newApp()
		f.newcomers(t, 1)
		if list, _, err := f.FindContacts(t.Context(), f.app, "zoe", store.Found{}, 10); err != nil || len(list) != 1 {
			t.Errorf("%d found, %v", len(list), err)
		}
	})
}

// Whoever is changed while they are indexed is indexed again.
func TestIndex_LosesNoChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		who := f.newcomers(t, 1)[0]
		for i := range 20 {
			name := fmt.Sprintf("Name%d", i)
			done := make(chan error, 1)
			go func() {
				_, err := f.IndexSome(t.Context())
				done <- err
			}()
			err := f.Update(t.Context(), func(tx *store.Tx) error {
				return tx.SeeContact(f.app, who, hookswitch.SMS, "", name, f.clock.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if list, _, err := f.FindContacts(t.Context(), f.app, name, store.Found{}, 10); err != nil || len(list) != 1 {
				t.Fatalf("%s finds %d, %v", name, len(list), err)
			}
		}
	})
}
