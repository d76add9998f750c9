package deliver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	svix "github.com/svix/svix-webhooks/go"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// listen makes an operational endpoint for the types. The function returned waits for the next event at it, proves its signature with the official library, and returns it.
func listen(t *testing.T, w *servicetest.World, types ...string) func() string {
	t.Helper()
	r := servicetest.NewReceiver(t)
	org := servicetest.Must(w.Service.Organization(t.Context()))(t)
	ep := w.Endpoint(org, r.URL, servicetest.Filter(types...))
	wh := servicetest.Must(svix.NewWebhook(ep.Secrets[0].Secret.Reveal()))(t)
	return func() string {
		t.Helper()
		select {
		case got := <-r.C:
			if err := wh.VerifyIgnoringTimestamp(got.Body, got.Header); err != nil {
				t.Errorf("the official library says %v", err)
			}
			return string(got.Body)
		case <-time.After(10 * time.Second):
			t.Fatal("nothing arrives at the operational endpoint")
			return ""
		}
	}
}

// failing publishes an event and has its delivery fail n times.
func failing(t *testing.T, w *servicetest.World, app *hookswitch.App, ep *hookswitch.Endpoint, r *servicetest.Receiver, n int) *hookswitch.Event {
	t.Helper()
	r.Answer(servicetest.Status(http.StatusInternalServerError))
	ev := w.Publish(app, "a")
	failMore(t, w, ev, ep, 0, n)
	return ev
}

// failMore has the delivery, which has been tried from times, fail until it has been tried to times.
func failMore(t *testing.T, w *servicetest.World, ev *hookswitch.Event, ep *hookswitch.Endpoint, from, to int) {
	t.Helper()
	for try := from + 1; try <= to; try++ {
		if try > 1 {
			w.Clock.Advance(waiting(w, ev, ep).NextAt.Sub(w.Clock.Now()))
		}
		attempted(w, ev, try)
		waiting(w, ev, ep)
	}
}

func TestOperational_TellsHowADeliveryFares(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		next := listen(t, w, hookswitch.EventAttemptFailing, hookswitch.EventAttemptExhausted, hookswitch.EventAttemptRecovered)
		r := servicetest.NewReceiver(t)
		app := w.App(func(a *hookswitch.App) { a.UID = "app-uid" })
		ep := w.Endpoint(app, r.URL)
		ids := w.Service.IDs()
		about := func(typ string, ev *hookswitch.Event, uid string, n int) string {
			a := attempts(w, ev)[n-1]
			return fmt.Sprintf(`{"type":%q,"data":{"appId":%q,"appUid":"app-uid","msgId":%q,%s"endpointId":%q,"lastAttempt":{"id":%q,"responseStatusCode":%d,"timestamp":%q}}}`,
				typ, ids.Format(hookswitch.KindApp, app.Key), ids.Format(hookswitch.KindEvent, ev.Key), uid, ids.Format(hookswitch.KindEndpoint, ep.Key),
				ids.Format(hookswitch.KindAttempt, a.Key), a.Code, a.CreatedAt().Format("2006-01-02T15:04:05.000000Z"))
		}

		// Three failures and a success are nothing to tell of.
		few := failing(t, w, app, ep, r, 3)
		r.Answer(nil)
		w.Clock.Advance(waiting(w, few, ep).NextAt.Sub(w.Clock.Now()))
		attempted(w, few, 4)

		r.Answer(servicetest.Status(http.StatusInternalServerError))
		lost := servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", UID: "ev-uid", Payload: []byte(`{}`)}, none))(t)
		failMore(t, w, lost, ep, 0, 4)
		uid := `"msgEventId":"ev-uid",`
		if diff := cmp.Diff(about("message.attempt.failing", lost, uid, 4), next()); diff != "" { // before hours pass, and with them its lease
			t.Error(diff)
		}
		failMore(t, w, lost, ep, 4, 8)
		if diff := cmp.Diff(about("message.attempt.exhausted", lost, uid, 8), next()); diff != "" {
			t.Error(diff)
		}
		// A manual try that fails tells nothing, one that succeeds recovers it.
		resend(w, lost, ep)
		attempted(w, lost, 9)
		waiting(w, lost, ep)
		r.Answer(nil)
		resend(w, lost, ep)
		attempted(w, lost, 10)
		if diff := cmp.Diff(about("message.attempt.recovered", lost, uid, 10), next()); diff != "" {
			t.Error(diff)
		}

		late := failing(t, w, app, ep, r, 4)
		if diff := cmp.Diff(about("message.attempt.failing", late, "", 4), next()); diff != "" {
			t.Error(diff)
		}
		r.Answer(nil)
		w.Clock.Advance(waiting(w, late, ep).NextAt.Sub(w.Clock.Now()))
		body := next()
		if diff := cmp.Diff(about("message.attempt.recovered", late, "", 5), body); diff != "" {
			t.Error(diff)
		}
		var ev models.MessageAttemptRecoveredEvent
		if err := json.Unmarshal([]byte(body), &ev); err != nil || ev.Data.LastAttempt.ResponseStatusCode != 200 || ev.Data.MsgEventId != nil {
			t.Errorf("the official library reads %+v, %v", ev, err)
		}
		if n := len(w.Events(&hookswitch.App{Key: hookswitch.OrganizationApp})); n != 5 {
			t.Errorf("%d operational events, want 5", n)
		}
	})
}

