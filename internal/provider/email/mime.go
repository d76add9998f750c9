package email

import (
	"bytes"
	"cmp"

	"github.com/jhillyerd/enmime/v2"
)

// Bounds of the mails that are taken apart. The parser goes down into each multipart and reads its bytes once for every one around it, and a mail can have as many of
// them as it has lines.
const (
	maxNesting = 100
	maxWork    = 200 << 20 // bytes times multiparts
)

// fromMIME reads a mail as it travels. What cannot be taken apart keeps its header.
func (r *received) fromMIME(raw []byte) {
	head, _ := splitHead(raw)
	r.header = parseHeader(guess(head))
	if n := countFold(raw, "multipart/") + countFold(raw, "message/rfc822"); n > maxNesting || n*len(raw) > maxWork {
		r.incomplete = true
		return
	}
	env, err := enmime.NewParser(enmime.DisableTextConversion(true), enmime.SkipMalformedParts(true), enmime.MaxStoredPartErrors(10)).ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		r.incomplete = true
		return
	}
	r.text, r.html = env.Text, env.HTML
	r.subject = cmp.Or(r.subject, env.GetHeader("Subject"))
	for i, parts := range [][]*enmime.Part{env.Attachments, env.Inlines, env.OtherParts} {
		for _, p := range parts {
			r.attachments = append(r.attachments, attachment{filename: p.FileName, mimeType: p.ContentType, contentID: p.ContentID, size: len(p.Content), bytes: p.Content, inline: i == 1})
		}
	}
}

// splitHead parts a mail at its first empty line.
func splitHead(raw []byte) (head, rest []byte) {
	for _, sep := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(raw, []byte(sep)); i >= 0 && (head == nil || i < len(head)) {
			head, rest = raw[:i], raw[i+len(sep):]
		}
	}
	if head == nil {
		head = raw
	}
	const most = 1 << 20
	return head[:min(len(head), most)], rest
}

// countFold counts word, which is in lower case, in raw in any case.
func countFold(raw []byte, word string) int {
	n := 0
	for i := 0; i+len(word) <= len(raw); i++ {
		if raw[i]|0x20 == word[0] && bytes.EqualFold(raw[i:i+len(word)], []byte(word)) {
			n++
		}
	}
	return n
}
