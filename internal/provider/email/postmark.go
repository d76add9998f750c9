package email

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Credentials of Postmark alone.
const (
	credServerToken = "server_token"
	credStream      = "message_stream"
)

// postmark is https://postmarkapp.com. It signs nothing: a user and a password in the registered URL prove its pushes.
type postmark struct{}

func (postmark) name() string     { return "postmark" }
func (postmark) paths() []string  { return []string{doorPath + "/postmark"} }
func (postmark) idempotent() bool { return false }

func (postmark) proof(c hookswitch.Credentials) string { return basicProof(c) }

func (postmark) verify(p *hookswitch.Push, c hookswitch.Credentials) error { return verifyBasic(p, c) }

func (postmark) base(hookswitch.Credentials) string { return "https://api.postmarkapp.com" }

type postmarkAddress struct{ Email, Name text }

// postmarkPush is a received mail or, with a RecordType, a report.
// https://postmarkapp.com/developer/webhooks/inbound-webhook
type postmarkPush struct {
	RecordType text
	MessageID  text

	From              text
	FromFull          postmarkAddress
	To                text
	Cc                text
	OriginalRecipient text
	ReplyTo           text
	Subject           text
	Date              text
	TextBody          text
	HTMLBody          text `json:"HtmlBody"`
	StrippedTextReply text
	Headers           []struct{ Name, Value text }
	Attachments       []struct {
		Name, ContentType, ContentID text
		ContentLength                text
		Content, Data                encoded
	}

	postmarkReport
}

func (s postmark) parse(p *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(p.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
	}
	// Of members that have another form than expected, Unmarshal tells the first, and it reads all the others.
	var in postmarkPush
	_ = json.Unmarshal(p.Body, &in)
	switch {
	case in.RecordType != "" && in.RecordType != "Inbound":
		return in.report(p.Body), nil
	case in.MessageID == "" && in.From == "" && in.FromFull.Email == "":
		return nil, nil
	}
	r := &received{
		provider: s.name(), id: string(in.MessageID),
		from: address{in.FromFull.Name.line(), string(in.FromFull.Email)}, replyTo: parseAddress(string(in.ReplyTo)),
		to: string(in.To), cc: string(in.Cc), recipient: string(in.OriginalRecipient),
		subject: string(in.Subject), date: string(in.Date),
		stripped: string(in.StrippedTextReply), text: string(in.TextBody), html: string(in.HTMLBody),
	}
	if !validAddress(r.from.addr) {
		r.from = parseAddress(string(in.From))
	}
	for _, h := range in.Headers {
		r.header.add(string(h.Name), string(h.Value))
	}
	for _, a := range in.Attachments {
		data := a.Content.bytes
		if data == nil {
			data = a.Data.bytes
		}
		n, err := strconv.Atoi(string(a.ContentLength))
		if err != nil || n <= 0 {
			n = len(data)
		}
		r.attachments = append(r.attachments, attachment{filename: string(a.Name), mimeType: string(a.ContentType), contentID: string(a.ContentID), size: n, bytes: data, inline: a.ContentID != ""})
	}
	return []hookswitch.Update{r.update(p.Body)}, nil
}

// postmarkReport is what reports have beside MessageID.
// https://postmarkapp.com/developer/webhooks/webhooks-overview
type postmarkReport struct {
	ID                text // of a bounce
	Recipient         text
	Email             text // the recipient of a bounce
	DeliveredAt       text
	BouncedAt         text
	ReceivedAt        text
	ChangedAt         text
	Type              text
	TypeCode          text
	Description       text
	Details           text
	SuppressSending   text
	SuppressionReason text
	Origin            text
	Metadata          map[string]text
}

// report is what a report says of a mail that was sent. What says nothing, such as a delay, tells nothing.
func (in *postmarkPush) report(raw []byte) []hookswitch.Update {
	at := cmp.Or(in.DeliveredAt, in.BouncedAt, in.ReceivedAt, in.ChangedAt)
	e := &report{
		id: in.MessageID.line(), recipient: string(cmp.Or(in.Recipient, in.Email)), at: at.clock(),
		ref: in.Metadata[metaMessage].line(), address: string(cmp.Or(in.Metadata[metaAddress], in.From)),
		key: strings.Join([]string{string(in.RecordType), string(in.MessageID), string(cmp.Or(in.Recipient, in.Email)), string(in.ID), string(at), string(in.SuppressSending)}, ":"),
	}
	switch in.RecordType {
	case "Delivery":
		return e.status(hookswitch.StatusDelivered, raw)
	case "Open", "Click":
		return e.status(hookswitch.StatusRead, raw)
	case "SpamComplaint":
		return e.optOut(false, raw)
	case "SubscriptionChange":
		switch {
		case in.SuppressSending == "false":
			return e.optOut(true, raw)
		case in.SuppressionReason == "SpamComplaint", in.SuppressionReason == "ManualSuppression" && in.Origin == "Recipient":
			return e.optOut(false, raw)
		}
	case "Bounce":
		return in.bounce(e, raw)
	}
	return nil
}

