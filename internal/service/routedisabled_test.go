package service_test

import (
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestReceive_ARevocationDisablesTheRouteOfTheAccountAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		sender := w.Sender(app, "100", hookswitch.WhatsApp, false)
		disabled := func() bool {
			return servicetest.Must(w.Store.Sender(t.Context(), app.Key, sender.Key))(t).Routes[0].Disabled()
		}
		revoke := func(address, id string) service.ReceivedResult {
			return servicetest.Must(w.Push(servicetest.Update{Channel: hookswitch.WhatsApp, Address: address, Dedup: id, Revoked: &hookswitch.Revocation{Cause: "gone"}}))(t)
		}
		if got := revoke("somebody else", "r1"); disabled() || got.Strays > 0 || len(got.Disabled) > 0 {
			t.Errorf("another account's permission: disabled %t, %+v", disabled(), got)
		}
		if got := revoke("100", "r2"); !disabled() || len(got.Disabled) != 1 || got.Disabled[0].DisabledCause != "gone" {
			t.Errorf("disabled %t, %+v", disabled(), got)
		}
		shown := servicetest.Must(w.Service.DisabledRoutes(t.Context()))(t)
		if len(shown) != 1 || shown[0].DisabledCause != "gone" || shown[0].Sender != sender.Key {
			t.Errorf("shown as disabled: %+v", shown)
		}
		w.Sender(app, "100", hookswitch.WhatsApp, false)
		if disabled() {
			t.Error("its credentials were set anew, and it is still disabled")
		}
		if got := revoke("100", "r2"); disabled() || got.Duplicates != 1 {
			t.Errorf("told once more: disabled %t, %+v", disabled(), got)
		}
	})
}

func TestReceive_AReportOfALockedAccountDisablesTheRoute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("hello")
		c.send()
		told := servicetest.Report("100", servicetest.ProviderID(c.Service.IDs().Format(hookswitch.KindMessage, m.Key)), "", "+1555", hookswitch.StatusFailed)
		told.Receipt.ErrorCode, told.Receipt.ErrorText, told.Receipt.Revoked = "131031", "account has been locked", true
		servicetest.Must(c.Push(told))(t)
		if got := c.message(m.Key); got.Status != hookswitch.StatusFailed || got.ErrorCode != "131031" {
			t.Errorf("the message is %s, %s", got.Status, got.ErrorCode)
		}
		routes := servicetest.Must(c.Service.DisabledRoutes(t.Context()))(t)
		if len(routes) != 1 || routes[0].DisabledCause != "131031: account has been locked" {
			t.Errorf("disabled routes: %+v", routes)
		}
		c.reply("more")
		c.send()
		if !slices.Contains(c.Types(c.app), hookswitch.EventMessageFailed) || len(c.Provider.Sent()) != 1 {
			t.Errorf("%d messages were handed to the provider; events %v", len(c.Provider.Sent()), c.Types(c.app))
		}
	})
}
