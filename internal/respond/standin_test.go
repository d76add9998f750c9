package respond_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// standIn is somebody else's server on loopback. Its answer is what answer writes.
type standIn struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
}

type seen struct {
	path   string
	header http.Header
	body   []byte
}

func newStandIn(t testing.TB, answer http.HandlerFunc) *standIn {
	t.Helper()
	s := &standIn{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests = append(s.requests, seen{r.Method + " " + r.URL.RequestURI(), r.Header.Clone(), body})
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// only is the one request that was made.
func (s *standIn) only(t testing.TB) seen {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.requests) != 1 {
		t.Fatalf("got %d requests, want 1", len(s.requests))
	}
	return s.requests[0]
}

// json is the body of the one request.
func (s *standIn) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(s.only(t).body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var noon = time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)

// loopback are options that let responders call servers on loopback.
func loopback(t testing.TB) respond.Options {
	t.Helper()
	guard := safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	client := safehttp.New(safehttp.Options{Guard: guard})
	t.Cleanup(client.Close)
	return respond.Options{HTTP: client, Guard: guard, Now: func() time.Time { return noon }}
}

// remoteResponder builds the responder of a configuration whose fields are given beside those in fields.
func remoteResponder(t testing.TB, fields map[string]any, more map[string]any, opts ...respond.Options) hookswitch.Responder {
	t.Helper()
	for k, v := range more {
		fields[k] = v
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	o := loopback(t)
	if len(opts) > 0 {
		o = opts[0]
	}
	r, err := respond.New(config(t, string(raw)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type object = map[string]any

// respondClient is a client that reaches public addresses only.
func respondClient(t testing.TB) *safehttp.Client {
	t.Helper()
	client := safehttp.New(safehttp.Options{})
	t.Cleanup(client.Close)
	return client
}
