package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/client"
)

func TestSender_ADisabledRouteSaysSinceWhenAndWhy(t *testing.T) {
	t.Parallel()
	r := client.Route{Channel: "whatsapp", Provider: "meta", Known: true, Receives: true, Sends: true,
		Disabled: &client.RouteDisabled{At: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), Cause: "190: revoked"}}
	if got := routeText(r); !strings.Contains(got, "sends nothing since 2026-11-21 10:00:00Z: 190: revoked") || !strings.Contains(got, "sender route set") {
		t.Errorf("got %q", got)
	}
}
