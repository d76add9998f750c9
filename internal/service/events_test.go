package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const hookURL = "http://127.0.0.1:9/hook"

var none service.Idempotency

func wantKind(t *testing.T, err error, want hookswitch.ErrorKind) {
	t.Helper()
	if err == nil || hookswitch.KindOf(err) != want {
		t.Errorf("got error %v of kind %d, want kind %d", err, hookswitch.KindOf(err), want)
	}
}

// targets names the endpoints that an event is owed to, with "held" behind those that were disabled.
func targets(ev *hookswitch.Event, names map[hookswitch.Key]string) []string {
	var out []string
	for _, t := range ev.Targets {
		name := names[t.Endpoint]
		if t.Held {
			name += " held"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func TestPublishEvent_GoesToEveryEndpointThatMatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		names := make(map[hookswitch.Key]string)
		add := func(name string, change ...func(*hookswitch.Endpoint)) *hookswitch.Endpoint {
			e := w.Endpoint(app, hookURL, change...)
			names[e.Key] = name
			return e
		}
		add("all")
		add("users", servicetest.Filter("user.created", "user.deleted"))
		add("eu", func(e *hookswitch.Endpoint) { e.Tags = []string{"eu", "asia"} })
		add("off", servicetest.Disabled)
		add("off users", servicetest.Disabled, servicetest.Filter("user.created"))
		add("off orders", servicetest.Disabled, servicetest.Filter("order.paid"))
		add("received", servicetest.Filter("message.received"))
		gone := add("gone")
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, gone.Key); err != nil {
			t.Fatal(err)
		}
		w.Endpoint(other, hookURL)
		applied := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: "s", Channel: hookswitch.SMS, Provider: "fake",
			Webhook: &service.WebhookSpec{URL: "http://127.0.0.1:9/zavu"}}}))(t)
		names[applied[0].Webhook.Key] = "sender's webhook"

		for _, c := range []struct {
			typ  string
			tags []string
			want []string
		}{
			{"user.created", nil, []string{"all", "off held", "off users held", "users"}},
			{"user.created", []string{"us", "asia"}, []string{"all", "eu", "off held", "off users held", "users"}},
			{"user.deleted", nil, []string{"all", "off held", "users"}},
			{"order.paid", []string{"us"}, []string{"all", "off held", "off orders held"}},
			{"message.received", nil, []string{"all", "off held", "received"}}, // a caller's own event of that name is like any other
			{"message.inbound", nil, []string{"all", "off held"}},
		} {
			ev := servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: c.typ, Tags: c.tags, Payload: []byte(`{}`)}, none))(t)
			stored := servicetest.Must(w.Service.Event(t.Context(), app.Key, w.Service.IDs().Format(hookswitch.KindEvent, ev.Key)))(t)
			if diff := cmp.Diff(c.want, targets(stored, names)); diff != "" {
				t.Errorf("%s %v: %s", c.typ, c.tags, diff)
			}
			for _, target := range stored.Targets {
				if row := w.Delivery(hookswitch.DeliverWebhook, ev.Key, target.Endpoint); (row == nil) != target.Held {
					t.Errorf("%s to %s: held %t, row %+v", c.typ, names[target.Endpoint], target.Held, row)
				}
			}
		}
	})
}

