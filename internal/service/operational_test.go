package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/webhook"
)

// organization is the organisation's own App, whose endpoints are told how deliveries go.
func organization(t *testing.T, w *servicetest.World) *hookswitch.App {
	t.Helper()
	return servicetest.Must(w.Service.Organization(t.Context()))(t)
}

// told are the payloads of the operational events, oldest first, with the ids of app and ep as APP and EP.
func told(t *testing.T, w *servicetest.World, app *hookswitch.App, ep *hookswitch.Endpoint) []string {
	t.Helper()
	var out []string
	for _, ev := range w.Events(organization(t, w)) {
		text := strings.ReplaceAll(string(ev.Payload), w.Service.IDs().Format(hookswitch.KindApp, app.Key), "APP")
		out = append(out, strings.ReplaceAll(text, w.Service.IDs().Format(hookswitch.KindEndpoint, ep.Key), "EP"))
	}
	return out
}

func TestOperational_TellsWhatBecomesOfEndpoints(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org := organization(t, w)
		named, plain := w.App(func(a *hookswitch.App) { a.UID = "app-uid" }), w.App()
		w.Endpoint(named, hookURL) // nobody listens yet
		if got := w.Types(org); len(got) != 0 {
			t.Fatalf("events %v are stored, which nobody wants", got)
		}
		listener := w.Endpoint(org, hookURL)
		ep := w.Endpoint(named, hookURL, func(e *hookswitch.Endpoint) { e.UID = "ep-uid" })
		w.Disable(ep)
		w.Enable(ep)
		if err := w.Service.RotateSecret(t.Context(), named.Key, ep.Key, webhook.Secret{}, time.Hour, none); err != nil {
			t.Fatal(err)
		}
		if err := w.Service.DeleteEndpoint(t.Context(), named.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		about := `"data":{"appId":"APP","appUid":"app-uid","endpointId":"EP","endpointUid":"ep-uid"`
		want := []string{
			`{"type":"endpoint.created",` + about + `}}`,
			`{"type":"endpoint.updated",` + about + `}}`,
			`{"type":"endpoint.disabled",` + about + `,"trigger":"manual"}}`,
			`{"type":"endpoint.updated",` + about + `}}`,
			`{"type":"endpoint.enabled",` + about + `}}`,
			`{"type":"endpoint.updated",` + about + `}}`,
			`{"type":"endpoint.deleted",` + about + `}}`,
		}
		if diff := cmp.Diff(want, told(t, w, named, ep)); diff != "" {
			t.Error(diff)
		}
		for _, ev := range w.Events(org) {
			if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, listener.Key); d == nil || d.App != org.Key {
				t.Errorf("%s is owed as %+v", ev.Type, d)
			}
		}
		bare := w.Endpoint(plain, hookURL)
		if got := told(t, w, plain, bare); got[len(got)-1] != `{"type":"endpoint.created","data":{"appId":"APP","endpointId":"EP"}}` {
			t.Errorf("without uids: %s", got[len(got)-1])
		}
	})
}

func TestOperational_ARepeatedRequestIsToldOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Endpoint(organization(t, w), hookURL)
		for range 2 {
			ep := servicetest.Must(w.Service.CreateEndpoint(t.Context(), app.Key, hookswitch.Endpoint{URL: hookURL}, service.Idempotency{Caller: "c", Key: "make", Route: "r"}))(t)
			if err := w.Service.RotateSecret(t.Context(), app.Key, ep.Key, webhook.Secret{}, 0, service.Idempotency{Caller: "c", Key: "rotate", Route: "r"}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"endpoint.created", "endpoint.updated"}, w.Types(organization(t, w))); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOperational_GoesWhereTheFilterLetsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org := organization(t, w)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		names := map[hookswitch.Key]string{}
		for name, change := range map[string]func(*hookswitch.Endpoint){
			"all": func(*hookswitch.Endpoint) {}, "named": servicetest.Filter(hookswitch.EventEndpointDisabled, hookswitch.EventTaskFinished),
			"others": servicetest.Filter(hookswitch.EventEndpointEnabled), "off": servicetest.Disabled,
		} {
			names[w.Endpoint(org, hookURL, change).Key] = name
		}
		w.Disable(ep)
		for _, ev := range w.Events(org) {
			want := []string{"all", "off held"}
			if ev.Type == hookswitch.EventEndpointDisabled {
				want = []string{"all", "named", "off held"}
			}
			if diff := cmp.Diff(want, targets(ev, names)); diff != "" {
				t.Errorf("%s goes to %s", ev.Type, diff)
			}
		}
		for _, types := range [][]string{{"user.signup"}, {hookswitch.EventEndpointCreated, "message.sent"}, {}} {
			_, err := w.Service.CreateEndpoint(t.Context(), org.Key, hookswitch.Endpoint{URL: hookURL, EventTypes: types}, none)
			wantKind(t, err, hookswitch.Invalid)
		}
	})
}

