package telegram

import (
	"time"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Pacer   = (*Provider)(nil)
	_ hookswitch.Carrier = (*Provider)(nil)
)

// Pace is what a bot may send: 30 messages a second, and one a second into a chat.
// https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
func (p *Provider) Pace(*hookswitch.Route) hookswitch.Pace {
	return hookswitch.Pace{Route: hookswitch.Rate{N: 30, Per: time.Second}, Person: hookswitch.Rate{N: 1, Per: time.Second}}
}

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch messageType {
	case "text", "template", "image", "video", "audio", "document", "sticker", "location", "contact", "buttons", "list", "cta_url", "location_request",
		"request_contact_info", "reaction":
		return ch == hookswitch.Telegram
	}
	return false
}
