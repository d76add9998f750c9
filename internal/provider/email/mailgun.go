package email

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Credentials of Mailgun alone.
const (
	credSigningKey = "signing_key"
	credDomain     = "domain"
	// credMaxAge, a duration such as "24h", refuses what was signed longer ago. Without it any age passes, and a token is remembered for eight days.
	credMaxAge = "max_age"
)

// mailgun is https://www.mailgun.com: routes, webhooks and messages.
type mailgun struct{}

func (mailgun) name() string     { return "mailgun" }
func (mailgun) paths() []string  { return []string{doorPath + "/mailgun"} }
func (mailgun) idempotent() bool { return false }

func (mailgun) proof(c hookswitch.Credentials) string {
	if keys := c.All(credSigningKey); len(keys) > 0 {
		return keys[0]
	}
	return ""
}

// mailgunProof is what Mailgun signs: a time and a token that is used once, and nothing of the content.
type mailgunProof struct{ timestamp, token, signature string }

// proofOf finds it: in a form among its fields, in JSON in a member of its own.
func (mailgun) proofOf(p *hookswitch.Push) (proof mailgunProof, f *form) {
	if isForm(p) {
		f, err := readForm(p)
		if err != nil {
			return proof, nil
		}
		return mailgunProof{f.get("timestamp"), f.get("token"), f.get("signature")}, f
	}
	var in struct {
		Signature struct{ Timestamp, Token, Signature text }
	}
	if json.Valid(p.Body) {
		_ = json.Unmarshal(p.Body, &in)
	}
	return mailgunProof{string(in.Signature.Timestamp), string(in.Signature.Token), string(in.Signature.Signature)}, nil
}

// verify checks the HMAC-SHA256 over time and token. That the token is new is for the caller to see to, by the Tokens of updates.
// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
func (s mailgun) verify(p *hookswitch.Push, c hookswitch.Credentials) error {
	keys := c.All(credSigningKey)
	if len(keys) == 0 {
		return fmt.Errorf("no %s is known: %w", credSigningKey, hookswitch.ErrSignature)
	}
	proof, _ := s.proofOf(p)
	signature, err := hex.DecodeString(proof.signature)
	// Time and token are signed without anything between: only a time of fixed length keeps them apart, so that no second token comes of one signature.
	if err != nil || proof.token == "" || len(proof.timestamp) != 10 || strings.Trim(proof.timestamp, "0123456789") != "" {
		return fmt.Errorf("no signature, or a malformed one: %w", hookswitch.ErrSignature)
	}
	genuine := false
	for _, key := range keys {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(proof.timestamp))
		mac.Write([]byte(proof.token))
		if hmac.Equal(mac.Sum(nil), signature) {
			genuine = true
		}
	}
	if !genuine {
		return hookswitch.ErrSignature
	}
	if limit := c.First(credMaxAge); limit != "" {
		most, err := time.ParseDuration(limit)
		if age := p.At.Sub(text(proof.timestamp).clock()); err != nil || age.Abs() > most {
			return fmt.Errorf("signed at %s, which is beyond %s: %w", proof.timestamp, credMaxAge, hookswitch.ErrSignature)
		}
	}
	return nil
}

func (mailgun) base(c hookswitch.Credentials) string {
	if strings.EqualFold(c.First(credRegion), "eu") {
		return "https://api.eu.mailgun.net"
	}
	return "https://api.mailgun.net"
}

func (s mailgun) parse(p *hookswitch.Push) ([]hookswitch.Update, error) {
	if !isForm(p) {
		return s.parseEvent(p)
	}
	f, err := readForm(p)
	if err != nil {
		return nil, err
	}
	return s.parseMail(p, f)
}

