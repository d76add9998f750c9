package doctor

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// A vector is a case of what goes wrong, and what has to be found.
type vector struct {
	Name   string `json:"name"`
	Input  Input  `json:"input"`
	Report Report `json:"report"`
}

const (
	now       = 1760000000
	nowS      = "1760000000"
	id        = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj"
	body      = `{"type":"message.inbound","timestamp":1760000000123,"data":{"text":"Habari, é ok?","url":"https://example.com/a","n":12500.10}}`
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	older     = "whsec_dGhpcyBpcyBhbiBvbGRlciBzZWNyZXQgb2YgMzIh"
	other     = "whsec_YW5vdGhlciBlbmRwb2ludCdzIHNlY3JldCAzMiE="
	authToken = "12345678901234567890123456789012"
	place     = "https://hooks.example.com/twilio?a=1&b=two%20words"
	form      = "To=%2B254700000001&From=%2B254711223344&Body=Hello+there&Empty="
)

func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func keyOf(text string) string {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
	if err != nil {
		panic(err)
	}
	return string(b)
}

func signed(key, text string) string { return "v1," + b64(mac(sha256.New, key, text)) }

// right is what is signed of a body.
func right(body string) string { return id + "." + nowS + "." + body }

// standard is a request with the signature.
func standard(signature string, change ...func(*Input)) Input {
	in := Input{Headers: [][2]string{{"svix-id", id}, {"svix-timestamp", nowS}, {"svix-signature", signature}}, Body: body, Secret: secret, Now: now + 2}
	for _, f := range change {
		f(&in)
	}
	return in
}

func header(name, value string) func(*Input) {
	return func(in *Input) {
		for i := range in.Headers {
			if in.Headers[i][0] == name {
				in.Headers[i][1] = value
			}
		}
	}
}

func timed(t, text, key string) string {
	return "t=" + t + ",v2=" + hex.EncodeToString(mac(sha256.New, key, text))
}

func zavu(signature string, change ...func(*Input)) Input {
	in := Input{Headers: [][2]string{{"X-Zavu-Signature", signature}}, Body: body, Secret: secret, Now: now + 2}
	for _, f := range change {
		f(&in)
	}
	return in
}

func meta(signature string, change ...func(*Input)) Input {
	in := Input{Headers: [][2]string{{"X-Hub-Signature-256", signature}}, Body: body, Secret: "app-secret-0123456789", Now: now}
	for _, f := range change {
		f(&in)
	}
	return in
}

const sortedForm = "Body" + "Hello there" + "Empty" + "" + "From" + "+254711223344" + "To" + "+254700000001"

func twilio(text string, change ...func(*Input)) Input {
	in := Input{Headers: [][2]string{{"X-Twilio-Signature", b64(mac(sha1.New, authToken, text))}}, URL: place, Body: form, Secret: authToken, Now: now}
	for _, f := range change {
		f(&in)
	}
	return in
}

func withBody(b string) func(*Input)   { return func(in *Input) { in.Body = b } }
func withURL(u string) func(*Input)    { return func(in *Input) { in.URL = u } }
func withSecret(s string) func(*Input) { return func(in *Input) { in.Secret = s } }
func computed(s string) func(*Input)   { return func(in *Input) { in.Computed = s } }

func found(scheme string, list ...Finding) Report { return Report{Scheme: scheme, Findings: list} }

func fine(scheme string, list ...Finding) Report {
	return Report{Scheme: scheme, Valid: true, Findings: append([]Finding{one("fits")}, list...)}
}

// does is a report about a request that is right, whose receiver computes something else.
func does(list ...Finding) Report {
	r := fine("standard")
	r.Computed = list
	return r
}

const (
	spaced = `{"type": "message.inbound", "timestamp": 1760000000123, "data": {"text": "Habari, é ok?", "url": "https://example.com/a", "n": 12500.10}}`
	pretty = "{\n  \"type\": \"message.inbound\",\n  \"data\": [\n    1,\n    {}\n  ]\n}"
	sorted = `{"data":{"n":12500.10,"text":"Habari, é ok?","url":"https://example.com/a"},"timestamp":1760000000123,"type":"message.inbound"}`
	turned = `{"timestamp":1760000000123,"data":{"text":"Habari, é ok?","url":"https://example.com/a","n":12500.10},"type":"message.inbound"}`
	ascii  = `{"type":"message.inbound","timestamp":1760000000123,"data":{"text":"Habari, \u00e9 ok?","url":"https://example.com/a","n":12500.10}}`
	slash  = `{"type":"message.inbound","timestamp":1760000000123,"data":{"text":"Habari, é ok?","url":"https:\/\/example.com\/a","n":12500.10}}`
	mojib  = `{"type":"message.inbound","timestamp":1760000000123,"data":{"text":"Habari, Ã© ok?","url":"https://example.com/a","n":12500.10}}`
)

