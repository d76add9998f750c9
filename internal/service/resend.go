package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// ResendOnce is Resend for a request that may come more than once. While two of them run at the same time the second meets the try that the
// first one asked for, and makes no other.
func (s *Service) ResendOnce(ctx context.Context, app hookswitch.Key, eventRef, endpointRef string, idem Idempotency) error {
	once, ok := idem.once(app)
	if !ok {
		return s.Resend(ctx, app, eventRef, endpointRef)
	}
	if _, err := s.store.Seen(once); hookswitch.KindOf(err) != hookswitch.NotFound {
		return err
	}
	if err := s.Resend(ctx, app, eventRef, endpointRef); err != nil {
		return err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error { return idem.claim(tx, app, s) })
	if _, again := replayed(err); again {
		return nil
	}
	return err
}
