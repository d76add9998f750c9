package x

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Codes of failures that are not X's. An answer without a problem of X's has "http_" and its status.
const (
	codeNoProvider   = "no_provider"       // credentials or settings are missing
	codeUnsupported  = "unsupported_type"  // nothing here sends such a message
	codeInvalid      = "invalid_content"   // the message cannot be put into X's form
	codeTooLong      = "text_too_long"     // to be split by the caller
	codeBadRecipient = "invalid_recipient" // no account has such an id
	codeBadAnswer    = "bad_answer"        // taken, it seems, but under no id
	codeNoAnswer     = "no_answer"         // the request may have arrived
)

// maxText is how many characters a direct message may have. What fits into a post depends on the account and on what the text consists of: X tells.
const maxText = 10_000

// content is what the caller's message carries beside its text, in the names of the Zavu-shaped API.
type content struct {
	MediaID string `json:"mediaId"`
}

// directBody and postBody are what the two calls take.
// https://docs.x.com/x-api/direct-messages/manage/integrate, https://docs.x.com/x-api/posts/manage-tweets/integrate
type (
	directBody struct {
		Text        string       `json:"text,omitempty"`
		Attachments []attachment `json:"attachments,omitempty"`
	}
	attachment struct {
		MediaID string `json:"media_id"`
	}
	postBody struct {
		Text  string     `json:"text,omitempty"`
		Reply postReply  `json:"reply"`
		Media *postFiles `json:"media,omitempty"`
	}
	postReply struct {
		To string `json:"in_reply_to_tweet_id"`
	}
	postFiles struct {
		IDs []string `json:"media_ids"`
	}
)

// Send makes one call: a direct message or, where the message answers a post, a post under it. X tells nothing of a message later but that it has been read:
// what X has taken counts as sent.
func (p *Provider) Send(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	text, mediaID, fail := sayable(out.Message)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	under := postOf(out)
	var path string
	var body any
	switch {
	case under != "":
		post := postBody{Text: text, Reply: postReply{To: under}}
		if mediaID != "" {
			post.Media = &postFiles{IDs: []string{mediaID}}
		}
		path, body = "/2/tweets", post
	case !isID(out.Message.To):
		return hookswitch.Accepted{}, refused(codeBadRecipient, categoryRecipient, "the recipient is not the id of an account of X")
	default:
		if n := utf8.RuneCountInString(text); n > maxText {
			return hookswitch.Accepted{}, refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text has %d characters, X takes at most %d", n, maxText))
		}
		message := directBody{Text: text}
		if mediaID != "" {
			message.Attachments = []attachment{{MediaID: mediaID}}
		}
		path, body = "/2/dm_conversations/with/"+out.Message.To+"/messages", message
	}
	resp, fail := p.post(ctx, out.Route.Credentials, path, body)
	if fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return p.accepted(resp)
}

// refused is a failure that no repetition cures, found before anything was sent.
func refused(code, category, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: category, Message: message}
}

func invalid(message string) *hookswitch.SendError {
	return refused(codeInvalid, categoryPermanent, message)
}

// sayable is what of m can be sent over X: a text, a picture or film that X has been given before, or both.
func sayable(m *hookswitch.Message) (text, mediaID string, fail *hookswitch.SendError) {
	switch m.Type {
	case "", "text", "template": // X has no templates: what the caller has made of one goes out as it reads
		if m.Text != "" {
			return m.Text, "", nil
		}
		if m.Type != "template" {
			return "", "", invalid("a text message needs a text")
		}
	case "image", "video":
		var c content
		if len(m.Content) > 0 {
			if err := json.Unmarshal(m.Content, &c); err != nil {
				return "", "", &hookswitch.SendError{
					Code: codeInvalid, Category: categoryPermanent, Message: "the content of the message has an unexpected form", Err: err,
				}
			}
		}
		if !isID(c.MediaID) {
			return "", "", invalid("a message of type " + m.Type + " needs the mediaId of a file that has been uploaded to X")
		}
		return m.Text, c.MediaID, nil
	}
	return "", "", refused(codeUnsupported, categoryPermanent, "messages of type "+m.Type+" cannot be sent on x")
}

// postOf is the id of the post that the message answers; empty: it answers none, and is a direct message.
func postOf(out *hookswitch.Outgoing) string {
	a := out.Answers
	if a == nil || len(a.Content) == 0 || !isID(a.ProviderID) {
		return ""
	}
	var c struct {
		Kind string `json:"kind"`
	}
	if json.Unmarshal(a.Content, &c) != nil || c.Kind != kindMention {
		return ""
	}
	return a.ProviderID
}

// isID reports whether s is an id as X gives them.
func isID(s string) bool { return s != "" && len(s) <= 19 && strings.Trim(s, "0123456789") == "" }

// post calls the API in the account's name.
func (p *Provider) post(ctx context.Context, c hookswitch.Credentials, path string, content any) (*safehttp.Response, *hookswitch.SendError) {
	if p.http == nil {
		return nil, refused(codeNoProvider, categoryAuth, "sending is switched off")
	}
	target, err := url.Parse(p.base + path)
	if err != nil {
		return nil, &hookswitch.SendError{Code: codeNoProvider, Category: categoryAuth, Message: "the base URL of x is not a URL", Err: err}
	}
	authorization, fail := p.authorization(http.MethodPost, target, c)
	if fail != nil {
		return nil, fail
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(content); err != nil {
		return nil, &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the message cannot be written as JSON", Err: err}
	}
	resp, err := p.http.Do(ctx, &safehttp.Request{
		Method: http.MethodPost,
		URL:    target,
		Header: []safehttp.Field{
			{Name: "Authorization", Value: authorization},
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Accept", Value: "application/json"},
		},
		Body: bytes.TrimSuffix(body.Bytes(), []byte("\n")),
		Once: true, // the API knows no idempotency key
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
			Code: codeNoAnswer, Category: categoryTemporary, Message: "x may have taken the message, but has not answered", Unknown: true, Err: err,
		}
	}
	fail := &hookswitch.SendError{Code: e.Code, Category: categoryTemporary, Message: e.Error(), Temporary: true, Err: err}
	if e.Code == safehttp.CodeInvalidRequest || e.Code == safehttp.CodeBlockedAddress {
		fail.Category, fail.Temporary = categoryPermanent, false
	}
	return fail
}

// accepted is the message of an answer that brings one.
func (p *Provider) accepted(resp *safehttp.Response) (hookswitch.Accepted, error) {
	var answer struct {
		Data struct {
			ID      text `json:"id"`
			EventID text `json:"dm_event_id"`
		} `json:"data"`
		problem
	}
	// An answer that is no JSON, or cut off, leaves everything empty; odd members leave the rest.
	_ = json.Unmarshal(resp.Body, &answer)
	id := cmp.Or(answer.Data.EventID, answer.Data.ID)
	switch {
	case resp.Status/100 != 2:
		return hookswitch.Accepted{}, answer.failure(resp, p.now())
	case id == "":
		return hookswitch.Accepted{}, &hookswitch.SendError{
			Code: codeBadAnswer, Category: categoryTemporary, Message: "x answered without naming the message", Unknown: true,
		}
	}
	return hookswitch.Accepted{ProviderID: string(id), Sent: true}, nil
}
