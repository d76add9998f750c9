package travtus

import (
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// required is what is said of a field that is missing.
const required = "required"

// object is a JSON object of a request whose fields are read one by one, so that all that is wrong is told at once. Names are compared exactly; what is null counts as absent.
type object struct {
	fields map[string]json.RawMessage
	path   []string
	checks *hookswitch.Checks
}

// readObject reads the body as a JSON object.
func readObject(r *http.Request) (body []byte, o *object, err error) {
	if header := r.Header.Get("Content-Type"); header != "" {
		kind, _, err := mime.ParseMediaType(header)
		if err != nil || kind != "application/json" && !(strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
			return nil, nil, &hookswitch.Error{Kind: hookswitch.Invalid, Code: codeMediaType, Message: "The body must be JSON: Content-Type: application/json."}
		}
	}
	if body, err = httpapi.ReadBody(r); err != nil {
		return nil, nil, err
	}
	fields, err := httpapi.DecodeBytes[map[string]json.RawMessage](body)
	if err != nil || fields == nil {
		return nil, nil, &hookswitch.Error{Kind: hookswitch.Invalid, Code: codeInvalidJSON, Message: "The request body must be a JSON object.", Err: err}
	}
	return body, &object{fields: fields, checks: new(hookswitch.Checks)}, nil
}

func (o *object) fail(name, message string) {
	o.checks.Field(message, append(o.path[:len(o.path):len(o.path)], name)...)
}

// has reports whether the field is there.
func (o *object) has(name string) bool {
	raw := o.fields[name]
	return len(raw) > 0 && string(raw) != "null"
}

// object is the object in the field. Where there is none it is nil, and noted if it is needed.
func (o *object) object(name string, needed bool) *object {
	if !o.has(name) {
		if needed {
			o.fail(name, required)
		}
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(o.fields[name], &fields) != nil {
		o.fail(name, "must be an object")
		return nil
	}
	return &object{fields: fields, path: append(o.path[:len(o.path):len(o.path)], name), checks: o.checks}
}

// text is the text in the field, "" where there is none.
func (o *object) text(name string) string {
	var s string
	if o.has(name) && json.Unmarshal(o.fields[name], &s) != nil {
		o.fail(name, "must be a string")
	}
	return s
}

// need is text for a field that must be there and not be empty.
func (o *object) need(name string) string {
	if !o.has(name) {
		o.fail(name, required)
		return ""
	}
	s := o.text(name)
	if s == "" && json.Unmarshal(o.fields[name], &s) == nil {
		o.fail(name, required)
	}
	return s
}

// maxID is the greatest length of the ids that callers give, in bytes.
const maxID = 1024

// id is text that names something, empty only where it is not needed.
func (o *object) id(name string, needed bool) string {
	read := o.text
	if needed {
		read = o.need
	}
	s := read(name)
	if len(s) > maxID {
		o.fail(name, "must be at most 1024 bytes long")
	}
	return s
}

// texts is a list of texts.
func (o *object) texts(name string) []string {
	var list []string
	if o.has(name) && json.Unmarshal(o.fields[name], &list) != nil {
		o.fail(name, "must be a list of strings")
	}
	return list
}

// scalar is a text, number or truth value, whatever is there, as JSON.
func (o *object) scalar(name string) any {
	if !o.has(name) {
		return nil
	}
	raw := o.fields[name]
	if raw[0] == '{' || raw[0] == '[' {
		o.fail(name, "must be a string or a number")
		return nil
	}
	return raw
}

// timeLayouts are the forms of ISO 8601 that are understood. Go reads fractions of a second wherever seconds are.
var timeLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00",
	"2006-01-02T15:04", "2006-01-02"}

// when is the time in the field. Without an offset it is UTC.
func (o *object) when(name string, needed bool) time.Time {
	read := o.text
	if needed {
		read = o.need
	}
	s := read(name)
	if s == "" {
		return time.Time{}
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	o.fail(name, "must be a date and time in ISO 8601 such as 2024-03-15T11:30:00Z")
	return time.Time{}
}
