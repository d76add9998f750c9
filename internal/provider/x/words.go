package x

import (
	"strings"
)

// The characters that X escapes in texts, and no others.
var escapes = []struct{ written, meant string }{{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}}

// words is a text as it was written: unescaped, with the links that X has shortened as they were, and without those that only stand for its pictures.
// Everything is replaced once and never looked at again: what a link contains is not unescaped.
func words(s text, links map[string]string) text {
	var b strings.Builder
	rest := string(s)
	for rest != "" {
		i := strings.IndexAny(rest, "&h")
		if i < 0 {
			i = len(rest)
		}
		b.WriteString(rest[:i])
		rest = rest[i:]
		if meant, n := escape(rest); n > 0 {
			b.WriteString(meant)
			rest = rest[n:]
		} else if n := shortLink(rest); n > 0 {
			meant, known := links[rest[:n]]
			if !known {
				meant = rest[:n]
			}
			b.WriteString(meant)
			rest = rest[n:]
		} else if rest != "" {
			b.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	return text(strings.TrimSpace(b.String()))
}

// escape is what an escape at the beginning of s means, and how many bytes it has; 0: there is none.
func escape(s string) (string, int) {
	for _, e := range escapes {
		if strings.HasPrefix(s, e.written) {
			return e.meant, len(e.written)
		}
	}
	return "", 0
}

// shortLink is the length of the shortened link at the beginning of s, or 0.
func shortLink(s string) int {
	for _, start := range []string{"https://t.co/", "http://t.co/"} {
		if !strings.HasPrefix(s, start) {
			continue
		}
		n := len(start)
		for n < len(s) && (s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
			n++
		}
		if n > len(start) {
			return n
		}
	}
	return 0
}

// links says what the shortened links of a text stand for: an address, or "" for a picture that is told apart from the text.
func (e *entities) links(shown ...*media) map[string]string {
	known := map[string]string{}
	for _, l := range e.URLs {
		switch {
		case l.MediaKey != "":
			known[string(l.URL)] = ""
		case strings.HasPrefix(string(l.Expanded), "https://") || strings.HasPrefix(string(l.Expanded), "http://"):
			known[string(l.URL)] = string(l.Expanded)
		}
	}
	for _, m := range shown {
		if m != nil && m.URL != "" {
			known[string(m.URL)] = ""
		}
	}
	return known
}
