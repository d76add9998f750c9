package webhook

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"unicode/utf8"
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// alphanumericChars is 250 bits of chance. It is no multiple of four on
// purpose: such a text is never valid base64, so that one handed to ParseSecret
// by mistake is refused there instead of becoming another key.
const alphanumericChars = 42

// TextSecret is a key of the timestamped hex scheme: its complete text, the
// prefix whsec_ included and nothing decoded, is the key.
//
// It prints as *** everywhere; only [TextSecret.Reveal] gives the text. Copies
// share the prepared key, so keep one rather than parsing it for each
// request. The zero value is no secret at all. Compare with
// [TextSecret.Equal], not with ==. Safe for concurrent use.
type TextSecret struct {
	redacted
	sealed *sealed[textKey]
}

type textKey struct {
	text string
	macs *macs
}

// NewAlphanumericSecret returns a new secret: whsec_ and 42 random letters and
// digits, each equally likely.
func NewAlphanumericSecret() TextSecret {
	const usable = 256 - 256%len(alphanumeric) // bytes from here up would favour the first letters
	text := make([]byte, 0, len(prefixHMAC)+alphanumericChars)
	text = append(text, prefixHMAC...)
	var chance [64]byte
	for len(text) < cap(text) {
		rand.Read(chance[:]) // ends the process rather than return an error
		for _, b := range chance {
			if int(b) < usable && len(text) < cap(text) {
				text = append(text, alphanumeric[int(b)%len(alphanumeric)])
			}
		}
	}
	return newTextSecret(string(text))
}

// ParseTextSecret takes a secret as its owner was shown it. The error is an
// [ErrSecret] that says what is wrong without repeating the text.
func ParseTextSecret(text string) (TextSecret, error) {
	rest, ok := strings.CutPrefix(text, prefixHMAC)
	switch {
	case text == "":
		return TextSecret{}, fmt.Errorf("%w: it is empty", ErrSecret)
	case len(text) > maxSecretChars:
		return TextSecret{}, fmt.Errorf("%w: it has %d bytes, no secret has more than %d", ErrSecret, len(text), maxSecretChars)
	case strings.ContainsAny(text, " \t\r\n"):
		return TextSecret{}, fmt.Errorf("%w: it contains white space, often a line end copied along with it: remove that", ErrSecret)
	case !ok:
		return TextSecret{}, fmt.Errorf("%w: it must begin with whsec_, which is part of the key", ErrSecret)
	case rest == "":
		return TextSecret{}, fmt.Errorf("%w: nothing follows whsec_", ErrSecret)
	case !utf8.ValidString(text):
		return TextSecret{}, fmt.Errorf("%w: it is not valid UTF-8", ErrSecret)
	}
	return newTextSecret(text), nil
}

func newTextSecret(text string) TextSecret {
	return TextSecret{sealed: seal(&textKey{text: text, macs: newMACs([]byte(text))})}
}

// Reveal returns the text of the secret, for the two moments that need it:
// storing it encrypted and showing it to its owner. It is empty for the zero
// TextSecret.
func (s TextSecret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.sealed.get().text
}

// IsZero reports whether s is no secret at all.
func (s TextSecret) IsZero() bool { return s.sealed == nil }

// Equal reports, in constant time, whether both have the same text.
func (s TextSecret) Equal(other TextSecret) bool {
	if s.IsZero() || other.IsZero() {
		return s.IsZero() && other.IsZero()
	}
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}
