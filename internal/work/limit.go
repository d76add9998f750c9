package work

import "time"

const (
	// slowEnough is the latency from which more runs at once are worth having; below it they only compete.
	slowEnough = 15 * time.Millisecond
	// failingAfter is how many failures in a row, at one run at a time, make a lane a failing one.
	failingAfter = 3
)

// limit is how many runs a lane may have at once. It rises by one while more are asked for and answers do not get
// slower for it, falls by half with each failure, and comes back by doubling to where it began.
type limit struct {
	start, max int
	n          int
	fails      int // in a row
	credit     int // good answers under pressure since the last rise
	latency    time.Duration
	base       time.Duration // the latency without our pressure: the smallest seen, following the present one while n is small
}

func newLimit(start, most int) limit { return limit{start: start, max: most, n: start} }

// failing says that the lane is down to one probe.
func (c *limit) failing() bool { return c.n == 1 && c.fails >= failingAfter }

// good notes a good answer; pressed says that all allowed runs were busy and more work was waiting.
func (c *limit) good(took time.Duration, pressed bool) {
	c.note(took)
	switch {
	case c.base == 0 || c.latency < c.base:
		c.base = c.latency
	case c.n <= c.start: // slower, and not through our doing
		c.base += (c.latency - c.base) / 64
	}
	c.fails = 0
	if c.n < c.start {
		c.n = min(2*c.n, c.start)
		return
	}
	if !pressed || c.latency < slowEnough {
		return
	}
	switch {
	case c.latency > 3*c.base:
		c.step(-1)
	case c.latency < 2*c.base:
		c.step(1)
	}
}

// bad notes a failure.
func (c *limit) bad(took time.Duration) {
	c.note(took)
	c.fails++
	c.credit = 0
	c.n = max(1, c.n/2)
}

// step moves the limit by one after every half round of answers.
func (c *limit) step(by int) {
	c.credit++
	if c.credit < c.n/2 {
		return
	}
	c.credit = 0
	c.n = min(max(c.n+by, c.start), c.max)
}

func (c *limit) note(took time.Duration) {
	took = max(took, 1)
	if c.latency == 0 {
		c.latency = took
		return
	}
	c.latency += (took - c.latency) / 8
}
