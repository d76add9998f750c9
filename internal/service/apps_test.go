package service_test

import (
	"context"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestApp_IsFoundByItsNameOfTheMoment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := context.Background()
		find := func(uid string) hookswitch.Key {
			a, err := w.Service.App(ctx, uid)
			if hookswitch.KindOf(err) == hookswitch.NotFound {
				return 0
			}
			if err != nil {
				t.Fatal(err)
			}
			// Publishing brings the app into the cache.
			if _, err := w.Service.PublishEvent(ctx, a, service.Publish{Type: "a", Payload: []byte("{}")}, service.Idempotency{}); err != nil {
				t.Fatal(err)
			}
			return a.Key
		}
		first, err := w.Service.CreateApp(ctx, hookswitch.App{Name: "First", UID: "acme"}, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		if got := find("acme"); got != first.Key {
			t.Fatalf("got %d, want %d", got, first.Key)
		}
		if _, err := w.Service.UpdateApp(ctx, first.Key, func(a *hookswitch.App) error { a.UID = "acme-2"; return nil }); err != nil {
			t.Fatal(err)
		}
		if got := find("acme"); got != 0 {
			t.Errorf("the old name leads to %d", got)
		}
		if got := find("acme-2"); got != first.Key {
			t.Errorf("the new name leads to %d, want %d", got, first.Key)
		}
		if err := w.Service.DeleteApp(ctx, first.Key); err != nil {
			t.Fatal(err)
		}
		if got := find("acme-2"); got != 0 {
			t.Errorf("the name of a deleted app leads to %d", got)
		}
		second, err := w.Service.CreateApp(ctx, hookswitch.App{Name: "Second", UID: "acme-2"}, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		if got := find("acme-2"); got != second.Key {
			t.Errorf("the name leads to %d, want its new owner %d", got, second.Key)
		}
	})
}
