package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestDev_ShowsOneMessageGoThroughEverything starts dev as a new user does, reads its trace, and opens its links.
func TestDev_ShowsOneMessageGoThroughEverything(t *testing.T) {
	t.Parallel()
	s := New(t, Options{Command: []string{"dev"}})
	s.Launch()
	traced := func(times int) {
		until(t, "dev prints a trace", func() bool {
			if !s.Running() {
				t.Fatal("dev ended by itself")
			}
			return strings.Count(s.Log(), "Ctrl-C stops.") == times
		})
	}
	traced(1)
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
		resp, err := s.Do(t.Context(), http.MethodGet, strings.TrimPrefix(link, s.URL), nil, nil)
		if err != nil || resp.Status != http.StatusOK {
			t.Errorf("open %s: got %v, %v", link, resp, err)
		}
	}
	s.Stop()
	s.Launch() // a second start finds the demo and goes through it again
	traced(2)
	s.Stop()
}
