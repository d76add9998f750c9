package service_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/all"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func realProviders(o *servicetest.Options) { o.Providers = all.Providers(all.Options{}) }

func fixtureSpecs(t *testing.T) []service.SenderSpec {
	t.Helper()
	text, err := os.ReadFile("testdata/senders.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Senders []struct {
			Name, Provider, PhoneNumber string
			Channel                     hookswitch.Channel
			Credentials                 hookswitch.Credentials
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	specs := make([]service.SenderSpec, len(file.Senders))
	for i, s := range file.Senders {
		specs[i] = service.SenderSpec{Name: s.Name, Channel: s.Channel, Provider: s.Provider, PhoneNumber: s.PhoneNumber, Credentials: s.Credentials}
	}
	return specs
}

func TestApplySenders_AFileTwiceChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		specs := fixtureSpecs(t)
		for i := range specs {
			specs[i].Webhook = &service.WebhookSpec{URL: "http://127.0.0.1:9/" + url.PathEscape(specs[i].Name), Events: []string{"message.inbound", "message.inbound"}}
			specs[i].Responder = &hookswitch.ResponderConfig{Kind: "echo", Raw: []byte(`{"kind":"echo"}`)}
		}
		first := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, specs))(t)
		version := servicetest.Must(w.Store.App(t.Context(), app.Key))(t).Version
		second := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, specs))(t)
		if len(first) != len(specs) || len(second) != len(specs) {
			t.Fatalf("%d and %d senders of %d entries", len(first), len(second), len(specs))
		}
		for i, a := range first {
			b := second[i]
			if !a.Created || a.Secret == "" || b.Created || b.Changed || b.Secret != "" {
				t.Errorf("%s: created %t, then %t, changed %t", a.Sender.Name, a.Created, b.Created, b.Changed)
			}
			if a.Sender.Key != b.Sender.Key || a.Webhook.Key != b.Webhook.Key || a.Secret.Reveal() != b.Webhook.Secrets[0].Secret.Reveal() || len(b.Sender.Routes) != 1 {
				t.Errorf("%s: %+v became %+v", a.Sender.Name, a.Sender, b.Sender)
			}
			if !strings.HasPrefix(a.Secret.Reveal(), "whsec_") || len(a.Secret.Reveal()) < 38 || !slices.Equal(b.Webhook.EventTypes, []string{"message.inbound"}) {
				t.Errorf("%s: webhook %+v", a.Sender.Name, b.Webhook)
			}
		}
		if after := servicetest.Must(w.Store.App(t.Context(), app.Key))(t).Version; after != version {
			t.Error("nothing changed, and the App has a new version")
		}
		got := servicetest.Must(w.Service.Accounts(t.Context(), "meta", 0, ""))(t)
		if len(got) != 1 || len(got[0].Routes) != 3 {
			t.Errorf("meta's accounts: %+v", got)
		}
		got = servicetest.Must(w.Service.Accounts(t.Context(), "meta", first[0].Sender.Key, hookswitch.WhatsApp))(t)
		if len(got) != 1 || len(got[0].Routes) != 1 {
			t.Errorf("the accounts of one sender: %+v", got)
		}
		if list := servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 100}))(t); len(list) != len(specs) {
			t.Errorf("%d senders are stored", len(list))
		}
	})
}

func TestApplySenders_AResponderInAnotherLayoutIsTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		for i, text := range []string{"{\n  \"kind\": \"echo\",\n  \"text\": \"a < b & c\"\n}", "{\n  \"kind\": \"echo\",\n  \"text\": \"a < b & c\"\n}", `{"kind":"echo","text":"a < b & c"}`} {
			spec := meta("support", "1", "s")
			spec.Responder = new(hookswitch.ResponderConfig)
			if err := json.Unmarshal([]byte(text), spec.Responder); err != nil {
				t.Fatal(err)
			}
			got := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec}))(t)
			if got[0].Created != (i == 0) || got[0].Changed {
				t.Errorf("time %d: created %t, changed %t", i+1, got[0].Created, got[0].Changed)
			}
		}
	})
}

func meta(name, phoneID, secret string) service.SenderSpec {
	return service.SenderSpec{Name: name, Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: hookswitch.Credentials{"app_secret": {secret}, "phone_number_id": {phoneID}}}
}

