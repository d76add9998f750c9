package service_test

import (
	"context"
	"errors"
	"net/url"
	"regexp"
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

// hook is a change of the webhook alone.
func hook(c service.WebhookChange) service.SenderChange { return service.SenderChange{Webhook: c} }

// withWebhook makes a sender with a webhook for the events, all where there are none.
func withWebhook(w *servicetest.World, app *hookswitch.App, url string, events ...string) service.ChangedSender {
	w.TB.Helper()
	in := named("My Sender")
	in.Webhook = service.WebhookChange{URL: &url, Events: events}
	return createSender(w, app, in)
}

func wantNotConfigured(t *testing.T, what string, err error) {
	t.Helper()
	var e *hookswitch.Error
	if !errors.As(err, &e) || e.Kind != hookswitch.Invalid || e.Code != service.WebhookNotConfigured || !strings.Contains(e.Message, "webhookUrl") {
		t.Errorf("%s: %v", what, err)
	}
}

var secretForm = regexp.MustCompile(`^whsec_[A-Za-z0-9]{32,}$`)

// Section 2.3 of the contract, row by row.
func TestSenderWebhook_GoesFromStateToState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		s := createSender(w, app, named("My Sender")).Sender

		// none: what needs one is refused, and changes nothing.
		for what, c := range map[string]service.WebhookChange{
			"webhookEvents": {Events: []string{"message.inbound"}}, "webhookActive": {Active: new(true)}, "webhookActive: false": {Active: new(false)}, "webhookSignatureVersion": {SignatureVersion: new("v2")},
		} {
			in := hook(c)
			in.Name = new("Renamed")
			_, err := w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s), in)
			wantNotConfigured(t, what, err)
			_, err = w.Service.CreateSender(t.Context(), app.Key, in)
			wantNotConfigured(t, "create with "+what, err)
		}
		_, err := w.Service.RegenerateWebhookSecret(t.Context(), app.Key, senderID(w, s))
		wantNotConfigured(t, "a new secret", err)
		if got := stored(w, app, s); got.Sender.Name != "My Sender" || len(servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 9}))(t)) != 1 {
			t.Errorf("what was refused has changed something: %+v", got.Sender)
		}
		// none, webhookUrl: null: nothing happens.
		if got := updateSender(w, app, s, hook(service.WebhookChange{Remove: true})); got.Webhook != nil || got.Secret != "" {
			t.Errorf("%+v", got)
		}

		// none → set, by an update: active, subscribed to all events of a sender, its secret shown.
		first := updateSender(w, app, s, hook(service.WebhookChange{URL: new(hookURL)}))
		if !secretForm.MatchString(first.Secret.Reveal()) || first.Webhook.Disabled || first.Webhook.URL != hookURL || service.SignatureVersion(first.Webhook) != "v2" {
			t.Errorf("%+v with %q", first.Webhook, first.Secret.Reveal())
		}
		if diff := cmp.Diff(hookswitch.AllSenderEvents(), first.Webhook.EventTypes); diff != "" || slices.Contains(first.Webhook.EventTypes, hookswitch.EventInvitationStatus) {
			t.Errorf("events %v", first.Webhook.EventTypes)
		}

		// set: URL and events are replaced, the secret stays and is not shown.
		same := func(what string, got service.ChangedSender) {
			t.Helper()
			if got.Secret != "" || got.Webhook.Key != first.Webhook.Key || got.Webhook.Secrets[0].Secret.Reveal() != first.Secret.Reveal() || len(got.Webhook.Secrets) != 1 {
				t.Errorf("%s: %+v", what, got.Webhook)
			}
			if diff := cmp.Diff(stored(w, app, s).Webhook, got.Webhook); diff != "" {
				t.Errorf("%s: what is stored is not what was answered: %s", what, diff)
			}
		}
		got := updateSender(w, app, s, hook(service.WebhookChange{URL: new("http://127.0.0.1:9/other")}))
		if same("a new URL", got); got.Webhook.URL != "http://127.0.0.1:9/other" || len(got.Webhook.EventTypes) != len(first.Webhook.EventTypes) {
			t.Errorf("%+v", got.Webhook)
		}
		got = updateSender(w, app, s, hook(service.WebhookChange{Events: []string{"message.inbound", "message.read", "message.inbound"}}))
		if same("new events", got); !slices.Equal(got.Webhook.EventTypes, []string{"message.inbound", "message.read"}) || got.Webhook.URL != "http://127.0.0.1:9/other" {
			t.Errorf("%+v", got.Webhook)
		}
		_, err = w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s), hook(service.WebhookChange{Events: []string{}}))
		wantField(t, "no events", err, "webhookEvents")
		// set, inactive and active again: the configuration stays.
		got = updateSender(w, app, s, hook(service.WebhookChange{Active: new(false)}))
		if same("inactive", got); !got.Webhook.Disabled || len(got.Webhook.EventTypes) != 2 {
			t.Errorf("%+v", got.Webhook)
		}
		canceled := got.Webhook.CanceledUpto
		if got = updateSender(w, app, s, hook(service.WebhookChange{Active: new(false)})); got.Webhook.CanceledUpto != canceled {
			t.Error("what was inactive already has been switched off again")
		}
		got = updateSender(w, app, s, hook(service.WebhookChange{Active: new(true)}))
		if same("active", got); got.Webhook.Disabled || got.Webhook.DisabledBy != "" {
			t.Errorf("%+v", got.Webhook)
		}
		// set, a new secret: it alone signs.
		second := servicetest.Must(w.Service.RegenerateWebhookSecret(t.Context(), app.Key, senderID(w, s)))(t)
		if got := stored(w, app, s).Webhook; !secretForm.MatchString(second.Reveal()) || second == first.Secret || len(got.Secrets) != 1 || got.Secrets[0].Secret.Reveal() != second.Reveal() {
			t.Errorf("%q: %+v", second.Reveal(), got)
		}
		// set → removed; what else is asked for with it is left aside.
		if got := updateSender(w, app, s, hook(service.WebhookChange{Remove: true, Active: new(true), Events: []string{"message.read"}})); got.Webhook != nil || got.Secret != "" || stored(w, app, s).Webhook != nil {
			t.Errorf("%+v", got)
		}
		_, err = w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s), hook(service.WebhookChange{Active: new(true)}))
		wantNotConfigured(t, "activate what was removed", err)
		// removed → set: another webhook with another secret.
		third := updateSender(w, app, s, hook(service.WebhookChange{URL: new(hookURL), Active: new(false)}))
		if third.Webhook.Key == first.Webhook.Key || !secretForm.MatchString(third.Secret.Reveal()) || third.Secret == second || third.Secret == first.Secret || !third.Webhook.Disabled {
			t.Errorf("%+v with %q", third.Webhook, third.Secret.Reveal())
		}
		if err := w.Service.DeleteSender(t.Context(), app.Key, s.Key); err != nil {
			t.Fatal(err)
		}
		_, err = w.Service.SenderWebhook(t.Context(), app.Key, s.Key)
		wantKind(t, err, hookswitch.NotFound)
	})
}

