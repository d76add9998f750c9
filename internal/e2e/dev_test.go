package e2e

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDev_ShowsOneMessageGoThroughEverything starts dev as a new user does, reads its trace, and opens its links.
func TestDev_ShowsOneMessageGoThroughEverything(t *testing.T) {
	t.Parallel()
	s := New(t, Options{Command: []string{"dev"}})
	s.Launch()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(s.Log(), "Ctrl-C stops.") {
		select {
		case <-s.Ended():
			t.Fatal("dev ended by itself")
		case <-ctx.Done():
			t.Fatal("dev has printed no trace")
		case <-tick.C:
		}
	}
	log := s.Log()
	at := 0
	for _, step := range []string{"push ", "verified ", "answered ", "accepted ", "delivered ", "read "} {
		i := strings.Index(log[at:], step)
		if i < 0 {
			t.Fatalf("the trace lacks %q, or has it too early:\n%s", step, log)
		}
		at += i
	}
	for _, event := range []string{"conversation.new", "message.inbound", "message.received", "message.queued", "message.sent", "message.delivered", "message.read"} {
		if !regexp.MustCompile(regexp.QuoteMeta(event) + ` +→ play bin, signature verified`).MatchString(log) {
			t.Errorf("the trace lacks the event %s", event)
		}
	}
	links := regexp.MustCompile(regexp.QuoteMeta(s.URL)+`/(play/|metrics|readyz|openapi)\S*`).FindAllString(log, -1)
	if len(links) < 4 {
		t.Errorf("got the links %v, want four of them", links)
	}
	for _, link := range links {
		resp, err := s.Do(ctx, http.MethodGet, strings.TrimPrefix(link, s.URL), nil, nil)
		if err != nil || resp.Status != http.StatusOK {
			t.Errorf("open %s: got %v, %v", link, resp, err)
		}
	}
	s.Stop()
	s.Launch() // a second start finds the demo and goes through it again
	for strings.Count(s.Log(), "Ctrl-C stops.") < 2 {
		select {
		case <-s.Ended():
			t.Fatal("the second dev ended by itself")
		case <-ctx.Done():
			t.Fatal("the second dev has printed no trace")
		case <-tick.C:
		}
	}
	s.Stop()
}
