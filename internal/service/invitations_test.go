package service_test

import (
	"encoding/json"
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

var page10 = store.Page{Limit: 10, Ascending: true}

func invite(w *servicetest.World, app *hookswitch.App, i hookswitch.Invitation) *hookswitch.Invitation {
	w.TB.Helper()
	return servicetest.Must(w.Service.CreateInvitation(w.TB.Context(), app.Key, i, 0, none))(w.TB)
}

func inv(w *servicetest.World, i *hookswitch.Invitation) string {
	return w.Service.IDs().Format(hookswitch.KindInvitation, i.Key)
}

// Section 5.2 of the contract: life, and what is told of it. Section 6, invitation.status_changed: the fields of its data, the seed's among them.
func TestInvitation_FromItsLinkToASender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, p.with)
		app := w.App()
		ctx := t.Context()
		whatsApp(w, app, "ours", "waba0")
		i := invite(w, app, hookswitch.Invitation{ClientName: "John Doe", ClientEmail: "john@example.com", Countries: []string{"ke"}})
		if i.Status != hookswitch.InvitationPending || i.ConnectionType != hookswitch.ConnectWhatsApp || i.ExpiresAt.Sub(i.CreatedAt) != 7*24*time.Hour ||
			w.Service.InvitationURL(i) != servicetest.PublicURL+"/invite/"+i.Token.Reveal() || len(i.Token.Reveal()) < 26 {
			t.Fatalf("a new invitation: %+v at %s", i, w.Service.InvitationURL(i))
		}
		opened := servicetest.Must(w.Service.InvitationByToken(ctx, i.Token))(t)
		if err := w.Service.ViewInvitation(ctx, opened); err != nil || opened.ViewedAt.IsZero() {
			t.Fatalf("viewed at %v, %v", opened.ViewedAt, err)
		}
		for range 2 {
			servicetest.Must(w.Service.StartInvitation(ctx, app.Key, i.Key))(t)
		}
		servicetest.Must(w.Service.FailInvitation(ctx, app.Key, i.Key, hookswitch.FailureCancelled))(t)
		servicetest.Must(w.Service.StartInvitation(ctx, app.Key, i.Key))(t)

		c := hookswitch.Credentials{"phone_number_id": {"106"}, "secret": {"s"}, "address": {"106"}, "waba_id": {"waba_123456"}, "access_token": {"t"}}
		p.connect = func(got hookswitch.Credentials) (hookswitch.ConnectedAccount, error) {
			if got.First("app_secret") != "of the app" || got.First("verify_token") != "v" {
				t.Errorf("the App's own secrets are not used: %q", got.First("app_secret"))
			}
			return hookswitch.ConnectedAccount{Channel: hookswitch.WhatsApp, ID: "106", Name: "Acme", Parent: "waba_123456", Phone: "+15551230000"}, nil
		}
		_, _, err := w.Service.ConnectInvitation(ctx, servicetest.Must(w.Service.InvitationByToken(ctx, i.Token))(t), c)
		wantKindOf(t, "a number of another country", err, hookswitch.Invalid)
		answer := p.connect
		p.connect = func(got hookswitch.Credentials) (hookswitch.ConnectedAccount, error) {
			a, err := answer(got)
			a.Phone = "+254712345678"
			return a, err
		}
		done, sender, err := w.Service.ConnectInvitation(ctx, servicetest.Must(w.Service.InvitationByToken(ctx, i.Token))(t), c)
		if err != nil {
			t.Fatal(err)
		}
		if done.Status != hookswitch.InvitationCompleted || done.Sender != sender.Key || sender.Name != "John Doe" || sender.PhoneNumber != "+254712345678" || len(sender.Routes) != 1 ||
			sender.Routes[0].Address != "106" {
			t.Errorf("completed: %+v with %+v", done, sender)
		}
		wantSteps(w, app, hookswitch.EventInvitationStatus, "pending → in_progress", "in_progress → failed", "failed → in_progress", "in_progress → completed")
		events := eventsOf(w, app, hookswitch.EventInvitationStatus)
		last := events[3]
		if _, there := last["senderId"]; there || last["projectId"] != w.Service.IDs().Format(hookswitch.KindProject, app.Key) {
			t.Errorf("the envelope of a project's event: %v", last)
		}
		id := snd(w, sender)
		if diff := cmp.Diff(map[string]any{"invitationId": inv(w, i), "clientName": "John Doe", "clientEmail": "john@example.com", "connectionType": "whatsapp_waba",
			"previousStatus": "in_progress", "currentStatus": "completed", "newSenderId": id, "wabaAccountId": "waba_123456", "senderId": id,
			"connectedAccount": map[string]any{"channel": "whatsapp", "id": "106", "name": "Acme"}}, last["data"]); diff != "" {
			t.Errorf("completed (-want +got):\n%s", diff)
		}
		if data := events[1]["data"].(map[string]any); data["failureReason"] != "fb_cancelled" || data["newSenderId"] != nil {
			t.Errorf("failed: %v", data)
		}
		_, err = w.Service.CancelInvitation(ctx, app.Key, inv(w, i))
		wantKindOf(t, "cancel what is completed", err, hookswitch.Invalid)
		_, _, err = w.Service.ConnectInvitation(ctx, servicetest.Must(w.Service.InvitationByToken(ctx, i.Token))(t), c)
		wantKindOf(t, "use it twice", err, hookswitch.Invalid)

		again := invite(w, app, hookswitch.Invitation{ClientName: "John Doe"})
		_, _, err = w.Service.CompleteInvitation(ctx, app.Key, again.Key, service.Connection{Provider: "meta", Credentials: c})
		wantKindOf(t, "connect what is connected", err, hookswitch.Conflict)
		if got := servicetest.Must(w.Service.Invitation(ctx, app.Key, inv(w, again)))(t); got.Status != hookswitch.InvitationPending {
			t.Errorf("a refused completion left it %s", got.Status)
		}
	})
}

