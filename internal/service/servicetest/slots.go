package servicetest

import (
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Slots stands in for an engine: it has places while Free, counts them, and runs nothing.
type Slots struct {
	mu       sync.Mutex
	free     bool
	reserved int
	started  []work.Item
	woken    map[work.Kind]int
}

var _ service.Engine = (*Slots)(nil)

// Free makes the engine have places, or none.
func (s *Slots) Free(free bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = free
}

// Reserve takes a place.
func (s *Slots) Reserve(work.Lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free {
		s.reserved++
	}
	return s.free
}

// Unreserve gives a place back.
func (s *Slots) Unreserve(work.Lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved--
}

// Start notes the items.
func (s *Slots) Start(items ...work.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved -= len(items)
	s.started = append(s.started, items...)
}

// Wake counts the calls.
func (s *Slots) Wake(kind work.Kind, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.woken == nil {
		s.woken = make(map[work.Kind]int)
	}
	s.woken[kind]++
}

// Hold does nothing.
func (s *Slots) Hold(bool) {}

// LeaseUntil is a lease of two minutes.
func (s *Slots) LeaseUntil(_ work.Kind, now time.Time) time.Time { return now.Add(2 * time.Minute) }

// Reserved is how many places are taken and neither used nor given back.
func (s *Slots) Reserved() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reserved
}

// Started are the items that were started so far.
func (s *Slots) Started() []work.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]work.Item(nil), s.started...)
}

// Woken is how often the engine was told of work of the kind that waits.
func (s *Slots) Woken(kind work.Kind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.woken[kind]
}