var edKeys = ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))

// vectors has every case that the page promises to find, and those that must not be taken for one.
func vectors() []vector {
	key := keyOf(secret)
	ok := signed(key, right(body))
	digest := func(signature string) []byte {
		b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		if err != nil {
			panic(err)
		}
		return b
	}
	list := []vector{
		{"right", standard(ok), fine("standard")},
		{"right, in the other names", Input{Headers: [][2]string{{"Webhook-Id", id}, {"Webhook-Timestamp", nowS}, {"Webhook-Signature", ok}}, Body: body, Secret: secret, Now: now}, fine("standard")},
		{"right, in names of a brand", Input{Headers: [][2]string{{"acme-id", id}, {"acme-timestamp", nowS}, {"acme-signature", ok}}, Body: body, Secret: secret, Now: now}, fine("standard")},
		{"right, as CGI spells it", Input{Headers: [][2]string{{"HTTP_SVIX_ID", id}, {"HTTP_SVIX_TIMESTAMP", nowS}, {"HTTP_SVIX_SIGNATURE", ok}}, Body: body, Secret: secret, Now: now}, fine("standard")},
		{"right, the secret without its prefix", standard(ok, withSecret(strings.TrimPrefix(secret, "whsec_"))), fine("standard")},
		{"the secret with white space", standard(ok, withSecret(" "+secret+"\n")), found("standard", one("secret-spaces"))},
		{"the key is the whole text", standard(signed(secret, right(body))), found("standard", one("key-with-prefix"))},
		{"the key is not decoded", standard(signed(strings.TrimPrefix(secret, "whsec_"), right(body))), found("standard", one("key-undecoded"))},
		{"the secret is no base64", standard(ok, withSecret("whsec_!!!")), found("standard", one("secret-not-base64"), one("nothing-fits"))},
		{"the secret is hex", standard(signed("abcdefghijklmnopqrstuvwx", right(body)), withSecret("whsec_"+hex.EncodeToString([]byte("abcdefghijklmnopqrstuvwx")))), found("standard", one("key-hex"))},
		{"the secret is of the alphabet for URLs", standard(signed(strings.Repeat("\xff\xfe", 13), right(body)), withSecret("whsec_"+base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff\xfe", 13))))), found("standard", one("secret-base64url"))},
		{"a full stop in the id", standard(signed(key, "msg.1."+nowS+"."+body), header("svix-id", "msg.1")), found("standard", one("id-full-stop"))},
		{"an old secret", standard(signed(keyOf(older), right(body)), func(in *Input) { in.Old = []string{older} }), found("standard", one("secret-old"))},
		{"the secret of another endpoint", standard(signed(keyOf(other), right(body)), func(in *Input) { in.Others = []string{older, other} }), found("standard", one("secret-other", "number", "2"))},
		{"no secret", standard(ok, withSecret("")), found("standard", one("secret-missing"))},
		{"spaces were added", standard(ok, withBody(spaced)), found("standard", one("body-spaces"))},
		{"spaces were taken away", standard(signed(key, right(spaced)), withBody(body)), found("standard", one("body-spaces"))},
		{"it was indented, and is not", standard(signed(key, right(pretty)), withBody(`{"type":"message.inbound","data":[1,{}]}`)), found("standard", one("body-spaces"))},
		{"names in order", standard(signed(key, right(sorted))), found("standard", one("body-order"))},
		{"names in another order", standard(ok, withBody(turned)), found("standard", one("body-order"))},
		{"letters were escaped", standard(signed(key, right(ascii))), found("standard", one("body-unescaped"))},
		{"letters were not escaped", standard(ok, withBody(ascii)), found("standard", one("body-spaces"))},
		{"slashes were escaped", standard(signed(key, right(slash))), found("standard", one("body-slashes"))},
		{"marks of HTML were escaped", standard(signed(key, right(`{"a":"\u003cb\u003e \u0026"}`)), withBody(`{"a":"<b> &"}`)), found("standard", one("body-html"))},
		{"a newline too many", standard(ok, withBody(body+"\n")), found("standard", one("body-newline-added"))},
		{"a newline too few", standard(signed(key, right(body+"\n"))), found("standard", one("body-newline-lost"))},
		{"CRLF instead of LF", standard(signed(key, right(pretty)), withBody(strings.ReplaceAll(pretty, "\n", "\r\n"))), found("standard", one("body-crlf"))},
		{"LF instead of CRLF", standard(signed(key, right(strings.ReplaceAll(pretty, "\n", "\r\n"))), withBody(pretty)), found("standard", one("body-lf"))},
		{"a byte order mark", standard(ok, withBody("\ufeff"+body)), found("standard", one("body-bom"))},
		{"the wrong charset", standard(ok, withBody(mojib)), found("standard", one("body-charset"))},
		{"the body is gone", standard(ok, withBody("")), found("standard", one("body-empty"), one("nothing-fits"))},
		{"the body is an object", standard(ok, withBody("[object Object]")), found("standard", one("body-object"), one("nothing-fits"))},
		{"what was sent is known, spaces", standard(ok, withBody("{ "+body[1:]), func(in *Input) { in.Sent = body }), found("standard", one("body-spaces"))},
		{"what was sent is known, changed", standard(ok, withBody(strings.Replace(body, "12500.10", "12500.1", 1)), func(in *Input) { in.Sent = body }), found("standard", one("body-changed"))},
		{"the wrong id", standard(ok, header("svix-id", "msg_other"), func(in *Input) { in.IDs = []string{"msg_third", id} }), found("standard", one("id-other", "id", id))},
		{"two ids", standard(signed(key, "msg_other."+nowS+"."+body), func(in *Input) { in.Headers = append(in.Headers, [2]string{"webhook-id", "msg_other"}) }), found("standard", one("id-other", "id", "msg_other"))},
		{"no id", standard(ok, header("svix-id", "")), found("standard", one("header-missing", "header", "svix-id"), one("nothing-fits"))},
		{"milliseconds in the header", standard(ok, header("svix-timestamp", nowS+"123")), found("standard", one("time-milliseconds"))},
		{"milliseconds were signed", standard(signed(key, id+"."+nowS+"000."+body)), found("standard", one("time-signed-milliseconds"))},
		{"a date", standard(ok, header("svix-timestamp", "2025-10-09T08:53:20Z")), found("standard", one("time-not-number"), one("nothing-fits"))},
		{"the time of another attempt", standard(ok, header("svix-timestamp", "1759999995")), found("standard", one("time-other", "seconds", "5", "when", "later"))},
		{"an old request, or a clock that is fast", standard(ok, func(in *Input) { in.Now = now + 901 }), found("standard", one("clock-behind", "seconds", "901"))},
		{"a clock that is slow", standard(ok, func(in *Input) { in.Now = now - 400 }), found("standard", one("clock-ahead", "seconds", "400"))},
		{"hex", standard("v1," + hex.EncodeToString(digest(ok))), found("standard", one("digest-hex"))},
		{"base64 of URLs", standard("v1,"+base64.RawURLEncoding.EncodeToString([]byte(mac(sha256.New, key, id+"."+nowS+"."+urlish(key)))), withBody(urlish(key))), found("standard", one("digest-base64url"))},
		{"padding lost", standard(strings.TrimRight(ok, "=")), found("standard", one("digest-unpadded"))},
		{"sha1", standard("v1," + b64(mac(sha1.New, key, right(body)))), found("standard", one("digest-sha1"))},
		{"cut off", standard("v1,!!"), found("standard", one("digest-unreadable"), one("nothing-fits"))},
		{"the wrong header", Input{Headers: [][2]string{{"svix-id", id}, {"svix-timestamp", nowS}, {"Authorization", ok}}, Body: body, Secret: secret, Now: now}, found("standard", one("wrong-header", "header", "authorization"))},
		{"no header at all", Input{Headers: [][2]string{{"Content-Type", "application/json"}}, Body: body, Secret: secret, Now: now}, found("", one("header-missing", "header", "svix-signature"))},
		{"several signatures", standard(signed(keyOf(older), right(body)) + " " + ok), fine("standard", one("several", "number", "2", "count", "2"))},
		{"no version", standard(strings.TrimPrefix(ok, "v1,")), found("standard", one("version-missing"))},
		{"only the body was signed", standard(signed(key, body)), found("standard", one("text-body-only"))},
		{"the id was left out", standard(signed(key, nowS+"."+body)), found("standard", one("text-no-id"))},
		{"the full stops were left out", standard(signed(key, id+nowS+body)), found("standard", one("text-no-dots"))},
		{"a public key, and it fits", standard("v1a,"+b64(ed25519.Sign(edKeys, []byte(right(body)))), withSecret("whpk_"+b64(edKeys[32:]))), fine("standard")},
		{"a shared secret for an ed25519 signature", standard("v1a," + b64(ed25519.Sign(edKeys, []byte(right(body))))), found("standard", one("version", "versions", "v1a"), one("nothing-fits"))},
		{"two things at once", standard(signed(strings.TrimPrefix(older, "whsec_"), right(body)), withBody(spaced), func(in *Input) { in.Old = []string{older} }), found("standard", one("secret-old"), one("key-undecoded"), one("body-spaces"))},
		{"nothing helps", standard(signed("another key", "another text")), found("standard", one("nothing-fits"))},

		{"code: right", standard(ok, computed(ok)), does(one("computed-right"))},
		{"code: the whole text is the key", standard(ok, computed(signed(secret, right(body)))), does(one("key-with-prefix"))},
		{"code: not decoded", standard(ok, computed(b64(mac(sha256.New, strings.TrimPrefix(secret, "whsec_"), right(body))))), does(one("key-undecoded"))},
		{"code: the body was written anew", standard(ok, computed(signed(key, right(spaced)))), does(one("body-spaces"))},
		{"code: sha512", standard(ok, computed(hex.EncodeToString(mac(sha1.New, key, right(body))))), does(one("digest-sha1"))},
		{"code: nonsense", standard(ok, computed("nonsense")), does(one("computed-unknown"))},

		{"timed: right", zavu(timed(nowS, nowS+"."+body, secret)), fine("zavu")},
		{"timed: v1 over the body", zavu("t=" + nowS + ",v1=" + hex.EncodeToString(mac(sha256.New, secret, body))), fine("zavu", one("v1-body"))},
		{"timed: both", zavu("t=" + nowS + ",v1=" + hex.EncodeToString(mac(sha256.New, secret, body)) + ",v2=" + hex.EncodeToString(mac(sha256.New, secret, nowS+"."+body))), fine("zavu")},
		{"timed: decoded", zavu(timed(nowS, nowS+"."+body, key)), found("zavu", one("key-decoded"))},
		{"timed: prefix cut off", zavu(timed(nowS, nowS+"."+body, strings.TrimPrefix(secret, "whsec_"))), found("zavu", one("key-without-prefix"))},
		{"timed: prefix lost", zavu(timed(nowS, nowS+"."+body, secret), withSecret(strings.TrimPrefix(secret, "whsec_"))), found("zavu", one("secret-prefix-lost"))},
		{"timed: body only", zavu(timed(nowS, body, secret)), found("zavu", one("text-body-only"))},
		{"timed: base64", zavu("t=" + nowS + ",v2=" + b64(mac(sha256.New, secret, nowS+"."+body))), found("zavu", one("digest-base64"))},
		{"timed: no time", zavu("v2=" + hex.EncodeToString(mac(sha256.New, secret, nowS+"."+body))), found("zavu", one("time-missing"), one("nothing-fits"))},
		{"timed: the body was written anew", zavu(timed(nowS, nowS+"."+body, secret), withBody(spaced)), found("zavu", one("body-spaces"))},

		{"Meta: right", meta("sha256=" + hex.EncodeToString(mac(sha256.New, "app-secret-0123456789", body))), fine("meta")},
		{"Meta: escapes were undone", meta("sha256=" + hex.EncodeToString(mac(sha256.New, "app-secret-0123456789", ascii))), found("meta", one("meta-unescaped"))},
		{"Meta: no prefix", meta(hex.EncodeToString(mac(sha256.New, "app-secret-0123456789", body))), found("meta", one("meta-prefix"))},
		{"Meta: the old header", meta("", func(in *Input) {
			in.Headers[0] = [2]string{"X-Hub-Signature", "sha1=" + hex.EncodeToString(mac(sha1.New, "app-secret-0123456789", body))}
		}), found("meta", one("meta-sha1"))},
		{"Meta: base64", meta("sha256=" + b64(mac(sha256.New, "app-secret-0123456789", body))), found("meta", one("digest-base64"))},

		{"Twilio: right", twilio(place + sortedForm), fine("twilio")},
		{"Twilio: http inside, https outside", twilio(place+sortedForm, withURL("http"+strings.TrimPrefix(place, "https"))), found("twilio", one("url-scheme", "scheme", "https"))},
		{"Twilio: https inside, http outside", twilio("http" + strings.TrimPrefix(place, "https") + sortedForm), found("twilio", one("url-scheme", "scheme", "http"))},
		{"Twilio: the port inside", twilio(place+sortedForm, withURL(strings.Replace(place, ".com/", ".com:8443/", 1))), found("twilio", one("url-port", "port", "no port"))},
		{"Twilio: the port was signed", twilio(strings.Replace(place, ".com/", ".com:443/", 1) + sortedForm), found("twilio", one("url-port", "port", "port 443"))},
		{"Twilio: a slash was added", twilio(place+sortedForm, withURL(strings.Replace(place, "twilio?", "twilio/?", 1))), found("twilio", one("url-slash", "what", "without a slash at the end"))},
		{"Twilio: a slash was lost", twilio(strings.Replace(place, "twilio?", "twilio/?", 1) + sortedForm), found("twilio", one("url-slash", "what", "with a slash at the end"))},
		{"Twilio: the query in another order", twilio(place+sortedForm, withURL("https://hooks.example.com/twilio?b=two%20words&a=1")), found("twilio", one("url-query-order"))},
		{"Twilio: a query was added", twilio("https://hooks.example.com/twilio" + sortedForm), found("twilio", one("url-query-added"))},
		{"Twilio: the query was decoded", twilio("https://hooks.example.com/twilio?a=1&b=two words" + sortedForm), found("twilio", one("url-query-decoded"))},
		{"Twilio: the host inside", twilio(place+sortedForm, withURL("https://10.0.0.7/twilio?a=1&b=two%20words"), func(in *Input) {
			in.Headers = append(in.Headers, [2]string{"X-Forwarded-Host", "hooks.example.com"})
		}), found("twilio", one("url-host", "host", "hooks.example.com"))},
		{"Twilio: all of what a proxy does", twilio(place+sortedForm, withURL("http://10.0.0.7:3000/twilio?a=1&b=two%20words"), func(in *Input) { in.Hosts = []string{"hooks.example.com"} }),
			found("twilio", one("url-scheme", "scheme", "https"), one("url-host", "host", "hooks.example.com"), one("url-port", "port", "no port"))},
		{"Twilio: parameters as they arrived", twilio(place + "To+254700000001From+254711223344BodyHello thereEmpty"), found("twilio", one("form-order"))},
		{"Twilio: parameters not decoded", twilio(place + "BodyHello+thereEmptyFrom%2B254711223344To%2B254700000001"), found("twilio", one("form-encoded"))},
		{"Twilio: empty parameters dropped", twilio(place + "BodyHello thereFrom+254711223344To+254700000001"), found("twilio", one("form-blank"))},
		{"Twilio: parameters left out", twilio(place), found("twilio", one("form-left-out"))},
		{"Twilio: the raw body", twilio(place + form), found("twilio", one("form-raw"))},
		{"Twilio: sha256", twilio("", func(in *Input) { in.Headers[0][1] = b64(mac(sha256.New, authToken, place+sortedForm)) }), found("twilio", one("digest-sha256"))},
		{"Twilio: hex", twilio("", func(in *Input) { in.Headers[0][1] = hex.EncodeToString(mac(sha1.New, authToken, place+sortedForm)) }), found("twilio", one("digest-hex"))},
		{"Twilio: no URL", twilio(place+sortedForm, withURL("")), found("twilio", one("url-missing"))},
	}
	sum := sha256.Sum256([]byte(body))
	hashed := "https://hooks.example.com/twilio?bodySHA256=" + hex.EncodeToString(sum[:])
	list = append(list,
		vector{"Twilio: a body with its hash", twilio(hashed, withURL(hashed), withBody(body)), fine("twilio")},
		vector{"Twilio: a body without its hash", twilio(hashed, withURL(hashed), withBody(spaced)), found("twilio", one("twilio-body-hash"))},
		vector{"code: sha512 in truth", standard(ok, computed(hex.EncodeToString(mac(sha512.New, key, right(body))))), does(one("digest-sha512"))})
	return list
}

// urlish is a body whose digest has letters in which the two alphabets of base64 differ.
func urlish(key string) string {
	for b := `{"a":1}`; ; b += " " {
		if strings.ContainsAny(b64(mac(sha256.New, key, right(b))), "+/") {
			return b
		}
	}
}