func TestPublishEvent_TakesPlacesAndUsesOrReturnsThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Slots.Free(true)
		app := w.App()
		w.Endpoint(app, hookURL)
		w.Endpoint(app, hookURL)
		ev := w.Publish(app, "a")
		if n := len(w.Slots.Started()); n != 2 {
			t.Errorf("%d items started, want 2", n)
		}
		for _, it := range w.Slots.Started() {
			row := w.Delivery(hookswitch.DeliverWebhook, ev.Key, hookswitch.Key(it.Target))
			if row == nil || row.Owner != w.Store.Node().Number || row.Claim != it.Claim || !row.NextAt.Equal(it.Lease) || it.Data != ev {
				t.Errorf("row %+v does not fit item %+v", row, it)
			}
		}
		idem := service.Idempotency{Caller: "c", Key: "k", Route: "r"}
		publish := func(p service.Publish) error {
			_, err := w.Service.PublishEvent(t.Context(), app, p, idem)
			return err
		}
		if err := publish(service.Publish{Type: "a", UID: "u"}); err != nil {
			t.Fatal(err)
		}
		if err := publish(service.Publish{Type: "a", UID: "other"}); err != nil { // the same request again
			t.Fatal(err)
		}
		idem = none
		wantKind(t, publish(service.Publish{Type: "a", UID: "u"}), hookswitch.Conflict)
		wantKind(t, publish(service.Publish{Type: "a b"}), hookswitch.Invalid)
		wantKind(t, publish(service.Publish{Type: "a", Payload: make([]byte, service.MaxPayload+1)}), hookswitch.TooLarge)
		if n := len(w.Slots.Started()); n != 4 {
			t.Errorf("%d items started, want 4", n)
		}
		if n := w.Service.Counts().Accepted.Load(); n != 2 {
			t.Errorf("%d events counted, want 2", n)
		}
		// The world's end checks that no place is left over.
	})
}

func TestPublishEvent_KeepsThePayloadByteForByte(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		for _, payload := range [][]byte{[]byte("{ \"b\" : 1.0,\n\"a\":1e400, \"x\":\"<\\u003c\\/>\" }"), every, {}, []byte("\xff\xfe"), bytes.Repeat([]byte("x"), service.MaxPayload)} {
			ev := servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: payload}, none))(t)
			got := servicetest.Must(w.Service.EventByKey(t.Context(), app.Key, ev.Key))(t)
			if !bytes.Equal(got.Payload, payload) {
				t.Errorf("%d bytes became %d others", len(payload), len(got.Payload))
			}
		}
	})
}

func TestPublishEvent_SameRequestMakesOneEvent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Endpoint(app, hookURL)
		publish := func(idem service.Idempotency) hookswitch.Key {
			t.Helper()
			return servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: []byte(`{}`)}, idem))(t).Key
		}
		for _, key := range []string{"order-1", "auto_8f14e45f"} {
			idem := service.Idempotency{Caller: "token", Key: key, Route: "POST /api/v1/app/a/msg"}
			first := publish(idem)
			if again := publish(idem); again != first {
				t.Errorf("%s: the same request made another event", key)
			}
			otherURL, otherCaller := idem, idem
			otherURL.Route += "?with_content=false"
			otherCaller.Caller = "other token"
			if publish(otherURL) == first || publish(otherCaller) == first {
				t.Errorf("%s: another request got the same event", key)
			}
		}
		auto := service.Idempotency{Caller: "token", Key: "auto_1", Route: "r"}
		long := service.Idempotency{Caller: "token", Key: "1", Route: "r"}
		autoFirst, longFirst := publish(auto), publish(long)
		w.Clock.Advance(21 * time.Minute)
		if publish(auto) == autoFirst {
			t.Error("a key that a library made up is remembered for longer than its retries take")
		}
		if publish(long) != longFirst {
			t.Error("a key that a person chose is forgotten after minutes")
		}
		w.Clock.Advance(25 * time.Hour)
		if publish(long) == longFirst {
			t.Error("a key is remembered for longer than twice 12 hours")
		}
	})
}

