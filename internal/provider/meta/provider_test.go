package meta_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, meta.New(meta.Options{}), providertest.Credentials(t, "testdata", "meta"), "testdata")
}

func FuzzParse(f *testing.F) {
	providertest.FuzzParse(f, meta.New(meta.Options{}), "testdata")
}

func FuzzVerify(f *testing.F) {
	providertest.FuzzVerify(f, meta.New(meta.Options{}), providertest.Credentials(f, "testdata", "meta"), "testdata", "X-Hub-Signature-256",
		providertest.SameBody(func(body []byte) []byte { return []byte(unitsEscaped(string(body))) }))
}

func TestVerify_AgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/vectors/meta_signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		AppSecret string `json:"app_secret"`
		Vectors   []struct {
			Body, Signature string
			Valid           bool
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.Vectors {
		err := verify(hookswitch.Credentials{"app_secret": {file.AppSecret}}, v.Body, v.Signature)
		if (err == nil) != v.Valid {
			t.Errorf("%s with %s: %v, want valid %t", v.Body, v.Signature, err, v.Valid)
		}
	}
}

func verify(c hookswitch.Credentials, body string, signatures ...string) error {
	push := &hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)}
	for _, s := range signatures {
		push.Header.Add("X-Hub-Signature-256", s)
	}
	return meta.New(meta.Options{}).Verify(push, c)
}

func TestVerify_IsStrictAboutTheHeader(t *testing.T) {
	t.Parallel()
	// The vector of a well-known description of this scheme.
	const (
		body   = `{"object":"page","entry":[]}`
		secret = "tavio-app-secret"
		hexMAC = "75eb3ab7c556ff017918e3f28bd8df4c109ef2aa74d74baab5491f16bbdc1132"
	)
	c := hookswitch.Credentials{"app_secret": {secret}}
	if err := verify(c, body, "sha256="+hexMAC); err != nil {
		t.Fatalf("the right header: %v", err)
	}
	for name, headers := range map[string][]string{
		"none":                {},
		"empty":               {""},
		"no prefix":           {hexMAC},
		"upper-case prefix":   {"SHA256=" + hexMAC},
		"upper-case digits":   {"sha256=" + strings.ToUpper(hexMAC)},
		"other prefix":        {"sha1=" + hexMAC},
		"a space":             {"sha256= " + hexMAC},
		"too short":           {"sha256=" + hexMAC[:62]},
		"too long":            {"sha256=" + hexMAC + "00"},
		"not hexadecimal":     {"sha256=" + hexMAC[:63] + "g"},
		"prefix alone":        {"sha256="},
		"two, the first good": {"sha256=" + hexMAC, "sha256=" + strings.Repeat("0", 64)},
	} {
		if err := verify(c, body, headers...); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

func TestVerify_TakesAnyOfTheSecrets(t *testing.T) {
	t.Parallel()
	const (
		body      = `{"object":"page","entry":[]}`
		signature = "sha256=75eb3ab7c556ff017918e3f28bd8df4c109ef2aa74d74baab5491f16bbdc1132"
	)
	for _, secrets := range [][]string{{"tavio-app-secret", "new"}, {"new", "tavio-app-secret"}, {"", "tavio-app-secret"}} {
		if err := verify(hookswitch.Credentials{"app_secret": secrets}, body, signature); err != nil {
			t.Errorf("with %d secrets: %v", len(secrets), err)
		}
	}
	if err := verify(hookswitch.Credentials{"app_secret": {""}}, body, signature); !errors.Is(err, hookswitch.ErrSignature) {
		t.Errorf("with an empty secret: %v, want a refusal", err)
	}
}

func TestAccount_NamesTheFirstSecretWithoutShowingIt(t *testing.T) {
	t.Parallel()
	p := meta.New(meta.Options{})
	one := p.Account(hookswitch.Credentials{"app_secret": {"0123456789abcdef"}})
	rotating := p.Account(hookswitch.Credentials{"app_secret": {"0123456789abcdef", "fedcba9876543210"}, "page_id": {"7"}})
	other := p.Account(hookswitch.Credentials{"app_secret": {"fedcba9876543210"}})
	if one != rotating || one == other || len(one) != 64 {
		t.Errorf("accounts %q, %q with a second secret, %q of another", one, rotating, other)
	}
}

func TestAddress_DependsOnTheChannel(t *testing.T) {
	t.Parallel()
	p := meta.New(meta.Options{})
	c := hookswitch.Credentials{"phone_number_id": {"1"}, "page_id": {"2"}, "ig_user_id": {"3"}}
	for ch, want := range map[hookswitch.Channel]string{
		hookswitch.WhatsApp: "1", hookswitch.Messenger: "2", hookswitch.Instagram: "3", hookswitch.SMS: "",
	} {
		if got := p.Address(ch, c, "+15551234567"); got != want {
			t.Errorf("%s: got %q, want %q", ch, got, want)
		}
	}
}

func challenge(t *testing.T, method, query string, tokens ...string) (hookswitch.Answer, bool, error) {
	t.Helper()
	u, err := url.Parse("https://gw.example.test/api/channels/whatsapp?" + query)
	if err != nil {
		t.Fatal(err)
	}
	push := &hookswitch.Push{Method: method, URL: u, Header: http.Header{}}
	return meta.New(meta.Options{}).Challenge(push, hookswitch.Credentials{"verify_token": tokens})
}

func TestChallenge_GivesBackTheTextAsItIs(t *testing.T) {
	t.Parallel()
	query := url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {"b"}, "hub.challenge": {"<script>1</script> ü"}}.Encode()
	a, ok, err := challenge(t, http.MethodGet, query, "a", "b")
	if err != nil || !ok {
		t.Fatalf("ok %t, error %v", ok, err)
	}
	if a.Status != 200 || string(a.Body) != "<script>1</script> ü" || !strings.HasPrefix(a.ContentType, "text/plain") {
		t.Errorf("answer %d %s %q", a.Status, a.ContentType, a.Body)
	}
}

func TestChallenge_RefusesWhatIsNoSubscription(t *testing.T) {
	t.Parallel()
	for query, invalid := range map[string]bool{
		"":                                      true,
		"hub.mode=subscribe&hub.verify_token=a": true,
		"hub.mode=subscribe&hub.challenge=1":    true,
		"hub.mode=unsubscribe&hub.verify_token=a&hub.challenge=1":    false,
		"hub.mode=subscribe&hub.verify_token=&hub.challenge=1":       false,
		"hub.mode=subscribe&hub.verify_token=aa&hub.challenge=1":     false,
		"hub.mode=subscribe&hub.verify_token=A&hub.challenge=1":      false,
		"hub.mode=subscribe&hub.verify_token=%00a&hub.challenge=1":   false,
		"hub.mode=subscribe&hub.verify_token=b&hub.challenge=%0d%0a": false,
	} {
		a, ok, err := challenge(t, http.MethodGet, query, "a")
		if !ok || err == nil || len(a.Body) > 0 {
			t.Errorf("%s: ok %t, error %v, body %q", query, ok, err, a.Body)
		}
		if got := hookswitch.KindOf(err) == hookswitch.Invalid; got != invalid {
			t.Errorf("%s: invalid %t, want %t", query, got, invalid)
		}
		if got := errors.Is(err, hookswitch.ErrSignature); got == invalid {
			t.Errorf("%s: signature %t, want %t", query, got, !invalid)
		}
	}
	if _, ok, _ := challenge(t, http.MethodPost, "hub.mode=subscribe&hub.verify_token=a&hub.challenge=1", "a"); ok {
		t.Error("a POST counts as a handshake")
	}
}