// Section 2.3, last row, and what section 7 has reported: the versions are v1, v1+v2 and v2, and a receiver has a step between the ends.
func TestSenderWebhook_SignatureVersionsChangeStepByStep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		for _, c := range []struct {
			from, to string
			ok       bool
		}{
			{"v1", "v1", true}, {"v1", "v1+v2", true}, {"v1", "v2", false},
			{"v1+v2", "v1", true}, {"v1+v2", "v1+v2", true}, {"v1+v2", "v2", true},
			{"v2", "v1", false}, {"v2", "v1+v2", true}, {"v2", "v2", true},
			{"", "v1", false}, {"", "v1+v2", true}, {"", "v2", true},
		} {
			in := named("My Sender")
			in.Webhook.URL = new(hookURL)
			if c.from != "" {
				in.Webhook.SignatureVersion = &c.from
			}
			s := createSender(w, app, in)
			if want := map[string]string{"": "v2"}[c.from]; service.SignatureVersion(s.Webhook) != c.from && service.SignatureVersion(s.Webhook) != want {
				t.Errorf("made with %q it is %q", c.from, service.SignatureVersion(s.Webhook))
			}
			_, err := w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s.Sender), hook(service.WebhookChange{SignatureVersion: &c.to, URL: new("http://127.0.0.1:9/other")}))
			got := stored(w, app, s.Sender).Webhook
			if c.ok {
				if err != nil || got.SignatureVersion != c.to || service.SignatureVersion(got) != c.to {
					t.Errorf("from %q to %q: %v, it is %q", c.from, c.to, err, got.SignatureVersion)
				}
				continue
			}
			wantField(t, "from "+c.from+" to "+c.to, err, "webhookSignatureVersion")
			if got.SignatureVersion != c.from || got.URL != hookURL {
				t.Errorf("what was refused has changed %+v", got)
			}
		}
		s := withWebhook(w, app, hookURL)
		for _, wrong := range []string{"", "v3", "V1", "guide", "v2+v1"} {
			_, err := w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s.Sender), hook(service.WebhookChange{SignatureVersion: &wrong}))
			if f := wantField(t, wrong, err, "webhookSignatureVersion"); !slices.Equal(f.Allowed, []string{"v1", "v1+v2", "v2"}) {
				t.Errorf("allowed are %v", f.Allowed)
			}
		}
		// What was removed may come again with any version.
		updateSender(w, app, s.Sender, hook(service.WebhookChange{Remove: true}))
		if got := updateSender(w, app, s.Sender, hook(service.WebhookChange{URL: new(hookURL), SignatureVersion: new("v1")})); got.Webhook.SignatureVersion != "v1" {
			t.Errorf("%+v", got.Webhook)
		}
	})
}

