package africastalking

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxScreen is how many characters a USSD screen takes, without the word before them.
// https://developers.africastalking.com/docs/ussd/overview
const maxScreen = 182

// screen is text as phones show it: of plain characters, and no longer than a screen. Characters that need several in their place take one where the
// text would become too long by them.
func screen(text string) string {
	out := plain(text, false)
	if utf8.RuneCountInString(out) > maxScreen {
		out = plain(text, true)
	}
	return cut(out, maxScreen)
}

// plain replaces what operators garble: accents, typographic quotes and dashes, symbols. What has no plain form and is no letter goes; letters of other
// scripts stay, because nothing could stand for them.
func plain(text string, narrow bool) string {
	var b strings.Builder
	gap := true // at the beginning, or after a space
	dropped := false
	for _, r := range strings.ReplaceAll(text, "\r\n", "\n") {
		s := plainRune(r)
		if narrow && s != "" {
			_, n := utf8.DecodeRuneInString(s)
			s = s[:n]
		}
		if s == "" {
			dropped = true
			continue
		}
		// A dropped symbol leaves one space where there was one on either side.
		if s == " " && gap && dropped {
			continue
		}
		gap, dropped = s == " " || s == "\n", false
		b.WriteString(s)
	}
	return strings.TrimRight(b.String(), " \n")
}

// plainForms are those that no decomposition gives.
var plainForms = map[rune]string{
	'`': "'", '‘': "'", '’': "'", '‚': "'", '‛': "'", '′': "'", '´': "'", 'ʼ': "'", '“': `"`, '”': `"`, '„': `"`, '‟': `"`, '″': `"`, '«': `"`, '»': `"`, '‹': "'", '›': "'",
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '―': "-", '−': "-", '•': "-", '·': "-", '●': "-", '▪': "-", '◦': "-", '‣': "-", '∙': "-",
	'→': "->", '←': "<-", '⁄': "/", '×': "x", '÷': "/", '¡': "!", '¿': "?", '\u2028': "\n", '\u2029': "\n",
	'€': "EUR", '£': "GBP", '¥': "JPY", '₦': "NGN", '₵': "GHS", '₹': "INR",
	'ß': "ss", 'ø': "o", 'Ø': "O", 'æ': "ae", 'Æ': "AE", 'œ': "oe", 'Œ': "OE", 'đ': "d", 'Đ': "D", 'ð': "d", 'Ð': "D", 'þ': "th", 'Þ': "Th", 'ł': "l", 'Ł': "L", 'ı': "i", 'ħ': "h", 'Ħ': "H",
	'ŋ': "ng", 'Ŋ': "Ng", 'ɓ': "b", 'Ɓ': "B", 'ɗ': "d", 'Ɗ': "D", 'ƙ': "k", 'Ƙ': "K", 'ƴ': "y", 'Ƴ': "Y", 'ɛ': "e", 'Ɛ': "E", 'ɔ': "o", 'Ɔ': "O", 'ɖ': "d", 'Ɖ': "D", 'ƒ': "f", 'Ƒ': "F", 'ɣ': "g", 'Ɣ': "G",
}

func plainRune(r rune) string {
	switch {
	case r == '\n':
		return "\n"
	case r == '\t', unicode.Is(unicode.Zs, r):
		return " "
	case unicode.IsControl(r), r == utf8.RuneError:
		return ""
	}
	if s, ok := plainForms[r]; ok {
		return s
	}
	if r < utf8.RuneSelf {
		return string(r)
	}
	var ascii strings.Builder
	for _, part := range norm.NFKD.String(string(r)) {
		switch s, ok := plainForms[part]; {
		case ok:
			ascii.WriteString(s)
		case part < utf8.RuneSelf:
			ascii.WriteRune(part)
		case !unicode.Is(unicode.Mn, part):
			return foreign(r)
		}
	}
	if ascii.Len() == 0 {
		return foreign(r)
	}
	return ascii.String()
}

// foreign is a character that nothing plain stands for: a letter of another script, or nothing.
func foreign(r rune) string {
	switch {
	case '\u0300' <= r && r <= '\u036f', '\ufe00' <= r && r <= '\ufe0f': // accents on the letter before, and variants of a symbol
		return ""
	case unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.P):
		return string(r)
	}
	return ""
}

// cut shortens s to most characters, at the end of a word where there is one.
func cut(s string, most int) string {
	n, space := 0, 0
	for i, r := range s {
		if r == ' ' || r == '\n' {
			space = i
		}
		if n == most {
			if space > 0 {
				i = space
			}
			return strings.TrimRight(s[:i], " \n")
		}
		n++
	}
	return s
}
