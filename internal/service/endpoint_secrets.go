package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// MaxOldSecrets is how many replaced secrets of an endpoint may sign at once, next to the current one.
const MaxOldSecrets = 10

// RotateSecret gives an endpoint a new secret, secret or, where that is zero, a fresh one of the kind it had. The one it replaces goes on
// signing for grace. A request that has been made before changes nothing.
func (s *Service) RotateSecret(ctx context.Context, app, key hookswitch.Key, secret webhook.Secret, grace time.Duration, idem Idempotency) error {
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		if err := idem.claim(tx, key, s); err != nil {
			return err
		}
		e, err := tx.Endpoint(tx.Context(), app, key)
		if err != nil {
			return err
		}
		a, err := tx.App(tx.Context(), app)
		if err != nil {
			return err
		}
		now := s.now().UTC()
		if e.Secrets, err = rotated(e.Secrets, secret, grace, now); err != nil {
			return err
		}
		e.UpdatedAt = now
		if err := tx.UpdateEndpoint(e); err != nil {
			return err
		}
		if err := s.note(tx, actorOf(ctx), hookswitch.DidRotateSecret, e, "Overlap", grace.String()); err != nil {
			return err
		}
		b.endpointEvent(hookswitch.EventEndpointUpdated, a, e)
		return tx.TouchApp(app, now)
	})
	s.cache.forget(app)
	if _, again := replayed(err); again {
		return nil
	}
	return err
}

// RevealSecrets are the secrets of an endpoint that sign, the current one first. That they were shown is noted.
func (s *Service) RevealSecrets(ctx context.Context, app, key hookswitch.Key) (list []hookswitch.EndpointSecret, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		list = nil
		e, err := tx.Endpoint(tx.Context(), app, key)
		if err != nil {
			return err
		}
		for i, sec := range e.Secrets {
			if i == 0 || sec.ExpiresAt.After(s.now()) {
				list = append(list, sec)
			}
		}
		return s.note(tx, actorOf(ctx), hookswitch.DidShowSecret, e)
	})
	return list, err
}

// Fingerprint tells secrets apart without giving anything of them away.
func Fingerprint(secret hookswitch.Secret) string {
	sum := sha256.Sum256([]byte("fingerprint of " + secret.Reveal()))
	return hex.EncodeToString(sum[:4])
}

// CutSecret makes the old secret of an endpoint with the fingerprint stop signing at once. The current one cannot be cut.
func (s *Service) CutSecret(ctx context.Context, app, key hookswitch.Key, fingerprint string) error {
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		e, err := tx.Endpoint(tx.Context(), app, key)
		if err != nil {
			return err
		}
		a, err := tx.App(tx.Context(), app)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(e.Secrets, func(sec hookswitch.EndpointSecret) bool { return Fingerprint(sec.Secret) == fingerprint })
		switch {
		case at == 0:
			return hookswitch.Errorf(hookswitch.Invalid, "That is the current secret. Rotate it instead.")
		case at < 0:
			return hookswitch.NotFoundf("There is no such secret; it may have expired.")
		}
		now := s.now().UTC()
		e.Secrets, e.UpdatedAt = slices.Delete(slices.Clone(e.Secrets), at, at+1), now
		if err := tx.UpdateEndpoint(e); err != nil {
			return err
		}
		if err := s.note(tx, actorOf(ctx), hookswitch.DidCutSecret, e, "Fingerprint", fingerprint); err != nil {
			return err
		}
		b.endpointEvent(hookswitch.EventEndpointUpdated, a, e)
		return tx.TouchApp(app, now)
	})
	s.cache.forget(app)
	return err
}

// rotated is have with secret before it. What has expired is dropped.
func rotated(have []hookswitch.EndpointSecret, secret webhook.Secret, grace time.Duration, now time.Time) ([]hookswitch.EndpointSecret, error) {
	if secret.IsZero() {
		secret = webhook.NewSecret()
		if len(have) > 0 {
			if old, err := webhook.ParseSecret(have[0].Secret.Reveal()); err == nil && old.Public() != "" {
				secret = webhook.NewSigningKey()
			}
		}
	}
	out := []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(secret.Reveal())}}
	for i, old := range have {
		switch {
		case i == 0 && grace > 0:
			old.ExpiresAt = now.Add(grace)
		case i == 0 || !old.ExpiresAt.After(now):
			continue
		}
		out = append(out, old)
	}
	if len(out)-1 > MaxOldSecrets {
		return nil, &hookswitch.Error{Kind: hookswitch.Invalid, Code: "limit_reached",
			Message: "the endpoint has as many old secrets as it may; wait until one expires, or rotate without a grace period"}
	}
	return out, nil
}
