package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch"
)

const signatureHeader = "X-Hub-Signature-256"

// Verify checks the HMAC-SHA256 over the bytes of the body. What Meta calls escaped unicode is how these bytes look, not something to
// be done to them. The SHA-1 header that Meta sends as well proves nothing here.
// https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	secrets := c.All(credSecret)
	if len(secrets) == 0 {
		return fmt.Errorf("no %s is known: %w", credSecret, hookswitch.ErrSignature)
	}
	headers := push.Header.Values(signatureHeader)
	if len(headers) != 1 {
		return fmt.Errorf("%d %s headers: %w", len(headers), signatureHeader, hookswitch.ErrSignature)
	}
	signature, ok := parseSignature(headers[0])
	if !ok {
		return fmt.Errorf("malformed %s: %w", signatureHeader, hookswitch.ErrSignature)
	}
	genuine := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(push.Body)
		if hmac.Equal(mac.Sum(nil), signature[:]) {
			genuine = true
		}
	}
	if !genuine {
		return hookswitch.ErrSignature
	}
	return nil
}

// parseSignature reads "sha256=" and 64 lower-case hexadecimal digits.
func parseSignature(header string) (signature [sha256.Size]byte, ok bool) {
	digits, ok := strings.CutPrefix(header, "sha256=")
	if !ok || len(digits) != 2*len(signature) {
		return signature, false
	}
	for i := range len(digits) {
		var v byte
		switch d := digits[i]; {
		case '0' <= d && d <= '9':
			v = d - '0'
		case 'a' <= d && d <= 'f':
			v = d - 'a' + 10
		default:
			return signature, false
		}
		signature[i/2] = signature[i/2]<<4 | v
	}
	return signature, true
}
