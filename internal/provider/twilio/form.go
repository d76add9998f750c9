package twilio

import (
	"errors"
	"mime"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// form is the parameters of a push as they were sent: in order, with all repetitions. What proves a push and what reads it must see the same values, so both
// use it.
type form []parameter

type parameter struct{ name, value string }

var errNoForm = errors.New("the body is no form")

// readForm reads a body of the type application/x-www-form-urlencoded, whatever type it is said to have. Each part must have its "=": what may be written in one
// way only cannot be changed without being seen.
func readForm(push *hookswitch.Push) (form, error) {
	if len(push.Body) == 0 {
		return nil, nil
	}
	var f form
	for part := range strings.SplitSeq(string(push.Body), "&") {
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, errNoForm
		}
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errNoForm
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, errNoForm
		}
		f = append(f, parameter{name, value})
	}
	return f, nil
}

// get is the first value of name, or "". Bytes that are no UTF-8 are replaced: the value is stored and shown.
func (f form) get(name string) string {
	for _, p := range f {
		if p.name == name {
			return strings.ToValidUTF8(p.value, "\uFFFD")
		}
	}
	return ""
}

// first is the value of the first of the names that has one.
func (f form) first(names ...string) string {
	for _, name := range names {
		if v := f.get(name); v != "" {
			return v
		}
	}
	return ""
}

func (f form) has(name string) bool {
	for _, p := range f {
		if p.name == name {
			return true
		}
	}
	return false
}

func (f form) flag(name string) bool { return f.get(name) == "true" }

func isJSON(push *hookswitch.Push) bool {
	kind, _, err := mime.ParseMediaType(push.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
