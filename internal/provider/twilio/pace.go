package twilio

import (
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Pacer       = (*Provider)(nil)
	_ hookswitch.Carrier     = (*Provider)(nil)
	_ hookswitch.TextLimiter = (*Provider)(nil)
)

// Pace is what Twilio sends from a long number: one SMS a second; more than that queues there, for hours at most. A messaging service has numbers of its own, of which
// nothing is known here, and what a WhatsApp number may send is Meta's to say.
// https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency
func (p *Provider) Pace(r *hookswitch.Route) hookswitch.Pace {
	switch {
	case r.Channel == hookswitch.WhatsApp:
		return hookswitch.Pace{Route: hookswitch.Rate{N: 80, Per: time.Second}, Person: hookswitch.Rate{N: 10, Per: time.Minute}}
	case r.Channel == hookswitch.SMS && r.Credentials.First(credService) == "" && isLongNumber(r):
		return hookswitch.Pace{Route: hookswitch.Rate{N: 1, Per: time.Second}}
	}
	return hookswitch.Pace{}
}

// isLongNumber reports whether r sends from a number like those of people, not a short code or a name.
func isLongNumber(r *hookswitch.Route) bool {
	_, from := splitAddress(r.Address)
	return strings.HasPrefix(from, "+")
}

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch messageType {
	case "text", "image", "video", "audio", "document", "sticker", "template":
		return ch == hookswitch.SMS || ch == hookswitch.WhatsApp
	case "location":
		return ch == hookswitch.WhatsApp
	}
	return false
}

// TextLimit is the same on all channels, WhatsApp too.
func (p *Provider) TextLimit(hookswitch.Channel) int { return maxText }
