package zavu

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// window is how long requests are counted together.
const window = time.Minute

// limiter counts the requests of each project in windows of a minute, on this node.
type limiter struct {
	limit int // 0: none
	now   func() time.Time

	mu     sync.Mutex // guards everything below
	window int64      // the number of the current window
	counts map[hookswitch.Key]int
}

func newLimiter(limit int, now func() time.Time) *limiter {
	return &limiter{limit: limit, now: now, counts: make(map[hookswitch.Key]int)}
}

// allowance is what is left to a project.
type allowance struct {
	limit, remaining int
	reset            time.Time     // when the window ends
	wait             time.Duration // until a request would be taken; 0: this one is
}

// count counts a request of the project and tells what is left to it. Requests of nobody are not counted.
func (l *limiter) count(app hookswitch.Key) allowance {
	now := l.now()
	number := now.UnixNano() / int64(window)
	a := allowance{limit: l.limit, remaining: l.limit, reset: time.Unix(0, (number+1)*int64(window))}
	switch {
	case l.limit == 0:
		a.limit, a.remaining = math.MaxInt32, math.MaxInt32
		return a
	case app == 0:
		return a
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if number != l.window {
		l.window = number
		clear(l.counts)
	}
	used := l.counts[app]
	if used >= l.limit {
		a.remaining, a.wait = 0, max(time.Millisecond, a.reset.Sub(now))
		return a
	}
	l.counts[app] = used + 1
	a.remaining = l.limit - used - 1
	return a
}

// write puts the headers of the rate limit on an answer.
func (a allowance) write(h http.Header) {
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(a.limit)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(a.remaining)}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(a.reset.UnixMilli(), 10)}
}
