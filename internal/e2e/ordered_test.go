package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// ordered makes an endpoint that gets one event at a time, and expects what it posts to r.
func (r *Receiver) ordered(s *Server, app, name string, answer func(*http.Request, *Delivery) int) (id string) {
	r.tb.Helper()
	id = r.CreateEndpoint(s, app, name, EndpointIn{}, answer)
	s.Call(http.MethodPatch, "/api/v1/app/"+app+"/endpoint/"+id, map[string]any{"fifo": true}, nil, http.StatusOK)
	return id
}

// TestOrdered_ThroughKills kills a server at random while one publisher makes events, each until it is taken. The receiver of an ordered endpoint, which fails now
// and then, takes them in the order of publishing, and never has two at once.
func TestOrdered_ThroughKills(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		s := Start(t, Options{Kind: kind, Settings: map[string]string{"retry-schedule": "20ms,50ms,100ms", "log-level": "warn"}})
		app, r := s.CreateApp("ordered"), NewReceiver(t)
		var inFlight atomic.Int32
		var requests atomic.Int64
		r.ordered(s, app, "queue", func(*http.Request, *Delivery) int {
			defer inFlight.Add(-1)
			if n := inFlight.Add(1); n > 1 {
				t.Errorf("%d requests are in flight", n)
			}
			if requests.Add(1)%7 == 0 {
				return http.StatusServiceUnavailable
			}
			return http.StatusOK
		})
		const events = 150
		var published atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			again := time.NewTicker(10 * time.Millisecond)
			defer again.Stop()
			for n := range events {
				body := fmt.Appendf(nil, `{"eventType":"a","eventId":"e%d","payload":{"n":%d}}`, n, n)
				for {
					resp, err := s.Do(t.Context(), http.MethodPost, "/api/v1/app/"+app+"/msg", body, nil)
					if err == nil && (resp.Status == http.StatusAccepted || resp.Status == http.StatusConflict) {
						published.Add(1)
						break
					}
					select {
					case <-again.C:
					case <-t.Context().Done():
						return
					}
				}
			}
		}()
		for round := range 4 {
			at := int64((round + 1) * events / 6)
			until(t, fmt.Sprintf("%d are published", at), func() bool { return published.Load() >= at })
			s.RunFor(rand.N(20 * time.Millisecond))
			s.Kill()
			s.Start()
		}
		<-done
		var order []int
		seen := make(map[int]bool)
		r.Wait(60*time.Second, func(fresh []*Delivery) (bool, string) {
			for _, d := range fresh {
				var body struct{ N int }
				if err := json.Unmarshal(d.Body, &body); err != nil {
					t.Fatal(err)
				}
				if d.OK() && !seen[body.N] {
					seen[body.N] = true
					order = append(order, body.N)
				}
			}
			return len(order) == events, fmt.Sprintf("%d of %d have arrived", len(order), events)
		})
		if !slices.IsSorted(order) {
			t.Errorf("they arrived in the order %v", order)
		}
	})
}

// TestThrottle_HoldsInAnySecond publishes a burst for an endpoint with a rate. No second has more of it than the rate allows, and all of it arrives.
func TestThrottle_HoldsInAnySecond(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		s := Start(t, Options{Kind: kind, Settings: map[string]string{"log-level": "warn"}})
		app, r := s.CreateApp("throttled"), NewReceiver(t)
		id := r.CreateEndpoint(s, app, "slow", EndpointIn{}, nil)
		path := "/api/v1/app/" + app + "/endpoint/" + id
		s.Call(http.MethodPatch, path, map[string]any{"throttleRate": 10}, nil, http.StatusOK)
		r.CreateEndpoint(s, app, "fast", EndpointIn{}, nil)
		const events = 60
		ids := make([]string, events)
		for i := range ids {
			var out struct{ ID string }
			s.Call(http.MethodPost, "/api/v1/app/"+app+"/msg", map[string]any{"eventType": "a", "payload": map[string]any{}}, &out, http.StatusAccepted)
			ids[i] = out.ID
		}
		r.Taken(3*time.Second, "fast", ids...)
		var status struct{ Status, ThrottledSince string }
		if s.Call(http.MethodGet, path+"/rate-limit-status", nil, &status, http.StatusOK); status.Status != "RateLimited" || status.ThrottledSince == "" {
			t.Errorf("while it waits: %+v", status)
		}
		r.Taken(30*time.Second, "slow", ids...)
		var at []time.Time
		for _, d := range r.Deliveries() {
			if d.Endpoint == "slow" {
				at = append(at, d.At)
			}
		}
		if len(at) != events {
			t.Errorf("%d requests for %d events", len(at), events)
		}
		from := 0
		for i := range at {
			for at[i].Sub(at[from]) >= 900*time.Millisecond { // arrival varies a little more than sending does
				from++
			}
			if n := i + 1 - from; n > 11 {
				t.Fatalf("%d requests within a second", n)
			}
		}
		if s.Call(http.MethodGet, path+"/rate-limit-status", nil, &status, http.StatusOK); status.Status != "Ok" {
			t.Errorf("afterwards: %+v", status)
		}
	})
}
