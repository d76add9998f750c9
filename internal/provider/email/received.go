package email

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// received is a mail as a service has pushed it, before it becomes a message.
type received struct {
	provider string
	id       string // the service's id, or the Message-ID
	// token is a one-time proof that the push used up; empty: none.
	token  string
	header header

	from, replyTo address
	to            string // as written
	cc            string
	// recipient is who the mail was delivered to, and envelopeFrom who sent it. The latter is only told by some services.
	recipient     string
	envelopeFrom  string
	envelopeKnown bool

	subject     string
	date        string
	at          time.Time // where there is no date
	stripped    string    // the reply without what it quotes, where the service finds it
	text, html  string
	attachments []attachment
	// incomplete says that the service has the body and did not push it.
	incomplete bool
}

// attachment is a file. Its bytes are there where the push carries them.
type attachment struct {
	filename, mimeType, contentID string
	size                          int
	bytes                         []byte
	inline                        bool
	// id or url is where the service keeps the file, if it does.
	id, url string
}

var (
	errNoSender = errors.New("mail has no sender")
	errNoID     = errors.New("report names no mail")
)

// fromHeader fills in what only the header tells.
func (r *received) fromHeader() {
	h := r.header
	if r.from.addr == "" {
		r.from = parseAddress(h.get("from"))
	}
	if r.from.addr == "" && !emptySender(r.envelopeFrom) {
		r.from = parseAddress(r.envelopeFrom)
	}
	if r.replyTo.addr == "" {
		r.replyTo = parseAddress(h.get("reply-to"))
	}
	r.subject = cmp.Or(r.subject, decodeWords(h.get("subject")))
	r.to = cmp.Or(r.to, h.get("to"))
	r.cc = cmp.Or(r.cc, h.get("cc"))
	r.date = cmp.Or(r.date, h.get("date"))
	r.recipient = cmp.Or(r.recipient, r.to)
}

// update is the mail as the gateway's message. raw stands for it where it cannot be one.
func (r *received) update(raw []byte) hookswitch.Update {
	r.fromHeader()
	address := mailbox(r.recipient)
	if r.id == "" {
		r.id = hashOf(raw)
	}
	u := hookswitch.Update{Channel: hookswitch.Email, Address: address, Dedup: "mail:" + line(r.id) + ":" + address, At: parseDate(r.date)}
	if u.At.IsZero() {
		u.At = r.at
	}
	if r.token != "" {
		u.Tokens = []string{r.token}
	}
	if r.from.addr == "" {
		u.Broken = errNoSender
		return u
	}
	u.Message = r.message()
	return u
}

func (r *received) message() *hookswitch.InboundMessage {
	subject := line(r.subject)
	words, whole := r.words()
	if words == "" {
		words = subject // a mail whose subject says it all
	}
	own, refs := messageIDs(r.header.get("message-id")), messageIDs(r.header.get("references"))
	m := &hookswitch.InboundMessage{
		ProviderID:  line(r.id),
		From:        strings.ToLower(r.from.addr),
		To:          strings.ToLower(parseAddress(r.recipient).addr),
		ProfileName: r.from.name,
		Text:        words,
		Marker:      "[email]",
		Type:        "text",
		Content:     map[string]any{},
		Metadata:    map[string]any{"provider": r.provider},
	}
	set := func(in map[string]any, name, value string) {
		if value != "" {
			in[name] = value
		}
	}
	set(m.Metadata, "profileName", m.ProfileName)
	set(m.Metadata, "to", m.To)
	set(m.Metadata, "subject", subject)
	set(m.Content, "subject", subject)
	if len(own) > 0 {
		set(m.Metadata, "internetMessageId", own[0])
		set(m.Content, "internetMessageId", own[0])
	}
	if parent := parentOf(messageIDs(r.header.get("in-reply-to")), refs); parent != "" {
		m.Metadata["replyToMessageId"] = parent
		m.Content["replyToProviderMessageId"] = parent
		set(m.Content, "replyToMessageId", ownID(parent))
	}
	set(m.Content, "references", boundedRefs(refs))
	if reply := strings.ToLower(r.replyTo.addr); reply != m.From {
		set(m.Content, "replyTo", reply)
	}
	set(m.Content, "cc", line(decodeWords(r.cc)))
	if len(r.attachments) > 0 {
		m.Content["attachments"], m.Files = attachmentList(r.attachments), files(r.attachments)
		m.Metadata["attachmentCount"] = len(r.attachments)
	}
	if !whole {
		m.Metadata["truncated"] = true
	}
	if r.incomplete {
		m.Metadata["incomplete"] = true
	}
	m.Quiet = r.automatic()
	if m.Quiet {
		m.Metadata["automatic"], m.Metadata["actionable"] = true, false
	}
	if len(m.Content) == 0 {
		m.Content = nil
	}
	return m
}

