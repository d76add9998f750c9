// Package twilio adapts Twilio: it proves and reads what Twilio pushes about SMS, MMS, WhatsApp and phone calls, answers calls with TwiML, and sends messages
// through Twilio's REST API.
//
// It keeps no state and stores nothing. Which Route a push is for, what has been seen before, what a call is told next, when to call again and how fast, and
// the splitting of long texts are left to its callers.
package twilio

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
	_ hookswitch.Dialoguer     = (*Provider)(nil)
	_ hookswitch.Registrar     = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
)

// The names of the credentials. The token proves pushes and, where there is no API key, sends.
const (
	credAccount   = "account_sid"
	credToken     = "auth_token"
	credKey       = "api_key_sid"
	credKeySecret = "api_key_secret"
	credService   = "messaging_service_sid"
	credFrom      = "from" // in place of the sender's phone number: a short code or a name
)

const statusDoorPath = "/api/v1/voice/status"

// maxBody is ample for a form: a text has at most 1600 characters, and media come as links.
const maxBody = 256 << 10

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are the settings of a Provider. The zero value receives; to send, it needs HTTP.
type Options struct {
	// BaseURL is where the REST API is. Default https://api.twilio.com.
	BaseURL string
	// HTTP makes the calls.
	HTTP Doer
}

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct {
	base string // without a slash at the end
	http Doer
}

// New returns an adapter with the settings o.
func New(o Options) *Provider {
	return &Provider{base: strings.TrimSuffix(cmp.Or(o.BaseURL, "https://api.twilio.com"), "/"), http: o.HTTP}
}

// Name is the adapter's name in sender files.
func (p *Provider) Name() string { return "twilio" }

// Doors are one for messages, SMS and WhatsApp, and two for calls. What a push is, its fields say: any of them reads all.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{
		{Path: "/api/channels/sms", Channels: []hookswitch.Channel{hookswitch.SMS, hookswitch.WhatsApp}, MaxBody: maxBody},
		{Path: "/api/v1/voice/inbound", Channels: []hookswitch.Channel{hookswitch.Voice}, MaxBody: maxBody},
		{Path: statusDoorPath, Channels: []hookswitch.Channel{hookswitch.Voice}, MaxBody: maxBody},
	}
}

// Account is a hash of the auth token: each account and subaccount of Twilio signs with its own. While a token is being rotated and there are several, the
// first one names the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	tokens := c.All(credToken)
	if len(tokens) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch twilio auth token\x00" + tokens[0]))
	return hex.EncodeToString(sum[:])
}

// Address is our number as pushes name it, without the prefix of a channel: phone, or what the credentials say in its place.
func (p *Provider) Address(_ hookswitch.Channel, c hookswitch.Credentials, phone string) string {
	_, number := splitAddress(cmp.Or(c.First(credFrom), phone))
	return number
}

// Claims reports whether a push to a shared door looks like Twilio's: it is signed in Twilio's way, or has the fields that only Twilio's have. One of those
// without a signature is refused by Verify, and never tried as another provider's.
func (p *Provider) Claims(push *hookswitch.Push) bool {
	if len(push.Header.Values(signatureHeader)) > 0 {
		return true
	}
	f, err := readForm(push)
	return err == nil && (f.has("MessageSid") || f.has("SmsSid") || f.has("SmsMessageSid") || f.has("CallSid"))
}

// nothing is the TwiML that neither answers a message nor keeps a call. A plain text in its place would be sent to the person.
// https://www.twilio.com/docs/messaging/twiml
const nothing = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response/>"

// Ack says that nothing is to be done: answers to messages go out through the API. Word of how a call goes on is answered without a body.
func (p *Provider) Ack(push *hookswitch.Push) hookswitch.Answer {
	if f, err := readForm(push); err == nil && isCallReport(push, f) {
		return hookswitch.Answer{Status: http.StatusOK}
	}
	return xmlAnswer([]byte(nothing))
}

func xmlAnswer(body []byte) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "text/xml; charset=utf-8", Body: body}
}
