package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	binPath = "/play/in/"
	// maxTaken is the largest body that a bin takes, in bytes. It keeps the first service.BinBody of it.
	maxTaken = 4 << 20
	// maxHeaders and maxURI bound what else a request leaves behind.
	maxHeaders = 64 << 10
	maxURI     = 8 << 10
)

// serveTaking answers whatever is sent to a bin. Any page may call it: it gives nothing away.
func (pl *play) serveTaking(w http.ResponseWriter, r *http.Request, rest string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Methods", r.Header.Get("Access-Control-Request-Method"))
		if asked := r.Header.Values("Access-Control-Request-Headers"); len(asked) > 0 {
			h["Access-Control-Allow-Headers"] = asked
		}
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	token, _, _ := strings.Cut(rest, "/")
	pl.data.With(func(s *httpapi.Surface) { s.MaxBody = maxTaken }).Handle(func(w http.ResponseWriter, r *http.Request) error {
		return pl.take(w, r, token)
	}).ServeHTTP(w, r)
}

func (pl *play) take(w http.ResponseWriter, r *http.Request, token string) error {
	// Before the body is read: nobody sends 4 MiB to a bin that does not exist.
	if _, err := pl.svc.Bin(r.Context(), token); err != nil {
		return err
	}
	body, err := httpapi.ReadBody(r)
	if err != nil {
		return err
	}
	q := &store.BinRequest{Token: token, Method: r.Method, URI: r.RequestURI, Remote: r.RemoteAddr, Headers: headerLines(r.Host, r.Header), Body: body, Size: int64(len(body))}
	if len(q.URI) > maxURI {
		q.URI = q.URI[:maxURI]
	}
	if len(body) > service.BinBody {
		q.Body = slices.Clone(body[:service.BinBody])
	}
	if err := pl.svc.AddBinRequest(r.Context(), q); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, struct {
		OK bool `json:"ok"`
	}{true})
}

// headerLines are the headers in the order of their names, up to a bound. Bytes that are not text are replaced.
func headerLines(host string, h http.Header) []store.HeaderLine {
	var lines []store.HeaderLine
	room := maxHeaders
	add := func(name, value string) {
		if room -= len(name) + len(value); room >= 0 {
			lines = append(lines, store.HeaderLine{Name: name, Value: strings.ToValidUTF8(value, "\ufffd")})
		}
	}
	if host != "" {
		add("Host", host)
	}
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range h[name] {
			add(name, value)
		}
	}
	return lines
}
