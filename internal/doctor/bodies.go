package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

func itoa(n int) string { return strconv.Itoa(n) }

// maxPermuted is how many names an object may have for all orders of them to be tried.
const maxPermuted = 5

// bodiesOf are the body as it is, and as it may have been before something on the way changed it.
func (in *Input) bodiesOf() (p part) {
	b := in.Body
	p.add(b)
	if in.Sent != "" && in.Sent != b {
		p.add(in.Sent, one(difference(b, in.Sent)))
	}
	trimmed := strings.TrimRight(b, "\r\n")
	p.add(trimmed, one("body-newline-added"))
	p.add(trimmed+"\n", one("body-newline-lost"))
	lf := strings.ReplaceAll(b, "\r\n", "\n")
	p.add(lf, one("body-crlf"))
	p.add(strings.ReplaceAll(lf, "\n", "\r\n"), one("body-lf"))
	if rest, ok := strings.CutPrefix(b, "\ufeff"); ok {
		p.add(rest, one("body-bom"))
	}
	if latin, ok := fromLatin1(b); ok {
		p.add(latin, one("body-charset"))
	}
	if e, ok := escapeAll(b); ok {
		p.add(e, one("body-unescaped"))
	}
	v, ok := parse(b)
	if !ok {
		return p
	}
	p.add(v.text(style{}), one("body-spaces"))
	p.add(v.text(style{colon: ": ", comma: ", "}), one("body-spaces"))
	p.add(v.text(style{colon: ": ", comma: ",", indent: "  "}), one("body-spaces"))
	p.add(v.text(style{colon: ": ", comma: ",", indent: "    "}), one("body-spaces"))
	p.add(v.text(style{ascii: true}), one("body-unescaped"))
	p.add(v.text(style{ascii: true, colon: ": ", comma: ", "}), one("body-unescaped"))
	p.add(v.text(style{slashes: true}), one("body-slashes"))
	p.add(v.text(style{ascii: true, slashes: true}), one("body-slashes"))
	p.add(v.text(style{html: true}), one("body-html"))
	p.add(v.text(style{sorted: true}), one("body-order"))
	p.add(v.text(style{sorted: true, colon: ": ", comma: ", "}), one("body-order"))
	if v.kind == '{' && len(v.names) <= maxPermuted {
		order := make([]int, len(v.names))
		for i := range order {
			order[i] = i
		}
		permute(order, 0, func() { p.add(v.ordered(order).text(style{}), one("body-order")) })
	}
	return p
}

// permute calls f with every order of list, from at on, in an order of its own that the script has too.
func permute(list []int, at int, f func()) {
	if at == len(list) {
		f()
		return
	}
	for i := at; i < len(list); i++ {
		list[at], list[i] = list[i], list[at]
		permute(list, at+1, f)
		list[at], list[i] = list[i], list[at]
	}
}

// difference says how what arrived differs from what was sent.
func difference(got, sent string) string {
	bare := func(s string) string { return strings.TrimRight(s, "\r\n") }
	unix := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
	same := func(mark string) bool { return strings.Contains(got, mark) == strings.Contains(sent, mark) }
	switch {
	case bare(got) == bare(sent):
		return "body-newline-added"
	case unix(got) == unix(sent):
		return "body-crlf"
	}
	g, ok1 := parse(got)
	s, ok2 := parse(sent)
	switch {
	case !ok1 || !ok2:
		return "body-changed"
	case g.text(style{}) == s.text(style{}) && same(`\u`) && same(`\/`):
		return "body-spaces"
	case g.text(style{}) == s.text(style{}):
		return "body-unescaped"
	case g.text(style{sorted: true}) == s.text(style{sorted: true}):
		return "body-order"
	}
	return "body-changed"
}

// fromLatin1 undoes the reading of UTF-8 as Latin-1.
func fromLatin1(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	wide := false
	for _, r := range s {
		if r > 0xff {
			return "", false
		}
		wide = wide || r >= utf8.RuneSelf
		b = append(b, byte(r))
	}
	return string(b), wide && utf8.Valid(b)
}

