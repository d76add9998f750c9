package simulate

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/webhook"
)

// MailService is one of the services that push received mail and take mail to send.
type MailService string

// The mail services.
const (
	Postmark MailService = "postmark"
	SendGrid MailService = "sendgrid"
	Mailgun  MailService = "mailgun"
	Resend   MailService = "resend"
)

// MailServices are all of them.
var MailServices = []MailService{Postmark, SendGrid, Mailgun, Resend}

// Mailbox is one address at a mail service. Its methods make the pushes that the service would make for it.
type Mailbox struct {
	Service MailService
	Address string
	// User and Password are in the URL that Postmark and SendGrid push to.
	User     string
	Password hookswitch.Secret
	// PrivateKey, where it is set, has SendGrid sign its pushes in place of that.
	PrivateKey *ecdsa.PrivateKey
	// Secret signs pushes: the webhook signing key of Mailgun, the whsec_ secret of Resend.
	Secret hookswitch.Secret
	// Token is what sends must bear: a server token of Postmark, an API key of the others.
	Token hookswitch.Secret
	// Path is where pushes go; empty: the service's own door.
	Path string
	// Now tells the time of mails; nil: time.Now.
	Now func() time.Time
}

// Letter is a mail that somebody sends to a Mailbox.
type Letter struct {
	From, Name, Subject, Text, HTML string
	// MessageID is made where it is empty, with angle brackets.
	MessageID string
	// InReplyTo is the Message-ID of the mail that this one answers, References those of the thread.
	InReplyTo  string
	References []string
	// Automatic has it say that a machine has written it.
	Automatic bool
	Files     []LetterFile
	// Token is what Mailgun signs; empty: a new one.
	Token string
}

// LetterFile is an attachment.
type LetterFile struct {
	Name, Type string
	Content    []byte
}

func (b Mailbox) now() time.Time {
	if b.Now == nil {
		return time.Now().UTC()
	}
	return b.Now().UTC()
}

func (b Mailbox) path() string {
	return cmp.Or(b.Path, "/api/v1/channels/email/inbound/"+string(b.Service))
}

func (l *Letter) complete() {
	if l.MessageID == "" {
		_, domain, _ := strings.Cut(l.From, "@")
		l.MessageID = "<" + randomHex(12) + "@" + cmp.Or(domain, "mail.example") + ">"
	}
}

func (l *Letter) sender() string {
	if l.Name == "" {
		return l.From
	}
	return strconv.Quote(l.Name) + " <" + l.From + ">"
}

// header is the header of the mail, in order.
func (l *Letter) header(b Mailbox) [][2]string {
	h := [][2]string{{"Message-ID", l.MessageID}, {"Date", b.now().Format(time.RFC1123Z)}, {"Subject", l.Subject}, {"From", l.sender()}, {"To", b.Address}, {"MIME-Version", "1.0"}}
	if l.InReplyTo != "" {
		h = append(h, [2]string{"In-Reply-To", l.InReplyTo})
	}
	if len(l.References) > 0 {
		h = append(h, [2]string{"References", strings.Join(l.References, " ")})
	}
	if l.Automatic {
		h = append(h, [2]string{"Auto-Submitted", "auto-replied"})
	}
	return h
}

// Mail is the push of a mail that somebody has sent to the box. Resend's has no body: a MailAPI keeps that, see Bring.
func (b Mailbox) Mail(l Letter) Push {
	l.complete()
	switch b.Service {
	case Postmark:
		return b.postmarkMail(&l)
	case SendGrid:
		return b.sendgridMail(&l)
	case Mailgun:
		return b.mailgunMail(&l)
	}
	return b.resendMail(&l, newUUID())
}

func (b Mailbox) postmarkMail(l *Letter) Push {
	id := newUUID()
	var headers []map[string]string
	for _, h := range l.header(b) {
		switch h[0] {
		case "Date", "Subject", "From", "To": // in members of their own
		default:
			headers = append(headers, map[string]string{"Name": h[0], "Value": h[1]})
		}
	}
	files := []map[string]any{}
	for _, f := range l.Files {
		files = append(files, map[string]any{"Name": f.Name, "Content": base64.StdEncoding.EncodeToString(f.Content), "ContentType": f.Type, "ContentLength": len(f.Content), "ContentID": ""})
	}
	to := []map[string]string{{"Email": b.Address, "Name": "", "MailboxHash": ""}}
	return b.json(id, map[string]any{
		"FromName": l.Name, "MessageStream": "inbound", "From": l.From, "FromFull": map[string]string{"Email": l.From, "Name": l.Name, "MailboxHash": ""},
		"To": b.Address, "ToFull": to, "Cc": "", "CcFull": []any{}, "Bcc": "", "BccFull": []any{}, "OriginalRecipient": b.Address, "Subject": l.Subject, "MessageID": id, "ReplyTo": "",
		"MailboxHash": "", "Date": b.now().Format(time.RFC1123Z), "TextBody": l.Text, "HtmlBody": l.HTML, "StrippedTextReply": "", "Tag": "", "Headers": headers, "Attachments": files,
	})
}

