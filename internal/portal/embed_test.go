package portal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestLogin_OnlyTheIDOfALinkTellsWhoMayFrameIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app, err := s.svc.CreateApp(context.Background(), hookswitch.App{Name: "Acme", UID: "acme"}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.svc.SetPortalSettings(context.Background(), app.Key, hookswitch.PortalSettings{FrameAncestors: []string{"https://secret-customer.example"}}); err != nil {
		t.Fatal(err)
	}
	for ref, told := range map[string]bool{s.appID(app): true, "acme": false} {
		for _, path := range []string{"/portal/login?app=", "/portal/endpoints?app="} {
			if a := s.get(path + ref); strings.Contains(a.header.Get("Content-Security-Policy"), "secret-customer") != told {
				t.Errorf("%s%s: %s", path, ref, a.header.Get("Content-Security-Policy"))
			}
		}
	}
}
