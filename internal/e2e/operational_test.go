package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	svix "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch/webhook"
)

// TestOperational_DisablingIsToldOnceAcrossCrashes has endpoints disabled by the rule while the server is killed: while it tells of it, and then at random moments. Whenever an endpoint is
// disabled exactly one event has come into being with that, and it arrives, signed so that the official library accepts it.
func TestOperational_DisablingIsToldOnceAcrossCrashes(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		o := newOps(t, kind)
		t.Run("while it is told", func(t *testing.T) {
			o.hold()
			id := o.deadEndpoint("held")
			o.publishUntil(id, 0)
			o.s.Kill()
			if n := len(o.told(id)); n != 1 {
				t.Fatalf("%d events tell of it before the crash, want 1", n)
			}
			o.release()
			o.s.Start()
			o.publishUntil(id, 0)
			o.settled(id)
		})
		for i := range 3 {
			id := o.deadEndpoint(fmt.Sprint("random", i))
			o.publishUntil(id, rand.N(250*time.Millisecond))
			o.settled(id)
		}
	})
}

// ops is a server with an operational endpoint, and what that one has been told.
type ops struct {
	t   *testing.T
	s   *Server
	r   *Receiver
	app string

	mu    sync.Mutex                 // guards what follows
	gate  chan struct{}              // while it is not nil and open, the operational endpoint does not answer
	heard map[string]map[string]bool // ids of events by id of the endpoint, answered or not
	taken map[string]bool            // endpoints whose event has been answered
}

func newOps(t *testing.T, kind Kind) *ops {
	o := &ops{t: t, s: Start(t, Options{Kind: kind, Settings: map[string]string{"retry-schedule": "20ms", "disable-after": "100ms", "log-level": "warn"}}),
		r: NewReceiver(t), heard: map[string]map[string]bool{}, taken: map[string]bool{}}
	o.app = o.s.CreateApp("ops")
	secret := webhook.NewSecret()
	official, err := svix.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	o.r.Expect("ops", webhook.NewVerifier(secret), func(req *http.Request, d *Delivery) int { return o.take(official, req, d) })
	o.s.Call(http.MethodPost, "/api/v1/operational-webhook/endpoint", map[string]any{"url": o.r.URL("ops"), "secret": secret.Reveal(), "filterTypes": []string{"endpoint.disabled"}},
		nil, http.StatusCreated)
	return o
}

func (o *ops) take(official *svix.Webhook, req *http.Request, d *Delivery) int {
	if err := official.Verify(d.Body, req.Header); err != nil {
		o.t.Errorf("the official library says %v", err)
	}
	var ev models.EndpointDisabledEvent
	if err := json.Unmarshal(d.Body, &ev); err != nil || ev.Type != "endpoint.disabled" || ev.Data.AppId != o.app || ev.Data.FailSince == nil || *ev.Data.Trigger != models.ENDPOINTDISABLEDTRIGGER_AUTOMATIC {
		o.t.Errorf("got %s, %v", d.Body, err)
	}
	o.mu.Lock()
	gate := o.gate
	if o.heard[ev.Data.EndpointId] == nil {
		o.heard[ev.Data.EndpointId] = map[string]bool{}
	}
	o.heard[ev.Data.EndpointId][d.ID] = true
	o.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-req.Context().Done():
			return http.StatusServiceUnavailable // nobody reads it
		}
	}
	o.mu.Lock()
	o.taken[ev.Data.EndpointId] = true
	o.mu.Unlock()
	return http.StatusNoContent
}

// hold keeps the operational endpoint from answering until release.
func (o *ops) hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gate = make(chan struct{})
}

func (o *ops) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.gate)
	o.gate = nil
}

// told are the ids of the events that tell of the endpoint.
func (o *ops) told(id string) map[string]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.heard[id]
}

// done reports whether the event about the endpoint has come as far as it can.
func (o *ops) done(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken[id] || o.gate != nil && len(o.heard[id]) > 0
}

// deadEndpoint makes an endpoint that takes nothing.
func (o *ops) deadEndpoint(name string) string {
	o.t.Helper()
	o.s.CreateEventTypes(name)
	return o.r.CreateEndpoint(o.s, o.app, name, EndpointIn{EventTypes: []string{name}}, func(*http.Request, *Delivery) int { return http.StatusInternalServerError })
}

// publishUntil publishes events for every endpoint until the one with the id is told of. The server is killed after some time, unless that is 0.
func (o *ops) publishUntil(id string, kill time.Duration) {
	o.t.Helper()
	var killed <-chan time.Time
	if kill > 0 {
		killed = time.After(kill)
	}
	names := []string{"held", "random0", "random1", "random2"}
	n := 0
	until(o.t, "an event tells that the endpoint has been disabled", func() bool {
		body := fmt.Sprintf(`{"eventType":%q,"payload":{}}`, names[n%len(names)])
		n++
		_, _ = o.s.Do(context.Background(), http.MethodPost, "/api/v1/app/"+o.app+"/msg", []byte(body), nil) // what is not accepted is not what this is about
		select {
		case <-killed:
			killed = nil
			o.s.Restart()
		default:
		}
		return o.done(id) && killed == nil
	})
}

// settled checks that the endpoint is disabled, and that one event has told of it.
func (o *ops) settled(id string) {
	o.t.Helper()
	var out struct{ Disabled bool }
	if o.s.Call(http.MethodGet, "/api/v1/app/"+o.app+"/endpoint/"+id, nil, &out, http.StatusOK); !out.Disabled {
		o.t.Error("the endpoint that was told of is not disabled")
	}
	if told := o.told(id); len(told) != 1 {
		o.t.Errorf("the events %v tell of one disabling", told)
	}
}
