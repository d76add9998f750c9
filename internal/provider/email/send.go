package email

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Codes of failures that are not a service's. An answer without a code of the service's has "http_" and its status.
const (
	codeNoProvider   = "no_provider"       // credentials or settings are missing
	codeUnsupported  = "unsupported_type"  // no mail says such a thing
	codeInvalid      = "invalid_content"   // the message cannot be made a mail
	codeBadRecipient = "invalid_recipient" // not an address
	codeBadAnswer    = "bad_answer"        // taken, it seems, but under no id
	codeNoAnswer     = "no_answer"         // the request may have arrived
)

// call is one request of a service's API. A zero method is POST.
type call struct {
	method, path, query string
	header              []safehttp.Field
	body                []byte
	keep                int
	timeout             time.Duration
}

// problem is what a service says is wrong with a call.
type problem struct {
	code, message, category string
	temporary               bool // the same call may succeed later
	permanent               bool // it will not, whatever the status suggests
	reset                   time.Time
}

// refusal is a failure that no repetition cures.
func refusal(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

func invalid(message string) *hookswitch.SendError {
	return refusal(codeInvalid, categoryPermanent, message)
}

func lacks(credential string) *hookswitch.SendError {
	return refusal(codeNoProvider, categoryAuth, "the sender has no "+credential)
}

// jsonCall is a POST of v.
func jsonCall(path string, v any, header ...safehttp.Field) (call, *hookswitch.SendError) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return call{}, &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the message cannot be written as JSON", Err: err}
	}
	header = append(header, safehttp.Field{Name: "Content-Type", Value: "application/json"}, safehttp.Field{Name: "Accept", Value: "application/json"})
	return call{path: path, header: header, body: bytes.TrimSuffix(buf.Bytes(), []byte("\n"))}, nil
}

// Send makes one call of the service's API.
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	if out.Route.Channel != hookswitch.Email {
		return hookswitch.Accepted{}, refusal(codeUnsupported, categoryPermanent, "messages on "+string(out.Route.Channel)+" cannot be sent over "+p.name())
	}
	_, fetches := p.service.(resend)
	l, fail := compose(out, fetches)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	r, fail := p.request(l, out.Route.Credentials)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	resp, err := p.do(ctx, out.Route.Credentials, r)
	if err != nil {
		return hookswitch.Accepted{}, err
	}
	if resp.Status/100 != 2 {
		return hookswitch.Accepted{}, p.failure(resp)
	}
	id, fail := p.accepted(l, resp)
	switch {
	case fail != nil:
		return hookswitch.Accepted{}, fail
	case id == "":
		return hookswitch.Accepted{}, p.doubtful(codeBadAnswer, p.name()+" answered without naming the mail", nil)
	}
	// Further news depends on whether the service was asked to push them.
	return hookswitch.Accepted{ProviderID: id, Sent: true}, nil
}

// do makes a call. The error is a *hookswitch.SendError.
func (p *Provider) do(ctx context.Context, c hookswitch.Credentials, r call) (*safehttp.Response, error) {
	if p.http == nil {
		return nil, refusal(codeNoProvider, categoryAuth, "sending is switched off")
	}
	target, err := url.Parse(cmp.Or(p.override, p.base(c)) + r.path)
	if err != nil {
		return nil, &hookswitch.SendError{Code: codeNoProvider, Category: categoryAuth, Message: "the base URL of " + p.name() + " is not a URL", Err: err}
	}
	target.RawQuery = r.query
	resp, err := p.http.Do(ctx, &safehttp.Request{
		Method: cmp.Or(r.method, http.MethodPost), URL: target, Header: r.header, Body: r.body, Keep: r.keep, Timeout: r.timeout, Once: true,
	})
	if err != nil {
		return nil, p.callError(err)
	}
	return resp, nil
}

// doubtful is a call that may have sent the mail. Where the service would notice a second one, it is made again.
func (p *Provider) doubtful(code, message string, err error) *hookswitch.SendError {
	e := &hookswitch.SendError{Code: code, Category: categoryTemporary, Message: message, Unknown: true, Err: err}
	if p.idempotent() {
		e.Unknown, e.Temporary = false, true
	}
	return e
}

// callError tells a call that has not been made from one whose answer is missing.
func (p *Provider) callError(err error) *hookswitch.SendError {
	var e *safehttp.Error
	if !errors.As(err, &e) || e.Written {
		return p.doubtful(codeNoAnswer, p.name()+" may have taken the mail, but has not answered", err)
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// failure decides what an answer that is not 2xx means: by what the service says, and by the status where it says nothing.
func (p *Provider) failure(resp *safehttp.Response) *hookswitch.SendError {
	said := p.refused(resp)
	fail := &hookswitch.SendError{
		Code: cmp.Or(said.code, "http_"+strconv.Itoa(resp.Status)), Category: said.category,
		Message:   bounded(cmp.Or(said.message, p.name()+" refused the mail without saying why")),
		Temporary: said.temporary,
	}
	switch {
	case said.temporary || said.permanent:
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary = categoryRateLimit, true
	case resp.Status == http.StatusUnauthorized, resp.Status == http.StatusForbidden:
		fail.Category = cmp.Or(fail.Category, categoryAuth)
	case resp.Status >= 500:
		doubt := p.doubtful(fail.Code, cmp.Or(said.message, p.name()+" failed without saying whether it took the mail"), nil)
		doubt.Message = bounded(doubt.Message)
		return doubt
	}
	fail.Category = cmp.Or(fail.Category, categoryPermanent)
	if fail.Temporary {
		fail.RetryAfter = retryAfter(resp, said.reset)
	}
	return fail
}

// retryAfter is what the answer asks for, up to an hour.
func retryAfter(resp *safehttp.Response, reset time.Time) time.Duration {
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 3600)) * time.Second
	}
	if reset.IsZero() {
		return 0
	}
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(0, reset.Sub(now)), time.Hour)
}

// bounded keeps what people read of a stranger's text.
func bounded(s string) string {
	short, whole := cut(s, 500)
	if whole {
		return s
	}
	return short + "…"
}
