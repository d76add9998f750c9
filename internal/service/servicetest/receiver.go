package servicetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Request is one request that a Receiver took.
type Request struct {
	Header http.Header
	URI    string
	Body   []byte
}

// Receiver is a customer's server on loopback. It answers as scripted, and else with 200.
type Receiver struct {
	URL string
	C   chan Request // each request, before it is answered

	mu     sync.Mutex
	answer http.HandlerFunc
	got    []Request
}

// NewReceiver starts a server that lives until the test ends.
func NewReceiver(tb testing.TB) *Receiver {
	r := &Receiver{C: make(chan Request, 4096)}
	s := httptest.NewServer(r)
	tb.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

// Answer sets how requests are answered from now on.
func (r *Receiver) Answer(h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = h
}

// Status answers with a status and no body.
func Status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // cut off
	}
	got := Request{Header: q.Header.Clone(), URI: q.RequestURI, Body: body}
	r.mu.Lock()
	r.got = append(r.got, got)
	answer := r.answer
	r.mu.Unlock()
	r.C <- got
	if answer != nil {
		answer(w, q)
	}
}

// Got are the requests so far.
func (r *Receiver) Got() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request(nil), r.got...)
}
