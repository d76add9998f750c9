package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// outage is a server whose database goes away and comes back, and what it acknowledged meanwhile.
type outage struct {
	t     *testing.T
	s     *Server
	r     *Receiver
	proxy *proxy
	app   string
	n     int
	acked []string
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	Postgres.need(t)
	direct := Postgres.database(t, "")
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal("the database URL is not a valid URL")
	}
	p := newProxy(t, u.Host)
	u.Host = p.listener.Addr().String()
	s := Start(t, Options{Kind: Postgres, Settings: map[string]string{"database": u.String(), "retry-schedule": "100ms,200ms,500ms,1s,1s,1s,1s",
		"log-level": "warn"}})
	o := &outage{t: t, s: s, r: NewReceiver(t), proxy: p, app: s.CreateApp("outage")}
	o.r.CreateEndpoint(s, o.app, "all", EndpointIn{}, nil)
	o.until(http.StatusAccepted)
	return o
}

// publish asks the server to take an event. Anything but 202, and 503 with Retry-After, fails the test.
func (o *outage) publish(ctx context.Context) int {
	o.t.Helper()
	o.n++
	resp, err := o.s.Do(ctx, http.MethodPost, "/api/v1/app/"+o.app+"/msg",
		fmt.Appendf(nil, `{"eventType":"outage","payload":{"n":%d}}`, o.n), nil)
	if err != nil {
		o.t.Errorf("publish got no answer: %v", err)
		return 0
	}
	switch resp.Status {
	case http.StatusAccepted:
		var out struct{ ID string }
		if err := json.Unmarshal(resp.Body, &out); err != nil || out.ID == "" {
			o.t.Errorf("publish was answered with %s", resp.Body)
			return 0
		}
		o.acked = append(o.acked, out.ID)
	case http.StatusServiceUnavailable:
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || seconds < 1 {
			o.t.Errorf("publish was refused with Retry-After %q, want seconds", resp.Header.Get("Retry-After"))
		}
	default:
		o.t.Errorf("publish was answered with %d: %s", resp.Status, resp.Body)
	}
	return resp.Status
}

// until publishes until the answer is status.
func (o *outage) until(status int) {
	o.t.Helper()
	until(o.t, fmt.Sprintf("publish is answered with %d", status), func() bool {
		if !o.s.Running() {
			o.t.Fatal("the server ended because its database was away")
		}
		return o.publish(o.t.Context()) == status
	})
}

// whole checks that nothing acknowledged was lost and that the process is the same as at the beginning.
func (o *outage) whole() {
	o.t.Helper()
	o.r.Taken(30*time.Second, "all", o.acked...)
	if o.s.lives != 1 || !o.s.Running() {
		o.t.Error("the server ended because its database was away")
	}
	o.s.Stop()
}

func TestOutage_RefusesWithRetryAfterAndRecovers(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	for range 3 {
		o.proxy.setCut(true)
		o.until(http.StatusServiceUnavailable)
		o.s.Call(http.MethodGet, "/healthz", nil, nil, http.StatusOK)
		o.s.Call(http.MethodGet, "/readyz", nil, nil, http.StatusServiceUnavailable)
		o.proxy.setCut(false)
		o.until(http.StatusAccepted)
	}
	o.whole()
}

func TestOutage_SurvivesTheEndOfItsConnections(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	u, err := url.Parse(o.s.Database)
	if err != nil {
		t.Fatal("the database URL is not a valid URL")
	}
	for range 5 {
		for range 10 {
			o.publish(t.Context())
		}
		if err := administer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, strings.TrimPrefix(u.Path, "/")); err != nil {
			t.Fatalf("end the connections: %v", err)
		}
		o.until(http.StatusAccepted)
	}
	o.whole()
}

// TestOutage_ResumesAfterAStall holds back every byte between server and database for a while, as a stopped process or a full network does.
func TestOutage_ResumesAfterAStall(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.proxy.setStalled(true)
	statuses := make(chan int, 1)
	var caller sync.WaitGroup
	caller.Go(func() { statuses <- o.publish(t.Context()) })
	// Either the server refuses while the database stalls, or the answer comes after the stall.
	answer := 0
	select {
	case answer = <-statuses:
	case <-time.After(2 * time.Second):
	}
	o.proxy.setStalled(false)
	caller.Wait()
	if answer == http.StatusAccepted {
		t.Error("an event was acknowledged while the database stalled")
	}
	o.until(http.StatusAccepted)
	o.whole()
}
