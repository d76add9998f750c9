package respond

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// The bounds of a configuration that names somebody else's server.
const (
	MaxURL         = 2048
	MaxHeaders     = 20
	MaxHeaderValue = 4096
	MaxKey         = 4096 // characters of an API key or secret
)

// maxWait is the longest time that is waited because a server asks for it: nobody waits longer for an answer in a chat.
const maxWait = 2 * time.Minute

// remote is somebody else's server that answers.
type remote struct {
	http    *safehttp.Client
	timeout time.Duration
	header  []safehttp.Field
	now     func() time.Time
}

// readURL reads the address of a server; left out, it is otherwise, and with an empty otherwise that is wrong.
func readURL(f *fields, name, otherwise string, guard *safehttp.Guard) *url.URL {
	text := f.textOr(name, MaxURL, otherwise)
	if text == "" {
		f.wrong("must be the URL of the server that answers", name)
		return nil
	}
	u, err := guard.ParseURL(text)
	switch {
	case err != nil:
		f.wrong(err.Error(), name)
	case u.User != nil:
		f.wrong("must not contain a user name or password; use headers", name)
	case u.Scheme != "https" && !guard.AllowsPlain(u.Host):
		f.wrong("must start with https://; the setting allow-networks permits http:// to the networks it names", name)
	default:
		u.Fragment = ""
		return u
	}
	return nil
}

// readHeaders reads headers to be sent with each request, by name.
func readHeaders(f *fields) []safehttp.Field {
	raw, ok := f.take("headers")
	if !ok {
		return nil
	}
	var values map[string]string
	if err := json.Unmarshal(raw, &values); err != nil {
		f.wrong("must be an object of texts", "headers")
		return nil
	}
	if len(values) > MaxHeaders {
		f.wrong("must have at most "+strconv.Itoa(MaxHeaders)+" entries", "headers")
		return nil
	}
	var out []safehttp.Field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		canonical := http.CanonicalHeaderKey(name)
		switch err := safehttp.CheckHeader(name, value); {
		case err != nil:
			f.wrong(err.Error(), "headers")
		case len(value) > MaxHeaderValue:
			f.wrong("value of header "+name+" must have at most "+strconv.Itoa(MaxHeaderValue)+" bytes", "headers")
		case slices.Contains([]string{"Content-Type", "Accept", "Accept-Encoding", "User-Agent"}, canonical), strings.HasPrefix(canonical, "Webhook-"):
			f.wrong("header "+name+" is set by the server", "headers")
		default:
			out = append(out, safehttp.Field{Name: name, Value: value})
		}
	}
	return out
}

// readRemote reads what all responders have that are somebody else's servers.
func readRemote(f *fields, s *settings, o Options) remote {
	r := remote{http: o.HTTP, timeout: s.timeout, header: readHeaders(f), now: o.Now}
	if r.timeout == 0 {
		r.timeout = DefaultTimeout
	}
	return r
}

const userAgent = "Hookswitch"

var errNoHTTP = &hookswitch.ResponderError{Message: "calls to other servers are switched off", Permanent: true}

// callError is the failure of a call that brought no answer. Whether the server has seen the turn does not matter: only the answer that arrives counts.
func callError(err error) error {
	var e *safehttp.Error
	if !errors.As(err, &e) {
		return &hookswitch.ResponderError{Message: "the call broke off", Err: err}
	}
	never := e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress
	return &hookswitch.ResponderError{Message: e.Error(), Permanent: never, Err: err}
}

// refusal is the failure that a status is which brings no answer; nil: it is none.
func refusal(status int, header http.Header, now time.Time) *hookswitch.ResponderError {
	code := strconv.Itoa(status)
	switch {
	case status/100 == 2:
		return nil
	case status/100 == 3:
		return &hookswitch.ResponderError{Message: "the server answered with the redirect " + code + ", and redirects are not followed; configure the address it leads to", Permanent: true}
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status >= 500:
		e := &hookswitch.ResponderError{Message: "the server answered with status " + code, RetryAfter: retryAfter(header.Get("Retry-After"), now)}
		if e.RetryAfter > maxWait {
			e.Permanent = true
		}
		return e
	}
	return &hookswitch.ResponderError{Message: "the server refused with status " + code, Permanent: true}
}

// retryAfter reads the header of that name: seconds or a date. Anything else asks for nothing.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if seconds > 0 && seconds < 1e6 {
			return time.Duration(seconds * float64(time.Second))
		}
		if seconds >= 1e6 {
			return 1e6 * time.Second
		}
		return 0
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// tidy makes foreign text fit to be sent: valid UTF-8, lines that end with a line feed, no other control characters.
func tidy(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// tokens estimates how many tokens of a model a text is, rather too many: four letters of the Latin script make about one, and a character of another script up to one.
func tokens(text string) int {
	ascii := 0
	other := 0
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r < utf8.RuneSelf {
			ascii++
		} else {
			other++
		}
		i += size
	}
	return (ascii+3)/4 + other
}
