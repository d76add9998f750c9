package webhook_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/webhook"
)

func encoded(n int) string {
	raw := make([]byte, n)
	for i := range raw {
		raw[i] = byte(i * 7)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func TestParseSecret_ReadsBackWhatRevealGives(t *testing.T) {
	t.Parallel()
	signing := webhook.NewSigningKey()
	for name, text := range map[string]string{
		"new shared secret": webhook.NewSecret().Reveal(),
		"new signing key":   signing.Reveal(),
		"public key":        signing.Public(),
		"shortest":          "whsec_" + encoded(24),
		"longest":           "whsec_" + encoded(75),
	} {
		s, err := webhook.ParseSecret(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.Reveal(); got != text {
			t.Errorf("%s: Reveal = %q, want %q", name, got, text)
		}
	}
}

func TestParseSecret_TakesBareBase64AsSharedSecret(t *testing.T) {
	t.Parallel()
	bare, prefixed := mustSecret(t, encoded(32)), mustSecret(t, "whsec_"+encoded(32))
	if !bare.Equal(prefixed) || bare.Reveal() != prefixed.Reveal() {
		t.Errorf("bare base64 gives another secret than the same with whsec_")
	}
}

func TestParseSecret_SaysWhatIsWrongWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	swapped := make([]byte, 64)
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhook.NewSigningKey().Reveal(), "whsk_"))
	copy(swapped, raw)
	swapped[40] ^= 1
	for name, c := range map[string]struct{ text, want string }{
		"empty":                    {"", "empty"},
		"prefix only":              {"whsec_", "decodes to 0"},
		"23 bytes":                 {"whsec_" + encoded(23), "decodes to 23"},
		"76 bytes":                 {"whsec_" + encoded(76), "decodes to 76"},
		"huge":                     {"whsec_" + strings.Repeat("A", 1<<20), "1048582 characters"},
		"line end":                 {"whsec_" + encoded(24) + "\n", "white space"},
		"line end inside":          {"whsec_" + encoded(24)[:8] + "\n" + encoded(24)[8:], "white space"},
		"not base64":               {"whsec_" + strings.Repeat("!", 32), "standard base64"},
		"url alphabet":             {"whsec_" + strings.Repeat("-_-_", 8), "standard base64"},
		"padding lost":             {"whsec_" + strings.TrimRight(encoded(25), "="), "padding"},
		"private key too short":    {"whsk_" + encoded(32), "decodes to 32"},
		"private key of two pairs": {"whsk_" + base64.StdEncoding.EncodeToString(swapped), "belong together"},
		"public key too long":      {"whpk_" + encoded(33), "decodes to 33"},
		"other prefix":             {"sk_live_" + encoded(24), "standard base64"},
		"alphanumeric secret":      {webhook.NewAlphanumericSecret().Reveal(), "standard base64"},
	} {
		s, err := webhook.ParseSecret(c.text)
		if !errors.Is(err, webhook.ErrSecret) {
			t.Errorf("%s: error %v is no ErrSecret", name, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q does not mention %q", name, err, c.want)
		}
		if _, rest, ok := strings.Cut(c.text, "_"); ok && len(rest) > 8 && strings.Contains(err.Error(), rest[:8]) {
			t.Errorf("%s: error %q repeats the secret", name, err)
		}
		if !s.IsZero() {
			t.Errorf("%s: a secret came with the error", name)
		}
	}
}

func TestParseTextSecret_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "empty"},
		"no prefix":   {"abcdefghijklmnopqrstuvwxyz012345", "whsec_"},
		"prefix only": {"whsec_", "nothing follows"},
		"line end":    {"whsec_abcdef\n", "white space"},
		"not UTF-8":   {"whsec_\xff\xfe", "UTF-8"},
		"huge":        {"whsec_" + strings.Repeat("a", 1<<20), "bytes"},
	} {
		if _, err := webhook.ParseTextSecret(c.text); !errors.Is(err, webhook.ErrSecret) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want an ErrSecret mentioning %q", name, err, c.want)
		}
	}
}

