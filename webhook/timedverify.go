package webhook

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	hexChars = 2 * sha256.Size

	maxTimedBytes = 1024
	maxTimedParts = 16

	timedPast  = 300 * time.Second
	timedAhead = 60 * time.Second
)

// V1Meaning says what a [TimedVerifier] takes v1 to cover when a request
// carries no v2.
type V1Meaning uint8

const (
	// V1Body takes v1 to cover the body, as today's guide has it. The time is
	// then checked but not proven: whoever records such a request can send it
	// again under a new time.
	V1Body V1Meaning = iota

	// V1TimeAndBody takes v1 to cover the time and the body, as the older
	// guide had it.
	V1TimeAndBody

	// V1Either accepts both meanings, with the weakness of V1Body.
	V1Either

	// V1Refused accepts v2 only: right when the sender is known to send it.
	V1Refused
)

// TimedVerifier proves requests that carry a timestamped hex signature. Make
// one with [NewTimedVerifier] and keep it. Safe for concurrent use.
type TimedVerifier struct {
	secrets []TextSecret
	header  string
	v1      V1Meaning
	window  window
}

// NewTimedVerifier returns a TimedVerifier that accepts a signature made with
// any of the secrets: normally one; the old and the new one while replacing it,
// because the sender changes over at once. It reads [ZavuHeader], judges v2 and
// only where there is none v1, as [V1Body], and accepts times up to 300
// seconds old and up to 60 ahead. So it accepts each [Scheme]. Without a
// secret it refuses everything.
func NewTimedVerifier(secrets ...TextSecret) *TimedVerifier {
	v := &TimedVerifier{header: ZavuHeader, window: window{past: timedPast, ahead: timedAhead}}
	for _, s := range secrets {
		if !s.IsZero() {
			v.secrets = append(v.secrets, s)
		}
	}
	return v
}

// WithTolerance returns a copy that accepts times up to past before and up to
// ahead after now. A negative duration counts as none.
func (v *TimedVerifier) WithTolerance(past, ahead time.Duration) *TimedVerifier {
	c := *v
	c.window = c.window.withTolerance(past, ahead)
	return &c
}

// WithNow returns a copy that asks now for the time instead of the machine's clock.
func (v *TimedVerifier) WithNow(now func() time.Time) *TimedVerifier {
	c := *v
	c.window.now = now
	return &c
}

// WithV1 returns a copy that gives v1 this meaning where there is no v2. An
// unknown meaning refuses.
func (v *TimedVerifier) WithV1(meaning V1Meaning) *TimedVerifier {
	c := *v
	c.v1 = meaning
	return &c
}

// WithHeader returns a copy that reads the signature from the header of this name.
func (v *TimedVerifier) WithHeader(name string) *TimedVerifier {
	c := *v
	c.header = name
	return &c
}

// Verify returns nil when the header proves that a holder of one of the
// secrets sent exactly this body, and, except for v1 over the body alone, at
// about this time; otherwise the error wraps [ErrNoSecret], [ErrNoSignature],
// [ErrMalformed], [ErrTimestamp], [ErrVersion] or [ErrMismatch].
//
// A v2 that does not fit is final: a v1 beside it is not looked at.
func (v *TimedVerifier) Verify(header http.Header, body []byte) error {
	if len(v.secrets) == 0 {
		return fmt.Errorf("%w: the verifier was made without one", ErrNoSecret)
	}
	parts, err := v.parse(header.Get(v.header))
	if err != nil {
		return err
	}
	unix, err := v.window.check("t in "+v.header, parts.t)
	if err != nil {
		return err
	}
	if parts.v2 != "" {
		return v.judge("v2", parts.v2, unix, body, coversTimeAndBody)
	}
	switch v.v1 {
	case V1Body:
		return v.judge("v1", parts.v1, unix, body, coversBody)
	case V1TimeAndBody:
		return v.judge("v1", parts.v1, unix, body, coversTimeAndBody)
	case V1Either:
		return v.judge("v1", parts.v1, unix, body, coversTimeAndBody, coversBody)
	default:
		return fmt.Errorf("%w: %s carries v1 only: have the sender use signature version v2, or accept v1 with WithV1", ErrVersion, v.header)
	}
}

type timedParts struct {
	t, v1, v2 string
}

// parse takes the header apart. Names it does not know are passed over, so
// that a later version can be added beside the present ones; a known one twice
// is refused, because two readers could then disagree.
func (v *TimedVerifier) parse(value string) (timedParts, error) {
	var parts timedParts
	if value == "" {
		return parts, fmt.Errorf("%w: missing or empty: %s; check that the request comes from the webhook sender and that no proxy drops its headers", ErrNoSignature, v.header)
	}
	if len(value) > maxTimedBytes {
		return parts, fmt.Errorf("%w: %s has %d bytes and %d are allowed", ErrMalformed, v.header, len(value), maxTimedBytes)
	}
	if n := strings.Count(value, ",") + 1; n > maxTimedParts {
		return parts, fmt.Errorf("%w: %s has %d parts and %d are allowed", ErrMalformed, v.header, n, maxTimedParts)
	}
	for part := range strings.SplitSeq(value, ",") {
		name, val, ok := strings.Cut(part, "=")
		if !ok || val == "" {
			return parts, fmt.Errorf("%w: %s in %s is not of the form name=value", ErrMalformed, quote(part), v.header)
		}
		var known *string
		switch name {
		case "t":
			known = &parts.t
		case "v1":
			known = &parts.v1
		case "v2":
			known = &parts.v2
		default:
			continue
		}
		if *known != "" {
			return parts, fmt.Errorf("%w: %s has %s twice", ErrMalformed, v.header, name)
		}
		*known = val
	}
	if parts.t == "" {
		return parts, fmt.Errorf("%w: %s has no t, expected t=…,v1=… or t=…,v2=…", ErrMalformed, v.header)
	}
	if parts.v1 == "" && parts.v2 == "" {
		return parts, fmt.Errorf("%w: %s has neither v1 nor v2", ErrVersion, v.header)
	}
	return parts, nil
}

func (v *TimedVerifier) judge(version, digest string, unix int64, body []byte, meanings ...covers) error {
	for _, s := range v.secrets {
		for _, over := range meanings {
			if over == coversBody && startsLikeTimed(body) {
				continue
			}
			expected := s.sealed.get().appendHex(make([]byte, 0, hexChars), over, unix, body)
			if subtle.ConstantTimeCompare(expected, []byte(digest)) == 1 {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: %s in %s does not fit: use the whole secret of exactly this webhook, whsec_ included and nothing decoded, and the body's bytes as they arrived, before anything parsed or re-encoded them",
		ErrMismatch, version, v.header)
}

// startsLikeTimed reports whether body begins with digits and a full stop. Such
// a body is never taken for what v1 covers alone: a recorded v2 digest, whose
// text begins with the time, could otherwise be passed off as a v1 over a body
// that merely contains the real one. Real bodies begin with a brace.
func startsLikeTimed(body []byte) bool {
	for i, c := range body {
		if c < '0' || c > '9' {
			return c == '.' && i > 0
		}
	}
	return false
}
