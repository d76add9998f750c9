package webhook_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

func timed(value string) http.Header { return http.Header{webhook.ZavuHeader: {value}} }

func TestTimedVerifier_V1MeansWhatItWasToldTo(t *testing.T) {
	t.Parallel()
	v := readVectors[zavuVectors](t, "testdata/zavu.json")
	secret := mustTextSecret(t, v.Secret)
	overBody := "t=1705312200,v1=" + v.OverBody
	overBoth := "t=1705312200,v1=" + v.OverTimeAndBody
	laterOverBody := "t=1705312260,v1=" + v.OverBody
	for _, c := range []struct {
		name                               string
		meaning                            webhook.V1Meaning
		overBody, overBoth, later, v2Stays error
	}{
		{"body", webhook.V1Body, nil, webhook.ErrMismatch, nil, nil},
		{"time and body", webhook.V1TimeAndBody, webhook.ErrMismatch, nil, webhook.ErrMismatch, nil},
		{"either", webhook.V1Either, nil, nil, nil, nil},
		{"refused", webhook.V1Refused, webhook.ErrVersion, webhook.ErrVersion, webhook.ErrVersion, nil},
		{"unknown meaning", webhook.V1Meaning(99), webhook.ErrVersion, webhook.ErrVersion, webhook.ErrVersion, nil},
	} {
		verifier := webhook.NewTimedVerifier(secret).WithNow(at(v.Timestamp)).WithV1(c.meaning)
		for header, want := range map[string]error{overBody: c.overBody, overBoth: c.overBoth, laterOverBody: c.later, v.Headers["v2"]: c.v2Stays, v.Headers["guide"]: nil, v.Headers["v1+v2"]: nil} {
			if err := verifier.Verify(timed(header), []byte(v.Body)); !errors.Is(err, want) {
				t.Errorf("v1 meaning %s, %s: %v, want %v", c.name, header, err, want)
			}
		}
	}
}

// Receivers written from either public guide, as their samples have it.
func TestSignTimed_GuideSatisfiesReceiversOfBothGenerations(t *testing.T) {
	t.Parallel()
	v := readVectors[zavuVectors](t, "testdata/zavu.json")
	header := webhook.SignTimed(webhook.SchemeGuide, time.Unix(v.Timestamp, 0), []byte(v.Body), mustTextSecret(t, v.Secret))
	parts := map[string]string{}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	if parts["v1"] != v.OverTimeAndBody {
		t.Errorf("older guide: v1 = %s, want %s", parts["v1"], v.OverTimeAndBody)
	}
	if parts["v2"] != v.OverTimeAndBody {
		t.Errorf("present guide: v2 = %s, want %s", parts["v2"], v.OverTimeAndBody)
	}
}

func TestTimedVerifier_RefusesTamperedRequestsWithTheReason(t *testing.T) {
	t.Parallel()
	v := readVectors[zavuVectors](t, "testdata/zavu.json")
	secret := mustTextSecret(t, v.Secret)
	both, one := v.OverTimeAndBody, v.OverBody
	foreign := webhook.SignTimed(webhook.SchemeV2, time.Unix(v.Timestamp, 0), []byte(v.Body), webhook.NewAlphanumericSecret())
	for name, c := range map[string]struct {
		header, body string
		want         error
		says         string
	}{
		"body changed":         {v.Headers["guide"], v.Body + " ", webhook.ErrMismatch, "whsec_ included"},
		"time changed":         {"t=1705312201,v2=" + both, v.Body, webhook.ErrMismatch, ""},
		"other secret":         {foreign, v.Body, webhook.ErrMismatch, ""},
		"bad v2 beside a v1":   {"t=1705312200,v1=" + one + ",v2=" + one, v.Body, webhook.ErrMismatch, "v2"},
		"upper case":           {"t=1705312200,v2=" + strings.ToUpper(both), v.Body, webhook.ErrMismatch, ""},
		"digest cut":           {"t=1705312200,v2=" + both[:63], v.Body, webhook.ErrMismatch, ""},
		"digest in base64":     {"t=1705312200,v2=OHl9kerF4lYM/Ksj6Mf0Zpo=", v.Body, webhook.ErrMismatch, ""},
		"time in milliseconds": {"t=1705312200000,v2=" + both, v.Body, webhook.ErrNotSeconds, "milliseconds"},
		"time not a number":    {"t=now,v2=" + both, v.Body, webhook.ErrNotSeconds, ""},
		"no time":              {"v2=" + both, v.Body, webhook.ErrMalformed, "no t"},
		"no digest":            {"t=1705312200", v.Body, webhook.ErrVersion, "neither"},
		"unknown version only": {"t=1705312200,v3=" + both, v.Body, webhook.ErrVersion, ""},
		"upper case version":   {"t=1705312200,V2=" + both, v.Body, webhook.ErrVersion, ""},
		"v2 empty":             {"t=1705312200,v1=" + one + ",v2=", v.Body, webhook.ErrMalformed, ""},
		"v2 twice":             {"t=1705312200,v2=" + one + ",v2=" + both, v.Body, webhook.ErrMalformed, "twice"},
		"time twice":           {"t=1705312200,t=1705312201,v2=" + both, v.Body, webhook.ErrMalformed, "twice"},
		"space after comma":    {"t=1705312200, v2=" + both, v.Body, webhook.ErrVersion, ""},
		"bare digest":          {both, v.Body, webhook.ErrMalformed, "name=value"},
		"commas":               {strings.Repeat(",", 900), v.Body, webhook.ErrMalformed, "parts"},
		"1 MB":                 {"t=1705312200,v2=" + strings.Repeat("a", 1<<20), v.Body, webhook.ErrMalformed, "bytes"},
		"missing":              {"", v.Body, webhook.ErrNoSignature, webhook.ZavuHeader},
	} {
		err := webhook.NewTimedVerifier(secret).WithNow(at(v.Timestamp)).Verify(timed(c.header), []byte(c.body))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %v mentioning %q", name, err, c.want, c.says)
		}
		if err != nil && (len(err.Error()) > 400 || strings.Contains(err.Error(), both)) {
			t.Errorf("%s: error too long or telling: %v", name, err)
		}
	}
}

