package service_test

import (
	"context"
	"fmt"
	"slices"
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

// exhaust publishes an event and has its delivery to ep fail for good.
func exhaust(t *testing.T, w *servicetest.World, app *hookswitch.App, ep *hookswitch.Endpoint, gone bool) {
	t.Helper()
	if err := w.Service.Exhaust(t.Context(), w.Fail(lease(t, w, app, ep), 500), gone); err != nil {
		t.Fatal(err)
	}
}

// lease publishes an event and claims its delivery to ep.
func lease(t *testing.T, w *servicetest.World, app *hookswitch.App, ep *hookswitch.Endpoint) *servicetest.Leased {
	t.Helper()
	ev := w.Publish(app, "a")
	for _, l := range w.Claim(hookswitch.DeliverWebhook) {
		if l.Subject == ev.Key && l.Target == ep.Key {
			return l
		}
	}
	t.Fatal("nothing is due")
	return nil
}

func fresh(t *testing.T, w *servicetest.World, ep *hookswitch.Endpoint) *hookswitch.Endpoint {
	t.Helper()
	return servicetest.Must(w.Store.Endpoint(t.Context(), ep.App, ep.Key))(t)
}

func onlyA(e *hookswitch.Endpoint) { e.EventTypes = []string{"a"} }

const days = 24 * time.Hour

func TestExhaust_DisablesOnAClockOfFiveDays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App(func(a *hookswitch.App) { a.UID = "app-uid" })
		ep := w.Endpoint(app, hookURL, onlyA, func(e *hookswitch.Endpoint) { e.UID = "ep-uid" })
		names := map[hookswitch.Key]string{ep.Key: "itself"}
		for name, change := range map[string]func(*hookswitch.Endpoint){
			"asks": servicetest.Filter("endpoint.disabled"), "does not ask": func(*hookswitch.Endpoint) {}, "asks for others": servicetest.Filter("b"),
		} {
			names[w.Endpoint(app, hookURL, change).Key] = name
		}
		names[w.Endpoint(app, hookURL, servicetest.Disabled, servicetest.Filter("endpoint.disabled")).Key] = "asks, and is disabled"
		foreign := w.App()
		w.Endpoint(foreign, hookURL, servicetest.Filter("endpoint.disabled"))

		exhaust(t, w, app, ep, false)
		since := w.Clock.Now()
		if got := fresh(t, w, ep); got.Disabled || !got.FailSince.Equal(since) {
			t.Fatalf("after the first exhausted delivery: disabled %t, clock since %v, want %v", got.Disabled, got.FailSince, since)
		}
		w.Clock.Advance(5*days - time.Second)
		exhaust(t, w, app, ep, false)
		if got := fresh(t, w, ep); got.Disabled || !got.FailSince.Equal(since) {
			t.Fatalf("just before five days: disabled %t, clock since %v", got.Disabled, got.FailSince)
		}
		w.Clock.Advance(time.Second)
		waiting := w.Publish(app, "a")
		exhaust(t, w, app, ep, false)
		if got := fresh(t, w, ep); !got.Disabled || got.DisabledBy != "automatic" {
			t.Fatalf("after five days: disabled %t by %q", got.Disabled, got.DisabledBy)
		}
		wantStatus(t, w, "disabled by the rule", waiting, ep, hookswitch.DeliveryStatus{State: hookswitch.DeliveryCanceled})
		if n := w.Service.Counts().Disabled.Load(); n != 1 {
			t.Errorf("%d are counted as disabled, want 1", n)
		}

		var told []*hookswitch.Event
		for _, ev := range w.Events(app) {
			if ev.Type == "endpoint.disabled" {
				told = append(told, ev)
			}
		}
		if len(told) != 1 {
			t.Fatalf("%d events tell of it, want 1", len(told))
		}
		if diff := cmp.Diff([]string{"asks", "asks, and is disabled held"}, targets(told[0], names)); diff != "" {
			t.Errorf("it goes to %s", diff)
		}
		want := fmt.Sprintf(`{"type":"endpoint.disabled","data":{"appId":%q,"appUid":"app-uid","endpointId":%q,"endpointUid":"ep-uid","failSince":"2025-03-14T12:00:00.000000Z","trigger":"automatic"}}`,
			w.Service.IDs().Format(hookswitch.KindApp, app.Key), w.Service.IDs().Format(hookswitch.KindEndpoint, ep.Key))
		if string(told[0].Payload) != want {
			t.Errorf("got  %s\nwant %s", told[0].Payload, want)
		}
		if n := len(w.Events(foreign)); n != 0 {
			t.Errorf("another App got %d events", n)
		}
	})
}

