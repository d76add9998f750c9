package twilio

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Codes of failures that are not Twilio's. An answer without a code of Twilio's has "http_" and its status.
const (
	codeNoProvider   = "no_provider"       // credentials or settings are missing
	codeUnsupported  = "unsupported_type"  // Twilio cannot send such a message
	codeInvalid      = "invalid_content"   // the message cannot be put into Twilio's form
	codeTooLong      = "text_too_long"     // to be split by the caller
	codeBadRecipient = "invalid_recipient" // no number
	codeBadAnswer    = "bad_answer"        // taken, it seems, but under no id
	codeNoAnswer     = "no_answer"         // the request may have arrived
)

// Send makes one call, which sends an SMS, an MMS or a WhatsApp message. Twilio knows no idempotency key.
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	if ch := out.Route.Channel; ch != hookswitch.SMS && ch != hookswitch.WhatsApp {
		return hookswitch.Accepted{}, refused(codeUnsupported, categoryPermanent, "messages on "+string(ch)+" cannot be sent over Twilio")
	}
	form, fail := p.messageForm(out)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	accepted, err := p.post(ctx, out.Route.Credentials, form)
	accepted.Sent = err == nil && !form.Has("StatusCallback") // nothing more is heard
	return accepted, err
}

// refused is a failure that no repetition cures, found before anything was sent.
func refused(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

// post makes a message of the account of c.
func (p *Provider) post(ctx context.Context, c hookswitch.Credentials, form url.Values) (hookswitch.Accepted, error) {
	resp, fail := p.call(ctx, c, http.MethodPost, "/Messages.json", "", form)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return readAnswer(resp)
}

// call makes one call about the account of c, whose path goes on behind the account. The error is that of a call which has not been made, or has no answer.
func (p *Provider) call(ctx context.Context, c hookswitch.Credentials, method, path, query string, form url.Values) (*safehttp.Response, *hookswitch.SendError) {
	account := c.First(credAccount)
	user, password := c.First(credKey), c.First(credKeySecret)
	if user == "" || password == "" {
		user, password = account, c.First(credToken)
	}
	switch {
	case p.http == nil:
		return nil, refused(codeNoProvider, categoryAuth, "sending is switched off")
	case account == "":
		return nil, refused(codeNoProvider, categoryAuth, "the sender has no "+credAccount)
	case password == "":
		return nil, refused(codeNoProvider, categoryAuth, "the sender has neither an "+credToken+" nor an "+credKey+" with its "+credKeySecret)
	}
	target, err := url.Parse(p.base + "/2010-04-01/Accounts/" + url.PathEscape(account) + path)
	if err != nil {
		return nil, &hookswitch.SendError{
			Code: codeNoProvider, Category: categoryAuth, Message: "the base URL of twilio is not a URL", Err: err,
		}
	}
	target.RawQuery = query
	r := &safehttp.Request{
		Method: method,
		URL:    target,
		Header: []safehttp.Field{
			{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))},
			{Name: "Accept", Value: "application/json"},
		},
		Once: true,
	}
	if method == http.MethodPost {
		r.Header = slices.Insert(r.Header, 1, safehttp.Field{Name: "Content-Type", Value: "application/x-www-form-urlencoded"})
		r.Body = []byte(form.Encode())
	}
	resp, err := p.http.Do(ctx, r)
	if err != nil {
		return nil, callError(err)
	}
	return resp, nil
}

// callError tells a call that has not been made from one whose answer is missing.
func callError(err error) *hookswitch.SendError {
	var e *safehttp.Error
	if !errors.As(err, &e) || e.Written {
		return &hookswitch.SendError{
			Code: codeNoAnswer, Category: categoryTemporary, Message: "Twilio may have taken the message, but has not answered", Unknown: true, Err: err,
		}
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// queueWait is how long a number must not send after its queue was full.
const queueWait = time.Minute

// answer is what the API says: of a message that it took, or why it did not.
type answer struct {
	SID          string      `json:"sid"`
	Status       any         `json:"status"` // a word for a message, a number for an error
	Code         json.Number `json:"code"`
	Message      string      `json:"message"`
	ErrorCode    json.Number `json:"error_code"`
	ErrorMessage string      `json:"error_message"`
}

// readAnswer decides what an answer means: by the error code, and by the status only where there is none.
// https://www.twilio.com/docs/usage/twilios-response
func readAnswer(resp *safehttp.Response) (hookswitch.Accepted, error) {
	var a answer
	// An answer that is no JSON, or cut off, leaves everything empty; odd members leave the rest.
	_ = json.Unmarshal(resp.Body, &a)
	ok := resp.Status/100 == 2
	if word, _ := a.Status.(string); ok && (word == "failed" || word == "undelivered") && a.ErrorCode != "" {
		a.Code, a.Message = a.ErrorCode, a.ErrorMessage
	} else if ok && a.SID != "" {
		return hookswitch.Accepted{ProviderID: a.SID}, nil
	}
	code := string(a.Code)
	v := verdictOf(code)
	fail := &hookswitch.SendError{Code: code, Category: v.category, Message: bounded(a.Message), OptedOut: code == codeOptedOut}
	if fail.Message == "" {
		fail.Message = v.sentence
	}
	switch {
	case resp.Status >= 500: // whatever it says: Twilio does not know itself
		fail.Category, fail.Unknown = categoryTemporary, true
		if code == "" {
			fail.Message = "Twilio failed without saying whether it took the message"
		}
	case ok && code == "":
		fail.Code, fail.Category, fail.Unknown = codeBadAnswer, categoryTemporary, true
		fail.Message = "Twilio answered without naming the message"
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.Account, fail.RetryAfter = categoryRateLimit, true, true, retryAfter(resp)
		if code == "" {
			fail.Message = "Twilio is being called too often"
		}
	case code == "21611":
		fail.Temporary, fail.RetryAfter = true, max(queueWait, retryAfter(resp))
	case code == "":
		fail.Message = "Twilio refused the message without saying why"
		if resp.Status == http.StatusUnauthorized || resp.Status == http.StatusForbidden {
			fail.Category = categoryAuth
		}
	default: // of a message that was not made; a code that may pass by itself allows another try
		fail.Temporary = v.temporary && v.category != categoryRecipient
		if fail.Temporary {
			fail.RetryAfter = retryAfter(resp)
		}
	}
	if fail.Code == "" {
		fail.Code = "http_" + strconv.Itoa(resp.Status)
	}
	return hookswitch.Accepted{}, fail
}

// retryAfter is what the answer asks for, up to an hour.
func retryAfter(resp *safehttp.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