// Section 2.3, URL checks.
func TestSenderWebhook_URLsAreChecked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			o.CheckURL = func(u *url.URL) error {
				if u.Hostname() == "10.0.0.1" {
					return errors.New("address 10.0.0.1 is blocked")
				}
				return nil
			}
		})
		app := w.App()
		s := withWebhook(w, app, hookURL)
		for _, wrong := range []string{"", " ", "/hook", "example.com/hook", "//example.com/hook", "http://example.com/hook", "ftp://example.com/hook", "https://", "https:///hook", "https://u:p@example.com/",
			"https://u@example.com/", "https://10.0.0.1/", "https://example.com/a b", "https://example.com:0/", "https://example.com/" + strings.Repeat("x", 2048-19), "javascript:alert(1)"} {
			for what, try := range map[string]func() error{
				"create": func() error {
					in := named("New")
					in.Webhook.URL = &wrong
					_, err := w.Service.CreateSender(t.Context(), app.Key, in)
					return err
				},
				"update": func() error {
					_, err := w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s.Sender), hook(service.WebhookChange{URL: &wrong}))
					return err
				},
			} {
				wantField(t, what+" with "+wrong, try(), "webhookUrl")
			}
		}
		// A good one is answered as it was given.
		for _, good := range []string{"https://example.com", "https://Example.com/Path?q=1&r=%2F", "https://example.com:8443/ü", "https://example.com/" + strings.Repeat("x", 2048-20), "http://127.0.0.1:9/x"} {
			if got := updateSender(w, app, s.Sender, hook(service.WebhookChange{URL: &good})).Webhook.URL; got != good {
				t.Errorf("%s is answered as %s", good, got)
			}
		}
	})
}

// Section 2.3, event-name checks, and section 6.2: names that are accepted, emitted or not.
func TestSenderWebhook_EventNamesAreChecked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		all := []string{"conversation.new", "message.inbound", "message.queued", "message.sent", "message.delivered", "message.read", "message.failed", "template.status_changed",
			"invitation.status_changed", "message.unsupported", "message.reaction", "message.status", "broadcast.status_changed", "call.initiated", "call.answered", "call.completed", "call.failed",
			"domain.verified", "domain.failed"}
		s := withWebhook(w, app, hookURL, all...)
		if !slices.Equal(s.Webhook.EventTypes, all) {
			t.Errorf("events %v", s.Webhook.EventTypes)
		}
		for _, wrong := range []string{"message.received", "message.*", "*", "", "Message.inbound", "svix.ping", "endpoint.disabled"} {
			_, err := w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s.Sender), hook(service.WebhookChange{Events: []string{"message.inbound", wrong}}))
			f := wantField(t, wrong, err, "webhookEvents")
			if diff := cmp.Diff(slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(f.Allowed))); diff != "" || !strings.Contains(f.Message, wrong) {
				t.Errorf("%s: %s; allowed: %s", wrong, f.Message, diff)
			}
		}
	})
}

