package africastalking

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Verify checks the key that the address of the notification carries. Africa's Talking signs nothing and sends no key of its own: all that can prove
// a notification is a secret in the address that was registered, or in a header that a relay has added. The body is not covered.
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	keys := keysOf(c)
	if len(keys) == 0 {
		return fmt.Errorf("neither %s nor %s is known: %w", credCallbackKey, credAPIKey, hookswitch.ErrSignature)
	}
	genuine := 0
	for _, shown := range shownKeys(push) {
		sum := sha256.Sum256([]byte(shown))
		for _, key := range keys {
			want := sha256.Sum256([]byte(key))
			genuine |= subtle.ConstantTimeCompare(sum[:], want[:])
		}
	}
	if genuine != 1 {
		return hookswitch.ErrSignature
	}
	return nil
}

// keysOf are the keys that prove a notification: those made for it, then the account's own, by which a relay may be configured already. Whoever has that one can do
// worse than tell us lies.
func keysOf(c hookswitch.Credentials) []string {
	return slices.Concat(c.All(credCallbackKey), c.All(credAPIKey))
}

// shownKeys are the keys that a notification shows, wherever it does.
func shownKeys(push *hookswitch.Push) []string {
	var shown []string
	shown = append(shown, push.Header.Values("apiKey")...)
	shown = append(shown, push.Header.Values("X-Api-Key")...)
	for _, v := range push.Header.Values("Authorization") {
		if scheme, token, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
			shown = append(shown, strings.TrimSpace(token))
		}
	}
	return append(shown, queryKeys(push.URL)...)
}

func queryKeys(u *url.URL) []string {
	if u == nil {
		return nil
	}
	query := u.Query()
	return append(query["apiKey"], query["key"]...)
}

// The fields that Twilio's requests have and ours do not.
var foreignFields = []string{"MessageSid", "SmsSid", "SmsMessageSid", "CallSid"}

// Claims reports whether push may be ours at a door that is shared with Twilio: it has nothing of Twilio's.
func (p *Provider) Claims(push *hookswitch.Push) bool {
	if len(push.Header.Values("X-Twilio-Signature")) > 0 {
		return false
	}
	f, err := read(push)
	if err != nil {
		return true
	}
	for _, name := range foreignFields {
		if f.has(name) {
			return false
		}
	}
	return true
}
