package travtus_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	svix "github.com/svix/svix-webhooks/go"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// published are the waits between the attempts, by the portal page ("Immediate, 5 seconds, 5 minutes, 30 minutes, 2 hours, 5 hours, 10 hours (repeated)") and the getting-started page.
var published = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour}

// fail has the answer to a new message fail at the receiver through the whole schedule, and returns how long that took.
func (s *surface) fail(r *servicetest.Receiver, id string) time.Duration {
	s.t.Helper()
	began := s.Clock.Now()
	s.post(sms(id, "Hello", "c-"+id))
	for try := range len(published) + 1 {
		<-r.C
		servicetest.Eventually(s.t, "the attempt is stored", func() bool {
			s.Flush()
			events := s.Events(s.app)
			var ev *hookswitch.Event
			for _, e := range events {
				if e.Type == "sms.respond" {
					ev = e
				}
			}
			d := s.Delivery(hookswitch.DeliverWebhook, ev.Key, ev.Targets[0].Endpoint)
			if d == nil || d.Owner != 0 || d.Tries != try+1 {
				return false
			}
			if try < len(published) {
				if wait := d.NextAt.Sub(s.Clock.Now()); wait < published[try]*9/10 || wait > published[try]*11/10 {
					s.t.Errorf("after attempt %d it waits %v, published is %v", try+1, wait, published[try])
				}
				s.Clock.Advance(d.NextAt.Sub(s.Clock.Now()))
			}
			return true
		})
	}
	return s.Clock.Now().Sub(began)
}

// Section 7, 7.1, 7.2 and 7.3, in virtual time: eight attempts over 27 h 35 min 5 s, disabled after five days of nothing else, told to the endpoint that asks for it, enabled again, and
// what was missed recovered.
func TestDelivery_FromTheFirstFailureToTheRecovery(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		r, watcher := servicetest.NewReceiver(t), servicetest.NewReceiver(t)
		r.Answer(servicetest.Status(http.StatusBadRequest)) // section 10: 4xx is retried like every failure
		ep := s.Endpoint(s.app, r.URL, servicetest.Filter("sms.respond"))
		s.Endpoint(s.app, watcher.URL, servicetest.Filter("endpoint.disabled"))
		s.withBot(&bot{})

		if took, want := s.fail(r, "0"), 27*time.Hour+35*time.Minute+5*time.Second; took < want-time.Millisecond || took > want+time.Millisecond {
			t.Errorf("eight attempts took %v, want %v", took, want)
		}
		since := s.Clock.Now()
		s.Clock.Advance(120 * time.Hour)
		s.token = s.newToken()
		s.fail(r, "1")
		told := <-watcher.C
		ids := s.Service.IDs()
		want := `{"type":"endpoint.disabled","data":{"appId":"` + ids.Format(hookswitch.KindApp, s.app.Key) + `","endpointId":"` + ids.Format(hookswitch.KindEndpoint, ep.Key) +
			`","failSince":"` + since.Format("2006-01-02T15:04:05.000000Z") + `","trigger":"automatic"}}`
		if string(told.Body) != want {
			t.Errorf("section 7.2: got  %s\nwant %s", told.Body, want)
		}
		s.token = s.newToken()
		s.post(sms("2", "while it is disabled", "c-2"))
		s.waitAnswers("sms.respond", 3)

		s.Enable(ep)
		r.Answer(nil)
		if now := servicetest.Must(s.Service.Endpoint(t.Context(), s.app.Key, ids.Format(hookswitch.KindEndpoint, ep.Key)))(t); now.Disabled || !now.FailSince.IsZero() {
			t.Errorf("enabled again: %+v", now)
		}
		s.recover(ep)
		secret := servicetest.Must(s.Service.Endpoint(t.Context(), s.app.Key, ids.Format(hookswitch.KindEndpoint, ep.Key)))(t).Secrets[0].Secret
		hook := servicetest.Must(svix.NewWebhook(secret.Reveal()))(t)
		before, bodies := 2*(len(published)+1), map[string]bool{}
		servicetest.Eventually(t, "all three answers are there", func() bool {
			s.Clock.Advance(time.Second) // tasks go on by the clock
			for _, got := range r.Got()[before:] {
				bodies[string(got.Body)] = true
				if err := hook.VerifyIgnoringTimestamp(got.Body, got.Header); err != nil {
					t.Errorf("section 6.3: %v", err)
				}
				if !strings.HasPrefix(got.Header.Get("svix-id"), "msg_") || !strings.HasPrefix(got.Header.Get("svix-signature"), "v1,") || got.Header.Get("svix-timestamp") == "" {
					t.Errorf("section 6.3: %v", got.Header)
				}
			}
			return len(bodies) == 3
		})
	})
}

// recover asks for everything that the endpoint has missed.
func (s *surface) recover(ep *hookswitch.Endpoint) {
	s.t.Helper()
	ids, ctx := s.Service.IDs(), s.t.Context()
	since := servicetest.Start.Add(-time.Hour)
	id := ids.Format(hookswitch.KindEndpoint, ep.Key)
	s.Clock.Advance(3 * time.Second) // tasks leave the last moments to what is still being stored
	for _, kind := range []hookswitch.TaskKind{hookswitch.TaskRecover, hookswitch.TaskReplay} {
		servicetest.Must(s.Service.StartRecovery(ctx, kind, s.app.Key, id, service.Recovery{Since: since}, service.Idempotency{}))(s.t)
	}
	s.Clock.Advance(3 * time.Second)
}
