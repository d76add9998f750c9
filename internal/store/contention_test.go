package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/store"
)

// A person who sends many messages at once makes as many transactions that read a conversation and change it. They all come through.
func TestUpdate_ManyAtOnceOnOneRowAllSucceed(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		const workers, each = 50, 4
		b := store.Bin{Token: "tok", CreatedAt: f.clock.Now(), ExpiresAt: f.clock.Now()}
		f.update(func(tx *store.Tx) error { return tx.PutBin(&b) })
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					err := f.Update(context.Background(), func(tx *store.Tx) error {
						b, err := tx.Bin(tx.Context(), "tok")
						for range 20 { // as much as a push reads
							if err == nil {
								_, err = tx.Bin(tx.Context(), "tok")
							}
						}
						if err != nil {
							return err
						}
						b.ExpiresAt = b.ExpiresAt.Add(time.Second)
						return tx.PutBin(b)
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got, err := f.Bin(t.Context(), "tok")
		if err != nil || got.ExpiresAt.Sub(b.ExpiresAt) != workers*each*time.Second {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}
