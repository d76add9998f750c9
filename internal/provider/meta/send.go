package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	write := whatsAppBody
	switch out.Route.Channel {
	case hookswitch.WhatsApp:
	case hookswitch.Messenger, hookswitch.Instagram:
		write = directBody
	default:
		return hookswitch.Accepted{}, refused(codeUnsupported, categoryPermanent, "messages on "+string(out.Route.Channel)+" cannot be sent")
	}
	body, fail := write(out)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	a, fail := p.post(ctx, out.Route, body)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return a.accepted(out)
}

// Attend marks a message as read, or shows that an answer to it is being written. On WhatsApp the second does the first, too.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/typing-indicators
// https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages/sender-actions
func (p *Provider) Attend(ctx context.Context, r *hookswitch.Route, m *hookswitch.Message, typing bool) error {
	var body any
	switch r.Channel {
	case hookswitch.WhatsApp:
		if m.ProviderID == "" {
			return invalid("only a received message can be marked as read")
		}
		note := outRead{Product: "whatsapp", Status: "read", MessageID: m.ProviderID}
		if typing {
			note.Typing = &outTyping{Type: "text"}
		}
		body = note
	case hookswitch.Messenger, hookswitch.Instagram:
		to := &outDirect{Action: "mark_seen"}
		if typing {
			to.Action = "typing_on"
		}
		if fail := to.address(m.From); fail != nil {
			return fail
		}
		body = to
	default:
		return refused(codeUnsupported, categoryPermanent, "nothing can be shown to people on "+string(r.Channel))
	}
	data, fail := encode(body)
	if fail != nil {
		return fail
	}
	a, fail := p.post(ctx, r, data)
	if fail != nil {
		return fail
	}
	if a.fail != nil {
		return a.fail
	}
	return nil
}

// outRead marks a received message as read.
type outRead struct {
	Product   string     `json:"messaging_product"`
	Status    string     `json:"status"`
	MessageID string     `json:"message_id"`
	Typing    *outTyping `json:"typing_indicator,omitempty"`
}

type outTyping struct {
	Type string `json:"type"`
}