func TestApplySenders_EntriesOfOneNameAreOneSender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		chat, sms := meta("support", "1", "s"), service.SenderSpec{Name: "support", Channel: hookswitch.SMS, Provider: "twilio", PhoneNumber: "+15551234567",
			Credentials: hookswitch.Credentials{"auth_token": {"a"}}}
		got := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{chat, sms}))(t)
		if len(got) != 1 || len(got[0].Sender.Routes) != 2 {
			t.Fatalf("got %+v", got)
		}
		chat.Credentials = hookswitch.Credentials{"app_secret": {"new", "s"}, "phone_number_id": {"1"}}
		got = servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{chat}))(t)
		if !got[0].Changed || got[0].Created || len(got[0].Sender.Routes) != 2 {
			t.Errorf("changed credentials: %+v", got[0])
		}
		stored := servicetest.Must(w.Service.Sender(t.Context(), app.Key, w.Service.IDs().Format(hookswitch.KindSender, got[0].Sender.Key)))(t)
		if diff := cmp.Diff([]string{"new", "s"}, stored.Routes[0].Credentials.All("app_secret")); diff != "" || len(stored.Routes) != 2 {
			t.Errorf("stored %d routes, %s", len(stored.Routes), diff)
		}
		if got := servicetest.Must(w.Service.SenderRoutes(t.Context(), w.Service.IDs().Format(hookswitch.KindSender, stored.Key)))(t); got[0].Credentials.First("app_secret") != "new" {
			t.Error("doors still see the old credentials")
		}
		if got[0].Sender.PhoneNumber != "" && stored.PhoneNumber != "+15551234567" {
			t.Errorf("phone number %q", stored.PhoneNumber)
		}
	})
}

func TestApplySenders_AnAddressBelongsToOneSender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app, other := w.App(), w.App()
		servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{meta("ours", "1", "s")}))(t)
		_, err := w.Service.ApplySenders(t.Context(), other.Key, []service.SenderSpec{meta("theirs", "2", "s"), meta("stolen", "1", "s")})
		wantKind(t, err, hookswitch.Conflict)
		if !strings.Contains(err.Error(), "senders[1] (stolen)") {
			t.Errorf("the error does not name the entry: %v", err)
		}
		if list := servicetest.Must(w.Service.Senders(t.Context(), other.Key, store.Page{Limit: 10}))(t); len(list) != 0 {
			t.Errorf("half of the file was applied: %d senders", len(list))
		}
		servicetest.Must(w.Service.ApplySenders(t.Context(), other.Key, []service.SenderSpec{meta("theirs", "1", "another account")}))(t)
		if err := w.Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		servicetest.Must(w.Service.ApplySenders(t.Context(), other.Key, []service.SenderSpec{meta("free now", "1", "s")}))(t)
	})
}

