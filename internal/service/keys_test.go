package service_test

import (
	"context"
	"regexp"
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

// newKey makes a key of the App and returns its text.
func newKey(t *testing.T, w *servicetest.World, app *hookswitch.App, k hookswitch.APIKey) (*hookswitch.APIKey, string) {
	t.Helper()
	made, text, err := w.Service.CreateAPIKey(t.Context(), app.Key, k)
	if err != nil {
		t.Fatal(err)
	}
	return made, text.Reveal()
}

func keyID(w *servicetest.World, k *hookswitch.APIKey) string {
	return w.Service.IDs().Format(hookswitch.KindAPIKey, k.Key)
}

// opens reports whether the text is that of a key that counts.
func opens(t *testing.T, w *servicetest.World, text string) bool {
	t.Helper()
	_, err := w.Service.APIKey(t.Context(), text)
	if err != nil && hookswitch.KindOf(err) != hookswitch.Unauthorized {
		t.Fatal(err)
	}
	return err == nil
}

func TestAPIKeys_ActUntilTheyAreRevoked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		key, text := newKey(t, w, app, hookswitch.APIKey{Test: true, Name: "shop", Scopes: []hookswitch.Scope{"messages:write", "contacts:read", "messages:write"}})
		got := servicetest.Must(w.Service.APIKey(t.Context(), text))(t)
		if got.App != app.Key || !got.Test || got.Name != "shop" || got.Hint != text[len(text)-4:] || !slices.Equal(got.Scopes, []hookswitch.Scope{"contacts:read", "messages:write"}) {
			t.Errorf("got %+v", got)
		}
		if !got.Allows(hookswitch.ScopeMessagesWrite) || got.Allows(hookswitch.ScopeMessagesRead) || !new(hookswitch.APIKey).Allows(hookswitch.ScopeMessagesRead) {
			t.Error("scopes do not say what the key is for")
		}
		if err := w.Service.DeleteAPIKey(t.Context(), app.Key, keyID(w, key)); err != nil {
			t.Fatal(err)
		}
		if opens(t, w, text) {
			t.Error("a revoked key counts")
		}
		_, text = newKey(t, w, app, hookswitch.APIKey{})
		if err := w.Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		if opens(t, w, text) {
			t.Error("the key of an App that has been deleted counts")
		}
	})
}

// A key that is revoked on one node opens nothing on another from that moment on.
func TestAPIKeys_AreRevokedOnAllNodesAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		key, text := newKey(t, w, app, hookswitch.APIKey{})
		other := w.Twin()
		if !opens(t, other, text) {
			t.Fatal("the key does not count on another node")
		}
		if err := w.Service.DeleteAPIKey(t.Context(), app.Key, keyID(w, key)); err != nil {
			t.Fatal(err)
		}
		if opens(t, other, text) {
			t.Error("a key that was revoked on one node counts on another")
		}
	})
}

func TestAPIKeys_OfWrongFormAreRefusedWhenTheyAreMade(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		for _, k := range []hookswitch.APIKey{{Name: "a\x00b"}, {Name: strings.Repeat("x", 257)}, {Scopes: []hookswitch.Scope{"messages:write", "messages"}}, {Scopes: []hookswitch.Scope{""}}} {
			_, _, err := w.Service.CreateAPIKey(t.Context(), app.Key, k)
			wantKind(t, err, hookswitch.Invalid)
		}
		if list := servicetest.Must(w.Service.APIKeys(t.Context(), app.Key, store.Page{Limit: 9}))(t); len(list) != 0 {
			t.Errorf("made %v", list)
		}
	})
}