func TestPublishEvent_ManySameRequestsAtOnceMakeOneEvent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Slots.Free(true)
		app := w.App()
		w.Endpoint(app, hookURL)
		nodes := []*servicetest.World{w}
		if db.Postgres {
			nodes = append(nodes, w.OtherNode())
		}
		for _, p := range []service.Publish{{Type: "a"}, {Type: "a", UID: "with-uid"}} {
			const callers = 50
			keys, errs := make([]hookswitch.Key, callers), make([]error, callers)
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					ev, err := nodes[i%len(nodes)].Service.PublishEvent(t.Context(), app, p, service.Idempotency{Caller: "c", Key: "auto_" + p.UID, Route: "r"})
					if errs[i] = err; err == nil {
						keys[i] = ev.Key
					}
				})
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if distinct := slices.Compact(keys); len(distinct) != 1 {
				t.Errorf("uid %q: the callers got %d events, want one", p.UID, len(distinct))
			}
		}
		if n := len(w.Events(app)); n != 2 {
			t.Errorf("%d events are stored, want 2", n)
		}
	})
}

func TestPublishEvent_EventIDIsUniqueInItsApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		publish := func(app *hookswitch.App) (*hookswitch.Event, error) {
			return w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", UID: "u-1", Payload: []byte(`{}`)}, none)
		}
		first := servicetest.Must(publish(app))(t)
		servicetest.Must(publish(other))(t)
		_, err := publish(app)
		wantKind(t, err, hookswitch.Conflict)
		got := servicetest.Must(w.Service.Event(t.Context(), app.Key, "u-1"))(t)
		if got.Key != first.Key {
			t.Error("another event has the uid")
		}
		_, err = w.Service.Event(t.Context(), app.Key, "u-2")
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestPublishEvent_SeesChangesOfOtherProcessesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Slots.Free(true)
		app := w.App()
		first := w.Endpoint(app, hookURL)
		w.Publish(app, "a") // the App's state is in the cache now
		others := []*servicetest.World{w.Twin()}
		if db.Postgres {
			others = append(others, w.OtherNode())
		}
		for i, other := range others {
			added := other.Endpoint(app, fmt.Sprintf("http://127.0.0.1:9/%d", i))
			ev := w.Publish(app, "a")
			if !slices.ContainsFunc(ev.Targets, func(tg hookswitch.Target) bool { return tg.Endpoint == added.Key }) {
				t.Error("an endpoint that another process has added is left out")
			}
			other.Disable(first)
			ev = w.Publish(app, "a")
			if !slices.Contains(ev.Targets, hookswitch.Target{Endpoint: first.Key, Held: true}) {
				t.Error("an endpoint that another process has disabled is not held")
			}
			other.Enable(first)
			if err := other.Service.DeleteEndpoint(t.Context(), app.Key, added.Key); err != nil {
				t.Fatal(err)
			}
			if ev = w.Publish(app, "a"); len(ev.Targets) != 1 || ev.Targets[0].Held {
				t.Errorf("targets are %+v, want the one enabled endpoint", ev.Targets)
			}
		}
		if err := others[0].Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		_, err := w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a"}, none)
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestPublishEvent_FansOutRightWhileEndpointsChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Slots.Free(true)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 25 {
					ev, err := w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a"}, none)
					if hookswitch.KindOf(err) == hookswitch.Unavailable {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					if len(ev.Targets) != 1 {
						t.Errorf("targets %+v", ev.Targets)
					}
				}
			})
		}
		wg.Go(func() {
			for i := range 20 {
				if _, err := w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
					e.Disabled = i%2 == 0
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Wait()
		for _, ev := range w.Events(app) {
			if row := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); (row == nil) != ev.Targets[0].Held {
				t.Errorf("target %+v has the row %+v", ev.Targets[0], row)
			}
		}
	})
}

func TestEndpointNow_SeesChangesOfOtherProcessesByPolling(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		twin := w.Twin()
		now := func() string {
			e := servicetest.Must(w.Service.EndpointNow(t.Context(), app.Key, ep.Key))(t)
			if e == nil {
				return "gone"
			}
			return e.URL
		}
		if got := now(); got != hookURL {
			t.Fatal(got)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.Service.Run(ctx, func(int) {}) }()
		defer func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		servicetest.Must(twin.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
			e.URL = "http://127.0.0.1:9/new"
			return nil
		}))(t)
		servicetest.Eventually(t, "the new URL is seen", func() bool { return now() == "http://127.0.0.1:9/new" })
		if err := twin.Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, "the app is gone", func() bool { return now() == "gone" })
	})
}

