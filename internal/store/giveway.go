package store

import (
	"context"
	"slices"
	"sync"
)

// giveWay lets transactions that nobody waits for run beside those that somebody does: at most limit of them, one less for each of the others under way, and
// always one.
type giveWay struct {
	mu      sync.Mutex
	limit   int
	ahead   int // transactions that somebody waits for
	running int
	waiting []chan struct{} // closed when it is their turn; the first came first
}

func newGiveWay(limit int) *giveWay { return &giveWay{limit: limit} }

// begin counts a transaction that somebody waits for until end.
func (g *giveWay) begin() (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ahead++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.ahead--
		g.admit()
	}
}

// enter waits for a transaction's turn, which lasts until leave.
func (g *giveWay) enter(ctx context.Context) (leave func(), err error) {
	turn := make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, turn)
	g.admit()
	g.mu.Unlock()
	select {
	case <-turn:
		return g.leave, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, turn); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		return nil, ctx.Err()
	}
	return g.leave, nil // its turn came just then
}

func (g *giveWay) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.admit()
}

func (g *giveWay) admit() {
	for len(g.waiting) > 0 && g.running < max(1, g.limit-g.ahead) {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.running++
	}
}
