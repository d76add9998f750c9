package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// taskOut is a background task as the Svix-shaped API shows it.
type taskOut struct {
	ID, Status, Task string
	Data             struct {
		Total, Done, Skipped int
		Canceled             bool
	}
}

// TestRecovery_OverCrashesSendsEachEventOnce kills the server in the middle of a recover, several times. In the end each event that had failed was sent, and none twice but
// what was in flight at a crash.
func TestRecovery_OverCrashesSendsEachEventOnce(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		const total = 2000
		s := Start(t, Options{Kind: kind, Settings: map[string]string{"retry-schedule": "1h", "log-level": "warn", "disable-after": "0"}})
		r := NewReceiver(t)
		app := s.CreateApp("recovery")
		var well atomic.Bool
		var mu sync.Mutex
		taken := map[string][]time.Time{}
		endpoint := r.CreateEndpoint(s, app, "failing", EndpointIn{}, func(_ *http.Request, d *Delivery) int {
			if !well.Load() {
				return http.StatusInternalServerError
			}
			time.Sleep(2 * time.Millisecond) // so that a crash finds some in flight
			mu.Lock()
			defer mu.Unlock()
			taken[d.ID] = append(taken[d.ID], time.Now())
			return http.StatusNoContent
		})
		r.CreateEndpoint(s, app, "other", EndpointIn{}, nil)
		var next atomic.Int64
		var publishers sync.WaitGroup
		for range 8 {
			publishers.Go(func() {
				for n := next.Add(1); n <= total; n = next.Add(1) {
					resp, err := s.Do(t.Context(), http.MethodPost, "/api/v1/app/"+app+"/msg", fmt.Appendf(nil, `{"eventType":"order.made","payload":{"n":%d}}`, n), nil)
					if err != nil || resp.Status != http.StatusAccepted {
						t.Errorf("publish: %v, %v", resp, err)
						return
					}
				}
			})
		}
		publishers.Wait()
		path, body := "/api/v1/app/"+app+"/endpoint/"+endpoint, map[string]any{"since": time.Now().Add(-time.Hour)}
		count := func() (n int) {
			var out struct{ Count int }
			s.Call(http.MethodPost, path+"/recover?dry_run=true", body, &out, http.StatusOK)
			return out.Count
		}
		until(t, "all have failed", func() bool { return count() == total })
		others := 0
		r.Wait(30*time.Second, func(fresh []*Delivery) (bool, string) {
			for _, d := range fresh {
				if d.Endpoint == "other" {
					others++
				}
			}
			return others == total, fmt.Sprintf("the other endpoint has %d of %d", others, total)
		})
		well.Store(true)

		var task taskOut
		s.Call(http.MethodPost, path+"/recover", body, &task, http.StatusAccepted)
		sent := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(taken)
		}
		var kills []kill
		for _, part := range []int{total / 10, total * 4 / 10, total * 7 / 10} {
			until(t, fmt.Sprintf("%d are sent", part), func() bool { return sent() >= part })
			k := kill{from: time.Now()}
			s.Kill()
			k.to = time.Now()
			kills = append(kills, k)
			s.Start()
		}
		until(t, "the task ends", func() bool {
			s.Call(http.MethodGet, "/api/v1/background-task/"+task.ID, nil, &task, http.StatusOK)
			return task.Status != "running"
		})
		if task.Status != "finished" || task.Data.Total != total || task.Data.Done != total || task.Data.Skipped != 0 {
			t.Errorf("at the end: %+v", task)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(taken) != total {
			t.Errorf("%d events were sent, want %d", len(taken), total)
		}
		repeats := 0
		for id, times := range taken {
			for i := 1; i < len(times); i++ {
				before, after := times[i-1], times[i]
				repeats++
				if !slices.ContainsFunc(kills, func(k kill) bool {
					return after.After(k.from) && before.Before(k.to.Add(stillRead)) && k.from.Sub(before) < inFlight
				}) {
					t.Errorf("event %s was sent at %s and again at %s, and there was no crash to excuse it", id, before, after)
				}
			}
		}
		t.Logf("%d events, %d crashes, %d sent again", total, len(kills), repeats)
		if n := count(); n != 0 {
			t.Errorf("%d are left to recover", n)
		}
		if others != total || len(r.Deliveries()) < 3*total {
			t.Errorf("the other endpoint has %d, all have %d", others, len(r.Deliveries()))
		}
	})
}