// parseMail reads what a route forwards: the parts of a mail or, at an address that ends in "mime", the mail as it travels.
// https://documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http
func (s mailgun) parseMail(p *hookswitch.Push, f *form) ([]hookswitch.Update, error) {
	field := func(name string) string { return guess([]byte(f.get(name))) }
	r := &received{provider: s.name(), token: f.get("token"), recipient: field("recipient"), subject: field("subject"), from: parseAddress(field("from"))}
	if sender, ok := f.values["sender"]; ok {
		r.envelopeFrom, r.envelopeKnown = sender, true
	}
	if raw := f.get("body-mime"); raw != "" {
		r.fromMIME([]byte(raw))
	} else {
		var pairs [][]text
		_ = json.Unmarshal([]byte(f.get("message-headers")), &pairs)
		for _, pair := range pairs {
			if len(pair) == 2 {
				r.header.add(string(pair[0]), string(pair[1]))
			}
		}
		r.stripped, r.text, r.html = field("stripped-text"), field("body-plain"), field("body-html")
		r.attachments = s.attachments(f)
	}
	r.id = field("Message-Id")
	if ids := messageIDs(r.header.get("message-id")); r.id == "" && len(ids) > 0 {
		r.id = ids[0]
	}
	if r.from.addr == "" && r.recipient == "" && len(r.header) == 0 {
		return nil, nil // a form, but no mail
	}
	r.at = text(f.get("timestamp")).clock()
	return []hookswitch.Update{r.update(p.Body)}, nil
}

// attachments are the files of the form or, of a mail that Mailgun has stored, the list of where they are.
func (mailgun) attachments(f *form) []attachment {
	var ids map[string]text // the part that a content id names
	_ = json.Unmarshal([]byte(f.get("content-id-map")), &ids)
	cids := make(map[string]string, len(ids))
	for cid, part := range ids {
		cids[string(part)] = cid
	}
	var out []attachment
	for _, file := range f.files {
		cid := cids[file.field]
		out = append(out, attachment{filename: guess([]byte(file.filename)), mimeType: file.mimeType, size: len(file.bytes), bytes: file.bytes, contentID: cid, inline: cid != ""})
	}
	var stored []struct {
		Name, URL   text
		ContentType text `json:"content-type"`
		Size        text
	}
	_ = json.Unmarshal([]byte(f.get("attachments")), &stored)
	for _, a := range stored {
		n, _ := strconv.Atoi(string(a.Size))
		cid := cids[string(a.URL)]
		out = append(out, attachment{filename: string(a.Name), mimeType: string(a.ContentType), size: n, url: string(a.URL), contentID: cid, inline: cid != ""})
	}
	return out
}

// mailgunEvent is a report.
// https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
type mailgunEvent struct {
	Event     text
	ID        text
	Timestamp text
	Recipient text
	Severity  text
	Reason    text
	Message   struct {
		Headers struct {
			MessageID text `json:"message-id"`
			From      text
		}
	}
	Status struct {
		Code                 text
		Message, Description text
	} `json:"delivery-status"`
	Reject    struct{ Reason, Description text }
	Client    struct{ Bot text } `json:"client-info"`
	Variables map[string]text    `json:"user-variables"`
}

func (s mailgun) parseEvent(p *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(p.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is neither a form nor valid JSON")
	}
	var in struct {
		Data mailgunEvent `json:"event-data"`
	}
	_ = json.Unmarshal(p.Body, &in)
	proof, _ := s.proofOf(p)
	e := &in.Data
	r := &report{
		ref: e.Variables[metaMessage].line(), address: string(cmp.Or(e.Variables[metaAddress], e.Message.Headers.From)), recipient: string(e.Recipient),
		at: e.Timestamp.clock(), key: string(e.ID) + ":" + string(e.Event), token: proof.token,
	}
	if e.ID == "" {
		r.key = hashOf(p.Body)
	}
	if id := strings.Trim(e.Message.Headers.MessageID.line(), "<>"); id != "" {
		r.id = "<" + id + ">"
	}
	switch e.Event {
	case "accepted":
		return r.status(hookswitch.StatusSent, p.Body), nil
	case "delivered":
		return r.status(hookswitch.StatusDelivered, p.Body), nil
	case "opened", "clicked":
		if e.Client.Bot != "" {
			return nil, nil // fetched by a machine, whether or not a person reads it
		}
		return r.status(hookswitch.StatusRead, p.Body), nil
	case "failed":
		if e.Severity != "permanent" {
			return nil, nil // Mailgun goes on trying
		}
		r.code, r.text = cmp.Or(e.Status.Code.line(), "failed"), cmp.Or(e.Status.Message, e.Status.Description, e.Reason).line()
		r.category = categoryRecipient
		if e.Reason == "old" || e.Reason == "generic" && strings.HasPrefix(r.code, "4") {
			r.category, r.retriable = categoryTemporary, true
		}
		return r.status(hookswitch.StatusFailed, p.Body), nil
	case "rejected":
		r.code, r.text, r.category = "rejected", cmp.Or(e.Reject.Reason, e.Reject.Description).line(), categoryPolicy
		return r.status(hookswitch.StatusFailed, p.Body), nil
	case "complained", "unsubscribed":
		return r.optOut(false, p.Body), nil
	}
	return nil, nil
}

