package service

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// KeyPrefix begins the texts of API keys unless Options say otherwise.
const KeyPrefix = "zv"

// KeyOverlap is how long the old text of a key counts after a rotation, unless its caller says otherwise, and MaxKeyOverlap the longest it may.
const (
	KeyOverlap    = 24 * time.Hour
	MaxKeyOverlap = 30 * 24 * time.Hour
)

// keyRandom is the number of letters and digits at the end of a key's text: 190 bits.
const keyRandom = 32

// keyForm is the form of all keys, whatever prefix they were made with.
var keyForm = regexp.MustCompile(`^[a-z0-9]{1,16}_(live|test)_[0-9A-Za-z]{` + strconv.Itoa(keyRandom) + `}$`)

// newKeyText is a new text for k, whose hint becomes its end.
func (s *Service) newKeyText(k *hookswitch.APIKey) hookswitch.Secret {
	mode := "_live_"
	if k.Test {
		mode = "_test_"
	}
	text := s.o.KeyPrefix + mode + randomText(keyRandom)
	k.Hint = text[len(text)-4:]
	return hookswitch.Secret(text)
}

// CreateAPIKey makes a key that acts for an app, of which k tells the name, the scopes and whether it is for tests. Its text is returned this once.
func (s *Service) CreateAPIKey(ctx context.Context, app hookswitch.Key, k hookswitch.APIKey) (*hookswitch.APIKey, hookswitch.Secret, error) {
	if err := k.Validate(); err != nil {
		return nil, "", err
	}
	k.App, k.Scopes = app, slices.Compact(slices.Sorted(slices.Values(k.Scopes)))
	text := s.newKeyText(&k)
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		k.Key, k.CreatedAt = s.keys.Next(), s.now().UTC()
		if err := tx.InsertAPIKey(&k, hashText(text.Reveal())); err != nil {
			return err
		}
		return s.noteKey(tx, actorOf(ctx), hookswitch.DidCreateKey, &k)
	})
	return &k, text, err
}

// RotateAPIKey gives a key of an app a new text, which is returned this once. The old one counts for overlap longer; one that was left from an earlier rotation no longer.
func (s *Service) RotateAPIKey(ctx context.Context, app hookswitch.Key, ref string, overlap time.Duration) (*hookswitch.APIKey, hookswitch.Secret, error) {
	if overlap < 0 || overlap > MaxKeyOverlap {
		return nil, "", hookswitch.Errorf(hookswitch.Invalid, "the old text may count for at most %s longer", MaxKeyOverlap)
	}
	key, err := s.keyOf(ref)
	if err != nil {
		return nil, "", err
	}
	var k *hookswitch.APIKey
	var text hookswitch.Secret
	err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if k, err = tx.APIKey(tx.Context(), app, key); err != nil {
			return err
		}
		text = s.newKeyText(k)
		k.RotatedAt = s.now().UTC()
		k.OldUntil = k.RotatedAt.Add(overlap)
		if err := tx.RotateAPIKey(k, hashText(text.Reveal())); err != nil {
			return err
		}
		return s.noteKey(tx, actorOf(ctx), hookswitch.DidRotateKey, k, "Overlap", overlap.String())
	})
	return k, text, err
}

// noteKey writes down what is done to an API key. Of its text the end alone is told.
func (s *Service) noteKey(tx *store.Tx, by hookswitch.Actor, action hookswitch.Action, k *hookswitch.APIKey, details ...string) error {
	scopes := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		scopes[i] = string(scope)
	}
	details = append(details, "For", cmp.Or(strings.Join(scopes, ", "), "everything"))
	return s.noteApp(tx, by, action, k.App, cmp.Or(k.Name, "API key")+" …"+k.Hint, details...)
}

