package webhook_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

func TestVerify_RefusesTamperedRequestsWithTheReason(t *testing.T) {
	t.Parallel()
	secret, other, signing := webhook.NewSecret(), webhook.NewSecret(), webhook.NewSigningKey()
	const now = "1700000000"
	good := webhook.Sign("msg_1", signedAt, body, secret)
	goodEd := webhook.Sign("msg_1", signedAt, body, signing)
	value := strings.TrimPrefix(good, "v1,")
	changed := append([]byte{}, body...)
	changed[5] ^= 1

	for name, c := range map[string]struct {
		id, timestamp, signature string
		body                     []byte
		want                     error
		says                     string
	}{
		"body changed":          {"msg_1", now, good, changed, webhook.ErrMismatch, "as they arrived"},
		"body cut":              {"msg_1", now, good, body[:len(body)-1], webhook.ErrMismatch, ""},
		"body empty":            {"msg_1", now, good, nil, webhook.ErrMismatch, ""},
		"id changed":            {"msg_2", now, good, body, webhook.ErrMismatch, ""},
		"time changed":          {"msg_1", "1700000001", good, body, webhook.ErrMismatch, ""},
		"other tenant":          {"msg_1", now, webhook.Sign("msg_1", signedAt, body, other), body, webhook.ErrMismatch, "exactly this endpoint"},
		"time in milliseconds":  {"msg_1", "1700000000000", good, body, webhook.ErrNotSeconds, "milliseconds"},
		"time in microseconds":  {"msg_1", "1700000000000000", good, body, webhook.ErrNotSeconds, "microseconds"},
		"time in nanoseconds":   {"msg_1", "1700000000000000000", good, body, webhook.ErrNotSeconds, "nanoseconds"},
		"time with zone":        {"msg_1", "2023-11-14T22:13:20Z", good, body, webhook.ErrNotSeconds, "plain number"},
		"time with plus":        {"msg_1", "+1700000000", good, body, webhook.ErrNotSeconds, ""},
		"time with zero":        {"msg_1", "01700000000", good, body, webhook.ErrNotSeconds, ""},
		"time negative":         {"msg_1", "-1700000000", good, body, webhook.ErrNotSeconds, ""},
		"time fractional":       {"msg_1", "1700000000.0", good, body, webhook.ErrNotSeconds, ""},
		"time in other digits":  {"msg_1", "١٧٠٠٠٠٠٠٠٠", good, body, webhook.ErrNotSeconds, ""},
		"time overlong":         {"msg_1", strings.Repeat("9", 400), good, body, webhook.ErrNotSeconds, "more bytes"},
		"time far ahead":        {"msg_1", "999999999999", good, body, webhook.ErrTooNew, "ahead"},
		"time zero":             {"msg_1", "0", good, body, webhook.ErrTooOld, "old"},
		"version unknown":       {"msg_1", now, "v2," + value, body, webhook.ErrVersion, ""},
		"version upper case":    {"msg_1", now, "V1," + value, body, webhook.ErrVersion, ""},
		"version missing":       {"msg_1", now, value, body, webhook.ErrVersion, ""},
		"version of other kind": {"msg_1", now, "v1a," + value, body, webhook.ErrVersion, "v1a"},
		"only ed25519":          {"msg_1", now, goodEd, body, webhook.ErrVersion, "whpk_"},
		"value empty":           {"msg_1", now, "v1,", body, webhook.ErrMismatch, ""},
		"value cut":             {"msg_1", now, good[:len(good)-1], body, webhook.ErrMismatch, ""},
		"value with tail":       {"msg_1", now, good + ",x", body, webhook.ErrMismatch, ""},
		"value in hex":          {"msg_1", now, "v1," + strings.Repeat("ab", 32), body, webhook.ErrMismatch, ""},
		"signature blank":       {"msg_1", now, "   ", body, webhook.ErrNoSignature, ""},
		"signature empty":       {"msg_1", now, "", body, webhook.ErrNoSignature, "svix-signature"},
		"id empty":              {"", now, good, body, webhook.ErrNoSignature, "svix-id"},
		"time empty":            {"msg_1", "", good, body, webhook.ErrNoSignature, "svix-timestamp"},
		"1 MB of signature":     {"msg_1", now, good + " " + strings.Repeat("x", 1<<20), body, webhook.ErrMalformed, "bytes"},
		"1 MB of id":            {strings.Repeat("m", 1<<20), now, good, body, webhook.ErrMalformed, "bytes"},
		"1 MB of time":          {"msg_1", strings.Repeat("1", 1<<20), good, body, webhook.ErrNotSeconds, ""},
		"too many signatures":   {"msg_1", now, strings.Repeat("v1,x ", webhook.MaxSignatures) + good, body, webhook.ErrMalformed, "17 signatures"},
	} {
		id, err := webhook.NewVerifier(secret).WithNow(at(1_700_000_000)).VerifyID(headers(webhook.Svix, c.id, c.timestamp, c.signature), c.body)
		if id != "" {
			t.Errorf("%s: the unproven id %q was returned", name, id)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
			continue
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %q does not say %q", name, err, c.says)
		}
		if len(err.Error()) > 400 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
		if strings.Contains(err.Error(), value) {
			t.Errorf("%s: the error gives the right signature away", name)
		}
	}
}

