package x

import (
	"cmp"
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// problem is what the API answers in place of a result: a problem of its own kind or, from older parts of it, a list of errors with numbers.
// https://docs.x.com/x-api/fundamentals/response-codes-and-errors
type problem struct {
	Type   text     `json:"type"`
	Title  text     `json:"title"`
	Detail text     `json:"detail"`
	Errors failures `json:"errors"`
}

// failures are errors of any form; those that cannot be read are empty.
type failures []failure

type failure struct {
	Code    text `json:"code"`
	Message text `json:"message"`
	Detail  text `json:"detail"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *failures) UnmarshalJSON(raw []byte) error {
	_ = json.Unmarshal(raw, (*[]failure)(f))
	return nil
}

// The categories of failures.
const (
	categoryAuth      = "auth"       // the token, or what it may do
	categoryPermanent = "permanent"  // the message itself
	categoryPolicy    = "policy"     // X will not carry it
	categoryRateLimit = "rate_limit" // too much at once
	categoryRecipient = "recipient"  // the person cannot be reached
	categoryTemporary = "temporary"  // X's own trouble
)

// Codes of the older errors, and kinds of problems, by what they mean. What a refusal is about X tells in words more often than by these.
var categories = map[string]string{
	"32": categoryAuth, "64": categoryAuth, "89": categoryAuth, "93": categoryAuth, codeClock: categoryAuth, "215": categoryAuth, "326": categoryAuth,
	"client-forbidden": categoryAuth, "client-not-enrolled": categoryAuth, "unsupported-authentication": categoryAuth,
	"oauth1-permissions": categoryAuth, "disallowed-resource": categoryAuth,
	"34": categoryRecipient, "50": categoryRecipient, "108": categoryRecipient, "150": categoryRecipient, "151": categoryRecipient, "349": categoryRecipient,
	"resource-not-found": categoryRecipient,
	"187":                categoryPolicy, "226": categoryPolicy, "261": categoryPolicy, "344": categoryPolicy, "433": categoryPolicy, "usage-capped": categoryPolicy,
}

// codeClock says that the call was signed at a time which X does not take: it is our clock that is wrong, and not the token.
const codeClock = "135"

// phrases tell the refusals that have no code of their own apart, in lower case.
var phrases = []struct{ words, code, category string }{
	{"dm one or more participants", "recipient_refuses", categoryRecipient},
	{"cannot send messages to this user", "recipient_refuses", categoryRecipient},
	{"duplicate content", "duplicate_content", categoryPolicy},
	{"deleted or not visible", "post_gone", categoryRecipient},
	{"not allowed to create a tweet with duplicate", "duplicate_content", categoryPolicy},
	{"reply to this conversation is not allowed", "reply_not_allowed", categoryPolicy},
	{"text is too long", codeTooLong, categoryPermanent},
	{"needs to be a bit shorter", codeTooLong, categoryPermanent},
}

// code is the word or number by which X tells the kind of a failure, or "".
func (p *problem) code() string {
	if len(p.Errors) > 0 && p.Errors[0].Code != "" {
		return string(p.Errors[0].Code)
	}
	if p.Type == "" || p.Type == "about:blank" {
		return ""
	}
	return path.Base(string(p.Type))
}

// sentence is all that X says.
func (p *problem) sentence() string {
	said := cmp.Or(p.Detail, p.Title)
	if len(p.Errors) > 0 {
		switch more := cmp.Or(p.Errors[0].Message, p.Errors[0].Detail); {
		case said == "":
			said = more
		case more != "" && !strings.Contains(string(said), string(more)):
			said += ": " + more
		}
	}
	return bounded(string(said))
}

// failure says what a refusal means for the message.
func (p *problem) failure(resp *safehttp.Response, now time.Time) *hookswitch.SendError {
	fail := &hookswitch.SendError{
		Code: cmp.Or(p.code(), "http_"+strconv.Itoa(resp.Status)), Category: categoryPermanent,
		Message: cmp.Or(p.sentence(), "x refused the message without saying why"),
	}
	said := strings.ToLower(string(p.Title) + "\n" + fail.Message)
	for _, phrase := range phrases {
		if strings.Contains(said, phrase.words) {
			fail.Code, fail.Category = phrase.code, phrase.category
			return fail
		}
	}
	if category, known := categories[fail.Code]; known {
		fail.Category, fail.Revoked = category, resp.Status == http.StatusUnauthorized && fail.Code != codeClock
		return fail
	}
	switch {
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.Account, fail.RetryAfter = categoryRateLimit, true, true, wait(resp.Header, now)
	case resp.Status == http.StatusServiceUnavailable: // documented: too busy, to be tried again
		fail.Category, fail.Temporary, fail.RetryAfter = categoryTemporary, true, wait(resp.Header, now)
	case resp.Status >= 500:
		fail.Category, fail.Unknown = categoryTemporary, true
	case resp.Status == http.StatusUnauthorized:
		fail.Category, fail.Revoked = categoryAuth, true
	case resp.Status == http.StatusForbidden:
		fail.Category = categoryPolicy
	}
	return fail
}

// wait is how long X asks to be left alone: until the windows that are used up begin anew, of 15 minutes and of a day, but no longer than a day.
// https://docs.x.com/x-api/fundamentals/rate-limits
func wait(h http.Header, now time.Time) time.Duration {
	var until time.Duration
	for _, window := range []string{"X-Rate-Limit", "X-User-Limit-24hour", "X-App-Limit-24hour"} {
		at, err := strconv.ParseInt(h.Get(window+"-Reset"), 10, 64)
		if err != nil || at <= now.Unix() || window != "X-Rate-Limit" && h.Get(window+"-Remaining") != "0" {
			continue
		}
		until = max(until, time.Duration(min(at-now.Unix(), 24*3600))*time.Second)
	}
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds > 0 {
		until = max(until, time.Duration(min(seconds, 24*3600))*time.Second)
	}
	return until
}

// bounded keeps what people read of a stranger's text.
func bounded(s string) string {
	const most = 500
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
