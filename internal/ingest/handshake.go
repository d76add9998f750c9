package ingest

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
)

// handshake answers a proof of ownership. It names no account, so every credential that could be meant is tried. ok is false for what is no handshake.
func (d *Doors) handshake(ctx context.Context, in entrance, push *hookswitch.Push, out *outcome) (hookswitch.Answer, bool, error) {
	for _, o := range in.adapters {
		c, ok := o.provider.(hookswitch.Challenger)
		if !ok {
			continue
		}
		_, is, err := c.Challenge(push, nil)
		if !is {
			continue
		}
		out.provider = o.provider.Name()
		if err != nil && hookswitch.KindOf(err) == hookswitch.Invalid {
			return hookswitch.Answer{}, true, refuse(BadPayload, hookswitch.Invalid, codePayload, sentenceOf(err, "Parameters of the handshake are missing."))
		}
		a, err := d.challenge(ctx, c, in, push, out.provider)
		if err == nil {
			out.result = Handshake
		}
		return a, true, err
	}
	return hookswitch.Answer{}, false, nil
}

func (d *Doors) challenge(ctx context.Context, c hookswitch.Challenger, in entrance, push *hookswitch.Push, provider string) (hookswitch.Answer, error) {
	var answer hookswitch.Answer
	credentials, err := d.o.Service.HandshakeCredentials(ctx, provider, in.sender)
	if err != nil {
		return answer, err
	}
	if len(credentials) == 0 {
		return answer, notConfigured()
	}
	known, several := false, false
	for _, credential := range credentials {
		a, _, err := c.Challenge(push, credential)
		switch {
		case errors.Is(err, hookswitch.ErrSignature):
		case err != nil && hookswitch.KindOf(err) == hookswitch.Invalid:
			return answer, refuse(BadPayload, hookswitch.Invalid, codePayload, sentenceOf(err, "The handshake cannot be read."))
		case err != nil:
			return answer, err
		case known:
			several = several || a.Status != answer.Status || !bytes.Equal(a.Body, answer.Body)
		default:
			answer, known = a, true
		}
	}
	switch {
	case !known:
		return answer, refuse(BadToken, hookswitch.Forbidden, codeToken, "The verify token is not known here.")
	case several:
		return hookswitch.Answer{}, refuse(BadPayload, hookswitch.Invalid, codePayload,
			"Several accounts would answer this handshake, each in its own way. Give the provider the address of one sender instead: /in/{sender_id}.")
	}
	return answer, nil
}

func notConfigured() error {
	return &refusal{NotConfigured, &hookswitch.Error{Kind: hookswitch.Unavailable, Code: codeNotConfigured, RetryAfter: time.Minute,
		Message: "No sender is set up for this channel, so nothing can be proved genuine."}}
}

// sentenceOf is what err says to people, or otherwise.
func sentenceOf(err error, otherwise string) string {
	var e *hookswitch.Error
	if errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return otherwise
}
