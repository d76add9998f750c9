package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// strayRetention is how long pushes that belong to no route are kept.
const strayRetention = 30 * 24 * time.Hour

// housekeep throws away what is past keeping, and says what was still owed then.
func (s *Service) housekeep(ctx context.Context) error {
	res, err := s.store.Housekeep(ctx, store.HousekeepOptions{Retention: s.o.Retention, StrayRetention: strayRetention})
	for app, n := range res.Canceled {
		s.log.Warn("deliveries ended by retention", "app_id", s.ids.Format(hookswitch.KindApp, app), "count", n)
	}
	return err
}
