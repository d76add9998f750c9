package x

import (
	"time"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Pacer   = (*Provider)(nil)
	_ hookswitch.Carrier = (*Provider)(nil)
)

// Pace is what a user may send: 15 direct messages in 15 minutes.
// https://docs.x.com/x-api/fundamentals/rate-limits
func (p *Provider) Pace(*hookswitch.Route) hookswitch.Pace {
	return hookswitch.Pace{Route: hookswitch.Rate{N: 15, Per: 15 * time.Minute}}
}

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch messageType {
	case "text", "template", "image", "video":
		return ch == hookswitch.X
	}
	return false
}
