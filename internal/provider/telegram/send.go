package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Codes of failures. An answer of Telegram's that none of them fits has its error_code, one that is not Telegram's "http_" and its status.
const (
	codeNoProvider   = "no_provider"       // credentials or settings are missing
	codeUnsupported  = "unsupported_type"  // nothing here sends such a message
	codeInvalid      = "invalid_content"   // the message cannot be put into Telegram's form
	codeTooLong      = "text_too_long"     // to be split by the caller
	codeBadRecipient = "invalid_recipient" // no chat has such a name
	codeBadAnswer    = "bad_answer"        // taken, it seems, but under no id
	codeNoAnswer     = "no_answer"         // the request may have arrived
)

// Send makes one call. Telegram tells nothing about a message later: what it has taken counts as sent.
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	k, fail := newCall(out)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	body, err := k.encode()
	if err != nil {
		return hookswitch.Accepted{}, &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the message cannot be written as JSON", Err: err}
	}
	resp, fail := p.post(ctx, out.Route.Credentials, k.method, body)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return accepted(k, resp)
}

// refused is a failure that no repetition cures, found before anything was sent.
func refused(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

// post calls a method of the bot.
// https://core.telegram.org/bots/api#making-requests
func (p *Provider) post(ctx context.Context, c hookswitch.Credentials, method string, body []byte) (*safehttp.Response, *hookswitch.SendError) {
	token := c.First(credBotToken)
	switch {
	case p.http == nil:
		return nil, refused(codeNoProvider, categoryAuth, "sending is switched off")
	case token == "":
		return nil, refused(codeNoProvider, categoryAuth, "the sender has no "+credBotToken)
	}
	target, err := url.Parse(p.base + "/bot" + url.PathEscape(token) + "/" + method)
	if err != nil { // whose text shows the URL, and with it the token
		return nil, refused(codeNoProvider, categoryAuth, "the base URL of telegram is not a URL")
	}
	resp, err := p.http.Do(ctx, &safehttp.Request{
		Method: http.MethodPost,
		URL:    target,
		Header: []safehttp.Field{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Accept", Value: "application/json"},
		},
		Body: body,
		Once: true, // the Bot API knows no idempotency key
	})
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
			Code: codeNoAnswer, Category: categoryTemporary, Message: "telegram may have taken the message, but has not answered", Unknown: true, Err: err,
		}
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// accepted is the message of an answer that brings one.
func accepted(k *call, resp *safehttp.Response) (hookswitch.Accepted, error) {
	a, fail := readAnswer(resp)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	if k.method == "setMessageReaction" { // which is no message, and has no id
		return hookswitch.Accepted{Sent: true}, nil
	}
	var m struct {
		ID   text `json:"message_id"`
		Chat chat `json:"chat"`
	}
	// An odd result leaves the ids empty.
	_ = json.Unmarshal(a.Result, &m)
	if m.ID == "" || m.Chat.ID == "" {
		return hookswitch.Accepted{}, &hookswitch.SendError{
			Code: codeBadAnswer, Category: categoryTemporary, Message: "telegram answered without naming the message", Unknown: true,
		}
	}
	return hookswitch.Accepted{ProviderID: providerID(m.Chat.ID, m.ID), Sent: true}, nil
}

// readAnswer is an answer that says ok. Any other is a failure, told by its error_code and, where that does not tell enough, by its words.
func readAnswer(resp *safehttp.Response) (*answer, *hookswitch.SendError) {
	a := &answer{}
	// An answer that is no JSON, or cut off, leaves everything empty.
	_ = json.Unmarshal(resp.Body, a)
	success := resp.Status/100 == 2
	switch {
	case success && a.OK == "true":
		return a, nil
	case a.OK == "false" && a.Code != "":
		return nil, a.failure()
	}
	fail := &hookswitch.SendError{
		Code: "http_" + strconv.Itoa(resp.Status), Category: categoryPermanent, Message: "telegram refused the call without saying why",
	}
	switch {
	case success:
		fail.Code, fail.Category, fail.Unknown = codeBadAnswer, categoryTemporary, true
		fail.Message = "telegram answered, but not as the Bot API does"
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.Message = categoryRateLimit, true, "telegram is being called too often"
		fail.RetryAfter = seconds(text(resp.Header.Get("Retry-After")))
	case resp.Status >= 500:
		fail.Category, fail.Unknown, fail.Message = categoryTemporary, true, "telegram failed without saying whether it took the message"
	}
	return nil, fail
}
