package service_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestSend_NamesTheSendersOwnDoorForReports(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.reply("Hello")
		callback := ""
		c.Provider.Script(func(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			callback = out.Callback
			return servicetest.Accept(ctx, out)
		})
		c.send()
		id, channel, ok := strings.Cut(strings.TrimPrefix(callback, servicetest.PublicURL+"/in/"), "/")
		if !ok || channel != string(c.sender.Routes[0].Channel) {
			t.Fatalf("reports are to go to %q", callback)
		}
		routes, err := c.Service.SenderRoutes(t.Context(), id)
		if err != nil || routes[0].Sender != c.sender.Key {
			t.Errorf("the door is that of %+v, %v", routes, err)
		}
	})
}
