package work

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Claims that are asked for again and again are kept apart: by busyGap after one that found something, and after ones
	// that did not by emptyGap, doubling up to lastGap. A lane that keeps refusing work would else cause a claim for each.
	busyGap  = 2 * time.Millisecond
	emptyGap = 5 * time.Millisecond
	lastGap  = 40 * time.Millisecond
)

// kind is one kind of work, and when to claim it next.
type kind struct {
	KindOptions
	id           Kind
	lease        time.Duration
	slack        time.Duration // how long a leased item may queue
	queuePerLane int
	nodes        *atomic.Int32
	pool         *pool
	walked       atomic.Int64  // when the last claim began that saw all lanes, Unix nanoseconds
	bell         chan struct{} // rung when the next claim may have moved

	mu     sync.Mutex // guards everything below
	soon   bool       // claim again, as soon as gap allows
	due    due
	last   time.Time // when the last claim began
	gap    time.Duration
	errors int // in a row
	retry  time.Time
}

// wakeNow asks for a claim.
func (k *kind) wakeNow() {
	k.mu.Lock()
	ring := !k.soon
	k.soon = true
	k.mu.Unlock()
	if ring {
		k.ring()
	}
}

// wakeRoom asks for a claim because there is room for work that waits.
func (k *kind) wakeRoom() {
	k.mu.Lock()
	k.soon = true
	k.gap = min(k.gap, busyGap)
	k.mu.Unlock()
	k.ring()
}

// wakeAt asks for a claim at the given time.
func (k *kind) wakeAt(at, now time.Time) {
	if !at.After(now) {
		k.wakeNow()
		return
	}
	k.mu.Lock()
	k.due.add(at)
	ring := len(k.due) > 0 && k.due[0].Equal(at)
	k.mu.Unlock()
	if ring {
		k.ring()
	}
}

func (k *kind) ring() {
	select {
	case k.bell <- struct{}{}:
	default:
	}
}

// wait is how long to wait until the next claim. Due times are of the engine's clock, the others of the real one.
func (k *kind) wait(now, real time.Time, poll time.Duration) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.errors > 0 {
		return k.retry.Sub(real)
	}
	wait := k.last.Add(poll).Sub(real)
	if k.soon {
		wait = min(wait, k.last.Add(k.gap).Sub(real))
	}
	if len(k.due) > 0 {
		wait = min(wait, k.due[0].Sub(now))
	}
	return wait
}

// begin notes that a claim begins.
func (k *kind) begin(now, real time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.soon = false
	k.due.drop(now)
	k.last = real
}

// failed notes a claim that failed, and returns how many have in a row.
func (k *kind) failed(real time.Time) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.errors++
	k.retry = real.Add(backoff(k.errors))
	return k.errors
}

// done notes a claim that succeeded, and returns how many had failed before it. A full one is followed by the next at once.
func (k *kind) done(now, next time.Time, found, full bool) (errors int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	errors, k.errors = k.errors, 0
	switch {
	case full:
		k.soon, k.gap = true, 0
	case found:
		k.gap = busyGap
	default:
		k.gap = min(max(emptyGap, 2*k.gap), lastGap)
	}
	if next.After(now) {
		k.due.add(next)
	}
	return errors
}

func (k *kind) walkedSince(t time.Time) bool { return k.walked.Load() > t.UnixNano() }
