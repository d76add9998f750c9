package portal

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxTurns is how many are remembered who tried something.
const maxTurns = 10_000

// turns is how often each may try something.
type turns struct {
	every rate.Limit
	burst int

	mu sync.Mutex
	by map[string]*rate.Limiter
}

func newTurns(every rate.Limit, burst int) *turns {
	return &turns{every: every, burst: burst, by: make(map[string]*rate.Limiter)}
}

// allow takes one turn of who, and reports false when there were too many.
func (t *turns) allow(who string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.by[who]
	if l == nil {
		if len(t.by) >= maxTurns {
			clear(t.by)
		}
		l = rate.NewLimiter(t.every, t.burst)
		t.by[who] = l
	}
	return l.AllowN(now, 1)
}

// seats are what so many may have at a time, and of them each so many.
type seats struct {
	most, each int

	mu    sync.Mutex
	taken int
	by    map[string]int
}

func newSeats(most, each int) *seats { return &seats{most: most, each: each, by: make(map[string]int)} }

// take gives who a seat, until it is left. ok is false where there is none.
func (s *seats) take(who string) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.most || s.by[who] >= s.each {
		return nil, false
	}
	s.taken++
	s.by[who]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken--
		if s.by[who]--; s.by[who] == 0 {
			delete(s.by, who)
		}
	}), true
}

// owner is whose things are looked at, as far as limits go.
func (v *view) owner() string {
	if v.App == nil {
		return "the server"
	}
	return v.AppID()
}

// visitor is from where somebody asks, as far as limits go: the address or, as who has one of the newer kind has very many, its network. Behind a proxy all come from the same.
func (v *view) visitor() string {
	at, err := netip.ParseAddrPort(v.r.RemoteAddr)
	if err != nil {
		return v.r.RemoteAddr
	}
	a := at.Addr().Unmap()
	if a.Is6() {
		if network, err := a.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return a.String()
}