// words are what the mail says: the reply without what it quotes, else the text, else a text made from the HTML.
func (r *received) words() (out string, whole bool) {
	for _, s := range []string{r.stripped, r.text} {
		if out, whole = body(s); out != "" {
			return out, whole
		}
	}
	return body(htmlText(r.html))
}

// parentOf is the mail that this one answers.
func parentOf(inReplyTo, references []string) string {
	switch {
	case len(inReplyTo) > 0:
		return inReplyTo[0]
	case len(references) > 0:
		return references[len(references)-1]
	}
	return ""
}

// maxRefs is how many ids of a thread are kept: the first, and the newest.
const maxRefs = 20

func boundedRefs(ids []string) string {
	if len(ids) > maxRefs {
		ids = append(ids[:1:1], ids[len(ids)-maxRefs+1:]...)
	}
	return strings.Join(ids, " ")
}

func attachmentList(list []attachment) []any {
	out := make([]any, 0, min(len(list), maxAttachments))
	for i := range list {
		if i == maxAttachments {
			break
		}
		a := &list[i]
		item := map[string]any{"filename": cmp.Or(line(a.filename), "attachment"), "mimeType": cmp.Or(mediaType(a.mimeType), "application/octet-stream"), "isInline": a.inline}
		if a.size > 0 {
			item["size"] = a.size
		}
		for name, value := range map[string]string{"contentId": strings.Trim(line(a.contentID), "<>"), "providerAttachmentId": line(a.id), "providerUrl": line(a.url)} {
			if value != "" {
				item[name] = value
			}
		}
		out = append(out, item)
	}
	return out
}

// files are the attachments with their bytes, as far as those are not too many together.
func files(list []attachment) []hookswitch.InboundFile {
	left := hookswitch.MaxAttachmentBytes
	out := make([]hookswitch.InboundFile, 0, min(len(list), maxAttachments))
	for i := range list[:min(len(list), maxAttachments)] {
		a := &list[i]
		f := hookswitch.InboundFile{Name: cmp.Or(line(a.filename), "attachment"), MIMEType: cmp.Or(mediaType(a.mimeType), "application/octet-stream"),
			ContentID: strings.Trim(line(a.contentID), "<>"), Inline: a.inline, Size: a.size}
		if a.bytes != nil && len(a.bytes) <= left {
			f.Bytes, f.Size = a.bytes, len(a.bytes)
			left -= len(a.bytes)
		}
		out = append(out, f)
	}
	return out
}

// hashOf names what has no id.
func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:16])
}

// mediaType is a content type without its parameters.
func mediaType(s string) string {
	kind, _, _ := strings.Cut(s, ";")
	return strings.ToLower(line(kind))
}

// broken is the Update of an item that could not be read. The same item pushed again is the same fact.
func broken(item []byte, err error) hookswitch.Update {
	return hookswitch.Update{Channel: hookswitch.Email, Dedup: "broken:" + hashOf(item), Broken: err}
}

// ownID is our id of the message that the Message-ID was made of, or "".
func ownID(messageID string) string {
	local, _, _ := cutLast(strings.Trim(messageID, "<>"), "@")
	if strings.HasPrefix(local, "msg_") && strings.Trim(local[4:], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == "" {
		return local
	}
	return ""
}

func atoi(t text) int {
	n, err := strconv.Atoi(string(t))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
