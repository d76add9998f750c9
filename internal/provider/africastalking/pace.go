package africastalking

import "github.com/hookswitch/hookswitch"

var _ hookswitch.Carrier = (*Provider)(nil)

// Carries reports whether a message of the type may be sent on the channel.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	return ch == hookswitch.SMS && (messageType == "text" || messageType == "template")
}
