package travtus

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch"
)

// limiter bounds a rate. A nil one lets everything through.
type limiter struct {
	bucket *rate.Limiter
	now    func() time.Time
}

func newLimiter(r Rates, now func() time.Time) *limiter {
	if r.Requests <= 0 {
		return nil
	}
	return &limiter{rate.NewLimiter(rate.Limit(r.Requests), max(1, r.Burst)), now}
}

// take is nil, or the error that says how long to wait.
func (l *limiter) take() error {
	if l == nil {
		return nil
	}
	now := l.now()
	if l.bucket.AllowN(now, 1) {
		return nil
	}
	missing := 1 - l.bucket.TokensAt(now)
	return tooMany(time.Duration(missing / float64(l.bucket.Limit()) * float64(time.Second)))
}

// maxLimiters is how many apps' rates are remembered. Beyond it all begin anew.
const maxLimiters = 10_000

// limiters bound the rate of each app.
type limiters struct {
	rates Rates
	now   func() time.Time

	mu    sync.Mutex
	byApp map[hookswitch.Key]*limiter
}

func newLimiters(r Rates, now func() time.Time) *limiters {
	return &limiters{rates: r, now: now, byApp: make(map[hookswitch.Key]*limiter)}
}

func (l *limiters) take(app hookswitch.Key) error {
	if l.rates.Requests <= 0 {
		return nil
	}
	l.mu.Lock()
	one := l.byApp[app]
	if one == nil {
		if len(l.byApp) >= maxLimiters {
			clear(l.byApp)
		}
		one = newLimiter(l.rates, l.now)
		l.byApp[app] = one
	}
	l.mu.Unlock()
	return one.take()
}
