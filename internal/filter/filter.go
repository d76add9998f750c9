// Package filter is the grammar of filter bars, the same on pages, on the command line and in APIs: conditions with a name and a colon, and words that are looked for in payloads.
//
//	status:failed code:5xx type:message.* channel:sms endpoint:crm after:2h before:2026-03-01 "text in payload"
//
// Conditions of one name are alternatives, different names have to hold together, and so do texts. A name that is none of ours is a field of the payload: order:17 finds
// payloads with a member order of that value. The package reads and writes the text; what is found with it is left to its callers.
package filter

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The names of conditions.
const (
	Status   = "status"
	Code     = "code"
	Type     = "type"
	Channel  = "channel"
	Endpoint = "endpoint"
	Message  = "message"
	After    = "after"
	Before   = "before"
)

// Names are all of them, in the order in which they are explained.
var Names = []string{Status, Code, Type, Channel, Endpoint, Message, After, Before}

// The words of status.
const (
	Delivered = "delivered" // an attempt succeeded
	Failed    = "failed"    // an attempt failed
	Waiting   = "waiting"   // an attempt failed, and another one will be made
	GivenUp   = "given-up"  // all attempts failed, and no other one will be made
)

// Statuses are the words of status.
var Statuses = []string{Delivered, Failed, Waiting, GivenUp}

const (
	// MaxText is the greatest length of a filter in bytes.
	MaxText = 2000
	// MaxTerms is how many conditions it may have.
	MaxTerms = 20
)

// Term is one condition as it was written. Name is empty for a text.
type Term struct{ Name, Value string }

// String is the term as it is written, with quotes where it needs them.
func (t Term) String() string {
	if t.Name == "" {
		if needsQuotes(t.Value) || strings.Contains(t.Value, ":") {
			return quote(t.Value)
		}
		return t.Value
	}
	if needsQuotes(t.Value) {
		return t.Name + ":" + quote(t.Value)
	}
	return t.Name + ":" + t.Value
}

func needsQuotes(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n\"") }

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// CodeRange are the statuses from Low to High; both are 0 for attempts without an answer.
type CodeRange struct{ Low, High int }

// Query is a filter that has been read.
type Query struct {
	// Terms are the conditions in their order, without those that were wrong.
	Terms []Term

	Statuses  []string
	Codes     []CodeRange
	Types     []string // exact, or the beginning of a name with * at its end
	Channels  []string
	Endpoints []string // ids, names or uids, as they were written
	Messages  []string // ids or the callers' own
	After     time.Time
	Before    time.Time
	// Texts have to be in the payload, all of them; of each, one of its spellings, of which big and small letters of ASCII are alike.
	Texts [][]string
}

// Problem is a condition that cannot be understood.
type Problem struct {
	Term Term
	Text string // a sentence
}

// Parse reads a filter. now is what relative times count from. What cannot be understood is left out, and said.
func Parse(text string, now time.Time) (q Query, problems []Problem) {
	if len(text) > MaxText {
		return q, []Problem{{Text: "The filter is longer than " + strconv.Itoa(MaxText) + " bytes."}}
	}
	terms := split(strings.ToValidUTF8(text, "\ufffd"))
	if len(terms) > MaxTerms {
		terms = terms[:MaxTerms]
		problems = append(problems, Problem{Text: "The filter has more than " + strconv.Itoa(MaxTerms) + " conditions; the others are left out."})
	}
	for _, t := range terms {
		if wrong := q.add(&t, now); wrong != "" {
			problems = append(problems, Problem{t, wrong})
			continue
		}
		q.Terms = append(q.Terms, t)
	}
	return q, problems
}

// Empty reports whether there is no condition.
func (q *Query) Empty() bool { return len(q.Terms) == 0 }

// String is the filter as it is written.
func (q *Query) String() string { return join(q.Terms, -1) }

// Without is the filter without the condition at i.
func (q *Query) Without(i int) string { return join(q.Terms, i) }

// WithoutNamed is the filter without any condition of the names.
func (q *Query) WithoutNamed(names ...string) string {
	var rest []Term
next:
	for _, t := range q.Terms {
		for _, n := range names {
			if t.Name == n {
				continue next
			}
		}
		rest = append(rest, t)
	}
	return join(rest, -1)
}

func join(terms []Term, without int) string {
	var parts []string
	for i, t := range terms {
		if i != without {
			parts = append(parts, t.String())
		}
	}
	return strings.Join(parts, " ")
}

