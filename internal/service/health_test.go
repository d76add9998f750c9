package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestHealth_TellsHowEndpointsDo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w, ctx := servicetest.New(t, db), context.Background()
		app, other := w.App(), w.App()
		good, bad := w.Endpoint(app, "https://good.example"), w.Endpoint(app, "https://bad.example")
		w.Endpoint(other, "https://elsewhere.example")
		h := servicetest.Must(w.Service.Health(ctx, app.Key))(t)
		if len(h.Endpoints) != 2 || h.Of(good.Key).State() != service.StateIdle || h.P95 != 0 {
			t.Fatalf("before anything happened: %+v", h)
		}
		w.Publish(app, "a.b")
		w.Publish(other, "a.b")
		if h := servicetest.Must(w.Service.Health(ctx, app.Key))(t); h.Owed.Waiting != 2 || !h.Owed.Oldest.Equal(w.Clock.Now()) {
			t.Errorf("owed is %+v", h.Owed)
		}
		w.Clock.Advance(time.Minute)
		for _, l := range w.Claim(hookswitch.DeliverWebhook) {
			if l.Target == bad.Key {
				if err := w.Service.Exhaust(ctx, w.Fail(l, 500), false); err != nil {
					t.Fatal(err)
				}
				continue
			}
			w.Succeed(l, false)
		}
		h = servicetest.Must(w.Service.Health(ctx, app.Key))(t)
		ok, failed := h.Of(good.Key).Totals()
		if ok != 1 || failed != 0 || h.OK[service.HealthHours-1] != 1 || h.Failed[service.HealthHours-1] != 1 || h.Owed.Waiting != 0 {
			t.Errorf("counted %d and %d, hours %v %v, owed %+v", ok, failed, h.OK, h.Failed, h.Owed)
		}
		b := h.Of(bad.Key)
		if h.Of(good.Key).State() != service.StateActive || b.State() != service.StateFailing || !b.DisablesAt.Equal(w.Clock.Now().Add(120*time.Hour)) {
			t.Errorf("states %s and %s, off at %v", h.Of(good.Key).State(), b.State(), b.DisablesAt)
		}
		o := servicetest.Must(w.Service.Overview(ctx))(t)
		if o.Apps != 2 || o.OK[service.HealthHours-1] != 2 || len(o.Failing) != 1 || o.Failing[0].App.Key != app.Key {
			t.Errorf("overview %+v", o)
		}
		f := servicetest.Must(w.Service.FirstSteps(ctx, app.Key, h))(t)
		if !f.Endpoint || !f.Test || !f.Live || f.Verified {
			t.Errorf("steps %+v", f)
		}
		if err := w.Service.NoteStep(ctx, app.Key, service.StepVerified); err != nil {
			t.Fatal(err)
		}
		if f := servicetest.Must(w.Service.FirstSteps(ctx, app.Key, h))(t); !f.All() {
			t.Errorf("steps %+v", f)
		}
	})
}
