package webhook_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

var (
	signedAt = time.Unix(1_700_000_000, 0)
	body     = []byte(`{"type":"message.inbound","data":{"text":"grüezi \u00e9 🎉","n":1.10}}` + "\r\n")
)

func TestSign_ListsOneSignaturePerSecretInOrder(t *testing.T) {
	t.Parallel()
	current, old, signing := webhook.NewSecret(), webhook.NewSecret(), webhook.NewSigningKey()
	want := webhook.Sign("msg_1", signedAt, body, current) + " " +
		webhook.Sign("msg_1", signedAt, body, signing) + " " +
		webhook.Sign("msg_1", signedAt, body, old)
	got := webhook.Sign("msg_1", signedAt, body, current, webhook.Secret{}, signing, mustSecret(t, signing.Public()), old)
	if got != want {
		t.Errorf("Sign = %q, want %q", got, want)
	}
	if n := strings.Count(got, " "); n != 2 {
		t.Errorf("%d spaces, want 2", n)
	}
}

func TestSign_TimeZoneAndFractionDoNotMatter(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	want := webhook.Sign("msg_1", signedAt, body, secret)
	if got := webhook.Sign("msg_1", signedAt.Add(999*time.Millisecond).In(time.FixedZone("", 3600)), body, secret); got != want {
		t.Errorf("Sign = %q, want %q", got, want)
	}
}

func TestAppendSignature_LeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	shared, text := webhook.NewSecret(), webhook.NewAlphanumericSecret()
	unix := signedAt.Unix()
	if got, want := string(shared.AppendSignature([]byte("before "), "msg_1", unix, body)), "before "+webhook.Sign("msg_1", signedAt, body, shared); got != want {
		t.Errorf("AppendSignature = %q, want %q", got, want)
	}
	if got, want := string(webhook.AppendSignatures([]byte("before="), "msg_1", unix, body, shared)), "before="+webhook.Sign("msg_1", signedAt, body, shared); got != want {
		t.Errorf("AppendSignatures = %q, want %q", got, want)
	}
	if got, want := string(text.AppendSignature([]byte("before "), webhook.SchemeGuide, unix, body)), "before "+webhook.SignTimed(webhook.SchemeGuide, signedAt, body, text); got != want {
		t.Errorf("TextSecret.AppendSignature = %q, want %q", got, want)
	}
	public := mustSecret(t, webhook.NewSigningKey().Public())
	if got := string(public.AppendSignature([]byte("before"), "msg_1", unix, body)); got != "before" {
		t.Errorf("a public key appended %q", got)
	}
}

func TestSetHeaders_SignsUnderBothNames(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	h := http.Header{}
	if err := webhook.SetHeaders(h, "msg_1", signedAt, body, secret); err != nil {
		t.Fatal(err)
	}
	for _, p := range []webhook.Prefix{webhook.Svix, webhook.Standard} {
		if h.Get(p.ID()) != "msg_1" || h.Get(p.Timestamp()) != "1700000000" {
			t.Errorf("%s headers: %v", p, h)
		}
		if err := webhook.NewVerifier(secret).WithPrefixes(p).WithNow(at(1_700_000_000)).Verify(h, body); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestSetHeaders_RefusesWhatNobodyCouldVerify(t *testing.T) {
	t.Parallel()
	public := mustSecret(t, webhook.NewSigningKey().Public())
	for name, c := range map[string]struct {
		id      string
		secrets []webhook.Secret
		want    error
	}{
		"no secret":        {"msg_1", nil, webhook.ErrNoSecret},
		"only public keys": {"msg_1", []webhook.Secret{public, {}}, webhook.ErrNoSecret},
		"no id":            {"", []webhook.Secret{webhook.NewSecret()}, webhook.ErrMalformed},
		"full stop in id":  {"msg.1", []webhook.Secret{webhook.NewSecret()}, webhook.ErrMalformed},
		"long id":          {strings.Repeat("m", webhook.MaxIDBytes+1), []webhook.Secret{webhook.NewSecret()}, webhook.ErrMalformed},
	} {
		h := http.Header{}
		if err := webhook.SetHeaders(h, c.id, signedAt, body, c.secrets...); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if len(h) != 0 {
			t.Errorf("%s: headers were set: %v", name, h)
		}
	}
}

// The states that hold a key are lent out from a pool; two signers at once must
// never get the same one, and none must keep anything of the text before.
func TestSign_ManyAtOnceStayApart(t *testing.T) {
	t.Parallel()
	shared, signing, text := webhook.NewSecret(), webhook.NewSigningKey(), webhook.NewAlphanumericSecret()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := []byte(strings.Repeat(string(rune('a'+i)), 100*i))
			want := webhook.Sign("msg_1", signedAt, mine, mustSecret(t, shared.Reveal()), mustSecret(t, signing.Reveal()))
			wantTimed := webhook.SignTimed(webhook.SchemeV1V2, signedAt, mine, mustTextSecret(t, text.Reveal()))
			for range 50 {
				if got := webhook.Sign("msg_1", signedAt, mine, shared, signing); got != want {
					t.Errorf("signer %d: %q, want %q", i, got, want)
				}
				if got := webhook.SignTimed(webhook.SchemeV1V2, signedAt, mine, text); got != wantTimed {
					t.Errorf("signer %d: %q, want %q", i, got, wantTimed)
				}
			}
		})
	}
	wg.Wait()
}
