package simulate

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"strings"
)

// mailReader reads a service's call to send, and says what is wrong with it.
type mailRead func(r *http.Request, body []byte) (*MailSent, *mailRefusal)

// mailReader finds the service by the path of its call.
func mailReader(path string) (mailRead, MailService) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/email":
		return readPostmark, Postmark
	case path == "/v3/mail/send":
		return readSendGrid, SendGrid
	case path == "/emails":
		return readResend, Resend
	case len(parts) == 3 && parts[0] == "v3" && parts[2] == "messages":
		return readMailgun, Mailgun
	}
	return nil, ""
}

func badMail(message string) *mailRefusal {
	return &mailRefusal{status: http.StatusBadRequest, code: 300, name: "validation_error", message: message}
}

// check demands what all services do, and fills in the bare addresses.
func (m *MailSent) check() *mailRefusal {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return badMail("Invalid 'from' address.")
	}
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return badMail("Invalid 'to' address.")
	}
	m.From, m.To = from.Address, to.Address
	switch {
	case m.Subject == "":
		return badMail("The subject is required.")
	case strings.ContainsAny(m.Subject, "\r\n"):
		return badMail("The subject must be one line.")
	case m.Text == "" && m.HTML == "":
		return badMail("Provide either a text or an HTML body.")
	}
	m.MessageID = m.Header["message-id"]
	for name, value := range m.Header {
		if strings.ContainsAny(name+value, "\r\n") {
			return badMail("The header " + name + " must be one line.")
		}
	}
	for _, id := range []string{"message-id", "in-reply-to"} {
		if v := m.Header[id]; v != "" && (!strings.HasPrefix(v, "<") || !strings.HasSuffix(v, ">")) {
			return badMail("The header " + id + " is no message id.")
		}
	}
	return nil
}

func isBase64(s string) bool {
	_, err := base64.StdEncoding.DecodeString(s)
	return s != "" && err == nil
}

// https://postmarkapp.com/developer/api/email-api
func readPostmark(r *http.Request, body []byte) (*MailSent, *mailRefusal) {
	var in struct {
		From, To, Subject, TextBody, ReplyTo, MessageStream string
		HTMLBody                                            string `json:"HtmlBody"`
		Headers                                             []struct{ Name, Value string }
		Attachments                                         []struct{ Name, Content, ContentType string }
		Metadata                                            map[string]string
	}
	if !isJSON(r) || json.Unmarshal(body, &in) != nil {
		return nil, &mailRefusal{code: 402, message: "Invalid JSON."}
	}
	m := &MailSent{From: in.From, To: in.To, Subject: in.Subject, Text: in.TextBody, HTML: in.HTMLBody, Header: map[string]string{}, Metadata: in.Metadata}
	for _, h := range in.Headers {
		m.Header[strings.ToLower(h.Name)] = h.Value
	}
	for _, f := range in.Attachments {
		if f.Name == "" || f.ContentType == "" || !isBase64(f.Content) {
			return nil, badMail("Invalid attachment.")
		}
		m.Files = append(m.Files, f.Name)
	}
	for name, value := range in.Metadata {
		if len(name) > 20 || len(value) > 80 {
			return nil, badMail("Metadata is limited to names of 20 and values of 80 characters.")
		}
	}
	refusal := m.check()
	if m.Header["x-pm-keepid"] != "true" { // then Postmark makes one of its own
		m.MessageID = ""
	}
	return m, refusal
}