func TestOperational_TheFourthFailureMayBeTheLast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := hookswitch.SvixProfile()
			p.Waits = p.Waits[:3]
			o.Profiles[hookswitch.ProfileSvix] = p
		})
		w.Run(nil)
		next := listen(t, w, hookswitch.EventAttemptFailing, hookswitch.EventAttemptExhausted)
		r := servicetest.NewReceiver(t)
		app := w.App()
		failing(t, w, app, w.Endpoint(app, r.URL), r, 4)
		if got := next(); !strings.HasPrefix(got, `{"type":"message.attempt.exhausted",`) {
			t.Errorf("got %s", got)
		}
	})
}

func TestOperational_WithoutAListenerNothingIsStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		listen(t, w, hookswitch.EventTaskFinished)
		r := servicetest.NewReceiver(t)
		app := w.App()
		ep := w.Endpoint(app, r.URL)
		failing(t, w, app, ep, r, 8)
		late := failing(t, w, app, ep, r, 4)
		r.Answer(nil)
		w.Clock.Advance(waiting(w, late, ep).NextAt.Sub(w.Clock.Now()))
		attempted(w, late, 5)
		if got := w.Types(&hookswitch.App{Key: hookswitch.OrganizationApp}); len(got) != 0 {
			t.Errorf("events %v", got)
		}
	})
}

func TestOperational_AnEndpointDisabledByTheRuleIsToldOfAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		next := listen(t, w, hookswitch.EventEndpointDisabled)
		r := servicetest.NewReceiver(t)
		app := w.App()
		ep := w.Endpoint(app, r.URL)
		failing(t, w, app, ep, r, 8)
		since := fresh(w, ep).FailSince
		if since.IsZero() || fresh(w, ep).Disabled {
			t.Fatal("the first exhausted delivery starts the clock and disables nothing")
		}
		w.Clock.Advance(120 * time.Hour)
		failing(t, w, app, ep, r, 8)
		var ev models.EndpointDisabledEvent
		if err := json.Unmarshal([]byte(next()), &ev); err != nil {
			t.Fatal(err)
		}
		if d := ev.Data; d.EndpointId != w.Service.IDs().Format(hookswitch.KindEndpoint, ep.Key) || !d.FailSince.Equal(since) || *d.Trigger != models.ENDPOINTDISABLEDTRIGGER_AUTOMATIC {
			t.Errorf("%+v", ev)
		}

		gone := w.Endpoint(app, r.URL)
		r.Answer(servicetest.Status(http.StatusGone))
		w.Publish(app, "a")
		if err := json.Unmarshal([]byte(next()), &ev); err != nil || ev.Data.EndpointId != w.Service.IDs().Format(hookswitch.KindEndpoint, gone.Key) {
			t.Errorf("410: %+v, %v", ev, err)
		}
	})
}
