package twilio_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
)

const formType = "application/x-www-form-urlencoded; charset=UTF-8"

// request is a push as it comes to the address, signed with any text.
func request(t testing.TB, address, body, signature string) *hookswitch.Push {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Content-Type": {formType}, "X-Twilio-Signature": {signature}}
	return &hookswitch.Push{Method: http.MethodPost, URL: u, Header: h, Body: []byte(body)}
}

// sign is the signature of a text that is already put together.
func sign(token, text string) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func verify(push *hookswitch.Push, tokens ...string) error {
	return twilio.New(twilio.Options{}).Verify(push, hookswitch.Credentials{"auth_token": tokens})
}

// encode writes parameters as a form. A value is a text or a list of texts.
func encode(t testing.TB, parameters map[string]any) string {
	t.Helper()
	form := url.Values{}
	for name, v := range parameters {
		switch v := v.(type) {
		case string:
			form.Add(name, v)
		case []any:
			for _, item := range v {
				form.Add(name, item.(string))
			}
		}
	}
	return form.Encode()
}

func TestVerify_AgreesWithTheVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/vectors/twilio_signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		AuthToken string `json:"auth_token"`
		Vectors   []struct {
			URL, Signature, Why string
			Params              map[string]any
			Body                *string
			Valid               bool
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 20 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	for i, v := range file.Vectors {
		body := encode(t, v.Params)
		if v.Body != nil {
			body = *v.Body
		}
		if err := verify(request(t, v.URL, body, v.Signature), file.AuthToken); (err == nil) != v.Valid {
			t.Errorf("%d, %s: %v, want valid %t (%s)", i, v.URL, err, v.Valid, v.Why)
		}
	}
}

func TestVerify_RefusesAURLThatDiffersInAnyByte(t *testing.T) {
	t.Parallel()
	const address, body = "https://gw.example.test/in/snd_1/sms?ref=msg_1&note=it%27s%20ok", "Body=hi&From=%2B1"
	signature := sign("T", address+"BodyhiFrom+1")
	if err := verify(request(t, address, body, signature), "T"); err != nil {
		t.Fatal(err)
	}
	for i := len("https://"); i < len(address); i++ {
		for _, flip := range []byte{1, 0x20} {
			changed := []byte(address)
			changed[i] ^= flip
			u, err := url.Parse(string(changed))
			if err != nil || u.Scheme != "https" {
				continue
			}
			push := request(t, address, body, signature)
			push.URL = u
			if verify(push, "T") == nil {
				t.Errorf("%s passes for %s", changed, address)
			}
		}
	}
}

func TestVerify_IsStrictAboutTheHeader(t *testing.T) {
	t.Parallel()
	const address = "https://gw.example.test/api/channels/sms"
	good := sign("T", address+"Bodyhi")
	for name, headers := range map[string][]string{
		"none": nil, "empty": {""}, "twice": {good, good}, "a space": {" " + good}, "cut": {good[:27]}, "longer": {good + "="},
		"without padding": {strings.TrimRight(good, "=")}, "a line end inside": {good[:10] + "\n" + good[10:]},
		"other bits at the end": {good[:26] + string(good[26]+1) + "="}, "hexadecimal": {strings.Repeat("0", 40)},
	} {
		push := request(t, address, "Body=hi", "")
		push.Header["X-Twilio-Signature"] = headers
		if err := verify(push, "T"); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if err := verify(request(t, address, "Body=hi", good), "T"); err != nil {
		t.Error(err)
	}
}

func TestVerify_TakesAnyOfTheTokens(t *testing.T) {
	t.Parallel()
	push := request(t, "https://gw.example.test/api/channels/sms", "Body=hi", sign("T", "https://gw.example.test/api/channels/smsBodyhi"))
	for _, tokens := range [][]string{{"T", "new"}, {"new", "T"}, {"", "T"}} {
		if err := verify(push, tokens...); err != nil {
			t.Errorf("with %d tokens: %v", len(tokens), err)
		}
	}
	empty := request(t, "https://gw.example.test/api/channels/sms", "Body=hi", sign("", "https://gw.example.test/api/channels/smsBodyhi"))
	for _, tokens := range [][]string{nil, {""}, {"other"}} {
		if err := verify(empty, tokens...); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("with the tokens %q: %v, want a refusal", tokens, err)
		}
	}
}

func TestVerify_KnowsTheNameAndPasswordOfTheRegisteredAddress(t *testing.T) {
	t.Parallel()
	const signed = "https://user:p%40ss@gw.example.test/api/channels/smsBodyhi"
	push := request(t, "https://gw.example.test/api/channels/sms", "Body=hi", sign("T", signed))
	if err := verify(push, "T"); err == nil {
		t.Error("passes without the header that they arrive in")
	}
	header := (&http.Request{Header: push.Header})
	header.SetBasicAuth("user", "p@ss")
	if err := verify(push, "T"); err != nil {
		t.Errorf("with the header: %v", err)
	}
	header.SetBasicAuth("user", "other")
	if err := verify(push, "T"); err == nil {
		t.Error("passes with another password")
	}
	own := request(t, "https://user:p%40ss@gw.example.test/api/channels/sms", "Body=hi", sign("T", signed))
	if err := verify(own, "T"); err != nil {
		t.Errorf("where the public URL has them: %v", err)
	}
}

func TestVerify_LeavesNoPartOfABodyUnsigned(t *testing.T) {
	t.Parallel()
	const address = "https://gw.example.test/api/channels/sms"
	for name, body := range map[string]string{
		"JSON without a hash": `{"MessageSid":"SM1"}`, "a name alone": "Body", "an empty part": "Body=hi&", "a broken escape": "Body=%zz&a=b",
	} {
		push := request(t, address, body, sign("T", address))
		push.Header.Set("Content-Type", "application/json")
		if err := verify(push, "T"); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
		push = request(t, address, body, sign("T", address+strings.ReplaceAll(strings.ReplaceAll(body, "=", ""), "&", "")))
		if err := verify(push, "T"); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%s, signed as it is: %v, want a refusal", name, err)
		}
	}
}

// Several bodies are one form: escapes in other letters, parts in another order, one twice. Twilio's signature covers what a form says, not how.
func sameForm(body []byte) []byte {
	form, err := url.ParseQuery(string(body))
	if err != nil || bytes.HasPrefix(body, []byte("[")) {
		return body
	}
	return []byte(signedText(form))
}

func FuzzVerify(f *testing.F) {
	providertest.FuzzVerify(f, twilio.New(twilio.Options{}), providertest.Credentials(f, "testdata", "twilio"), "testdata", "X-Twilio-Signature",
		providertest.SameBody(sameForm))
}
