package meta

import (
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

// Codes of failures that are not Meta's. An answer without an error of Meta's has "http_" and its status.
const (
	codeNoProvider   = "no_provider"       // credentials or settings are missing
	codeUnsupported  = "unsupported_type"  // nothing here sends such a message
	codeInvalid      = "invalid_content"   // the message cannot be put into Meta's form
	codeTooLong      = "text_too_long"     // to be split by the caller
	codeBadRecipient = "invalid_recipient" // neither a number nor a user id
	codeBadAnswer    = "bad_answer"        // taken, it seems, but under no id
	codeNoAnswer     = "no_answer"         // the request may have arrived
)

// Send makes one call. The channel decides which.
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	if out.Route.Channel != hookswitch.WhatsApp {
		return hookswitch.Accepted{}, refused(codeUnsupported, categoryPermanent, "messages on "+string(out.Route.Channel)+" cannot be sent")
	}
	body, fail := whatsAppBody(out)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return p.post(ctx, out.Route.Credentials.First(credPhone), out.Route.Credentials.First(credAccessToken), body)
}

// refused is a failure that no repetition cures, found before anything was sent.
func refused(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

// post sends body to the messages of node, which is a phone number, page or account.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
func (p *Provider) post(ctx context.Context, node, token string, body []byte) (hookswitch.Accepted, error) {
	switch {
	case p.http == nil:
		return hookswitch.Accepted{}, refused(codeNoProvider, categoryAuth, "sending is switched off")
	case node == "":
		return hookswitch.Accepted{}, refused(codeNoProvider, categoryAuth, "the sender has no "+credPhone)
	case token == "":
		return hookswitch.Accepted{}, refused(codeNoProvider, categoryAuth, "the sender has no "+credAccessToken)
	}
	target, err := url.Parse(p.base + "/" + url.PathEscape(node) + "/messages")
	if err != nil {
		return hookswitch.Accepted{}, &hookswitch.SendError{
			Code: codeNoProvider, Category: categoryAuth, Message: "the base URL of meta is not a URL", Err: err,
		}
	}
	resp, err := p.http.Do(ctx, &safehttp.Request{
		Method: http.MethodPost,
		URL:    target,
		Header: []safehttp.Field{
			{Name: "Authorization", Value: "Bearer " + token},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Accept", Value: "application/json"},
		},
		Body: body,
		Once: true, // the Graph API knows no idempotency key
	})
	if err != nil {
		return hookswitch.Accepted{}, callError(err)
	}
	return readAnswer(resp)
}

// callError tells a call that has not been made from one whose answer is missing.
func callError(err error) *hookswitch.SendError {
	var e *safehttp.Error
	if !errors.As(err, &e) || e.Written {
		return &hookswitch.SendError{
			Code: codeNoAnswer, Category: categoryTemporary, Message: "meta may have taken the message, but has not answered", Unknown: true, Err: err,
		}
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// readAnswer decides what an answer means: by the error code, and by the status only where there is none.
func readAnswer(resp *safehttp.Response) (hookswitch.Accepted, error) {
	var answer struct {
		Messages []struct {
			ID text `json:"id"`
		} `json:"messages"`
		Error *graphError `json:"error"`
	}
	// An answer that is no JSON, or cut off, leaves everything empty; odd members leave the rest.
	_ = json.Unmarshal(resp.Body, &answer)
	if e := answer.Error; e != nil && e.Code != "" {
		v := e.verdict()
		return hookswitch.Accepted{}, &hookswitch.SendError{
			Code: string(e.Code), Category: v.category, Message: e.sentence(),
			Temporary: v.temporary, RetryAfter: retryAfter(resp, v),
		}
	}
	ok := resp.Status/100 == 2
	if ok && len(answer.Messages) > 0 && answer.Messages[0].ID != "" {
		return hookswitch.Accepted{ProviderID: string(answer.Messages[0].ID)}, nil
	}
	fail := &hookswitch.SendError{
		Code: "http_" + strconv.Itoa(resp.Status), Category: categoryPermanent, Message: "meta refused the message without saying why",
	}
	if answer.Error != nil {
		fail.Message = cmp.Or(answer.Error.sentence(), fail.Message)
	}
	switch {
	case ok:
		fail.Code, fail.Category, fail.Unknown = codeBadAnswer, categoryTemporary, true
		fail.Message = "meta answered without naming the message"
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.Message = categoryRateLimit, true, "meta is being called too often"
		fail.RetryAfter = retryAfter(resp, verdict{})
	case resp.Status == http.StatusUnauthorized, resp.Status == http.StatusForbidden:
		fail.Category = categoryAuth
	case resp.Status >= 500:
		fail.Category, fail.Unknown, fail.Message = categoryTemporary, true, "meta failed without saying whether it took the message"
	}
	return hookswitch.Accepted{}, fail
}

// retryAfter is the longer of what the code demands and what the answer asks for, up to an hour. Only calls that may be repeated wait.
func retryAfter(resp *safehttp.Response, v verdict) time.Duration {
	if v.category != "" && !v.temporary {
		return 0
	}
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return v.wait
	}
	return max(v.wait, time.Duration(min(seconds, 3600))*time.Second)
}
