package service

import (
	"context"
	"crypto/subtle"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// clientSecretPrefix begins the secrets of clients.
const clientSecretPrefix = "cs_"

// CreateClient makes a client of an app. Its secret is returned this once.
func (s *Service) CreateClient(ctx context.Context, app hookswitch.Key, name string) (*hookswitch.Client, hookswitch.Secret, error) {
	if m := hookswitch.CheckText(name); m != "" {
		return nil, "", hookswitch.InvalidField(m, "name")
	}
	if len(name) > hookswitch.MaxClientName {
		return nil, "", hookswitch.InvalidField("must be at most 200 bytes long", "name")
	}
	text := clientSecretPrefix + randomText(tokenLen)
	c := &hookswitch.Client{App: app, Name: name, Hint: text[len(text)-4:]}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		c.Key, c.CreatedAt = s.keys.Next(), s.now().UTC()
		return tx.InsertClient(c, hashText(text))
	})
	return c, hookswitch.Secret(text), err
}

// Clients lists the live clients of an app.
func (s *Service) Clients(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Client, error) {
	return s.store.Clients(ctx, app, p)
}

// RevokeClient ends a client of an app. Its tokens are worth nothing from then on.
func (s *Service) RevokeClient(ctx context.Context, app hookswitch.Key, id string) error {
	key, ok := s.ids.Parse(hookswitch.KindClient, id)
	if !ok {
		return hookswitch.NotFoundf("client not found")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteClient(app, key, s.now()) })
}

// LiveClient is a client that has not been revoked, or an error of kind NotFound. The caller holds something that was made with its secret.
func (s *Service) LiveClient(ctx context.Context, key hookswitch.Key) (*hookswitch.Client, error) {
	return s.store.Client(ctx, key)
}

// AuthenticateClient is the live client with the id and the secret. Anything else is an error of kind Unauthorized.
func (s *Service) AuthenticateClient(ctx context.Context, id string, secret hookswitch.Secret) (*hookswitch.Client, error) {
	key, ok := s.ids.Parse(hookswitch.KindClient, id)
	if !ok || len(secret) > 4*tokenLen {
		return nil, unauthorized("The client or its secret is not known.")
	}
	hash, err := s.store.ClientHash(ctx, key)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return nil, err
	}
	if err != nil || subtle.ConstantTimeCompare([]byte(hash), []byte(hashText(secret.Reveal()))) != 1 {
		return nil, unauthorized("The client or its secret is not known.")
	}
	c, err := s.store.Client(ctx, key)
	if hookswitch.KindOf(err) == hookswitch.NotFound { // revoked in this moment
		return nil, unauthorized("The client or its secret is not known.")
	}
	return c, err
}
