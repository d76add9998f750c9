package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Query reads the query parameters of one request and collects what is wrong with them. What cannot be read as its type at all
// and what is readable but not allowed differ: the first is an error without Fields.
type Query struct {
	values     url.Values
	unreadable []string
	fields     []hookswitch.FieldError
}

// NewQuery starts reading the query of r.
func NewQuery(r *http.Request) *Query {
	q := new(Query)
	if r.URL.RawQuery == "" {
		return q
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		q.unreadable = append(q.unreadable, "the query string is not valid")
	}
	q.values = values
	return q
}

// Text is the parameter, or "".
func (q *Query) Text(name string) string { return q.values.Get(name) }

// Has reports whether the parameter is there and not empty.
func (q *Query) Has(name string) bool { return q.Text(name) != "" }

// Int is the parameter as a whole number from least to most, or def when it is absent.
func (q *Query) Int(name string, def, least, most int) int {
	s := q.Text(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		q.garbled(name, "must be a whole number")
		return def
	}
	if err != nil || n < least || n > most {
		q.Fail("must lie between "+strconv.Itoa(least)+" and "+strconv.Itoa(most), name)
		return def
	}
	return n
}

// Bool is the parameter, "true" or "false", or def when it is absent.
func (q *Query) Bool(name string, def bool) bool {
	switch q.Text(name) {
	case "":
		return def
	case "true":
		return true
	case "false":
		return false
	}
	q.garbled(name, "must be true or false")
	return def
}

// Time is the parameter as a time, or the zero Time when it is absent.
func (q *Query) Time(name string) time.Time {
	s := q.Text(name)
	if s == "" {
		return time.Time{}
	}
	t, ok := ParseTime(s)
	if !ok {
		q.garbled(name, "must be a time such as 2025-01-31T12:00:00Z")
	}
	return t
}

// OneOf is the parameter, which must be one of words, or def when it is absent.
func (q *Query) OneOf(name, def string, words ...string) string {
	s := q.Text(name)
	if s == "" {
		return def
	}
	if !slices.Contains(words, s) {
		q.Fail("must be one of "+strings.Join(words, ", "), name)
		return def
	}
	return s
}

// List is the parameter as a list: separated by commas, repeated, or repeated as name[] or name[0]. It is nil when absent.
func (q *Query) List(name string) []string {
	var list []string
	add := func(values []string) {
		for _, v := range values {
			for item := range strings.SplitSeq(v, ",") {
				if item = strings.TrimSpace(item); item != "" {
					list = append(list, item)
				}
			}
		}
	}
	add(q.values[name])
	add(q.values[name+"[]"])
	type position struct {
		n   int
		key string
	}
	var indexed []position
	for key := range q.values {
		inner, ok := strings.CutPrefix(key, name+"[")
		if !ok || !strings.HasSuffix(inner, "]") {
			continue
		}
		if n, err := strconv.Atoi(strings.TrimSuffix(inner, "]")); err == nil {
			indexed = append(indexed, position{n, key})
		}
	}
	slices.SortFunc(indexed, func(a, b position) int { return a.n - b.n })
	for _, p := range indexed {
		add(q.values[p.key])
	}
	return list
}

// Fail notes that the parameter is readable and yet wrong.
func (q *Query) Fail(message, name string) {
	q.fields = append(q.fields, hookswitch.FieldError{Path: []string{"query", name}, Message: message})
}

func (q *Query) garbled(name, message string) { q.unreadable = append(q.unreadable, name+" "+message) }

// Err is nil, or an error of kind Invalid that names everything wrong.
func (q *Query) Err() error {
	switch {
	case len(q.unreadable) > 0:
		return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "Query: " + strings.Join(q.unreadable, "; ") + "."}
	case len(q.fields) > 0:
		return &hookswitch.Error{Kind: hookswitch.Invalid, Fields: q.fields}
	}
	return nil
}
