package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// CreateIntegration stores a new integration of an app and makes its key. Where the same request has been made before, that one's integration is returned.
func (s *Service) CreateIntegration(ctx context.Context, app hookswitch.Key, i hookswitch.Integration, idem Idempotency) (*hookswitch.Integration, error) {
	i.App = app
	if err := i.Validate(); err != nil {
		return nil, err
	}
	text := newToken(hookswitch.TokenIntegration)
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		i.Key, i.CreatedAt = s.keys.Next(), s.now().UTC()
		i.UpdatedAt = i.CreatedAt
		if err := idem.claim(tx, i.Key, s); err != nil {
			return err
		}
		if err := tx.InsertIntegration(&i); err != nil {
			return err
		}
		_, err := s.insertKey(tx, &i, text)
		return err
	})
	if ref, again := replayed(err); again {
		return s.store.Integration(ctx, app, ref)
	}
	return &i, err
}

// insertKey stores a key of an integration. It may do in the App what a portal token with all capabilities may.
func (s *Service) insertKey(tx *store.Tx, i *hookswitch.Integration, text hookswitch.Secret) (hookswitch.Key, error) {
	t := hookswitch.Token{Key: s.keys.Next(), App: i.App, Kind: hookswitch.TokenIntegration, Ref: i.Key, FeatureFlags: i.FeatureFlags,
		Capabilities: hookswitch.AllCapabilities, CreatedAt: s.now().UTC()}
	return t.Key, tx.InsertToken(&t, hashText(text.Reveal()), &store.TokenText{Text: text}, time.Time{})
}

// Integration is the integration of an app with the id.
func (s *Service) Integration(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Integration, error) {
	key, ok := s.ids.Parse(hookswitch.KindIntegration, id)
	if !ok {
		return nil, hookswitch.NotFoundf("integration not found")
	}
	return s.store.Integration(ctx, app, key)
}

// Integrations lists the integrations of an app.
func (s *Service) Integrations(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Integration, error) {
	return s.store.Integrations(ctx, app, p)
}

// UpdateIntegration changes an integration as change says, which may run more than once. Its key sees with the new feature flags at once.
func (s *Service) UpdateIntegration(ctx context.Context, app, key hookswitch.Key, change func(*hookswitch.Integration) error) (*hookswitch.Integration, error) {
	var i *hookswitch.Integration
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if i, err = tx.Integration(tx.Context(), app, key); err != nil {
			return err
		}
		if err := change(i); err != nil {
			return err
		}
		if err := i.Validate(); err != nil {
			return err
		}
		i.UpdatedAt = s.now().UTC()
		return tx.UpdateIntegration(i)
	})
	return i, err
}

// DeleteIntegration removes an integration. Its key ends with it.
func (s *Service) DeleteIntegration(ctx context.Context, app, key hookswitch.Key) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteIntegration(app, key); err != nil {
			return err
		}
		return tx.EndTokens(app, hookswitch.TokenIntegration, "", key, s.now())
	})
}

// IntegrationKey is the key that an integration has now.
func (s *Service) IntegrationKey(ctx context.Context, app, key hookswitch.Key) (hookswitch.Secret, error) {
	t, err := s.store.NewestToken(ctx, app, hookswitch.TokenIntegration, "", key, s.now())
	if err != nil {
		return "", err
	}
	text, err := s.store.TokenText(ctx, app, t.Key)
	return text.Text, err
}

// RotateIntegrationKey gives an integration a new key; the one before ends at once. Where the same request has been made before, that one's key is returned.
func (s *Service) RotateIntegrationKey(ctx context.Context, app, key hookswitch.Key, idem Idempotency) (hookswitch.Secret, error) {
	text := newToken(hookswitch.TokenIntegration)
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		i, err := tx.Integration(tx.Context(), app, key)
		if err != nil {
			return err
		}
		if err := tx.EndTokens(app, hookswitch.TokenIntegration, "", key, s.now()); err != nil {
			return err
		}
		made, err := s.insertKey(tx, i, text)
		if err != nil {
			return err
		}
		if err := idem.claim(tx, made, s); err != nil {
			return err
		}
		i.UpdatedAt = s.now().UTC()
		return tx.UpdateIntegration(i)
	})
	if ref, again := replayed(err); again {
		kept, err := s.store.TokenText(ctx, app, ref)
		return kept.Text, err
	}
	if err != nil {
		return "", err
	}
	return text, nil
}
