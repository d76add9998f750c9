package x_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/x"
)

const (
	header       = "X-Twitter-Webhooks-Signature"
	headerClient = "X-Twitter-Webhooks-Signature-OAuth2"
)

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, x.New(x.Options{}), providertest.Credentials(t, "testdata", "x"), "testdata", providertest.AnswerProves())
}

func FuzzParse(f *testing.F) {
	providertest.FuzzParse(f, x.New(x.Options{}), "testdata")
}

func FuzzVerify(f *testing.F) {
	providertest.FuzzVerify(f, x.New(x.Options{}), providertest.Credentials(f, "testdata", "x"), "testdata", header)
}

type vectors struct {
	Secret string `json:"consumer_secret"`
	CRC    []struct {
		Token    string `json:"crc_token"`
		Response string `json:"response_token"`
	}
	Vectors []struct {
		Body, Signature string
		Valid           bool
	}
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors/x_signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.CRC) == 0 || len(v.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return v
}

func TestVerify_AgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, one := range v.Vectors {
		err := verify(hookswitch.Credentials{"consumer_secret": {v.Secret}}, one.Body, header, one.Signature)
		if (err == nil) != one.Valid {
			t.Errorf("%s with %s: %v, want valid %t", one.Body, one.Signature, err, one.Valid)
		}
	}
}

// verify checks a push with the values of one header.
func verify(c hookswitch.Credentials, body, name string, signatures ...string) error {
	push := &hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)}
	for _, s := range signatures {
		push.Header.Add(name, s)
	}
	return x.New(x.Options{}).Verify(push, c)
}

// The vector of a well-known description of this scheme.
const (
	vectorBody   = `{"for_user_id":"1"}`
	vectorSecret = "consumer-secret"
	vectorMAC    = "Hlco0COzwYOsSzVcCoqAGpNZdK3BYQku/gWz9SSGVjA="
)

func TestVerify_IsStrictAboutTheHeader(t *testing.T) {
	t.Parallel()
	c := hookswitch.Credentials{"consumer_secret": {vectorSecret}}
	if err := verify(c, vectorBody, header, "sha256="+vectorMAC); err != nil {
		t.Fatalf("the right header: %v", err)
	}
	for name, headers := range map[string][]string{
		"none":                {},
		"empty":               {""},
		"no prefix":           {vectorMAC},
		"upper-case prefix":   {"SHA256=" + vectorMAC},
		"a space":             {"sha256= " + vectorMAC},
		"a line break":        {"sha256=" + vectorMAC[:20] + "\n" + vectorMAC[20:]},
		"no padding":          {"sha256=" + strings.TrimSuffix(vectorMAC, "=")},
		"more padding":        {"sha256=" + vectorMAC + "="},
		"the other alphabet":  {"sha256=" + strings.ReplaceAll(vectorMAC, "/", "_")},
		"unused bits set":     {"sha256=" + strings.Replace(vectorMAC, "A=", "B=", 1)},
		"too short":           {"sha256=" + vectorMAC[:40]},
		"prefix alone":        {"sha256="},
		"two, the first good": {"sha256=" + vectorMAC, "sha256=" + strings.Repeat("A", 43) + "="},
	} {
		if err := verify(c, vectorBody, header, headers...); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

func TestVerify_TakesEitherHeaderUnderItsOwnSecretOnly(t *testing.T) {
	t.Parallel()
	good, bad := "sha256="+vectorMAC, "sha256="+strings.Repeat("A", 43)+"="
	both := func(consumer, client string) *hookswitch.Push {
		push := &hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(vectorBody)}
		for name, v := range map[string]string{header: consumer, headerClient: client} {
			if v != "" {
				push.Header.Add(name, v)
			}
		}
		return push
	}
	for _, tt := range []struct {
		consumer, client string // the headers
		c                hookswitch.Credentials
		genuine          bool
	}{
		{good, "", hookswitch.Credentials{"consumer_secret": {vectorSecret}}, true},
		{good, "", hookswitch.Credentials{"consumer_secret": {"new", vectorSecret}}, true},
		{good, "", hookswitch.Credentials{"consumer_secret": {vectorSecret}, "client_secret": {"c"}}, true},
		{"", good, hookswitch.Credentials{"client_secret": {vectorSecret}}, true},
		{bad, good, hookswitch.Credentials{"consumer_secret": {"c"}, "client_secret": {"", vectorSecret}}, true},
		{good, bad, hookswitch.Credentials{"consumer_secret": {vectorSecret}}, true}, // made under a secret that is not known here
		{"", good, hookswitch.Credentials{"consumer_secret": {vectorSecret}}, false},
		{good, "", hookswitch.Credentials{"client_secret": {vectorSecret}}, false},
		{bad, bad, hookswitch.Credentials{"consumer_secret": {vectorSecret}, "client_secret": {vectorSecret}}, false},
		{"", "", hookswitch.Credentials{"consumer_secret": {vectorSecret}, "client_secret": {vectorSecret}}, false},
		{good, good, hookswitch.Credentials{"consumer_secret": {""}, "client_secret": {""}}, false},
	} {
		err := x.New(x.Options{}).Verify(both(tt.consumer, tt.client), tt.c)
		if tt.genuine != (err == nil) || err != nil && !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("headers %q and %q: %v, want genuine %t", tt.consumer, tt.client, err, tt.genuine)
		}
	}
}

