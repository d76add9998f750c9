package webhook_test

import (
	"bytes"
	"net/http"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/hookswitch/hookswitch/webhook"
)

const benchID = "msg_2b8XWkPKlKjNf0QzR3sVtYc1dEa"

var payload400 = bytes.Repeat([]byte("0123456789"), 40)

func BenchmarkAppendSignature_Shared400B(b *testing.B) {
	secret := webhook.NewSecret()
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = secret.AppendSignature(dst[:0], benchID, 1_700_000_000, payload400)
	}
}

func BenchmarkAppendSignature_Ed25519400B(b *testing.B) {
	secret := webhook.NewSigningKey()
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = secret.AppendSignature(dst[:0], benchID, 1_700_000_000, payload400)
	}
}

func BenchmarkSign_Shared400B(b *testing.B) {
	secret := webhook.NewSecret()
	b.ReportAllocs()
	for b.Loop() {
		webhook.Sign(benchID, signedAt, payload400, secret)
	}
}

func BenchmarkSign_ReferenceLibrary400B(b *testing.B) {
	reference, err := standardwebhooks.NewWebhook(webhook.NewSecret().Reveal())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := reference.Sign(benchID, signedAt, payload400); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSignature_TimedGuide400B(b *testing.B) {
	secret := webhook.NewAlphanumericSecret()
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = secret.AppendSignature(dst[:0], webhook.SchemeGuide, 1_700_000_000, payload400)
	}
}

func BenchmarkVerify_Shared400B(b *testing.B) {
	secret := webhook.NewSecret()
	h := http.Header{}
	if err := webhook.SetHeaders(h, benchID, signedAt, payload400, secret); err != nil {
		b.Fatal(err)
	}
	v := webhook.NewVerifier(secret).WithNow(at(1_700_000_000))
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(h, payload400); err != nil {
			b.Fatal(err)
		}
	}
}
