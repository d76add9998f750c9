package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// MaxDepth is how deeply lists and objects of a request may be nested.
const MaxDepth = 128

// typeJSON is the FieldError type of what is not JSON, or not of the right JSON type.
const typeJSON = "value_error.jsondecode"

// Decode reads the body of r as JSON into a T. An empty body gives the zero T, names that T does not have are ignored, and the content type does
// not matter. The bytes of a json.RawMessage stay as they were sent. Of a name that occurs twice the later value counts; two objects are merged. The
// size is limited by the Surface. Errors name every wrong field.
func Decode[T any](r *http.Request) (T, error) {
	var zero T
	if r.Body == nil || r.Body == http.NoBody {
		return zero, nil
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer putBuffer(&bodies, buf)
	if err := readBody(r, buf); err != nil {
		return zero, err
	}
	return DecodeBytes[T](buf.Bytes())
}

// DecodeBytes is Decode for a body that has been read. It keeps nothing of b.
func DecodeBytes[T any](b []byte) (T, error) {
	var v, zero T
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if len(bytes.TrimLeft(b, " \t\r\n")) == 0 {
		return zero, nil
	}
	if !utf8.Valid(b) {
		return zero, jsonError("must be text in UTF-8", "body")
	}
	if tooDeep(b) {
		return zero, jsonError("must not be nested more than "+strconv.Itoa(MaxDepth)+" levels deep", "body")
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return zero, explain(err, reflect.TypeFor[T](), b)
	}
	return v, nil
}

// ReadBody reads the body of r whole.
func ReadBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	var buf bytes.Buffer
	if err := readBody(r, &buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled is the largest buffer worth keeping; one big request must not hold its memory for ever.
const maxPooled = 64 << 10

func putBuffer(pool *sync.Pool, buf *bytes.Buffer) {
	if buf.Cap() <= maxPooled {
		buf.Reset()
		pool.Put(buf)
	}
}

func readBody(r *http.Request, buf *bytes.Buffer) error {
	if n := r.ContentLength; n > 0 && n <= maxPooled {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(r.Body)
	var tooMuch *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooMuch):
		return tooLarge(tooMuch.Limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return hookswitch.Errorf(hookswitch.Invalid, "The request body ended early: %w", err)
	}
	return hookswitch.Errorf(hookswitch.Invalid, "The request body could not be read: %w", err)
}

// tooDeep reports whether b has more than MaxDepth lists and objects inside each other. Counting the brackets first spares
// nearly every body the slower look at which of them are inside texts.
func tooDeep(b []byte) bool {
	if bytes.Count(b, []byte("{"))+bytes.Count(b, []byte("[")) <= MaxDepth {
		return false
	}
	depth, inText := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func jsonError(message string, path ...string) *hookswitch.Error {
	return &hookswitch.Error{Kind: hookswitch.Invalid, Fields: []hookswitch.FieldError{{Path: path, Message: message, Type: typeJSON}}}
}

// explain turns an error of encoding/json, met while reading b into a t, into one for people.
func explain(err error, t reflect.Type, b []byte) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && !json.Valid(b) {
		return jsonError(fmt.Sprintf("is not valid JSON: %s at byte %d", syntax.Error(), syntax.Offset), "body")
	}
	var d diagnosis
	d.value(t, b, []string{"body"})
	if len(d.fields) == 0 {
		return jsonError("does not have the right form", "body")
	}
	return &hookswitch.Error{Kind: hookswitch.Invalid, Fields: d.fields}
}
