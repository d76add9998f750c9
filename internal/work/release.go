package work

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const releaseBatch = 512

// returns are items on their way back to the store.
type returns struct {
	bell chan struct{}

	mu     sync.Mutex
	items  []Item
	closed bool
}

func (b *returns) add(items []Item, most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.items = append(b.items, items...)
	if over := len(b.items) - most; over > 0 { // their leases bring them back
		b.items = append([]Item(nil), b.items[over:]...)
	}
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

func (b *returns) all() []Item {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	b.items = nil
	return items
}

func (b *returns) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// giveBack hands items to the release loop. The bound holds all that can be in memory at a stop, and as much again from
// before it that a failing store has not taken yet.
func (e *Engine) giveBack(items []Item) {
	var most int64
	for _, p := range e.pools {
		most += p.bound + p.slots.total
	}
	e.returns.add(items, 2*int(most))
}

// releases gives items back to the store as they come, until stop ends.
func (e *Engine) releases(ctx, stop context.Context) {
	errors := 0
	for {
		select {
		case <-stop.Done():
			return
		case <-e.returns.bell:
		}
		err := e.release(ctx)
		if err == nil {
			errors = 0
			continue
		}
		errors++
		if errors == 1 {
			e.log.Error("release", "error", err)
		}
		select {
		case <-stop.Done():
			return
		case <-time.After(backoff(errors)):
		}
	}
}

// release gives back everything there is to give back. What could not be is kept for the next time.
func (e *Engine) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	items := e.returns.all()
	now := e.now()
	n := 0
	for i := range items { // an ended lease is no longer ours to give
		if items[i].Lease.After(now) {
			items[n] = items[i]
			n++
		}
	}
	for items = items[:n]; len(items) > 0; {
		batch := items[:min(len(items), releaseBatch)]
		if err := e.store.Release(ctx, batch); err != nil {
			e.giveBack(items)
			return fmt.Errorf("give back %d items: %w", len(items), err)
		}
		items = items[len(batch):]
	}
	return nil
}
