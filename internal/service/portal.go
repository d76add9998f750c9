package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// PortalSettings are what an App has chosen about its portal.
func (s *Service) PortalSettings(ctx context.Context, app hookswitch.Key) (hookswitch.PortalSettings, error) {
	return s.store.PortalSettings(ctx, app)
}

// SetPortalSettings changes what an App has chosen about its portal.
func (s *Service) SetPortalSettings(ctx context.Context, app hookswitch.Key, p hookswitch.PortalSettings) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		return tx.PutPortalSettings(app, &p)
	})
}

// UpdatePortalSettings changes some of what an App has chosen about its portal, and returns all of it.
func (s *Service) UpdatePortalSettings(ctx context.Context, app hookswitch.Key, change func(*hookswitch.PortalSettings)) (p hookswitch.PortalSettings, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		if p, err = tx.PortalSettings(tx.Context(), app); err != nil {
			return err
		}
		change(&p)
		if err := p.Validate(); err != nil {
			return err
		}
		return tx.PutPortalSettings(app, &p)
	})
	return p, err
}
