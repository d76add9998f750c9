package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// asked names a request that its caller may repeat.
func asked(key string) service.Idempotency {
	return service.Idempotency{Caller: "caller", Key: key, Route: "POST /x"}
}

// portal opens the portal of the app.
func portal(t *testing.T, w *servicetest.World, app *hookswitch.App, change ...func(*service.PortalAccess)) *service.PortalLink {
	t.Helper()
	a := service.PortalAccess{Capabilities: hookswitch.AllCapabilities}
	for _, c := range change {
		c(&a)
	}
	return servicetest.Must(w.Service.OpenPortal(context.Background(), app.Key, a, service.Idempotency{}))(t)
}

func lives(t *testing.T, w *servicetest.World, text hookswitch.Secret) bool {
	t.Helper()
	_, err := w.Service.Token(context.Background(), text)
	if err != nil && hookswitch.KindOf(err) != hookswitch.Unauthorized {
		t.Fatal(err)
	}
	return err == nil
}

func exchange(w *servicetest.World, oneTime hookswitch.Secret, idem service.Idempotency) (*hookswitch.Token, hookswitch.Secret, error) {
	return w.Service.ExchangeOneTime(context.Background(), oneTime, idem)
}

func TestToken_ActsInItsAppUntilItExpires(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		link := portal(t, w, app, func(a *service.PortalAccess) {
			a.Capabilities, a.FeatureFlags, a.Session, a.Life = hookswitch.CreateAttempts, []string{"beta"}, "s", 2*time.Hour
		})
		text := link.Token.Reveal()
		if !strings.HasPrefix(text, "appsk_") || strings.Contains(text, ".") || len(text) < 6+33 {
			t.Errorf("the text has %d characters and begins with %.6s", len(text), text)
		}
		got := servicetest.Must(w.Service.Token(t.Context(), link.Token))(t)
		if got.App != app.Key || got.Capabilities != hookswitch.ViewBase|hookswitch.CreateAttempts || !slices.Equal(got.FeatureFlags, []string{"beta"}) || got.Scope != "s" {
			t.Errorf("got %+v", got)
		}
		w.Clock.Advance(2*time.Hour - time.Millisecond)
		if !lives(t, w, link.Token) {
			t.Error("it ended too early")
		}
		w.Clock.Advance(time.Millisecond)
		if lives(t, w, link.Token) {
			t.Error("it lives on")
		}
	})
}

func TestToken_AnythingElseIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		link := portal(t, w, app)
		_, zavu, err := w.Service.CreateAPIKey(t.Context(), app.Key, hookswitch.APIKey{})
		if err != nil {
			t.Fatal(err)
		}
		text := link.Token.Reveal()
		foreign := map[string]hookswitch.Secret{
			"none": "", "a word": "secret", "only a prefix": "appsk_", "cut off": link.Token[:len(text)-1], "longer": link.Token + "a", "one-time": link.OneTime,
			"API key": zavu, "a dot": hookswitch.Secret(text[:len(text)-1] + "."), "no text": hookswitch.Secret(text[:len(text)-1] + "\x00"), "spaces": " " + link.Token,
		}
		check := func() {
			t.Helper()
			for what, text := range foreign {
				if _, err := w.Service.Token(t.Context(), text); hookswitch.KindOf(err) != hookswitch.Unauthorized || strings.Contains(err.Error(), text.Reveal()) && text != "" {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		check()
		unknown := hookswitch.Secret("appsk_" + strings.Repeat("0", len(text)-6))
		if lives(t, w, unknown) || lives(t, w, "integ_sk_"+link.Token[6:]) {
			t.Error("a made up token is taken")
		}
		// What does not look like a token costs no read: it is refused without a store.
		if err := w.Store.Close(); err != nil {
			t.Fatal(err)
		}
		delete(foreign, "one-time")
		check()
		_, err = w.Service.Token(t.Context(), unknown)
		wantKind(t, err, hookswitch.Unavailable)
	})
}

