package meta_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// byHand is the HMAC-SHA256 of RFC 2104, section 2, made of nothing but the hash.
func byHand(secret, body string) string {
	key := []byte(secret)
	if len(key) > 64 {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	inner, outer := make([]byte, 64, 64+len(body)), make([]byte, 64, 64+sha256.Size)
	for i := range 64 {
		k := byte(0)
		if i < len(key) {
			k = key[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	first := sha256.Sum256(append(inner, body...))
	last := sha256.Sum256(append(outer, first[:]...))
	return "sha256=" + hex.EncodeToString(last[:])
}

// unitsEscaped writes each UTF-16 unit outside ASCII as JSON does.
func unitsEscaped(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		if unit < 128 {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	return b.String()
}

func TestVerify_AgreesWithASignatureMadeByHand(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(20, 26))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	random := func(most int) string {
		b := make([]byte, rnd.IntN(most))
		for i := range b {
			b[i] = byte(rnd.IntN(256))
		}
		return string(b)
	}
	words := func() string {
		var b strings.Builder
		for range rnd.IntN(30) {
			b.WriteString(pick("a", "€", "ü", "👋", `\u00e9`, `\/`, `\"`, "{", "}", "\n", "\x00", "\u2028", "\ufffd", " ", "hello", "日本"))
		}
		return `{"object":"page","entry":[{"text":"` + b.String() + `"}]}`
	}
	secretOf := func() string {
		return base64.StdEncoding.EncodeToString([]byte(random(pickInt(rnd, 2, 40, 200)))) + "="
	}

	accepted, unescaped := 0, 0
	const requests = 12_000
	for i := range requests {
		secrets := []string{secretOf()}
		for range rnd.IntN(3) {
			secrets = append(secrets, secretOf())
		}
		body := words()
		if rnd.IntN(4) == 0 {
			body = random(300)
		}
		signer, signed := secrets[rnd.IntN(len(secrets))], body
		switch rnd.IntN(6) {
		case 0:
			signer = secretOf()
		case 1:
			signed = unitsEscaped(body)
		case 2:
			signed += " "
		}
		header := byHand(signer, signed)
		switch rnd.IntN(12) {
		case 0: // another digit
			b := []byte(header)
			at := len("sha256=") + rnd.IntN(64)
			b[at] = "0123456789abcdef"[(strings.IndexByte("0123456789abcdef", b[at])+1)%16]
			header = string(b)
		case 1:
			header = strings.ToUpper(header)
		}

		want := false
		for _, s := range secrets {
			want = want || header == byHand(s, body)
			if utf8.ValidString(body) && header == byHand(s, unitsEscaped(body)) && unitsEscaped(body) != body {
				want = true
				unescaped++
			}
		}
		if want {
			accepted++
		}
		if err := verify(hookswitch.Credentials{"app_secret": secrets}, body, header); (err == nil) != want {
			t.Fatalf("request %d: %v, want genuine %t; secrets %q, header %s, body %q", i, err, want, secrets, header, body)
		}
	}
	if accepted < requests/4 || accepted > requests*9/10 || unescaped < requests/100 {
		t.Errorf("%d of %d requests were genuine, %d of them with their escapes undone: the test has lost its balance", accepted, requests, unescaped)
	}
}

func pickInt(rnd *rand.Rand, list ...int) int { return list[rnd.IntN(len(list))] }

func TestVerify_PutsUndoneEscapesBack(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef0123456789abcdef"
	c := hookswitch.Credentials{"app_secret": {secret}}
	const wire, plain = `{"text":"Gr\u00fc\u00dfe \ud83d\udc4b a\/b"}`, `{"text":"Grüße 👋 a\/b"}`
	if err := verify(c, plain, byHand(secret, wire)); err != nil {
		t.Errorf("escapes undone on the way: %v", err)
	}
	for name, body := range map[string]string{
		"capital digits":       `{"text":"Gr\u00FC\u00DFe \ud83d\udc4b a\/b"}`,
		"a slash undone too":   `{"text":"Grüße 👋 a/b"}`,
		"half a character":     `{"text":"Gr` + "\xc3" + `"}`,
		"another character":    `{"text":"Grüsse 👋 a\/b"}`,
		"a byte that is wrong": strings.Replace(plain, "ü", "\xfc", 1),
	} {
		if verify(c, body, byHand(secret, wire)) == nil {
			t.Errorf("%s: passes", name)
		}
	}
}
