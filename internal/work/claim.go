package work

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	claimBatch   = 512 // items of one claim
	claimPerLane = 128 // of them for one lane
	storeTimeout = 30 * time.Second
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// backoff is how long to wait after so many errors in a row, with jitter.
func backoff(errors int) time.Duration {
	d := lastBackoff
	if errors < 8 {
		d = min(d, firstBackoff<<max(0, errors-1))
	}
	return d/2 + rand.N(d/2)
}

// claims claims work of one kind whenever some is due, until stop ends. A claim under way then is finished with ctx.
func (e *Engine) claims(ctx, stop context.Context, k *kind) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for stop.Err() == nil {
		if e.held.Load() {
			select {
			case <-stop.Done():
			case <-k.bell: // rung at the latest when the engine takes work again
			}
			continue
		}
		if wait := k.wait(e.now(), time.Now(), e.poll); wait > 0 {
			timer.Reset(wait)
			select {
			case <-stop.Done():
			case <-k.bell:
			case <-timer.C:
			}
			continue
		}
		e.claim(ctx, k)
	}
}

// claim claims once and queues what came.
func (e *Engine) claim(ctx context.Context, k *kind) {
	now := e.now()
	k.begin(now, time.Now())
	most := k.pool.prepay()
	if most == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	o := &offer{e: e, k: k, lanes: make(map[Lane]*offered)}
	res, err := e.store.Claim(ctx, ClaimRequest{Kind: k.id, Now: now, Lease: e.LeaseUntil(k.id, now), Max: most, PerLane: o.room})
	if err != nil {
		o.close(nil, true, now)
		e.freed(k, most)
		if k.failed(time.Now()) == 1 && context.Cause(ctx) != ErrStopping {
			e.log.Error("claim", "kind", k.id, "error", err)
		}
		return
	}
	full := len(res.Items) >= most
	lined, kept := o.close(res.Items, full, now)
	e.freed(k, most-kept)
	if lined {
		e.grant(k.pool)
	}
	if !full {
		k.walked.Store(now.UnixNano())
	}
	if failed := k.done(now, res.Next, kept > 0, full && kept > 0); failed > 0 {
		e.log.Info("claiming again", "kind", k.id, "failed", failed)
	}
}

// offer is the room that lanes offer to one claim. The store may ask from another goroutine, even after it has given up.
type offer struct {
	e *Engine
	k *kind

	mu     sync.Mutex // taken before a lane's
	closed bool
	lanes  map[Lane]*offered
}

type offered struct{ room, got int }

func (o *offer) room(key Lane) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || key.Kind != o.k.id {
		return 0
	}
	if of := o.lanes[key]; of != nil {
		return of.room
	}
	l := o.e.lanes.get(o.k, key, o.e.now)
	defer l.mu.Unlock()
	now := o.e.now()
	of := &offered{}
	busy := o.k.Ordered && (l.occupied() > 0 || l.workers() > 0)
	if !busy {
		of.room = min(max(0, l.bound(now)-l.occupied()), claimPerLane)
	}
	if of.room == 0 {
		l.owes(now)
		if l.pace.rate > 0 {
			o.e.arm(l)
		}
	}
	l.asking = of.room
	l.nudged = false
	o.lanes[key] = of
	return of.room
}

// close queues what the claim brought and takes the offers back. partial says that the claim may not have seen all due
// work. It returns whether grant must be called, and how many items it kept.
func (o *offer) close(items []Item, partial bool, began time.Time) (lined bool, kept int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for i := range items {
		of := o.lanes[items[i].Lane]
		if of != nil {
			of.got++
		}
		// An ordered lane begins when the whole claim is queued.
		stood, ok := o.e.admit(o.k, &items[i], o.k.Ordered && of != nil)
		lined = lined || stood
		if ok {
			kept++
		}
	}
	for key, of := range o.lanes {
		l := o.e.lanes.find(key)
		if l == nil {
			continue
		}
		l.asking = 0
		switch {
		case of.got >= of.room:
			l.owes(began)
		case !partial && !o.k.Ordered && l.backlogAt.Before(began):
			l.backlog = false
		}
		lined = o.e.hire(l) || lined
		nudge := l.nudge()
		l.mu.Unlock()
		if nudge {
			o.k.wakeRoom()
		}
	}
	return lined, kept
}

// admit queues a claimed item and, unless it is to be held, sends workers for it.
func (e *Engine) admit(k *kind, it *Item, hold bool) (lined, ok bool) {
	if it.Kind != k.id {
		return false, false
	}
	l := e.lanes.get(k, it.Lane, e.now)
	defer l.mu.Unlock()
	if !e.running() {
		e.giveBack([]Item{*it})
		return false, false
	}
	l.blocked = false
	if !l.push(it) {
		return false, false
	}
	return !hold && e.hire(l), true
}
