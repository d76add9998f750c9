package httpapi

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// maxFaults is how many wrong fields one answer names.
const maxFaults = 20

// diagnosis finds what in a JSON text does not fit a Go type. It runs only when reading has failed, and reads the text again
// piece by piece, because encoding/json stops at some errors and never tells positions in lists.
type diagnosis struct{ fields []hookswitch.FieldError }

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	optionalType    = reflect.TypeFor[optional]()
	timeType        = reflect.TypeFor[time.Time]()
)

func (d *diagnosis) fault(message string, path []string) {
	if len(d.fields) < maxFaults {
		d.fields = append(d.fields, hookswitch.FieldError{Path: slices.Clone(path), Message: message, Type: typeJSON})
	}
}

// value compares raw, which is valid JSON, with t.
func (d *diagnosis) value(t reflect.Type, raw []byte, path []string) {
	raw = bytes.TrimSpace(raw)
	if len(d.fields) >= maxFaults || len(raw) == 0 {
		return
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	to := reflect.PointerTo(t)
	switch {
	case to.Implements(optionalType):
		d.value(reflect.New(t).Interface().(optional).elem(), raw, path)
		return
	case t == textsType:
		d.texts(raw, path)
		return
	case to.Implements(jsonUnmarshaler), to.Implements(textUnmarshaler):
		d.leaf(t, raw, path)
		return
	case string(raw) == "null":
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		d.object(t, raw, path)
	case reflect.Slice, reflect.Array:
		d.list(t, raw, path)
	case reflect.Map:
		d.dict(t, raw, path)
	case reflect.Interface:
	default:
		d.leaf(t, raw, path)
	}
}

func (d *diagnosis) object(t reflect.Type, raw []byte, path []string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		d.fault("must be an object", path)
		return
	}
	d.members(t, members, path)
}

func (d *diagnosis) members(t reflect.Type, members map[string]json.RawMessage, path []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			if ft := f.Type; ft.Kind() == reflect.Struct {
				d.members(ft, members, path)
			}
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if raw, ok := member(members, name); ok {
			d.value(f.Type, raw, append(path, name))
		}
	}
}

// member finds name as encoding/json does: exactly, or else whatever its case.
func member(members map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	if raw, ok := members[name]; ok {
		return raw, true
	}
	for key, raw := range members {
		if strings.EqualFold(key, name) {
			return raw, true
		}
	}
	return nil, false
}

func (d *diagnosis) list(t reflect.Type, raw []byte, path []string) {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		if json.Unmarshal(raw, new([]byte)) != nil {
			d.fault("must be base64 text", path)
		}
		return
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		d.fault("must be a list", path)
		return
	}
	for i, item := range items {
		d.value(t.Elem(), item, append(path, "["+strconv.Itoa(i)+"]"))
	}
}

func (d *diagnosis) dict(t reflect.Type, raw []byte, path []string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		d.fault("must be an object", path)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		d.value(t.Elem(), members[name], append(path, name))
	}
}

func (d *diagnosis) texts(raw []byte, path []string) {
	var members map[string]*json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		d.fault("must be an object", path)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if member := members[name]; member == nil {
			d.fault(mustBe(reflect.TypeFor[string](), ""), append(path, name))
		} else {
			d.value(reflect.TypeFor[string](), *member, append(path, name))
		}
	}
}

func (d *diagnosis) leaf(t reflect.Type, raw []byte, path []string) {
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	if err == nil {
		return
	}
	var known *hookswitch.Error
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &known) && known.Kind == hookswitch.Invalid && known.Message != "":
		d.fault(known.Message, path)
	case t == timeType:
		d.fault("must be a time such as 2025-01-31T12:00:00Z", path)
	case errors.As(err, &wrongType):
		if wrongType.Field != "" {
			path = append(path, strings.Split(wrongType.Field, ".")...)
		}
		d.fault(mustBe(wrongType.Type, wrongType.Value), path)
	case strings.HasPrefix(err.Error(), "json: "):
		d.fault(mustBe(t, ""), path)
	default:
		d.fault("is not valid: "+err.Error(), path)
	}
}

// mustBe says what values of t look like in JSON; found is encoding/json's word for what was there.
func mustBe(t reflect.Type, found string) string {
	switch t.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if number, ok := strings.CutPrefix(found, "number "); ok && !strings.ContainsAny(number, ".eE") {
			return "is out of range"
		}
		return "must be a whole number"
	case reflect.Float32, reflect.Float64:
		return "must be a number"
	case reflect.Slice, reflect.Array:
		return "must be a list"
	case reflect.Map, reflect.Struct:
		return "must be an object"
	}
	return "does not have the right form"
}
