package webhook

import (
	"errors"
	"fmt"
)

// Why a request or a secret was refused. Verify and the parsing functions wrap
// one of these, to be found with errors.Is, in a sentence that says what was
// wrong and how to put it right. The sentence never contains a secret or the
// signature that would have been right, so it may be logged.
var (
	// ErrNoSignature: a header that the scheme needs is missing or empty.
	ErrNoSignature = errors.New("webhook not signed")

	// ErrMalformed: a header is there but is not what the scheme writes, or
	// exceeds its bounds.
	ErrMalformed = errors.New("webhook signature malformed")

	// ErrTimestamp covers ErrTooOld, ErrTooNew and ErrNotSeconds.
	ErrTimestamp = errors.New("webhook timestamp refused")

	// ErrTooOld: the time lies further back than the tolerance.
	ErrTooOld = fmt.Errorf("%w: too old", ErrTimestamp)

	// ErrTooNew: the time lies further ahead than the tolerance.
	ErrTooNew = fmt.Errorf("%w: too far ahead", ErrTimestamp)

	// ErrNotSeconds: the time is no number, or counts something other than seconds.
	ErrNotSeconds = fmt.Errorf("%w: not in unix seconds", ErrTimestamp)

	// ErrVersion: there are signatures, but none of a version that the
	// verifier's secrets, or its settings, can judge.
	ErrVersion = errors.New("webhook signature version not accepted")

	// ErrMismatch: no signature fits: wrong secret, or not the bytes that were signed.
	ErrMismatch = errors.New("webhook signature does not match")

	// ErrNoSecret: there is no secret to sign or verify with.
	ErrNoSecret = errors.New("no webhook secret")

	// ErrSecret: a text is not a secret.
	ErrSecret = errors.New("webhook secret not usable")
)

// quote makes a stranger's text fit for an error: short, on one line.
func quote(text string) string {
	const most = 40
	if len(text) > most {
		return fmt.Sprintf("%q and %d more bytes", text[:most], len(text)-most)
	}
	return fmt.Sprintf("%q", text)
}
