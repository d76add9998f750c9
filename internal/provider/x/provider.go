// Package x adapts X, once Twitter: it proves and reads what the Account Activity API and the X Activity API push for an account, sends direct messages,
// and posts answers under posts.
//
// It keeps no state and stores nothing. Which Route a push is for, what has been seen before, when to call again and how fast, that answers to posts wait for a
// person's approval, and the splitting of long texts are left to its callers.
package x

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.Challenger    = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
)

// The names of the credentials. The first three are the app's, the others the account's.
const (
	credConsumerSecret = "consumer_secret" // "API key secret" in the developer console
	credConsumerKey    = "consumer_key"    // "API key"
	credClientSecret   = "client_secret"   // of OAuth 2.0; apps may have either or both
	credUser           = "user_id"
	credToken          = "access_token"
	credTokenSecret    = "access_token_secret" // with it the token is one of OAuth 1.0a, else of OAuth 2.0
)

const (
	doorPath = "/api/channels/twitter"
	maxBody  = 1 << 20
)

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are the settings of a Provider. The zero value receives; to send, it needs HTTP.
type Options struct {
	// BaseURL is where the API is. Default https://api.x.com.
	BaseURL string
	// HTTP makes the calls.
	HTTP Doer
	// Now tells the time by which calls are signed and waits are counted; nil: time.Now.
	Now func() time.Time
}

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct {
	base string // without a slash at the end
	http Doer
	now  func() time.Time
}

// New returns the adapter.
func New(o Options) *Provider {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Provider{base: strings.TrimRight(cmp.Or(o.BaseURL, "https://api.x.com"), "/"), http: o.HTTP, now: o.Now}
}

// Name is "x".
func (p *Provider) Name() string { return "x" }

// Doors is the one door of all accounts.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{{Path: doorPath, Channels: []hookswitch.Channel{hookswitch.X}, MaxBody: maxBody}}
}

// Account is a hash of the app's secret. While it is being changed and there are several, the first one names the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	secrets := append(c.All(credConsumerSecret), c.All(credClientSecret)...)
	if len(secrets) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch x app secret\x00" + secrets[0]))
	return hex.EncodeToString(sum[:])
}

// Address is the id of the account that pushes name.
func (p *Provider) Address(ch hookswitch.Channel, c hookswitch.Credentials, _ string) string {
	if ch != hookswitch.X {
		return ""
	}
	return c.First(credUser)
}

// Ack is an empty answer.
func (p *Provider) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK}
}