func TestExhaust_SaysNothingWhenNobodyAsks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL, onlyA)
		w.Endpoint(app, hookURL, servicetest.Filter("b"))
		exhaust(t, w, app, ep, true)
		if got := w.Types(app); !slices.Equal(got, []string{"a"}) {
			t.Errorf("events %v", got)
		}
	})
}

func TestExhaust_SuccessAndEnablingClearTheClock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL, onlyA)
		w.Succeed(lease(t, w, app, ep), false) // notes a success, so that the next one is not due to be noted for a minute
		exhaust(t, w, app, ep, false)
		w.Clock.Advance(time.Second)
		now := servicetest.Must(w.Service.EndpointNow(t.Context(), app.Key, ep.Key))(t)
		w.Succeed(lease(t, w, app, ep), !now.FailSince.IsZero())
		if got := fresh(t, w, ep); !got.FailSince.IsZero() {
			t.Errorf("a success leaves the clock at %v", got.FailSince)
		}
		if now := servicetest.Must(w.Service.EndpointNow(t.Context(), app.Key, ep.Key))(t); !now.FailSince.IsZero() {
			t.Error("who delivers still believes that the clock runs, and would note each success")
		}
		w.Clock.Advance(6 * days)
		exhaust(t, w, app, ep, false)
		if got := fresh(t, w, ep); got.Disabled || !got.FailSince.Equal(w.Clock.Now()) {
			t.Errorf("disabled %t, clock since %v: the success in between is forgotten", got.Disabled, got.FailSince)
		}

		w.Disable(ep)
		w.Enable(ep)
		if got := fresh(t, w, ep); !got.FailSince.IsZero() || got.DisabledBy != "" {
			t.Errorf("enabling leaves the clock at %v, disabled by %q", got.FailSince, got.DisabledBy)
		}
		w.Clock.Advance(6 * days)
		exhaust(t, w, app, ep, false)
		if got := fresh(t, w, ep); got.Disabled || !got.FailSince.Equal(w.Clock.Now()) {
			t.Errorf("after enabling: disabled %t, clock since %v", got.Disabled, got.FailSince)
		}
	})
}

func TestExhaust_LeavesTheAppAloneWhileTheClockRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL, onlyA)
		exhaust(t, w, app, ep, false)
		before := servicetest.Must(w.Store.App(t.Context(), app.Key))(t).Version
		for range 3 {
			w.Clock.Advance(time.Hour)
			exhaust(t, w, app, ep, false)
		}
		if after := servicetest.Must(w.Store.App(t.Context(), app.Key))(t).Version; after != before {
			t.Errorf("the App's version went from %d to %d: every accept of the moment would fan out anew", before, after)
		}
	})
}