// bounce is a mail that came back.
// https://postmarkapp.com/developer/api/bounce-api#bounce-types
func (in *postmarkPush) bounce(e *report, raw []byte) []hookswitch.Update {
	e.text = line(string(cmp.Or(in.Details, in.Description)))
	e.code = in.Type.line()
	switch in.Type {
	case "Transient", "AutoResponder", "AddressChange", "Subscribe", "OpenRelayTest", "ChallengeVerification":
		return nil // an answer of a machine, or a delay
	case "Unsubscribe", "SpamComplaint", "SpamNotification":
		return e.optOut(false, raw)
	case "SoftBounce", "DnsError":
		e.category, e.retriable = categoryTemporary, true
	case "Blocked", "DMARCPolicy", "VirusNotification":
		e.category = categoryPolicy
	case "HardBounce", "BadEmailAddress", "ManuallyDeactivated", "Unconfirmed":
		e.category = categoryRecipient
	default:
		e.category = categoryPermanent
	}
	return e.status(hookswitch.StatusFailed, raw)
}

type postmarkHeader struct{ Name, Value string }

type postmarkAttachment struct {
	Name        string
	Content     string
	ContentType string
	ContentID   string `json:",omitempty"`
}

// postmarkMail is a mail to send.
// https://postmarkapp.com/developer/api/email-api
type postmarkMail struct {
	From          string
	To            string
	Subject       string
	TextBody      string               `json:",omitempty"`
	HTMLBody      string               `json:"HtmlBody,omitempty"`
	ReplyTo       string               `json:",omitempty"`
	Headers       []postmarkHeader     `json:",omitempty"`
	Attachments   []postmarkAttachment `json:",omitempty"`
	Metadata      map[string]string
	MessageStream string
}

func (postmark) request(l *letter, c hookswitch.Credentials) (call, *hookswitch.SendError) {
	token := c.First(credServerToken)
	if token == "" {
		return call{}, lacks(credServerToken)
	}
	m := postmarkMail{
		From: l.from.String(), To: l.to, Subject: l.subject, TextBody: l.text, HTMLBody: l.html, ReplyTo: l.replyTo,
		Metadata:      l.metadata(),
		MessageStream: cmp.Or(c.First(credStream), "outbound"),
		// Without the second, Postmark replaces the first by one of its own.
		Headers: []postmarkHeader{{"Message-ID", l.id}, {"X-PM-KeepID", "true"}},
	}
	for _, h := range l.headers {
		m.Headers = append(m.Headers, postmarkHeader{h.name, h.value})
	}
	for _, a := range l.attachments {
		file := postmarkAttachment{Name: a.Filename, Content: a.Content, ContentType: a.ContentType}
		if a.ContentID != "" {
			file.ContentID = "cid:" + a.ContentID
		}
		m.Attachments = append(m.Attachments, file)
	}
	return jsonCall("/email", m, safehttp.Field{Name: "X-Postmark-Server-Token", Value: token})
}

type postmarkAnswer struct {
	ErrorCode text
	Message   text
	MessageID text
}

func (s postmark) accepted(_ *letter, resp *safehttp.Response) (string, *hookswitch.SendError) {
	var a postmarkAnswer
	_ = json.Unmarshal(resp.Body, &a)
	if a.ErrorCode != "" && a.ErrorCode != "0" {
		p := s.refused(resp)
		return "", refusal(p.code, p.category, bounded(p.message))
	}
	return a.MessageID.line(), nil
}

// refused goes by Postmark's own code.
// https://postmarkapp.com/developer/api/overview#error-codes
func (postmark) refused(resp *safehttp.Response) problem {
	var a postmarkAnswer
	_ = json.Unmarshal(resp.Body, &a)
	p := problem{code: a.ErrorCode.line(), message: a.Message.line()}
	if p.code == "0" {
		p.code = ""
	}
	switch p.code {
	case "10", "400", "401", "402", "405", "412", "413":
		p.category = categoryAuth // the token, the account or the address that sends
	case "406":
		p.category = categoryRecipient // has bounced or complained before
	case "100":
		p.category, p.temporary = categoryTemporary, true // maintenance
	case "429":
		p.category, p.temporary = categoryRateLimit, true
	case "":
	default:
		p.category = categoryPermanent
	}
	if resp.Status == http.StatusTooManyRequests {
		p.category, p.temporary = categoryRateLimit, true
	}
	return p
}
