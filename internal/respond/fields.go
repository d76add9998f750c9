package respond

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// fields reads one object of a configuration field by field and notes all that is wrong with it, each under its own path.
type fields struct {
	checks *hookswitch.Checks
	path   []string
	raw    map[string]json.RawMessage // what nobody has asked for yet
}

func readFields(raw json.RawMessage, checks *hookswitch.Checks, path ...string) *fields {
	f := &fields{checks: checks, path: path}
	if err := json.Unmarshal(raw, &f.raw); err != nil || f.raw == nil {
		f.wrong("must be an object")
	}
	// What stands in for a secret is filled in by the first of two, and the last would be used.
	list := members(raw)
	for i, m := range list {
		if slices.ContainsFunc(list[:i], func(b member) bool { return b.name == m.name }) {
			f.wrong("is given twice", m.name)
		}
	}
	return f
}

func (f *fields) wrong(message string, below ...string) {
	f.checks.Field(message, slices.Concat(f.path, below)...)
}

// take removes the field and reports whether it holds anything; null counts as left out.
func (f *fields) take(name string) (json.RawMessage, bool) {
	raw, ok := f.raw[name]
	delete(f.raw, name)
	return raw, ok && string(raw) != "null"
}

// skip lets a field be that somebody else reads.
func (f *fields) skip(name string) { delete(f.raw, name) }

// text reads a text of at most limit characters; left out, it is "".
func (f *fields) text(name string, limit int) string { return f.textOr(name, limit, "") }

// textOr reads a text of at most limit characters, which may be empty; left out, it is otherwise.
func (f *fields) textOr(name string, limit int, otherwise string) string {
	raw, ok := f.take(name)
	if !ok {
		return otherwise
	}
	s, _ := f.checkText(raw, limit, name)
	return s
}

// textOrNumber is text for what people write as a number: 1 is "1".
func (f *fields) textOrNumber(name string, limit int) string {
	var n json.Number
	if raw := f.raw[name]; len(raw) > 0 && raw[0] != '"' && json.Unmarshal(raw, &n) == nil {
		f.skip(name)
		return n.String()
	}
	return f.text(name, limit)
}

func (f *fields) checkText(raw json.RawMessage, limit int, below ...string) (s string, ok bool) {
	if err := json.Unmarshal(raw, &s); err != nil {
		f.wrong("must be a text", below...)
		return "", false
	}
	if utf8.RuneCountInString(s) > limit {
		f.wrong("must be at most "+strconv.Itoa(limit)+" characters long", below...)
		return "", false
	}
	if m := hookswitch.CheckText(s); m != "" {
		f.wrong(m, below...)
		return "", false
	}
	return s, true
}

// flag reads true or false; left out, it is false.
func (f *fields) flag(name string) (b bool) {
	if raw, ok := f.take(name); ok {
		if err := json.Unmarshal(raw, &b); err != nil {
			f.wrong("must be true or false", name)
		}
	}
	return b
}

// list reads a list of at most limit entries and gives each to item. It returns their number, which is -1 for something that is no
// list or too long a one.
func (f *fields) list(name string, limit int, item func(raw json.RawMessage, at string)) int {
	raw, ok := f.take(name)
	if !ok {
		return 0
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		f.wrong("must be a list", name)
		return -1
	}
	if len(entries) > limit {
		f.wrong("must have at most "+strconv.Itoa(limit)+" entries", name)
		return -1
	}
	for i, entry := range entries {
		item(entry, "["+strconv.Itoa(i)+"]")
	}
	return len(entries)
}

// each reads an object of at most limit fields and gives each to item, in the order of their names. It returns their number, which is -1 for something that is no
// object or too large a one.
func (f *fields) each(name string, limit int, item func(raw json.RawMessage, field string)) int {
	raw, ok := f.take(name)
	if !ok {
		return 0
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		f.wrong("must be an object", name)
		return -1
	}
	if len(entries) > limit {
		f.wrong("must have at most "+strconv.Itoa(limit)+" entries", name)
		return -1
	}
	for _, field := range slices.Sorted(maps.Keys(entries)) {
		item(entries[field], field)
	}
	return len(entries)
}

// number reads a whole number between low and high; left out, it is otherwise.
func (f *fields) number(name string, low, high, otherwise int64) int64 {
	raw, ok := f.take(name)
	if !ok {
		return otherwise
	}
	var n int64
	if err := json.Unmarshal(raw, &n); err != nil || n < low || n > high {
		f.wrong("must be a whole number from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10), name)
		return otherwise
	}
	return n
}

// below are the fields of an object that lies at path below this one.
func (f *fields) below(raw json.RawMessage, path ...string) *fields {
	return readFields(raw, f.checks, slices.Concat(f.path, path)...)
}

// done notes the fields that nobody asked for: most of them are misspelt.
func (f *fields) done() {
	for _, name := range slices.Sorted(maps.Keys(f.raw)) {
		f.wrong("is not a known field", name)
	}
}
