package deliver_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func revoked() servicetest.SendFunc {
	return servicetest.Refuse(&hookswitch.SendError{Code: "190", Message: "the session has been invalidated", Category: "auth", Revoked: true})
}

// credentials apply an entry for the sender of the fake provider.
func credentials(w *servicetest.World, app *hookswitch.App, name, more string) *hookswitch.Route {
	w.TB.Helper()
	spec := service.SenderSpec{Name: name, Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName,
		Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {name}}}
	if more != "" {
		spec.Credentials["token"] = []string{more}
	}
	list := servicetest.Must(w.Service.ApplySenders(w.TB.Context(), app.Key, []service.SenderSpec{spec}))(w.TB)
	if !list[0].Changed {
		w.TB.Error("nothing has changed")
	}
	return &list[0].Sender.Routes[0]
}

func routeOf(w *servicetest.World, app *hookswitch.App, sender *hookswitch.Sender) *hookswitch.Route {
	w.TB.Helper()
	return &servicetest.Must(w.Store.Sender(w.TB.Context(), app.Key, sender.Key))(w.TB).Routes[0]
}

// outcomes are the states of the App's outbound messages, with the codes of those that have failed, oldest first.
func outcomes(w *servicetest.World, app *hookswitch.App) []string {
	var out []string
	for _, m := range w.Messages(app) {
		if m.Direction == hookswitch.Outbound {
			out = append(out, strings.TrimSpace(string(m.Status)+" "+m.ErrorCode))
		}
	}
	return out
}

func TestSend_RevokedCredentialsDisableTheRouteUntilTheyAreSetAnew(t *testing.T) {
	for name, token := range map[string]string{"other credentials": "new", "the same once more, which the provider takes again": ""} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				w := servicetest.New(t, db)
				w.Run(echo)
				app := w.App()
				sender := w.Sender(app, "100", hookswitch.WhatsApp, true)
				w.Provider.Script(revoked())
				hear := func(id string, want ...string) {
					t.Helper()
					servicetest.Must(w.Push(servicetest.Text("100", "+1555", id, id)))(t)
					servicetest.Eventually(t, "it has come to "+strings.Join(want, ", "), func() bool { return cmp.Equal(want, outcomes(w, app)) })
				}
				hear("w1", "failed 190")
				servicetest.Eventually(t, "the route is disabled", func() bool { return routeOf(w, app, sender).Disabled() })
				if r := routeOf(w, app, sender); r.DisabledCause != "190: the session has been invalidated" || r.DisabledAt.IsZero() {
					t.Errorf("disabled at %s: %q", r.DisabledAt, r.DisabledCause)
				}
				hear("w2", "failed 190", "failed route_disabled") // received as before
				last := w.Messages(app)[3]
				if !strings.Contains(last.ErrorText, "the session has been invalidated") || !strings.Contains(last.ErrorText, "set anew") {
					t.Errorf("what is said of it: %q", last.ErrorText)
				}
				if r := credentials(w, app, "100", token); r.Disabled() || routeOf(w, app, sender).Disabled() || r.Key != sender.Routes[0].Key {
					t.Errorf("after its credentials were set anew: %+v", r)
				}
				hear("w3", "failed 190", "failed route_disabled", "sending")
				servicetest.Eventually(t, "the provider is called again", func() bool { return cmp.Equal([]string{"re: w1", "re: w3"}, texts(w)) })
			})
		})
	}
}

func TestSend_CredentialsThatWereReplacedMeanwhileAreNotTakenForRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(echo)
		app := w.App()
		sender := w.Sender(app, "100", hookswitch.WhatsApp, true)
		asked, answer := make(chan struct{}), make(chan struct{})
		w.Provider.Script(func(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			close(asked)
			<-answer
			return revoked()(ctx, out)
		})
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w1", "Hi")))(t)
		<-asked
		credentials(w, app, "100", "new")
		close(answer)
		becomes(w, app, hookswitch.StatusFailed)
		servicetest.Must(w.Push(servicetest.Text("100", "+1555", "w2", "again")))(t)
		servicetest.Eventually(t, "the next is sent", func() bool { return len(texts(w)) == 2 })
		if routeOf(w, app, sender).Disabled() {
			t.Error("the new credentials were taken for the old ones")
		}
	})
}
