package service_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestDisabling_OneMessageAloneNeverDisables(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		ids := w.Service.IDs()
		l := lease(t, w, app, ep)
		// Whatever comes before its last failure says nothing, however long it takes.
		for tries := range 7 {
			o := w.Fail(l, 500)
			o.Verdict, o.Next = store.Retry, w.Clock.Now().Add(10*days)
			if err := w.Service.RecordLate(t.Context(), o, tries); err != nil {
				t.Fatal(err)
			}
			w.Flush()
			w.Clock.Advance(10 * days)
			l = w.Claim(hookswitch.DeliverWebhook)[0]
		}
		if got := fresh(t, w, ep); !got.FailSince.IsZero() {
			t.Fatalf("the clock runs since %v before anything is exhausted", got.FailSince)
		}
		if err := w.Service.Exhaust(t.Context(), w.Fail(l, 500), false); err != nil {
			t.Fatal(err)
		}
		began := w.Clock.Now()
		// Tried by hand, it goes on failing for months.
		for range 10 {
			w.Clock.Advance(10 * days)
			if err := w.Service.Resend(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, l.Subject), ids.Format(hookswitch.KindEndpoint, ep.Key), none); err != nil {
				t.Fatal(err)
			}
			o := w.Fail(w.Claim(hookswitch.DeliverWebhook)[0], 500)
			o.Verdict, o.Attempt.Manual = store.Restored, true
			w.Service.Record(o)
			w.Flush()
		}
		if got := fresh(t, w, ep); got.Disabled || !got.FailSince.Equal(began) {
			t.Errorf("disabled %t, clock since %v, want %v", got.Disabled, got.FailSince, began)
		}
		// The next message that is exhausted does disable it.
		exhaust(t, w, app, ep, false)
		if got := fresh(t, w, ep); !got.Disabled {
			t.Error("a second exhausted message on an old clock disables nothing")
		}
	})
}

func TestDisabling_IsToldOnceOverTwoNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		other := w.Twin()
		if db.Postgres {
			other = w.OtherNode()
		}
		org, app := organization(t, w), w.App()
		ep := w.Endpoint(app, hookURL, onlyA)
		listener := w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.EventEndpointDisabled))
		exhaust(t, w, app, ep, false)
		w.Clock.Advance(5*days + time.Second)
		for range 8 {
			w.Publish(app, "a")
		}
		var wg sync.WaitGroup
		for i, l := range w.Claim(hookswitch.DeliverWebhook) {
			wg.Go(func() {
				node := []*servicetest.World{w, other}[i%2]
				if err := node.Service.Exhaust(t.Context(), node.Fail(l, 500), i == 7); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		want := `{"type":"endpoint.disabled","data":{"appId":"APP","endpointId":"EP","failSince":"2025-03-14T12:00:00.000000Z","trigger":"automatic"}}`
		if diff := cmp.Diff([]string{want}, told(t, w, app, ep)); diff != "" {
			t.Error(diff)
		}
		for _, ev := range w.Events(org) {
			if !slices.Equal(ev.Targets, []hookswitch.Target{{Endpoint: listener.Key}}) {
				t.Errorf("it goes to %v", ev.Targets)
			}
		}
	})
}

func TestDisabling_NeverWhereTheRuleIsOff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := hookswitch.SvixProfile()
			p.DisableAfter = 0
			o.Profiles[hookswitch.ProfileSvix] = p
		})
		org, app := organization(t, w), w.App()
		ep := w.Endpoint(app, hookURL)
		w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.EventEndpointDisabled, hookswitch.EventAttemptExhausted))
		for range 3 {
			exhaust(t, w, app, ep, false)
			w.Clock.Advance(30 * days)
		}
		if got := fresh(t, w, ep); got.Disabled {
			t.Error("it is disabled")
		}
		exhausted := hookswitch.EventAttemptExhausted
		if diff := cmp.Diff([]string{exhausted, exhausted, exhausted}, w.Types(org)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDisabling_AMillisecondIsAPeriodToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := hookswitch.SvixProfile()
			p.DisableAfter = 5 * time.Millisecond
			o.Profiles[hookswitch.ProfileSvix] = p
		})
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		exhaust(t, w, app, ep, false)
		w.Clock.Advance(4 * time.Millisecond)
		exhaust(t, w, app, ep, false)
		if fresh(t, w, ep).Disabled {
			t.Error("disabled a millisecond early")
		}
		w.Clock.Advance(time.Millisecond)
		exhaust(t, w, app, ep, false)
		if !fresh(t, w, ep).Disabled {
			t.Error("not disabled")
		}
	})
}

// TestDisabling_LosesNothing: what was owed before, and what is published meanwhile, is known and can be asked for.
func TestDisabling_LosesNothing(t *testing.T) {
	for _, automatic := range []bool{true, false} {
		t.Run(map[bool]string{true: "automatic", false: "manual"}[automatic], func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				w := servicetest.New(t, db)
				app := w.App()
				ep := w.Endpoint(app, hookURL)
				before := w.Publish(app, "b")
				if automatic {
					exhaust(t, w, app, ep, true)
				} else {
					w.Disable(ep)
				}
				meanwhile := w.Publish(app, "b")
				w.Enable(ep)
				if got := w.Claim(hookswitch.DeliverWebhook); slices.ContainsFunc(got, func(l *servicetest.Leased) bool { return l.Subject == meanwhile.Key }) {
					t.Error("enabling sends what was published meanwhile by itself")
				}
				wantStatus(t, w, "before", before, ep, hookswitch.DeliveryStatus{State: hookswitch.DeliveryCanceled})
				wantStatus(t, w, "meanwhile", meanwhile, ep, hookswitch.DeliveryStatus{Held: true})
				after := w.Publish(app, "b")
				ids := w.Service.IDs()
				if err := w.Service.Resend(t.Context(), app.Key, ids.Format(hookswitch.KindEvent, meanwhile.Key), ids.Format(hookswitch.KindEndpoint, ep.Key), none); err != nil {
					t.Fatal(err)
				}
				due := map[hookswitch.Key]bool{}
				for _, l := range w.Claim(hookswitch.DeliverWebhook) {
					due[l.Subject] = true
				}
				if !due[after.Key] || !due[meanwhile.Key] {
					t.Errorf("after enabling: new ones due %t, one asked for due %t", due[after.Key], due[meanwhile.Key])
				}
			})
		})
	}
}

func TestDisabling_ByHandTellsTheAppsOtherEndpoints(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL, servicetest.Filter("endpoint.disabled", "endpoint.enabled"))
		names := map[hookswitch.Key]string{ep.Key: "itself", w.Endpoint(app, hookURL).Key: "all",
			w.Endpoint(app, hookURL, servicetest.Filter("endpoint.disabled", "endpoint.enabled")).Key: "asks"}
		w.Disable(ep)
		w.Disable(ep) // changes nothing
		w.Enable(ep)
		if diff := cmp.Diff([]string{"endpoint.disabled", "endpoint.enabled"}, w.Types(app)); diff != "" {
			t.Fatal(diff)
		}
		for _, ev := range w.Events(app) {
			if diff := cmp.Diff([]string{"asks"}, targets(ev, names)); diff != "" {
				t.Errorf("%s goes to %s", ev.Type, diff)
			}
		}
	})
}
