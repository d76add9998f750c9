package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

var (
	headerJSON  = []string{"application/json"}
	headerClose = []string{"close"}
)

type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}}

// Encode answers with v as compact JSON. Nothing is escaped that JSON does not require to be.
func Encode(w http.ResponseWriter, status int, v any) error {
	e := encoders.Get().(*encoder)
	e.buf.Reset()
	defer func() {
		if e.buf.Cap() <= maxPooled {
			encoders.Put(e)
		}
	}()
	if err := e.json.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	b := separators(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	h := w.Header()
	h["Content-Type"] = headerJSON
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return &writeError{err}
	}
	return nil
}

// NoContent answers 204.
func NoContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// writeError says that an answer could not be sent, which is nearly always because the client has gone.
type writeError struct{ err error }

func (e *writeError) Error() string { return "write answer: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// separators writes U+2028 and U+2029 as themselves, which encoding/json escapes for the sake of scripts that JSON is pasted
// into. It works in place.
func separators(b []byte) []byte {
	if !bytes.Contains(b, []byte(`\u202`)) {
		return b
	}
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		if rest := b[i:]; len(rest) >= 6 && (string(rest[:6]) == `\u2028` || string(rest[:6]) == `\u2029`) {
			last := byte(0xa8) + rest[5] - '8'
			out = append(out, 0xe2, 0x80, last)
			i += 5
			continue
		}
		out = append(out, b[i], b[i+1])
		i++
	}
	return out
}
