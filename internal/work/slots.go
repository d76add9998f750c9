package work

import (
	"sync"
	"sync/atomic"
)

// The places in the line for a slot: lanes without any worker come before lanes that want another.
const (
	firstWorker = iota
	moreWorkers
)

// slots is the limit on runs at once over all lanes. A worker holds a slot while it serves a lane. When slots run short,
// lanes stand in line, once each, and busy workers step back behind them after each run. An eighth is kept for
// lanes that have no worker yet, so that a few slow lanes cannot shut the others out.
type slots struct {
	total int64
	spare int64
	used  atomic.Int64
	lined [2]atomic.Int64 // lengths of the lines, to be looked at without the lock

	mu    sync.Mutex // taken after a lane's
	lines [2][]*lane
}

func newSlots(total int) slots {
	return slots{total: int64(total), spare: int64(total / 8)}
}

// take takes a free slot.
func (s *slots) take(place int) bool {
	most := s.total
	if place == moreWorkers {
		most -= s.spare
	}
	for {
		used := s.used.Load()
		if used >= most {
			return false
		}
		if s.used.CompareAndSwap(used, used+1) {
			return true
		}
	}
}

// line puts the lane, which is locked, at the end of the line, if it does not stand there yet. Somebody must call grant afterwards.
func (s *slots) line(l *lane, place int) {
	if l.inLine[place] {
		return
	}
	l.inLine[place] = true
	s.mu.Lock()
	s.lines[place] = append(s.lines[place], l)
	s.lined[place].Add(1)
	s.mu.Unlock()
}

// next takes a slot for the lane that is first in line and returns it, or nil when there is no slot or no line.
func (s *slots) next() (*lane, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for place := range s.lines {
		line := s.lines[place]
		if len(line) == 0 || !s.take(place) {
			continue
		}
		l := line[0]
		line[0] = nil
		s.lines[place] = line[1:]
		if len(line) == 1 {
			s.lines[place] = nil
		}
		s.lined[place].Add(-1)
		return l, place
	}
	return nil, 0
}

// short says whether a worker should step back from a lane with so many workers, itself included.
func (s *slots) short(workers int) bool {
	return s.lined[firstWorker].Load() > 0 || workers > 1 && s.lined[moreWorkers].Load() > 0
}

func (s *slots) waiting() bool {
	return s.lined[firstWorker].Load() > 0 || s.lined[moreWorkers].Load() > 0
}
