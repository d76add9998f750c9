package webchat

import "github.com/hookswitch/hookswitch"

var _ hookswitch.Carrier = (*Provider)(nil)

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch messageType {
	case "text", "template", "image", "video", "audio", "document", "sticker", "location", "contact", "buttons", "list", "cta_url", "reaction":
		return ch == hookswitch.WebChat
	}
	return false
}
