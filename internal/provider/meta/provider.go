// Package meta adapts Meta: it proves and reads what the WhatsApp Cloud API, Messenger and Instagram push through Graph webhooks,
// and sends messages over all three through the Graph API.
//
// It keeps no state and stores nothing. Which Route a push is for, what has been seen before, when to call again and how fast, and
// the splitting of long texts are left to its callers.
package meta

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.Challenger    = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Attender      = (*Provider)(nil)
	_ hookswitch.Registrar     = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
)

// The names of the credentials. The first three come from the app, the others from the number, page or account.
const (
	credSecret      = "app_secret"
	credVerifyToken = "verify_token"
	credAccessToken = "access_token"
	credPhone       = "phone_number_id"
	credPage        = "page_id"
	credInstagram   = "ig_user_id"
	credWABA        = "waba_id"
)

// Meta documents pushes of up to 3 MB.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started
const maxBody = 4 << 20

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are the settings of a Provider. The zero value receives; to send, it needs HTTP.
type Options struct {
	// BaseURL is where the Graph API is. Default https://graph.facebook.com, and https://graph.instagram.com for accounts with a token of Instagram's own.
	BaseURL string
	// Version is the Graph API's version. Default v23.0.
	Version string
	// HTTP makes the calls.
	HTTP Doer
}

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct {
	base      string // URL and version, without a slash at the end
	instagram string // the same for tokens of Instagram's own
	http      Doer
}

// New returns the adapter.
func New(o Options) *Provider {
	version := strings.Trim(cmp.Or(o.Version, "v23.0"), "/")
	at := func(base string) string { return strings.TrimRight(cmp.Or(o.BaseURL, base), "/") + "/" + version }
	return &Provider{base: at("https://graph.facebook.com"), instagram: at("https://graph.instagram.com"), http: o.HTTP}
}

// Name is "meta".
func (p *Provider) Name() string { return "meta" }

// Doors are the WhatsApp door, and the one that Messenger and Instagram share. Both read any push of Meta's.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{
		{Path: "/api/channels/whatsapp", Channels: []hookswitch.Channel{hookswitch.WhatsApp}, MaxBody: maxBody},
		{Path: "/api/v1/channels/meta/webhook", Channels: []hookswitch.Channel{hookswitch.Messenger, hookswitch.Instagram}, MaxBody: maxBody},
	}
}

// Account is a hash of the app secret. While a secret is being rotated and there are several, the first one names the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	secrets := c.All(credSecret)
	if len(secrets) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch meta app secret\x00" + secrets[0]))
	return hex.EncodeToString(sum[:])
}

// Address is the id of the phone number, page or Instagram account that pushes name.
func (p *Provider) Address(ch hookswitch.Channel, c hookswitch.Credentials, _ string) string {
	switch ch {
	case hookswitch.WhatsApp:
		return c.First(credPhone)
	case hookswitch.Messenger:
		return c.First(credPage)
	case hookswitch.Instagram:
		return c.First(credInstagram)
	}
	return ""
}

// Ack is the answer Meta's samples give. Only the status counts.
func (p *Provider) Ack(*hookswitch.Push) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte("EVENT_RECEIVED")}
}
