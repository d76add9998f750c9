package email

import "strings"

// automatic reports whether a mail was written by a machine, or comes from ourselves: an answer to it might be answered in turn, for ever.
// https://www.rfc-editor.org/rfc/rfc3834
func (r *received) automatic() bool {
	h := &r.header
	if v, ok := h.lookup("auto-submitted"); ok {
		word, _, _ := strings.Cut(v, ";")
		if word, _, _ = strings.Cut(word, "("); !strings.EqualFold(strings.TrimSpace(word), "no") {
			return true
		}
	}
	switch strings.ToLower(h.get("precedence")) {
	case "bulk", "list", "junk", "auto_reply":
		return true
	}
	if _, ok := h.lookup("list-id"); ok {
		return true
	}
	for word := range strings.FieldsFuncSeq(strings.ToLower(h.get("x-auto-response-suppress")), func(r rune) bool { return r == ',' || r == ' ' }) {
		if word == "all" || word == "autoreply" || word == "oof" {
			return true
		}
	}
	if strings.HasPrefix(strings.ToLower(h.get("content-type")), "multipart/report") {
		return true
	}
	if v, ok := h.lookup("return-path"); ok && emptySender(v) || r.envelopeKnown && emptySender(r.envelopeFrom) {
		return true
	}
	from := mailbox(r.from.addr)
	if local, _, _ := cutLast(from, "@"); local == "mailer-daemon" {
		return true
	}
	return from != "" && (from == mailbox(r.recipient) || from == mailbox(r.to))
}

// emptySender reports whether an envelope names nobody who could be answered.
func emptySender(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || s == "<>"
}
