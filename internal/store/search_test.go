package store_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestSearchEvents_GoesOnForAsLongAsItsPageSays(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var events []*hookswitch.Event
		for range 1200 {
			events = append(events, f.event())
		}
		events[0].Type = "order.sought"
		f.update(func(tx *store.Tx) error { return tx.Append(events, nil) })
		search := func(p store.Page) (int, hookswitch.Key) {
			t.Helper()
			p.Limit = 10
			list, stopped, err := f.SearchEvents(t.Context(), f.app, store.Search{Types: []string{"order.sought"}}, p)
			if err != nil {
				t.Fatal(err)
			}
			return len(list), stopped
		}
		n, stopped := search(store.Page{Within: 1})
		if n != 0 || stopped == 0 || stopped <= events[0].Key {
			t.Errorf("without time: found %d and stopped at %d, want none, and before the oldest %d", n, stopped, events[0].Key)
		}
		steps := 1
		for n == 0 && stopped != 0 && steps < 100 {
			n, stopped = search(store.Page{Before: stopped, Within: 1})
			steps++
		}
		if n != 1 || steps < 3 {
			t.Errorf("going on: found %d after %d searches, want one after several", n, steps)
		}
		if n, stopped := search(store.Page{Within: time.Hour}); n != 1 || stopped != 0 {
			t.Errorf("with time: found %d and stopped at %d, want one, and the end", n, stopped)
		}
	})
}