// The text under v2 begins with the time. Recorded, its digest would also fit
// as v1 over a body that has that time in front.
func TestTimedVerifier_V2CannotPassAsV1OverAnotherBody(t *testing.T) {
	t.Parallel()
	v := readVectors[zavuVectors](t, "testdata/zavu.json")
	forged := []byte("1705312200." + v.Body)
	for _, meaning := range []webhook.V1Meaning{webhook.V1Body, webhook.V1Either} {
		verifier := webhook.NewTimedVerifier(mustTextSecret(t, v.Secret)).WithNow(at(v.Timestamp + 9000)).WithV1(meaning)
		if err := verifier.Verify(timed("t=1705321200,v1="+v.OverTimeAndBody), forged); !errors.Is(err, webhook.ErrMismatch) {
			t.Errorf("meaning %d: %v, want ErrMismatch", meaning, err)
		}
	}
}

func TestTimedVerifier_ToleranceEndsToTheSecond(t *testing.T) {
	t.Parallel()
	secret := webhook.NewAlphanumericSecret()
	h := timed(webhook.SignTimed(webhook.SchemeGuide, signedAt, body, secret))
	for offset, want := range map[time.Duration]error{
		0: nil, 300 * time.Second: nil, 301 * time.Second: webhook.ErrTooOld, -60 * time.Second: nil, -61 * time.Second: webhook.ErrTooNew,
	} {
		v := webhook.NewTimedVerifier(secret).WithNow(func() time.Time { return signedAt.Add(offset) })
		if err := v.Verify(h, body); !errors.Is(err, want) {
			t.Errorf("received %v after signing: %v, want %v", offset, err, want)
		}
		if err := v.WithTolerance(time.Hour, time.Hour).Verify(h, body); err != nil {
			t.Errorf("received %v after signing with an hour's tolerance: %v", offset, err)
		}
	}
}

func TestTimedVerifier_AcceptsOldAndNewSecretWhileReplacing(t *testing.T) {
	t.Parallel()
	before, after := webhook.NewAlphanumericSecret(), webhook.NewAlphanumericSecret()
	v := webhook.NewTimedVerifier(after, before).WithNow(at(1_700_000_000)).WithHeader("X-Acme-Signature")
	for _, secret := range []webhook.TextSecret{before, after} {
		h := http.Header{}
		h.Set("x-acme-signature", webhook.SignTimed(webhook.SchemeV2, signedAt, body, secret))
		if err := v.Verify(h, body); err != nil {
			t.Error(err)
		}
	}
}

func TestTimed_WithoutSecretOrSchemeDoesNothing(t *testing.T) {
	t.Parallel()
	if got := webhook.SignTimed(webhook.SchemeV2, signedAt, body, webhook.TextSecret{}); got != "" {
		t.Errorf("the zero secret signed %q", got)
	}
	if got := webhook.SignTimed(webhook.Scheme(99), signedAt, body, webhook.NewAlphanumericSecret()); got != "" {
		t.Errorf("an unknown scheme signed %q", got)
	}
	for name, v := range map[string]*webhook.TimedVerifier{"none": webhook.NewTimedVerifier(webhook.TextSecret{}), "zero value": {}} {
		if err := v.Verify(timed("t=1,v2=x"), body); !errors.Is(err, webhook.ErrNoSecret) {
			t.Errorf("%s: %v, want ErrNoSecret", name, err)
		}
	}
}

func TestScheme_NamesAndReportedVersions(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[webhook.Scheme][2]string{
		webhook.SchemeGuide: {"guide", "v2"}, webhook.SchemeStrict: {"strict", "v2"}, webhook.SchemeV1: {"v1", "v1"},
		webhook.SchemeV1V2: {"v1+v2", "v1+v2"}, webhook.SchemeV2: {"v2", "v2"},
	} {
		if got := [2]string{scheme.String(), scheme.Version()}; got != want {
			t.Errorf("name and version %v, want %v", got, want)
		}
		data, err := json.Marshal(scheme)
		if err != nil {
			t.Fatal(err)
		}
		var back webhook.Scheme
		if err := json.Unmarshal(data, &back); err != nil || back != scheme {
			t.Errorf("%s came back as %v, error %v", data, back, err)
		}
	}
	if _, err := webhook.ParseScheme("v3"); err == nil || !strings.Contains(err.Error(), "v1+v2") {
		t.Errorf("unknown scheme: %v", err)
	}
	unknown := webhook.Scheme(99)
	if _, err := json.Marshal(unknown); err == nil || unknown.Version() != "" || unknown.String() != "Scheme(99)" {
		t.Errorf("unknown scheme: %v, %q, %q", err, unknown.Version(), unknown)
	}
}
