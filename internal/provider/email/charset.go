package email

import (
	"fmt"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// charset finds an encoding by the name that mail gives it: an IANA name or one of its aliases, else what browsers take it for. nil: unknown.
func charset(name string) encoding.Encoding {
	name = strings.TrimSpace(name)
	for _, index := range []*ianaindex.Index{ianaindex.MIME, ianaindex.IANA} {
		if e, err := index.Encoding(name); err == nil && e != nil {
			return e
		}
	}
	if e, err := htmlindex.Get(name); err == nil {
		return e
	}
	return nil
}

// decode is raw, which is said to be in the charset, in UTF-8. What is in none that we know is read as UTF-8 or, where it is not that, as the
// Windows code page that most such mail is in.
func decode(raw []byte, name string) string {
	lower := strings.ToLower(strings.TrimSpace(name))
	if lower == "" || lower == "utf-8" || lower == "utf8" || lower == "us-ascii" || lower == "ascii" {
		return guess(raw)
	}
	if e := charset(name); e != nil {
		if out, err := e.NewDecoder().Bytes(raw); err == nil {
			return string(out)
		}
	}
	return guess(raw)
}

func guess(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(raw)
	if err != nil {
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	return string(out)
}

// words decodes the encoded words of headers (RFC 2047) in any charset.
var words = mime.WordDecoder{CharsetReader: func(name string, input io.Reader) (io.Reader, error) {
	e := charset(name)
	if e == nil {
		return nil, fmt.Errorf("unknown charset %q", name)
	}
	return e.NewDecoder().Reader(input), nil
}}

// decodeWords is a header's value with its encoded words read; as it is where they cannot be.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	if out, err := words.DecodeHeader(s); err == nil {
		return out
	}
	return s
}
