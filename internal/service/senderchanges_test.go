package service_test

import (
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

// named is a change that makes a sender of the name with a number.
func named(name string) service.SenderChange {
	return service.SenderChange{Name: new(name), PhoneNumber: new("+15551234567")}
}

func createSender(w *servicetest.World, app *hookswitch.App, in service.SenderChange) service.ChangedSender {
	w.TB.Helper()
	return servicetest.Must(w.Service.CreateSender(context.Background(), app.Key, in))(w.TB)
}

func updateSender(w *servicetest.World, app *hookswitch.App, s *hookswitch.Sender, in service.SenderChange) service.ChangedSender {
	w.TB.Helper()
	return servicetest.Must(w.Service.UpdateSender(context.Background(), app.Key, senderID(w, s), in))(w.TB)
}

func senderID(w *servicetest.World, s *hookswitch.Sender) string {
	return w.Service.IDs().Format(hookswitch.KindSender, s.Key)
}

// stored is the sender as it lies in the store.
func stored(w *servicetest.World, app *hookswitch.App, s *hookswitch.Sender) service.ChangedSender {
	w.TB.Helper()
	return servicetest.Must(w.Service.SenderWithWebhook(context.Background(), app.Key, senderID(w, s)))(w.TB)
}

// wantField fails the test unless err is of kind Invalid and names the one field.
func wantField(t *testing.T, what string, err error, field string) *hookswitch.FieldError {
	t.Helper()
	var e *hookswitch.Error
	if !errors.As(err, &e) || e.Kind != hookswitch.Invalid || len(e.Fields) != 1 || e.Fields[0].Name() != field {
		t.Errorf("%s: got %v, want %s to be refused", what, err, field)
		return &hookswitch.FieldError{}
	}
	return &e.Fields[0]
}

// Section 2.2 of the contract, create: name, phoneNumber, email fields, enableSmsOneway, enableVoice.
func TestCreateSender_ChannelsAreWhatItWasTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		yes, no := new(true), new(false)
		for _, c := range []struct {
			what string
			in   service.SenderChange
			want []string
		}{
			{"nothing", service.SenderChange{}, []string{}},
			{"a number", service.SenderChange{PhoneNumber: new("+15551234567")}, []string{"sms"}},
			{"an address", service.SenderChange{EmailAddress: new("a@example.com"), EmailReceiving: yes}, []string{"email"}},
			{"one way", service.SenderChange{SMSOneWay: yes}, []string{"sms_oneway"}},
			{"everything", service.SenderChange{PhoneNumber: new("+15551234567"), SMSOneWay: yes, Voice: yes, EmailAddress: new("a@example.com")}, []string{"sms", "sms_oneway", "voice", "email"}},
			{"told not to", service.SenderChange{PhoneNumber: new("+15551234567"), SMSOneWay: no, Voice: no}, []string{"sms"}},
		} {
			c.in.Name = new("One of many")
			made := createSender(w, app, c.in)
			got := stored(w, app, made.Sender)
			if diff := cmp.Diff(c.want, got.Sender.Channels()); diff != "" {
				t.Errorf("%s: %s", c.what, diff)
			}
			if got.Sender.Default || got.Webhook != nil || made.Secret != "" || got.Sender.CreatedAt.IsZero() || !got.Sender.CreatedAt.Equal(got.Sender.UpdatedAt) {
				t.Errorf("%s: %+v", c.what, got)
			}
		}
	})
}

func TestUpdateSender_ChangesWhatIsAskedAndLeavesTheRest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		in := named("One")
		in.EmailAddress, in.EmailFromName, in.EmailDomainID, in.EmailReceiving = new("a@example.com"), new("Ada"), new("dom_1"), new(true)
		s := createSender(w, app, in).Sender
		w.Clock.Advance(time.Second)
		updateSender(w, app, s, service.SenderChange{})
		got := stored(w, app, s).Sender
		want := *s
		want.UpdatedAt = w.Clock.Now()
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("a change that asks for nothing: %s", diff)
		}

		updateSender(w, app, s, service.SenderChange{Name: new("Two"), PhoneNumber: new("+15550000000"), Voice: new(true), SMSOneWay: new(true), EmailAddress: new("b@example.com"),
			EmailReceiving: new(false), EmailCatchAll: new(true)})
		got = stored(w, app, s).Sender
		if got.Name != "Two" || got.PhoneNumber != "+15551234567" || got.Email != (hookswitch.SenderEmail{Address: "b@example.com", DomainID: "dom_1", FromName: "Ada", CatchAll: true}) ||
			!slices.Equal(got.Channels(), []string{"sms", "sms_oneway", "voice", "email"}) {
			t.Errorf("%+v", got)
		}
		updateSender(w, app, s, service.SenderChange{Voice: new(false), SMSOneWay: new(false), EmailAddress: new("")})
		if got := stored(w, app, s).Sender.Channels(); !slices.Equal(got, []string{"sms"}) {
			t.Errorf("channels %v", got)
		}
	})
}

