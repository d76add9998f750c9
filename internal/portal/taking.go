package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
	reply, err := pl.svc.TakeBinRequest(r.Context(), q)
	if err != nil {
		return err
	}
	return pl.reply(w, r, reply)
}

// okSize is the size of bodies that nobody would compress.
const okSize = 1 << 10

// maxHeld is how many requests are answered slowly at a time. Beyond it bins answer at once.
const maxHeld = 512

// reply answers as the bin has been told to. What it answers somebody wrote, so no browser may take it for a page of ours.
func (pl *play) reply(w http.ResponseWriter, r *http.Request, reply *service.BinReply) error {
	defer pl.held.Add(-1)
	slow := pl.held.Add(1) <= maxHeld
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(3 * service.MaxBinDelay)) // a writer without deadlines has none to move
	if slow && !pl.wait(r, reply.Delay) {
		return nil
	}
	if reply.Cut == store.CutBefore {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	for name, values := range reply.Header {
		h[name] = values
	}
	status := reply.Status
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "", "empty": // a program, or a script that asks for it
	default: // somebody's browser was led here, by a link or by a page that would take it for a script of this host
		h.Set("Content-Type", "text/plain; charset=utf-8")
		if h.Del("Location"); status >= 300 && status < 400 {
			status = http.StatusOK
		}
	}
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	if reply.Drip > 0 || reply.Cut != "" || reply.Size > okSize { // byte for byte
		h.Set("Content-Encoding", cmp.Or(h.Get("Content-Encoding"), "identity"))
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.FormatInt(reply.Size, 10))
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead || reply.Size == 0 {
		return nil
	}
	end := reply.Size
	if reply.Cut == store.CutBody {
		end /= 2
	}
	const pieces = 40
	size := int64(64 << 10)
	if slow && reply.Drip > 0 {
		size = min(size, max(1, (reply.Size+pieces-1)/pieces))
	}
	steps := max(1, (reply.Size+size-1)/size)
	for sent := int64(0); sent < end; {
		n := min(size, end-sent)
		if _, err := w.Write(repeated(reply.Body, sent, n)); err != nil {
			return nil // the caller has gone
		}
		if sent += n; slow && reply.Drip > 0 {
			if rc.Flush() != nil || !pl.wait(r, reply.Drip/time.Duration(steps)) {
				return nil
			}
		}
	}
	if reply.Cut == store.CutBody {
		_ = rc.Flush() // the connection ends in any case
		panic(http.ErrAbortHandler)
	}
	return nil
}

// repeated are n bytes of a text that is repeated for ever, from a place on.
func repeated(text []byte, from, n int64) []byte {
	out := make([]byte, 0, n)
	for int64(len(out)) < n {
		at := (from + int64(len(out))) % int64(len(text))
		out = append(out, text[at:min(int64(len(text)), at+n-int64(len(out)))]...)
	}
	return out
}

// wait reports whether the caller is still there after a time. It goes on at once when the server stops.
func (pl *play) wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-pl.Stopping:
	case <-r.Context().Done():
		return false
	}
	return true
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
