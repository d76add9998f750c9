package service

import (
	"context"
	"errors"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Registration is what became of telling a provider where to push what comes for a route.
type Registration struct {
	Route hookswitch.Route
	// Door is the address that the provider was told, or is to be: one that belongs to the sender and the channel alone.
	Door string
	// Registered says that the provider has taken it.
	Registered bool
	// Err says why it has not, to the operator; nil where it has, and where the provider cannot be told by a call.
	Err *hookswitch.Error
	// Steps is what is left for a person to do at the provider.
	Steps []string
}

// RegisterSender tells the providers of a sender's routes where to push, and says what is left for a person to do. With a channel, only the routes of that. It
// may be called again: what a provider has been told before it is told anew.
func (s *Service) RegisterSender(ctx context.Context, sender *hookswitch.Sender, channel hookswitch.Channel) ([]Registration, error) {
	if err := s.reachable(); err != nil {
		return nil, err
	}
	var out []Registration
	for _, r := range sender.Routes {
		if channel != "" && r.Channel != channel {
			continue
		}
		p, known := s.providers[r.Provider]
		if !known {
			continue
		}
		reg := Registration{Route: r, Door: s.doorOf(&r)}
		if tells, ok := p.(hookswitch.Registrar); ok {
			reg.Registered, reg.Err = registered(tells.Register(ctx, &r, reg.Door), r.Provider)
		}
		if guide, ok := p.(hookswitch.Guide); ok {
			reg.Steps = guide.Steps(&r, reg.Door, reg.Registered)
		}
		out = append(out, reg)
	}
	if len(out) == 0 {
		if channel != "" {
			return nil, hookswitch.NotFoundf("the sender has no route on %s whose provider is known here", channel)
		}
		return nil, hookswitch.NotFoundf("the sender has no route whose provider is known here")
	}
	return out, nil
}

// reachable says why providers cannot be told where to push.
func (s *Service) reachable() error {
	if !strings.Contains(s.o.PublicURL, "://") {
		return hookswitch.Errorf(hookswitch.Unsupported, "the server has no public-url: no provider could reach it")
	}
	return nil
}

// registered reads what Register says. That there is no call for it is no failure.
func registered(err error, provider string) (bool, *hookswitch.Error) {
	if err == nil {
		return true, nil
	}
	var known *hookswitch.Error
	if !errors.As(err, &known) {
		return false, hookswitch.Errorf(hookswitch.Unavailable, "%s could not be told: %w", provider, err)
	}
	if known.Kind == hookswitch.Unsupported {
		return false, nil
	}
	return false, known
}