func TestInvitation_TheOperatorCompletesItWithASenderThatIsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		p := newBureau()
		w := servicetest.New(t, db, p.with)
		app := w.App()
		sender := whatsApp(w, app, "shop", "waba1")
		i := invite(w, app, hookswitch.Invitation{})
		done, _, err := w.Service.CompleteInvitation(t.Context(), app.Key, i.Key, service.Connection{Sender: "shop"})
		if err != nil || done.Sender != sender.Key || done.Account.ID != "shop" || done.Account.Parent != "waba1" {
			t.Fatalf("%+v, %v", done, err)
		}
		wantSteps(w, app, hookswitch.EventInvitationStatus, "pending → in_progress", "in_progress → completed")
		data := eventsOf(w, app, hookswitch.EventInvitationStatus)[1]["data"].(map[string]any)
		if name, there := data["clientName"]; !there || name != nil {
			t.Errorf("a client without a name: %v", data)
		}
	})
}

// Section 5.2: allowed from pending, in_progress and failed.
func TestCancelInvitation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		a, b, c := invite(w, app, hookswitch.Invitation{}), invite(w, app, hookswitch.Invitation{}), invite(w, app, hookswitch.Invitation{})
		servicetest.Must(w.Service.StartInvitation(t.Context(), app.Key, b.Key))(t)
		servicetest.Must(w.Service.FailInvitation(t.Context(), app.Key, c.Key, ""))(t)
		_, err := w.Service.CancelInvitation(t.Context(), other.Key, inv(w, a))
		wantKindOf(t, "another app's", err, hookswitch.NotFound)
		for _, i := range []*hookswitch.Invitation{a, b, c} {
			if got := servicetest.Must(w.Service.CancelInvitation(t.Context(), app.Key, inv(w, i)))(t); got.Status != hookswitch.InvitationCancelled {
				t.Errorf("cancelled, and %s", got.Status)
			}
			_, err := w.Service.CancelInvitation(t.Context(), app.Key, inv(w, i))
			wantKindOf(t, "cancel twice", err, hookswitch.Invalid)
		}
		wantSteps(w, app, hookswitch.EventInvitationStatus, "pending → in_progress", "pending → in_progress", "in_progress → failed",
			"pending → cancelled", "in_progress → cancelled", "failed → cancelled")
		if list := servicetest.Must(w.Service.Invitations(t.Context(), app.Key, hookswitch.InvitationCancelled, store.Page{Limit: 2}))(t); len(list) != 2 || list[0].Key != c.Key {
			t.Errorf("listed, newest first: %+v", list)
		}
	})
}

