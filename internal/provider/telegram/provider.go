// Package telegram adapts the Telegram Bot API: it proves and reads the updates that Telegram pushes for a bot, sends messages as the bot, and tells
// Telegram where to push.
//
// It keeps no state and stores nothing. Which Route a push is for, what has been seen before, when to call again and how fast, and
// the splitting of long texts are left to its callers. Telegram reports nothing about messages once it has taken them.
package telegram

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

var (
	_ hookswitch.Provider      = (*Provider)(nil)
	_ hookswitch.MessageSender = (*Provider)(nil)
	_ hookswitch.Registrar     = (*Provider)(nil)
	_ hookswitch.Unregistrar   = (*Provider)(nil)
	_ hookswitch.Connector     = (*Provider)(nil)
	_ hookswitch.Attender      = (*Provider)(nil)
	_ hookswitch.Guide         = (*Provider)(nil)
)

// The names of the credentials.
const (
	credBotToken    = "bot_token"    // from BotFather: the bot's id, a colon, and what is secret
	credSecretToken = "secret_token" // chosen by the operator, repeated by Telegram with each push
)

const (
	secretHeader = "X-Telegram-Bot-Api-Secret-Token"
	doorPath     = "/api/v1/channels/telegram/webhook"
	maxBody      = 1 << 20
)

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are the settings of a Provider. The zero value receives; to send and to register, it needs HTTP.
type Options struct {
	// BaseURL is where the Bot API is. Default https://api.telegram.org.
	BaseURL string
	// HTTP makes the calls.
	HTTP Doer
}

// Provider is the adapter. It may be used from many goroutines at once.
type Provider struct {
	base string // without a slash at the end
	http Doer
}

// New returns the adapter.
func New(o Options) *Provider {
	return &Provider{base: strings.TrimRight(cmp.Or(o.BaseURL, "https://api.telegram.org"), "/"), http: o.HTTP}
}

// Name is "telegram".
func (p *Provider) Name() string { return "telegram" }

// Doors is the one door of all bots. What comes to it is told apart by the secret token.
func (p *Provider) Doors() []hookswitch.Door {
	return []hookswitch.Door{{Path: doorPath, Channels: []hookswitch.Channel{hookswitch.Telegram}, MaxBody: maxBody}}
}

// Account is a hash of the secret token. While it is being changed and there are several, the first one names the account.
func (p *Provider) Account(c hookswitch.Credentials) string {
	secrets := c.All(credSecretToken)
	if len(secrets) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte("hookswitch telegram secret token\x00" + secrets[0]))
	return hex.EncodeToString(sum[:])
}

// Address is the bot's id, with which its token begins. No push names it: the secret token has to tell one bot from another. It keeps one bot from being
// set up twice.
func (p *Provider) Address(ch hookswitch.Channel, c hookswitch.Credentials, _ string) string {
	id, _, ok := strings.Cut(c.First(credBotToken), ":")
	if ch != hookswitch.Telegram || !ok || strings.Trim(id, "0123456789") != "" {
		return ""
	}
	return id
}

// Verify compares the secret token that was given to setWebhook. The body is not signed.
// https://core.telegram.org/bots/api#setwebhook
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	secrets := c.All(credSecretToken)
	if len(secrets) == 0 {
		return fmt.Errorf("no %s is known: %w", credSecretToken, hookswitch.ErrSignature)
	}
	headers := push.Header.Values(secretHeader)
	if len(headers) != 1 {
		return fmt.Errorf("%d %s headers: %w", len(headers), secretHeader, hookswitch.ErrSignature)
	}
	// Sums have one length, so the time tells nothing about the secrets'.
	got, known := sha256.Sum256([]byte(headers[0])), 0
	for _, secret := range secrets {
		want := sha256.Sum256([]byte(secret))
		known |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	if known != 1 {
		return hookswitch.ErrSignature
	}
	return nil
}

// Ack is an empty answer. The press of a button is answered with a call that Telegram makes in our name, without which the button would seem to hang.
// https://core.telegram.org/bots/api#making-requests-when-getting-updates
func (p *Provider) Ack(push *hookswitch.Push) hookswitch.Answer {
	id := pressed(push.Body)
	if id == "" {
		return hookswitch.Answer{Status: http.StatusOK}
	}
	body, err := json.Marshal(struct {
		Method string `json:"method"`
		ID     string `json:"callback_query_id"`
	}{"answerCallbackQuery", id})
	if err != nil {
		return hookswitch.Answer{Status: http.StatusOK}
	}
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "application/json", Body: body}
}

// pressed is the id of the callback query in a push, or "". It becomes part of a call, so nothing but an id is one.
func pressed(body []byte) string {
	var u struct {
		Query struct {
			ID text `json:"id"`
		} `json:"callback_query"`
	}
	if json.Unmarshal(body, &u) != nil || len(u.Query.ID) > 64 {
		return ""
	}
	for _, b := range []byte(u.Query.ID) {
		if (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && b != '-' && b != '_' {
			return ""
		}
	}
	return string(u.Query.ID)
}
