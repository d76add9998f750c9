package email

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/webhook"
)

// credSigningSecret is the secret of a webhook at Resend, which begins with whsec_.
const credSigningSecret = "signing_secret"

// resend is https://resend.com: webhooks, received emails, and emails.
type resend struct{}

func (resend) name() string     { return "resend" }
func (resend) paths() []string  { return []string{doorPath + "/resend", doorPath} }
func (resend) idempotent() bool { return true }

func (resend) proof(c hookswitch.Credentials) string {
	if secrets := c.All(credSigningSecret); len(secrets) > 0 {
		return secrets[0]
	}
	return ""
}

// verify checks the signature of Svix, by whom Resend has its webhooks sent, and that it was made within five minutes of the push.
// https://resend.com/docs/dashboard/webhooks/verify-webhooks-requests
func (resend) verify(p *hookswitch.Push, c hookswitch.Credentials) error {
	var secrets []webhook.Secret
	for _, s := range c.All(credSigningSecret) {
		if secret, err := webhook.ParseSecret(s); err == nil {
			secrets = append(secrets, secret)
		}
	}
	v := webhook.NewVerifier(secrets...).WithPrefixes(webhook.Svix).WithNow(func() time.Time { return p.At })
	if err := v.Verify(p.Header, p.Body); err != nil {
		return fmt.Errorf("%w: %w", err, hookswitch.ErrSignature)
	}
	return nil
}

func (resend) base(hookswitch.Credentials) string { return "https://api.resend.com" }

// resendPush is an event.
// https://resend.com/docs/dashboard/webhooks/event-types
type resendPush struct {
	Type      text
	CreatedAt text `json:"created_at"`
	Data      struct {
		EmailID     text `json:"email_id"`
		CreatedAt   text `json:"created_at"`
		MessageID   text `json:"message_id"`
		From        text
		To, Cc      []text
		ReceivedFor []text `json:"received_for"`
		Subject     text
		Attachments []resendAttachment
		Bounce      struct{ Message, Type, SubType text }
		Failed      struct{ Reason text }
		Suppressed  struct{ Message, Type text }
		Tags        resendTags
	}
}

type resendAttachment struct {
	ID          text
	Filename    text
	ContentType text `json:"content_type"`
	Disposition text `json:"content_disposition"`
	ContentID   text `json:"content_id"`
	Size        text
}

// resendTags come as an object, or as the list that was sent.
type resendTags map[string]text

// UnmarshalJSON implements json.Unmarshaler.
func (t *resendTags) UnmarshalJSON(raw []byte) error {
	*t = resendTags{}
	var list []struct{ Name, Value text }
	if json.Unmarshal(raw, &list) == nil {
		for _, tag := range list {
			(*t)[string(tag.Name)] = tag.Value
		}
		return nil
	}
	_ = json.Unmarshal(raw, (*map[string]text)(t))
	return nil
}

func (s resend) parse(p *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(p.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
	}
	var in resendPush
	_ = json.Unmarshal(p.Body, &in)
	if in.Type == "email.received" {
		return []hookswitch.Update{in.mail(s.name(), p.Body)}, nil
	}
	d := &in.Data
	r := &report{
		id: d.EmailID.line(), ref: d.Tags[metaMessage].line(), address: string(d.From), at: in.CreatedAt.clock(),
		key: strings.Join([]string{string(in.Type), string(d.EmailID), string(in.CreatedAt)}, ":"), code: strings.TrimPrefix(in.Type.line(), "email."),
	}
	if len(d.To) > 0 {
		r.recipient = string(d.To[0])
	}
	switch in.Type {
	case "email.sent":
		return r.status(hookswitch.StatusSent, p.Body), nil
	case "email.delivered":
		return r.status(hookswitch.StatusDelivered, p.Body), nil
	case "email.opened", "email.clicked":
		return r.status(hookswitch.StatusRead, p.Body), nil
	case "email.bounced":
		r.code, r.text, r.category = cmp.Or(d.Bounce.SubType.line(), r.code), d.Bounce.Message.line(), categoryRecipient
		if strings.EqualFold(string(d.Bounce.Type), "Transient") {
			r.category, r.retriable = categoryTemporary, true
		}
		return r.status(hookswitch.StatusFailed, p.Body), nil
	case "email.failed":
		r.text, r.category = d.Failed.Reason.line(), categoryPermanent
		return r.status(hookswitch.StatusFailed, p.Body), nil
	case "email.suppressed":
		r.text, r.category = d.Suppressed.Message.line(), categoryRecipient
		return r.status(hookswitch.StatusFailed, p.Body), nil
	case "email.complained":
		return r.optOut(false, p.Body), nil
	}
	return nil, nil
}

