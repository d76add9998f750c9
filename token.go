package hookswitch

import (
	"strconv"
	"time"
)

// Token lets whoever bears it act inside one App of the Svix-shaped API. It is opaque: what it permits is stored under the hash of its text, so it can be
// ended at any time.
type Token struct {
	Key  Key
	App  Key
	Kind TokenKind
	// Ref is the Integration that an integration's key belongs to, of a one-time token what it was exchanged for, 0: not yet, and of a session at the dashboard the
	// APIKey that it was opened with, 0: none.
	Ref Key
	// Scope narrows what the token is for: the session of portal and one-time tokens and of the browser's sessions made of them, "" for none, the name of the poller of a
	// poller's key, and of a session at the dashboard the credential that it was opened with.
	Scope        string
	FeatureFlags []string
	Capabilities Capabilities
	// Until is when the portal token ends that a one-time token is exchanged for, and until when at most a browser's session goes on.
	Until     time.Time
	ExpiresAt time.Time // zero: never
	CreatedAt time.Time
	Agent     string // what the browser of a session says it is
}

// Live reports whether the token may be used at the time.
func (t *Token) Live(at time.Time) bool { return t.ExpiresAt.IsZero() || at.Before(t.ExpiresAt) }

// TokenKind says what a token is for. The words are stored.
type TokenKind string

// The kinds of tokens.
const (
	TokenPortal      TokenKind = "portal"      // acts for a person in the portal
	TokenOneTime     TokenKind = "one-time"    // is exchanged, once, for a portal token
	TokenIntegration TokenKind = "integration" // acts for an Integration
	TokenPoller      TokenKind = "poller"      // reads one poller
	TokenSession     TokenKind = "session"     // a browser in the portal; no request of the API may bear it
	TokenDashboard   TokenKind = "dashboard"   // a browser in the dashboard: the operator's, or that of an API key's bearer
)

// Prefix begins the texts of tokens of the kind.
func (k TokenKind) Prefix() string {
	switch k {
	case TokenPortal:
		return "appsk_"
	case TokenOneTime:
		return "otp_"
	case TokenIntegration:
		return "integ_sk_"
	case TokenPoller:
		return "sk_poll_"
	case TokenSession:
		return "ses_"
	case TokenDashboard:
		return "dsh_"
	}
	return ""
}

// Capabilities is a set of what a token may do inside its App. The names are those of the Svix-shaped API.
type Capabilities uint8

// The capabilities, each a set of one.
const (
	// ViewBase is to read everything but secrets. Every token that acts in an App has it.
	ViewBase Capabilities = 1 << iota
	// ViewEndpointSecret is to read the secrets of endpoints.
	ViewEndpointSecret
	// ManageEndpointSecret is to read and to rotate the secrets of endpoints.
	ManageEndpointSecret
	// ManageTransformations is to change what endpoints make of events.
	ManageTransformations
	// CreateAttempts is to send again: to resend, recover and replay, and to send examples.
	CreateAttempts
	// ManageEndpoint is to create, change and delete endpoints, their secrets included.
	ManageEndpoint
	capabilityEnd

	// AllCapabilities are what a token has whose maker names none.
	AllCapabilities = capabilityEnd - 1
	// ViewingCapabilities are those that change nothing.
	ViewingCapabilities = ViewBase | ViewEndpointSecret
)

var capabilityNames = [...]string{"ViewBase", "ViewEndpointSecret", "ManageEndpointSecret", "ManageTransformations", "CreateAttempts", "ManageEndpoint"}

// Allow reports whether a token with the set may do what needs the capability. Some bring others with them: who may manage an endpoint may rotate its
// secret, who may rotate a secret may see it, and who may do anything may look.
func (c Capabilities) Allow(needed Capabilities) bool {
	if c&ManageEndpoint != 0 {
		c |= ManageEndpointSecret
	}
	if c&ManageEndpointSecret != 0 {
		c |= ViewEndpointSecret
	}
	if c != 0 {
		c |= ViewBase
	}
	return needed != 0 && c&needed == needed
}

// Names are the capabilities of the set, in the order in which they are declared.
func (c Capabilities) Names() []string {
	names := []string{}
	for i, name := range capabilityNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseCapability is the capability with the name.
func ParseCapability(name string) (Capabilities, bool) {
	for i, n := range capabilityNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// MaxFeatureFlags is how many feature flags an event type, a token or an integration may have.
const MaxFeatureFlags = 100

// CheckFeatureFlags notes what is wrong with feature flags: names as event types have them, MaxFeatureFlags at most. at leads to the list inside the body.
func CheckFeatureFlags(c *Checks, flags []string, at ...string) {
	if len(flags) > MaxFeatureFlags {
		c.Field("must have at most "+strconv.Itoa(MaxFeatureFlags)+" entries", at...)
		return
	}
	for i, f := range flags {
		if m := CheckName(f); m != "" {
			c.Field(m, append(at[:len(at):len(at)], "["+strconv.Itoa(i)+"]")...)
		}
	}
}