func TestSenderWebhook_ChangesAtOnceLeaveOneWebhookAndOneSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		nodes := []*servicetest.World{w}
		if db.Postgres {
			nodes = append(nodes, w.OtherNode())
		}
		app := w.App()
		s := createSender(w, app, named("My Sender")).Sender
		var mu sync.Mutex
		var shown []string
		show := func(secret hookswitch.Secret, err error) {
			mu.Lock()
			defer mu.Unlock()
			var e *hookswitch.Error
			if err != nil && !(errors.As(err, &e) && e.Code == service.WebhookNotConfigured) {
				t.Error(err)
			}
			if secret != "" {
				shown = append(shown, secret.Reveal())
			}
		}
		change := func(n *servicetest.World, c service.WebhookChange) {
			got, err := n.Service.UpdateSender(context.Background(), app.Key, senderID(w, s), hook(c))
			show(got.Secret, err)
		}
		race := func(each ...func(n *servicetest.World)) {
			var wg sync.WaitGroup
			for i := range 2 * len(nodes) {
				for _, f := range each {
					wg.Go(func() { f(nodes[i%len(nodes)]) })
				}
			}
			wg.Wait()
		}
		set := func(n *servicetest.World) { change(n, service.WebhookChange{URL: new(hookURL)}) }
		race(set, set)
		if len(shown) != 1 || stored(w, app, s).Webhook.Secrets[0].Secret.Reveal() != shown[0] {
			t.Errorf("one webhook was made, and %d secrets were shown", len(shown))
		}
		race(set, func(n *servicetest.World) { change(n, service.WebhookChange{Remove: true}) }, func(n *servicetest.World) { change(n, service.WebhookChange{Active: new(false)}) },
			func(n *servicetest.World) {
				secret, err := n.Service.RegenerateWebhookSecret(context.Background(), app.Key, senderID(w, s))
				show(secret, err)
			})
		set(w) // where the last word was to remove it
		endpoints := servicetest.Must(w.Store.AllEndpoints(t.Context(), app.Key))(t)
		if len(endpoints) != 1 || len(endpoints[0].Secrets) != 1 || !slices.Contains(shown, endpoints[0].Secrets[0].Secret.Reveal()) {
			t.Errorf("%d webhooks, and the secret of the last was shown: %t", len(endpoints), len(endpoints) == 1 && slices.Contains(shown, endpoints[0].Secrets[0].Secret.Reveal()))
		}
		if slices.Sort(shown); len(slices.Compact(slices.Clone(shown))) != len(shown) {
			t.Error("a secret was shown twice")
		}
	})
}

// Section 2.3: what happens while a webhook is inactive is not queued for later, and what waits is stopped.
func TestSenderWebhook_InactiveItIsOwedNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		s := w.Sender(app, "100", hookswitch.WhatsApp, false)
		webhook := updateSender(w, app, s, hook(service.WebhookChange{URL: new(hookURL), Events: []string{"message.inbound"}})).Webhook
		state := func(ev *hookswitch.Event) (out []hookswitch.DeliveryState) {
			for _, d := range servicetest.Must(w.Service.Destinations(t.Context(), ev))(t) {
				out = append(out, d.Status.State)
			}
			return out
		}
		inbound := func(id string) *hookswitch.Event {
			servicetest.Must(w.Push(servicetest.Text("100", "+1", id, "Hi")))(t)
			w.Clock.Advance(time.Second)
			list := w.Events(app)
			return list[len(list)-1]
		}
		before := inbound("w1")
		updateSender(w, app, s, hook(service.WebhookChange{Active: new(false)}))
		meanwhile := inbound("w2")
		if got := state(before); !slices.Equal(got, []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}) {
			t.Errorf("what waited is %v", got)
		}
		if got := state(meanwhile); len(got) != 0 {
			t.Errorf("what happened meanwhile is %v", got)
		}
		updateSender(w, app, s, hook(service.WebhookChange{Active: new(true)}))
		after := inbound("w3")
		if got := state(before); !slices.Equal(got, []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}) {
			t.Errorf("what waited comes back: %v", got)
		}
		if len(state(meanwhile)) != 0 || !slices.Equal(state(after), []hookswitch.DeliveryState{hookswitch.DeliveryPending}) {
			t.Errorf("meanwhile %v, after %v", state(meanwhile), state(after))
		}
		updateSender(w, app, s, hook(service.WebhookChange{Remove: true}))
		if got := state(after); !slices.Equal(got, []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}) {
			t.Errorf("what a removed webhook was owed is %v", got)
		}
		if d := w.Delivery(hookswitch.DeliverWebhook, inbound("w4").Key, webhook.Key); d != nil {
			t.Errorf("a removed webhook is owed %+v", d)
		}
	})
}