// mail is what the push tells of a received mail: everything but what it says.
// https://resend.com/docs/webhooks/emails/received
func (in *resendPush) mail(provider string, raw []byte) hookswitch.Update {
	d := &in.Data
	r := &received{
		provider: provider, id: string(d.EmailID), from: parseAddress(string(d.From)), to: joined(d.To), cc: joined(d.Cc),
		subject: string(d.Subject), at: cmp.Or(d.CreatedAt, in.CreatedAt).clock(), incomplete: true,
	}
	if len(d.ReceivedFor) > 0 {
		r.recipient = string(d.ReceivedFor[0])
	}
	r.header.add("Message-ID", string(d.MessageID))
	r.attachments = resendAttachments(d.Attachments)
	return r.update(raw)
}

func joined(list []text) string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return strings.Join(out, ", ")
}

func resendAttachments(list []resendAttachment) []attachment {
	var out []attachment
	for _, a := range list {
		out = append(out, attachment{filename: string(a.Filename), mimeType: string(a.ContentType), contentID: string(a.ContentID), id: string(a.ID),
			size: atoi(a.Size), inline: a.Disposition == "inline"})
	}
	return out
}

// resendMail is a received mail as the API returns it.
// https://resend.com/docs/api-reference/emails/retrieve-received-email
type resendMail struct {
	From, Subject, Text, HTML text
	CreatedAt                 text `json:"created_at"`
	MessageID                 text `json:"message_id"`
	To, Cc                    []text
	ReplyTo                   []text `json:"reply_to"`
	Headers                   map[string]json.RawMessage
	Attachments               []resendAttachment
}

// Bounds of the call that fetches a received mail.
const (
	maxFetch  = 8 << 20
	fetchTime = 6 * time.Second
)

// Complete fetches what Resend leaves out of its pushes: the header of a mail, and what it says. A mail that Resend refuses to give, or that it has not
// given for a day, stays as it is, without a text: it must not be lost.
func (p *Provider) Complete(ctx context.Context, push *hookswitch.Push, c hookswitch.Credentials, updates []hookswitch.Update) error {
	s, ok := p.service.(resend)
	if !ok {
		return nil
	}
	for i := range updates {
		u := &updates[i]
		if u.Message == nil || u.Message.Metadata["incomplete"] != true {
			continue
		}
		full, err := p.fetch(ctx, s, c, u.Message.ProviderID)
		var fail *hookswitch.SendError
		switch {
		case errors.As(err, &fail) && (fail.Temporary || fail.Unknown) && push.At.Sub(u.At) < 24*time.Hour:
			return hookswitch.Errorf(hookswitch.Unavailable, "the mail cannot be fetched from resend now")
		case err != nil:
			continue
		}
		address := u.Address
		*u = full.update(push.Body, s.name(), u)
		u.Address = address
	}
	return nil
}

func (p *Provider) fetch(ctx context.Context, s resend, c hookswitch.Credentials, id string) (*resendMail, error) {
	token := c.First(credAPIKey)
	if token == "" {
		return nil, lacks(credAPIKey)
	}
	resp, err := p.do(ctx, c, call{method: http.MethodGet, path: "/emails/receiving/" + url.PathEscape(id), query: "html_format=cid", keep: maxFetch, timeout: fetchTime,
		header: []safehttp.Field{{Name: "Authorization", Value: "Bearer " + token}, {Name: "Accept", Value: "application/json"}}})
	if err != nil {
		return nil, err
	}
	if resp.Status/100 != 2 {
		return nil, p.failure(resp)
	}
	var m resendMail
	if !json.Valid(resp.Body) {
		return nil, refusal(codeBadAnswer, categoryPermanent, "resend has given a mail that cannot be read")
	}
	_ = json.Unmarshal(resp.Body, &m)
	return &m, nil
}