// escapeAll writes what lies outside ASCII as \uXXXX with small letters, wherever it stands.
func escapeAll(s string) (string, bool) {
	var b strings.Builder
	wide := false
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		wide = true
		escapeRune(&b, r)
	}
	return b.String(), wide
}

func escapeRune(b *strings.Builder, r rune) {
	if r > 0xffff {
		hi, lo := utf16.EncodeRune(r)
		fmt.Fprintf(b, `\u%04x\u%04x`, hi, lo)
		return
	}
	fmt.Fprintf(b, `\u%04x`, r)
}

// value is a JSON value with its numbers as they are written and its names in their order.
type value struct {
	kind  byte // { [ " or 0 for what is written as it is
	word  string
	names []string
	list  []*value
}

// maxDepth and maxValues bound what is read as JSON.
const (
	maxDepth  = 64
	maxValues = 20000
)

func parse(s string) (*value, bool) {
	if !json.Valid([]byte(s)) || !utf8.ValidString(s) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	left := maxValues
	v, ok := read(d, 0, &left)
	return v, ok && v.kind != 0 && v.kind != '"'
}

func read(d *json.Decoder, depth int, left *int) (*value, bool) {
	t, err := d.Token()
	if *left--; err != nil || depth > maxDepth || *left < 0 {
		return nil, false
	}
	switch t := t.(type) {
	case json.Delim:
		v := &value{kind: byte(t)}
		for d.More() {
			if t == '{' {
				name, err := d.Token()
				if err != nil {
					return nil, false
				}
				v.names = append(v.names, name.(string))
			}
			c, ok := read(d, depth+1, left)
			if !ok {
				return nil, false
			}
			v.list = append(v.list, c)
		}
		_, err := d.Token()
		return v, err == nil
	case string:
		return &value{kind: '"', word: t}, true
	case json.Number:
		return &value{word: t.String()}, true
	case bool:
		return &value{word: strconv.FormatBool(t)}, true
	}
	return &value{word: "null"}, true
}

// ordered is an object with its names in another order.
func (v *value) ordered(order []int) *value {
	o := &value{kind: v.kind}
	for _, i := range order {
		o.names, o.list = append(o.names, v.names[i]), append(o.list, v.list[i])
	}
	return o
}

// style is how JSON is written.
type style struct {
	colon, comma string
	indent       string
	ascii        bool // everything else as \uXXXX
	slashes      bool // / as \/
	html         bool // <, > and & as \u003c …
	sorted       bool // names in order
}

func (v *value) text(s style) string {
	if s.colon == "" {
		s.colon, s.comma = ":", ","
	}
	var b strings.Builder
	v.write(&b, &s, 0)
	return b.String()
}

func (v *value) write(b *strings.Builder, s *style, depth int) {
	switch v.kind {
	case 0:
		b.WriteString(v.word)
		return
	case '"':
		s.quote(b, v.word)
		return
	}
	b.WriteByte(v.kind)
	line := func(depth int) {
		if s.indent != "" && len(v.list) > 0 {
			b.WriteString("\n" + strings.Repeat(s.indent, depth))
		}
	}
	at := make([]int, len(v.list))
	for i := range at {
		at[i] = i
	}
	if s.sorted && v.kind == '{' {
		slices.SortStableFunc(at, func(x, y int) int { return strings.Compare(v.names[x], v.names[y]) })
	}
	for n, i := range at {
		if n > 0 {
			b.WriteString(s.comma)
		}
		line(depth + 1)
		if v.kind == '{' {
			s.quote(b, v.names[i])
			b.WriteString(s.colon)
		}
		v.list[i].write(b, s, depth+1)
	}
	line(depth)
	b.WriteByte(v.kind + 2)
}

func (s *style) quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < ' ', s.html && (r == '<' || r == '>' || r == '&'), s.ascii && r >= utf8.RuneSelf:
			escapeRune(b, r)
		case r == '/' && s.slashes:
			b.WriteString(`\/`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
