package respond

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// Limit is how much text one message carries. The zero Limit sets none.
type Limit struct {
	N     int
	Bytes bool // N counts bytes of UTF-8, else UTF-16 units: no provider's way of counting characters comes to more
}

// LimitOf is the limit of a text message on the channel.
func LimitOf(c hookswitch.Channel) Limit {
	switch c {
	case hookswitch.WhatsApp, hookswitch.Telegram:
		return Limit{N: 4096}
	case hookswitch.Messenger:
		return Limit{N: 2000}
	case hookswitch.Instagram:
		return Limit{N: 1000, Bytes: true}
	case hookswitch.SMS:
		return Limit{N: 1600}
	case hookswitch.X:
		return Limit{N: 10000}
	case hookswitch.USSD:
		return Limit{N: 182}
	case hookswitch.Voice:
		return Limit{N: 4096}
	}
	return Limit{}
}

// Size is the length of s as l counts it.
func (l Limit) Size(s string) int {
	if l.Bytes {
		return len(s)
	}
	n := 0
	for _, r := range s {
		n += l.size(r)
	}
	return n
}

func (l Limit) size(r rune) int {
	switch {
	case l.Bytes:
		return utf8.RuneLen(r)
	case r > 0xffff:
		return 2
	}
	return 1
}

// Cut takes from the beginning of text what fits into one message, and gives back the rest. It cuts between words, or where a word
// fills more than half of the message between two characters as people see them: an accent stays on its letter, a family in one
// piece. White space
// at the cut, and around a text that has to be cut, is left out. Both parts are valid UTF-8.
func (l Limit) Cut(text string) (head, rest string) {
	text = strings.ToValidUTF8(text, "\ufffd")
	if l.N <= 0 || l.Size(text) <= l.N {
		return text, ""
	}
	text = strings.TrimSpace(text)
	if l.Size(text) <= l.N {
		return text, ""
	}
	var size, fits, char, space, spaceSize int // byte offsets, and sizes as l counts
	var b boundary
	for i, r := range text {
		if i > 0 && b.before(r) {
			char = i
		}
		if unicode.IsSpace(r) {
			space, spaceSize = i, size
		}
		b.next(r)
		fits = i
		if size += l.size(r); size > l.N {
			break
		}
	}
	at := fits // one "character" that fills the message by itself is cut where it fits
	switch {
	case spaceSize > l.N/2:
		at = space
	case char > 0:
		at = char
	}
	return strings.TrimRightFunc(text[:at], unicode.IsSpace), strings.TrimLeftFunc(text[at:], unicode.IsSpace)
}

// boundary finds the places between characters as people see them. It knows the cases that messages are made of: marks, joined and
// coloured emoji, flags, Korean syllables in parts, line ends.
type boundary struct {
	last  rune
	flags int // regional indicators in a row
}

func (b *boundary) next(r rune) {
	if regional(r) {
		b.flags++
	} else {
		b.flags = 0
	}
	b.last = r
}

// before reports whether a text may be cut between the last character and r.
func (b *boundary) before(r rune) bool {
	const joiner = '\u200d'
	switch {
	case unicode.IsMark(r), r == joiner, b.last == joiner:
		return false
	case r >= 0x1f3fb && r <= 0x1f3ff, r >= 0xe0020 && r <= 0xe007f: // skin tones, parts of regional flags
		return false
	case r == '\n' && b.last == '\r':
		return false
	case regional(r) && b.flags%2 == 1:
		return false
	case r >= 0x1160 && r <= 0x11ff: // vowels and final consonants of Hangul
		return false
	case r == 0x0e33 || r == 0x0eb3: // the vowel am of Thai and Lao
		return false
	}
	return true
}

func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
