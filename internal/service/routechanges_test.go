package service_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// bareSender is a sender without routes, and its id.
func bareSender(t *testing.T, w *servicetest.World, app *hookswitch.App, name string) (*hookswitch.Sender, string) {
	t.Helper()
	s := servicetest.Must(w.Service.CreateSender(t.Context(), app.Key, service.SenderChange{Name: &name}))(t).Sender
	return s, w.Service.IDs().Format(hookswitch.KindSender, s.Key)
}

func TestCreateRoute_MakesUpWhatNobodyGives(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		_, id := bareSender(t, w, app, "Support")
		done := servicetest.Must(w.Service.CreateRoute(t.Context(), app.Key, id, service.RouteChange{Channel: hookswitch.WhatsApp, Provider: "meta",
			Credentials: hookswitch.Credentials{"app_secret": {"s"}, "phone_number_id": {"106"}}}))(t)
		if made := done.Made.First("verify_token"); len(made) < 20 || len(done.Made) != 1 {
			t.Errorf("made %d values, the verify token with %d characters", len(done.Made), len(made))
		}
		r := done.Sender.Routes[0]
		if r.Account == "" || r.Address != "106" || r.Credentials.First("verify_token") != done.Made.First("verify_token") || r.Credentials.First("app_secret") != "s" {
			t.Errorf("the route is %+v", r)
		}
		if got := servicetest.Must(w.Service.Accounts(t.Context(), "meta", 0, ""))(t); len(got) != 1 {
			t.Errorf("the doors know of %d accounts", len(got))
		}
		_, err := w.Service.CreateRoute(t.Context(), app.Key, id, service.RouteChange{Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: hookswitch.Credentials{"phone_number_id": {"106"}}})
		if hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("the same channel again: %v", err)
		}
		_, other := bareSender(t, w, w.App(), "Other")
		other2 := w.App()
		_, id2 := bareSender(t, w, other2, "Other")
		_, err = w.Service.CreateRoute(t.Context(), other2.Key, id2, service.RouteChange{Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: hookswitch.Credentials{"app_secret": {"s"}, "phone_number_id": {"106"}}})
		if hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("the address of another app: %v", err)
		}
		if _, err := w.Service.CreateRoute(t.Context(), app.Key, other, service.RouteChange{Channel: hookswitch.WhatsApp, Provider: "meta"}); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("a sender of another app: %v", err)
		}
	})
}

func TestCreateRoute_NamesEachWrongField(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		_, id := bareSender(t, w, app, "Support")
		for name, c := range map[string]struct {
			in    service.RouteChange
			field string
		}{
			"no channel":        {service.RouteChange{Channel: "fax", Provider: "meta"}, "channel"},
			"another's channel": {service.RouteChange{Channel: hookswitch.USSD, Provider: "meta"}, "provider"},
			"no provider":       {service.RouteChange{Channel: hookswitch.SMS, Provider: "acme"}, "provider"},
			"a misspelt name":   {service.RouteChange{Channel: hookswitch.SMS, Provider: "twilio", Credentials: hookswitch.Credentials{"auth_tokn": {"x"}}}, "credentials auth_tokn"},
			"two of one":        {service.RouteChange{Channel: hookswitch.SMS, Provider: "twilio", Credentials: hookswitch.Credentials{"account_sid": {"a", "b"}}}, "credentials account_sid"},
			"no choice":         {service.RouteChange{Channel: hookswitch.Email, Provider: "mailgun", Credentials: hookswitch.Credentials{"region": {"us"}}}, "credentials region"},
			"a bad origin":      {service.RouteChange{Channel: hookswitch.WebChat, Provider: "webchat", Credentials: hookswitch.Credentials{"allowed_origins": {"https://a.example/path"}}}, "credentials allowed_origins"},
			"a bad rate":        {service.RouteChange{Channel: hookswitch.SMS, Provider: "twilio", Rate: "often"}, "rate"},
		} {
			_, err := w.Service.CreateRoute(t.Context(), app.Key, id, c.in)
			if e, ok := errorAs(err); !ok || len(e.Fields) != 1 || strings.Join(e.Fields[0].Path, " ") != "body "+c.field {
				t.Errorf("%s: got %v, want the field %s", name, err, c.field)
			}
		}
	})
}