func (b Mailbox) sendgridMail(l *Letter) Push {
	var headers strings.Builder
	for _, h := range l.header(b) {
		headers.WriteString(h[0] + ": " + h[1] + "\n")
	}
	envelope, _ := json.Marshal(map[string]any{"to": []string{b.Address}, "from": l.From})
	fields := [][2]string{
		{"headers", headers.String()}, {"dkim", "{@" + l.From[strings.LastIndex(l.From, "@")+1:] + " : pass}"}, {"to", b.Address}, {"from", l.sender()}, {"subject", l.Subject},
		{"text", l.Text}, {"html", l.HTML}, {"sender_ip", "192.0.2.1"}, {"envelope", string(envelope)}, {"SPF", "pass"}, {"attachments", strconv.Itoa(len(l.Files))},
		{"charsets", `{"to":"UTF-8","from":"UTF-8","subject":"UTF-8","text":"UTF-8","html":"UTF-8"}`},
	}
	info := map[string]any{}
	for i, f := range l.Files {
		info["attachment"+strconv.Itoa(i+1)] = map[string]string{"filename": f.Name, "name": f.Name, "type": f.Type}
	}
	if len(info) > 0 {
		about, _ := json.Marshal(info)
		fields = append(fields, [2]string{"attachment-info", string(about)})
	}
	kind, body := formOf(fields, l.Files, "attachment")
	return b.signSendGrid(Push{Method: http.MethodPost, Path: b.path(), Body: body, IDs: []string{l.MessageID}, Header: http.Header{"Content-Type": {kind}, "User-Agent": {"SendGrid/1.0"}}})
}

func (b Mailbox) mailgunMail(l *Letter) Push {
	pairs := [][2]string{{"X-Mailgun-Incoming", "Yes"}, {"X-Envelope-From", "<" + l.From + ">"}}
	for _, h := range l.header(b) {
		if h[0] == "Message-ID" {
			h[0] = "Message-Id"
		}
		pairs = append(pairs, h)
	}
	headers, _ := json.Marshal(pairs)
	timestamp, token, signature := b.mailgunProof(l.Token)
	fields := [][2]string{
		{"recipient", b.Address}, {"sender", l.From}, {"from", l.sender()}, {"subject", l.Subject}, {"body-plain", l.Text}, {"stripped-text", l.Text}, {"stripped-signature", ""},
		{"body-html", l.HTML}, {"message-headers", string(headers)}, {"Message-Id", l.MessageID}, {"timestamp", timestamp}, {"token", token}, {"signature", signature},
	}
	p := Push{Method: http.MethodPost, Path: b.path(), IDs: []string{l.MessageID}, Header: http.Header{"User-Agent": {"Mailgun/Treq-21.2.0"}}}
	if len(l.Files) > 0 {
		fields = append(fields, [2]string{"attachment-count", strconv.Itoa(len(l.Files))})
		kind, body := formOf(fields, l.Files, "attachment-")
		p.Header.Set("Content-Type", kind)
		p.Body = body
		return p
	}
	values := url.Values{}
	for _, f := range fields {
		values.Set(f[0], f[1])
	}
	p.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p.Body = []byte(values.Encode())
	return p
}

// mailgunProof is a time, a token for one use, and the HMAC over both.
func (b Mailbox) mailgunProof(token string) (timestamp, used, signature string) {
	timestamp, used = strconv.FormatInt(b.now().Unix(), 10), cmp.Or(token, randomHex(25))
	mac := hmac.New(sha256.New, []byte(b.Secret.Reveal()))
	mac.Write([]byte(timestamp + used))
	return timestamp, used, hex.EncodeToString(mac.Sum(nil))
}

