package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

// Delivery is one request that a Receiver got and answered.
type Delivery struct {
	Endpoint string // name given to Expect
	ID       string // that the signature covers
	Header   http.Header
	Body     []byte
	Status   int // it was answered with
	At       time.Time
}

// OK reports whether the answer took the delivery.
func (d *Delivery) OK() bool { return d.Status >= 200 && d.Status <= 299 }

// Receiver stands for any number of endpoints. Each lies under a path of its own.
type Receiver struct {
	tb     testing.TB
	server *httptest.Server

	mu         sync.Mutex // guards everything below
	endpoints  map[string]*expectation
	deliveries []*Delivery
	changed    chan struct{} // closed and made anew with each delivery
}

type expectation struct {
	proof  *webhook.Verifier
	answer func(*http.Request, *Delivery) int
}

// NewReceiver starts a Receiver that ends with the test. A request whose signature is wrong, or to a path nobody expects, fails the test.
func NewReceiver(tb testing.TB) *Receiver {
	r := &Receiver{tb: tb, endpoints: map[string]*expectation{}, changed: make(chan struct{})}
	r.server = httptest.NewServer(http.HandlerFunc(r.receive))
	tb.Cleanup(func() {
		r.server.CloseClientConnections()
		r.server.Close()
	})
	return r
}

// URL is the address of the endpoint called name.
func (r *Receiver) URL(name string) string { return r.server.URL + "/" + name }

// Expect makes r take what proof proves under name. answer decides on the status; nil takes everything. It may block, and runs before
// the delivery counts.
func (r *Receiver) Expect(name string, proof *webhook.Verifier, answer func(*http.Request, *Delivery) int) {
	if answer == nil {
		answer = func(*http.Request, *Delivery) int { return http.StatusOK }
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endpoints[name] = &expectation{proof, answer}
}

// CreateEndpoint makes an endpoint of an app on s that posts to r under name, and expects what it posts. URL and secret in in are left empty.
func (r *Receiver) CreateEndpoint(s *Server, app, name string, in EndpointIn, answer func(*http.Request, *Delivery) int) (id string) {
	r.tb.Helper()
	in.URL = r.URL(name)
	id, proof := s.CreateEndpoint(app, in)
	r.Expect(name, proof, answer)
	return id
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.Path, "/")
	r.mu.Lock()
	e := r.endpoints[name]
	r.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxAnswer))
	if err != nil {
		return // the server was killed in the middle
	}
	if e == nil {
		r.tb.Errorf("a request for %s, where no endpoint is", req.URL.Path)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	id, err := e.proof.VerifyID(req.Header, body)
	if err != nil {
		r.tb.Errorf("a request for endpoint %s does not verify: %v", name, err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	d := &Delivery{Endpoint: name, ID: id, Header: req.Header, Body: body}
	d.Status = e.answer(req, d)
	r.record(d)
	w.WriteHeader(d.Status)
}

func (r *Receiver) record(d *Delivery) {
	d.At = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliveries = append(r.deliveries, d)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Deliveries are all so far, in the order of their answers.
func (r *Receiver) Deliveries() []*Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.deliveries)
}

// Wait waits until enough reports true. It is given the deliveries that are new since it was last asked, beginning with all so far. The test fails
// with what is missing, which enough tells, when that does not happen within limit.
func (r *Receiver) Wait(limit time.Duration, enough func(fresh []*Delivery) (ok bool, missing string)) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for seen := 0; ; {
		r.mu.Lock()
		changed, fresh := r.changed, r.deliveries[seen:]
		r.mu.Unlock()
		seen += len(fresh)
		ok, missing := enough(fresh)
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			r.tb.Fatalf("after %s: %s", limit, missing)
		}
	}
}

// Taken waits until the endpoint called name has taken each of the events.
func (r *Receiver) Taken(limit time.Duration, name string, events ...string) {
	r.tb.Helper()
	open := make(map[string]bool, len(events))
	for _, id := range events {
		open[id] = true
	}
	r.Wait(limit, func(fresh []*Delivery) (bool, string) {
		for _, d := range fresh {
			if d.Endpoint == name && d.OK() {
				delete(open, d.ID)
			}
		}
		for id := range open {
			return false, fmt.Sprintf("endpoint %s has not taken %d of %d events, among them %s", name, len(open), len(events), id)
		}
		return true, ""
	})
}