func (q *Query) add(t *Term, now time.Time) (wrong string) {
	value := t.Value
	if t.Name != "" && value == "" {
		return "There is nothing behind " + t.Name + ":."
	}
	switch t.Name {
	case "":
		q.Texts = append(q.Texts, spellings(value))
	case Status:
		value = strings.ToLower(value)
		for _, s := range Statuses {
			if s == value {
				q.Statuses = append(q.Statuses, value)
				t.Value = value
				return ""
			}
		}
		return "status is one of " + strings.Join(Statuses, ", ") + "."
	case Code:
		r, ok := codes(strings.ToLower(value))
		if !ok {
			return "code is a status such as 503, a class such as 5xx, or none."
		}
		q.Codes = append(q.Codes, r)
	case Type:
		if i := strings.IndexByte(value, '*'); i >= 0 && i < len(value)-1 {
			return "type may have a * at its end only, as in message.*."
		}
		q.Types = append(q.Types, value)
	case Channel:
		q.Channels = append(q.Channels, value)
	case Endpoint:
		q.Endpoints = append(q.Endpoints, value)
	case Message, "id":
		t.Name = Message
		q.Messages = append(q.Messages, value)
	case After, Before:
		at, ok := when(value, now)
		if !ok {
			return t.Name + " is a time such as 2h, 3d, 2026-03-01 or 2026-03-01T14:30 (UTC)."
		}
		if t.Name == After {
			q.After = at
		} else {
			q.Before = at
		}
	default:
		q.Texts = append(q.Texts, members(t.Name, value))
	}
	return ""
}

// spellings are the ways in which a text may stand in JSON: as it is, and with the escapes that encoders use. Big and small letters of ASCII are alike to who looks for them; of others
// there are spellings.
func spellings(s string) []string {
	var list []string
	add := func(other string) {
		for _, have := range list {
			if sameLetters(have, other) {
				return
			}
		}
		list = append(list, other)
	}
	forms := []string{s}
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		forms = append(forms, strings.ToLower(s), strings.ToUpper(s), titled(s))
	}
	for _, s := range forms {
		add(s)
		b, err := json.Marshal(s) // escapes <, > and & too
		if err == nil {
			add(string(b[1 : len(b)-1]))
		}
		var plain strings.Builder
		enc := json.NewEncoder(&plain)
		enc.SetEscapeHTML(false)
		if enc.Encode(s) == nil {
			add(strings.Trim(strings.TrimSpace(plain.String()), `"`))
		}
		ascii := strconv.QuoteToASCII(s) // \u00e9, as Python and PHP write
		if !strings.Contains(ascii, `\U`) && !strings.Contains(ascii, `\x`) && !strings.Contains(ascii, `\a`) && !strings.Contains(ascii, `\v`) {
			add(ascii[1 : len(ascii)-1])
		}
	}
	return list
}

// sameLetters reports whether texts differ in nothing but big and small letters of ASCII.
func sameLetters(a, b string) bool {
	small := func(s string) string {
		return strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}, s)
	}
	return len(a) == len(b) && small(a) == small(b)
}

// titled is a text with its words begun with big letters, and small ones else.
func titled(s string) string {
	begin := true
	return strings.Map(func(r rune) rune {
		was := begin
		begin = !unicode.IsLetter(r)
		if was {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// members are the spellings of a member of an object.
func members(name, value string) (list []string) {
	for _, colon := range []string{":", ": "} {
		list = append(list, `"`+name+`"`+colon+`"`+value+`"`)
		if json.Valid([]byte(value)) {
			for _, end := range []string{",", "}", "\n", " "} {
				list = append(list, `"`+name+`"`+colon+value+end)
			}
		}
	}
	return list
}

func codes(s string) (r CodeRange, ok bool) {
	if s == "none" || s == "0" {
		return r, true
	}
	if len(s) == 3 && s[1:] == "xx" && s[0] >= '1' && s[0] <= '9' {
		n := int(s[0]-'0') * 100
		return CodeRange{n, n + 99}, true
	}
	n, err := strconv.Atoi(s)
	return CodeRange{n, n}, err == nil && n >= 100 && n <= 999
}

// when reads a time: so long ago, or a day, or a time of a day, in UTC.
func when(s string, now time.Time) (time.Time, bool) {
	if n := len(s) - 1; n > 0 {
		unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[n]]
		if v, err := strconv.Atoi(s[:n]); err == nil && unit != 0 && v >= 0 && v < 1e6 {
			return now.Add(-time.Duration(v) * unit), true
		}
	}
	if s == "now" {
		return now, true
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if at, err := time.Parse(form, s); err == nil {
			return at.UTC(), true
		}
	}
	if at, err := time.Parse("15:04", s); err == nil {
		y, m, d := now.UTC().Date()
		return time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, time.UTC), true
	}
	return time.Time{}, false
}

// split cuts a filter into its conditions.
func split(s string) (list []Term) {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return list
		}
		var t Term
		if s[0] != '"' {
			end := strings.IndexAny(s, " \t\r\n:\"")
			if end > 0 && s[end] == ':' && isName(s[:end]) && !strings.HasPrefix(s[end:], "://") {
				t.Name, s = lowered(s[:end]), s[end+1:]
			}
		}
		t.Value, s = word(s)
		if t.Name != "" || t.Value != "" {
			list = append(list, t)
		}
	}
}

// lowered is the name of a condition of ours however it is written; others are names of members.
func lowered(s string) string {
	l := strings.ToLower(s)
	for _, n := range append([]string{"id"}, Names...) {
		if n == l {
			return l
		}
	}
	return s
}

func isName(s string) bool {
	for i := range len(s) {
		b := s[i]
		if !('a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' || i > 0 && (b == '-' || '0' <= b && b <= '9')) {
			return false
		}
	}
	return s != ""
}

// word is the next word, or what stands in quotes, and what follows.
func word(s string) (value, rest string) {
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, " \t\r\n")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "" // the quote is still open
}
