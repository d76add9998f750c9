package widget

import (
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

const (
	// perVisitor is how many tabs of one visitor wait for answers at a time. One more ends the oldest, whose connection may have died unnoticed.
	perVisitor = 4
	// perAddress is how many streams there may be to one address, behind which there may be many people.
	perAddress = 100
)

// streams are the open streams of this node.
type streams struct {
	most int

	mu        sync.Mutex
	open      int
	visitors  map[string][]*place
	addresses map[string]int
}

// place is one open stream.
type place struct {
	visitor, address string
	replaced         chan struct{} // closed when another one takes the place
}

func newStreams(most int) *streams {
	return &streams{most: most, visitors: make(map[string][]*place), addresses: make(map[string]int)}
}

// enter takes a place, which leave gives back.
func (s *streams) enter(visitor, address string) (*place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &place{visitor: visitor, address: address, replaced: make(chan struct{})}
	switch mine := s.visitors[visitor]; {
	case len(mine) >= perVisitor:
		close(mine[0].replaced)
		s.remove(mine[0])
	case s.addresses[address] >= perAddress:
		return nil, &hookswitch.Error{Kind: hookswitch.RateLimited, Code: "too_many_streams", Message: "Too many chats are open behind this address.", RetryAfter: time.Minute}
	case s.open >= s.most:
		return nil, &hookswitch.Error{Kind: hookswitch.Unavailable, Code: "too_many_streams", Message: "Too many chats are open; try again shortly.", RetryAfter: 15 * time.Second}
	}
	s.visitors[visitor] = append(s.visitors[visitor], p)
	s.addresses[address]++
	s.open++
	return p, nil
}

func (s *streams) leave(p *place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(p)
}

func (s *streams) remove(p *place) {
	mine := s.visitors[p.visitor]
	for i, other := range mine {
		if other != p {
			continue
		}
		s.open--
		if s.addresses[p.address]--; s.addresses[p.address] == 0 {
			delete(s.addresses, p.address)
		}
		if len(mine) == 1 {
			delete(s.visitors, p.visitor)
		} else {
			s.visitors[p.visitor] = append(mine[:i:i], mine[i+1:]...)
		}
		return
	}
}
