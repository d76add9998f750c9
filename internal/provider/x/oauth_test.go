package x

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

// The call that X's page on signatures works out step by step.
func TestOAuthSignature_AgreesWithXsOwnExample(t *testing.T) {
	t.Parallel()
	target, err := url.Parse("https://api.x.com/1.1/statuses/update.json")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"api.x.com": "Ls93hJiZbQ3akF3HF3x1Bz8/zU4=", "api.twitter.com": "hCtSmYh+iHYCEqBWrE7C7hYmtUk="} {
		target.Host = host
		got := oauthSignature("POST", target, []param{
			{"status", "Hello Ladies + Gentlemen, a signed OAuth request!"},
			{"include_entities", "true"},
			{"oauth_consumer_key", "xvz1evFS4wEEPTGEFPHBog"},
			{"oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"},
			{"oauth_signature_method", "HMAC-SHA1"},
			{"oauth_timestamp", "1318622958"},
			{"oauth_token", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb"},
			{"oauth_version", "1.0"},
		}, "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE")
		if got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
}

func TestAuthorization_SignsCallsWithTokensThatHaveASecret(t *testing.T) {
	t.Parallel()
	p := New(Options{Now: func() time.Time { return time.Unix(1318622958, 0) }})
	target, err := url.Parse("https://api.x.com/2/tweets")
	if err != nil {
		t.Fatal(err)
	}
	c := hookswitch.Credentials{"access_token": {"T"}, "access_token_secret": {"token-secret"}, "consumer_key": {"K/1"}, "consumer_secret": {"key-secret"}}
	first, fail := p.authorization("POST", target, c)
	if fail != nil {
		t.Fatal(fail)
	}
	form := regexp.MustCompile(`^OAuth oauth_consumer_key="K%2F1", oauth_nonce="([A-Z2-7]{26})", oauth_signature_method="HMAC-SHA1", ` +
		`oauth_timestamp="1318622958", oauth_token="T", oauth_version="1.0", oauth_signature="([A-Za-z0-9%.]+)"$`)
	m := form.FindStringSubmatch(first)
	if m == nil {
		t.Fatalf("got %s", first)
	}
	want := oauthSignature("POST", target, []param{{"oauth_consumer_key", "K/1"}, {"oauth_nonce", m[1]}, {"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", "1318622958"}, {"oauth_token", "T"}, {"oauth_version", "1.0"}}, "key-secret", "token-secret")
	if escaped(want) != m[2] {
		t.Errorf("signature %s, want %s", m[2], escaped(want))
	}
	if second, _ := p.authorization("POST", target, c); second == first {
		t.Error("two calls have the same nonce")
	}
	if strings.Contains(first, "secret") {
		t.Error("the header shows a secret")
	}
}
