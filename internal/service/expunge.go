package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Expunge removes the payload of an event of an app, and the answers to its attempts. What waits to be sent of it is canceled; a try that is under way
// ends by itself.
func (s *Service) Expunge(ctx context.Context, app hookswitch.Key, ref string) error {
	ev, err := s.Event(ctx, app, ref)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.ExpungeEvents(app, []hookswitch.Key{ev.Key}) })
}

// expungeStep is how many payloads one transaction removes.
const expungeStep = 32

// ExpungeMany is Expunge for many events. found tells of each ref whether there is such an event.
func (s *Service) ExpungeMany(ctx context.Context, app hookswitch.Key, refs []string) (found map[string]bool, err error) {
	found = make(map[string]bool, len(refs))
	var keys []hookswitch.Key
	for _, ref := range refs {
		if _, again := found[ref]; again {
			continue
		}
		ev, err := s.Event(ctx, app, ref)
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return nil, err
		}
		if found[ref] = err == nil; err == nil {
			keys = append(keys, ev.Key)
		}
	}
	for len(keys) > 0 {
		n := min(expungeStep, len(keys))
		if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.ExpungeEvents(app, keys[:n]) }); err != nil {
			return nil, err
		}
		keys = keys[n:]
	}
	return found, nil
}

// ExpungeAttempt removes the answer to an attempt for an event of an app.
func (s *Service) ExpungeAttempt(ctx context.Context, app, event hookswitch.Key, ref string) error {
	key, ok := s.ids.Parse(hookswitch.KindAttempt, ref)
	if !ok {
		return hookswitch.NotFoundf("attempt not found")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.ExpungeAttempt(app, event, key) })
}