func TestSenderChanges_NameTheFieldThatIsWrong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		s := createSender(w, app, service.SenderChange{Name: new("Without a number")}).Sender
		for _, c := range []struct {
			field string
			in    service.SenderChange
		}{
			{"name", service.SenderChange{Name: new(" \t")}},
			{"name", service.SenderChange{Name: new(strings.Repeat("x", 201))}},
			{"name", service.SenderChange{Name: new("a\x00")}},
			{"emailAddress", service.SenderChange{EmailAddress: new("Ada <a@example.com>")}},
			{"emailAddress", service.SenderChange{EmailAddress: new("nobody")}},
			{"emailFromName", service.SenderChange{EmailFromName: new("a\r\nBcc: b@example.com")}},
			{"emailDomainId", service.SenderChange{EmailDomainID: new(strings.Repeat("x", 201))}},
			{"enableVoice", service.SenderChange{Voice: new(true)}},
		} {
			_, err := w.Service.UpdateSender(t.Context(), app.Key, senderID(w, s), c.in)
			wantField(t, "update", err, c.field)
			if c.in.Name == nil {
				c.in.Name = new("New")
			}
			_, err = w.Service.CreateSender(t.Context(), app.Key, c.in)
			wantField(t, "create", err, c.field)
		}
		_, err := w.Service.CreateSender(t.Context(), app.Key, service.SenderChange{})
		wantField(t, "no name", err, "name")
		for _, number := range []string{"", "15551234567", "+0123456789", "+1", "+1555123456789012", "+1 555 123 4567", "tel:+15551234567", "+1555１２３4567"} {
			_, err := w.Service.CreateSender(t.Context(), app.Key, service.SenderChange{Name: new("New"), PhoneNumber: &number})
			wantField(t, number, err, "phoneNumber")
		}
		if list := servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 10}))(t); len(list) != 1 {
			t.Errorf("%d senders, want the one that was made rightly", len(list))
		}
	})
}

// Section 2.2: a number may be reused; and nothing says that names are unique.
func TestCreateSender_NamesAndNumbersMayBeUsedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		one, two := createSender(w, app, named("Support")).Sender, createSender(w, app, named("Support")).Sender
		spec := service.SenderSpec{Name: "Support", Channel: hookswitch.SMS, Provider: servicetest.FakeName}
		_, err := w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec})
		wantKind(t, err, hookswitch.Conflict)
		if !strings.Contains(err.Error(), "senders[0]") || !strings.Contains(err.Error(), "id") {
			t.Errorf("it does not say what to do: %v", err)
		}
		spec.ID = senderID(w, two)
		applied := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec}))(t)
		if len(applied) != 1 || applied[0].Created || !applied[0].Changed || applied[0].Sender.Key != two.Key {
			t.Errorf("%+v", applied)
		}
		if a, b := stored(w, app, one).Sender, stored(w, app, two).Sender; len(a.Routes) != 0 || len(b.Routes) != 1 {
			t.Errorf("routes %v and %v", a.Routes, b.Routes)
		}
	})
}

func TestApplySenders_AnEntryWithAnIDGivesThatSenderARoute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		in := named("Made over the API")
		in.Voice = new(true)
		in.Webhook.URL = new(hookURL)
		s := createSender(w, app, in)
		spec := service.SenderSpec{ID: senderID(w, s.Sender), Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName, Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {"100"}}}
		sms := spec
		sms.Channel, sms.Credentials = hookswitch.SMS, hookswitch.Credentials{"secret": {"fake-secret"}, "address": {"200"}}
		for i := range 2 {
			a := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec, sms}))(t)
			if len(a) != 1 || a[0].Created || a[0].Changed != (i == 0) || a[0].Webhook.Key != s.Webhook.Key || a[0].Secret != "" {
				t.Errorf("time %d: %+v", i+1, a)
			}
		}
		got := stored(w, app, s.Sender).Sender
		if got.Name != "Made over the API" || !slices.Equal(got.Channels(), []string{"whatsapp", "sms", "voice"}) || len(got.Routes) != 2 {
			t.Errorf("%+v has %v", got, got.Channels())
		}
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "Hi")))(t) // its door is open

		spec.Name = "Renamed"
		if a := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec}))(t); !a[0].Changed || stored(w, app, s.Sender).Sender.Name != "Renamed" {
			t.Errorf("%+v", a)
		}
		_, err := w.Service.ApplySenders(t.Context(), other.Key, []service.SenderSpec{spec})
		wantKind(t, err, hookswitch.NotFound)
		spec.ID = "snd_nobody"
		_, err = w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{spec})
		wantField(t, "no id", err, "senders[0].id")
	})
}