func TestToken_EndsWithItsApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		link := portal(t, w, app)
		if err := w.Service.DeleteApp(t.Context(), app.Key); err != nil {
			t.Fatal(err)
		}
		if lives(t, w, link.Token) {
			t.Error("the token of a deleted app lives")
		}
		// One that was being made while the app was deleted.
		late := hookswitch.Secret("appsk_" + strings.Repeat("L", len(link.Token)-6))
		hash := sha256.Sum256([]byte(late.Reveal()))
		if err := w.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertToken(&hookswitch.Token{Key: w.Service.NextKey(), App: app.Key, Kind: hookswitch.TokenPortal}, hex.EncodeToString(hash[:]), nil, time.Time{})
		}); err != nil {
			t.Fatal(err)
		}
		if lives(t, w, late) {
			t.Error("the late token of a deleted app lives")
		}
		_, _, err := exchange(w, link.OneTime, service.Idempotency{})
		wantKind(t, err, hookswitch.Unauthorized)
		_, err = w.Service.OpenPortal(t.Context(), app.Key, service.PortalAccess{}, service.Idempotency{})
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestOpenPortal_RefusesWhatIsOutOfBounds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		for field, a := range map[string]service.PortalAccess{
			"expiry": {Life: service.MinPortalLife - 1}, "sessionId": {Session: strings.Repeat("x", 257)}, "featureFlags.[0]": {FeatureFlags: []string{"a b"}},
		} {
			_, err := w.Service.OpenPortal(t.Context(), app.Key, a, service.Idempotency{})
			wantKind(t, err, hookswitch.Invalid)
			if !strings.Contains(err.Error(), field) {
				t.Errorf("%v does not name %s", err, field)
			}
		}
		_, err := w.Service.OpenPortal(t.Context(), app.Key, service.PortalAccess{Life: service.MaxPortalLife + 1}, service.Idempotency{})
		wantKind(t, err, hookswitch.Invalid)
	})
}

func TestOpenPortal_ARepeatGivesTheSameTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		open := func(key string) service.PortalLink {
			return *servicetest.Must(w.Service.OpenPortal(t.Context(), app.Key, service.PortalAccess{}, asked(key)))(t)
		}
		first := open("k")
		if again := open("k"); again != first {
			t.Error("the repeat gave other tokens")
		}
		if other := open("l"); other.Token == first.Token || other.OneTime == first.OneTime {
			t.Error("another request gave the same tokens")
		}
		w.Clock.Advance(11 * time.Hour)
		if again := open("k"); again != first {
			t.Error("forgotten within twelve hours")
		}
		w.Clock.Advance(24 * time.Hour)
		if again := open("k"); again == first {
			t.Error("remembered for ever")
		}
	})
}

func TestOneTime_TwentyAtOnceGiveOneSession(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		link := portal(t, w, app, func(a *service.PortalAccess) {
			a.Capabilities, a.Session, a.Life, a.FeatureFlags = hookswitch.ViewBase, "s", 3*time.Hour, []string{"f"}
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := []hookswitch.Secret{}
		for range 20 {
			wg.Go(func() {
				got, text, err := exchange(w, link.OneTime, service.Idempotency{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, text)
					if got.Capabilities != hookswitch.ViewBase || got.Scope != "s" || !got.ExpiresAt.Equal(w.Clock.Now().Add(3*time.Hour)) || !slices.Equal(got.FeatureFlags, []string{"f"}) {
						t.Errorf("the session has other rights than the link: %+v", got)
					}
				} else if hookswitch.KindOf(err) != hookswitch.Unauthorized || !strings.Contains(err.Error(), "used already") {
					t.Errorf("a loser was told: %v", err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d sessions were opened, want one", len(won))
		}
		if won[0] == link.Token || !lives(t, w, won[0]) || !lives(t, w, link.Token) {
			t.Error("the session has no token of its own that lives")
		}
	})
}

func TestOneTime_SaysWhyThereIsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		says := func(oneTime hookswitch.Secret, words string) {
			t.Helper()
			_, _, err := exchange(w, oneTime, service.Idempotency{})
			if hookswitch.KindOf(err) != hookswitch.Unauthorized || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), oneTime.Reveal()) {
				t.Errorf("want %q, got %v", words, err)
			}
		}
		used, expired := portal(t, w, app), portal(t, w, app)
		if _, _, err := exchange(w, used.OneTime, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		says(used.OneTime, "used already")
		says("no token", "not valid")
		says(expired.Token, "not valid")
		says(hookswitch.Secret("otp_"+strings.Repeat("0", len(used.OneTime)-4)), "not valid any more")
		w.Clock.Advance(service.OneTimeLife)
		says(expired.OneTime, "expired")
		if !lives(t, w, expired.Token) {
			t.Error("the token beside the link ended with it")
		}
	})
}