func TestVerify_RefusesEachFlippedBitOfAnEd25519Signature(t *testing.T) {
	t.Parallel()
	signing := webhook.NewSigningKey()
	v := webhook.NewVerifier(mustSecret(t, signing.Public())).WithNow(at(1_700_000_000))
	good := webhook.Sign("msg_1", signedAt, body, signing)
	if err := v.Verify(headers(webhook.Standard, "msg_1", "1700000000", good), body); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	for i := len("v1a,"); i < len(good); i++ {
		bad := []byte(good)
		bad[i] = 'A'
		if good[i] == 'A' {
			bad[i] = 'B'
		}
		if err := v.Verify(headers(webhook.Standard, "msg_1", "1700000000", string(bad)), body); !errors.Is(err, webhook.ErrMismatch) {
			t.Errorf("character %d changed: %v, want ErrMismatch", i, err)
		}
	}
}

func TestVerify_FindsTheRightOneAmongSeveralSignatures(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	good := webhook.Sign("msg_1", signedAt, body, secret)
	v := webhook.NewVerifier(secret).WithNow(at(1_700_000_000))
	for _, list := range []string{
		good + " v1,bm9wZQ==",
		"v1,bm9wZQ== " + good,
		"v1a,bm9wZQ== v9,new nonsense  " + good + " ",
		strings.Repeat("v1,x ", webhook.MaxSignatures-1) + good,
	} {
		if err := v.Verify(headers(webhook.Svix, "msg_1", "1700000000", list), body); err != nil {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func TestVerify_RotationHasNoGap(t *testing.T) {
	t.Parallel()
	before, after := webhook.NewSecret(), webhook.NewSigningKey()
	request := func(secrets ...webhook.Secret) http.Header {
		return headers(webhook.Svix, "msg_1", "1700000000", webhook.Sign("msg_1", signedAt, body, secrets...))
	}
	old := webhook.NewVerifier(before).WithNow(at(1_700_000_000))
	both := webhook.NewVerifier(after, before).WithNow(at(1_700_000_000))
	renewed := webhook.NewVerifier(mustSecret(t, after.Public())).WithNow(at(1_700_000_000))

	overlap := request(after, before)
	for name, v := range map[string]*webhook.Verifier{"old": old, "both": both, "new": renewed} {
		if err := v.Verify(overlap, body); err != nil {
			t.Errorf("receiver with %s secrets during the overlap: %v", name, err)
		}
	}
	if err := both.Verify(request(before), body); err != nil {
		t.Errorf("receiver ahead of the sender: %v", err)
	}
	if err := old.Verify(request(after), body); !errors.Is(err, webhook.ErrVersion) {
		t.Errorf("old receiver after the overlap: %v, want ErrVersion", err)
	}
	if err := renewed.Verify(request(before), body); err == nil {
		t.Error("the old secret still counts for a receiver that dropped it")
	}
}

func TestVerify_ElevenKeysFitItsBounds(t *testing.T) {
	t.Parallel()
	var secrets []webhook.Secret
	for range 11 {
		secrets = append(secrets, webhook.NewSigningKey())
	}
	h := http.Header{}
	if err := webhook.SetHeaders(h, "msg_1", signedAt, body, secrets...); err != nil {
		t.Fatal(err)
	}
	if err := webhook.NewVerifier(secrets[10]).WithNow(at(1_700_000_000)).Verify(h, body); err != nil {
		t.Error(err)
	}
}

func TestVerify_ToleranceEndsToTheSecond(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	h := headers(webhook.Svix, "msg_1", "1700000000", webhook.Sign("msg_1", signedAt, body, secret))
	for _, c := range []struct {
		past, ahead, offset time.Duration
		want                error
	}{
		{5 * time.Minute, 5 * time.Minute, 300 * time.Second, nil},
		{5 * time.Minute, 5 * time.Minute, 300*time.Second + time.Millisecond, webhook.ErrTooOld},
		{5 * time.Minute, 5 * time.Minute, 301 * time.Second, webhook.ErrTooOld},
		{5 * time.Minute, 5 * time.Minute, -300 * time.Second, nil},
		{5 * time.Minute, 5 * time.Minute, -301 * time.Second, webhook.ErrTooNew},
		{time.Hour, time.Second, 59 * time.Minute, nil},
		{time.Hour, time.Second, -2 * time.Second, webhook.ErrTooNew},
		{-time.Hour, -time.Hour, 0, nil},
		{-time.Hour, -time.Hour, time.Second, webhook.ErrTooOld},
	} {
		v := webhook.NewVerifier(secret).WithTolerance(c.past, c.ahead).WithNow(func() time.Time { return signedAt.Add(c.offset) })
		err := v.Verify(h, body)
		if !errors.Is(err, c.want) {
			t.Errorf("tolerance %v/%v, received %v after signing: %v, want %v", c.past, c.ahead, c.offset, err, c.want)
		}
		if c.want != nil && !errors.Is(err, webhook.ErrTimestamp) {
			t.Errorf("%v is no ErrTimestamp", err)
		}
	}
}

func TestVerify_DefaultsToFiveMinutesByTheMachinesClock(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	for age, want := range map[time.Duration]error{
		0:                 nil,
		4 * time.Minute:   nil,
		-4 * time.Minute:  nil,
		6 * time.Minute:   webhook.ErrTooOld,
		-6 * time.Minute:  webhook.ErrTooNew,
		500 * time.Hour:   webhook.ErrTooOld,
		-9000 * time.Hour: webhook.ErrTooNew,
	} {
		h := http.Header{}
		if err := webhook.SetHeaders(h, "msg_1", time.Now().Add(-age), body, secret); err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]*webhook.Verifier{"default": webhook.NewVerifier(secret), "nil clock": webhook.NewVerifier(secret).WithNow(nil)} {
			if err := v.Verify(h, body); !errors.Is(err, want) {
				t.Errorf("%s, %v old: %v, want %v", name, age, err, want)
			}
		}
	}
}

func TestVerify_ReadsSvixHeadersFirstAndStandardOnesWhenIncomplete(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	good := webhook.Sign("msg_1", signedAt, body, secret)
	v := webhook.NewVerifier(secret).WithNow(at(1_700_000_000))

	both := headers(webhook.Svix, "msg_1", "1700000000", "v1,bm9wZQ==")
	webhook.Standard.Set(both, "msg_1", signedAt, good)
	if err := v.Verify(both, body); !errors.Is(err, webhook.ErrMismatch) {
		t.Errorf("complete but wrong svix headers: %v, want ErrMismatch", err)
	}
	both.Del("svix-signature")
	both.Set("svix-id", "msg_unsigned")
	id, err := v.VerifyID(both, body)
	if err != nil || id != "msg_1" {
		t.Errorf("incomplete svix headers: id %q, error %v; want the signed msg_1", id, err)
	}
	if err := v.Verify(http.Header{}, body); !errors.Is(err, webhook.ErrNoSignature) || !strings.Contains(err.Error(), "webhook-signature") {
		t.Errorf("no headers: %v", err)
	}
	if err := v.Verify(nil, body); !errors.Is(err, webhook.ErrNoSignature) {
		t.Errorf("nil headers: %v", err)
	}
}

func TestVerify_WithPrefixesReadsNoOthers(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	h := http.Header{}
	webhook.Prefix("acme").Set(h, "msg_1", signedAt, webhook.Sign("msg_1", signedAt, body, secret))
	v := webhook.NewVerifier(secret).WithNow(at(1_700_000_000))
	if err := v.WithPrefixes("acme").Verify(h, body); err != nil {
		t.Errorf("own prefix: %v", err)
	}
	if err := v.Verify(h, body); !errors.Is(err, webhook.ErrNoSignature) {
		t.Errorf("the original verifier changed: %v", err)
	}
}

func TestVerify_WithoutSecretsRefusesEverything(t *testing.T) {
	t.Parallel()
	h := headers(webhook.Svix, "msg_1", "1700000000", webhook.Sign("msg_1", signedAt, body, webhook.NewSecret()))
	for name, v := range map[string]*webhook.Verifier{
		"none": webhook.NewVerifier(), "zero secret": webhook.NewVerifier(webhook.Secret{}), "zero value": {},
	} {
		if err := v.Verify(h, body); !errors.Is(err, webhook.ErrNoSecret) {
			t.Errorf("%s: %v, want ErrNoSecret", name, err)
		}
	}
}

// A text of the body's own may look like ".<time>."; cut there, the signed
// bytes would read as another id, time and body.
func TestVerify_SignedTextCannotBeCutElsewhere(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	whole := []byte(`{"text":"x.1700000000.{}"}`)
	signature := webhook.Sign("msg_1", signedAt, whole, secret)
	h := headers(webhook.Svix, `msg_1.1700000000.{"text":"x`, "1700000000", signature)
	if err := webhook.NewVerifier(secret).WithNow(at(1_700_000_000)).Verify(h, []byte(`{}"}`)); !errors.Is(err, webhook.ErrMalformed) {
		t.Errorf("a request cut elsewhere: %v, want ErrMalformed", err)
	}
}

func TestVerify_NamesTheHeaderItRead(t *testing.T) {
	t.Parallel()
	secret := webhook.NewSecret()
	h := headers(webhook.Standard, "msg_1", strconv.FormatInt(signedAt.UnixMilli(), 10), "v1,x")
	if err := webhook.NewVerifier(secret).Verify(h, body); err == nil || !strings.Contains(err.Error(), "webhook-timestamp") {
		t.Errorf("error %v does not name webhook-timestamp", err)
	}
}

// The last letter before the padding has bits to spare. A second spelling of
// the same signature must not pass.
func TestVerify_Ed25519SignatureHasOneSpelling(t *testing.T) {
	t.Parallel()
	signing := webhook.NewSigningKey()
	respelled := []byte(webhook.Sign("msg_1", signedAt, body, signing))
	respelled[len(respelled)-3]++ // one of A, Q, g, w; the next letter differs in the spare bits only
	v := webhook.NewVerifier(signing).WithNow(at(1_700_000_000))
	if err := v.Verify(headers(webhook.Svix, "msg_1", "1700000000", string(respelled)), body); !errors.Is(err, webhook.ErrMismatch) {
		t.Errorf("%v, want ErrMismatch", err)
	}
}
