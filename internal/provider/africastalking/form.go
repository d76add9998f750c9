package africastalking

import (
	"encoding/json"
	"errors"
	"mime"
	"strings"
	"time"
	_ "time/tzdata" // zones are named in addresses, and small images have no database of them

	"github.com/hookswitch/hookswitch"
)

// fields are what a notification says, by its field names.
type fields map[string]string

// errNotFields is a body that is JSON and yet no object.
var errNotFields = errors.New("the body is JSON, but not an object")

// read takes the fields out of a form, or of a JSON object of the same names, as relays make them. A form is always readable: what is escaped wrongly is taken as
// it is written, for a notification that is refused never comes again.
func read(push *hookswitch.Push) (fields, error) {
	body := strings.Trim(string(push.Body), "\r\n")
	kind, _, _ := mime.ParseMediaType(push.Header.Get("Content-Type"))
	if kind != "application/json" && !strings.HasPrefix(strings.TrimSpace(body), "{") && !strings.HasPrefix(strings.TrimSpace(body), "[") {
		return readForm(body), nil
	}
	if !json.Valid([]byte(body)) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &members); err != nil || members == nil {
		return nil, errNotFields
	}
	f := fields{}
	for name, raw := range members {
		var s string
		switch raw[0] {
		case '{', '[', 'n':
			continue
		case '"':
			if json.Unmarshal(raw, &s) != nil {
				continue
			}
		default:
			s = string(raw)
		}
		f[name] = strings.ToValidUTF8(s, "\uFFFD")
	}
	return f, nil
}

func readForm(body string) fields {
	f := fields{}
	for pair := range strings.SplitSeq(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name = unescape(name)
		if name == "" || f.has(name) {
			continue
		}
		f[name] = strings.ToValidUTF8(unescape(value), "\uFFFD")
	}
	return f
}

// unescape decodes what is escaped, and leaves a stray percent sign alone.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b.WriteByte(' ')
		case c == '%' && i+2 < len(s) && hexDigit(s[i+1]) >= 0 && hexDigit(s[i+2]) >= 0:
			b.WriteByte(byte(hexDigit(s[i+1])<<4 | hexDigit(s[i+2])))
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// hexDigit is the value of a hexadecimal digit, or -1.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (f fields) has(name string) bool { _, ok := f[name]; return ok }

// get is the field as a word: without space around it, and empty where it says that there is none.
func (f fields) get(name string) string {
	v := strings.TrimSpace(f[name])
	if v == "None" || v == "null" || v == "undefined" {
		return ""
	}
	return v
}

// phone is the field as a number in E.164 form. Relays forget to escape the "+", which then arrives as a space, or leave it out. Short codes, names and what
// else is no such number stay as they are.
func (f fields) phone(name string) string {
	v := f.get(name)
	if v == "" || v[0] == '0' || strings.Trim(v, "0123456789") != "" {
		return v
	}
	if strings.HasPrefix(f[name], " ") || len(v) >= 10 && len(v) <= 15 {
		return "+" + v
	}
	return v
}

// The forms in which times come. Those without a zone are of the zone that the address of the notification names.
var timeForms = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02+15:04:05"}

// time is the field as a time. It is zero where the field is none.
func (f fields) time(name string, push *hookswitch.Push) time.Time {
	v := f.get(name)
	if v == "" {
		return time.Time{}
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, v, zoneOf(push)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// zoneOf is the zone of the account's times, which the registered address may name: …?apiKey=…&zone=Africa/Nairobi. Otherwise it is UTC.
func zoneOf(push *hookswitch.Push) *time.Location {
	if push.URL == nil {
		return time.UTC
	}
	name := push.URL.Query().Get("zone")
	if name == "" || name == "Local" {
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// facts collects members of metadata and content that are left out where they are empty.
type facts map[string]any

func (m facts) text(name, v string) {
	if v != "" {
		m[name] = v
	}
}
