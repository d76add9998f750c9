package service

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Idempotency names a request that must have its effect once: who asks, under what key, for what. The zero value is none.
type Idempotency struct {
	Caller string // the credential, hashed
	Key    string
	Route  string // the method and the URL with its query
	// Refuse makes a repetition an error rather than answering it again, and has the key remembered for a day at least, whoever made it up.
	Refuse bool
}

// autoPrefix begins the keys that client libraries make up themselves for each call. They need to outlive only the call's own retries.
const autoPrefix = "auto_"

func (i Idempotency) once(ref hookswitch.Key) (store.Once, bool) {
	if i.Key == "" {
		return store.Once{}, false
	}
	life := store.Life12Hours
	switch {
	case i.Refuse:
		life = store.Life1Day
	case strings.HasPrefix(i.Key, autoPrefix):
		life = store.Life10Minutes
	}
	return store.OnceOf(life, ref, "idempotency", i.Caller, i.Key, i.Route), true
}

// claim makes the request's effect the first, or returns a *store.DuplicateError that names what the first one made.
func (i Idempotency) claim(tx *store.Tx, ref hookswitch.Key, s *Service) error {
	if o, ok := i.once(ref); ok {
		return tx.Claim(o, s.now())
	}
	return nil
}

// CreateApp stores a new app. Where the same request has been made before, that one's app is returned.
func (s *Service) CreateApp(ctx context.Context, a hookswitch.App, idem Idempotency) (*hookswitch.App, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		a.Key, a.Version = s.keys.Next(), 1
		a.CreatedAt = s.now().UTC()
		a.UpdatedAt = a.CreatedAt
		if err := idem.claim(tx, a.Key, s); err != nil {
			return err
		}
		if err := tx.InsertApp(&a); err != nil {
			return err
		}
		return s.noteApp(tx, actorOf(ctx), hookswitch.DidCreateApp, a.Key, a.Name)
	})
	if ref, again := replayed(err); again {
		return s.store.App(ctx, ref)
	}
	return &a, err
}

// App is the app that ref names, by id or by its caller's name. The error is of kind NotFound for anything else.
func (s *Service) App(ctx context.Context, ref string) (*hookswitch.App, error) {
	for _, kind := range []hookswitch.Kind{hookswitch.KindApp, hookswitch.KindProject} {
		if key, ok := s.ids.Parse(kind, ref); ok && key != hookswitch.OrganizationApp {
			return s.AppByKey(ctx, key)
		}
	}
	if hookswitch.CheckUID(hookswitch.KindApp, ref) != "" {
		return nil, hookswitch.NotFoundf("application not found")
	}
	if st := s.cache.named(ref); st != nil {
		return st.app, nil
	}
	return s.store.AppByUID(ctx, ref)
}

// AppByKey is the app by key.
func (s *Service) AppByKey(ctx context.Context, key hookswitch.Key) (*hookswitch.App, error) {
	st, err := s.state(ctx, key)
	if err != nil {
		return nil, err
	}
	return st.app, nil
}

// Apps lists the apps.
func (s *Service) Apps(ctx context.Context, p store.Page) ([]*hookswitch.App, error) {
	return s.store.Apps(ctx, p)
}

// FindApps lists the apps whose name or uid holds the text, or whose id it is.
func (s *Service) FindApps(ctx context.Context, text string, p store.Page) ([]*hookswitch.App, error) {
	key, _ := s.ids.Parse(hookswitch.KindApp, text) // 0 for what is no id, which no app has
	return s.store.FindApps(ctx, text, key, p)
}

// AppFilter leaves apps out of a list by the endpoints that they have.
type AppFilter struct {
	WithoutEndpoints bool // those that have none
	OnlyDisabled     bool // those whose endpoints are all disabled
	OnlyBins         bool // those whose endpoints are all play bins of this server
}

// FilteredApps lists the apps that f leaves. stopped is not 0 when the walk ended early for its length: the list is short, and goes on behind that key.
func (s *Service) FilteredApps(ctx context.Context, f AppFilter, p store.Page) (list []*hookswitch.App, stopped hookswitch.Key, err error) {
	if f == (AppFilter{}) {
		list, err = s.store.Apps(ctx, p)
		return list, 0, err
	}
	sf := store.AppFilter{WithoutEndpoints: f.WithoutEndpoints, OnlyDisabled: f.OnlyDisabled}
	if f.OnlyBins {
		sf.OnlyAt = s.binBase
	}
	return s.store.FilteredApps(ctx, sf, p)
}

// UpdateApp changes an app as change says.
func (s *Service) UpdateApp(ctx context.Context, key hookswitch.Key, change func(*hookswitch.App) error) (*hookswitch.App, error) {
	var a *hookswitch.App
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if a, err = tx.App(tx.Context(), key); err != nil {
			return err
		}
		was := *a
		if err := change(a); err != nil {
			return err
		}
		if err := a.Validate(); err != nil {
			return err
		}
		a.UpdatedAt = s.now().UTC()
		a.Version++
		if err := tx.UpdateApp(a); err != nil {
			return err
		}
		var details []string
		for _, d := range AppChanges(&was, a) {
			details = append(details, d.Field, d.Was+" → "+d.Is)
		}
		if details == nil {
			return nil
		}
		return s.noteApp(tx, actorOf(ctx), hookswitch.DidChangeApp, a.Key, a.Name, details...)
	})
	s.cache.forget(key)
	return a, err
}

// DeleteApp removes an app: its deliveries stop, its doors close, its uid is free.
func (s *Service) DeleteApp(ctx context.Context, key hookswitch.Key) error {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.App(tx.Context(), key)
		if err != nil {
			return err
		}
		if err := tx.DeleteApp(key, s.now()); err != nil {
			return err
		}
		return s.noteApp(tx, actorOf(ctx), hookswitch.DidDeleteApp, key, a.Name)
	})
	s.cache.forget(key)
	s.routes.forget()
	return err
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// randomText is n random letters and digits.
func randomText(n int) string {
	out := make([]byte, 0, n)
	buf := make([]byte, 2*n)
	for len(out) < n {
		_, _ = rand.Read(buf) // crypto/rand does not fail
		for _, b := range buf {
			if b < 248 && len(out) < n { // 248 = 4 × 62: every letter is equally likely
				out = append(out, letters[b%62])
			}
		}
	}
	return string(out)
}

func hashText(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}
