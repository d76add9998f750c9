package svix

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// Messages are written by appending, so that payloads come out byte for byte as they were accepted; encoding/json would strip their white space.

var headerJSON = []string{"application/json"}

// writeJSON answers with b, which is JSON.
func writeJSON(w http.ResponseWriter, status int, b []byte) error {
	h := w.Header()
	h["Content-Type"] = headerJSON
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// appendJSON appends v. Our own wire types can always be encoded.
func appendJSON(b []byte, v any) []byte {
	buf := bytes.NewBuffer(b)
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("svix: " + err.Error())
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// appendText appends s as a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendJSON(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	return append(b, '"')
}

// micros is t for a field that is always there. The store keeps milliseconds, so an answer given before a thing was read back shows no more.
func micros(t time.Time) httpapi.MicroTime { return httpapi.MicroTime(t.Truncate(time.Millisecond)) }

// notNull is a map that reads as an object even when it is nil.
func notNull(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