// A stranger may choose the same idempotency key: whose repeat it is, the one-time token tells.
func TestOneTime_ARepeatIsKnownByItsToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		a, b := portal(t, w, w.App()), portal(t, w, w.App())
		_, first, err := exchange(w, a.OneTime, asked("1"))
		if err != nil {
			t.Fatal(err)
		}
		got, again, err := exchange(w, a.OneTime, asked("1"))
		if err != nil || again != first || got.Kind != hookswitch.TokenPortal {
			t.Errorf("the repeat: %v, the same token: %v", err, again == first)
		}
		if _, other, err := exchange(w, b.OneTime, asked("1")); err != nil || other == first {
			t.Errorf("the link of somebody else: %v, the same token: %v", err, other == first)
		}
		_, _, err = exchange(w, a.OneTime, asked("2"))
		wantKind(t, err, hookswitch.Unauthorized)
		_, _, err = exchange(w, hookswitch.Secret("otp_"+strings.Repeat("0", len(a.OneTime)-4)), asked("1"))
		wantKind(t, err, hookswitch.Unauthorized)
	})
}

func TestLogout_EndsTheTokenAtOnceAndNoOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		link := portal(t, w, app)
		got := servicetest.Must(w.Service.Token(t.Context(), link.Token))(t)
		_, session, err := exchange(w, link.OneTime, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Service.Logout(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		if lives(t, w, link.Token) || !lives(t, w, session) {
			t.Error("want the token ended, and the one from the link alive")
		}
		poller, text, err := w.Service.RotatePollerToken(t.Context(), app.Key, "sink", service.PollerRotation{}, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		wantKind(t, w.Service.Logout(t.Context(), poller), hookswitch.Invalid)
		wantKind(t, w.Service.Logout(t.Context(), nil), hookswitch.Invalid)
		if !lives(t, w, text) {
			t.Error("the key of a poller was logged out")
		}
	})
}

