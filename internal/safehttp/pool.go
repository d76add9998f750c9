package safehttp

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// A poolKey tells which connections are interchangeable. The host, with its port as the URL spells it, is
// also the name that TLS has proven.
type poolKey struct {
	secure bool
	host   string
}

// A conn is one connection, used by one exchange at a time.
type conn struct {
	net.Conn          // what is read and written: the socket itself, or TLS on top of it
	socket   net.Conn // *net.TCPConn
	key      poolKey
	remote   string
	since    time.Time // idle since
	expire   func()    // ends reads and writes at once
	probe    probe

	tls *TLS // what the peer showed of itself; nil without
}

func newConn(key poolKey, socket net.Conn) *conn {
	c := &conn{Conn: socket, socket: socket, key: key, remote: socket.RemoteAddr().String()}
	c.expire = func() { _ = socket.SetDeadline(time.Unix(1, 0)) }
	if sc, ok := socket.(syscall.Conn); ok {
		c.probe.open(sc)
	}
	return c
}

// close closes the socket without a word of TLS: saying goodbye could block.
func (c *conn) close() { _ = c.socket.Close() }

// A pool keeps connections between exchanges, the latest used on top.
type pool struct {
	idleTimeout  time.Duration
	perHost, max int

	mu     sync.Mutex
	idle   map[poolKey][]*conn
	count  int
	closed bool
	sweeps sync.WaitGroup // one while timer is armed or sweep runs
	timer  *time.Timer    // nil while nothing is idle
}

// take returns a connection that was not seen to be closed, or nil. Its deadline is set.
func (p *pool) take(key poolKey, now, deadline time.Time) *conn {
	for {
		c := p.pop(key)
		if c == nil {
			return nil
		}
		if now.Sub(c.since) < p.idleTimeout && c.socket.SetDeadline(deadline) == nil && c.probe.quiet() {
			return c
		}
		c.close()
	}
}

func (p *pool) pop(key poolKey) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[key]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[key] = list[:len(list)-1]
	p.count--
	return c
}

// put keeps c for later, or closes it if there are enough.
func (p *pool) put(c *conn, now time.Time) {
	c.since = now
	p.mu.Lock()
	list := p.idle[c.key]
	keep := !p.closed && p.count < p.max && len(list) < p.perHost
	if keep {
		p.idle[c.key] = append(list, c)
		p.count++
		if p.timer == nil {
			p.sweeps.Add(1)
			p.timer = time.AfterFunc(p.idleTimeout, p.sweep)
		}
	}
	p.mu.Unlock()
	if !keep {
		c.close()
	}
}

// sweep closes what has been idle for too long, and sees to the next sweep while hosts remain.
func (p *pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.sweeps.Done()
		return
	}
	now := time.Now()
	for key, list := range p.idle {
		expired := 0 // the oldest lie at the bottom
		for expired < len(list) && now.Sub(list[expired].since) >= p.idleTimeout {
			list[expired].close()
			expired++
		}
		p.count -= expired
		n := copy(list, list[expired:])
		clear(list[n:])
		if p.idle[key] = list[:n]; n == 0 {
			delete(p.idle, key)
		}
	}
	if len(p.idle) == 0 {
		p.timer = nil
		p.sweeps.Done()
		return
	}
	p.timer.Reset(max(p.idleTimeout/4, time.Millisecond))
}

func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.timer != nil && p.timer.Stop() {
		p.sweeps.Done()
	}
	p.timer = nil
	for key, list := range p.idle {
		for _, c := range list {
			c.close()
		}
		delete(p.idle, key)
	}
	p.count = 0
	p.mu.Unlock()
	p.sweeps.Wait()
}
