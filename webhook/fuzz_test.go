package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

var refusals = []error{
	webhook.ErrNoSignature, webhook.ErrMalformed, webhook.ErrTimestamp, webhook.ErrVersion, webhook.ErrMismatch,
}

func isRefusal(err error) bool {
	for _, reason := range refusals {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// Whatever we accept, the reference libraries accept too: we may be stricter,
// never looser. A second try carries a right signature, so
// that the fuzzer reaches past the digest.
func FuzzVerify(f *testing.F) {
	const text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secret := mustSecret(f, text)
	good := webhook.Sign("msg_1", signedAt, []byte("{}"), secret)
	f.Add("msg_1", "1700000000", good, []byte("{}"))
	f.Add("msg_1", "1700000000000", good, []byte("{}"))
	f.Add("msg_1", "+1700000000", good+" v1a,x", []byte("{}"))
	f.Add("msg_1.1700000000", "1700000000", "v1,x "+good, []byte("{}"))
	f.Add("msg_1", "1700000000", good+"\tv1,"+good, []byte("{}"))
	f.Add("", "", "", []byte{})
	verifier := webhook.NewVerifier(secret).WithNow(at(1_700_000_000))
	reference := oracles(f, text)
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		// The second list is signed for whatever the fuzzer made of id and body.
		for _, list := range []string{signature, signature + " " + webhook.Sign(id, signedAt, body, secret)} {
			h := headers(webhook.Svix, id, timestamp, list)
			for name, values := range headers(webhook.Standard, id, timestamp, list) {
				h[name] = values
			}
			err := verifier.Verify(h, body)
			if err != nil {
				if !isRefusal(err) {
					t.Fatalf("a refusal without a reason: %v", err)
				}
				if len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\r\n") {
					t.Fatalf("error unfit for a log: %q", err)
				}
				continue
			}
			for name, o := range reference {
				if err := o.VerifyIgnoringTimestamp(body, h); err != nil {
					t.Fatalf("accepted here, refused by %s: %v", name, err)
				}
			}
		}
	})
}

func FuzzTimedVerify(f *testing.F) {
	v := readVectors[zavuVectors](f, "testdata/zavu.json")
	for _, header := range v.Headers {
		f.Add(header, []byte(v.Body))
	}
	f.Add("t=1705312200,v1=,v2=x", []byte{})
	f.Add("t=1705312200,v1="+v.OverTimeAndBody, []byte("1705312200."+v.Body))
	secret := mustTextSecret(f, v.Secret)
	verifier := webhook.NewTimedVerifier(secret).WithNow(at(v.Timestamp)).WithV1(webhook.V1Either)
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		err := verifier.Verify(timed(header), body)
		if err != nil {
			if !isRefusal(err) || len(err.Error()) > 600 || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("error without a reason or unfit for a log: %q", err)
			}
			return
		}
		for offset := int64(-60); offset <= 300; offset++ {
			when := time.Unix(v.Timestamp-offset, 0)
			both := webhook.SignTimed(webhook.SchemeV1V2, when, body, secret)
			_, digests, _ := strings.Cut(both, ",v1=")
			one, two, _ := strings.Cut(digests, ",v2=")
			if strings.Contains(header, one) || strings.Contains(header, two) {
				return
			}
		}
		t.Fatalf("%q was accepted without a digest of this body", header)
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add(webhook.NewSecret().Reveal())
	f.Add(webhook.NewSigningKey().Reveal())
	f.Add(webhook.NewSigningKey().Public())
	f.Add(webhook.NewAlphanumericSecret().Reveal())
	f.Add("whsec_")
	f.Add("whsk_whsec_whpk_")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := webhook.ParseTextSecret(text); err == nil && s.Reveal() != text {
			t.Fatalf("text secret %q reads back as %q", text, s.Reveal())
		}
		s, err := webhook.ParseSecret(text)
		if err != nil {
			if !errors.Is(err, webhook.ErrSecret) || !s.IsZero() {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := webhook.ParseSecret(s.Reveal())
		if err != nil || !again.Equal(s) || again.Reveal() != s.Reveal() {
			t.Fatalf("%q does not survive being revealed: %v", text, err)
		}
		if !s.CanSign() {
			if s.Public() == "" {
				t.Fatalf("%q neither signs nor verifies", text)
			}
			return
		}
		h := http.Header{}
		if err := webhook.SetHeaders(h, "msg_1", signedAt, body, s); err != nil {
			t.Fatal(err)
		}
		if err := webhook.NewVerifier(s).WithNow(at(signedAt.Unix())).Verify(h, body); err != nil {
			t.Fatalf("%q does not verify what it signs: %v", text, err)
		}
	})
}