func TestSweepInvitations_TellsOnceOverSeveralNodes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, gone := w.App(), w.App()
		for range 3 {
			invite(w, app, hookswitch.Invitation{})
		}
		invite(w, gone, hookswitch.Invitation{})
		begun := invite(w, app, hookswitch.Invitation{})
		servicetest.Must(w.Service.StartInvitation(t.Context(), app.Key, begun.Key))(t)
		if err := w.Service.DeleteApp(t.Context(), gone.Key); err != nil {
			t.Fatal(err)
		}
		sweep := func() {
			t.Helper()
			twin := w.Twin()
			var wg sync.WaitGroup
			for _, s := range []*service.Service{w.Service, twin.Service, w.Service, twin.Service} {
				wg.Go(func() {
					if err := s.SweepInvitations(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		sweep()
		wantSteps(w, app, hookswitch.EventInvitationStatus, "pending → in_progress")
		w.Clock.Advance(25 * time.Hour)
		sweep()
		wantSteps(w, app, hookswitch.EventInvitationStatus, "pending → in_progress", "in_progress → failed")
		if got := servicetest.Must(w.Service.Invitation(t.Context(), app.Key, inv(w, begun)))(t); got.FailureReason != "signup_abandoned" {
			t.Errorf("given up for %q", got.FailureReason)
		}
		w.Clock.Advance(6 * 24 * time.Hour)
		if got := servicetest.Must(w.Service.InvitationByToken(t.Context(), begun.Token))(t); got.Status != hookswitch.InvitationExpired {
			t.Errorf("its time is over, and it shows as %s", got.Status)
		}
		sweep()
		got := steps(w, app, hookswitch.EventInvitationStatus)[2:]
		slices.Sort(got)
		if want := []string{"failed → expired", "pending → expired", "pending → expired", "pending → expired"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestCreateInvitation_ChecksEachField(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t))
	app := w.App()
	for _, c := range []struct {
		field string
		days  int
		i     hookswitch.Invitation
	}{
		{"clientName", 0, hookswitch.Invitation{ClientName: strings.Repeat("ä", 101)}},
		{"clientEmail", 0, hookswitch.Invitation{ClientEmail: "john"}},
		{"clientPhone", 0, hookswitch.Invitation{ClientPhone: "555"}},
		{"connectionType", 0, hookswitch.Invitation{ConnectionType: "telegram"}},
		{"expiresInDays", 31, hookswitch.Invitation{}},
		{"expiresInDays", -1, hookswitch.Invitation{}},
		{"allowedPhoneCountries", 0, hookswitch.Invitation{Countries: []string{"USA"}}},
		{"phoneNumberId", 0, hookswitch.Invitation{ConnectionType: hookswitch.ConnectMessenger, PhoneNumberID: "1"}},
		{"allowedPhoneCountries", 0, hookswitch.Invitation{ConnectionType: hookswitch.ConnectMessenger, Countries: []string{"US"}}},
	} {
		_, err := w.Service.CreateInvitation(t.Context(), app.Key, c.i, c.days, none)
		if hookswitch.KindOf(err) != hookswitch.Invalid || !strings.Contains(err.Error(), "body."+c.field) {
			t.Errorf("%s: %v", c.field, err)
		}
	}
	if _, err := w.Service.CreateInvitation(t.Context(), app.Key, hookswitch.Invitation{ClientName: strings.Repeat("ä", 100)}, 30, none); err != nil {
		t.Error(err)
	}
}

// Section 5.1 of the contract.
func TestProjectWebhook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		ctx := t.Context()
		_, err := w.Service.ProjectWebhook(ctx, app.Key)
		wantKindOf(t, "none yet", err, hookswitch.NotFound)
		_, err = w.Service.UpdateProjectWebhook(ctx, app.Key, service.ProjectWebhookChange{})
		wantKindOf(t, "change none", err, hookswitch.NotFound)
		wantKindOf(t, "delete none", w.Service.DeleteProjectWebhook(ctx, app.Key), hookswitch.NotFound)
		_, _, err = w.Service.SetProjectWebhook(ctx, app.Key, "http://example.com/", nil)
		wantKindOf(t, "plain http", err, hookswitch.Invalid)
		_, _, err = w.Service.SetProjectWebhook(ctx, app.Key, "https://example.com/", []string{"message.inbound"})
		wantKindOf(t, "an event of senders", err, hookswitch.Invalid)
		_, _, err = w.Service.SetProjectWebhook(ctx, app.Key, "https://example.com/", []string{})
		wantKindOf(t, "no events", err, hookswitch.Invalid)

		r := servicetest.NewReceiver(t)
		first, secret, err := w.Service.SetProjectWebhook(ctx, app.Key, r.URL+"/a", nil)
		if err != nil || first.Disabled || !slices.Equal(first.EventTypes, []string{"invitation.status_changed"}) || !strings.HasPrefix(secret.Reveal(), "whsec_") {
			t.Fatalf("%+v, %v", first, err)
		}
		second, newer, err := w.Service.SetProjectWebhook(ctx, app.Key, r.URL+"/hook", []string{"invitation.status_changed", "invitation.status_changed"})
		if err != nil || second.Key != first.Key || newer == secret || len(second.EventTypes) != 1 {
			t.Fatalf("set again: %+v, %v", second, err)
		}
		hook := servicetest.Must(w.Service.ProjectWebhook(ctx, app.Key))(t)
		if hook.URL != r.URL+"/hook" || hook.Secrets[0].Secret != newer || len(hook.Secrets) != 1 {
			t.Errorf("%+v", hook)
		}
		if list := servicetest.Must(w.Service.Endpoints(ctx, app.Key, page10))(t); len(list) != 0 {
			t.Errorf("it is listed among the App's endpoints: %+v", list[0])
		}

		// What senders and other projects do is not told there, nor what is published.
		w.Sender(app, "shop", hookswitch.WhatsApp, false)
		servicetest.Must(w.Push(servicetest.Text("shop", "+254700000001", "m1", "hi")))(t)
		w.EventTypes("invitation.status_changed")
		w.Publish(app, "invitation.status_changed")
		servicetest.Must(w.Service.StartInvitation(ctx, other.Key, invite(w, other, hookswitch.Invitation{}).Key))(t)
		i := invite(w, app, hookswitch.Invitation{})
		servicetest.Must(w.Service.StartInvitation(ctx, app.Key, i.Key))(t)
		off, on := false, true
		got := servicetest.Must(w.Service.UpdateProjectWebhook(ctx, app.Key, service.ProjectWebhookChange{Active: &off}))(t)
		if !got.Disabled || got.Secrets[0].Secret != newer {
			t.Errorf("inactive: %+v", got)
		}
		servicetest.Must(w.Service.FailInvitation(ctx, app.Key, i.Key, ""))(t)
		servicetest.Must(w.Service.UpdateProjectWebhook(ctx, app.Key, service.ProjectWebhookChange{Active: &on}))(t)
		servicetest.Must(w.Service.StartInvitation(ctx, app.Key, i.Key))(t)
		owed := map[string]bool{}
		for _, ev := range w.Events(app) {
			for _, target := range ev.Targets {
				if target.Endpoint != hook.Key {
					t.Errorf("%s goes to %d", ev.Type, target.Endpoint)
				}
				var v struct {
					Data struct{ PreviousStatus, CurrentStatus string }
				}
				if err := json.Unmarshal(ev.Payload, &v); err != nil {
					t.Fatal(err)
				}
				owed[v.Data.PreviousStatus+" → "+v.Data.CurrentStatus] = true
			}
		}
		if diff := cmp.Diff(map[string]bool{"pending → in_progress": true, "failed → in_progress": true}, owed); diff != "" {
			t.Errorf("owed to the webhook (-want +got):\n%s", diff)
		}
		if err := w.Service.DeleteProjectWebhook(ctx, app.Key); err != nil {
			t.Fatal(err)
		}
		_, err = w.Service.ProjectWebhook(ctx, app.Key)
		wantKindOf(t, "deleted", err, hookswitch.NotFound)
	})
}