// refused is a failure that no repetition cures, found before anything was sent.
func refused(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

// node is what sends over a Route of Messenger or Instagram: a page or an account.
type node struct {
	url string
	own bool // an account that has logged in at Instagram itself, with a host of its own
}

// node is the page or account of r. One that is not named is the token's own.
func (p *Provider) node(r *hookswitch.Route) node {
	page := r.Credentials.First(credPage)
	// Tokens of accounts that log in at Instagram itself begin so; those of pages begin with EAA.
	if r.Channel == hookswitch.Instagram && page == "" && strings.HasPrefix(r.Credentials.First(credAccessToken), "IG") {
		return node{p.instagram + "/" + url.PathEscape(cmp.Or(r.Credentials.First(credInstagram), "me")), true}
	}
	return node{p.base + "/" + url.PathEscape(cmp.Or(page, "me")), false}
}

// target is the URL whose POST sends over r: the messages of a number, page or account.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
// https://developers.facebook.com/docs/messenger-platform/reference/send-api
// https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api
func (p *Provider) target(r *hookswitch.Route) (*url.URL, *hookswitch.SendError) {
	at := p.node(r).url
	if r.Channel == hookswitch.WhatsApp {
		phone := r.Credentials.First(credPhone)
		if phone == "" {
			return nil, refused(codeNoProvider, categoryAuth, "the sender has no "+credPhone)
		}
		at = p.base + "/" + url.PathEscape(phone)
	}
	target, err := url.Parse(at + "/messages")
	if err != nil {
		return nil, &hookswitch.SendError{Code: codeNoProvider, Category: categoryAuth, Message: "the base URL of meta is not a URL", Err: err}
	}
	return target, nil
}

// post makes one call that sends over r, or shows something to a person. The error is that of a call which has not been made, or has no answer.
func (p *Provider) post(ctx context.Context, r *hookswitch.Route, body []byte) (answer, *hookswitch.SendError) {
	if fail := p.callable(r.Credentials); fail != nil {
		return answer{}, fail
	}
	target, fail := p.target(r)
	if fail != nil {
		return answer{}, fail
	}
	resp, fail := p.call(ctx, r.Credentials, http.MethodPost, target, body)
	if fail != nil {
		return answer{}, fail
	}
	return readAnswer(resp, r.Channel != hookswitch.WhatsApp), nil
}

// callable says what is missing for any call.
func (p *Provider) callable(c hookswitch.Credentials) *hookswitch.SendError {
	switch {
	case p.http == nil:
		return refused(codeNoProvider, categoryAuth, "sending is switched off")
	case c.First(credAccessToken) == "":
		return refused(codeNoProvider, categoryAuth, "the sender has no "+credAccessToken)
	}
	return nil
}

// call makes one call of the Graph API, which knows no idempotency key.
func (p *Provider) call(ctx context.Context, c hookswitch.Credentials, method string, target *url.URL, body []byte) (*safehttp.Response, *hookswitch.SendError) {
	if fail := p.callable(c); fail != nil {
		return nil, fail
	}
	r := &safehttp.Request{
		Method: method,
		URL:    target,
		Header: []safehttp.Field{
			{Name: "Authorization", Value: "Bearer " + c.First(credAccessToken)},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Accept", Value: "application/json"},
		},
		Body: body,
		Once: true,
	}
	if body == nil {
		r.Header = slices.Delete(r.Header, 1, 2)
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
			Code: codeNoAnswer, Category: categoryTemporary, Message: "meta may have taken the message, but has not answered", Unknown: true, Err: err,
		}
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// answer is what the Graph API says to a call: fail, or the id of a message, which calls that send none have not.
type answer struct {
	id   string
	fail *hookswitch.SendError
}

// accepted is the answer to the call that sent out. On Messenger and Instagram nothing tells later that a message has been sent: the answer does.
func (a answer) accepted(out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	whatsApp := out.Route.Channel == hookswitch.WhatsApp
	switch {
	case a.fail != nil:
		return hookswitch.Accepted{}, a.fail
	case a.id == "" && (whatsApp || out.Message.Type != "reaction"): // a reaction is no message there
		return hookswitch.Accepted{}, &hookswitch.SendError{
			Code: codeBadAnswer, Category: categoryTemporary, Unknown: true, Message: "meta answered without naming the message",
		}
	}
	return hookswitch.Accepted{ProviderID: a.id, Sent: !whatsApp}, nil
}

// readAnswer decides what an answer means: by the error code, and by the status only where there is none.
func readAnswer(resp *safehttp.Response, direct bool) answer {
	var body struct {
		Messages []struct {
			ID text `json:"id"`
		} `json:"messages"`
		MessageID text        `json:"message_id"`
		Error     *graphError `json:"error"`
	}
	// An answer that is no JSON, or cut off, leaves everything empty; odd members leave the rest.
	_ = json.Unmarshal(resp.Body, &body)
	if e := body.Error; e != nil && e.Code != "" {
		v := e.verdict(direct)
		return answer{fail: &hookswitch.SendError{
			Code: string(e.Code), Category: v.category, Message: e.sentence(),
			Temporary: v.temporary, RetryAfter: retryAfter(resp, v), Tries: v.tries, Account: v.account, Revoked: v.revoked,
		}}
	}
	if resp.Status/100 == 2 {
		if len(body.Messages) > 0 {
			body.MessageID = body.Messages[0].ID
		}
		return answer{id: string(body.MessageID)}
	}
	fail := refused("http_"+strconv.Itoa(resp.Status), categoryPermanent, "meta refused the message without saying why")
	if body.Error != nil {
		fail.Message = cmp.Or(body.Error.sentence(), fail.Message)
	}
	switch {
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.Account, fail.Message = categoryRateLimit, true, true, "meta is being called too often"
		fail.RetryAfter = retryAfter(resp, verdict{})
	case resp.Status == http.StatusUnauthorized, resp.Status == http.StatusForbidden:
		fail.Category = categoryAuth
	case resp.Status >= 500:
		fail.Category, fail.Unknown, fail.Message = categoryTemporary, true, "meta failed without saying whether it took the message"
	}
	return answer{fail: fail}
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
