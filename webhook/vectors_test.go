package webhook_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

type standardVector struct {
	Name, Secret, ID, Body, Signature string
	Timestamp                         int64
}

type zavuVectors struct {
	Secret          string
	Timestamp       int64
	Body            string
	OverBody        string            `json:"over_body"`
	OverTimeAndBody string            `json:"over_time_and_body"`
	Headers         map[string]string `json:"headers"`
}

func readVectors[T any](t testing.TB, path string) T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

func standardVectors(t testing.TB) []standardVector {
	t.Helper()
	v := readVectors[struct{ Vectors []standardVector }](t, "testdata/standard.json").Vectors
	if len(v) == 0 {
		t.Fatal("no vectors read")
	}
	return v
}

func mustSecret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatalf("ParseSecret: %v", err)
	}
	return s
}

func mustTextSecret(t testing.TB, text string) webhook.TextSecret {
	t.Helper()
	s, err := webhook.ParseTextSecret(text)
	if err != nil {
		t.Fatalf("ParseTextSecret: %v", err)
	}
	return s
}

func headers(p webhook.Prefix, id, timestamp, signature string) http.Header {
	h := http.Header{}
	h.Set(p.ID(), id)
	h.Set(p.Timestamp(), timestamp)
	h.Set(p.Signature(), signature)
	return h
}

func at(unix int64) func() time.Time {
	return func() time.Time { return time.Unix(unix, 0) }
}

func TestSign_ReproducesPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range standardVectors(t) {
		got := webhook.Sign(v.ID, time.Unix(v.Timestamp, 0), []byte(v.Body), mustSecret(t, v.Secret))
		if got != v.Signature {
			t.Errorf("%s: Sign = %q, want %q", v.Name, got, v.Signature)
		}
	}
}

func TestVerify_AcceptsPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range standardVectors(t) {
		h := headers(webhook.Svix, v.ID, strconv.FormatInt(v.Timestamp, 10), v.Signature)
		secret := mustSecret(t, v.Secret)
		if err := webhook.NewVerifier(secret).WithNow(at(v.Timestamp)).Verify(h, []byte(v.Body)); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		if public := secret.Public(); public != "" {
			if err := webhook.NewVerifier(mustSecret(t, public)).WithNow(at(v.Timestamp)).Verify(h, []byte(v.Body)); err != nil {
				t.Errorf("%s with the public key alone: %v", v.Name, err)
			}
		}
	}
}

func TestSignTimed_ReproducesEachScheme(t *testing.T) {
	t.Parallel()
	v := readVectors[zavuVectors](t, "testdata/zavu.json")
	if len(v.Headers) != 5 {
		t.Fatalf("%d headers in the vectors, want 5", len(v.Headers))
	}
	secret := mustTextSecret(t, v.Secret)
	for name, want := range v.Headers {
		scheme, err := webhook.ParseScheme(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := webhook.SignTimed(scheme, time.Unix(v.Timestamp, 0), []byte(v.Body), secret); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestTimedVerifier_AcceptsEachSchemeByDefault(t *testing.T) {
	t.Parallel()
	v := readVectors[zavuVectors](t, "testdata/zavu.json")
	verifier := webhook.NewTimedVerifier(mustTextSecret(t, v.Secret)).WithNow(at(v.Timestamp))
	for name, value := range v.Headers {
		if err := verifier.Verify(http.Header{webhook.ZavuHeader: {value}}, []byte(v.Body)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
