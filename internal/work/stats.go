package work

import "time"

// Stats is the engine at a glance.
type Stats struct {
	Slots   int // runs at once allowed over all lanes
	Serving int // of them taken by workers
	Resting int // workers kept for the next lane
	Queued  int // room taken of the queue bounds, reserved slots included
	Kinds   map[Kind]KindStats
}

// KindStats sums up the lanes of one kind that are in memory.
type KindStats struct {
	Lanes   int
	Failing int // lanes down to one probe
	Running int
	Queued  int
	Limit   int // runs at once allowed to these lanes together
}

// LaneStats is one lane in memory.
type LaneStats struct {
	Limit   int // runs at once allowed on this node
	Running int
	Queued  int
	Failing bool
	Backlog bool          // more due work is thought to wait in the store
	Latency time.Duration // smoothed
	Rate    float64       // starts a second allowed on this node; 0: no limit
}

// Stats walks over all lanes in memory; it is meant for a scrape, not for each item.
func (e *Engine) Stats() Stats {
	s := Stats{Resting: int(e.resting.Load()), Kinds: make(map[Kind]KindStats)}
	for _, p := range e.pools {
		s.Slots += int(p.slots.total)
		s.Serving += int(p.slots.used.Load())
		s.Queued += int(p.queued.Load())
	}
	for _, k := range e.kinds {
		if k != nil {
			s.Kinds[k.id] = KindStats{}
		}
	}
	e.lanes.each(func(l *lane) {
		ks := s.Kinds[l.key.Kind]
		ks.Lanes++
		if l.limit.failing() {
			ks.Failing++
		}
		ks.Running += l.running
		ks.Queued += l.queue.len()
		ks.Limit += l.allowed()
		s.Kinds[l.key.Kind] = ks
	})
	return s
}

// LaneStats returns the state of a lane; false if it is not in memory, which is how every idle lane ends up.
func (e *Engine) LaneStats(key Lane) (LaneStats, bool) {
	l := e.lanes.find(key)
	if l == nil {
		return LaneStats{}, false
	}
	defer l.mu.Unlock()
	return LaneStats{
		Limit:   l.allowed(),
		Running: l.running,
		Queued:  l.queue.len(),
		Failing: l.limit.failing(),
		Backlog: l.backlog,
		Latency: l.limit.latency,
		Rate:    l.pace.rate,
	}, true
}