// update is the whole mail, of which the push told what is in first.
func (m *resendMail) update(raw []byte, provider string, first *hookswitch.Update) hookswitch.Update {
	r := &received{
		provider: provider, id: first.Message.ProviderID, from: parseAddress(string(m.From)), to: joined(m.To), cc: joined(m.Cc), recipient: first.Message.To,
		subject: string(m.Subject), text: string(m.Text), html: string(m.HTML), at: first.At, replyTo: parseAddress(joined(m.ReplyTo)),
		attachments: resendAttachments(m.Attachments),
	}
	if r.from.addr == "" {
		r.from = address{first.Message.ProfileName, first.Message.From}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		var one text
		var several []text
		if json.Unmarshal(m.Headers[name], &several) == nil {
			for _, v := range several {
				r.header.add(name, string(v))
			}
		} else if json.Unmarshal(m.Headers[name], &one) == nil {
			r.header.add(name, string(one))
		}
	}
	if r.header.get("message-id") == "" {
		r.header.add("Message-ID", string(m.MessageID))
	}
	return r.update(raw)
}

type resendFile struct {
	Filename    string `json:"filename"`
	Content     string `json:"content,omitempty"`
	Path        string `json:"path,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	ContentID   string `json:"content_id,omitempty"`
}

type resendTag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// resendLetter is a mail to send.
// https://resend.com/docs/api-reference/emails/send-email
type resendLetter struct {
	From        string            `json:"from"`
	To          []string          `json:"to"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text,omitempty"`
	HTML        string            `json:"html,omitempty"`
	ReplyTo     string            `json:"reply_to,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Attachments []resendFile      `json:"attachments,omitempty"`
	Tags        []resendTag       `json:"tags"`
}

func (resend) request(l *letter, c hookswitch.Credentials) (call, *hookswitch.SendError) {
	token := c.First(credAPIKey)
	if token == "" {
		return call{}, lacks(credAPIKey)
	}
	m := resendLetter{
		From: l.from.String(), To: []string{l.to}, Subject: l.subject, Text: l.text, HTML: l.html, ReplyTo: l.replyTo,
		Tags: []resendTag{{metaMessage, l.ref}},
	}
	// Resend gives mails Message-IDs of its own.
	for _, h := range l.headers {
		if m.Headers == nil {
			m.Headers = map[string]string{}
		}
		m.Headers[h.name] = h.value
	}
	for _, a := range l.attachments {
		m.Attachments = append(m.Attachments, resendFile(a))
	}
	return jsonCall("/emails", m, safehttp.Field{Name: "Authorization", Value: "Bearer " + token}, safehttp.Field{Name: "Idempotency-Key", Value: l.ref})
}

func (resend) accepted(_ *letter, resp *safehttp.Response) (string, *hookswitch.SendError) {
	var a struct{ ID text }
	_ = json.Unmarshal(resp.Body, &a)
	return a.ID.line(), nil
}

// refused goes by the name of the error.
// https://resend.com/docs/api-reference/errors
func (resend) refused(resp *safehttp.Response) problem {
	var a struct{ Name, Message text }
	_ = json.Unmarshal(resp.Body, &a)
	p := problem{code: a.Name.line(), message: a.Message.line()}
	switch p.code {
	case "missing_api_key", "restricted_api_key", "invalid_api_key", "invalid_from_address", "invalid_access", "invalid_region":
		p.category = categoryAuth
	case "concurrent_idempotent_requests":
		p.category, p.temporary = categoryTemporary, true
	case "rate_limit_exceeded":
		p.category, p.temporary = categoryRateLimit, true
	case "daily_quota_exceeded", "monthly_quota_exceeded":
		p.category, p.permanent = categoryRateLimit, true // lasts longer than tries do
	}
	return p
}
