package service

import (
	"sync/atomic"

	"github.com/hookswitch/hookswitch/internal/store"
)

// Counts are what has happened since the start, for metrics.
type Counts struct {
	Accepted  atomic.Int64 // events made
	Succeeded atomic.Int64 // attempts
	Failed    atomic.Int64
	Received  atomic.Int64 // messages
	Duplicate atomic.Int64 // facts that providers told again
	Stray     atomic.Int64 // genuine and kept aside
	Sent      atomic.Int64 // messages that providers accepted
	SendError atomic.Int64
	Disabled  atomic.Int64 // endpoints, by the rules
}

func (c *Counts) attempt(o *store.Outcome) {
	switch {
	case o.Attempt == nil:
	case o.Attempt.OK:
		c.Succeeded.Add(1)
	default:
		c.Failed.Add(1)
	}
}

// Counts are what has happened since the start.
func (s *Service) Counts() *Counts { return &s.counts }