func TestSecrets_NeverPrint(t *testing.T) {
	t.Parallel()
	shared, signing, text := webhook.NewSecret(), webhook.NewSigningKey(), webhook.NewAlphanumericSecret()
	type holder struct {
		Shared  webhook.Secret
		Signing *webhook.Secret
		Text    webhook.TextSecret
		private webhook.Secret
		words   webhook.TextSecret
	}
	h := holder{shared, &signing, text, shared, text}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%40s"} {
		fmt.Fprintf(&out, verb+"\n", shared)
		fmt.Fprintf(&out, verb+"\n", &signing)
		fmt.Fprintf(&out, verb+"\n", text)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", []any{shared, text, h})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("made", "shared", shared, "text", text, "holder", h, "pointer", &h)
	}
	data, err := json.Marshal(map[string]any{"shared": shared, "signing": &signing, "text": text, "holder": h})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	if err := json.NewEncoder(&out).Encode(map[webhook.TextSecret]int{text: 1}); err != nil {
		t.Fatal(err)
	}

	raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(shared.Reveal(), "whsec_"))
	for _, canary := range []string{
		shared.Reveal()[6:], signing.Reveal()[5:], text.Reveal()[6:],
		fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), fmt.Sprintf("%d", raw), fmt.Sprintf("%x", text.Reveal()),
	} {
		if strings.Contains(out.String(), canary) {
			t.Errorf("a secret was printed:\n%s", out.String())
		}
	}
	if got := fmt.Sprintf("%v %#v %s", shared, text, signing); got != "*** *** ***" {
		t.Errorf("printed %q, want stars", got)
	}
	if got := shared.String() + text.GoString(); got != "******" {
		t.Errorf("String and GoString gave %q, want stars", got)
	}
}

func TestSecret_ZeroSignsNothingAndEqualsOnlyItself(t *testing.T) {
	t.Parallel()
	var none webhook.Secret
	if !none.IsZero() || none.CanSign() || none.Reveal() != "" || none.Public() != "" || none.Equal(webhook.NewSecret()) || !none.Equal(webhook.Secret{}) {
		t.Error("the zero Secret is not nothing")
	}
	var text webhook.TextSecret
	if !text.IsZero() || text.Reveal() != "" || text.Equal(webhook.NewAlphanumericSecret()) || !text.Equal(webhook.TextSecret{}) {
		t.Error("the zero TextSecret is not nothing")
	}
}

func TestSecret_EqualComparesKeys(t *testing.T) {
	t.Parallel()
	shared, signing, text := webhook.NewSecret(), webhook.NewSigningKey(), webhook.NewAlphanumericSecret()
	if !shared.Equal(mustSecret(t, shared.Reveal())) || !signing.Equal(mustSecret(t, signing.Reveal())) || !text.Equal(mustTextSecret(t, text.Reveal())) {
		t.Error("a parsed copy is not equal to the original")
	}
	if shared.Equal(webhook.NewSecret()) || signing.Equal(mustSecret(t, signing.Public())) || text.Equal(webhook.NewAlphanumericSecret()) {
		t.Error("different keys are equal")
	}
}

func TestSecret_PublicKeyOnlyVerifies(t *testing.T) {
	t.Parallel()
	signing := webhook.NewSigningKey()
	public := mustSecret(t, signing.Public())
	if public.CanSign() || !signing.CanSign() || !webhook.NewSecret().CanSign() {
		t.Error("CanSign is wrong")
	}
	if public.Public() != signing.Public() {
		t.Errorf("Public = %q, want %q", public.Public(), signing.Public())
	}
	if got := webhook.NewSecret().Public(); got != "" {
		t.Errorf("a shared secret has the public key %q", got)
	}
}

func TestNewAlphanumericSecret_UsesEveryLetterAboutEquallyOften(t *testing.T) {
	t.Parallel()
	const secrets = 4000
	counts := map[rune]int{}
	seen := map[string]bool{}
	total := 0
	for range secrets {
		text := webhook.NewAlphanumericSecret().Reveal()
		rest, ok := strings.CutPrefix(text, "whsec_")
		if !ok || len(rest) < 32 {
			t.Fatalf("%d characters after the prefix, want at least 32", len(rest))
		}
		if seen[text] {
			t.Fatal("the same secret twice")
		}
		seen[text] = true
		for _, r := range rest {
			counts[r]++
			total++
		}
	}
	const letters = 62
	if len(counts) != letters {
		t.Errorf("%d different characters, want %d", len(counts), letters)
	}
	// A modulo without rejection would favour eight letters by a quarter; five
	// standard deviations are a tenth.
	mean := float64(total) / letters
	for r, n := range counts {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", r) {
			t.Errorf("unexpected character %q", r)
		}
		if d := float64(n)/mean - 1; d > 0.12 || d < -0.12 {
			t.Errorf("%q occurs %+.0f %% off the mean", r, d*100)
		}
	}
}
