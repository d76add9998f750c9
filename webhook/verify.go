package webhook

import (
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Bounds of what a Verifier looks at; anything beyond is refused unread.
const (
	// MaxSignatures is how many signatures one request may carry.
	MaxSignatures = 16

	// MaxSignatureBytes is how long the signature header may be.
	MaxSignatureBytes = 4096

	// MaxIDBytes is how long the id header may be.
	MaxIDBytes = 512
)

const standardTolerance = 5 * time.Minute

// Verifier proves requests signed the Standard Webhooks way. Make one with
// [NewVerifier] and keep it. Safe for concurrent use.
type Verifier struct {
	secrets []Secret
	names   []headerNames
	window  window
}

type headerNames struct {
	id, timestamp, signature string
}

// NewVerifier returns a Verifier that accepts a signature made with any of the
// secrets: normally one, and two while a rotation is under way. It reads the
// svix-* headers, or the webhook-* headers where those are incomplete, and
// tolerates five minutes of difference to its clock both ways. Without a
// secret it refuses everything.
func NewVerifier(secrets ...Secret) *Verifier {
	v := &Verifier{window: window{past: standardTolerance, ahead: standardTolerance}}
	for _, s := range secrets {
		if !s.IsZero() {
			v.secrets = append(v.secrets, s)
		}
	}
	return v.WithPrefixes(Svix, Standard)
}

// WithTolerance returns a copy that accepts times up to past before and up to
// ahead after now. A negative duration counts as none.
func (v *Verifier) WithTolerance(past, ahead time.Duration) *Verifier {
	c := *v
	c.window = c.window.withTolerance(past, ahead)
	return &c
}

// WithNow returns a copy that asks now for the time instead of the machine's clock.
func (v *Verifier) WithNow(now func() time.Time) *Verifier {
	c := *v
	c.window.now = now
	return &c
}

// WithPrefixes returns a copy that reads headers with these prefixes, in this
// order, and no others. The first prefix whose three headers are all there decides.
func (v *Verifier) WithPrefixes(prefixes ...Prefix) *Verifier {
	c := *v
	c.names = make([]headerNames, 0, len(prefixes))
	for _, p := range prefixes {
		c.names = append(c.names, headerNames{p.ID(), p.Timestamp(), p.Signature()})
	}
	return &c
}

// Verify returns nil when the headers prove that a holder of one of the
// secrets sent exactly this body at about this time; otherwise the error wraps
// [ErrNoSecret], [ErrNoSignature], [ErrMalformed], [ErrTimestamp],
// [ErrVersion] or [ErrMismatch].
func (v *Verifier) Verify(header http.Header, body []byte) error {
	_, err := v.VerifyID(header, body)
	return err
}

// VerifyID verifies and returns the id that the signature covers. A sender may
// deliver one event several times, always under one id: remember the
// ids of what was handled, and take them from here rather than from the
// headers, which may carry a second id that nobody signed.
func (v *Verifier) VerifyID(header http.Header, body []byte) (string, error) {
	if len(v.secrets) == 0 {
		return "", fmt.Errorf("%w: the verifier was made without one", ErrNoSecret)
	}
	names, err := v.find(header)
	if err != nil {
		return "", err
	}
	id, list := header.Get(names.id), header.Get(names.signature)
	if len(id) > MaxIDBytes {
		return "", fmt.Errorf("%w: %s has %d bytes and %d are allowed", ErrMalformed, names.id, len(id), MaxIDBytes)
	}
	if strings.Contains(id, ".") {
		// A full stop ends the id in the signed text. With one inside, a
		// recorded request could be cut elsewhere and pass as another body
		// with a time found in the first.
		return "", fmt.Errorf("%w: %s contains a full stop, so where it ends is not certain: the sender must use ids without", ErrMalformed, names.id)
	}
	if len(list) > MaxSignatureBytes {
		return "", fmt.Errorf("%w: %s has %d bytes and %d are allowed", ErrMalformed, names.signature, len(list), MaxSignatureBytes)
	}
	unix, err := v.window.check(names.timestamp, header.Get(names.timestamp))
	if err != nil {
		return "", err
	}
	signatures := strings.FieldsFunc(list, func(r rune) bool { return r == ' ' })
	if len(signatures) == 0 {
		return "", fmt.Errorf("%w: %s is blank", ErrNoSignature, names.signature)
	}
	if len(signatures) > MaxSignatures {
		return "", fmt.Errorf("%w: %s lists %d signatures and %d are allowed", ErrMalformed, names.signature, len(signatures), MaxSignatures)
	}
	if err := v.judge(names.signature, signatures, id, unix, body); err != nil {
		return "", err
	}
	return id, nil
}

// find returns the first header names that are complete.
func (v *Verifier) find(header http.Header) (headerNames, error) {
	var missing []string
	for _, names := range v.names {
		before := len(missing)
		for _, name := range [...]string{names.id, names.timestamp, names.signature} {
			if header.Get(name) == "" {
				missing = append(missing, name)
			}
		}
		if len(missing) == before {
			return names, nil
		}
	}
	return headerNames{}, fmt.Errorf("%w: missing or empty: %s; check that the request comes from the webhook sender and that no proxy drops its headers",
		ErrNoSignature, strings.Join(missing, ", "))
}

func (v *Verifier) judge(name string, signatures []string, id string, unix int64, body []byte) error {
	judged := false
	for _, s := range v.secrets {
		k := s.sealed.get()
		values := valuesOf(signatures, k.version)
		if len(values) == 0 {
			continue
		}
		judged = true
		if k.fits(values, id, unix, body) {
			return nil
		}
	}
	if !judged {
		return fmt.Errorf("%w: %s has nothing for these secrets: whsec_ secrets need a v1 signature, whpk_ and whsk_ keys a v1a one", ErrVersion, name)
	}
	return fmt.Errorf("%w: nothing in %s fits: use the secret of exactly this endpoint, and the body's bytes as they arrived, before anything parsed or re-encoded them",
		ErrMismatch, name)
}

// valuesOf returns what follows the version in the signatures that have it.
func valuesOf(signatures []string, version string) []string {
	var values []string
	for _, signature := range signatures {
		if got, value, ok := strings.Cut(signature, ","); ok && got == version {
			values = append(values, value)
		}
	}
	return values
}

// fits reports whether one of the values is this key's signature.
func (k *key) fits(values []string, id string, unix int64, body []byte) bool {
	if k.macs != nil {
		expected := k.appendMAC(make([]byte, 0, signatureChars), id, unix, body)
		for _, value := range values {
			if subtle.ConstantTimeCompare(expected, []byte(value)) == 1 {
				return true
			}
		}
		return false
	}
	text := signedText(id, unix, body)
	for _, value := range values {
		signature, err := base64.StdEncoding.Strict().DecodeString(value)
		if err == nil && ed25519.Verify(k.public, text, signature) {
			return true
		}
	}
	return false
}
