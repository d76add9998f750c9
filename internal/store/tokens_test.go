package store_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// token stores a token of the app, with a text that is kept for an hour.
func (f *fixture) token(kind hookswitch.TokenKind, hash string, change ...func(*hookswitch.Token)) *hookswitch.Token {
	f.t.Helper()
	t := &hookswitch.Token{Key: f.keys.Next(), App: f.app, Kind: kind, Capabilities: hookswitch.ViewBase, ExpiresAt: f.clock.Now().Add(time.Hour), CreatedAt: f.clock.Now()}
	for _, c := range change {
		c(t)
	}
	f.update(func(tx *store.Tx) error {
		return tx.InsertToken(t, hash, &store.TokenText{Text: hookswitch.Secret("text of " + hash)}, f.clock.Now().Add(time.Hour))
	})
	return t
}

// ends is when the token ends now.
func (f *fixture) ends(hash string) time.Time {
	f.t.Helper()
	t, err := f.TokenByHash(f.t.Context(), hash)
	if err != nil {
		f.t.Fatal(err)
	}
	return t.ExpiresAt
}

func TestTokens_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		full := &hookswitch.Token{Key: f.keys.Next(), App: f.app, Kind: hookswitch.TokenOneTime, Ref: 7, Scope: strange, FeatureFlags: []string{"a", "b"},
			Capabilities: hookswitch.ViewBase | hookswitch.CreateAttempts, Until: now.Add(2 * time.Hour), ExpiresAt: now.Add(time.Hour), CreatedAt: now}
		bare := &hookswitch.Token{Key: f.keys.Next(), App: f.app, Kind: hookswitch.TokenPoller, CreatedAt: now}
		f.update(func(tx *store.Tx) error {
			if err := tx.InsertToken(full, "h1", &store.TokenText{Text: "secret", OneTime: "once"}, time.Time{}); err != nil {
				return err
			}
			return tx.InsertToken(bare, "h2", nil, time.Time{})
		})
		for hash, want := range map[string]*hookswitch.Token{"h1": full, "h2": bare} {
			got, err := f.TokenByHash(ctx, hash)
			same(t, "token by hash", want, must(t, got, err))
			got, err = f.Token(ctx, f.app, want.Key)
			same(t, "token by key", want, must(t, got, err))
		}
		text, err := f.TokenText(ctx, f.app, full.Key)
		same(t, "text", store.TokenText{Text: "secret", OneTime: "once"}, must(t, text, err))
		_, err = f.TokenText(ctx, f.app, bare.Key)
		wantKind(t, err, hookswitch.Gone)

		other := f.newApp()
		_, err = f.Token(ctx, other, full.Key)
		wantKind(t, err, hookswitch.NotFound)
		_, err = f.TokenText(ctx, other, full.Key)
		wantKind(t, err, hookswitch.NotFound)
		_, err = f.TokenByHash(ctx, "h3")
		wantKind(t, err, hookswitch.NotFound)
		if err := f.Update(ctx, func(tx *store.Tx) error {
			return tx.InsertToken(&hookswitch.Token{Key: f.keys.Next()}, "h1", nil, time.Time{})
		}); err == nil {
			t.Error("two tokens have one hash")
		}
	})
}

func TestTokens_TextsAreSealedAndBoundToTheirRow(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		a, b := f.token(hookswitch.TokenPortal, "a"), f.token(hookswitch.TokenPortal, "b")
		if n := must2(t)(f.Int(ctx, `SELECT COUNT(*) FROM tokens WHERE sealed LIKE $1`, []byte("%text of%"))); n != 0 {
			t.Errorf("%d texts lie open", n)
		}
		if _, err := f.Exec(ctx, `UPDATE tokens SET sealed = (SELECT sealed FROM tokens WHERE id = $1) WHERE id = $2`, int64(a.Key), int64(b.Key)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.TokenText(ctx, f.app, b.Key); err == nil {
			t.Error("a text moved from another row opens")
		}
	})
}

