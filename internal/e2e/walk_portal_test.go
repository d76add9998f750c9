package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

// shop is a customer with an endpoint that does not answer well until it is mended.
type shop struct {
	*Server
	t        *testing.T
	app      string
	receiver *Receiver
	mended   atomic.Bool
	looking  chan struct{} // closed once somebody looks on: only then the mended endpoint answers
	messages []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, Server: Start(t, Options{Settings: map[string]string{"retry-schedule": "1h", "disable-after": "0", "log-level": "warn"}}), receiver: NewReceiver(t), looking: make(chan struct{})}
	s.app = s.CreateApp("Duka Online")
	s.CreateEventTypes("order.made", "order.paid")
	return s
}

// link is a link into the portal.
func (s *shop) link() string {
	s.t.Helper()
	var out struct{ URL string }
	s.Call(http.MethodPost, "/api/v1/auth/app-portal-access/"+s.app, map[string]any{}, &out, http.StatusOK)
	return out.URL
}

func (s *shop) publish(payload map[string]any) (id string) {
	s.t.Helper()
	var out struct{ ID string }
	s.Call(http.MethodPost, "/api/v1/app/"+s.app+"/msg", map[string]any{"eventType": "order.made", "payload": payload}, &out, http.StatusAccepted)
	return out.ID
}

// addEndpoint makes the endpoint, as the customer's own program would.
func (s *shop) addEndpoint() {
	s.t.Helper()
	secret := webhook.NewSecret()
	s.receiver.Expect("crm", webhook.NewVerifier(secret), func(*http.Request, *Delivery) int {
		if s.mended.Load() {
			<-s.looking
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	})
	s.Call(http.MethodPost, "/api/v1/app/"+s.app+"/endpoint", map[string]any{"url": s.receiver.URL("crm"), "description": "CRM", "filterTypes": []string{"order.made"}, "secret": secret.Reveal()}, nil, http.StatusCreated)
}

// fail publishes orders, and waits until the endpoint has refused all of them.
func (s *shop) fail(orders int) {
	s.t.Helper()
	for i := range orders {
		note := "an ordinary order"
		if i == 2 {
			note = "leave it with the watchman"
		}
		s.messages = append(s.messages, s.publish(map[string]any{"order": i + 1, "note": note}))
	}
	until(s.t, "all attempts are noted", func() bool {
		for _, id := range s.messages {
			if len(s.Attempts(s.app, id)) < 2 { // one at the play bin
				return false
			}
		}
		return true
	})
}

// TestWalk_ACustomerDoesTheTenTasks goes through what customers come to the portal for.
func TestWalk_ACustomerDoesTheTenTasks(t *testing.T) {
	eachHand(t, func(t *testing.T, p *person) {
		s := newShop(t)

		// Enter by a link.
		p.open(s.link())
		p.until(`location.pathname === "/portal" && !location.hash && document.readyState === "complete"`)
		p.sees("Nothing is connected yet")

		// Add an endpoint with Play, send it a test, and see that its signature was verified.
		began := p.steps
		p.follow("button", "Use a play bin")
		p.hears("Made a play bin")
		p.follow("button", "Send the test")
		p.hears("Right: it answered 200")
		p.follow("link", "See it in the bin")
		p.sees("verified", "made with a secret that is known here")
		if n := p.steps - began; n > 4 {
			t.Errorf("it takes %d steps to a verified test event, and should take four", n)
		}
		p.back()

		// Find a message by a word in its payload.
		s.addEndpoint()
		const orders = 8
		s.fail(orders)
		p.follow("link", "Logs")
		p.write("Search", "watchman")
		p.hears("1 message")
		p.keepsPlace()
		p.follow("link", "Failed, waiting : order.made, "+s.messages[2])
		p.sees("leave it with the watchman", s.messages[2])

		// See why its attempt failed.
		p.follow("link", "CRM: attempt 1")
		p.sees("503", "What to do")

		// Send it again, after the server was mended.
		s.mended.Store(true)
		p.follow("button", "Resend")
		p.hears("Queued: attempt 2")
		close(s.looking)
		p.hears("Delivered")
		s.receiver.Taken(personTime, "crm", s.messages[2])

		// Recover a range of time: what is counted is what is sent, slowly enough to look at.
		p.follow("link", "Endpoints")
		p.follow("link", "CRM")
		p.follow("link", "Recover")
		now := time.Now().UTC()
		p.writeTime("From", now.Add(-2*time.Hour))
		p.writeTime("Until", now.Add(-time.Hour))
		p.follow("button", "Count, and send nothing yet")
		p.hears("Nothing failed in that time")
		p.writeTime("Until", now.Add(time.Hour))
		p.write("At most so many a second", "2")
		p.follow("button", "Count, and send nothing yet")
		p.hears(fmt.Sprintf("%d events will be sent", orders-1))
		p.follow("button", fmt.Sprintf("Send %d events", orders-1))
		p.hears("Started")
		p.stays("button", "Cancel")
		p.sees("Running", fmt.Sprintf("of %d", orders-1))
		p.hears("Done")
		p.keepsPlace()
		p.sees(fmt.Sprintf("%d of %d", orders-1, orders-1))
		s.receiver.Taken(personTime, "crm", s.messages...)

		// Rotate the secret: for a day both sign.
		p.follow("link", "Signing")
		p.act("DisclosureTriangle", "Rotate")
		p.choose("The old one signs along for", "3 days")
		p.follow("button", "Rotate the secret")
		p.hears("Rotated")
		p.follow("button", "Show secrets")
		p.sees("whsec_", "until")
		for _, text := range strings.Fields(p.text(`[...document.querySelectorAll(".secret code")].map((c) => c.textContent).join(" ")`)) {
			secret, err := webhook.ParseSecret(text)
			if err != nil {
				t.Fatal(err)
			}
			s.receiver.Expect("crm", webhook.NewVerifier(secret), nil)
			s.receiver.Taken(personTime, "crm", s.publish(map[string]any{"order": 0}))
		}

		// Disable the endpoint, and enable it.
		p.follow("link", "Overview")
		p.follow("button", "Pause")
		p.hears("Paused")
		p.follow("button", "Resume")
		p.hears("On again")
	})
}
