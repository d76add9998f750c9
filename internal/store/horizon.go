package store

import (
	"context"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Readers that walk forward over events must not pass a key that is yet to be committed: they would never see it. A key is made before its event is
// committed, at most maxKeyAge before its transaction begins, and Horizon stays behind that and behind every transaction under way, those of other nodes
// included where the database tells of them.

// otherNodes is how far a reader stays behind on PostgreSQL, for the commits of other nodes and the difference of their clocks.
const otherNodes = 2 * time.Second

// flights are the transactions under way, each with the oldest key that it may bring.
type flights struct {
	mu     sync.Mutex
	next   int
	oldest map[int]hookswitch.Key
}

// begin notes a transaction that may bring keys from oldest on. It has to be called before the age of its keys is looked at, and end when it is over.
func (f *flights) begin(oldest hookswitch.Key) (end func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.oldest == nil {
		f.oldest = make(map[int]hookswitch.Key)
	}
	f.next++
	n := f.next
	f.oldest[n] = oldest
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.oldest, n)
	}
}

// bound is key, or the oldest that is under way.
func (f *flights) bound(key hookswitch.Key) hookswitch.Key {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.oldest {
		key = min(key, k)
	}
	return key
}

// Horizon is the key below which no event will appear any more: the start of a millisecond.
func (s *Store) Horizon(ctx context.Context) hookswitch.Key {
	// The clock is read before the transactions under way are: what begins later has younger keys.
	now, d := s.now(), s.backend.dialect()
	lag := d.lag
	if d.oldest != nil {
		lag = max(lag, d.oldest(ctx, s.q)+maxKeyAge)
	}
	key := hookswitch.KeyAt(now.Add(-lag))
	return hookswitch.KeyAt(s.flights.bound(key).Time())
}

// oldestKey is the oldest key that b may bring. Its updates make theirs from now on.
func (b *batch) oldestKey(now time.Time) hookswitch.Key {
	key := hookswitch.KeyAt(now)
	for _, a := range b.accepts {
		for _, e := range a.Events {
			key = min(key, e.Key)
		}
	}
	return key
}
