// Package api stands for programs that talk to people themselves: they post what people write to one of the gateway's own APIs, and get the answers as events, such as
// sms.respond. A Route of this provider has no credentials, no door and no address.
//
// There is nothing to verify, to parse or to send here: the API surfaces know who posts, and the service makes the event together with the message. The package gives such
// Routes a name, and says which messages they carry.
package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Carrier       = (*Provider)(nil)
)

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct{}

// New returns the adapter.
func New() *Provider { return &Provider{} }

// Name is "api".
func (p *Provider) Name() string { return hookswitch.ProviderAPI }

// Doors are none: what comes in comes by an API.
func (p *Provider) Doors() []hookswitch.Door { return nil }

// Account is empty: no push can be proved.
func (p *Provider) Account(hookswitch.Credentials) string { return "" }

// Address is empty.
func (p *Provider) Address(hookswitch.Channel, hookswitch.Credentials, string) string { return "" }

// Verify refuses every push.
func (p *Provider) Verify(*hookswitch.Push, hookswitch.Credentials) error {
	return fmt.Errorf("the provider %s has no door: %w", p.Name(), hookswitch.ErrSignature)
}

// Parse refuses every push.
func (p *Provider) Parse(*hookswitch.Push) ([]hookswitch.Update, error) {
	return nil, hookswitch.Errorf(hookswitch.Invalid, "the provider %s has no door", p.Name())
}

// Ack is an empty object.
func (p *Provider) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "application/json", Body: []byte("{}")}
}

// Carries reports whether an event tells of messages of the type. Those events hold a text and nothing else.
func (p *Provider) Carries(ch hookswitch.Channel, messageType string) bool {
	switch ch {
	case hookswitch.SMS, hookswitch.Email, hookswitch.WebChat:
		return messageType == "text" || messageType == "template" // whoever knows the template has put its words in
	}
	return false
}

// Send fails: a message of such a Route is sent when it is made. One that comes here was made for another Route, which is gone.
func (p *Provider) Send(_ context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	if !p.Carries(out.Message.Channel, out.Message.Type) {
		return hookswitch.Accepted{}, &hookswitch.SendError{Code: "unsupported_type", Category: "permanent",
			Message: "messages of type " + out.Message.Type + " cannot be sent on " + string(out.Message.Channel) + " over the API"}
	}
	return hookswitch.Accepted{}, &hookswitch.SendError{Code: "route_changed", Category: "permanent", Message: "the route that the message was made for is gone; send it again"}
}
