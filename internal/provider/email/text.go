package email

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what messages carry of foreign text.
const (
	maxText        = 256 << 10 // bytes of a body
	maxLine        = 998       // bytes of a subject, a name, an id: the longest line of a mail
	maxAttachments = 100
)

// text is a JSON text, or a number or boolean as it is written: ids come as either. Anything else reads as "", so that one odd member
// does not spoil what surrounds it.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, (*string)(t))
	case '{', '[', 'n':
	default:
		*t = text(raw)
	}
	return nil
}

// line is t on one line.
func (t text) line() string { return line(string(t)) }

// clock reads Unix time in seconds, with a fraction or without, or RFC 3339. Anything else is the zero time.
func (t text) clock() time.Time {
	if at, err := time.Parse(time.RFC3339Nano, string(t)); err == nil {
		return sane(at)
	}
	whole, fraction, _ := strings.Cut(string(t), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds <= 0 || seconds > lastSecond {
		return time.Time{}
	}
	millis := 0
	if len(fraction) >= 3 {
		if millis, err = strconv.Atoi(fraction[:3]); err != nil || millis < 0 {
			millis = 0
		}
	}
	return time.Unix(seconds, int64(millis)*1e6).UTC()
}

const lastSecond = 253402300799 // of the year 9999

// sane is at in UTC, or the zero time where no clock can have shown it.
func sane(at time.Time) time.Time {
	if n := at.Unix(); n <= 0 || n > lastSecond {
		return time.Time{}
	}
	return at.UTC()
}

// encoded is a file that is a JSON text in base64.
type encoded struct{ bytes []byte }

// UnmarshalJSON implements json.Unmarshaler. What is not in base64 is no file.
func (e *encoded) UnmarshalJSON(raw []byte) error {
	e.bytes = nil
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		data, err = base64.RawStdEncoding.DecodeString(s)
	}
	if err == nil {
		e.bytes = data
	}
	return nil
}

// line is s on one line, bounded, without control characters.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
	short, _ := cut(strings.Join(strings.Fields(s), " "), maxLine)
	return short
}

// body is s as the text of a message: lines end with \n, control characters and white space around it are gone. whole is false where it was cut.
func body(s string) (out string, whole bool) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		}
		return r // what is not UTF-8 becomes U+FFFD
	}, s)
	return cut(strings.TrimFunc(s, unicode.IsSpace), maxText)
}

// cut bounds s to at most most bytes, at the end of a character.
func cut(s string, most int) (out string, whole bool) {
	if len(s) <= most {
		return s, true
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most], false
}