// APIKey is the live key with the text, or an error of kind Unauthorized. It asks the store each time, so that a revoked key opens nothing any more, on no node.
func (s *Service) APIKey(ctx context.Context, text string) (*hookswitch.APIKey, error) {
	if !keyForm.MatchString(text) {
		return nil, unauthorized("The API key is not valid")
	}
	now := s.now()
	k, err := s.store.APIKeyByHash(ctx, hashText(text), now)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, unauthorized("The API key is not valid")
	}
	if err == nil {
		s.uses.note(k, now)
	}
	return k, err
}

// APIKeyBy is a live key of an app.
func (s *Service) APIKeyBy(ctx context.Context, app, key hookswitch.Key) (*hookswitch.APIKey, error) {
	return s.store.APIKey(ctx, app, key)
}

// APIKeys lists the live keys of an app.
func (s *Service) APIKeys(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.APIKey, error) {
	return s.store.APIKeys(ctx, app, p)
}

// AppKey is an API key and the App that it acts for.
type AppKey struct {
	Key   *hookswitch.APIKey
	AppOf *hookswitch.App // nil: it has just been deleted
}

// AllAPIKeys lists the live keys of all Apps.
func (s *Service) AllAPIKeys(ctx context.Context, p store.Page) ([]AppKey, error) {
	keys, err := s.store.AllAPIKeys(ctx, p)
	if err != nil {
		return nil, err
	}
	list, owner := make([]AppKey, len(keys)), s.owners(ctx)
	for i, k := range keys {
		list[i].Key = k
		if list[i].AppOf, err = owner(k.App); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// DeleteAPIKey revokes a key of an app.
func (s *Service) DeleteAPIKey(ctx context.Context, app hookswitch.Key, ref string) error {
	key, err := s.keyOf(ref)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		k, err := tx.APIKey(tx.Context(), app, key)
		if err != nil {
			return err
		}
		if err := tx.DeleteAPIKey(app, key, s.now()); err != nil {
			return err
		}
		return s.noteKey(tx, actorOf(ctx), hookswitch.DidRevokeKey, k)
	})
}

func (s *Service) keyOf(ref string) (hookswitch.Key, error) {
	key, ok := s.ids.Parse(hookswitch.KindAPIKey, ref)
	if !ok {
		return 0, hookswitch.NotFoundf("API key not found")
	}
	return key, nil
}

// How often uses of keys are stored: all of them together, and of one key one use a minute.
const (
	recordUsesEvery = 5 * time.Second
	useEvery        = time.Minute
)

// keyUses are the uses of API keys within the last minute, of each key the first. The zero keyUses is ready.
type keyUses struct {
	mu sync.Mutex // guards by
	by map[hookswitch.Key]keyUse
}

type keyUse struct {
	at     time.Time
	stored bool
}

// note notes that k was used, unless a use is known that is not a minute old.
func (u *keyUses) note(k *hookswitch.APIKey, now time.Time) {
	if now.Sub(k.UsedAt) < useEvery {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if use, ok := u.by[k.Key]; ok && now.Sub(use.at) < useEvery {
		return
	}
	if u.by == nil {
		u.by = make(map[hookswitch.Key]keyUse)
	}
	u.by[k.Key] = keyUse{at: now}
}

// take is what has to be stored.
func (u *keyUses) take(now time.Time) map[hookswitch.Key]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	fresh := make(map[hookswitch.Key]time.Time)
	for key, use := range u.by {
		switch {
		case !use.stored:
			fresh[key] = use.at
			u.by[key] = keyUse{use.at, true}
		case now.Sub(use.at) >= useEvery:
			delete(u.by, key)
		}
	}
	return fresh
}

// RecordKeyUses stores when API keys were used, off the path of the requests that they were used for.
func (s *Service) RecordKeyUses(ctx context.Context) error {
	at := s.uses.take(s.now())
	if len(at) == 0 {
		return nil
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for _, key := range slices.Sorted(maps.Keys(at)) { // in one order on all nodes, so that none waits for another in a circle
			if err := tx.UseAPIKey(key, at[key]); err != nil {
				return err
			}
		}
		return nil
	})
}
