package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

const (
	signatureHeader = "X-Twilio-Signature"
	hashParameter   = "bodySHA256"
)

// signatureLength is that of the Base64 of an HMAC-SHA1.
var signatureLength = base64.StdEncoding.EncodedLen(sha1.Size)

// Verify checks the HMAC-SHA1 over the URL that Twilio called and the parameters of the body. The key is the account's primary auth token. No time is
// covered: a push that is recorded and sent again proves genuine, and is found out by its ids.
// https://www.twilio.com/docs/usage/security#validating-requests
func (p *Provider) Verify(push *hookswitch.Push, c hookswitch.Credentials) error {
	tokens := c.All(credToken)
	if len(tokens) == 0 {
		return fmt.Errorf("no %s is known: %w", credToken, hookswitch.ErrSignature)
	}
	headers := push.Header.Values(signatureHeader)
	if len(headers) != 1 || len(headers[0]) != signatureLength {
		return fmt.Errorf("%d %s headers, or a malformed one: %w", len(headers), signatureHeader, hookswitch.ErrSignature)
	}
	parameters, err := signedParameters(push)
	if err != nil {
		return fmt.Errorf("%w: %w", err, hookswitch.ErrSignature)
	}
	genuine := 0
	for _, called := range calledURLs(push) {
		for _, token := range tokens {
			mac := hmac.New(sha1.New, []byte(token))
			mac.Write([]byte(called))
			mac.Write(parameters)
			want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
			genuine |= subtle.ConstantTimeCompare([]byte(want), []byte(headers[0]))
		}
	}
	if genuine == 0 {
		return hookswitch.ErrSignature
	}
	return nil
}

// signedParameters is what follows the URL in the signed text: each name with its value, decoded and otherwise untouched, in the order of the names' bytes. Of a
// name that comes several times each different value counts once, in order. Where the URL tells the body's hash, the hash has to fit, and nothing follows.
func signedParameters(push *hookswitch.Push) ([]byte, error) {
	if query := push.URL.Query(); query.Has(hashParameter) {
		sum := sha256.Sum256(push.Body)
		if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(query.Get(hashParameter))) != 1 {
			return nil, fmt.Errorf("the body has not the hash that %s tells", hashParameter)
		}
		return nil, nil
	}
	f, err := readForm(push)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(f, func(a, b parameter) int {
		if a.name != b.name {
			return strings.Compare(a.name, b.name)
		}
		return strings.Compare(a.value, b.value)
	})
	var out []byte
	for _, p := range slices.Compact(f) {
		out = append(append(out, p.name...), p.value...)
	}
	return out, nil
}

// calledURLs are the texts that Twilio may have signed for the URL of a push. Its parts are as they came, byte for byte, with these exceptions: some of
// Twilio's systems add the default port or leave out the one that is there; a name and password that Twilio was given with the URL are part of it, though they
// arrive in a header; and some systems escape what is not allowed in a query, such as "'", before they sign.
func calledURLs(push *hookswitch.Push) []string {
	u := push.URL
	queries := []string{""}
	if u.RawQuery != "" || u.ForceQuery {
		queries[0] = "?" + u.RawQuery
	}
	if escaped := escapeQuery(queries[0]); escaped != queries[0] {
		queries = append(queries, escaped)
	}
	users := []*url.Userinfo{u.User}
	if basic := basicUser(push.Header); u.User == nil && basic != nil {
		users = append(users, basic)
	}
	without, with := u.Host, u.Host
	if port := u.Port(); port != "" {
		without = strings.TrimSuffix(u.Host, ":"+port)
	} else if u.Scheme == "https" {
		with += ":443"
	} else {
		with += ":80"
	}
	var list []string
	for _, user := range users {
		begin := u.Scheme + "://"
		if user != nil {
			begin += user.String() + "@"
		}
		for _, host := range []string{without, with} {
			for _, query := range queries {
				list = append(list, begin+host+u.EscapedPath()+query)
			}
		}
	}
	return list
}

// basicUser is the name and password of the header that a URL with both becomes, or nil.
func basicUser(header http.Header) *url.Userinfo {
	name, password, ok := (&http.Request{Header: header}).BasicAuth()
	switch {
	case !ok:
		return nil
	case password == "":
		return url.User(name)
	}
	return url.UserPassword(name, password)
}

// escapeQuery escapes what browsers, and clients that follow their rules, do not send in a query as it is.
// https://url.spec.whatwg.org/#special-query-percent-encode-set
func escapeQuery(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c > '~' || strings.IndexByte(`"#<>'`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
