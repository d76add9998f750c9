package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

// SendExample publishes the example of an event type to one endpoint of the app, whatever its filter: the one at index, counted from 0, of the first version of its
// schema. EventTypePing has an example of its own. Where the same request has been made before, that one's event is returned.
func (s *Service) SendExample(ctx context.Context, app *hookswitch.App, endpoint hookswitch.Key, eventType string, index int, idem Idempotency) (*hookswitch.Event, error) {
	p := Publish{Type: eventType, Payload: []byte(`{"success": true}`)}
	if m := hookswitch.CheckName(eventType); m != "" {
		return nil, hookswitch.InvalidField(m, "eventType")
	}
	if eventType != hookswitch.EventTypePing {
		t, err := s.EventType(ctx, eventType)
		if err != nil {
			return nil, err
		}
		payload, message := example(t.Schemas, index)
		if message != "" {
			return nil, &hookswitch.Error{Kind: hookswitch.Invalid, Code: "invalid_scheme", Message: message}
		}
		p.Payload = payload
	}
	return s.publish(ctx, app, p, idem, func(b *births, st *appState, ev *hookswitch.Event) error {
		ep := st.endpoint(endpoint)
		switch {
		case ep == nil || ep.Sender != 0:
			return hookswitch.NotFoundf("endpoint not found")
		case ep.Disabled:
			return errEndpointDisabled
		}
		b.aim(ev, ep)
		return nil
	})
}
