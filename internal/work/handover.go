package work

import "time"

// freed returns room that the kind has taken, and tells the claim loops when they were waiting for it.
func (e *Engine) freed(k *kind, n int) {
	if k.pool.freed(n) {
		e.wakeAll()
	}
}

// Reserve takes a slot in the lane's queue, before the work is committed. True must be followed by Start or Unreserve.
// After false, the work is to be stored as waiting and due, and Wake called after the commit: the lane or the whole
// queue is full, the lane is failing and has a backlog, the engine is not running, or the work might overtake earlier work of an ordered lane.
//
// What this node cannot know, such as an ordered lane's head that waits since before a restart, only the store can
// refuse: then it stores the work as waiting, and the slot goes back with Unreserve.
func (e *Engine) Reserve(key Lane) bool {
	k := e.kinds[key.Kind]
	if k == nil || !e.running() {
		return false
	}
	l := e.lanes.get(k, key, e.now)
	defer l.mu.Unlock()
	if !l.hasRoom(e.now) || !k.pool.enter(l.occupied()) {
		l.owes(e.now())
		return false
	}
	l.reserved++
	return true
}

// Unreserve returns a slot whose work was not committed, or not leased to this node.
func (e *Engine) Unreserve(key Lane) {
	l := e.lanes.find(key)
	if l == nil {
		return
	}
	if l.reserved == 0 {
		l.mu.Unlock()
		return
	}
	l.reserved--
	if l.kind.Ordered {
		l.owes(e.now()) // it may be stored behind earlier work; what follows must not overtake it
	}
	nudge := l.nudge()
	l.mu.Unlock()
	e.freed(l.kind, 1)
	if nudge {
		l.kind.wakeRoom()
	}
}

// Start hands over reserved work that is committed and leased to this node. Work of an ordered lane is handed over in
// its order. An engine that is no longer running gives it back.
func (e *Engine) Start(items ...Item) {
	for i := range items {
		e.start(&items[i])
	}
}

func (e *Engine) start(it *Item) {
	k := e.kinds[it.Kind]
	if k == nil {
		return
	}
	l := e.lanes.get(k, it.Lane, e.now)
	if l.reserved > 0 {
		l.reserved--
	} else {
		k.pool.queued.Add(1)
	}
	refused := !e.running() || l.blocked
	kept := !refused && l.push(it)
	lined := e.hire(l)
	nudge := l.nudge()
	l.mu.Unlock()

	if refused {
		e.giveBack([]Item{*it})
	}
	if !kept {
		e.freed(k, 1)
	}
	if lined {
		e.grant(k.pool)
	}
	if nudge {
		k.wakeRoom()
	}
}

// Wake says that work of a kind is due at a time, now or later.
func (e *Engine) Wake(id Kind, at time.Time) {
	if k := e.kinds[id]; k != nil {
		k.wakeAt(at, e.now())
	}
}

// LeaseUntil is the lease that work of a kind is given at now: long enough to queue and to run.
func (e *Engine) LeaseUntil(id Kind, now time.Time) time.Time {
	if k := e.kinds[id]; k != nil {
		return now.Add(k.lease)
	}
	return now
}