func TestTokens_AOneTimeTokenIsUsedOnce(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		once, portal := f.token(hookswitch.TokenOneTime, "once"), f.token(hookswitch.TokenPortal, "portal")
		use := func(app hookswitch.Key, tok *hookswitch.Token, by hookswitch.Key) (ok bool) {
			t.Helper()
			f.update(func(tx *store.Tx) (err error) {
				ok, err = tx.UseToken(app, tok.Key, by)
				return err
			})
			return ok
		}
		if use(f.newApp(), once, 1) || use(f.app, portal, 1) {
			t.Error("a token of another app, or of another kind, was used")
		}
		if !use(f.app, once, 41) || use(f.app, once, 42) {
			t.Error("want it to be used once")
		}
		got, err := f.TokenByHash(t.Context(), "once")
		if must(t, got, err).Ref != 41 {
			t.Errorf("exchanged for %d", got.Ref)
		}
	})
}

func TestTokens_EndOnlyTheOnesMeant(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		now := f.clock.Now()
		late, soon := now.Add(time.Hour), now.Add(time.Minute)
		session := func(s string) func(*hookswitch.Token) { return func(t *hookswitch.Token) { t.Scope = s } }
		f.token(hookswitch.TokenPortal, "none")
		f.token(hookswitch.TokenPortal, "s1", session("s1"))
		f.token(hookswitch.TokenPortal, "s2", session("s2"))
		f.token(hookswitch.TokenPortal, "short", session("s1"), func(t *hookswitch.Token) { t.ExpiresAt = now.Add(time.Second) })
		f.token(hookswitch.TokenOneTime, "link", session("s1"), func(t *hookswitch.Token) { t.Until = now.Add(48 * time.Hour) })
		f.token(hookswitch.TokenIntegration, "key", func(t *hookswitch.Token) { t.ExpiresAt = time.Time{} })
		mine := f.app
		f.app = f.newApp()
		f.token(hookswitch.TokenPortal, "other", session("s1"))
		f.app = mine

		check := func(want map[string]time.Time) {
			t.Helper()
			for hash, at := range want {
				if got := f.ends(hash); !got.Equal(at) {
					t.Errorf("%s ends at %v, want %v", hash, got, at)
				}
			}
		}
		f.update(func(tx *store.Tx) error { return tx.EndSession(f.app, "s1", soon) })
		check(map[string]time.Time{"none": late, "s1": soon, "s2": late, "short": now.Add(time.Second), "link": soon, "key": {}, "other": late})
		if link, err := f.TokenByHash(t.Context(), "link"); err != nil || !link.Until.Equal(soon) {
			t.Errorf("the link leads to a token that ends at %v, %v", link.Until, err)
		}
		f.update(func(tx *store.Tx) error { return tx.EndPortal(f.app, now) })
		check(map[string]time.Time{"none": now, "s1": now, "s2": now, "short": now, "link": now, "key": {}, "other": late})
		f.update(func(tx *store.Tx) error { return tx.EndTokens(f.app, hookswitch.TokenIntegration, "", 0, soon) })
		f.update(func(tx *store.Tx) error { return tx.EndTokens(f.app, hookswitch.TokenIntegration, "", 0, late) })
		check(map[string]time.Time{"key": soon})
	})
}

func TestTokens_TheNewestLivingOneIsFound(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		ends := func(at time.Time) func(*hookswitch.Token) {
			return func(t *hookswitch.Token) { t.Scope, t.ExpiresAt = "sink", at }
		}
		newest := func() (*hookswitch.Token, error) {
			return f.NewestToken(ctx, f.app, hookswitch.TokenPoller, "sink", 0, now)
		}
		f.token(hookswitch.TokenPoller, "ended", ends(now))
		_, err := newest()
		wantKind(t, err, hookswitch.NotFound)
		f.token(hookswitch.TokenPoller, "old", ends(now.Add(time.Hour)))
		want := f.token(hookswitch.TokenPoller, "new", ends(time.Time{}))
		f.token(hookswitch.TokenPoller, "ended too", ends(now.Add(-time.Hour)))
		f.token(hookswitch.TokenPoller, "elsewhere", func(t *hookswitch.Token) { t.Scope = "other" })
		got, err := newest()
		same(t, "token", want, must(t, got, err))
	})
}

