// Package webchat adapts web chat, where no third party is involved: visitors of a web site write to us, and their browsers read the stored messages.
//
// Visitors come in by two ways that say the same things. A server of the operator's posts Messages to the door, proved by a bearer token. And our own widget, which
// runs in browsers and must never have that token, proves visitors itself and hands over what they write as the Updates that Message and Seen give. Sending
// makes no call, because the message is where visitors look for it as soon as it is stored. Sessions of visitors, the origins and rates that are allowed, and
// showing that somebody is writing are left to the widget.
package webchat

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
)

// credToken is the credential that a server of the operator's shows.
const credToken = "token"

const maxBody = 256 << 10

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct{}

// New returns the adapter.
func New() *Provider { return &Provider{} }

// Name is "webchat".
func (p *Provider) Name() string { return "webchat" }

// Doors are the one for servers. Browsers have none here.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{{Path: "/api/v1/channels/webchat", Channels: []hookswitch.Channel{hookswitch.WebChat}, MaxBody: maxBody}}
}

// Account is a hash of the token. While a token is being replaced and there are several, the first one names the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	tokens := c.All(credToken)
	if len(tokens) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch webchat token\x00" + tokens[0]))
	return hex.EncodeToString(sum[:])
}

// Address is empty: a token belongs to one chat.
func (p *Provider) Address(hookswitch.Channel, hookswitch.Credentials, string) string { return "" }

// Verify checks the bearer token, which proves who calls and not what is said.
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	tokens := c.All(credToken)
	if len(tokens) == 0 {
		return fmt.Errorf("no %s is known: %w", credToken, hookswitch.ErrSignature)
	}
	headers := push.Header.Values("Authorization")
	if len(headers) != 1 {
		return fmt.Errorf("%d Authorization headers: %w", len(headers), hookswitch.ErrSignature)
	}
	scheme, shown, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return fmt.Errorf("no bearer token: %w", hookswitch.ErrSignature)
	}
	sum, genuine := sha256.Sum256([]byte(shown)), 0
	for _, token := range tokens {
		want := sha256.Sum256([]byte(token))
		genuine |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	if genuine != 1 {
		return hookswitch.ErrSignature
	}
	return nil
}

// Ack is an empty object.
func (p *Provider) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "application/json", Body: []byte("{}")}
}