func errorAs(err error) (*hookswitch.Error, bool) {
	e, ok := err.(*hookswitch.Error) //nolint:errorlint // as the service returns it
	return e, ok
}

func TestUpdateRoute_ChangesWhatIsNamedAndSendsAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		s, id := bareSender(t, w, app, "Support")
		made := servicetest.Must(w.Service.CreateRoute(t.Context(), app.Key, id, service.RouteChange{Channel: hookswitch.SMS, Provider: "twilio", Rate: "5/s",
			Credentials: hookswitch.Credentials{"auth_token": {"old"}, "account_sid": {"AC1"}, "from": {"21512"}}}))(t)
		route := w.Service.IDs().Format(hookswitch.KindRoute, made.Route.Key)
		if err := w.Service.DisableRoute(t.Context(), &made.Sender.Routes[0], "revoked"); err != nil {
			t.Fatal(err)
		}
		done := servicetest.Must(w.Service.UpdateRoute(t.Context(), app.Key, id, route, service.RouteChange{Credentials: hookswitch.Credentials{"auth_token": {"new"}, "from": nil}, Beside: []string{"auth_token"}}))(t)
		r := done.Sender.Routes[0]
		if !slices.Equal(r.Credentials["auth_token"], []string{"new", "old"}) || r.Credentials.First("account_sid") != "AC1" || r.Credentials["from"] != nil || r.Disabled() || r.Rate.String() != "5/s" || r.Key != made.Route.Key {
			t.Errorf("the route is %+v with %d tokens", r, len(r.Credentials["auth_token"]))
		}
		servicetest.Must(w.Service.UpdateRoute(t.Context(), app.Key, id, route, service.RouteChange{Credentials: hookswitch.Credentials{"auth_token": {"newest"}}, Rate: service.UsualRate}))(t)
		if r := servicetest.Must(w.Store.Sender(t.Context(), app.Key, s.Key))(t).Routes[0]; !slices.Equal(r.Credentials["auth_token"], []string{"newest"}) || !r.Rate.IsZero() {
			t.Errorf("the old token stays: %d, rate %s", len(r.Credentials["auth_token"]), r.Rate)
		}
		list := servicetest.Must(w.Service.Activities(t.Context(), app.Key, store.ActivityFilter{}, store.Page{Limit: 10}))(t)
		if len(list) != 4 || list[0].Action != hookswitch.DidChangeCredentials || strings.Contains(list[0].Details["Credentials"], "newest") || list[0].Details["Credentials"] != "auth_token" {
			t.Errorf("noted: %d, %+v", len(list), list[0])
		}
		if err := w.Service.DeleteRoute(t.Context(), app.Key, id, route); err != nil {
			t.Fatal(err)
		}
		if err := w.Service.DeleteRoute(t.Context(), app.Key, id, route); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("again: %v", err)
		}
		if got := servicetest.Must(w.Service.Accounts(t.Context(), "twilio", 0, ""))(t); len(got) != 0 {
			t.Error("its door is open")
		}
	})
}

func TestCheckRoute_TellsWhatIsMissingAndWhatCame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, realProviders)
		app := w.App()
		s, id := bareSender(t, w, app, "Support")
		made := servicetest.Must(w.Service.CreateRoute(t.Context(), app.Key, id, service.RouteChange{Channel: hookswitch.X, Provider: "x", Credentials: hookswitch.Credentials{"consumer_secret": {"s"}}}))(t)
		for _, n := range []store.DoorNote{{Result: "handshake"}, {Result: "bad_signature", Cause: "it is forged"}, {Result: "bad_signature", Cause: "it is forged"}} {
			n.Sender, n.Provider, n.Channel = s.Key, "x", hookswitch.X
			w.Service.NoteDoor(n)
		}
		w.Clock.Advance(time.Minute)
		got := servicetest.Must(w.Service.CheckRoute(t.Context(), app.Key, id, w.Service.IDs().Format(hookswitch.KindRoute, made.Route.Key)))(t)
		if len(got.Missing) != 1 || got.Missing[0].Name != "access_token" || !got.Setup.Receives || got.Asked || got.ChallengeAt.IsZero() || got.ChallengeFailed || !got.AcceptedAt.IsZero() || got.Refused != 2 || got.Cause != "it is forged" {
			t.Errorf("found %+v", got)
		}
	})
}

