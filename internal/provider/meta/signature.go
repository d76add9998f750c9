package meta

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

const signatureHeader = "X-Hub-Signature-256"

// Verify checks the HMAC-SHA256 over the bytes of the body. What Meta calls escaped unicode is how these bytes look, not something to
// be done to them; only where something on the way has undone the escapes, the body is also tried with them put back. The SHA-1 header that Meta sends as
// well proves nothing here.
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
	if signedBy(secrets, push.Body, signature[:]) {
		return nil
	}
	if escaped, ok := escape(push.Body); ok && signedBy(secrets, escaped, signature[:]) {
		return nil
	}
	return hookswitch.ErrSignature
}

// signedBy reports whether one of the secrets made the signature of body. All are tried, so that the time tells nothing about them.
func signedBy(secrets []string, body, signature []byte) bool {
	found := false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if hmac.Equal(mac.Sum(nil), signature) {
			found = true
		}
	}
	return found
}

// escape writes every character of body outside ASCII as \uXXXX, with small letters and surrogate pairs, as Meta does. ok is false when there is none, or when
// body is not UTF-8.
func escape(body []byte) (escaped []byte, ok bool) {
	ascii := true
	for _, b := range body {
		ascii = ascii && b < utf8.RuneSelf
	}
	if ascii || !utf8.Valid(body) {
		return nil, false
	}
	escaped = make([]byte, 0, len(body)*2)
	for _, r := range string(body) {
		switch {
		case r < utf8.RuneSelf:
			escaped = append(escaped, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, hi, lo)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped, true
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
