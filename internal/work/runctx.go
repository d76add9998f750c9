package work

import (
	"context"
	"sync"
	"time"
)

// runContext is the context of one run. The timer and everything else a deadline needs is made when the runner first
// asks for it, since most runs keep time by their connection's deadline.
type runContext struct {
	base    context.Context
	timeout time.Duration

	mu     sync.Mutex
	inner  context.Context // nil until asked for
	cancel context.CancelFunc
	over   bool
}

func (c *runContext) armed() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.cancel = context.WithTimeout(c.base, c.timeout)
		if c.over {
			c.cancel()
		}
	}
	return c.inner
}

// end releases what the run's context holds. Whoever kept it finds it cancelled.
func (c *runContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *runContext) Deadline() (time.Time, bool) { return c.armed().Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.armed().Done() }
func (c *runContext) Err() error                  { return c.armed().Err() }
func (c *runContext) Value(key any) any           { return c.armed().Value(key) }
