package widget

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch"
)

// limits are how often visitors may come and write. They hold on each node.
type limits struct {
	write, report, watch *limiter // of a session
	beginFrom, writeFrom *limiter // of an address, behind which there may be many people
}

func newLimits() limits {
	return limits{
		write:     newLimiter(rate.Every(2*time.Second), 10),
		report:    newLimiter(rate.Every(500*time.Millisecond), 30),
		watch:     newLimiter(rate.Every(time.Second), 20),
		beginFrom: newLimiter(5, 100),
		writeFrom: newLimiter(5, 50),
	}
}

// maxBuckets bounds how many names a limiter remembers.
const maxBuckets = 50_000

// limiter is a token bucket for each name.
type limiter struct {
	every rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newLimiter(every rate.Limit, burst int) *limiter {
	return &limiter{every: every, burst: burst, buckets: make(map[string]*rate.Limiter)}
}

// take takes one from the name's bucket, or returns an error of kind RateLimited that says when there will be one.
func (l *limiter) take(name string, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[name]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			l.forget(now)
		}
		b = rate.NewLimiter(l.every, l.burst)
		l.buckets[name] = b
	}
	if b.AllowN(now, 1) {
		return nil
	}
	missing := 1 - b.TokensAt(now)
	wait := time.Duration(missing / float64(l.every) * float64(time.Second))
	return &hookswitch.Error{Kind: hookswitch.RateLimited, Code: "rate_limited", Message: "That was a little fast; try again shortly.", RetryAfter: max(wait, time.Second)}
}

// forget drops the buckets that are full again, which are as good as new, and all of them where that is not enough.
func (l *limiter) forget(now time.Time) {
	for name, b := range l.buckets {
		if b.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, name)
		}
	}
	if len(l.buckets) >= maxBuckets {
		clear(l.buckets)
	}
}

// addressOf is where a request comes from, as far as that limits anything: a network of IPv6, which one customer has whole, counts as one address. Of a proxy
// on our own network, the last address that it names counts; anybody else's word is not taken.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() {
		named := r.Header.Values("X-Forwarded-For")
		last := ""
		if len(named) > 0 {
			last = named[len(named)-1]
			last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		}
		if behind, err := netip.ParseAddr(last); err == nil {
			addr = behind.Unmap()
		}
	}
	if addr.Is6() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
