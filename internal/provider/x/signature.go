package x

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// The headers that carry a signature, of which a push has one or both.
// https://docs.x.com/x-api/webhooks/introduction#signature-headers
const (
	signatureHeader  = "X-Twitter-Webhooks-Signature"        // under the consumer secret
	signatureHeader2 = "X-Twitter-Webhooks-Signature-Oauth2" // under the client secret
)

// Verify checks the HMAC-SHA256 over the bytes of the body, under the consumer secret or the client secret, whichever signature is there and whichever
// secret is known.
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	consumer, client := c.All(credConsumerSecret), c.All(credClientSecret)
	if len(consumer)+len(client) == 0 {
		return fmt.Errorf("neither %s nor %s is known: %w", credConsumerSecret, credClientSecret, hookswitch.ErrSignature)
	}
	// Both are looked at in any case, so that the time tells nothing.
	one := signed(push, signatureHeader, consumer)
	other := signed(push, signatureHeader2, client)
	if !one && !other {
		return hookswitch.ErrSignature
	}
	return nil
}

// signed reports whether the header carries the signature of the body under one of the secrets.
func signed(push *hookswitch.Push, header string, secrets []string) bool {
	values := push.Header.Values(header)
	if len(values) != 1 {
		return false
	}
	signature, ok := parseSignature(values[0])
	if !ok {
		return false
	}
	genuine := false
	for _, secret := range secrets {
		if hmac.Equal(mac(secret, push.Body), signature) {
			genuine = true
		}
	}
	return genuine
}

// parseSignature reads "sha256=" and 32 bytes in base64, of which there is one way to write each.
func parseSignature(header string) ([]byte, bool) {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != base64.StdEncoding.EncodedLen(sha256.Size) || strings.ContainsAny(digits, "\r\n") {
		return nil, false
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(digits)
	return signature, err == nil && len(signature) == sha256.Size
}

func mac(secret string, message []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(message)
	return h.Sum(nil)
}

// Challenge answers the GET by which X asks, when a webhook is set up and every hour, whether the door's owner knows the app's secret: the client secret,
// or the consumer secret of apps that have no other.
//
// Whoever asks is given a signature, and the same secret signs pushes. So a token that could be the body of a push is not signed.
// https://docs.x.com/x-api/webhooks/quickstart#2-the-crc-check
func (p *Provider) Challenge(push *hookswitch.Push, c hookswitch.Credentials) (hookswitch.Answer, bool, error) {
	if push.Method != http.MethodGet {
		return hookswitch.Answer{}, false, nil
	}
	token := push.URL.Query().Get("crc_token")
	if token == "" {
		return hookswitch.Answer{}, true, hookswitch.Errorf(hookswitch.Invalid, "a check needs crc_token")
	}
	if strings.Contains(token, "{") {
		return hookswitch.Answer{}, true, hookswitch.Errorf(hookswitch.Invalid, "crc_token has a character that tokens of X do not have")
	}
	secrets := append(c.All(credClientSecret), c.All(credConsumerSecret)...)
	if len(secrets) == 0 {
		return hookswitch.Answer{}, true, fmt.Errorf("neither %s nor %s is known: %w", credConsumerSecret, credClientSecret, hookswitch.ErrSignature)
	}
	body, err := json.Marshal(struct {
		Token string `json:"response_token"`
	}{"sha256=" + base64.StdEncoding.EncodeToString(mac(secrets[0], []byte(token)))})
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "application/json", Body: body}, true, err
}
