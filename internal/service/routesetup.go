package service

import (
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// RouteSetup is how a Route is set up, and what its provider has to be told.
type RouteSetup struct {
	Route hookswitch.Route
	// Known is false for a provider that this server has no adapter of: such a route is kept and does nothing.
	Known    bool
	Receives bool // its credentials can prove a push
	// Sends says that messages can be sent over it: its provider can on its channel, and the credentials for that are there. Lacks are those that are not.
	Sends bool
	Lacks []string
	// Challenged says that the provider asks the door to prove itself before it pushes.
	Challenged bool
	// Tells says that the provider can be told over its API where to push.
	Tells bool
	// Door is the address for pushes to this route alone, Shared those that all routes of the provider share.
	Door   string
	Shared []string
	// Steps are what a person does at the provider.
	Steps []string
	// Redirected says that calls of the provider's API do not go to the provider: a setting leads them elsewhere, such as to a stand-in.
	Redirected bool
}

// RouteSetups are how the routes of a sender are set up.
func (s *Service) RouteSetups(sender *hookswitch.Sender) []RouteSetup {
	list := make([]RouteSetup, 0, len(sender.Routes))
	for _, r := range sender.Routes {
		setup := RouteSetup{Route: r, Receives: r.Account != "", Door: s.doorOf(&r), Redirected: slices.Contains(s.o.Redirected, r.Provider)}
		p, known := s.providers[r.Provider]
		if setup.Known = known; known {
			setup.Sends, setup.Lacks = s.Sends(sender, &r)
			_, setup.Challenged = p.(hookswitch.Challenger)
			_, setup.Tells = p.(hookswitch.Registrar)
			for _, d := range p.Doors() {
				if slices.Contains(d.Channels, r.Channel) {
					setup.Shared = append(setup.Shared, strings.TrimSuffix(s.o.PublicURL, "/")+d.Path)
				}
			}
			if guide, ok := p.(hookswitch.Guide); ok {
				setup.Steps = guide.Steps(&r, setup.Door, false)
			}
		}
		list = append(list, setup)
	}
	return list
}

// Sends reports whether messages can be sent over a route of a sender. lacks are the names of the credentials without which they cannot, though its provider could.
func (s *Service) Sends(sender *hookswitch.Sender, r *hookswitch.Route) (sends bool, lacks []string) {
	p := s.providers[r.Provider]
	if p == nil || !s.providerInfo(p, r.Channel).Sends {
		return false, nil
	}
	if checks, ok := p.(hookswitch.SendingChecker); ok {
		from := *r
		if r.Channel == hookswitch.Email {
			from.Address = fromOf(sender, r, r.Channel)
		}
		lacks = checks.LacksToSend(&from)
		return len(lacks) == 0, lacks
	}
	for _, f := range credentialFields(p, r.Channel) {
		if f.Sends && r.Credentials.First(f.Name) == "" {
			lacks = append(lacks, f.Name)
		}
	}
	return len(lacks) == 0, lacks
}

// MaySimulate says why what a person does may not be simulated over a route; "" when it may. Where answers would reach the real provider, they would reach whoever has the made-up number.
func (r *RouteSetup) MaySimulate() string {
	switch {
	case !r.Known:
		return "This server has no adapter of " + r.Route.Provider + "."
	case !r.Receives:
		return "The credentials of this channel cannot prove a push: there is no secret to sign with."
	case r.Route.Channel == hookswitch.WebChat, r.Redirected:
		return ""
	case r.Route.Channel == hookswitch.USSD, r.Route.Channel == hookswitch.Voice: // answered in the response to the push itself
		return ""
	}
	return "Answers would go to the real " + r.Route.Provider + ". Set provider-base-urls to a stand-in for it, or start the server with hookswitch dev."
}
