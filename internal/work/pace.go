package work

import (
	"math"
	"time"
)

const (
	// paceAhead is for how long a lane with a rate keeps work in memory. What comes later waits in the store.
	paceAhead = 4 * time.Second
	// paceLook is how often a lane that waits for its turn looks whether its rate has changed.
	paceLook = 250 * time.Millisecond
	// paceGrain makes up for what is lost in rounding.
	paceGrain = 1e-6
)

// pace holds a lane to its rate: a bucket that fills with the rate, and of which each start takes one. It goes by the real clock, since the other one may jump.
type pace struct {
	rate   float64 // starts a second on this node; 0: no limit
	tokens float64
	at     time.Time // when tokens was counted
	app    int64     // whose lane it is, to ask for the rate
	since  time.Time // when work began to wait for its turn; zero: none does
	timer  *time.Timer
	armed  bool
}

// burst is how many starts may be saved up: one, or a tenth of a second's of a large rate, so that timers stay coarse.
func burst(rate float64) float64 { return max(1, rate/10) }

func (p *pace) fill(now time.Time) {
	if d := now.Sub(p.at); d > 0 {
		p.tokens = min(burst(p.rate), p.tokens+p.rate*d.Seconds())
	}
	p.at = now
}

// set changes the rate. What has been saved up stays, as far as it fits.
func (p *pace) set(rate float64, now time.Time) {
	if p.rate == 0 {
		p.tokens, p.at = 1, now
	}
	p.fill(now)
	p.rate = rate
	p.tokens = min(p.tokens, burst(rate))
	if rate == 0 {
		p.since = time.Time{}
	}
}

// take takes a start, if there is one. Without a rate there always is.
func (p *pace) take() bool {
	if p.rate == 0 {
		return true
	}
	p.fill(time.Now())
	if p.tokens < 1-paceGrain {
		return false
	}
	p.tokens--
	return true
}

// refund gives back a start that was not used.
func (p *pace) refund() {
	if p.rate > 0 {
		p.tokens = min(burst(p.rate), p.tokens+1)
	}
}

// free reports whether there are more than so many starts.
func (p *pace) free(taken int) bool {
	if p.rate == 0 {
		return true
	}
	p.fill(time.Now())
	return p.tokens >= float64(taken+1)-paceGrain
}

// wait is how long until the next start, 0 when there is one now.
func (p *pace) wait() time.Duration {
	if p.free(0) {
		return 0
	}
	d := time.Duration(math.Ceil((1 - p.tokens) / p.rate * float64(time.Second)))
	coarse := time.Duration((burst(p.rate) - 1) / p.rate / 4 * float64(time.Second))
	return max(d, coarse)
}

// spent says that starts have been used that are not back yet: the lane has to be remembered.
func (p *pace) spent() bool {
	if p.rate == 0 {
		return false
	}
	p.fill(time.Now())
	return p.armed || p.tokens < burst(p.rate)-paceGrain
}

// ahead is how much work a lane with a rate may keep queued: what it starts before long. An ordered lane takes the next only when it may start it.
func (l *lane) ahead() int {
	wait := l.pace.wait()
	switch {
	case l.kind.Ordered && wait > 0, wait > l.kind.slack/2:
		return 0
	case l.kind.Ordered:
		return 1
	}
	look := min(paceAhead, l.kind.slack/2)
	return max(1, int(min(l.pace.tokens+l.pace.rate*look.Seconds(), float64(l.kind.queuePerLane))))
}

// share is this node's part of the lane's rate, as it is now. It is asked for without the lane's lock.
func (k *kind) share(it *Item) float64 {
	rate := k.Rate(*it)
	if rate <= 0 {
		return rate
	}
	return rate / float64(k.nodes.Load())
}

// adopt makes the share the lane's rate. It appends to back what the lane cannot keep any more.
func (l *lane) adopt(share float64, now time.Time, back []Item) []Item {
	if share < 0 || share == l.pace.rate {
		return back
	}
	l.pace.set(share, time.Now())
	if share > 0 {
		if keep := l.bound(now); l.queue.len() > keep {
			l.owes(now)
			back = l.cut(keep, back)
		}
	}
	return back
}

// paid reports whether the item that was taken may be run, as far as the lane's rate goes. If not, the item is back in the queue, and the worker leaves the lane.
func (e *Engine) paid(l *lane, r *ran) bool {
	share := l.kind.share(&r.item)
	if share < 0 || share == r.rate {
		return true
	}
	l.mu.Lock()
	l.pace.app = r.item.App
	back := l.adopt(share, e.now(), nil)
	ok := r.rate > 0 || l.pace.take()
	cut := len(back)
	switch {
	case ok:
	case e.running():
		l.running--
		l.kind.pool.queued.Add(1)
		l.queue.pushFront(&r.item)
	default: // a stop has emptied the lane already
		l.running--
		delete(l.held, r.item.Subject)
		back = append(back, r.item)
	}
	lined := e.hire(l)
	l.mu.Unlock()
	e.freed(l.kind, cut)
	if len(back) > 0 {
		e.giveBack(back)
	}
	if lined {
		e.grant(l.kind.pool)
	}
	return ok
}

// arm has a lane whose work waits for its turn, and which is locked, looked at again when that comes.
func (e *Engine) arm(l *lane) {
	p := &l.pace
	if l.queue.len() == 0 && !l.backlog {
		p.since = time.Time{}
		return
	}
	if p.armed || !e.running() {
		return
	}
	wait := p.wait()
	if wait == 0 {
		return
	}
	if p.since.IsZero() {
		p.since = e.now()
	}
	p.armed = true
	wait = min(wait, paceLook)
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, func() { e.resume(l) })
	} else {
		p.timer.Reset(wait)
	}
}

// resume sends workers to a lane that has waited for its turn.
func (e *Engine) resume(l *lane) {
	l.mu.Lock()
	it := Item{Lane: l.key, App: l.pace.app}
	running := e.running()
	if !running {
		l.pace.armed = false // whoever takes work for it again arms it again
	}
	l.mu.Unlock()
	if !running {
		return
	}
	share := l.kind.share(&it)
	l.mu.Lock()
	l.pace.armed = false
	if l.gone {
		l.mu.Unlock()
		return
	}
	back := l.adopt(share, e.now(), nil)
	cut := len(back)
	lined := e.hire(l)
	nudge := l.nudge()
	l.mu.Unlock()
	e.freed(l.kind, cut)
	if cut > 0 {
		e.giveBack(back)
	}
	if lined {
		e.grant(l.kind.pool)
	}
	if nudge {
		l.kind.wakeRoom()
	}
}

// Throttled is since when work of the lane has been waiting on this node because of its rate; zero: it is not.
func (e *Engine) Throttled(key Lane) time.Time {
	l := e.lanes.find(key)
	if l == nil {
		return time.Time{}
	}
	defer l.mu.Unlock()
	return l.pace.since
}