func TestRouteSetups_SendOnlyWithWhatTheProviderNeedsForIt(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t), realProviders)
	type creds = hookswitch.Credentials
	for name, c := range map[string]struct {
		channel     hookswitch.Channel
		provider    string
		credentials creds
		phone       string
		lacks       string
		never       bool
	}{
		"meta":                         {hookswitch.WhatsApp, "meta", creds{"access_token": {"T"}, "phone_number_id": {"1"}}, "", "", false},
		"meta that receives":           {hookswitch.WhatsApp, "meta", creds{"app_secret": {"s"}, "phone_number_id": {"1"}}, "", "access_token", false},
		"telegram without a token":     {hookswitch.Telegram, "telegram", creds{"secret_token": {"s"}}, "", "bot_token", false},
		"twilio":                       {hookswitch.SMS, "twilio", creds{"account_sid": {"AC1"}, "auth_token": {"t"}}, "+15550001111", "", false},
		"twilio with a key":            {hookswitch.SMS, "twilio", creds{"account_sid": {"AC1"}, "api_key_sid": {"SK1"}, "api_key_secret": {"k"}, "messaging_service_sid": {"MG1"}}, "", "", false},
		"twilio with half a key":       {hookswitch.SMS, "twilio", creds{"account_sid": {"AC1"}, "api_key_sid": {"SK1"}}, "+15550001111", "auth_token", false},
		"twilio that has no number":    {hookswitch.SMS, "twilio", creds{"account_sid": {"AC1"}, "auth_token": {"t"}}, "", "from", false},
		"calls":                        {hookswitch.Voice, "twilio", creds{"account_sid": {"AC1"}, "auth_token": {"t"}}, "+15550001111", "", true},
		"x with a short token":         {hookswitch.X, "x", creds{"access_token": {"T"}}, "", "", false},
		"x with half of a long token":  {hookswitch.X, "x", creds{"access_token": {"T"}, "access_token_secret": {"s"}, "consumer_secret": {"c"}}, "", "consumer_key", false},
		"x that receives":              {hookswitch.X, "x", creds{"consumer_secret": {"c"}}, "", "access_token", false},
		"africastalking that receives": {hookswitch.SMS, "africastalking", creds{"callback_key": {"k"}}, "", "username api_key", false},
		"mail":                         {hookswitch.Email, "mailgun", creds{"address": {"a@example.com"}, "api_key": {"k"}}, "", "", false},
		"mail from where it comes in":  {hookswitch.Email, "mailgun", creds{"inbound_address": {"a@example.com"}, "api_key": {"k"}}, "", "", false},
		"mail that receives":           {hookswitch.Email, "mailgun", creds{"signing_key": {"k"}}, "", "address api_key", false},
		"web chat":                     {hookswitch.WebChat, "webchat", nil, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			app := w.App()
			applied := servicetest.Must(w.Service.ApplySenders(t.Context(), app.Key, []service.SenderSpec{{Name: "line", Channel: c.channel, Provider: c.provider, Credentials: c.credentials, PhoneNumber: c.phone}}))(t)
			defer func() {
				if err := w.Service.DeleteSender(context.Background(), app.Key, applied[0].Sender.Key); err != nil {
					t.Error(err)
				}
			}()
			setup := w.Service.RouteSetups(applied[0].Sender)[0]
			if lacks := strings.Join(setup.Lacks, " "); lacks != c.lacks || setup.Sends != (c.lacks == "" && !c.never) {
				t.Errorf("sends: %t, lacks %q, want %q", setup.Sends, lacks, c.lacks)
			}
		})
	}
}
