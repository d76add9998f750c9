package email

import (
	"net/mail"
	"regexp"
	"strings"
	"time"
)

// header is the header of a mail, in order. Names are in lower case, values unfolded.
type header []headerField

type headerField struct{ name, value string }

// maxHeaderFields bounds what is kept of a header.
const maxHeaderFields = 1000

func (h *header) add(name, value string) {
	if len(*h) < maxHeaderFields {
		*h = append(*h, headerField{strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)})
	}
}

// get is the first field of the name, which is in lower case, or "".
func (h header) get(name string) string {
	value, _ := h.lookup(name)
	return value
}

func (h header) lookup(name string) (string, bool) {
	for _, f := range h {
		if f.name == name {
			return f.value, true
		}
	}
	return "", false
}

// parseHeader reads the header of a mail as it travels. Lines that are no fields are passed over.
func parseHeader(raw string) header {
	var h header
	var name string
	var parts []string
	flush := func() {
		if name != "" {
			h.add(name, strings.Join(parts, " "))
		}
		name, parts = "", nil
	}
	for l := range strings.SplitSeq(strings.ReplaceAll(raw, "\r\n", "\n"), "\n") {
		switch {
		case l == "":
		case l[0] == ' ' || l[0] == '\t':
			parts = append(parts, strings.TrimSpace(l))
		default:
			flush()
			if before, value, ok := strings.Cut(l, ":"); ok {
				name, parts = before, append(parts, strings.TrimSpace(value))
			}
		}
	}
	flush()
	return h
}

// address is one mailbox with the name beside it.
type address struct{ name, addr string }

// parseAddress reads the first mailbox of an address header, decoded or not. Mail is full of headers that no grammar allows, so what is between
// angle brackets, or has an @, will do.
func parseAddress(s string) address {
	if len(s) > maxText {
		s = s[:maxText]
	}
	parser := mail.AddressParser{WordDecoder: &words}
	if list, err := parser.ParseList(s); err == nil && len(list) > 0 && validAddress(list[0].Address) {
		return address{line(list[0].Name), list[0].Address}
	}
	if before, rest, ok := strings.Cut(s, "<"); ok {
		if inside, _, ok := strings.Cut(rest, ">"); ok && validAddress(strings.TrimSpace(inside)) {
			return address{line(strings.Trim(decodeWords(strings.TrimSpace(before)), `"' `)), strings.TrimSpace(inside)}
		}
	}
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(" \t,;<>\"()", r) }) {
		if validAddress(word) {
			return address{addr: word}
		}
	}
	return address{}
}

// validAddress reports whether s is a mailbox on one line: enough to be answered to, and no room to smuggle in another header.
func validAddress(s string) bool {
	local, domain, ok := cutLast(s, "@")
	return ok && local != "" && domain != "" && len(s) <= 320 && !strings.ContainsAny(s, " \t\r\n<>,;") && line(s) == s
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// mailbox is the address in s as routes are named by it: in lower case, without what follows a "+" in the local part.
func mailbox(s string) string {
	a := strings.ToLower(parseAddress(s).addr)
	local, domain, ok := cutLast(a, "@")
	if !ok {
		return ""
	}
	if short, _, tagged := strings.Cut(local, "+"); tagged && short != "" {
		local = short
	}
	return local + "@" + domain
}

var messageID = regexp.MustCompile(`<[^<>\s]{1,996}>`)

// messageIDs are the ids in a header such as References, in order.
func messageIDs(s string) []string {
	const most = 100
	if len(s) > maxText {
		s = s[:maxText]
	}
	var ids []string
	for _, id := range messageID.FindAllString(s, most) {
		if clean := line(id); clean == id {
			ids = append(ids, id)
		}
	}
	return ids
}

// parseDate reads the Date of a mail; the zero time where it is none.
func parseDate(s string) time.Time {
	at, err := mail.ParseDate(s)
	if err != nil {
		return text(s).clock()
	}
	return sane(at)
}