func TestEndpointNow_SeesOwnChangesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 4 { // others read the state all the time, and must not bring an old one back
			wg.Go(func() {
				for ctx.Err() == nil {
					_, _ = w.Service.EndpointNow(ctx, app.Key, ep.Key)
				}
			})
		}
		for i := range 50 {
			url := fmt.Sprintf("http://127.0.0.1:9/%d", i)
			servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
				e.URL = url
				return nil
			}))(t)
			if e := servicetest.Must(w.Service.EndpointNow(t.Context(), app.Key, ep.Key))(t); e.URL != url {
				t.Errorf("after the change to %s it is %s", url, e.URL)
			}
		}
		stop()
		wg.Wait()
	})
}

func TestOddReferencesAreNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		ev := w.Publish(app, "a")
		s, ctx := w.Service, t.Context()
		event := s.IDs().Format(hookswitch.KindEvent, ev.Key)
		refs := []string{"", "\x00", "a\x00b", "\xff\xfe", "ep_", "app_", "msg_", "🦊", "a b", "'; DROP TABLE apps; --", "%", "..", "/", strings.Repeat("x", 1<<16), "ep_\x00" + strings.Repeat("0", 26),
			s.IDs().Format(hookswitch.KindEndpoint, 12345), s.IDs().Format(hookswitch.KindApp, 1), s.IDs().Format(hookswitch.KindEvent, 1), s.IDs().Format(hookswitch.KindSender, 1),
			s.IDs().Format(hookswitch.KindMessage, 1), s.IDs().Format(hookswitch.KindConversation, 1), s.IDs().Format(hookswitch.KindAttempt, 1), s.IDs().Format(hookswitch.KindAPIKey, 1)}
		for _, ref := range refs {
			for what, call := range map[string]func() error{
				"App":          func() error { _, err := s.App(ctx, ref); return err },
				"Endpoint":     func() error { _, err := s.Endpoint(ctx, app.Key, ref); return err },
				"Event":        func() error { _, err := s.Event(ctx, app.Key, ref); return err },
				"Message":      func() error { _, err := s.Message(ctx, app.Key, ref); return err },
				"Sender":       func() error { _, err := s.Sender(ctx, app.Key, ref); return err },
				"SenderRoutes": func() error { _, err := s.SenderRoutes(ctx, ref); return err },
				"Attempt":      func() error { _, err := s.Attempt(ctx, ev.App, ev.Key, ref); return err },
				"Bin":          func() error { _, err := s.Bin(ctx, ref); return err },
				"DeleteAPIKey": func() error { return s.DeleteAPIKey(ctx, app.Key, ref) },
				"SetHandover":  func() error { return s.SetHandover(ctx, app.Key, ref, true) },
				"Resend event": func() error {
					return s.Resend(ctx, app.Key, ref, s.IDs().Format(hookswitch.KindEndpoint, ep.Key), none)
				},
				"Resend target": func() error { return s.Resend(ctx, app.Key, event, ref, none) },
			} {
				if err := call(); hookswitch.KindOf(err) != hookswitch.NotFound || err == nil {
					t.Errorf("%s(%.40q): %v of kind %d, want NotFound", what, ref, err, hookswitch.KindOf(err))
				}
			}
			if _, err := s.APIKey(ctx, "zv_"+ref); hookswitch.KindOf(err) != hookswitch.Unauthorized {
				t.Errorf("APIKey(%.40q): %v, want Unauthorized", ref, err)
			}
		}
		// Of another App, the right ids are just as unknown.
		other := w.App()
		_, err := s.Endpoint(ctx, other.Key, s.IDs().Format(hookswitch.KindEndpoint, ep.Key))
		wantKind(t, err, hookswitch.NotFound)
		_, err = s.Event(ctx, other.Key, event)
		wantKind(t, err, hookswitch.NotFound)
	})
}

