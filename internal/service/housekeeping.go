package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	// StrayRetention is how long pushes that belong to no route are kept.
	StrayRetention = 30 * 24 * time.Hour
	// TaskRetention is how long tasks that have ended are kept.
	TaskRetention = 90 * 24 * time.Hour
	// ActivityRetention is how long it is known who did what.
	ActivityRetention = 400 * 24 * time.Hour
)

// housekeep throws away what is past keeping, and says what was still owed then.
func (s *Service) housekeep(ctx context.Context) error {
	res, err := s.store.Housekeep(ctx, store.HousekeepOptions{Retention: s.o.Retention, StrayRetention: StrayRetention, TaskRetention: TaskRetention, ActivityRetention: ActivityRetention})
	for app, n := range res.Canceled {
		s.log.Warn("deliveries ended by retention", "app_id", s.ids.Format(hookswitch.KindApp, app), "count", n)
	}
	return err
}
