package email

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// credPublicKey verifies signed pushes: of the security policy of a parse setting, or of the event webhook. Each has a key of its own.
const credPublicKey = "public_key"

const (
	sendgridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendgridTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// sendgrid is Twilio SendGrid: Inbound Parse, the event webhook, and mail send.
type sendgrid struct{}

func (sendgrid) name() string     { return "sendgrid" }
func (sendgrid) paths() []string  { return []string{doorPath + "/sendgrid"} }
func (sendgrid) idempotent() bool { return false }

func (sendgrid) proof(c hookswitch.Credentials) string {
	proof := basicProof(c)
	if keys := c.All(credPublicKey); len(keys) > 0 {
		proof += "\x00key\x00" + keys[0]
	}
	return proof
}

// verify goes by the signature where there is one and a key to check it with, and else by the user and password in the URL.
// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
func (sendgrid) verify(p *hookswitch.Push, c hookswitch.Credentials) error {
	keys := c.All(credPublicKey)
	signatures, times := p.Header.Values(sendgridSignature), p.Header.Values(sendgridTimestamp)
	if len(keys) == 0 || len(signatures) == 0 && len(times) == 0 {
		return verifyBasic(p, c)
	}
	// What is signed is the time followed by the body, without anything between: only a time of fixed length keeps them apart.
	if len(signatures) != 1 || len(times) != 1 || len(times[0]) != 10 || strings.Trim(times[0], "0123456789") != "" {
		return fmt.Errorf("malformed signature headers: %w", hookswitch.ErrSignature)
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(signatures[0])
	if err != nil || strings.ContainsAny(signatures[0], "\r\n") {
		return fmt.Errorf("malformed %s: %w", sendgridSignature, hookswitch.ErrSignature)
	}
	h := sha256.New()
	h.Write([]byte(times[0]))
	h.Write(p.Body)
	sum := h.Sum(nil)
	for _, key := range keys {
		if public := parsePublicKey(key); public != nil && ecdsa.VerifyASN1(public, sum, signature) {
			return nil
		}
	}
	return hookswitch.ErrSignature
}

// parsePublicKey reads a key as SendGrid shows it, in base64, or as PEM. nil: it is none.
func parsePublicKey(s string) *ecdsa.PublicKey {
	der, err := base64.StdEncoding.DecodeString(s)
	if block, _ := pem.Decode([]byte(s)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return nil
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil
	}
	public, _ := key.(*ecdsa.PublicKey)
	return public
}

func (sendgrid) base(c hookswitch.Credentials) string {
	if strings.EqualFold(c.First(credRegion), "eu") {
		return "https://api.eu.sendgrid.com"
	}
	return "https://api.sendgrid.com"
}

func (s sendgrid) parse(p *hookswitch.Push) ([]hookswitch.Update, error) {
	if isForm(p) {
		return s.parseMail(p)
	}
	return s.parseEvents(p)
}

// parseMail reads what Inbound Parse posts: the parts of a mail, or the mail as it travels.
// https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
func (s sendgrid) parseMail(p *hookswitch.Push) ([]hookswitch.Update, error) {
	f, err := readForm(p)
	if err != nil {
		return nil, err
	}
	var charsets map[string]text
	_ = json.Unmarshal([]byte(f.get("charsets")), &charsets)
	field := func(name string) string { return decode([]byte(f.get(name)), string(charsets[name])) }
	r := &received{provider: s.name()}
	var envelope struct {
		To   []text
		From *text
	}
	_ = json.Unmarshal([]byte(field("envelope")), &envelope)
	if len(envelope.To) > 0 {
		r.recipient = string(envelope.To[0])
	}
	if envelope.From != nil {
		r.envelopeFrom, r.envelopeKnown = string(*envelope.From), true
	}
	r.subject, r.to, r.cc = field("subject"), field("to"), field("cc")
	r.from = parseAddress(field("from"))
	if raw := f.get("email"); raw != "" {
		r.fromMIME([]byte(raw))
	} else {
		r.header = parseHeader(field("headers"))
		r.text, r.html = field("text"), field("html")
		r.attachments = s.attachments(f)
	}
	if r.from.addr == "" && len(r.header) == 0 && r.recipient == "" {
		return nil, nil // a form, but no mail
	}
	if ids := messageIDs(r.header.get("message-id")); len(ids) > 0 {
		r.id = ids[0]
	}
	return []hookswitch.Update{r.update(p.Body)}, nil
}

func (sendgrid) attachments(f *form) []attachment {
	var info map[string]struct {
		Filename, Name, Type text
		ContentID            text `json:"content-id"`
	}
	_ = json.Unmarshal([]byte(f.get("attachment-info")), &info)
	var ids map[string]text // the part that a content id names
	_ = json.Unmarshal([]byte(f.get("content-ids")), &ids)
	cids := make(map[string]string, len(ids))
	for cid, part := range ids {
		cids[string(part)] = cid
	}
	var out []attachment
	for _, file := range f.files {
		about := info[file.field]
		cid := cmp.Or(string(about.ContentID), cids[file.field])
		out = append(out, attachment{
			filename: cmp.Or(string(about.Filename), string(about.Name), guess([]byte(file.filename))), mimeType: cmp.Or(string(about.Type), file.mimeType),
			size: len(file.bytes), bytes: file.bytes, contentID: cid, inline: cid != "",
		})
	}
	return out
}

// sendgridEvent is one report of the event webhook, which sends them in lists.
// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
type sendgridEvent struct {
	Event       text
	Email       text
	Timestamp   text
	EventID     text `json:"sg_event_id"`
	MessageID   text `json:"sg_message_id"`
	Type        text // of a bounce: bounce, or blocked
	Reason      text
	Status      text
	Class       text `json:"bounce_classification"`
	MachineOpen text `json:"sg_machine_open"`
	Message     text `json:"hookswitch_message"`
	Address     text `json:"hookswitch_address"`
}

func (sendgrid) parseEvents(p *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(p.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is neither a form nor valid JSON")
	}
	var items []json.RawMessage
	if json.Unmarshal(p.Body, &items) != nil {
		return nil, nil
	}
	var out []hookswitch.Update
	seen := map[string]bool{}
	for _, raw := range items {
		var e sendgridEvent
		_ = json.Unmarshal(raw, &e)
		for _, u := range e.updates(raw) {
			if !seen[u.Dedup] {
				seen[u.Dedup] = true
				out = append(out, u)
			}
		}
	}
	return out, nil
}

func (e *sendgridEvent) updates(raw []byte) []hookswitch.Update {
	r := &report{
		id: sendgridID(e.MessageID.line()), ref: e.Message.line(), address: string(e.Address), recipient: string(e.Email), at: e.Timestamp.clock(),
		key: cmp.Or(string(e.EventID), hashOf(raw)), code: cmp.Or(e.Status.line(), e.Event.line()), text: e.Reason.line(),
	}
	switch e.Event {
	case "processed":
		return r.status(hookswitch.StatusSent, raw)
	case "delivered":
		return r.status(hookswitch.StatusDelivered, raw)
	case "open", "click":
		if e.MachineOpen == "true" {
			return nil // fetched ahead by a machine, whether or not a person reads it
		}
		return r.status(hookswitch.StatusRead, raw)
	case "bounce":
		r.category = categoryRecipient
		if e.Type == "blocked" {
			r.category, r.retriable = categoryPolicy, true
		}
		return r.status(hookswitch.StatusFailed, raw)
	case "dropped":
		r.code, r.category = "dropped", categoryPolicy
		return r.status(hookswitch.StatusFailed, raw)
	case "spamreport", "unsubscribe", "group_unsubscribe":
		return r.optOut(false, raw)
	case "group_resubscribe":
		return r.optOut(true, raw)
	}
	return nil
}

// sendgridID is the id that the send was answered with: reports carry it with the names of the machines that it went through.
func sendgridID(s string) string {
	for _, mark := range []string{".filter", ".recvd", ".canary"} {
		if before, _, ok := strings.Cut(s, mark); ok {
			return before
		}
	}
	return s
}

type sendgridAddress struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

type sendgridContent struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type sendgridAttachment struct {
	Content     string `json:"content"`
	Type        string `json:"type"`
	Filename    string `json:"filename"`
	Disposition string `json:"disposition"`
	ContentID   string `json:"content_id,omitempty"`
}

type sendgridTo struct {
	To []sendgridAddress `json:"to"`
}

// sendgridMail is a mail to send.
// https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
type sendgridMail struct {
	Personalizations []sendgridTo         `json:"personalizations"`
	From             sendgridAddress      `json:"from"`
	ReplyTo          *sendgridAddress     `json:"reply_to,omitempty"`
	Subject          string               `json:"subject"`
	Content          []sendgridContent    `json:"content"`
	Attachments      []sendgridAttachment `json:"attachments,omitempty"`
	Headers          map[string]string    `json:"headers"`
	CustomArgs       map[string]string    `json:"custom_args"`
}

func (sendgrid) request(l *letter, c hookswitch.Credentials) (call, *hookswitch.SendError) {
	token := c.First(credAPIKey)
	if token == "" {
		return call{}, lacks(credAPIKey)
	}
	m := sendgridMail{
		Personalizations: []sendgridTo{{To: []sendgridAddress{{Email: l.to}}}},
		From:             sendgridAddress{l.from.addr, l.from.name},
		Subject:          l.subject,
		Headers:          map[string]string{"Message-ID": l.id},
		CustomArgs:       l.metadata(),
	}
	if l.replyTo != "" {
		m.ReplyTo = &sendgridAddress{Email: l.replyTo}
	}
	// Plain text has to come first.
	if l.text != "" {
		m.Content = append(m.Content, sendgridContent{"text/plain", l.text})
	}
	if l.html != "" {
		m.Content = append(m.Content, sendgridContent{"text/html", l.html})
	}
	for _, h := range l.headers {
		m.Headers[h.name] = h.value
	}
	for _, a := range l.attachments {
		file := sendgridAttachment{Content: a.Content, Type: a.ContentType, Filename: a.Filename, Disposition: "attachment", ContentID: a.ContentID}
		if a.ContentID != "" {
			file.Disposition = "inline"
		}
		m.Attachments = append(m.Attachments, file)
	}
	return jsonCall("/v3/mail/send", m, safehttp.Field{Name: "Authorization", Value: "Bearer " + token})
}

// accepted goes by the header; without it, the Message-ID still names the mail.
func (sendgrid) accepted(l *letter, resp *safehttp.Response) (string, *hookswitch.SendError) {
	return cmp.Or(line(resp.Header.Get("X-Message-Id")), l.id), nil
}

func (sendgrid) refused(resp *safehttp.Response) problem {
	var a struct {
		Errors []struct{ Message, Field text } `json:"errors"`
	}
	_ = json.Unmarshal(resp.Body, &a)
	var p problem
	if len(a.Errors) > 0 {
		p.message = a.Errors[0].Message.line()
		if field := a.Errors[0].Field.line(); field != "" && field != "null" {
			p.message = field + ": " + p.message
		}
	}
	if resp.Status == http.StatusTooManyRequests {
		p.reset = text(resp.Header.Get("X-RateLimit-Reset")).clock()
	}
	return p
}
