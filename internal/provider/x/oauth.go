package x

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// authorization is the header by which a call is made in the account's name: with a token of OAuth 2.0, which X lets live for two hours, or signed as
// OAuth 1.0a asks for, with a token that lives until it is revoked.
func (p *Provider) authorization(method string, target *url.URL, c hookswitch.Credentials) (string, *hookswitch.SendError) {
	token, tokenSecret := c.First(credToken), c.First(credTokenSecret)
	key, keySecret := c.First(credConsumerKey), c.First(credConsumerSecret)
	switch {
	case token == "":
		return "", refused(codeNoProvider, categoryAuth, "the sender has no "+credToken)
	case tokenSecret == "":
		return "Bearer " + token, nil
	case key == "" || keySecret == "":
		return "", refused(codeNoProvider, categoryAuth, "a token with "+credTokenSecret+" needs "+credConsumerKey+" and "+credConsumerSecret)
	}
	params := []param{
		{"oauth_consumer_key", key},
		{"oauth_nonce", rand.Text()},
		{"oauth_signature_method", "HMAC-SHA1"},
		{"oauth_timestamp", strconv.FormatInt(p.now().Unix(), 10)},
		{"oauth_token", token},
		{"oauth_version", "1.0"},
	}
	params = append(params, param{"oauth_signature", oauthSignature(method, target, params, keySecret, tokenSecret)})
	parts := make([]string, len(params))
	for i, v := range params {
		parts[i] = escaped(v.name) + `="` + escaped(v.value) + `"`
	}
	return "OAuth " + strings.Join(parts, ", "), nil
}

type param struct{ name, value string }

// oauthSignature signs a call with its parameters: those of the header, and those of a form. A body of JSON is not signed.
// https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature
func oauthSignature(method string, target *url.URL, params []param, keySecret, tokenSecret string) string {
	sorted := make([]param, len(params))
	for i, v := range params {
		sorted[i] = param{escaped(v.name), escaped(v.value)}
	}
	slices.SortFunc(sorted, func(a, b param) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	pairs := make([]string, len(sorted))
	for i, v := range sorted {
		pairs[i] = v.name + "=" + v.value
	}
	base := method + "&" + escaped(target.Scheme+"://"+target.Host+target.EscapedPath()) + "&" + escaped(strings.Join(pairs, "&"))
	h := hmac.New(sha1.New, []byte(escaped(keySecret)+"&"+escaped(tokenSecret)))
	h.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// escaped is s with every byte escaped that is not a letter, a digit, or one of -._~ (RFC 3986, section 2.3).
func escaped(s string) string {
	const hexadecimal = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexadecimal[c>>4])
			b.WriteByte(hexadecimal[c&15])
		}
	}
	return b.String()
}
