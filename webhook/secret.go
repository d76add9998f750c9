package webhook

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	prefixHMAC    = "whsec_"
	prefixPrivate = "whsk_"
	prefixPublic  = "whpk_"

	newKeyBytes = 24
	minKeyBytes = 24
	maxKeyBytes = 75

	maxSecretChars = 128
)

// The two versions a signature can have.
const (
	versionHMAC    = "v1"
	versionEd25519 = "v1a"
)

// Secret is a key of the Standard Webhooks scheme: a shared one (whsec_…), an
// ed25519 pair (whsk_…) or only the public half of one (whpk_…), which
// verifies but does not sign.
//
// It prints as *** everywhere; only [Secret.Reveal] gives the text. Copies
// share the decoded key, so make a Secret once and keep it rather than parsing
// its text for each request. The zero value is no secret at all: it signs
// nothing and verifies nothing. Compare with [Secret.Equal], not with ==.
// Safe for concurrent use.
type Secret struct {
	redacted
	sealed *sealed[key]
}

type key struct {
	text    string
	version string
	raw     []byte
	macs    *macs
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

// NewSecret returns a new shared secret of 24 random bytes.
func NewSecret() Secret {
	raw := make([]byte, newKeyBytes)
	rand.Read(raw) // ends the process rather than return an error
	return hmacSecret(base64.StdEncoding.EncodeToString(raw), raw)
}

// NewSigningKey returns a new ed25519 pair. Receivers get only what
// [Secret.Public] returns, so they cannot forge what they can verify.
func NewSigningKey() Secret {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	private := ed25519.NewKeyFromSeed(seed)
	return privateSecret(base64.StdEncoding.EncodeToString(private), private)
}

// ParseSecret reads a secret from its text: whsec_ and the base64 of 24 to 75
// bytes, the same base64 without a prefix, whsk_ and the base64 of an
// ed25519 seed and its public key, or whpk_ and the base64 of a public key
// alone. The error is an [ErrSecret] that says what is wrong without repeating
// the text.
func ParseSecret(text string) (Secret, error) {
	switch {
	case text == "":
		return Secret{}, fmt.Errorf("%w: it is empty", ErrSecret)
	case len(text) > maxSecretChars:
		return Secret{}, fmt.Errorf("%w: it has %d characters, no secret has more than %d", ErrSecret, len(text), maxSecretChars)
	case strings.ContainsAny(text, " \t\r\n"):
		return Secret{}, fmt.Errorf("%w: it contains white space, often a line end copied along with it: remove that", ErrSecret)
	}
	if encoded, ok := strings.CutPrefix(text, prefixPrivate); ok {
		return parsePrivate(encoded)
	}
	if encoded, ok := strings.CutPrefix(text, prefixPublic); ok {
		return parsePublic(encoded)
	}
	return parseHMAC(strings.TrimPrefix(text, prefixHMAC))
}

func parseHMAC(encoded string) (Secret, error) {
	raw, err := decode(encoded, "whsec_ secret")
	if err != nil {
		return Secret{}, err
	}
	if len(raw) < minKeyBytes || len(raw) > maxKeyBytes {
		return Secret{}, fmt.Errorf("%w: a whsec_ secret is base64 of %d to %d bytes, this one decodes to %d", ErrSecret, minKeyBytes, maxKeyBytes, len(raw))
	}
	return hmacSecret(encoded, raw), nil
}

func parsePrivate(encoded string) (Secret, error) {
	raw, err := decode(encoded, "whsk_ key")
	if err != nil {
		return Secret{}, err
	}
	if len(raw) != ed25519.PrivateKeySize {
		return Secret{}, fmt.Errorf("%w: a whsk_ key is base64 of %d bytes, a seed and its public key; this one decodes to %d", ErrSecret, ed25519.PrivateKeySize, len(raw))
	}
	// Signing with a public half that is not the seed's would give the seed away.
	private := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
	if subtle.ConstantTimeCompare(private, raw) != 1 {
		return Secret{}, fmt.Errorf("%w: the two halves of this whsk_ key do not belong together: copy the whole key again", ErrSecret)
	}
	return privateSecret(encoded, private), nil
}

func parsePublic(encoded string) (Secret, error) {
	raw, err := decode(encoded, "whpk_ key")
	if err != nil {
		return Secret{}, err
	}
	if len(raw) != ed25519.PublicKeySize {
		return Secret{}, fmt.Errorf("%w: a whpk_ key is base64 of %d bytes, this one decodes to %d", ErrSecret, ed25519.PublicKeySize, len(raw))
	}
	return newSecret(key{text: prefixPublic + encoded, version: versionEd25519, raw: raw, public: raw}), nil
}

func decode(encoded, what string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("%w: a %s continues in standard base64 with its padding: %w", ErrSecret, what, err)
	}
	return raw, nil
}

func hmacSecret(encoded string, raw []byte) Secret {
	return newSecret(key{text: prefixHMAC + encoded, version: versionHMAC, raw: raw, macs: newMACs(raw)})
}

func privateSecret(encoded string, private ed25519.PrivateKey) Secret {
	return newSecret(key{
		text:    prefixPrivate + encoded,
		version: versionEd25519,
		raw:     private,
		private: private,
		public:  ed25519.PublicKey(private[ed25519.SeedSize:]),
	})
}

func newSecret(k key) Secret { return Secret{sealed: seal(&k)} }

// Reveal returns the text of the secret with its prefix, for the two moments
// that need it: storing it encrypted and showing it to its owner. It is empty for
// the zero Secret.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.sealed.get().text
}

// Public returns the key to hand to receivers, whpk_…, or nothing when the
// secret is a shared one.
func (s Secret) Public() string {
	k := s.sealed.get()
	if k == nil || k.public == nil {
		return ""
	}
	return prefixPublic + base64.StdEncoding.EncodeToString(k.public)
}

// CanSign reports whether the secret can sign: true for whsec_ and whsk_,
// false for whpk_ and the zero Secret.
func (s Secret) CanSign() bool {
	k := s.sealed.get()
	return k != nil && (k.macs != nil || k.private != nil)
}

// IsZero reports whether s is no secret at all.
func (s Secret) IsZero() bool { return s.sealed == nil }

// Equal reports, in constant time, whether both are the same key of the same kind.
func (s Secret) Equal(other Secret) bool {
	if s.IsZero() || other.IsZero() {
		return s.IsZero() && other.IsZero()
	}
	a, b := s.sealed.get(), other.sealed.get()
	return a.version == b.version && subtle.ConstantTimeCompare(a.raw, b.raw) == 1
}