func (b Mailbox) resendMail(l *Letter, id string) Push {
	files := []map[string]any{}
	for i, f := range l.Files {
		files = append(files, map[string]any{"id": id + "-" + strconv.Itoa(i), "filename": f.Name, "content_type": f.Type, "content_disposition": "attachment", "content_id": nil})
	}
	at := b.now().Format(time.RFC3339Nano)
	return b.json(id, map[string]any{"type": "email.received", "created_at": at, "data": map[string]any{
		"email_id": id, "created_at": at, "from": l.sender(), "to": []string{b.Address}, "bcc": []string{}, "cc": []string{}, "message_id": l.MessageID, "subject": l.Subject, "attachments": files,
	}})
}

// json is a push of v, proved as the service does.
func (b Mailbox) json(id string, v any) Push {
	body, _ := json.Marshal(v)
	p := Push{Method: http.MethodPost, Path: b.path(), Body: body, IDs: []string{id}, Header: http.Header{"Content-Type": {"application/json"}}}
	switch b.Service {
	case Postmark:
		p.Header.Set("User-Agent", "Postmark")
		p.Header.Set("Authorization", b.basic())
	case SendGrid:
		p.Header.Set("User-Agent", "SendGrid Event API")
		return b.signSendGrid(p)
	case Mailgun:
		p.Header.Set("User-Agent", "mailgun/treq-21.2.0")
	case Resend:
		return b.signResend(p, "msg_"+randomHex(14))
	}
	return p
}

func (b Mailbox) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(b.User+":"+b.Password.Reveal()))
}

func (b Mailbox) signSendGrid(p Push) Push {
	if b.PrivateKey == nil {
		p.Header.Set("Authorization", b.basic())
		return p
	}
	timestamp := strconv.FormatInt(b.now().Unix(), 10)
	sum := sha256.Sum256(append([]byte(timestamp), p.Body...))
	signature, err := ecdsa.SignASN1(rand.Reader, b.PrivateKey, sum[:])
	if err != nil {
		panic(fmt.Sprintf("sign as SendGrid: %v", err)) // the key is not one of P-256
	}
	p.Header.Set("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
	p.Header.Set("X-Twilio-Email-Event-Webhook-Signature", base64.StdEncoding.EncodeToString(signature))
	return p
}

// signResend signs for now. Repeats of one push keep its id and are signed anew.
func (b Mailbox) signResend(p Push, id string) Push {
	secret, err := webhook.ParseSecret(b.Secret.Reveal())
	if err != nil {
		panic(fmt.Sprintf("sign as Resend: %v", err))
	}
	at := b.now()
	p.Header = p.Header.Clone()
	p.Header.Set("User-Agent", "Svix-Webhooks/1.62.0")
	webhook.Svix.Set(p.Header, id, at, webhook.Sign(id, at, p.Body, secret))
	return p
}

// Forge is p with a proof that is not the box's: a genuine-looking push of a stranger.
func (b Mailbox) Forge(p Push) Push {
	p.Header = p.Header.Clone()
	for _, name := range []string{"Authorization", "X-Twilio-Email-Event-Webhook-Signature", webhook.Svix.Signature()} {
		if p.Header.Get(name) != "" {
			p.Header.Set(name, "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
		}
	}
	if b.Service == Mailgun {
		_, _, signature := b.mailgunProof("another token")
		at := bytes.Index(p.Body, []byte("signature"))
		for ; at >= 0 && at < len(p.Body)-len(signature); at++ {
			if isHex(p.Body[at : at+len(signature)]) {
				p.Body = append(append(bytes.Clone(p.Body[:at]), signature...), p.Body[at+len(signature):]...)
				break
			}
		}
	}
	return p
}

func isHex(b []byte) bool { return len(bytes.Trim(b, "0123456789abcdef")) == 0 }

// formOf is a form of several parts, with files named prefix1, prefix2 and so on.
func formOf(fields [][2]string, files []LetterFile, prefix string) (kind string, body []byte) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, f := range fields {
		_ = w.WriteField(f[0], f[1]) // a buffer takes everything
	}
	for i, f := range files {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="` + prefix + strconv.Itoa(i+1) + `"; filename=` + strconv.Quote(f.Name)}, "Content-Type": {f.Type},
		})
		if err == nil {
			_, _ = part.Write(f.Content)
		}
	}
	_ = w.Close()
	return w.FormDataContentType(), buf.Bytes()
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
