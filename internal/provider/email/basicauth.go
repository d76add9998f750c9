package email

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"github.com/hookswitch/hookswitch"
)

// The user and the password that are part of the registered URL. Of each there may be several while one is being replaced.
const (
	credUser = "basic_user"
	credPass = "basic_pass"
)

// basicProof is the first user and password, or "".
func basicProof(c hookswitch.Credentials) string {
	users, passes := c.All(credUser), c.All(credPass)
	if len(users) == 0 || len(passes) == 0 {
		return ""
	}
	return "basic\x00" + users[0] + "\x00" + passes[0]
}

// verifyBasic compares the Authorization header, whole, with what each user and password make of it, in a time that tells nothing about them.
func verifyBasic(p *hookswitch.Push, c hookswitch.Credentials) error {
	headers := p.Header.Values("Authorization")
	if len(headers) != 1 {
		return fmt.Errorf("%d Authorization headers: %w", len(headers), hookswitch.ErrSignature)
	}
	got, found := sha256.Sum256([]byte(headers[0])), 0
	for _, user := range c.All(credUser) {
		for _, pass := range c.All(credPass) {
			want := sha256.Sum256([]byte("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+pass))))
			found |= subtle.ConstantTimeCompare(got[:], want[:])
		}
	}
	if found != 1 {
		return hookswitch.ErrSignature
	}
	return nil
}
