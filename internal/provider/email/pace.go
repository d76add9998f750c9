package email

import (
	"time"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Carrier  = (*Provider)(nil)
	_ hookswitch.Repeater = (*Provider)(nil)
)

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch messageType {
	case "text", "template", "image", "video", "audio", "document", "location", "contact", "cta_url":
		return ch == hookswitch.Email
	}
	return false
}

// keyLife is for how long Resend knows a mail again by its idempotency key, less an hour.
// https://resend.com/docs/dashboard/emails/idempotency-keys
const keyLife = 23 * time.Hour

// Repeats is for how long the service knows a mail again.
func (p *Provider) Repeats(*hookswitch.Route) time.Duration {
	if p.idempotent() {
		return keyLife
	}
	return 0
}
