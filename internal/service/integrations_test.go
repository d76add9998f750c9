package service_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestIntegration_ItsKeyActsInItsApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, app := t.Context(), w.App()
		i := servicetest.Must(w.Service.CreateIntegration(ctx, app.Key, hookswitch.Integration{Name: "Zap", FeatureFlags: []string{"beta"}}, asked("1")))(t)
		if again := servicetest.Must(w.Service.CreateIntegration(ctx, app.Key, hookswitch.Integration{Name: "Zap"}, asked("1")))(t); again.Key != i.Key {
			t.Error("the repeat made another one")
		}
		key := func() hookswitch.Secret {
			t.Helper()
			return servicetest.Must(w.Service.IntegrationKey(ctx, app.Key, i.Key))(t)
		}
		first := key()
		got := servicetest.Must(w.Service.Token(ctx, first))(t)
		if !strings.HasPrefix(first.Reveal(), "integ_sk_") || got.App != app.Key || got.Ref != i.Key || got.Capabilities != hookswitch.AllCapabilities ||
			!slices.Equal(got.FeatureFlags, []string{"beta"}) || !got.ExpiresAt.IsZero() {
			t.Errorf("got %+v", got)
		}
		servicetest.Must(w.Service.UpdateIntegration(ctx, app.Key, i.Key, func(i *hookswitch.Integration) error {
			i.FeatureFlags = []string{"gamma"}
			return nil
		}))(t)
		if got := servicetest.Must(w.Service.Token(ctx, first))(t); !slices.Equal(got.FeatureFlags, []string{"gamma"}) {
			t.Errorf("its key has the flags %v", got.FeatureFlags)
		}

		second := servicetest.Must(w.Service.RotateIntegrationKey(ctx, app.Key, i.Key, asked("2")))(t)
		if lives(t, w, first) || !lives(t, w, second) || key() != second {
			t.Error("want the new key instead of the old one")
		}
		if again := servicetest.Must(w.Service.RotateIntegrationKey(ctx, app.Key, i.Key, asked("2")))(t); again != second || !lives(t, w, second) {
			t.Error("the repeat made another key")
		}
		// Ending portal tokens leaves integrations alone.
		if err := w.Service.ExpirePortal(ctx, app.Key, nil, 0, service.Idempotency{}); err != nil || !lives(t, w, second) {
			t.Errorf("the key ended with the portal tokens, %v", err)
		}
		if err := w.Service.DeleteIntegration(ctx, app.Key, i.Key); err != nil {
			t.Fatal(err)
		}
		if lives(t, w, second) {
			t.Error("the key of a deleted integration lives")
		}
		_, err := w.Service.IntegrationKey(ctx, app.Key, i.Key)
		wantKind(t, err, hookswitch.NotFound)
		_, err = w.Service.RotateIntegrationKey(ctx, app.Key, i.Key, service.Idempotency{})
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestIntegration_OfAnotherAppDoesNotExist(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, app, other := t.Context(), w.App(), w.App()
		i := servicetest.Must(w.Service.CreateIntegration(ctx, app.Key, hookswitch.Integration{Name: "Zap"}, service.Idempotency{}))(t)
		id := w.Service.IDs().Format(hookswitch.KindIntegration, i.Key)
		if got := servicetest.Must(w.Service.Integration(ctx, app.Key, id))(t); got.Key != i.Key {
			t.Errorf("got %+v", got)
		}
		_, err := w.Service.Integration(ctx, other.Key, id)
		wantKind(t, err, hookswitch.NotFound)
		_, err = w.Service.Integration(ctx, app.Key, "integ_1srOrx2ZWZBpBUvZwXKQmoEYga2")
		wantKind(t, err, hookswitch.NotFound)
		_, err = w.Service.IntegrationKey(ctx, other.Key, i.Key)
		wantKind(t, err, hookswitch.NotFound)
		_, err = w.Service.RotateIntegrationKey(ctx, other.Key, i.Key, service.Idempotency{})
		wantKind(t, err, hookswitch.NotFound)
		wantKind(t, w.Service.DeleteIntegration(ctx, other.Key, i.Key), hookswitch.NotFound)
		_, err = w.Service.UpdateIntegration(ctx, other.Key, i.Key, func(*hookswitch.Integration) error { return nil })
		wantKind(t, err, hookswitch.NotFound)
		if list := servicetest.Must(w.Service.Integrations(ctx, other.Key, store.Page{Limit: 5}))(t); len(list) != 0 {
			t.Errorf("got %d", len(list))
		}
		if key := servicetest.Must(w.Service.IntegrationKey(ctx, app.Key, i.Key))(t); !lives(t, w, key) {
			t.Error("its key ended")
		}
		_, err = w.Service.CreateIntegration(ctx, app.Key, hookswitch.Integration{}, service.Idempotency{})
		wantKind(t, err, hookswitch.Invalid)
	})
}
