package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	// strayRetention is how long pushes that belong to no route are kept.
	strayRetention = 30 * 24 * time.Hour
	// taskRetention is how long tasks that have ended are kept.
	taskRetention = 90 * 24 * time.Hour
	// activityRetention is how long it is known who did what.
	activityRetention = 400 * 24 * time.Hour
)

// housekeep throws away what is past keeping, and says what was still owed then.
func (s *Service) housekeep(ctx context.Context) error {
	res, err := s.store.Housekeep(ctx, store.HousekeepOptions{Retention: s.o.Retention, StrayRetention: strayRetention, TaskRetention: taskRetention, ActivityRetention: activityRetention})
	for app, n := range res.Canceled {
		s.log.Warn("deliveries ended by retention", "app_id", s.ids.Format(hookswitch.KindApp, app), "count", n)
	}
	return err
}