func TestAPIKeys_AfterARotationBothTextsCountForTheOverlap(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		key, first := newKey(t, w, app, hookswitch.APIKey{Test: true, Scopes: []hookswitch.Scope{"senders:read"}})
		rotate := func(overlap time.Duration) string {
			t.Helper()
			k, text, err := w.Service.RotateAPIKey(t.Context(), app.Key, keyID(w, key), overlap)
			if err != nil {
				t.Fatal(err)
			}
			if k.Key != key.Key || !k.OldUntil.Equal(w.Clock.Now().Add(overlap)) || !strings.HasPrefix(text.Reveal(), "zv_test_") || !strings.HasSuffix(text.Reveal(), k.Hint) {
				t.Errorf("rotated: %+v", k)
			}
			return text.Reveal()
		}
		counts := func(want ...string) {
			t.Helper()
			var got []string
			for _, text := range []string{first} {
				if opens(t, w, text) {
					got = append(got, text)
				}
			}
			for _, text := range want {
				if text != first && opens(t, w, text) {
					got = append(got, text)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v count, want %v", got, want)
			}
		}
		second := rotate(time.Hour)
		counts(first, second)
		w.Clock.Advance(time.Hour - time.Millisecond)
		counts(first, second)
		w.Clock.Advance(time.Millisecond)
		counts(second)

		third := rotate(time.Hour)
		if got := servicetest.Must(w.Service.APIKey(t.Context(), second))(t); got.Key != key.Key || !slices.Equal(got.Scopes, key.Scopes) || !got.Test {
			t.Errorf("by the old text: %+v", got)
		}
		fourth := rotate(time.Hour) // ends what was left of the text before
		if opens(t, w, second) || !opens(t, w, third) || !opens(t, w, fourth) {
			t.Error("after two rotations other than the last two texts count")
		}
		fifth := rotate(0)
		if opens(t, w, fourth) || !opens(t, w, fifth) {
			t.Error("without overlap the old text counts")
		}
		sixth := rotate(service.MaxKeyOverlap)
		if err := w.Service.DeleteAPIKey(t.Context(), app.Key, keyID(w, key)); err != nil {
			t.Fatal(err)
		}
		if opens(t, w, fifth) || opens(t, w, sixth) {
			t.Error("a text of a revoked key counts")
		}
		for _, wrong := range []time.Duration{-1, service.MaxKeyOverlap + 1} {
			_, _, err := w.Service.RotateAPIKey(t.Context(), app.Key, keyID(w, key), wrong)
			wantKind(t, err, hookswitch.Invalid)
		}
		_, _, err := w.Service.RotateAPIKey(t.Context(), app.Key, keyID(w, key), 0)
		wantKind(t, err, hookswitch.NotFound)
		foreign, _ := newKey(t, w, w.App(), hookswitch.APIKey{})
		_, _, err = w.Service.RotateAPIKey(t.Context(), app.Key, keyID(w, foreign), 0)
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestAPIKeys_RememberTheirLastUseToAMinute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		_, text := newKey(t, w, app, hookswitch.APIKey{})
		newKey(t, w, app, hookswitch.APIKey{})
		used := func() time.Time {
			t.Helper()
			if err := w.Service.RecordKeyUses(context.Background()); err != nil {
				t.Fatal(err)
			}
			list := servicetest.Must(w.Service.APIKeys(t.Context(), app.Key, store.Page{Limit: 9}))(t)
			if !list[0].UsedAt.IsZero() {
				t.Error("a key that was not used was")
			}
			return list[1].UsedAt
		}
		if at := used(); !at.IsZero() {
			t.Errorf("used %v before it was", at)
		}
		first := w.Clock.Now()
		for range 10 { // the first use within a minute is the one that is stored
			opens(t, w, text)
			w.Clock.Advance(5 * time.Second)
			if at := used(); !at.Equal(first) {
				t.Errorf("used %v, want %v", at, first)
			}
		}
		w.Clock.Advance(10 * time.Second)
		opens(t, w, text)
		if at := used(); !at.Equal(first.Add(time.Minute)) {
			t.Errorf("used %v, want a minute after %v", at, first)
		}
	})
}

func TestAPIKeys_BeginAsTheOperatorSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		_, old := newKey(t, w, app, hookswitch.APIKey{})
		acme, err := service.New(service.Options{Store: w.Store, Now: func() time.Time { return w.Clock.Now().Add(time.Second) }, KeyPrefix: "acme"})
		if err != nil {
			t.Fatal(err)
		}
		w.Service = acme
		for mode, test := range map[string]bool{"live": false, "test": true} {
			if _, text := newKey(t, w, app, hookswitch.APIKey{Test: test}); !regexp.MustCompile(`^acme_`+mode+`_[0-9A-Za-z]{32}$`).MatchString(text) || !opens(t, w, text) {
				t.Errorf("made %s", text)
			}
		}
		if !opens(t, w, old) {
			t.Error("a key with the prefix from before does not count any more")
		}
	})
}
