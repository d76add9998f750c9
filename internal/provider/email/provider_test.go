package email_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
)

// received is the time at which fixtures come in.
var receivedAt = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestPostmark(t *testing.T) {
	t.Parallel()
	providertest.Run(t, email.Postmark(email.Options{}), providertest.Credentials(t, "testdata/postmark", "postmark"), "testdata/postmark", providertest.BodyUnsigned())
}

func TestSendGrid(t *testing.T) {
	t.Parallel()
	providertest.Run(t, email.SendGrid(email.Options{}), providertest.Credentials(t, "testdata/sendgrid", "sendgrid"), "testdata/sendgrid", providertest.BodyUnsigned())
}

func TestSendGrid_Signed(t *testing.T) {
	t.Parallel()
	providertest.Run(t, email.SendGrid(email.Options{}), providertest.Credentials(t, "testdata/sendgrid-signed", "sendgrid"), "testdata/sendgrid-signed")
}

func TestMailgun(t *testing.T) {
	t.Parallel()
	providertest.Run(t, email.Mailgun(email.Options{}), providertest.Credentials(t, "testdata/mailgun", "mailgun"), "testdata/mailgun", providertest.BodyUnsigned())
}

func TestResend(t *testing.T) {
	t.Parallel()
	providertest.Run(t, email.Resend(email.Options{}), providertest.Credentials(t, "testdata/resend", "resend"), "testdata/resend")
}

func FuzzParsePostmark(f *testing.F) {
	providertest.FuzzParse(f, email.Postmark(email.Options{}), "testdata/postmark")
}

func FuzzParseSendGrid(f *testing.F) {
	providertest.FuzzParse(f, email.SendGrid(email.Options{}), "testdata/sendgrid")
}

func FuzzParseSendGridEvents(f *testing.F) {
	providertest.FuzzParse(f, email.SendGrid(email.Options{}), "testdata/sendgrid-signed")
}

func FuzzParseMailgun(f *testing.F) {
	providertest.FuzzParse(f, email.Mailgun(email.Options{}), "testdata/mailgun")
}

func FuzzParseResend(f *testing.F) {
	providertest.FuzzParse(f, email.Resend(email.Options{}), "testdata/resend")
}

func FuzzVerifyPostmark(f *testing.F) {
	providertest.FuzzVerify(f, email.Postmark(email.Options{}), providertest.Credentials(f, "testdata/postmark", "postmark"), "testdata/postmark", "Authorization",
		providertest.BodyUnsigned())
}

func FuzzVerifySendGrid(f *testing.F) {
	providertest.FuzzVerify(f, email.SendGrid(email.Options{}), providertest.Credentials(f, "testdata/sendgrid-signed", "sendgrid"), "testdata/sendgrid-signed",
		"X-Twilio-Email-Event-Webhook-Signature")
}

func FuzzVerifyResend(f *testing.F) {
	providertest.FuzzVerify(f, email.Resend(email.Options{}), providertest.Credentials(f, "testdata/resend", "resend"), "testdata/resend", "Svix-Signature")
}

// Mailgun's proof is among what it pushes, so what is tried here is the proof itself.
func FuzzVerifyMailgun(f *testing.F) {
	file := vectors(f)
	genuine := map[string]bool{}
	for _, v := range file.Vectors {
		genuine[v.Timestamp+"\x00"+v.Token+"\x00"+v.Signature] = v.Valid
		f.Add(v.Timestamp, v.Token, v.Signature)
	}
	c := hookswitch.Credentials{"signing_key": {file.SigningKey}}
	f.Fuzz(func(t *testing.T, timestamp, token, signature string) {
		err := email.Mailgun(email.Options{}).Verify(mailgunForm(timestamp, token, signature), c)
		switch {
		case err == nil && !genuine[timestamp+"\x00"+token+"\x00"+strings.ToLower(signature)]:
			t.Errorf("%q %q %q passes", timestamp, token, signature)
		case err != nil && !errors.Is(err, hookswitch.ErrSignature):
			t.Errorf("%v does not wrap ErrSignature", err)
		}
	})
}

type vectorFile struct {
	SigningKey string `json:"signing_key"`
	Vectors    []struct {
		Timestamp, Token, Signature string
		Valid                       bool
	}
}

func vectors(t testing.TB) (file vectorFile) {
	t.Helper()
	data, err := os.ReadFile("testdata/mailgun/vectors/mailgun_signature.json")
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err != nil || len(file.Vectors) < 2 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file
}

func mailgunForm(timestamp, token, signature string) *hookswitch.Push {
	body := url.Values{"timestamp": {timestamp}, "token": {token}, "signature": {signature}}.Encode()
	return &hookswitch.Push{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(body), At: receivedAt}
}

func TestMailgun_AgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	file := vectors(t)
	c := hookswitch.Credentials{"signing_key": {"another", file.SigningKey}}
	for _, v := range file.Vectors {
		if err := email.Mailgun(email.Options{}).Verify(mailgunForm(v.Timestamp, v.Token, v.Signature), c); (err == nil) != v.Valid {
			t.Errorf("%+v: %v", v, err)
		}
	}
}

