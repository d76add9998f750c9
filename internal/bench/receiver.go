package bench

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// receiver is one endpoint: a server that counts what arrives.
type receiver struct {
	listener net.Listener
	tally    *tally
	lane     *lane
	size     int
	manner   manner
	conns    sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]struct{}
	closed   bool
}

// manner is how a receiver answers.
type manner int

const (
	answers manner = iota
	failsFirst
	hangs
)

var (
	answerOK   = []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	answerFail = []byte("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
)

// startReceiver listens on a free port of the loopback interface. close has to follow.
func startReceiver(t *tally, l *lane, size int, m manner) (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	r := &receiver{listener: listener, tally: t, lane: l, size: size, manner: m, open: map[net.Conn]struct{}{}}
	r.conns.Go(r.accept)
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.listener.Addr().String() + "/" }

func (r *receiver) accept() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		if r.closed {
			r.mu.Unlock()
			_ = c.Close()
			return
		}
		r.open[c] = struct{}{}
		r.mu.Unlock()
		r.conns.Go(func() { r.serve(c) })
	}
}

func (r *receiver) serve(c net.Conn) {
	defer func() {
		r.mu.Lock()
		delete(r.open, c)
		r.mu.Unlock()
		_ = c.Close()
	}()
	w := newWire(c)
	for {
		_, body, err := w.message(nil)
		if err != nil {
			if errors.Is(err, errHead) || errors.Is(err, errTooBig) {
				r.tally.complain("a receiver got a request it cannot read")
				r.tally.stray.Add(1)
			}
			return
		}
		answer := r.answer(body)
		if answer == nil {
			_, _, _ = w.message(nil) // nothing follows, but the end of the connection
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// answer is the answer to one event, or nil where there will be none.
func (r *receiver) answer(body []byte) []byte {
	seq := number(body)
	if len(body) != r.size || !r.tally.known(seq) {
		r.tally.stray.Add(1)
		return answerOK
	}
	switch r.manner {
	case hangs:
		return nil
	case failsFirst:
		if !r.lane.tried.set(seq) {
			return answerFail
		}
	}
	r.tally.arrive(r.lane, seq)
	return answerOK
}

// close ends all connections and waits until nothing of r runs.
func (r *receiver) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	r.closed = true
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.conns.Wait()
}