func TestApplySenders_TwoAtOnceMakeOneSender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				spec := service.SenderSpec{Name: "Support", Channel: hookswitch.SMS, Provider: servicetest.FakeName, Webhook: &service.WebhookSpec{URL: hookURL}}
				if _, err := w.Service.ApplySenders(context.Background(), app.Key, []service.SenderSpec{spec}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if list := servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 10}))(t); len(list) != 1 || len(list[0].Routes) != 1 {
			t.Errorf("%d senders", len(list))
		}
	})
}

// Section 2.2: setAsDefault makes it the project default and unsets the previous one.
func TestSenders_OneIsTheDefaultAtATime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		foreign := named("Another project's")
		foreign.SetDefault = true
		theirs := createSender(w, other, foreign).Sender
		var senders []*hookswitch.Sender
		for i := range 6 {
			in := named(fmt.Sprint("Sender ", i))
			in.SetDefault = i < 2
			senders = append(senders, createSender(w, app, in).Sender)
		}
		defaults := func() (out []hookswitch.Key) {
			for _, s := range servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 10}))(t) {
				if s.Default {
					out = append(out, s.Key)
				}
			}
			return out
		}
		if got := defaults(); !slices.Equal(got, []hookswitch.Key{senders[1].Key}) {
			t.Errorf("defaults %v", got)
		}
		if got := updateSender(w, app, senders[1], service.SenderChange{SetDefault: true}); !got.Sender.Default {
			t.Error("the default is it no more, since it was made so again")
		}
		var wg sync.WaitGroup
		for i := range 24 {
			wg.Go(func() {
				got, err := w.Service.UpdateSender(context.Background(), app.Key, senderID(w, senders[i%6]), service.SenderChange{SetDefault: true})
				if err != nil || !got.Sender.Default {
					t.Errorf("%+v, %v", got.Sender, err)
				}
			})
		}
		wg.Wait()
		if got := defaults(); len(got) != 1 {
			t.Errorf("%d defaults", len(got))
		}
		if !stored(w, other, theirs).Sender.Default {
			t.Error("another project has lost its default")
		}
		if err := w.Service.DeleteSender(t.Context(), app.Key, defaults()[0]); err != nil {
			t.Fatal(err)
		}
		if got := defaults(); len(got) != 0 {
			t.Errorf("a deleted sender is the default: %v", got)
		}
		last := servicetest.Must(w.Service.Senders(t.Context(), app.Key, store.Page{Limit: 10}))(t)[0]
		updateSender(w, app, last, service.SenderChange{SetDefault: true})
		if got := defaults(); len(got) != 1 {
			t.Errorf("%d defaults", len(got))
		}
	})
}

func TestSenders_OfAnotherAppDoNotExist(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		in := named("Ours")
		in.Webhook.URL = new(hookURL)
		s := createSender(w, app, in)
		for _, id := range []string{senderID(w, s.Sender), "snd_nobody", ""} {
			_, err := w.Service.UpdateSender(t.Context(), other.Key, id, service.SenderChange{Name: new("Theirs")})
			wantKind(t, err, hookswitch.NotFound)
			_, err = w.Service.RegenerateWebhookSecret(t.Context(), other.Key, id)
			wantKind(t, err, hookswitch.NotFound)
			_, err = w.Service.SenderWithWebhook(t.Context(), other.Key, id)
			wantKind(t, err, hookswitch.NotFound)
		}
		wantKind(t, w.Service.DeleteSender(t.Context(), other.Key, s.Sender.Key), hookswitch.NotFound)
		if list := servicetest.Must(w.Service.SendersWithWebhooks(t.Context(), other.Key, store.Page{Limit: 10}))(t); len(list) != 0 {
			t.Errorf("%d senders", len(list))
		}
		list := servicetest.Must(w.Service.SendersWithWebhooks(t.Context(), app.Key, store.Page{Limit: 10}))(t)
		if len(list) != 1 || list[0].Webhook == nil || list[0].Sender.Name != "Ours" || list[0].Webhook.Secrets[0].Secret.Reveal() != s.Secret.Reveal() {
			t.Errorf("%+v", list)
		}
	})
}
