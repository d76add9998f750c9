package work

import (
	"sync"
	"time"
)

const (
	// failingQueue bounds what a failing lane keeps in memory.
	failingQueue = 64
	leastQueue   = 4
	// settleTime is how long a row may take to be committed after Reserve refused it; until it has passed,
	// a claim that finds nothing proves nothing about an ordered lane.
	settleTime = 5 * time.Second
)

// lane is the queue of one target, and its runs.
type lane struct {
	key  Lane
	kind *kind

	mu       sync.Mutex // guards everything below
	gone     bool       // dropped from memory; look it up again
	queue    queue
	held     map[int64]struct{} // subjects queued or running
	reserved int                // slots taken for work that is not committed yet
	asking   int                // slots offered to a claim under way
	starting int                // workers sent here that have not taken an item yet
	running  int
	inLine   [2]bool // in the line for a slot, by place
	limit    limit
	pace     pace
	progress time.Time // last time a run ended, or began after none was running

	// backlog says that due work of this lane is thought to wait in the store, as of backlogAt.
	backlog   bool
	backlogAt time.Time
	nudged    bool // the claim loop was told of room for the backlog
	blocked   bool // ordered: the head waits in the store, nothing may overtake it
}

func (l *lane) occupied() int { return l.queue.len() + l.reserved + l.asking }

func (l *lane) workers() int { return l.starting + l.running }

// allowed is the number of runs this node may have in the lane.
func (l *lane) allowed() int { return max(1, l.limit.n/int(l.kind.nodes.Load())) }

// wants says that one more worker would find something to do.
func (l *lane) wants() bool {
	return l.starting < l.queue.len() && l.workers() < l.allowed() && l.pace.free(l.starting)
}

// idle says that nothing is in the lane, nor on its way to it.
func (l *lane) idle() bool {
	return l.occupied() == 0 && l.workers() == 0 && l.inLine == [2]bool{}
}

// bound is how much the lane may keep queued: what it can be expected to run well within its leases.
func (l *lane) bound(now time.Time) int {
	latency := l.limit.latency
	if l.running > 0 {
		latency = max(latency, now.Sub(l.progress))
	}
	n := l.kind.queuePerLane
	if latency > 0 {
		fit := int64(l.allowed()) * int64(l.kind.slack) / (2 * int64(latency))
		n = int(min(int64(n), fit))
	}
	if l.limit.failing() {
		n = min(n, failingQueue)
	}
	n = min(max(n, l.least()), l.kind.queuePerLane)
	if l.pace.rate > 0 {
		n = min(n, l.ahead())
	}
	return n
}

// least is the room a lane has at any rate.
func (l *lane) least() int { return max(leastQueue, 2*l.allowed()) }

// hasRoom says whether new work may come in past the store. A known backlog keeps half of the room, all of it while the lane fails.
func (l *lane) hasRoom(now func() time.Time) bool {
	occupied := l.occupied()
	failing := l.limit.failing()
	switch {
	case failing && l.backlog:
		return false
	case l.kind.Ordered && !l.inOrder(now):
		return false
	case !failing && !l.backlog && l.pace.rate == 0 && occupied < min(l.least(), l.kind.queuePerLane):
		return true
	}
	bound := l.bound(now())
	if l.backlog {
		bound /= 2
	}
	return occupied < bound
}

// inOrder says whether work handed over now cannot overtake earlier work of an ordered lane, as far as this node knows.
func (l *lane) inOrder(now func() time.Time) bool {
	if l.asking > 0 || l.blocked && l.backlogAt.After(now()) {
		return false
	}
	if l.backlog && l.kind.walkedSince(l.backlogAt.Add(settleTime)) {
		l.backlog, l.blocked = false, false
	}
	return !l.backlog
}

// owes notes that the store has, or is about to have, due work for the lane.
func (l *lane) owes(now time.Time) {
	l.backlog = true
	if now.After(l.backlogAt) {
		l.backlogAt = now
	}
}

// push queues an item, unless its subject is in memory already. A newer claim of a queued one replaces it, since the
// older claim's fence is broken; that of a running one is left to the end of its lease.
func (l *lane) push(it *Item) bool {
	if _, ok := l.held[it.Subject]; ok {
		if old := l.queue.find(it.Subject); old != nil && old.Claim < it.Claim {
			*old = *it
		}
		return false
	}
	if l.held == nil {
		l.held = make(map[int64]struct{})
	}
	l.held[it.Subject] = struct{}{}
	if l.kind.Ordered {
		l.queue.pushOrdered(it)
	} else {
		l.queue.push(it)
	}
	return true
}

// cut takes all but the first keep items out of the queue and appends them to back.
func (l *lane) cut(keep int, back []Item) []Item {
	n := len(back)
	back = l.queue.cut(keep, back)
	for i := range back[n:] {
		delete(l.held, back[n+i].Subject)
	}
	return back
}

// block empties an ordered lane whose head must wait in the store, until the given time or later.
func (l *lane) block(until time.Time, back []Item) []Item {
	l.blocked = true
	l.owes(until)
	return l.cut(0, back)
}

// settle takes the end of a run into account. It appends to back what the lane now gives back.
func (l *lane) settle(r *ran, now time.Time, back []Item) []Item {
	l.running--
	l.progress = now
	delete(l.held, r.item.Subject)

	switch {
	case r.crashed || r.Neutral || r.Released:
	case r.OK:
		l.limit.good(r.Latency, l.queue.len() > 0 && l.workers()+1 >= l.allowed())
	default:
		l.limit.bad(r.Latency)
		if bound := l.bound(now); l.limit.failing() && l.queue.len() > bound {
			l.owes(now)
			back = l.cut(bound, back)
		}
	}
	if r.Idle {
		l.pace.refund()
	}
	if r.Released {
		l.owes(now)
		back = append(back, r.item)
	}
	if l.kind.Ordered && (r.crashed || r.Released || !r.Next.IsZero()) {
		until := now
		if r.Next.After(now) {
			until = r.Next
		}
		back = l.block(until, back)
	}
	return back
}

// take moves the next item that may be started into it, if the lane's rate allows one. It appends to back those whose lease is too short.
func (l *lane) take(it *Item, now time.Time, back []Item) (bool, []Item) {
	for l.queue.len() > 0 {
		fits := l.queue.at(0).Lease.Sub(now) >= l.kind.Timeout+leaseMargin
		if fits && !l.pace.take() {
			return false, back
		}
		l.queue.pop(it)
		if fits {
			if l.running == 0 {
				l.progress = now
			}
			l.running++
			return true, back
		}
		delete(l.held, it.Subject)
		back = append(back, *it)
		l.owes(now)
		if l.kind.Ordered {
			back = l.block(now, back)
		}
	}
	return false, back
}

// nudge says, once, that the backlog in the store should be looked at because there is room for it.
func (l *lane) nudge() bool {
	if !l.backlog || l.nudged || l.queue.len() > 2*l.allowed() {
		return false
	}
	if l.pace.rate > 0 {
		if ahead := l.ahead(); ahead == 0 || l.queue.len() > ahead/2 {
			return false
		}
	}
	if l.kind.Ordered && (l.occupied() > 0 || l.workers() > 0) {
		return false
	}
	l.nudged = true
	return true
}
