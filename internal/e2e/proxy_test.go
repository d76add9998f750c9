package e2e

import (
	"net"
	"sync"
	"testing"
)

// proxy stands between the server and its database, to be cut or to stall.
type proxy struct {
	listener net.Listener
	target   string
	all      sync.WaitGroup

	mu      sync.Mutex // guards everything below
	cut     bool
	closed  bool
	pass    chan struct{} // closed while bytes may pass
	stalled bool
	open    map[net.Conn]struct{}
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, pass: make(chan struct{}), open: map[net.Conn]struct{}{}}
	close(p.pass)
	p.all.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(in) {
			continue
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil || !p.keep(out) {
			p.drop(in)
			continue
		}
		p.all.Go(func() { p.copy(in, out) })
		p.all.Go(func() { p.copy(out, in) })
	}
}

// keep remembers c, or closes it while everything is cut.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut || p.closed {
		_ = c.Close()
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

func (p *proxy) copy(to, from net.Conn) {
	defer p.drop(to)
	defer p.drop(from)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		<-p.passing()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) passing() chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pass
}

// setCut ends all connections and refuses new ones, or takes them again.
func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for c := range p.open {
			_ = c.Close()
		}
	}
}

// setStalled holds all bytes back, or lets them go on.
func (p *proxy) setStalled(stalled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stalled == p.stalled {
		return
	}
	if p.stalled = stalled; stalled {
		p.pass = make(chan struct{})
	} else {
		close(p.pass)
	}
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.setStalled(false)
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
}
