package hookswitch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
)

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	const text = "s3same"
	secret, credentials := hookswitch.Secret(text), hookswitch.Credentials{"app_secret": {text}}
	holder := struct {
		S  hookswitch.Secret
		C  hookswitch.Credentials
		P  *hookswitch.Secret
		EP hookswitch.EndpointSecret
		R  hookswitch.Route
	}{secret, credentials, &secret, hookswitch.EndpointSecret{Secret: secret}, hookswitch.Route{Credentials: credentials}}
	var out bytes.Buffer
	for _, v := range []any{secret, &secret, credentials, &credentials, holder, &holder, []hookswitch.Secret{secret}, map[string]hookswitch.Secret{"k": secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(b)
		for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
			log.Info("x", "v", v)
		}
		fmt.Fprintln(&out, fmt.Errorf("wrapped: %v", v), fmt.Sprint(v))
	}
	for _, leak := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), "s3s\n"} {
		if i := strings.Index(out.String(), leak); i >= 0 {
			t.Errorf("%q shows in %s", leak, out.String()[max(0, i-80):i+20])
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("nothing stands in for the secret")
	}
	if secret.Reveal() != text {
		t.Errorf("Reveal gives %q", secret.Reveal())
	}
}

func TestCredentials_ReadWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	var got hookswitch.Credentials
	err := json.Unmarshal([]byte(`{"token":"a","secrets":["new"," old ",""],"id":12345678901234567890,"on":true,"none":null,"empty":"","list":[1,null,"x"]}`), &got)
	want := map[string][]string{"token": {"a"}, "secrets": {"new", " old "}, "id": {"12345678901234567890"}, "on": {"true"}, "list": {"1", "x"}}
	if diff := cmp.Diff(want, map[string][]string(got)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, bad := range []string{`[]`, `"x"`, `{"a":{}}`, `{"a":[[]]}`, `{"a":[{}]}`, `{"a":`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestCredentials_RevealJSONReadsBack(t *testing.T) {
	t.Parallel()
	c := hookswitch.Credentials{"secrets": {"new", "old"}, "token": {"a\"b"}}
	b, err := c.RevealJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back hookswitch.Credentials
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string(c), map[string][]string(back)); diff != "" {
		t.Error(diff)
	}
}

func TestCredentials_FirstAndAll(t *testing.T) {
	t.Parallel()
	c := hookswitch.Credentials{"a": {"x", "", "y"}}
	if c.First("a") != "x" || c.First("b") != "" || c.All("b") != nil {
		t.Errorf("got %q, %q", c.First("a"), c.First("b"))
	}
	if diff := cmp.Diff([]string{"x", "y"}, c.All("a")); diff != "" {
		t.Error(diff)
	}
	if len(c["a"]) != 3 {
		t.Error("All changed the credentials")
	}
}

func TestResponderConfig_KeepsItsObjectInOneLayout(t *testing.T) {
	t.Parallel()
	raw := []byte(`{"kind": "http", "url":"https://x"}`)
	var c hookswitch.ResponderConfig
	if err := c.UnmarshalJSON(raw); err != nil || c.Kind != "http" || string(c.Raw) != `{"kind":"http","url":"https://x"}` {
		t.Errorf("got %+v, %v", c, err)
	}
	raw[2] = 'X'
	if b, err := c.MarshalJSON(); err != nil || !strings.HasPrefix(string(b), `{"kind"`) {
		t.Errorf("it kept the caller's bytes: %s, %v", b, err)
	}
	if err := json.Unmarshal([]byte("null"), &c); err != nil || c.Kind != "" {
		t.Errorf("null: %+v, %v", c, err)
	}
	if b, err := json.Marshal(c); err != nil || string(b) != "null" {
		t.Errorf("none: %s, %v", b, err)
	}
	if err := json.Unmarshal([]byte(`"http"`), &c); err == nil {
		t.Error("a text is taken")
	}
}
