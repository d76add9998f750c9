package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// signatureChars is room for the longest signature and a space.
const signatureChars = len(versionEd25519) + len(",") + (ed25519.SignatureSize+2)/3*4 + len(" ")

// Sign returns the value of the signature header: one signature for each
// secret, separated by spaces. Put the current secret first, then those that
// receivers may still hold after a rotation, [MaxSignatures] in all at most.
// The id is the event's, stays the same when it is sent again and must not
// contain a full stop; t is the time of this attempt. Secrets that cannot sign add nothing; with none that
// can, the result is empty.
func Sign(id string, t time.Time, body []byte, secrets ...Secret) string {
	return string(AppendSignatures(make([]byte, 0, signatureChars*len(secrets)), id, t.Unix(), body, secrets...))
}

// SetHeaders signs as [Sign] does and sets the svix-* and the webhook-* headers
// in h, so that receivers of either habit find theirs. It sets nothing and
// returns [ErrNoSecret] without a secret that can sign, [ErrMalformed] for an
// id that no [Verifier] accepts.
func SetHeaders(h http.Header, id string, t time.Time, body []byte, secrets ...Secret) error {
	if id == "" || len(id) > MaxIDBytes || strings.Contains(id, ".") {
		return fmt.Errorf("%w: the id %s must have 1 to %d bytes and no full stop", ErrMalformed, quote(id), MaxIDBytes)
	}
	signature := Sign(id, t, body, secrets...)
	if signature == "" {
		return ErrNoSecret
	}
	Svix.Set(h, id, t, signature)
	Standard.Set(h, id, t, signature)
	return nil
}

// AppendSignatures appends to dst what [Sign] returns, with the time given in
// unix seconds.
func AppendSignatures(dst []byte, id string, unix int64, body []byte, secrets ...Secret) []byte {
	start := len(dst)
	for _, s := range secrets {
		if !s.CanSign() {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		dst = s.AppendSignature(dst, id, unix, body)
	}
	return dst
}

// AppendSignature appends one signature with its version, v1,… or v1a,…, to
// dst. It allocates nothing for a shared secret when dst has room. A secret
// that cannot sign leaves dst as it is.
func (s Secret) AppendSignature(dst []byte, id string, unix int64, body []byte) []byte {
	if !s.CanSign() {
		return dst
	}
	k := s.sealed.get()
	dst = append(dst, k.version...)
	dst = append(dst, ',')
	if k.macs != nil {
		return k.appendMAC(dst, id, unix, body)
	}
	return base64.StdEncoding.AppendEncode(dst, ed25519.Sign(k.private, signedText(id, unix, body)))
}

// appendMAC appends the base64 digest of a shared secret.
func (k *key) appendMAC(dst []byte, id string, unix int64, body []byte) []byte {
	st := k.macs.get()
	defer k.macs.put(st)
	st.buf = appendPreamble(st.buf, id, unix)
	return base64.StdEncoding.AppendEncode(dst, st.sum(body))
}

// signedText returns the whole text that is signed in one piece, because
// ed25519 passes over it twice. Beside its cost an allocation does not count.
func signedText(id string, unix int64, body []byte) []byte {
	const room = 24 // two full stops and a number
	text := make([]byte, 0, len(id)+room+len(body))
	return append(appendPreamble(text, id, unix), body...)
}