func TestExhaust_RulesOfTheProfile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := hookswitch.SvixProfile()
			p.DisableAfter = 0
			o.Profiles[hookswitch.ProfileSvix] = p
		})
		app := w.App()
		ep := w.Endpoint(app, hookURL, onlyA)
		for range 3 {
			exhaust(t, w, app, ep, false)
			w.Clock.Advance(30 * days)
		}
		if got := fresh(t, w, ep); got.Disabled || !got.FailSince.IsZero() {
			t.Errorf("with the rule switched off: disabled %t, clock since %v", got.Disabled, got.FailSince)
		}
		exhaust(t, w, app, ep, true)
		if got := fresh(t, w, ep); !got.Disabled || got.DisabledBy != "automatic" || got.FailSince.IsZero() {
			t.Errorf("gone: disabled %t by %q, clock since %v", got.Disabled, got.DisabledBy, got.FailSince)
		}

		hook := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: "s", Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName,
			Credentials: hookswitch.Credentials{"secret": {"z"}}, Webhook: &service.WebhookSpec{URL: hookURL}}}))(t)[0].Webhook
		for i := range 3 {
			servicetest.Must(w.PushTo("z", servicetest.Text("", "+1555", fmt.Sprint(i), "x")))(t)
			for _, l := range w.Claim(hookswitch.DeliverWebhook) {
				if err := w.Service.Exhaust(t.Context(), w.Fail(l, 500), false); err != nil {
					t.Fatal(err)
				}
			}
			w.Clock.Advance(30 * days)
		}
		if got := fresh(t, w, hook); got.Disabled || !got.FailSince.IsZero() {
			t.Errorf("a sender's webhook: disabled %t, clock since %v", got.Disabled, got.FailSince)
		}
	})
}

func TestExhaust_OfManyAtOnceDisablesOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		nodes := []*servicetest.World{w}
		if db.Postgres {
			nodes = append(nodes, w.OtherNode())
		}
		app := w.App()
		ep := w.Endpoint(app, hookURL, onlyA)
		w.Endpoint(app, hookURL, servicetest.Filter("endpoint.disabled"))
		exhaust(t, w, app, ep, false)
		w.Clock.Advance(5 * days)
		for range 8 {
			w.Publish(app, "a")
		}
		var wg sync.WaitGroup
		for i, l := range w.Claim(hookswitch.DeliverWebhook) {
			wg.Go(func() {
				node := nodes[i%len(nodes)]
				if err := node.Service.Exhaust(t.Context(), node.Fail(l, 500), false); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		counted := int64(0)
		for _, n := range nodes {
			counted += n.Service.Counts().Disabled.Load()
		}
		told := 0
		for _, typ := range w.Types(app) {
			if typ == "endpoint.disabled" {
				told++
			}
		}
		if counted != 1 || told != 1 {
			t.Errorf("disabled %d times, told %d times, want once each", counted, told)
		}
		attempts, _, err := w.Service.AttemptsByEndpoint(t.Context(), ep.App, ep.Key, store.AttemptFilter{}, store.Page{Limit: 100})
		if n := len(servicetest.Must(attempts, err)(t)); n != 9 {
			t.Errorf("%d attempts are kept, want 9", n)
		}
	})
}

func TestEndpoint_DisablingAndDeletingEndWhatIsOwedInOneStep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		ep := w.Endpoint(app, hookURL)
		var events []*hookswitch.Event
		for range 20 {
			events = append(events, w.Publish(app, "a"))
		}
		w.Disable(ep)
		for _, ev := range events {
			wantStatus(t, w, "disabled", ev, ep, hookswitch.DeliveryStatus{State: hookswitch.DeliveryCanceled})
			if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); d.State != hookswitch.DeliveryPending {
				t.Errorf("its row was changed to %v: disabling costs as much as is owed", d.State)
			}
		}
		if got := fresh(t, w, ep); got.DisabledBy != "manual" {
			t.Errorf("disabled by %q", got.DisabledBy)
		}
		if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		wantKind(t, w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key), hookswitch.NotFound)
		_, err := w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(*hookswitch.Endpoint) error { return nil })
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestCreateEndpoint_ChecksSecretsAndNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		create := func(e hookswitch.Endpoint, idem service.Idempotency) (*hookswitch.Endpoint, error) {
			return w.Service.CreateEndpoint(t.Context(), app.Key, e, idem)
		}
		secret := func(s string) hookswitch.Endpoint {
			return hookswitch.Endpoint{URL: hookURL, Secrets: []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(s)}}}
		}
		for _, s := range []string{"x", "whsec_", "whsec_c2hvcnQ=", "whpk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="} {
			_, err := create(secret(s), none)
			wantKind(t, err, hookswitch.Invalid)
		}
		got := servicetest.Must(create(secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), none))(t)
		if text := got.Secrets[0].Secret.Reveal(); text != "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" {
			t.Errorf("the secret is stored as %s", text)
		}
		idem := service.Idempotency{Caller: "c", Key: "k", Route: "r"}
		uid := hookswitch.Endpoint{URL: hookURL, UID: "u"}
		first, again := servicetest.Must(create(uid, idem))(t), servicetest.Must(create(uid, idem))(t)
		if first.Key != again.Key {
			t.Error("the same request made two endpoints")
		}
		_, err := create(uid, none)
		wantKind(t, err, hookswitch.Conflict)
		_, err = w.Service.CreateEndpoint(t.Context(), 12345, hookswitch.Endpoint{URL: hookURL}, none)
		wantKind(t, err, hookswitch.NotFound)
		if list := servicetest.Must(w.Service.Endpoints(t.Context(), app.Key, store.Page{Limit: 10}))(t); len(list) != 2 {
			t.Errorf("%d endpoints are stored, want 2", len(list))
		}
	})
}

