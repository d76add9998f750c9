package e2e

import (
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// slowDeliveries is a server with events that its only endpoint does not answer until gate is closed, some of them in flight.
func slowDeliveries(t *testing.T, kind Kind, grace string) (s *Server, r *Receiver, app string, ids []string, gate chan struct{}) {
	t.Helper()
	const events, inFlight = 40, 4
	s = Start(t, Options{Kind: kind, Settings: map[string]string{"retry-schedule": "100ms,200ms,500ms,1s,2s", "shutdown-timeout": grace}})
	r, app, gate = NewReceiver(t), s.CreateApp("slow"), make(chan struct{})
	arrived := make(chan struct{}, 10*events)
	r.CreateEndpoint(s, app, "slow", EndpointIn{}, func(req *http.Request, _ *Delivery) int {
		arrived <- struct{}{}
		select {
		case <-gate:
			return http.StatusOK
		case <-req.Context().Done():
			return http.StatusServiceUnavailable
		}
	})
	for n := range events {
		var out struct{ ID string }
		s.Call(http.MethodPost, "/api/v1/app/"+app+"/msg", map[string]any{"eventType": "slow", "payload": map[string]string{"n": strconv.Itoa(n)}}, &out,
			http.StatusAccepted)
		ids = append(ids, out.ID)
	}
	for range inFlight {
		select {
		case <-arrived:
		case <-time.After(20 * time.Second):
			t.Fatal("the deliveries do not begin")
		}
	}
	return s, r, app, ids, gate
}

// TestStop_LetsRunningDeliveriesEnd asks a server with slow deliveries open to end, and lets them be answered then.
func TestStop_LetsRunningDeliveriesEnd(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		s, r, app, ids, gate := slowDeliveries(t, kind, "20s")
		s.Signal(syscall.SIGTERM)
		close(gate)
		if err := s.Wait(); err != nil {
			t.Errorf("the server did not end well: %v", err)
		}
		s.Start()
		r.Taken(20*time.Second, "slow", ids...)
		once(t, r)
		failures(t, s, app, ids)
	})
}

// TestStop_ReturnsWhatDoesNotEndToTheQueue asks a server with deliveries open to end that are never answered.
func TestStop_ReturnsWhatDoesNotEndToTheQueue(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		s, r, app, ids, gate := slowDeliveries(t, kind, "1s")
		start := time.Now()
		s.Stop()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the stop took %s with a shutdown-timeout of 1s", took)
		}
		close(gate)
		s.Start()
		r.Taken(20*time.Second, "slow", ids...)
		once(t, r)
		failures(t, s, app, ids)
	})
}

// once checks that no event was taken twice: nothing crashed.
func once(t *testing.T, r *Receiver) {
	t.Helper()
	taken := map[string]int{}
	for _, d := range r.Deliveries() {
		if d.OK() {
			taken[d.ID]++
		}
	}
	for id, n := range taken {
		if n > 1 {
			t.Errorf("event %s was taken %d times", id, n)
		}
	}
}

// failures checks that being cut off by a stop does not count as a failed attempt.
func failures(t *testing.T, s *Server, app string, ids []string) {
	t.Helper()
	for _, id := range ids {
		for _, a := range s.Attempts(app, id) {
			if a.Status == 2 {
				t.Errorf("event %s has a failed attempt: %+v", id, a)
			}
		}
	}
}
