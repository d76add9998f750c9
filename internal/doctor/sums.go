package doctor

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"regexp"
	"strings"
)

// edBytes is the length of an ed25519 signature, which SHA-512 has as well: the label of the token tells them apart.
const edBytes = ed25519.SignatureSize

// hashNames are hashes by the length of their digests.
var hashNames = map[int]string{sha1.Size: "sha1", sha256.Size: "sha256", sha512.Size: "sha512"}

// Keys of ed25519 are told from others by what they begin with; both are bytes behind it.
const edKey = "ed25519\x00"

// fits reports whether the key makes the token of the text.
func fits(key, text string, t token) bool {
	if public, ok := strings.CutPrefix(key, edKey); ok {
		return t.label == "v1a" && len(t.sum) == edBytes && len(public) == ed25519.PublicKeySize && ed25519.Verify(ed25519.PublicKey(public), []byte(text), t.sum)
	}
	var h func() hash.Hash
	switch {
	case t.label == "v1a":
		return false
	case len(t.sum) == sha1.Size:
		h = sha1.New
	case len(t.sum) == sha256.Size:
		h = sha256.New
	case len(t.sum) == sha512.Size:
		h = sha512.New
	default:
		return false
	}
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(text))
	return bytes.Equal(mac.Sum(nil), t.sum)
}

var hexText = regexp.MustCompile(`^([0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128})$`)

// decodeToken reads a digest in whatever form. want is hex or base64, or "" where either will do, and then no form is remarked upon but its version is cut off.
func decodeToken(text, want string) []token {
	label := ""
	if want == "" {
		for _, version := range []string{"v1,", "v1a,", "v1=", "v2=", "sha256=", "sha1="} {
			if rest, ok := strings.CutPrefix(text, version); ok {
				label, text = strings.TrimRight(version, ",="), rest
				break
			}
		}
	}
	if hexText.MatchString(text) {
		sum, _ := hex.DecodeString(text) // the pattern saw to it
		t := token{sum: sum, label: label}
		if want == "base64" {
			t.found = []Finding{one("digest-hex")}
		}
		return []token{t}
	}
	sum, form, ok := decode64(text)
	if !ok {
		return nil
	}
	t := token{sum: sum, label: label}
	switch {
	case want == "hex":
		t.found = []Finding{one("digest-base64")}
	case want == "base64" && form != "":
		t.found = []Finding{one("digest-" + form)}
	}
	return []token{t}
}

// decode64 reads base64 as the standard has it, or with its padding lost, or of the alphabet for URLs.
func decode64(text string) (b []byte, form string, ok bool) {
	if b, err := base64.StdEncoding.DecodeString(text); err == nil {
		return b, "", true
	}
	bare := strings.TrimRight(text, "=")
	if b, err := base64.RawStdEncoding.DecodeString(bare); err == nil {
		return b, "unpadded", true
	}
	if b, err := base64.RawURLEncoding.DecodeString(bare); err == nil {
		return b, "base64url", true
	}
	return nil, "", false
}

// keysOf are the forms in which secrets are used as keys. decoded says that the scheme's secret is base64 behind a prefix; otherwise the text is the key.
func (in *Input) keysOf(decoded bool) (p part) {
	add := func(text string, found ...Finding) {
		trimmed := strings.TrimSpace(text)
		if trimmed == "" {
			return
		}
		if decoded {
			decodedKeys(&p, trimmed, text != trimmed, found)
			return
		}
		textKeys(&p, trimmed, text, found)
	}
	add(in.Secret)
	for _, s := range in.Old {
		add(s, one("secret-old"))
	}
	for i, s := range in.Others {
		add(s, one("secret-other", "number", itoa(i+1)))
	}
	if len(p) == 0 {
		p.add("")
	}
	return p
}

func decodedKeys(p *part, text string, spaces bool, found []Finding) {
	with := func(f ...Finding) []Finding { return append(append([]Finding{}, found...), f...) }
	bare := text
	for _, prefix := range []string{"whsec_", "whpk_", "whsk_"} {
		bare = strings.TrimPrefix(bare, prefix)
	}
	right := found
	if spaces {
		right = with(one("secret-spaces"))
	}
	if b, form, ok := decode64(bare); ok {
		key := string(b)
		switch {
		case strings.HasPrefix(text, "whpk_"):
			key = edKey + key
		case strings.HasPrefix(text, "whsk_") && len(b) == ed25519.PrivateKeySize:
			key = edKey + key[ed25519.SeedSize:]
		}
		if form == "" {
			p.add(key, right...)
		} else {
			p.add(key, append(right[:len(right):len(right)], one("secret-base64url"))...)
		}
	} else {
		p.add("\x00not base64\x00"+text, append(right[:len(right):len(right)], one("secret-not-base64"))...) // nothing is signed with it
	}
	p.add(text, with(one("key-with-prefix"))...)
	p.add(bare, with(one("key-undecoded"))...)
	if b, err := hex.DecodeString(bare); err == nil && len(b) > 0 {
		p.add(string(b), with(one("key-hex"))...)
	}
}

func textKeys(p *part, trimmed, text string, found []Finding) {
	with := func(f ...Finding) []Finding { return append(append([]Finding{}, found...), f...) }
	right := found
	if text != trimmed {
		right = with(one("secret-spaces"))
	}
	p.add(trimmed, right...)
	bare, had := strings.CutPrefix(trimmed, "whsec_")
	if had {
		p.add(bare, with(one("key-without-prefix"))...)
	} else {
		p.add("whsec_"+trimmed, with(one("secret-prefix-lost"))...)
	}
	if b, _, ok := decode64(bare); ok && len(b) > 0 {
		p.add(string(b), with(one("key-decoded"))...)
	}
}
