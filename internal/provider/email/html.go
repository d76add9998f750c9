package email

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText is what a person reads of HTML: the text of its elements, paragraphs and lines apart, without styles, scripts and what the head holds. It
// reads tokens and builds no tree, so that depth costs nothing.
func htmlText(source string) string {
	if source == "" {
		return ""
	}
	w := &textWriter{}
	z := html.NewTokenizer(strings.NewReader(source))
	hidden := atom.Atom(0) // the element whose text is not read
	for w.out.Len() <= maxText {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			return w.out.String()
		case html.TextToken:
			if hidden == 0 {
				w.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case hidden != 0:
				if kind == html.EndTagToken && tag == hidden {
					hidden = 0
				}
			case kind == html.StartTagToken && unread[tag]:
				hidden = tag
			case tag == atom.Br:
				w.newline(1)
			case tag == atom.Li && kind == html.StartTagToken:
				w.newline(1)
				w.text("- ")
			case tag == atom.Td || tag == atom.Th:
				w.space = true
			case paragraphs[tag]:
				w.newline(2)
			case lines[tag]:
				w.newline(1)
			}
		}
	}
	return w.out.String()
}

var (
	unread     = map[atom.Atom]bool{atom.Style: true, atom.Script: true, atom.Title: true, atom.Template: true, atom.Noscript: true, atom.Iframe: true, atom.Textarea: true}
	paragraphs = map[atom.Atom]bool{atom.P: true, atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Ul: true, atom.Ol: true,
		atom.Table: true, atom.Blockquote: true, atom.Pre: true, atom.Hr: true}
	lines = map[atom.Atom]bool{atom.Div: true, atom.Tr: true, atom.Section: true, atom.Article: true, atom.Header: true, atom.Footer: true, atom.Address: true,
		atom.Body: true, atom.Li: true, atom.Dt: true, atom.Dd: true}
)

// textWriter joins words as a browser would lay them out: any run of white space is one blank, and gaps do not add up.
type textWriter struct {
	out      strings.Builder
	newlines int  // owed before the next word
	space    bool // too
}

func (w *textWriter) newline(n int) { w.newlines, w.space = max(w.newlines, n), false }

func (w *textWriter) text(s string) {
	for len(s) > 0 {
		i := strings.IndexFunc(s, isBlank)
		switch {
		case i == 0:
			w.space = true
			s = strings.TrimLeftFunc(s, isBlank)
			continue
		case i < 0:
			i = len(s)
		}
		if w.out.Len() > 0 {
			if w.newlines > 0 {
				w.out.WriteString("\n\n"[:min(w.newlines, 2)])
			} else if w.space {
				w.out.WriteByte(' ')
			}
		}
		w.newlines, w.space = 0, false
		w.out.WriteString(s[:i])
		s = s[i:]
	}
}

func isBlank(r rune) bool {
	return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' || r == 0xa0
}
