package service

import (
	"context"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Automatic reports whether a client library made the key up for one call. It has to outlive only that call's own retries.
func (i Idempotency) Automatic() bool { return strings.HasPrefix(i.Key, autoPrefix) }

// Answered is what was answered to the request, or an error of kind NotFound.
func (s *Service) Answered(ctx context.Context, idem Idempotency) (store.Answer, error) {
	o, ok := idem.once(0)
	if !ok {
		return store.Answer{}, hookswitch.NotFoundf("the request has no key")
	}
	return s.store.Answer(ctx, o, s.now())
}

// KeepAnswer remembers what is answered to the request, for as long as its effect is remembered. It returns what has to be answered: where another node was
// faster that is its answer, so that all askers get the same.
func (s *Service) KeepAnswer(ctx context.Context, idem Idempotency, a store.Answer) (store.Answer, error) {
	o, ok := idem.once(0)
	if !ok {
		return a, nil
	}
	first := a
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		first, err = tx.KeepAnswer(o, a, s.now())
		return err
	})
	if err != nil {
		return a, err
	}
	return first, nil
}

// Made is what the same request has made before, or an error of kind NotFound.
func (s *Service) Made(idem Idempotency) (hookswitch.Key, error) {
	o, ok := idem.once(0)
	if !ok {
		return 0, hookswitch.NotFoundf("the request has no key")
	}
	return s.store.Seen(o)
}

// PublishedBefore is the event that the same request has made before, or an error of kind NotFound.
func (s *Service) PublishedBefore(ctx context.Context, app hookswitch.Key, idem Idempotency) (*hookswitch.Event, error) {
	ref, err := s.Made(idem)
	if err != nil {
		return nil, err
	}
	return s.store.Event(ctx, app, ref)
}
