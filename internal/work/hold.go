package work

// Hold makes the engine take no work, or take it again. What runs goes on to its end; what is queued is given back, and waits in the store. While it is held, Reserve refuses and nothing is
// claimed.
func (e *Engine) Hold(held bool) {
	switch {
	case e.held.Swap(held) == held:
	case held:
		e.empty()
	default:
		now := e.now()
		e.lanes.each(func(l *lane) { l.owes(now) })
		e.wakeAll()
	}
}

// Held reports whether the engine takes no work.
func (e *Engine) Held() bool { return e.held.Load() }

// empty gives back what is queued. Workers are only sent under a lane's lock, while running: having held each lock once since the engine stopped running, no further worker starts.
func (e *Engine) empty() {
	e.lanes.each(func(l *lane) {
		if n := l.queue.len(); n > 0 {
			e.giveBack(l.cut(0, nil))
			l.kind.pool.queued.Add(int64(-n))
		}
	})
}