func status(t *testing.T, w *servicetest.World, ev *hookswitch.Event, ep *hookswitch.Endpoint) hookswitch.DeliveryStatus {
	t.Helper()
	stored := servicetest.Must(w.Service.EventByKey(t.Context(), ev.App, ev.Key))(t)
	for _, d := range servicetest.Must(w.Service.Destinations(t.Context(), stored))(t) {
		if d.Endpoint.Key == ep.Key {
			return d.Status
		}
	}
	t.Fatal("the endpoint is not among the destinations")
	return hookswitch.DeliveryStatus{}
}

func wantStatus(t *testing.T, w *servicetest.World, when string, ev *hookswitch.Event, ep *hookswitch.Endpoint, want hookswitch.DeliveryStatus) {
	t.Helper()
	if got := status(t, w, ev, ep); got != want {
		t.Errorf("%s: it is %+v, want %+v", when, got, want)
	}
}

func TestDestinations_TellWhatHasBecomeOfEach(t *testing.T) {
	type status = hookswitch.DeliveryStatus
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep, off := w.Endpoint(app, hookURL), w.Endpoint(app, hookURL, servicetest.Disabled)
		ev := w.Publish(app, "a")
		wantStatus(t, w, "born waiting", ev, ep, status{Next: w.Clock.Now()})
		wantStatus(t, w, "disabled at birth", ev, off, status{Held: true})

		claimed := w.Claim(hookswitch.DeliverWebhook)
		wantStatus(t, w, "running", ev, ep, status{})
		retry := w.Fail(claimed[0], 500)
		retry.Verdict, retry.Next = store.Retry, w.Clock.Now().Add(5*time.Second)
		w.Service.Record(retry)
		w.Flush()
		wantStatus(t, w, "waiting again", ev, ep, status{Tried: true, Next: retry.Next})

		w.Clock.Advance(5 * time.Second)
		claimed = w.Claim(hookswitch.DeliverWebhook)
		if err := w.Service.Exhaust(t.Context(), w.Fail(claimed[0], 500), false); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, w, "given up", ev, ep, status{State: hookswitch.DeliveryFailed, Tried: true})

		ev = w.Publish(app, "a")
		w.Succeed(w.Claim(hookswitch.DeliverWebhook)[0], false)
		wantStatus(t, w, "delivered", ev, ep, status{State: hookswitch.DeliveryDelivered, Tried: true})

		untouched, ran := w.Publish(app, "a"), w.Publish(app, "a")
		claimed = w.Claim(hookswitch.DeliverWebhook)
		w.Disable(ep)
		wantStatus(t, w, "disabled while it ran", untouched, ep, status{State: hookswitch.DeliveryCanceled})
		for _, l := range claimed { // one comes back late as failed, one as skipped
			if l.Subject == ran.Key {
				retry := w.Fail(l, 500)
				retry.Verdict, retry.Next = store.Retry, w.Clock.Now().Add(time.Hour)
				w.Service.Record(retry)
			} else {
				w.Service.Skip(&l.Outcome, false)
			}
		}
		w.Flush()
		wantStatus(t, w, "tried, then disabled", ran, ep, status{State: hookswitch.DeliveryCanceled, Tried: true})
		wantStatus(t, w, "skipped", untouched, ep, status{State: hookswitch.DeliveryCanceled})

		w.Enable(ep)
		wantStatus(t, w, "enabled again", ran, ep, status{State: hookswitch.DeliveryCanceled, Tried: true})
		if n := len(w.Claim(hookswitch.DeliverWebhook)); n != 0 {
			t.Errorf("enabling made %d deliveries due", n)
		}
		last := w.Publish(app, "a")
		wantStatus(t, w, "after enabling", last, ep, status{Next: w.Clock.Now()})
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, w, "deleted", last, ep, status{State: hookswitch.DeliveryCanceled})
	})
}
