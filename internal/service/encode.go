package service

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose fields keep their order.
type object []field

type field struct {
	name  string
	value any
}

// encode writes v as JSON, byte for byte as a JavaScript program would after parsing it: compact, nothing escaped that need not be, numbers as
// short as they can be, names that look like array indexes first. Receivers that verify over a parsed and rewritten body depend on it.
func encode(v any) []byte { return appendValue(make([]byte, 0, usualSize), v) }

// usualSize is what most payloads fit into, in bytes.
const usualSize = 512

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return appendNumber(b, float64(v))
	case int64:
		return appendNumber(b, float64(v))
	case float64:
		return appendNumber(b, v)
	case json.Number:
		f, _ := v.Float64() // out of range gives an infinity, which is written as null
		return appendNumber(b, f)
	case object:
		return appendObject(b, v)
	case map[string]any:
		return appendObject(b, fieldsOf(v))
	case map[string]string:
		return appendObject(b, fieldsOf(v))
	case []any:
		return appendArray(b, v)
	case []map[string]any:
		return appendArray(b, v)
	case []string:
		return appendArray(b, v)
	case json.RawMessage:
		var parsed any
		if json.Unmarshal(v, &parsed) != nil {
			return append(b, "null"...)
		}
		return appendValue(b, parsed)
	}
	// Anything else goes through its own JSON.
	raw, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return appendValue(b, json.RawMessage(raw))
}

func fieldsOf[T any](m map[string]T) object {
	out := make(object, 0, len(m))
	for k, v := range m {
		out = append(out, field{k, v})
	}
	slices.SortFunc(out, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return out
}

func appendObject(b []byte, o object) []byte {
	if slices.ContainsFunc(o, func(f field) bool { _, ok := arrayIndex(f.name); return ok }) {
		o = slices.Clone(o)
		slices.SortStableFunc(o, func(x, y field) int {
			i, xok := arrayIndex(x.name)
			j, yok := arrayIndex(y.name)
			switch {
			case xok && yok:
				return int(int64(i) - int64(j))
			case xok:
				return -1
			case yok:
				return 1
			}
			return 0
		})
	}
	b = append(b, '{')
	for i, f := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f.name), ':')
		b = appendValue(b, f.value)
	}
	return append(b, '}')
}

// arrayIndex reports whether a name is one that JavaScript keeps in numeric order before all others.
func arrayIndex(name string) (uint32, bool) {
	if name == "" || len(name) > 10 || name[0] < '0' || name[0] > '9' || len(name) > 1 && name[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 32)
	return uint32(n), err == nil && n != math.MaxUint32
}

func appendArray[T any](b []byte, list []T) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendValue(b, v)
	}
	return append(b, ']')
}

// appendNumber writes f as ECMAScript's Number::toString does.
func appendNumber(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	if f == 0 {
		return append(b, '0') // also for -0
	}
	raw, _ := json.Marshal(f) // a finite number can be encoded; encoding/json writes it as ECMAScript does
	return append(b, raw...)
}

const hexDigits = "0123456789abcdef"

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c >= ' ':
				b = append(b, c)
			case c == '\b':
				b = append(b, '\\', 'b')
			case c == '\f':
				b = append(b, '\\', 'f')
			case c == '\n':
				b = append(b, '\\', 'n')
			case c == '\r':
				b = append(b, '\\', 'r')
			case c == '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r) // what is not UTF-8 becomes U+FFFD
		i += n
	}
	return append(b, '"')
}
