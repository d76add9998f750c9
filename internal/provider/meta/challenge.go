package meta

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"

	"github.com/hookswitch/hookswitch"
)

// Challenge answers the GET with which Meta asks, when a webhook is set up, whether the door's owner knows the verify token.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
func (p *Provider) Challenge(push *hookswitch.Push, c hookswitch.Credentials) (hookswitch.Answer, bool, error) {
	if push.Method != http.MethodGet {
		return hookswitch.Answer{}, false, nil
	}
	query := push.URL.Query()
	token, challenge := query.Get("hub.verify_token"), query.Get("hub.challenge")
	if !query.Has("hub.mode") || !query.Has("hub.verify_token") || challenge == "" {
		return hookswitch.Answer{}, true, hookswitch.Errorf(hookswitch.Invalid,
			"a subscription request needs hub.mode=subscribe, hub.verify_token and hub.challenge")
	}
	if mode := query.Get("hub.mode"); mode != "subscribe" || token == "" || !anyEqual(token, c.All(credVerifyToken)) {
		return hookswitch.Answer{}, true, fmt.Errorf("verify token is not ours, or the mode %q is not subscribe: %w", mode, hookswitch.ErrSignature)
	}
	// The challenge is a stranger's text: it goes back as plain text and nothing else.
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "text/plain; charset=utf-8", Body: []byte(challenge)}, true, nil
}

// anyEqual compares got with all of want in a time that depends on neither content nor length.
func anyEqual(got string, want []string) bool {
	sum, found := sha256.Sum256([]byte(got)), 0
	for _, w := range want {
		other := sha256.Sum256([]byte(w))
		found |= subtle.ConstantTimeCompare(sum[:], other[:])
	}
	return found == 1
}
