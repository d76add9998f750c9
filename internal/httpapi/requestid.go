package httpapi

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
)

type requestIDKey struct{}

// idContext carries the id of a request. It is one allocation less than context.WithValue.
type idContext struct {
	context.Context
	id string
}

func (c *idContext) Value(key any) any {
	if key == (requestIDKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// RequestID is the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if c, ok := ctx.Value(requestIDKey{}).(*idContext); ok {
		return c.id
	}
	return ""
}

// WithRequestID gives each request an id, its own where it brings a sane one in svix-req-id or X-Request-Id, and tells it in the answer.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := givenID(r.Header)
		if id == "" {
			id = newID()
		}
		w.Header()["X-Request-Id"] = []string{id}
		next.ServeHTTP(w, r.WithContext(&idContext{r.Context(), id}))
	})
}

func givenID(h http.Header) string {
	for _, name := range [...]string{"Svix-Req-Id", "X-Request-Id"} {
		if v := h[name]; len(v) > 0 && saneID(v[0]) {
			return v[0]
		}
	}
	return ""
}

func saneID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

func newID() string {
	var buf [4 + 26]byte
	b := append(buf[:0], "req_"...)
	b = strconv.AppendUint(b, rand.Uint64(), 36)
	b = strconv.AppendUint(b, rand.Uint64(), 36)
	return string(b)
}
