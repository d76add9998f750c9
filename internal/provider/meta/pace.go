package meta

import (
	"time"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Pacer   = (*Provider)(nil)
	_ hookswitch.Carrier = (*Provider)(nil)
)

// Pace is what a number may send in WhatsApp: 80 messages a second, and to one person one in six seconds on average, of which up to 45 may come at once.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/throughput
func (p *Provider) Pace(r *hookswitch.Route) hookswitch.Pace {
	if r.Channel != hookswitch.WhatsApp {
		return hookswitch.Pace{}
	}
	return hookswitch.Pace{Route: hookswitch.Rate{N: 80, Per: time.Second}, Person: hookswitch.Rate{N: 45, Per: 45 * 6 * time.Second}}
}

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch messageType {
	case "text", "image", "video", "audio", "buttons", "list", "cta_url", "reaction":
		return ch == hookswitch.WhatsApp || ch == hookswitch.Messenger || ch == hookswitch.Instagram
	case "document":
		return ch == hookswitch.WhatsApp || ch == hookswitch.Messenger
	case "sticker", "location", "contact", "location_request", "template":
		return ch == hookswitch.WhatsApp
	case "request_contact_info":
		return ch == hookswitch.Messenger
	}
	return false
}
