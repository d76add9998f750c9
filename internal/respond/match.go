package respond

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// match is how a keyword is looked for in a text. All ways compare words: case, accents, punctuation and the width of spaces do not
// count.
type match uint8

const (
	matchWord     match = iota // the keyword's words stand in the text, side by side
	matchExact                 // the text is the keyword
	matchContains              // the keyword stands anywhere, also inside a word
	matchPrefix                // the text begins with the keyword, also in the middle of a word
)

func matchNamed(name string) (match, bool) {
	switch name {
	case "", "word":
		return matchWord, true
	case "exact":
		return matchExact, true
	case "contains":
		return matchContains, true
	case "prefix":
		return matchPrefix, true
	}
	return 0, false
}

// keyword is a keyword, ready to be compared.
type keyword struct {
	text   string // as configured, for ids of buttons
	first  string // its first word
	spaced string // its words with single spaces
}

func newKeyword(text string) keyword {
	k := keyword{text: strings.TrimSpace(text)}
	if w := words(text); len(w) > 0 {
		k.first, k.spaced = w[0], strings.Join(w, " ")
	}
	return k
}

// utterance is what a person said, ready to be compared with many keywords.
type utterance struct {
	words   map[string]bool
	spaced  string // the words with single spaces
	padded  string // and one at each end
	replyID string
}

// maxHeard is how much of a text is compared, in bytes: an e-mail may be long, and keywords stand early.
const maxHeard = 32 << 10

func hear(text, replyID string) *utterance {
	if len(text) > maxHeard {
		text = strings.ToValidUTF8(text[:maxHeard], "")
	}
	list := words(text)
	u := &utterance{words: make(map[string]bool, len(list)), spaced: strings.Join(list, " "), replyID: strings.TrimSpace(replyID)}
	u.padded = " " + u.spaced + " "
	for _, w := range list {
		u.words[w] = true
	}
	return u
}

func (u *utterance) any(keywords []keyword, m match) bool {
	return slices.ContainsFunc(keywords, func(k keyword) bool { return u.has(k, m) })
}

func (u *utterance) has(k keyword, m match) bool {
	if k.spaced == "" {
		return false
	}
	if u.replyID != "" && strings.EqualFold(u.replyID, k.text) {
		return true
	}
	switch m {
	case matchExact:
		return u.spaced == k.spaced
	case matchContains:
		return strings.Contains(u.spaced, k.spaced)
	case matchPrefix:
		return strings.HasPrefix(u.spaced, k.spaced)
	}
	return u.words[k.first] && (k.first == k.spaced || strings.Contains(u.padded, " "+k.spaced+" "))
}

// words splits s into words that are equal for people who do not care about case and accents. Symbols such as emoji are words of
// their own, and so is each character of a script that is written without spaces.
func words(s string) []string {
	var out []string
	var word strings.Builder
	single := false // the word is one character of an unspaced script
	flush := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	for _, r := range fold(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsNumber(r):
			alone := unspaced(r)
			if alone || single {
				flush()
			}
			single = alone
			word.WriteRune(r)
		case unicode.IsMark(r):
			if word.Len() > 0 {
				word.WriteRune(r)
			}
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Sk, r):
			// joiners, soft hyphens and skin tones change how a text looks, not what it says
		case unicode.IsSymbol(r):
			flush()
			out = append(out, string(r))
		default:
			flush()
		}
	}
	flush()
	return out
}

func unspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// accents are the marks that people leave out when they type in a hurry. Vowel signs of Indian and South-East Asian scripts and the
// sound marks of Japanese are not among them: without those it is another word.
var accents = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036f, Stride: 1}, // Latin, Greek, Cyrillic
	{Lo: 0x0483, Hi: 0x0489, Stride: 1},
	{Lo: 0x0591, Hi: 0x05bd, Stride: 1}, // Hebrew points
	{Lo: 0x05bf, Hi: 0x05bf, Stride: 1},
	{Lo: 0x05c1, Hi: 0x05c2, Stride: 1},
	{Lo: 0x05c4, Hi: 0x05c5, Stride: 1},
	{Lo: 0x05c7, Hi: 0x05c7, Stride: 1},
	{Lo: 0x0610, Hi: 0x061a, Stride: 1}, // Arabic vowels, hamza on a carrier
	{Lo: 0x0640, Hi: 0x0640, Stride: 1}, // and the stroke that stretches words
	{Lo: 0x064b, Hi: 0x065f, Stride: 1},
	{Lo: 0x0670, Hi: 0x0670, Stride: 1},
	{Lo: 0x1ab0, Hi: 0x1aff, Stride: 1},
	{Lo: 0x1dc0, Hi: 0x1dff, Stride: 1},
	{Lo: 0x20d0, Hi: 0x20ff, Stride: 1}, // keycaps
	{Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}, // emoji or text style
	{Lo: 0xfe20, Hi: 0xfe2f, Stride: 1},
}}

// plain are letters that Unicode does not take apart, as people type them on a keyboard without them.
var plain = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h",
}

// fold brings s to the form in which words are compared.
func fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(accents, r) {
			continue
		}
		if d, ok := digit(r); ok {
			b.WriteByte(d)
			continue
		}
		// Up and down again brings letters together that only share their capital, such as σ and ς.
		r = unicode.ToLower(unicode.ToUpper(r))
		if p, ok := plain[r]; ok {
			b.WriteString(p)
			continue
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}

// digit is the digit that r is in any script, such as ٢ or २, as we write it.
func digit(r rune) (byte, bool) {
	if r < 0x80 || !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	zero := r // digits stand in order, each ten by themselves
	for r-zero < 9 && unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return byte('0' + r - zero), true
}