func TestExpirePortal_EndsTokensAndLinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, other := w.App(), w.App()
		in := func(session string) func(*service.PortalAccess) {
			return func(a *service.PortalAccess) { a.Session = session }
		}
		one, two, none, theirs := portal(t, w, app, in("1")), portal(t, w, app, in("2")), portal(t, w, app), portal(t, w, other, in("1"))
		expire := func(after time.Duration, sessions ...string) {
			t.Helper()
			if err := w.Service.ExpirePortal(t.Context(), app.Key, sessions, after, service.Idempotency{}); err != nil {
				t.Fatal(err)
			}
		}
		check := func(when string, want ...bool) {
			t.Helper()
			for i, l := range []*service.PortalLink{one, two, none, theirs} {
				if got := lives(t, w, l.Token); got != want[i] {
					t.Errorf("%s: token %d lives: %v, want %v", when, i, got, want[i])
				}
			}
		}
		expire(0, "1", "unknown")
		check("one session ended", false, true, true, true)
		_, _, err := exchange(w, one.OneTime, service.Idempotency{})
		wantKind(t, err, hookswitch.Unauthorized)

		expire(10 * time.Minute)
		check("all are to end", false, true, true, true)
		w.Clock.Advance(9 * time.Minute)
		_, session, err := exchange(w, two.OneTime, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		expire(service.MaxPortalGrace) // lengthens nothing
		w.Clock.Advance(time.Minute)
		check("all have ended", false, false, false, true)
		if lives(t, w, session) {
			t.Error("a session from a link outlived what the link was worth")
		}
		for _, wrong := range []error{
			w.Service.ExpirePortal(t.Context(), app.Key, nil, -1, service.Idempotency{}), w.Service.ExpirePortal(t.Context(), app.Key, nil, service.MaxPortalGrace+1, service.Idempotency{}),
			w.Service.ExpirePortal(t.Context(), app.Key, []string{""}, 0, service.Idempotency{}), w.Service.ExpirePortal(t.Context(), app.Key, make([]string, 1001), 0, service.Idempotency{}),
		} {
			wantKind(t, wrong, hookswitch.Invalid)
		}
	})
}

func TestExpirePortal_ARepeatEndsNothingNew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		for range 2 {
			link := portal(t, w, app)
			if err := w.Service.ExpirePortal(t.Context(), app.Key, nil, 0, asked("k")); err != nil {
				t.Fatal(err)
			}
			if got := lives(t, w, link.Token); got != (w.Clock.Now() != servicetest.Start) {
				t.Errorf("at %v the token lives: %v", w.Clock.Now(), got)
			}
			w.Clock.Advance(time.Second)
		}
	})
}

func TestPollerToken_ReadsOnePollerAndIsRotated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx, app := t.Context(), w.App()
		_, _, err := w.Service.PollerToken(ctx, app.Key, "sink")
		wantKind(t, err, hookswitch.NotFound)
		rotate := func(r service.PollerRotation, key string) hookswitch.Secret {
			t.Helper()
			made, text, err := w.Service.RotatePollerToken(ctx, app.Key, "sink", r, asked(key))
			if err != nil {
				t.Fatal(err)
			}
			got, have, err := w.Service.PollerToken(ctx, app.Key, "sink")
			if err != nil || have != text || got.Key != made.Key || !strings.HasPrefix(text.Reveal(), "sk_poll_") {
				t.Fatalf("got %+v, %v", got, err)
			}
			return text
		}
		first := rotate(service.PollerRotation{}, "1")
		if again := rotate(service.PollerRotation{}, "1"); again != first {
			t.Error("the repeat made another key")
		}
		if got := servicetest.Must(w.Service.Token(ctx, first))(t); got.Kind != hookswitch.TokenPoller || got.Scope != "sink" || got.App != app.Key || !got.ExpiresAt.IsZero() {
			t.Errorf("got %+v", got)
		}
		second := rotate(service.PollerRotation{Life: time.Hour, OldLife: time.Minute}, "2")
		w.Clock.Advance(time.Minute - time.Millisecond)
		if !lives(t, w, first) || !lives(t, w, second) {
			t.Error("they do not overlap")
		}
		w.Clock.Advance(time.Millisecond)
		if lives(t, w, first) || !lives(t, w, second) {
			t.Error("want only the second alive")
		}
		w.Clock.Advance(time.Hour)
		_, _, err = w.Service.PollerToken(ctx, app.Key, "sink")
		wantKind(t, err, hookswitch.NotFound)
		third := rotate(service.PollerRotation{}, "3")
		fourth := rotate(service.PollerRotation{}, "4")
		if lives(t, w, third) || !lives(t, w, fourth) {
			t.Error("want the replaced key ended at once")
		}
		_, _, err = w.Service.PollerToken(ctx, w.App().Key, "sink")
		wantKind(t, err, hookswitch.NotFound)
		for _, name := range []string{"", "a b", "a/b", "\x00"} {
			_, _, err = w.Service.RotatePollerToken(ctx, app.Key, name, service.PollerRotation{}, service.Idempotency{})
			wantKind(t, err, hookswitch.NotFound)
		}
		_, _, err = w.Service.RotatePollerToken(ctx, app.Key, "sink", service.PollerRotation{Life: service.MaxPollerLife + 1}, service.Idempotency{})
		wantKind(t, err, hookswitch.Invalid)
	})
}