func TestOperational_NothingIsToldOfOperationalEndpoints(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org := organization(t, w)
		w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.OperationalEvents...))
		ep := w.Endpoint(org, hookURL)
		w.Disable(ep)
		w.Enable(ep)
		w.Endpoint(w.App(), hookURL)
		for _, l := range w.Claim(hookswitch.DeliverWebhook) {
			if err := w.Service.Exhaust(t.Context(), w.Fail(l, 410), true); err != nil {
				t.Fatal(err)
			}
		}
		if got := fresh(t, w, ep); !got.Disabled || got.DisabledBy != "automatic" {
			t.Errorf("gone: disabled %t by %q", got.Disabled, got.DisabledBy)
		}
		if diff := cmp.Diff([]string{"endpoint.created"}, w.Types(org)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOperational_OnlyTheScheduleExhausts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org, app := organization(t, w), w.App()
		ep := w.Endpoint(app, hookURL)
		w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.EventAttemptExhausted, hookswitch.EventEndpointDisabled))
		l := lease(t, w, app, ep)
		w.Succeed(l, false)
		ids := w.Service.IDs()
		if err := w.Service.Resend(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, l.Subject), ids.Format(hookswitch.KindEndpoint, ep.Key), none); err != nil {
			t.Fatal(err)
		}
		again := w.Fail(w.Claim(hookswitch.DeliverWebhook)[0], 410)
		again.Attempt.Manual = true
		if err := w.Service.Exhaust(t.Context(), again, true); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{hookswitch.EventEndpointDisabled}, w.Types(org)); diff != "" {
			t.Errorf("a delivered message was tried again by hand: %s", diff)
		}
	})
}

func TestOperational_AnEndpointThatWasJustMadeMissesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org, app := organization(t, w), w.App()
		// Another process has seen that nobody listens, and is not told of the change.
		other := w.Twin()
		if db.Postgres {
			other = w.OtherNode()
		}
		ep := other.Endpoint(app, hookURL)
		for i := range 3 {
			w.Endpoint(org, hookURL, func(e *hookswitch.Endpoint) { e.UID = fmt.Sprint("u", i) })
			other.Disable(ep)
			other.Enable(ep)
			if got := w.Types(org); len(got) != 4*(i+1) {
				t.Fatalf("after the endpoint %d: events %v", i, got)
			}
		}
	})
}

func TestOrganization_IsHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		for _, kind := range []hookswitch.Kind{hookswitch.KindApp, hookswitch.KindProject} {
			_, err := w.Service.App(t.Context(), w.Service.IDs().Format(kind, hookswitch.OrganizationApp))
			wantKind(t, err, hookswitch.NotFound)
		}
		for _, p := range []store.Page{{Limit: 10}, {Limit: 10, Ascending: true}, {Limit: 10, Before: app.Key}} {
			for _, a := range servicetest.Must(w.Service.Apps(t.Context(), p))(t) {
				if a.Key != app.Key {
					t.Errorf("the list %+v has %+v", p, a)
				}
			}
		}
		// It outlives the process, and its version with it.
		org := organization(t, w)
		w.Endpoint(org, hookURL)
		before := organization(t, w).Version
		if err := w.Store.Close(); err != nil {
			t.Fatal(err)
		}
		again := servicetest.Must(db.Open().App(t.Context(), hookswitch.OrganizationApp))(t)
		if again.Version != before || before <= org.Version {
			t.Errorf("version %d after another start, %d before", again.Version, before)
		}
	})
}
