// Package africastalking adapts Africa's Talking: it proves and reads its notifications about SMS, USSD sessions and calls, writes the answers of the latter two,
// and sends SMS.
//
// It keeps no state and stores nothing. Which Route a notification is for, what has been seen before, what is new in the input of a session, pages of
// long answers, when to call again, and the splitting of long texts are left to its callers.
package africastalking

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
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
	_ hookswitch.Dialoguer     = (*Provider)(nil)
)

// The names of the credentials.
const (
	credUsername    = "username"     // of the app at Africa's Talking
	credAPIKey      = "api_key"      // of the app
	credCallbackKey = "callback_key" // ours, in the addresses that notifications go to
	credShortCode   = "short_code"   // the short code, number or name that SMS come to and go out from
	credServiceCode = "service_code" // of USSD sessions, such as *384*1234#
	credPhone       = "phone_number" // of calls
	credKeyword     = "keyword"      // of a premium service; makes what is sent premium messages
)

const maxBody = 256 << 10 // notifications are short forms

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are the settings of a Provider. The zero value receives; to send, it needs HTTP.
type Options struct {
	// BaseURL is where the API is, for all that is sent. Default https://api.africastalking.com, https://api.sandbox.africastalking.com for the
	// username sandbox, and https://content.africastalking.com for premium messages.
	BaseURL string
	// HTTP makes the calls.
	HTTP Doer
}

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct {
	base string // without a slash at the end; empty: the real ones
	http Doer
}

// New returns the adapter.
func New(o Options) *Provider {
	return &Provider{base: strings.TrimRight(o.BaseURL, "/"), http: o.HTTP}
}

// Name is "africastalking".
func (p *Provider) Name() string { return "africastalking" }

// Doors are one for each channel; all but that of USSD are shared with other providers. Each reads any notification, whatever it is about.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{
		{Path: "/api/channels/sms", Channels: []hookswitch.Channel{hookswitch.SMS}, MaxBody: maxBody},
		{Path: "/api/channels/ussd", Channels: []hookswitch.Channel{hookswitch.USSD}, MaxBody: maxBody},
		{Path: "/api/v1/voice/inbound", Channels: []hookswitch.Channel{hookswitch.Voice}, MaxBody: maxBody},
	}
}

// Account is a hash of the key that notifications carry. While a key is being replaced and there are several, the first one names the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	keys := keysOf(c)
	if len(keys) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch africastalking key\x00" + keys[0]))
	return hex.EncodeToString(sum[:])
}

// Address is the short code, service code or number that notifications name.
func (p *Provider) Address(ch hookswitch.Channel, c hookswitch.Credentials, phone string) string {
	switch ch {
	case hookswitch.SMS:
		return cmp.Or(c.First(credShortCode), phone)
	case hookswitch.USSD:
		return c.First(credServiceCode)
	case hookswitch.Voice:
		return cmp.Or(c.First(credPhone), phone)
	}
	return ""
}

// Ack is the answer to what needs none. A hop or a call that nothing has answered ends in its own form, because any other would be shown to the
// person as an error.
func (p *Provider) Ack(push *hookswitch.Push) hookswitch.Answer {
	f, err := read(push)
	switch {
	case err != nil:
	case f.isCall() && f.get("isActive") == "1":
		return xml("<Response><Reject/></Response>")
	case f.isHop():
		return plainText(end + "This service is not available at the moment.")
	}
	return plainText("")
}

func plainText(body string) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(body)}
}
