package portal_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestMessage_InAFrameTheLinkLeadsToTheBin(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	app := s.app("Acme")
	ev, err := s.svc.PublishEvent(context.Background(), app, service.Publish{Type: "invoice.paid", Payload: json.RawMessage(`{"a":1}`)}, service.Idempotency{})
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser("Sec-Fetch-Dest", "iframe")
	b.enter(app, service.PortalAccess{})
	a := b.submit("/portal/messages/"+s.svc.IDs().Format(hookswitch.KindEvent, ev.Key)+"/play", "")
	if a.status != 303 {
		t.Fatalf("opening it in Play: %d %s", a.status, a.body)
	}
	if a = b.open(a.header.Get("Location")); !strings.Contains(a.body, `<a href="/play/`) || !strings.Contains(a.body, `target="_blank"`) {
		_, flash, _ := strings.Cut(a.body, `class="flash`)
		t.Errorf("the page says %.300s", flash)
	}
}
