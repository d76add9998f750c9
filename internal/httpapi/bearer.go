package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// BearerToken is the token of the Authorization header, or "".
func BearerToken(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Bears returns what tells whether a request bears the token. It compares in constant time. Nobody bears an empty token.
func Bears(token hookswitch.Secret) func(*http.Request) bool {
	want := sha256.Sum256([]byte(token.Reveal()))
	return func(r *http.Request) bool {
		// The hashes have the same length whatever was sent.
		got := sha256.Sum256([]byte(BearerToken(r)))
		return token != "" && subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}
}
