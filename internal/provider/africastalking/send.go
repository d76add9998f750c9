package africastalking

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// maxText is how many characters an SMS may have, in all its parts.
const maxText = 1600

// Codes of failures that are not Africa's Talking's. An answer that says nothing else has "http_" and its status.
const (
	codeNoProvider   = "no_provider"       // credentials or settings are missing
	codeUnsupported  = "unsupported_type"  // nothing here sends such a message
	codeInvalid      = "invalid_content"   // the message lacks what it needs
	codeTooLong      = "text_too_long"     // to be split by the caller
	codeBadRecipient = "invalid_recipient" // not a phone number
	codeBadAnswer    = "bad_answer"        // taken, it seems, but under no id
	codeNoAnswer     = "no_answer"         // the request may have arrived
)

// sandbox is the username of every test app, which has an API of its own.
const sandbox = "sandbox"

// Send sends one SMS. Answers in sessions and calls are given by Say, and nothing else can be sent there.
// https://developers.africastalking.com/docs/sms/sending/bulk
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	if ch := out.Route.Channel; ch != hookswitch.SMS {
		return hookswitch.Accepted{}, refused(codeUnsupported, categoryPermanent, "messages on "+string(ch)+" cannot be sent, only answered")
	}
	form, fail := formOf(out)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return p.post(ctx, out.Route.Credentials, form)
}

// refused is a failure that no repetition cures, found before anything was sent.
func refused(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

// formOf is the body of the call that sends out.
func formOf(out *hookswitch.Outgoing) (url.Values, *hookswitch.SendError) {
	m, c := out.Message, out.Route.Credentials
	switch {
	case m.Type != "" && m.Type != "text" && m.Type != "template":
		return nil, refused(codeUnsupported, categoryPermanent, "an SMS carries text only; messages of type "+m.Type+" cannot be sent on sms")
	case strings.TrimSpace(m.Text) == "":
		return nil, refused(codeInvalid, categoryPermanent, "an SMS needs a text")
	case hookswitch.CheckPhone(m.To) != "":
		return nil, refused(codeBadRecipient, categoryRecipient, "the recipient is not a phone number in E.164 form")
	}
	if n := utf8.RuneCountInString(m.Text); n > maxText {
		return nil, refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text has %d characters, an SMS takes at most %d", n, maxText))
	}
	form := url.Values{"username": {c.First(credUsername)}, "to": {m.To}, "message": {m.Text}, "bulkSMSMode": {"1"}}
	if from := c.First(credShortCode); from != "" {
		form.Set("from", from)
	}
	if keyword := c.First(credKeyword); keyword != "" { // the recipient pays
		form.Set("bulkSMSMode", "0")
		form.Set("keyword", keyword)
	}
	if link := linkOf(out.Answers); link != "" {
		form.Set("linkId", link)
	}
	return form, nil
}

// linkOf is the linkId of a received message, by which an answer on a premium short code is known as one.
func linkOf(m *hookswitch.Message) string {
	var content struct {
		LinkID string `json:"linkId"`
	}
	if m == nil || len(m.Content) == 0 || json.Unmarshal(m.Content, &content) != nil {
		return ""
	}
	return content.LinkID
}

func (p *Provider) post(ctx context.Context, c hookswitch.Credentials, form url.Values) (hookswitch.Accepted, error) {
	key := c.First(credAPIKey)
	switch {
	case p.http == nil:
		return hookswitch.Accepted{}, refused(codeNoProvider, categoryAuth, "sending is switched off")
	case form.Get("username") == "":
		return hookswitch.Accepted{}, refused(codeNoProvider, categoryAuth, "the sender has no "+credUsername)
	case key == "":
		return hookswitch.Accepted{}, refused(codeNoProvider, categoryAuth, "the sender has no "+credAPIKey)
	}
	target, err := url.Parse(p.address(form) + "/version1/messaging")
	if err != nil {
		return hookswitch.Accepted{}, &hookswitch.SendError{
			Code: codeNoProvider, Category: categoryAuth, Message: "the base URL of africastalking is not a URL", Err: err,
		}
	}
	resp, err := p.http.Do(ctx, &safehttp.Request{
		Method: http.MethodPost,
		URL:    target,
		Header: []safehttp.Field{
			{Name: "apiKey", Value: key},
			{Name: "Content-Type", Value: "application/x-www-form-urlencoded"},
			{Name: "Accept", Value: "application/json"},
		},
		Body: []byte(form.Encode()),
		Once: true, // the API knows no idempotency key
	})
	if err != nil {
		return hookswitch.Accepted{}, callError(err)
	}
	return readAnswer(resp)
}

// address is where form is to be sent.
func (p *Provider) address(form url.Values) string {
	switch {
	case p.base != "":
		return p.base
	case form.Get("username") == sandbox:
		return "https://api.sandbox.africastalking.com"
	case form.Has("keyword"):
		return "https://content.africastalking.com"
	}
	return "https://api.africastalking.com"
}

// callError tells a call that has not been made from one whose answer is missing.
func callError(err error) *hookswitch.SendError {
	var e *safehttp.Error
	if !errors.As(err, &e) || e.Written {
		return &hookswitch.SendError{
			Code: codeNoAnswer, Category: categoryTemporary, Message: "africastalking may have taken the message, but has not answered", Unknown: true, Err: err,
		}
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// scalar is a JSON text, or a number as it is written: the API writes numbers as either. Anything else reads as "".
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	*s = ""
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, (*string)(s))
	case '{', '[', 'n', 't', 'f':
	default:
		*s = scalar(raw)
	}
	return nil
}