// request posts a form; with files, as multipart.
// https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages
func (mailgun) request(l *letter, c hookswitch.Credentials) (call, *hookswitch.SendError) {
	key, domain := c.First(credAPIKey), c.First(credDomain)
	if domain == "" {
		_, domain, _ = cutLast(l.from.addr, "@")
	}
	if key == "" {
		return call{}, lacks(credAPIKey)
	}
	fields := [][2]string{{"from", l.from.String()}, {"to", l.to}, {"subject", l.subject}}
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, [2]string{name, value})
		}
	}
	add("text", l.text)
	add("html", l.html)
	add("h:Message-Id", l.id)
	add("h:Reply-To", l.replyTo)
	for _, h := range l.headers {
		add("h:"+h.name, h.value)
	}
	metadata := l.metadata()
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		add("v:"+name, metadata[name])
	}
	out := call{
		path: "/v3/" + url.PathEscape(domain) + "/messages",
		header: []safehttp.Field{
			{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte("api:"+key))},
			{Name: "Accept", Value: "application/json"},
		},
	}
	kind := "application/x-www-form-urlencoded"
	if len(l.attachments) == 0 {
		values := url.Values{}
		for _, f := range fields {
			values.Set(f[0], f[1])
		}
		out.body = []byte(values.Encode())
	} else {
		var err error
		if kind, out.body, err = multipartBody(l, fields); err != nil {
			return call{}, &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the message cannot be written as a form", Err: err}
		}
	}
	out.header = append(out.header, safehttp.Field{Name: "Content-Type", Value: kind})
	return out, nil
}

func multipartBody(l *letter, fields [][2]string) (kind string, body []byte, err error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	// The id makes the boundary, so that the same mail is the same bytes.
	sum := sha256.Sum256([]byte(l.id))
	if err := w.SetBoundary(hex.EncodeToString(sum[:])); err != nil {
		return "", nil, err
	}
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			return "", nil, err
		}
	}
	for _, a := range l.attachments {
		name, filename := "attachment", a.Filename
		if a.ContentID != "" {
			name, filename = "inline", a.ContentID // an inline file is named by its content id
		}
		head := textproto.MIMEHeader{
			"Content-Disposition": {`form-data; name="` + name + `"; filename="` + quoteParam(filename) + `"`},
			"Content-Type":        {a.ContentType},
		}
		part, err := w.CreatePart(head)
		if err != nil {
			return "", nil, err
		}
		raw, err := base64.StdEncoding.DecodeString(a.Content)
		if err != nil {
			return "", nil, err
		}
		if _, err := part.Write(raw); err != nil {
			return "", nil, err
		}
	}
	err = w.Close()
	return w.FormDataContentType(), buf.Bytes(), err
}

func quoteParam(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }

type mailgunAnswer struct{ ID, Message text }

func (mailgun) accepted(l *letter, resp *safehttp.Response) (string, *hookswitch.SendError) {
	var a mailgunAnswer
	_ = json.Unmarshal(resp.Body, &a)
	id := a.ID.line()
	if id != "" && !strings.HasPrefix(id, "<") {
		id = "<" + id + ">"
	}
	return id, nil
}

func (mailgun) refused(resp *safehttp.Response) problem {
	var a mailgunAnswer
	_ = json.Unmarshal(resp.Body, &a)
	p := problem{message: cmp.Or(a.Message.line(), line(firstLine(resp.Body)))}
	switch resp.Status {
	case http.StatusPaymentRequired, http.StatusNotFound: // no such domain in this account or region
		p.category = categoryAuth
	}
	return p
}

// firstLine is a short answer in plain text, such as "Forbidden"; "" for anything else.
func firstLine(b []byte) string {
	if len(b) == 0 || len(b) > 200 || b[0] == '<' || b[0] == '{' {
		return ""
	}
	return string(b)
}