func TestTokens_EndWithTheirApp(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		f.token(hookswitch.TokenPoller, "key", func(t *hookswitch.Token) { t.ExpiresAt = time.Time{} })
		f.update(func(tx *store.Tx) error { return tx.HoldApp(f.app) })
		f.update(func(tx *store.Tx) error { return tx.DeleteApp(f.app, f.clock.Now()) })
		if got := f.ends("key"); !got.Equal(f.clock.Now()) {
			t.Errorf("it ends at %v", got)
		}
		wantKind(t, f.Update(t.Context(), func(tx *store.Tx) error { return tx.HoldApp(f.app) }), hookswitch.NotFound)
	})
}

func TestHousekeep_DropsTokensThatEndedAndTextsThatNobodyAsksForAgain(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		f.token(hookswitch.TokenPortal, "short")
		long := f.token(hookswitch.TokenPortal, "long", func(t *hookswitch.Token) { t.ExpiresAt = f.clock.Now().Add(7 * 24 * time.Hour) })
		f.token(hookswitch.TokenIntegration, "key", func(t *hookswitch.Token) { t.ExpiresAt = time.Time{} })
		keep := func(want int) {
			t.Helper()
			if res, err := f.Housekeep(ctx, store.HousekeepOptions{}); err != nil || res.Tokens != want {
				t.Fatalf("got %+v, %v, want %d tokens dropped", res, err, want)
			}
		}
		keep(0)
		if _, err := f.TokenText(ctx, f.app, long.Key); err != nil {
			t.Error(err)
		}
		f.clock.Advance(time.Hour + time.Minute)
		keep(0) // it has ended, and its bearer is still told so
		_, err := f.TokenText(ctx, f.app, long.Key)
		wantKind(t, err, hookswitch.Gone)
		f.clock.Advance(store.TokenGrace)
		keep(1)
		_, err = f.TokenByHash(ctx, "short")
		wantKind(t, err, hookswitch.NotFound)
		f.clock.Advance(30 * 24 * time.Hour)
		keep(1)
		f.ends("key")
	})
}

func TestIntegrations_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		a := &hookswitch.Integration{Key: f.keys.Next(), App: f.app, Name: strange, FeatureFlags: []string{"x"}, CreatedAt: now, UpdatedAt: now}
		b := &hookswitch.Integration{Key: f.keys.Next(), App: f.app, Name: "b", CreatedAt: now, UpdatedAt: now}
		f.update(func(tx *store.Tx) error { return tx.InsertIntegration(a) })
		f.update(func(tx *store.Tx) error { return tx.InsertIntegration(b) })
		f.token(hookswitch.TokenIntegration, "key", func(t *hookswitch.Token) { t.Ref, t.FeatureFlags = a.Key, a.FeatureFlags })
		a.Name, a.FeatureFlags, a.UpdatedAt = "a", []string{"y", "z"}, now.Add(time.Second)
		f.update(func(tx *store.Tx) error { return tx.UpdateIntegration(a) })
		for _, want := range []*hookswitch.Integration{a, b} {
			got, err := f.Integration(ctx, f.app, want.Key)
			same(t, "integration", want, must(t, got, err))
		}
		key, err := f.TokenByHash(ctx, "key")
		same(t, "flags of the key", a.FeatureFlags, must(t, key, err).FeatureFlags)
		list, err := f.Integrations(ctx, f.app, store.Page{Limit: 5})
		same(t, "list", []*hookswitch.Integration{b, a}, must(t, list, err))

		other := f.newApp()
		_, err = f.Integration(ctx, other, a.Key)
		wantKind(t, err, hookswitch.NotFound)
		list, err = f.Integrations(ctx, other, store.Page{Limit: 5})
		if len(must(t, list, err)) != 0 {
			t.Error("another app has them too")
		}
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.DeleteIntegration(other, a.Key) }), hookswitch.NotFound)
		f.update(func(tx *store.Tx) error { return tx.DeleteIntegration(f.app, a.Key) })
		_, err = f.Integration(ctx, f.app, a.Key)
		wantKind(t, err, hookswitch.NotFound)
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.UpdateIntegration(a) }), hookswitch.NotFound)
	})
}
