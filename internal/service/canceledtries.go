package service

import (
	"sync"
	"sync/atomic"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// canceledTries are tries that a node has taken up and that were canceled since, by the numbers of their claims. They are kept by the node that was asked.
type canceledTries struct {
	some atomic.Bool // spares most tries the lock
	mu   sync.Mutex
	by   map[owedEvent]int64
}

// owedEvent is an event that is owed to an endpoint.
type owedEvent struct{ event, endpoint hookswitch.Key }

// canceledLimit is how many are remembered. Beyond it all are forgotten: they are tried once more at most.
const canceledLimit = 10000

func (c *canceledTries) note(row *store.Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil || len(c.by) >= canceledLimit {
		c.by = make(map[owedEvent]int64)
	}
	c.by[owedEvent{row.Subject, row.Target}] = row.Claim
	c.some.Store(true)
}

// take forgets an event that is owed to an endpoint, and returns the claim of it that was canceled. ok is false where none was.
func (c *canceledTries) take(event, endpoint hookswitch.Key) (claim int64, ok bool) {
	if !c.some.Load() {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := owedEvent{event, endpoint}
	claim, ok = c.by[key]
	delete(c.by, key)
	c.some.Store(len(c.by) > 0)
	return claim, ok
}

// Canceled reports whether a try, which is about to begin, was canceled since this node has taken it up. It says so once.
func (s *Service) Canceled(o *store.Outcome) bool {
	claim, ok := s.canceled.take(o.Subject, o.Target)
	return ok && claim == o.Claim
}
