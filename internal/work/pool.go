package work

import "sync/atomic"

// pool is what kinds of work share: the runs at once, and the room in memory. Kinds of different pools do not hinder each other, however slow one of them is.
type pool struct {
	slots  slots
	bound  int64        // of queued
	queued atomic.Int64 // items queued, slots reserved, and room offered to claims
	full   atomic.Bool  // somebody was refused because of the bound
}

func newPool(runs, queue int) *pool {
	return &pool{slots: newSlots(runs), bound: int64(queue)}
}

// enter takes room from the bound, for a lane that has so much already.
func (p *pool) enter(occupied int) bool {
	bound := p.bound
	if occupied >= smallLane {
		bound /= 2
	}
	if p.queued.Add(1) <= bound {
		return true
	}
	p.queued.Add(-1)
	if bound == p.bound {
		p.full.Store(true)
	}
	return false
}

// worthwhile is the room that a claim is worth: each looks for its work from the start, and writes a transaction, however little it may bring.
func (p *pool) worthwhile() int64 { return max(1, p.bound/8) }

// prepay takes room for one claim from the bound.
func (p *pool) prepay() int {
	for {
		queued := p.queued.Load()
		if p.bound-queued < p.worthwhile() {
			p.full.Store(true)
			if p.bound-p.queued.Load() >= p.worthwhile() {
				continue
			}
			return 0
		}
		room := min(claimBatch, p.bound-queued)
		if p.queued.CompareAndSwap(queued, queued+room) {
			return int(room)
		}
	}
}

// freed returns room to the bound. It reports whether the claim loops were waiting for it and must be woken.
func (p *pool) freed(n int) bool {
	left := p.queued.Add(int64(-n))
	return p.bound-left >= p.worthwhile() && p.full.Load() && p.full.CompareAndSwap(true, false)
}