func challenge(t *testing.T, method, query string, c hookswitch.Credentials) (hookswitch.Answer, bool, error) {
	t.Helper()
	u, err := url.Parse("https://gw.example.test/api/channels/twitter?" + query)
	if err != nil {
		t.Fatal(err)
	}
	return x.New(x.Options{}).Challenge(&hookswitch.Push{Method: method, URL: u, Header: http.Header{}}, c)
}

func TestChallenge_AgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	for _, one := range v.CRC {
		a, ok, err := challenge(t, http.MethodGet, url.Values{"crc_token": {one.Token}}.Encode(), hookswitch.Credentials{"consumer_secret": {v.Secret, "old"}})
		if want := `{"response_token":"` + one.Response + `"}`; err != nil || !ok || string(a.Body) != want || a.ContentType != "application/json" || a.Status != 200 {
			t.Errorf("%s: %d %s %s, %v; want %s", one.Token, a.Status, a.ContentType, a.Body, err, want)
		}
	}
}

func TestChallenge_SignsWithTheClientSecretWhereThereIsOne(t *testing.T) {
	t.Parallel()
	const token = "crc_token=9b4507b3-9040-4669-9ca3-6b94edb50553"
	const want = `{"response_token":"sha256=NhN+8FRk3FiSPXyqxXmpVRtiLiWoawvOgUBuXwGUTL4="}`
	for name, c := range map[string]hookswitch.Credentials{
		"consumer": {"consumer_secret": {vectorSecret}},
		"client":   {"client_secret": {vectorSecret}},
		"both":     {"client_secret": {vectorSecret}, "consumer_secret": {"other"}},
	} {
		if a, ok, err := challenge(t, http.MethodGet, token, c); err != nil || !ok || string(a.Body) != want {
			t.Errorf("%s: %s, %v", name, a.Body, err)
		}
	}
	if _, _, err := challenge(t, http.MethodGet, token, hookswitch.Credentials{"consumer_secret": {""}}); !errors.Is(err, hookswitch.ErrSignature) {
		t.Errorf("without a secret: %v", err)
	}
	if _, ok, _ := challenge(t, http.MethodPost, token, hookswitch.Credentials{"consumer_secret": {vectorSecret}}); ok {
		t.Error("a POST counts as a check")
	}
}

// Anybody may ask for a check, and is answered with a signature under the secret that signs pushes: nothing that can be read as a push may be signed.
func TestChallenge_CannotBeUsedToForgeAPush(t *testing.T) {
	t.Parallel()
	c := hookswitch.Credentials{"consumer_secret": {vectorSecret}}
	p := x.New(x.Options{})
	for _, body := range []string{
		`{"for_user_id":"1","direct_message_events":[]}`, ` {}`, "\n{}", "\ufeff{}", `[{"for_user_id":"1"}]`, `[]`, `"text"`, `12`, `null`, `true`, `x`,
	} {
		a, ok, err := challenge(t, http.MethodGet, url.Values{"crc_token": {body}}.Encode(), c)
		if !ok {
			t.Fatalf("%s is no check", body)
		}
		if err != nil {
			if hookswitch.KindOf(err) != hookswitch.Invalid || len(a.Body) > 0 {
				t.Errorf("%s: answer %s, %v", body, a.Body, err)
			}
			continue
		}
		var answer struct {
			Token string `json:"response_token"`
		}
		if err := json.Unmarshal(a.Body, &answer); err != nil {
			t.Fatal(err)
		}
		push := &hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: []byte(body)}
		push.Header.Set(header, answer.Token)
		if p.Verify(push, c) != nil {
			t.Fatalf("%s: the answer is no signature, which makes this test worthless", body)
		}
		if updates, err := p.Parse(push); err == nil || len(updates) > 0 {
			t.Errorf("%s was signed for whoever asked, and is read as %+v", body, updates)
		}
	}
}

func TestAccount_NamesTheAppWithoutShowingItsSecret(t *testing.T) {
	t.Parallel()
	p := x.New(x.Options{})
	one := p.Account(hookswitch.Credentials{"consumer_secret": {"0123456789abcdef"}})
	more := p.Account(hookswitch.Credentials{"consumer_secret": {"0123456789abcdef", "fedcba"}, "client_secret": {"c"}, "user_id": {"7"}})
	other := p.Account(hookswitch.Credentials{"client_secret": {"fedcba9876543210"}})
	if one != more || one == other || len(one) != 64 || len(other) != 64 {
		t.Errorf("accounts %q, %q with more secrets, %q of another", one, more, other)
	}
	if got := p.Address(hookswitch.X, hookswitch.Credentials{"user_id": {"7"}}, ""); got != "7" {
		t.Errorf("address %q", got)
	}
	if got := p.Address(hookswitch.SMS, hookswitch.Credentials{"user_id": {"7"}}, ""); got != "" {
		t.Errorf("address of another channel %q", got)
	}
}