func TestPollerToken_RotatedAtOnceLeavesOneThatDoesNotEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		for n := range 8 { // the connections have to be open for the first keys to meet
			var wg sync.WaitGroup
			texts := make([]hookswitch.Secret, 4)
			for i := range texts {
				wg.Go(func() {
					_, text, err := w.Service.RotatePollerToken(t.Context(), app.Key, "sink"+strconv.Itoa(n), service.PollerRotation{}, service.Idempotency{})
					if err != nil {
						t.Error(err)
					}
					texts[i] = text
				})
			}
			wg.Wait()
			alive := slices.DeleteFunc(texts, func(s hookswitch.Secret) bool { return !lives(t, w, s) })
			if len(alive) != 1 {
				t.Errorf("%d keys live, want one", len(alive))
			}
		}
	})
}

func TestTokens_LieNowhereInClear(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := servicetest.New(t, db)
	app := w.App()
	link := servicetest.Must(w.Service.OpenPortal(t.Context(), app.Key, service.PortalAccess{}, asked("k")))(t)
	_, session, err := exchange(w, link.OneTime, asked("k"))
	if err != nil {
		t.Fatal(err)
	}
	_, poller, err := w.Service.RotatePollerToken(t.Context(), app.Key, "sink-canary", service.PollerRotation{}, asked("poller"))
	if err != nil {
		t.Fatal(err)
	}
	i := servicetest.Must(w.Service.CreateIntegration(t.Context(), app.Key, hookswitch.Integration{Name: "i"}, asked("integration")))(t)
	key := servicetest.Must(w.Service.IntegrationKey(t.Context(), app.Key, i.Key))(t)
	secrets := []hookswitch.Secret{link.Token, link.OneTime, session, poller, key}
	seen, canary := 0, false
	err = filepath.WalkDir(db.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen += len(b)
		canary = canary || bytes.Contains(b, []byte("sink-canary"))
		for n, s := range secrets {
			_, random, _ := strings.Cut(strings.TrimPrefix(s.Reveal(), "sk_"), "_")
			if bytes.Contains(b, []byte(s.Reveal())) || bytes.Contains(b, []byte(random)) {
				t.Errorf("token %d lies in clear in %s", n, filepath.Base(path))
			}
		}
		return nil
	})
	if err != nil || !canary {
		t.Errorf("looked through %d bytes, and found what should be there: %v, %v", seen, canary, err)
	}
}

func TestTokens_ATextIsKeptOnlyForRepeats(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		kept := func(link *service.PortalLink) bool {
			got := servicetest.Must(w.Service.Token(t.Context(), link.Token))(t)
			_, err := w.Store.TokenText(t.Context(), app.Key, got.Key)
			return err == nil
		}
		once := portal(t, w, app)
		repeatable := servicetest.Must(w.Service.OpenPortal(t.Context(), app.Key, service.PortalAccess{}, asked("k")))(t)
		if kept(once) || !kept(repeatable) {
			t.Errorf("kept: %v and %v, want only that of a request that may be repeated", kept(once), kept(repeatable))
		}
		w.Clock.Advance(store.TokenGrace + time.Millisecond)
		if _, err := w.Store.Housekeep(t.Context(), store.HousekeepOptions{}); err != nil {
			t.Fatal(err)
		}
		if kept(repeatable) {
			t.Error("kept though nobody can ask for it any more")
		}
	})
}
