package work

import (
	"context"
	"time"
)

// keep takes back work whose lease has ended, and memory nobody uses.
func (e *Engine) keep(ctx, stop context.Context) {
	tick := time.NewTicker(reclaimEvery)
	defer tick.Stop()
	failed := false
	for {
		err := e.reclaim(ctx)
		if err != nil && !failed && stop.Err() == nil {
			e.log.Error("reclaim", "error", err)
		}
		failed = err != nil
		e.lanes.sweep(e.now().Add(-idleAfter))
		e.sendHome()
		select {
		case <-stop.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *Engine) reclaim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	n, err := e.store.Reclaim(ctx, e.now())
	if err != nil {
		return err
	}
	if n > 0 {
		e.log.Info("took back work whose lease had ended", "count", n)
		e.wakeAll()
	}
	return nil
}

// sendHome ends half of the workers at rest.
func (e *Engine) sendHome() {
	e.homeMu.Lock()
	defer e.homeMu.Unlock()
	for range (e.resting.Load() + 1) / 2 {
		if !e.running() {
			return
		}
		select {
		case e.rest <- nil:
		default:
			return
		}
	}
}

func (e *Engine) wakeAll() {
	for _, k := range e.kinds {
		if k != nil {
			k.wakeRoom()
		}
	}
}
