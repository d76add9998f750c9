package work

import (
	"runtime/debug"
	"time"
)

// maxResting bounds the workers that wait, without a lane, for the next one.
const maxResting = 128

// ran is a run that has ended.
type ran struct {
	item Item
	rate float64 // the lane's when the item was taken
	Result
	crashed bool
}

// hire sends workers to the lane, which is locked, as many as it wants and slots allow. It says whether the lane had to
// stand in line; the caller then calls grant without the lock.
func (e *Engine) hire(l *lane) (lined bool) {
	for l.wants() && e.running() {
		place := moreWorkers
		if l.workers() == 0 {
			place = firstWorker
		}
		if slots := &l.kind.pool.slots; !slots.take(place) {
			slots.line(l, place)
			return true
		}
		e.send(l)
	}
	if l.pace.rate > 0 {
		e.arm(l)
	}
	return false
}

// grant gives free slots of the pool to the lanes that stand in line for them.
func (e *Engine) grant(p *pool) {
	for {
		l, place := p.slots.next()
		if l == nil {
			return
		}
		l.mu.Lock()
		l.inLine[place] = false
		used := l.wants() && e.running()
		if used {
			e.send(l)
			if l.wants() {
				p.slots.line(l, moreWorkers)
			}
		}
		if l.pace.rate > 0 {
			e.arm(l)
		}
		l.mu.Unlock()
		if !used {
			p.slots.used.Add(-1)
		}
	}
}

// send sends a worker that holds a slot to the lane, which is locked: one at rest, or else a new one.
// The lane's lock and the state checked under it are what lets a stop wait for all workers.
func (e *Engine) send(l *lane) {
	l.starting++
	select {
	case e.rest <- l:
	default:
		e.workers.Go(func() { e.work(l) })
	}
}

// work serves one lane after the other until there is none.
func (e *Engine) work(l *lane) {
	for l != nil {
		p := l.kind.pool
		e.serve(l)
		p.slots.used.Add(-1)
		if p.slots.waiting() {
			e.grant(p)
		}
		if e.resting.Add(1) > maxResting {
			e.resting.Add(-1)
			return
		}
		l = <-e.rest
		e.resting.Add(-1)
	}
}

// serve runs the lane's items one after the other until there is none, or others must come first.
func (e *Engine) serve(l *lane) {
	var r ran
	now := e.now()
	if !e.turn(l, &r, false, now) {
		return
	}
	for {
		if l.kind.Rate != nil && !e.paid(l, &r) {
			return
		}
		if e.hooks.Waited != nil {
			e.hooks.Waited(l.key.Kind, now.Sub(r.item.Due))
		}
		e.run(l.kind, &r)
		end := e.now()
		took := end.Sub(now)
		if r.Latency <= 0 {
			r.Latency = took
		}
		if e.hooks.Ran != nil {
			e.hooks.Ran(l.key.Kind, took, r.Result)
		}
		now = end
		if !e.turn(l, &r, true, now) {
			return
		}
	}
}

// turn ends the run in r, if there was one, and takes the next item into it. False means that the worker leaves the lane.
func (e *Engine) turn(l *lane, r *ran, ended bool, now time.Time) bool {
	var (
		room  [1]Item
		back  = room[:0]
		again bool
		next  time.Time
	)
	l.mu.Lock()
	before := l.queue.len()
	if ended {
		back = l.settle(r, now, back)
		next = r.Next
	} else {
		l.starting--
	}
	stepBack := ended && l.queue.len() > 0 && l.kind.pool.slots.short(l.workers()+1)
	if !stepBack && e.running() && l.workers() < l.allowed() {
		again, back = l.take(&r.item, now, back)
		r.rate = l.pace.rate
	}
	lined := false
	switch {
	case stepBack && l.workers() == 0:
		l.kind.pool.slots.line(l, firstWorker)
	case stepBack:
		l.kind.pool.slots.line(l, moreWorkers)
	default:
		lined = e.hire(l)
	}
	nudge := l.nudge()
	freed := before - l.queue.len()
	l.mu.Unlock()

	if freed > 0 {
		e.freed(l.kind, freed)
	}
	if len(back) > 0 {
		e.giveBack(back)
	}
	if lined {
		e.grant(l.kind.pool)
	}
	if nudge {
		l.kind.wakeRoom()
	}
	if !next.IsZero() {
		l.kind.wakeAt(next, now)
	}
	return again
}

// run runs the item in r and fills in its result.
func (e *Engine) run(k *kind, r *ran) {
	ctx := &runContext{base: e.base, timeout: k.Timeout}
	defer func() {
		ctx.end()
		if v := recover(); v != nil {
			r.Result, r.crashed = Result{}, true
			e.log.Error("run panicked", "kind", r.item.Kind, "target", r.item.Target, "subject", r.item.Subject,
				"app_id", r.item.App, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	r.Result, r.crashed = Result{}, false
	r.Result = k.Runner.Run(ctx, r.item)
}
