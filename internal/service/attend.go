package service

import (
	"context"
	"errors"

	"github.com/hookswitch/hookswitch"
)

// MarkRead has the provider show the person that a received message of theirs was read, where the channel can; elsewhere nothing happens, or the error is of kind Unsupported.
// Nothing of it is stored.
func (s *Service) MarkRead(ctx context.Context, app, message hookswitch.Key) error {
	return s.attend(ctx, app, message, false)
}

// SendTyping has the provider show the person that an answer to a received message of theirs is being written. It ends by itself after some seconds, or with the
// answer. WhatsApp marks the message as read, too. The error is of kind Unsupported where the channel has no such thing.
func (s *Service) SendTyping(ctx context.Context, app, message hookswitch.Key) error {
	return s.attend(ctx, app, message, true)
}

func (s *Service) attend(ctx context.Context, app, message hookswitch.Key, typing bool) error {
	m, err := s.store.Message(ctx, app, message)
	if err != nil {
		return err
	}
	if m.Direction != hookswitch.Inbound {
		return hookswitch.Errorf(hookswitch.Invalid, "only a received message can be marked as read or answered")
	}
	sender, err := s.store.Sender(ctx, app, m.Sender)
	if err != nil {
		return err
	}
	route := routeOn(sender, m)
	if route == nil {
		return hookswitch.Errorf(hookswitch.Unsupported, "the sender has no route for %s", m.Channel)
	}
	attender, ok := s.providers[route.Provider].(hookswitch.Attender)
	if !ok {
		return hookswitch.Errorf(hookswitch.Unsupported, "nothing can be shown to people over %s", route.Provider)
	}
	err = attender.Attend(ctx, route, m, typing)
	var problem *hookswitch.SendError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &problem):
		return err
	case problem.Code == errUnsupported:
		return &hookswitch.Error{Kind: hookswitch.Unsupported, Message: problem.Message, Err: problem}
	case problem.Temporary || problem.Unknown:
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the provider could not be told; try again", RetryAfter: problem.RetryAfter, Err: problem}
	}
	return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "the provider refused: " + problem.Message, Err: problem}
}

// routeOn is the route of a sender that carries m: its own, else one on its channel; nil: there is none.
func routeOn(sender *hookswitch.Sender, m *hookswitch.Message) *hookswitch.Route {
	var best *hookswitch.Route
	for i := range sender.Routes {
		r := &sender.Routes[i]
		if r.Channel == m.Channel.Medium() && (best == nil || r.Key == m.Route) {
			best = r
		}
	}
	return best
}
