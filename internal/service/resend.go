package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

// ResendOnce is Resend for a request that may come more than once.
func (s *Service) ResendOnce(ctx context.Context, app hookswitch.Key, eventRef, endpointRef string, idem Idempotency) error {
	err := s.resend(ctx, app, eventRef, endpointRef, idem)
	if _, again := replayed(err); again {
		return nil
	}
	return err
}