func TestMailgun_OneSignatureProvesOneTokenOnly(t *testing.T) {
	t.Parallel()
	file := vectors(t)
	v, c := file.Vectors[0], hookswitch.Credentials{"signing_key": {file.SigningKey}}
	p := email.Mailgun(email.Options{})
	// What is signed is the two glued together, so that a digit may seem to belong to either.
	for _, moved := range [][2]string{{v.Timestamp[:9], v.Timestamp[9:] + v.Token}, {v.Timestamp + v.Token[:1], v.Token[1:]}, {"", v.Timestamp + v.Token}, {v.Timestamp + v.Token, ""}} {
		if err := p.Verify(mailgunForm(moved[0], moved[1], v.Signature), c); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%q: %v, want a refusal", moved, err)
		}
	}
	// Any changed character is refused.
	for i, s := range []string{v.Timestamp, v.Token, v.Signature} {
		for at := range s {
			changed := []string{v.Timestamp, v.Token, v.Signature}
			b := []byte(s)
			b[at] ^= 1
			changed[i] = string(b)
			if p.Verify(mailgunForm(changed[0], changed[1], changed[2]), c) == nil {
				t.Errorf("%q passes", changed)
			}
		}
	}
}

func TestMailgun_RefusesOldSignaturesWhenAskedTo(t *testing.T) {
	t.Parallel()
	file := vectors(t)
	v := file.Vectors[0]
	signed := time.Unix(1461261330, 0)
	for _, tt := range []struct {
		limit string
		after time.Duration
		ok    bool
	}{{"", 100000 * time.Hour, true}, {"24h", 23 * time.Hour, true}, {"24h", 25 * time.Hour, false}, {"24h", -25 * time.Hour, false}, {"a day", 0, false}} {
		push := mailgunForm(v.Timestamp, v.Token, v.Signature)
		push.At = signed.Add(tt.after)
		err := email.Mailgun(email.Options{}).Verify(push, hookswitch.Credentials{"signing_key": {file.SigningKey}, "max_age": {tt.limit}})
		if (err == nil) != tt.ok {
			t.Errorf("max_age %q after %v: %v", tt.limit, tt.after, err)
		}
	}
}

func TestSendGrid_ASignatureThatIsThereHasToFit(t *testing.T) {
	t.Parallel()
	c := providertest.Credentials(t, "testdata/sendgrid-signed", "sendgrid")
	c["basic_user"], c["basic_pass"] = []string{"u"}, []string{"p"}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("u:p"))
	p := email.SendGrid(email.Options{})
	push := fixture(t, "testdata/sendgrid-signed", "sendgrid_events").Push(t)
	if err := p.Verify(push, c); err != nil {
		t.Errorf("signed, no password: %v", err)
	}
	push.Header.Set("Authorization", basic)
	push.Body = append(bytes.Clone(push.Body), ' ')
	if p.Verify(push, c) == nil {
		t.Error("a wrong signature passes for its password")
	}
	push.Header.Del("X-Twilio-Email-Event-Webhook-Signature")
	push.Header.Del("X-Twilio-Email-Event-Webhook-Timestamp")
	if err := p.Verify(push, c); err != nil {
		t.Errorf("unsigned, with the password: %v", err)
	}
	delete(c, "public_key")
	push.Header.Set("X-Twilio-Email-Event-Webhook-Signature", "unknown")
	if err := p.Verify(push, c); err != nil {
		t.Errorf("no key to check a signature with, and the password: %v", err)
	}
}

func TestVerify_TakesAnyOfTheCredentialsBeingReplaced(t *testing.T) {
	t.Parallel()
	push := fixture(t, "testdata/postmark", "postmark_inbound").Push(t)
	p := email.Postmark(email.Options{})
	for _, passes := range [][]string{{"pm-inbound-pass", "new"}, {"new", "pm-inbound-pass"}, {"", "pm-inbound-pass"}} {
		if err := p.Verify(push, hookswitch.Credentials{"basic_user": {"postmark"}, "basic_pass": passes}); err != nil {
			t.Errorf("%d passwords: %v", len(passes), err)
		}
	}
	for name, c := range map[string]hookswitch.Credentials{"no password": {"basic_user": {"postmark"}}, "no user": {"basic_pass": {"pm-inbound-pass"}}, "empty": {"basic_user": {""}, "basic_pass": {""}}} {
		if p.Verify(push, c) == nil || p.Account(c) != "" {
			t.Errorf("%s: passes, or names an account", name)
		}
	}
}

func TestAddress_IsTheMailboxWithoutItsTag(t *testing.T) {
	t.Parallel()
	p := email.Postmark(email.Options{})
	for _, tt := range []struct{ address, inbound, want string }{
		{"Support@Acme.Example", "", "support@acme.example"},
		{"Support <support+sales@acme.example>", "", "support@acme.example"},
		{"support@acme.example", "Abc123+x@inbound.postmarkapp.com", "abc123@inbound.postmarkapp.com"},
		{"", "", ""},
		{"not an address", "", ""},
	} {
		c := hookswitch.Credentials{"address": {tt.address}, "inbound_address": {tt.inbound}}
		if got := p.Address(hookswitch.Email, c, "+15551234567"); got != tt.want {
			t.Errorf("%q %q: %q, want %q", tt.address, tt.inbound, got, tt.want)
		}
		if got := p.Address(hookswitch.SMS, c, ""); got != "" {
			t.Errorf("an address %q on another channel", got)
		}
	}
}

func fixture(t testing.TB, dir, name string) *providertest.Fixture {
	t.Helper()
	for _, f := range providertest.Load(t, dir) {
		if f.Name == name {
			return &f
		}
	}
	t.Fatalf("%s has no %s", dir, name)
	return nil
}