func TestUpdateApp_WithAChangeThatFailsChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		_, err := w.Service.UpdateApp(t.Context(), app.Key, func(a *hookswitch.App) error {
			a.Name = "other"
			return hookswitch.InvalidField("no", "name")
		})
		wantKind(t, err, hookswitch.Invalid)
		servicetest.Must(w.Service.UpdateApp(t.Context(), app.Key, func(a *hookswitch.App) error { a.UID = "named"; return nil }))(t)
		got := servicetest.Must(w.Service.App(t.Context(), "named"))(t)
		if got.Name != "Test" || got.Key != app.Key {
			t.Errorf("got %+v", got)
		}
		if got := servicetest.Must(w.Service.AppByKey(t.Context(), app.Key))(t); got.UID != "named" {
			t.Errorf("the cached App is %+v", got)
		}
	})
}

func TestBins_AreKnownByTheAddressesOfEndpointsWhateverTheSpellingOfPublicURL(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		svc := servicetest.Must(service.New(service.Options{Store: db.Open(), PublicURL: "http://Hooks.Example"}))(t)
		bin := servicetest.Must(svc.CreateBin(t.Context()))(t)
		if token, ok := svc.BinToken("http://hooks.example/play/in/" + bin.Token); !ok || token != bin.Token {
			t.Error("a bin is not known by the address that an endpoint has")
		}
	})
}

func TestBins_KeepTheNewestRequestsAndWakeWatchers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		bin := servicetest.Must(w.Service.CreateBin(t.Context()))(t)
		if token, ok := w.Service.BinToken(servicetest.PublicURL + "/play/in/" + bin.Token); !ok || token != bin.Token {
			t.Errorf("its own URL is not known: %q", token)
		}
		for _, url := range []string{servicetest.PublicURL + "/play/in/" + bin.Token + "/x", servicetest.PublicURL + "/play/in/../" + bin.Token, "http://other.example/play/in/" + bin.Token} {
			if _, ok := w.Service.BinToken(url); ok {
				t.Errorf("%s counts as a bin", url)
			}
		}
		bell := w.Service.BinBell(bin.Token)
		add := func(token string) error {
			return w.Service.AddBinRequest(context.Background(), &store.BinRequest{Token: token, Method: "POST", URI: "/\x00\xff", Body: make([]byte, service.BinBody+1), Size: service.BinBody + 1})
		}
		if err := add(bin.Token); err != nil {
			t.Fatal(err)
		}
		<-bell
		list := servicetest.Must(w.Service.BinRequests(t.Context(), bin.Token, store.Page{Limit: 10}))(t)
		if len(list) != 1 || len(list[0].Body) != service.BinBody || list[0].Size != service.BinBody+1 {
			t.Errorf("got %d requests", len(list))
		}
		wantKind(t, add("012345678901234567890123456"), hookswitch.NotFound)
		w.Clock.Advance(service.BinLife)
		wantKind(t, add(bin.Token), hookswitch.NotFound)
	})
}

func TestBinBells_AreBounded(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t))
	first := w.Service.BinBell("first")
	for i := range 5000 {
		w.Service.BinBell(fmt.Sprint(i))
	}
	select {
	case <-first:
	default:
		t.Error("the bells of bins that get nothing pile up")
	}
}