type recipient struct {
	StatusCode scalar `json:"statusCode"`
	Status     scalar `json:"status"`
	MessageID  scalar `json:"messageId"`
}

// readAnswer decides what an answer means. Its status is 201 for failures too: the code of the recipient decides or, where there is none, the word in place
// of a summary.
func readAnswer(resp *safehttp.Response) (hookswitch.Accepted, error) {
	var answer struct {
		Data *struct {
			Message    scalar      `json:"Message"`
			Recipients []recipient `json:"Recipients"`
		} `json:"SMSMessageData"`
	}
	// An answer that is no JSON, or cut off, leaves everything empty; odd members leave the rest.
	_ = json.Unmarshal(resp.Body, &answer)
	if resp.Status/100 != 2 {
		return hookswitch.Accepted{}, httpError(resp)
	}
	if answer.Data == nil || len(answer.Data.Recipients) == 0 && answer.Data.Message == "" {
		return hookswitch.Accepted{}, noID()
	}
	if len(answer.Data.Recipients) == 0 {
		word := strings.TrimSpace(string(answer.Data.Message))
		return hookswitch.Accepted{}, judged(bounded(word), word)
	}
	r := answer.Data.Recipients[0]
	code, _ := strconv.Atoi(strings.TrimSpace(string(r.StatusCode)))
	switch {
	case code >= 400:
		return hookswitch.Accepted{}, judged(strconv.Itoa(code), cmp.Or(statusCodes[code], string(r.Status)))
	case code == 0 && r.Status != "" && !strings.EqualFold(string(r.Status), "Success"):
		return hookswitch.Accepted{}, judged(bounded(string(r.Status)), string(r.Status))
	case r.MessageID == "", r.MessageID == "None":
		return hookswitch.Accepted{}, noID()
	}
	// 100: processed, 101: sent, 102: queued. Africa's Talking reports later only what has become of it.
	return hookswitch.Accepted{ProviderID: string(r.MessageID), Sent: code == 101}, nil
}

// judged is a failure that Africa's Talking has a word for.
func judged(code, word string) *hookswitch.SendError {
	v := verdictOf(word)
	return &hookswitch.SendError{Code: cmp.Or(code, codeBadAnswer), Category: v.category, Message: cmp.Or(v.sentence, "africastalking refused the message without saying why"),
		Temporary: v.temporary, OptedOut: optedOut(word)}
}

func noID() *hookswitch.SendError {
	return &hookswitch.SendError{Code: codeBadAnswer, Category: categoryTemporary, Message: "africastalking answered without naming the message", Unknown: true}
}

// httpError is what a status means that tells of no message.
func httpError(resp *safehttp.Response) *hookswitch.SendError {
	fail := &hookswitch.SendError{Code: "http_" + strconv.Itoa(resp.Status), Category: categoryPermanent, Message: "africastalking refused the message without saying why"}
	switch {
	case resp.Status == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.Message = categoryRateLimit, true, "africastalking is being called too often"
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
			fail.RetryAfter = time.Duration(min(seconds, 3600)) * time.Second
		}
	case resp.Status == http.StatusUnauthorized, resp.Status == http.StatusForbidden:
		fail.Category, fail.Message = categoryAuth, "africastalking does not know the username and API key"
	case resp.Status >= 500:
		fail.Category, fail.Unknown, fail.Message = categoryTemporary, true, "africastalking failed without saying whether it took the message"
	}
	return fail
}
