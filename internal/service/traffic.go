package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/store"
)

// AppEvent is an event of an App, with what has become of it.
type AppEvent struct {
	FoundEvent
	AppOf *hookswitch.App // nil: it has been deleted
}

// AppAttempt is an attempt at an endpoint of an App, with what surrounds it.
type AppAttempt struct {
	FoundAttempt
	AppOf    *hookswitch.App // nil: it has been deleted
	Endpoint *hookswitch.Endpoint
}

// owners looks Apps up, each once.
func (s *Service) owners(ctx context.Context) func(app hookswitch.Key) (*hookswitch.App, error) {
	known := make(map[hookswitch.Key]*hookswitch.App)
	return func(key hookswitch.Key) (*hookswitch.App, error) {
		a, ok := known[key]
		if !ok {
			var err error
			if a, err = s.AppByKey(ctx, key); hookswitch.KindOf(err) == hookswitch.NotFound {
				a, err = nil, nil
			}
			if err != nil {
				return nil, err
			}
			known[key] = a
		}
		return a, nil
	}
}

// FindAllEvents is FindEvents of all Apps. Of messages and endpoints, ids alone are understood.
func (s *Service) FindAllEvents(ctx context.Context, q filter.Query, p store.Page) (list []AppEvent, stopped hookswitch.Key, err error) {
	c, none, _, err := s.conditions(ctx, 0, &q, &p, false)
	if err != nil || none {
		return nil, 0, err
	}
	rows, stopped, err := s.store.SearchAllEvents(ctx, c, p)
	if err != nil {
		return nil, 0, err
	}
	keys := make(map[hookswitch.Key][]hookswitch.Key)
	for _, ev := range rows {
		keys[ev.App] = append(keys[ev.App], ev.Key)
	}
	tries, owed := make(map[hookswitch.Key][]store.Try), make(map[hookswitch.Key][]store.Delivery)
	for app, of := range keys {
		if tries[app], err = s.store.Tries(ctx, app, 0, of, maxTries); err != nil {
			return nil, 0, err
		}
		if owed[app], err = s.store.OwedFor(ctx, app, 0, of); err != nil {
			return nil, 0, err
		}
	}
	owner := s.owners(ctx)
	for _, ev := range rows {
		one := AppEvent{FoundEvent: foundEvent(ev, tries[ev.App], owed[ev.App])}
		if one.AppOf, err = owner(ev.App); err != nil {
			return nil, 0, err
		}
		list = append(list, one)
	}
	return list, stopped, nil
}

// FindAllAttempts is FindAttempts at the endpoints of all Apps. Of messages and endpoints, ids alone are understood.
func (s *Service) FindAllAttempts(ctx context.Context, q filter.Query, p store.Page) (list []AppAttempt, stopped hookswitch.Key, err error) {
	c, none, _, err := s.conditions(ctx, 0, &q, &p, false)
	if err != nil || none {
		return nil, 0, err
	}
	rows, stopped, err := s.store.SearchAllAttempts(ctx, c, p)
	if err != nil {
		return nil, 0, err
	}
	of := make(map[hookswitch.Key][]*hookswitch.Attempt)
	for _, a := range rows {
		of[a.Endpoint] = append(of[a.Endpoint], a)
	}
	found := make(map[hookswitch.Key]AppAttempt, len(rows))
	for _, some := range of {
		e, err := s.AttemptedEndpoint(ctx, some[0])
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		surrounded, err := s.surround(ctx, e, some)
		if err != nil {
			return nil, 0, err
		}
		for _, f := range surrounded {
			found[f.Key] = AppAttempt{FoundAttempt: f, Endpoint: e}
		}
	}
	owner := s.owners(ctx)
	for _, a := range rows {
		one, ok := found[a.Key]
		if !ok {
			continue
		}
		if one.AppOf, err = owner(a.App); err != nil {
			return nil, 0, err
		}
		list = append(list, one)
	}
	return list, stopped, nil
}
