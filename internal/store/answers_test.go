package store_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func (f *fixture) keepAnswer(o store.Once, a store.Answer) (first store.Answer) {
	f.t.Helper()
	f.update(func(tx *store.Tx) (err error) {
		first, err = tx.KeepAnswer(o, a, f.clock.Now())
		return err
	})
	return first
}

func TestAnswers_TheFirstStays(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		o, other := store.OnceOf(store.Life12Hours, 0, "a"), store.OnceOf(store.Life12Hours, 0, "b")
		_, err := f.Answer(t.Context(), o, f.clock.Now())
		wantKind(t, err, hookswitch.NotFound)
		for i := range 3 {
			if i == 2 {
				f.clock.Advance(12 * time.Hour) // the next bucket
			}
			if a := f.keepAnswer(o, store.Answer{Status: 201 + i, Content: fmt.Appendf(nil, "answer %d\x00\xff", i)}); a.Status != 201 || string(a.Content) != "answer 0\x00\xff" {
				t.Errorf("answer %d: got %d %q", i, a.Status, a.Content)
			}
		}
		if a, err := f.Answer(t.Context(), o, f.clock.Now()); err != nil || a.Status != 201 {
			t.Errorf("got %+v, %v", a, err)
		}
		_, err = f.Answer(t.Context(), other, f.clock.Now())
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestAnswers_AreForgottenAfterTheirLife(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		short, long := store.OnceOf(store.Life10Minutes, 0, "a"), store.OnceOf(store.Life12Hours, 0, "a")
		f.keepAnswer(short, store.Answer{Status: 200})
		f.keepAnswer(long, store.Answer{Status: 200})
		for _, c := range []struct {
			after       time.Duration
			short, long bool
		}{{0, true, true}, {10*time.Minute - time.Millisecond, true, true}, {20 * time.Minute, false, true}, {11 * time.Hour, false, true}, {25 * time.Hour, false, false}} {
			f.clock.Advance(c.after)
			if _, err := f.Housekeep(t.Context(), store.HousekeepOptions{}); err != nil {
				t.Fatal(err)
			}
			for o, want := range map[store.Once]bool{short: c.short, long: c.long} {
				if _, err := f.Answer(t.Context(), o, f.clock.Now()); (err == nil) != want {
					t.Errorf("life %d, %v later: %v", o.Life, c.after, err)
				}
			}
		}
		if n, err := f.Int(t.Context(), `SELECT COUNT(*) FROM answers`); err != nil || n != 0 {
			t.Errorf("%d rows are left, %v", n, err)
		}
	})
}

func TestAnswers_CannotBeReadInTheDatabase(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		o, other := store.OnceOf(store.Life12Hours, 0, "a"), store.OnceOf(store.Life12Hours, 0, "b")
		f.keepAnswer(o, store.Answer{Status: 201, Content: []byte(`{"key":"whsec_canary"}`)})
		f.keepAnswer(other, store.Answer{Status: 201})
		sealed, err := f.SealedAnswer(t.Context(), o)
		if err != nil || len(sealed) == 0 || bytes.Contains(sealed, []byte("canary")) {
			t.Fatalf("got %q, %v", sealed, err)
		}
		// A record belongs to its request: moved to another one's row it does not open.
		if _, err := f.Exec(t.Context(), `UPDATE answers SET sealed = $2 WHERE hash = $1`, other.Hash[:], sealed); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Answer(t.Context(), other, f.clock.Now()); err == nil {
			t.Error("a record opens in another row")
		}
	})
}

func TestAnswers_OfTwoNodesAtOnceAreOne(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	a, b := db.Open(), db.Open(db.OtherNode)
	for round := range 20 {
		o := store.OnceOf(store.Life12Hours, 0, fmt.Sprint(round))
		var got [8]store.Answer
		var wg sync.WaitGroup
		for i := range got {
			st := []*store.Store{a, b}[i%2]
			wg.Go(func() {
				if err := st.Update(context.Background(), func(tx *store.Tx) (err error) {
					got[i], err = tx.KeepAnswer(o, store.Answer{Status: 200 + i}, time.Now())
					return err
				}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range got {
			if got[i].Status != got[0].Status {
				t.Fatalf("round %d: %+v", round, got)
			}
		}
	}
}