func TestApplySenders_WebhookKeepsItsSecret(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		spec := service.SenderSpec{Name: "s", Channel: hookswitch.SMS, Provider: "fake", Webhook: &service.WebhookSpec{URL: "http://127.0.0.1:9/a"}}
		apply := func() service.AppliedSender {
			t.Helper()
			return servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec}))(t)[0]
		}
		first := apply()
		if diff := cmp.Diff(hookswitch.AllSenderEvents(), first.Webhook.EventTypes); diff != "" {
			t.Errorf("without a list it is to get all: %s", diff)
		}
		spec.Webhook = &service.WebhookSpec{URL: "http://127.0.0.1:9/b", Events: []string{"message.read"}}
		second := apply()
		if !second.Changed || second.Secret != "" || second.Webhook.Key != first.Webhook.Key || second.Webhook.Secrets[0].Secret.Reveal() != first.Secret.Reveal() ||
			second.Webhook.URL != "http://127.0.0.1:9/b" || !slices.Equal(second.Webhook.EventTypes, []string{"message.read"}) {
			t.Errorf("a new URL: %+v", second.Webhook)
		}
		spec.Webhook = nil
		if third := apply(); third.Changed || third.Webhook == nil {
			t.Errorf("an entry without a webhook: %+v", third)
		}
		if err := w.Service.DeleteSender(t.Context(), app.Key, first.Sender.Key); err != nil {
			t.Fatal(err)
		}
		_, err := w.Service.SenderWebhook(t.Context(), app.Key, first.Sender.Key)
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestApplySenders_ListsEverythingThatIsWrong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			o.CheckResponder = func(c hookswitch.ResponderConfig) error { return errors.New("is not known") }
			o.CheckURL = func(u *url.URL) error {
				if u.Hostname() == "10.0.0.1" {
					return errors.New("address 10.0.0.1 is blocked")
				}
				return nil
			}
		})
		app := w.App()
		hook := func(url string, events ...string) *service.WebhookSpec {
			return &service.WebhookSpec{URL: url, Events: events}
		}
		ok := service.SenderSpec{Name: "s", Channel: hookswitch.SMS, Provider: "fake"}
		bin := servicetest.PublicURL + "/play/in/" + strings.Repeat("0", 27)
		for name, c := range map[string]struct {
			change func(*service.SenderSpec)
			field  string
			text   string
		}{
			"no name":         {func(s *service.SenderSpec) { s.Name = " " }, "name", "1 to 200"},
			"NUL in the name": {func(s *service.SenderSpec) { s.Name = "a\x00" }, "name", "control"},
			"channel":         {func(s *service.SenderSpec) { s.Channel = "fax" }, "channel", "whatsapp"},
			"provider":        {func(s *service.SenderSpec) { s.Provider = "" }, "provider", "must name"},
			"phone":           {func(s *service.SenderSpec) { s.PhoneNumber = "0123" }, "phoneNumber", "E.164"},
			"responder":       {func(s *service.SenderSpec) { s.Responder = &hookswitch.ResponderConfig{Kind: "x"} }, "responder", "not known"},
			"plain http":      {func(s *service.SenderSpec) { s.Webhook = hook("http://example.com/") }, "url", "https://"},
			"private":         {func(s *service.SenderSpec) { s.Webhook = hook("https://10.0.0.1/") }, "url", "blocked"},
			"userinfo":        {func(s *service.SenderSpec) { s.Webhook = hook("https://u:p@example.com/") }, "url", "password"},
			"no URL":          {func(s *service.SenderSpec) { s.Webhook = hook("") }, "url", "empty"},
			"long URL":        {func(s *service.SenderSpec) { s.Webhook = hook("https://example.com/" + strings.Repeat("x", 2048)) }, "url", "2048"},
			"beside a bin":    {func(s *service.SenderSpec) { s.Webhook = hook(bin + "/../../x") }, "url", "https://"},
			"unknown event": {func(s *service.SenderSpec) {
				s.Webhook = hook("https://example.com/", "message.inbound", "message.eaten")
			}, "events", "message.eaten"},
			"its allowed names": {func(s *service.SenderSpec) { s.Webhook = hook("https://example.com/", "message.eaten") }, "events", `"invitation.status_changed"`},
			"no events": {func(s *service.SenderSpec) {
				s.Webhook = &service.WebhookSpec{URL: "https://example.com/", Events: []string{}}
			}, "events", "at least one"},
		} {
			spec := ok
			c.change(&spec)
			_, err := w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{ok, spec})
			var e *hookswitch.Error
			if !errors.As(err, &e) || e.Kind != hookswitch.Invalid || len(e.Fields) != 1 {
				t.Errorf("%s: %v", name, err)
				continue
			}
			f := e.Fields[0]
			if !slices.Equal(f.Path[:3], []string{"body", "senders", "[1]"}) || f.Path[len(f.Path)-1] != c.field || !strings.Contains(f.Message, c.text) {
				t.Errorf("%s: %v %s", name, f.Path, f.Message)
			}
		}
		_, err := w.Service.ApplySenders(t.Context(), app.Key, nil)
		wantKind(t, err, hookswitch.Invalid)
		_, err = w.Service.ApplySenders(t.Context(), app.Key, make([]service.SenderSpec, 1001))
		wantKind(t, err, hookswitch.Invalid)
		for _, good := range []string{bin, "https://example.com/x", "http://127.0.0.1:9/x"} {
			spec := ok
			spec.Webhook = hook(good)
			if _, err := w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec}); err != nil {
				t.Errorf("%s: %v", good, err)
			}
		}
	})
}

func TestReceive_AWebhookGetsItsOwnSendersEventsOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		names := make(map[hookswitch.Key]string)
		for _, name := range []string{"100", "200"} {
			applied := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: name, Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName,
				Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {name}}, Webhook: &service.WebhookSpec{URL: hookURL, Events: []string{"message.inbound"}}}}))(t)
			names[applied[0].Webhook.Key] = name
			if name == "200" {
				w.Disable(applied[0].Webhook)
			}
		}
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "Hi"), servicetest.Text("200", "+1", "w2", "Hi")))(t)
		var got []string
		for _, ev := range w.Events(app) {
			got = append(got, ev.Type+" "+strings.Join(targets(ev, names), ","))
		}
		// What happens while a sender's webhook is inactive is not kept for it.
		want := []string{"conversation.new ", "message.inbound 100", "conversation.new ", "message.inbound "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestIgnored_AreCredentialsThatTheProviderDoesNotKnow(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t), realProviders)
	misspelt := meta("support", "1", "s")
	misspelt.Credentials["acess_token"] = []string{"T"}
	// Entries of one account share what only one of its channels needs.
	shared := hookswitch.Credentials{"callback_key": {"k"}, "service_code": {"*384#"}, "short_code": {"21512"}}
	for want, spec := range map[string]service.SenderSpec{"acess_token": misspelt, "colr": {Name: "chat", Channel: hookswitch.WebChat, Provider: "webchat", Credentials: hookswitch.Credentials{"colr": {"#ffffff"}}},
		"": {Name: "line", Channel: hookswitch.USSD, Provider: "africastalking", Credentials: shared}} {
		applied := servicetest.Must(w.Service.ApplySenders(t.Context(), w.App().Key, []service.SenderSpec{spec}))(t)
		if got := strings.Join(w.Service.Ignored(&applied[0].Sender.Routes[0]), " "); got != want {
			t.Errorf("of %s: %q, want %q", spec.Provider, got, want)
		}
	}
}
