package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"
	"pgregory.net/rapid"

	"github.com/hookswitch/hookswitch/webhook"
)

// oracle is what the two reference libraries have in common.
type oracle interface {
	Sign(id string, t time.Time, payload []byte) (string, error)
	VerifyIgnoringTimestamp(payload []byte, h http.Header) error
}

func oracles(t interface{ Fatalf(string, ...any) }, secret string) map[string]oracle {
	sw, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatalf("standard-webhooks: %v", err)
	}
	sv, err := svix.NewWebhook(secret)
	if err != nil {
		t.Fatalf("svix: %v", err)
	}
	return map[string]oracle{"standard-webhooks": sw, "svix": sv}
}

var (
	anyID   = rapid.StringMatching(`[A-Za-z0-9_\-:/]{1,64}`)
	anyBody = rapid.SliceOfN(rapid.Byte(), 0, 2000)
	anyTime = rapid.Int64Range(0, 99_999_999_999)
	anyKey  = rapid.SliceOfN(rapid.Byte(), 24, 75)
)

func TestVerify_AgreesWithTheReferenceLibrariesBothWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := "whsec_" + base64.StdEncoding.EncodeToString(anyKey.Draw(t, "key"))
		secret, err := webhook.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		id, body, unix := anyID.Draw(t, "id"), anyBody.Draw(t, "body"), anyTime.Draw(t, "time")
		when := time.Unix(unix, 0)
		verifier := webhook.NewVerifier(secret).WithNow(at(unix))

		ours := http.Header{}
		if err := webhook.SetHeaders(ours, id, when, body, webhook.NewSecret(), webhook.NewSigningKey(), secret); err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(ours, body); err != nil {
			t.Fatalf("ours by ours: %v", err)
		}
		changed := append([]byte("x"), body...)
		for name, o := range oracles(t, text) {
			if err := o.VerifyIgnoringTimestamp(body, ours); err != nil {
				t.Fatalf("ours by %s: %v", name, err)
			}
			theirs, err := o.Sign(id, when, body)
			if err != nil {
				t.Fatal(err)
			}
			if got := webhook.Sign(id, when, body, secret); got != theirs {
				t.Fatalf("ours %q, %s %q", got, name, theirs)
			}
			if err := verifier.Verify(headers(webhook.Standard, id, strconv.FormatInt(unix, 10), theirs), body); err != nil {
				t.Fatalf("%s by ours: %v", name, err)
			}
			if o.VerifyIgnoringTimestamp(changed, ours) == nil || verifier.Verify(ours, changed) == nil {
				t.Fatalf("a changed body passes (%s)", name)
			}
		}
	})
}

// Unlike the other comparison this one goes through the libraries' own clocks.
func TestSetHeaders_ReferenceLibrariesAcceptTheTimeOfNow(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	h := http.Header{}
	if err := webhook.SetHeaders(h, "msg_1", time.Now(), body, secret); err != nil {
		t.Fatal(err)
	}
	sw, err := standardwebhooks.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	sv, err := svix.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := sw.Verify(body, h); err != nil {
		t.Errorf("standard-webhooks: %v", err)
	}
	if err := sv.Verify(body, h); err != nil {
		t.Errorf("svix: %v", err)
	}
}

func TestSignTimed_AgreesWithAPlainReadingOfTheGuides(t *testing.T) {
	t.Parallel()
	schemes := []webhook.Scheme{webhook.SchemeGuide, webhook.SchemeStrict, webhook.SchemeV1, webhook.SchemeV1V2, webhook.SchemeV2}
	rapid.Check(t, func(t *rapid.T) {
		text := "whsec_" + rapid.StringMatching(`[A-Za-z0-9]{32,60}`).Draw(t, "secret")
		secret, err := webhook.ParseTextSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		unix, scheme := anyTime.Draw(t, "time"), rapid.SampledFrom(schemes).Draw(t, "scheme")
		body := append([]byte("{"), anyBody.Draw(t, "body")...)

		plain := func(over string) string {
			mac := hmac.New(sha256.New, []byte(text))
			mac.Write([]byte(over))
			return hex.EncodeToString(mac.Sum(nil))
		}
		overBody, overBoth := plain(string(body)), plain(fmt.Sprintf("%d.%s", unix, body))
		want := map[webhook.Scheme]string{
			webhook.SchemeGuide:  ",v1=" + overBoth + ",v2=" + overBoth,
			webhook.SchemeStrict: ",v2=" + overBoth,
			webhook.SchemeV1:     ",v1=" + overBody,
			webhook.SchemeV1V2:   ",v1=" + overBody + ",v2=" + overBoth,
			webhook.SchemeV2:     ",v2=" + overBoth,
		}[scheme]
		got := webhook.SignTimed(scheme, time.Unix(unix, 0), body, secret)
		if got != fmt.Sprintf("t=%d%s", unix, want) {
			t.Fatalf("%s: %s, want t=%d%s", scheme, got, unix, want)
		}
		v := webhook.NewTimedVerifier(secret).WithNow(at(unix))
		if err := v.Verify(timed(got), body); err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		if v.Verify(timed(got), append(body, 'x')) == nil {
			t.Fatalf("%s: a changed body passes", scheme)
		}
	})
}
