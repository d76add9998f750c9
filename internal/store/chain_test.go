package store_test

import (
	"fmt"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestActivities_AtTheSameTimeMakeOneChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		const n = 20
		failed := make(chan error, n)
		for i := range n {
			go func() {
				failed <- s.Update(t.Context(), func(tx *store.Tx) error {
					return tx.InsertActivity(&hookswitch.Activity{Key: hookswitch.Key(1000 + i), App: 7, Actor: hookswitch.Actor{Kind: hookswitch.ActorAPI}, Action: hookswitch.DidCreateEndpoint, Name: fmt.Sprint(i)})
				})
			}()
		}
		for range n {
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.CheckedEntries(t.Context(), 7, 0, 100)
		if err != nil || len(list) != n {
			t.Fatalf("%d entries, %v", len(list), err)
		}
		var previous []byte
		for i, e := range list {
			if e.Number != int64(i+1) || !e.Fits || string(e.Previous) != string(previous) {
				t.Errorf("entry %d: number %d, fits %v, previous %x, want %x", i+1, e.Number, e.Fits, e.Previous, previous)
			}
			previous = e.Hash
		}
		if c, err := s.Chain(t.Context(), 7); err != nil || c.Number != n || string(c.Hash) != string(previous) {
			t.Errorf("the chain ends with %+v, %v", c, err)
		}
	})
}