// https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
func readSendGrid(r *http.Request, body []byte) (*MailSent, *mailRefusal) {
	var in struct {
		Personalizations []struct {
			To []struct{ Email, Name string }
		}
		From        struct{ Email, Name string }
		Subject     string
		Content     []struct{ Type, Value string }
		Attachments []struct{ Content, Filename string }
		Headers     map[string]string
		CustomArgs  map[string]string `json:"custom_args"`
	}
	if !isJSON(r) || json.Unmarshal(body, &in) != nil {
		return nil, badMail("Bad Request")
	}
	if len(in.Personalizations) != 1 || len(in.Personalizations[0].To) != 1 {
		return nil, badMail("The personalizations field is required and must have at least one personalization.")
	}
	m := &MailSent{From: in.From.Email, To: in.Personalizations[0].To[0].Email, Subject: in.Subject, Header: map[string]string{}, Metadata: in.CustomArgs}
	for i, c := range in.Content {
		switch {
		case c.Value == "":
			return nil, badMail("The content value must be a string at least one character in length.")
		case c.Type == "text/plain" && i == 0:
			m.Text = c.Value
		case c.Type == "text/html":
			m.HTML = c.Value
		default:
			return nil, badMail("If present, text/plain and text/html may only be provided once, plain first.")
		}
	}
	for name, value := range in.Headers {
		switch lower := strings.ToLower(name); lower {
		case "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc":
			return nil, badMail("The header " + name + " is reserved.")
		default:
			m.Header[lower] = value
		}
	}
	for _, f := range in.Attachments {
		if f.Filename == "" || !isBase64(f.Content) {
			return nil, badMail("The attachment content must be base64 encoded.")
		}
		m.Files = append(m.Files, f.Filename)
	}
	return m, m.check()
}

// https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages
func readMailgun(r *http.Request, body []byte) (*MailSent, *mailRefusal) {
	values := url.Values{}
	m := &MailSent{Header: map[string]string{}, Metadata: map[string]string{}}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		if values, err = url.ParseQuery(string(body)); err != nil {
			return nil, badMail("The form cannot be read.")
		}
	case err == nil && kind == "multipart/form-data":
		parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
		for {
			part, err := parts.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, badMail("The form cannot be read.")
			}
			content, err := io.ReadAll(part)
			if err != nil {
				return nil, badMail("The form cannot be read.")
			}
			if part.FileName() != "" {
				m.Files = append(m.Files, part.FileName())
				continue
			}
			values.Add(part.FormName(), string(content))
		}
	default:
		return nil, badMail("The content type must be a form.")
	}
	m.From, m.To, m.Subject, m.Text, m.HTML = values.Get("from"), values.Get("to"), values.Get("subject"), values.Get("text"), values.Get("html")
	for name, list := range values {
		if h, ok := strings.CutPrefix(name, "h:"); ok {
			m.Header[strings.ToLower(h)] = list[0]
		}
		if v, ok := strings.CutPrefix(name, "v:"); ok {
			m.Metadata[v] = list[0]
		}
	}
	return m, m.check()
}

// https://resend.com/docs/api-reference/emails/send-email
func readResend(r *http.Request, body []byte) (*MailSent, *mailRefusal) {
	var in struct {
		From, Subject, Text, HTML string
		To                        []string
		Headers                   map[string]string
		Attachments               []struct{ Filename, Content, Path string }
		Tags                      []struct{ Name, Value string }
	}
	if !isJSON(r) || json.Unmarshal(body, &in) != nil || len(in.To) != 1 {
		return nil, &mailRefusal{name: "validation_error", message: "The request has an unexpected form."}
	}
	if key := r.Header.Get("Idempotency-Key"); len(key) > 256 {
		return nil, &mailRefusal{status: http.StatusBadRequest, name: "invalid_idempotency_key", message: "The key must be between 1-256 chars."}
	}
	m := &MailSent{From: in.From, To: in.To[0], Subject: in.Subject, Text: in.Text, HTML: in.HTML, Header: map[string]string{}, Metadata: map[string]string{}}
	for name, value := range in.Headers {
		m.Header[strings.ToLower(name)] = value
	}
	for _, f := range in.Attachments {
		if !isBase64(f.Content) && f.Path == "" {
			return nil, badMail("An attachment needs content or a path.")
		}
		m.Files = append(m.Files, f.Filename)
	}
	for _, tag := range in.Tags {
		if strings.Trim(tag.Name+tag.Value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			return nil, badMail("Tags should only contain ASCII letters, numbers, underscores, or dashes.")
		}
		m.Metadata[tag.Name] = tag.Value
	}
	refusal := m.check()
	m.MessageID = "<" + newUUID() + "@resend.example>" // Resend's own, whatever the header asks for
	return m, refusal
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
