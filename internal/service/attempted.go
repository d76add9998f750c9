package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// AttemptedEvent is an event that an endpoint has been tried with, and what has come of it.
type AttemptedEvent struct {
	Event  *hookswitch.Event
	Status hookswitch.DeliveryStatus
}

// AttemptedEvents lists the events that an endpoint has been tried with. stopped is not 0 when the walk ended early for its length: the list is
// short, and goes on behind that key.
func (s *Service) AttemptedEvents(ctx context.Context, e *hookswitch.Endpoint, f store.AttemptedFilter, p store.Page) (list []AttemptedEvent, stopped hookswitch.Key, err error) {
	rows, stopped, err := s.store.AttemptedEvents(ctx, e.App, e.Key, e.CanceledUpto, f, p)
	if err != nil {
		return nil, 0, err
	}
	list = make([]AttemptedEvent, len(rows))
	for i, r := range rows {
		list[i] = AttemptedEvent{r.Event, statusOf(e, hookswitch.Target{Endpoint: e.Key}, r.Delivery, r.OK, true, r.Event.Key)}
	}
	return list, stopped, nil
}
