package httpapi

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// minGzip is the size from which on an answer is worth compressing.
const minGzip = 1 << 10

// Gzip compresses answers of more than 1 KiB for clients that accept it. Streams of events, answers that are encoded already and what does
// not compress pass untouched.
func Gzip(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if r.Method == http.MethodHead || !acceptsGzip(r.Header["Accept-Encoding"]) {
			next.ServeHTTP(w, r)
			return
		}
		gw := gzipWriters.Get().(*gzipWriter)
		gw.w = w
		next.ServeHTTP(gw, r)
		// Not deferred: after a panic the answer must not look complete.
		gw.finish()
	})
}

func acceptsGzip(headers []string) bool {
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			coding, params, _ := strings.Cut(item, ";")
			if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
				continue
			}
			name, value, _ := strings.Cut(strings.TrimSpace(params), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "q") {
				return true
			}
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return err == nil && q > 0
		}
	}
	return false
}

// gzipWriter holds an answer back until it is clear whether to compress it: at once when its length is known, else when more than
// minGzip bytes have come, or at the end.
type gzipWriter struct {
	w      http.ResponseWriter
	status int
	held   []byte
	mode   gzipMode
	gz     *gzip.Writer
}

type gzipMode uint8

const (
	undecided gzipMode = iota
	plain
	compressed
)

var (
	gzipWriters = sync.Pool{New: func() any { return new(gzipWriter) }}
	compressors = sync.Pool{New: func() any {
		gz, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // fails only for a level that does not exist
		return gz
	}}
)

func (g *gzipWriter) begun() bool                 { return g.status != 0 }
func (g *gzipWriter) Unwrap() http.ResponseWriter { return g.w }
func (g *gzipWriter) Header() http.Header         { return g.w.Header() }

func (g *gzipWriter) WriteHeader(status int) {
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		g.w.WriteHeader(status)
		return
	}
	if g.status != 0 {
		return
	}
	g.status = status
	h := g.w.Header()
	if !compressible(status, h) {
		g.pass()
		return
	}
	if n, err := strconv.Atoi(h.Get("Content-Length")); err == nil {
		if n > minGzip {
			g.compress()
		} else {
			g.pass()
		}
	}
}

func compressible(status int, h http.Header) bool {
	if status < http.StatusOK || status == http.StatusNoContent || status == http.StatusNotModified || status == http.StatusPartialContent {
		return false
	}
	if h.Get("Content-Encoding") != "" {
		return false
	}
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch kind {
	case "text/event-stream":
		return false
	case "application/json", "application/javascript", "image/svg+xml", "application/manifest+json", "application/yaml":
		return true
	}
	return strings.HasPrefix(kind, "text/")
}

func (g *gzipWriter) pass() {
	g.mode = plain
	g.w.WriteHeader(g.status)
}

func (g *gzipWriter) compress() {
	g.mode = compressed
	h := g.w.Header()
	h.Del("Content-Length")
	h.Set("Content-Encoding", "gzip")
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("Etag", "W/"+tag)
	}
	g.gz = compressors.Get().(*gzip.Writer)
	g.gz.Reset(g.w)
	g.w.WriteHeader(g.status)
}

func (g *gzipWriter) Write(b []byte) (int, error) {
	if g.status == 0 {
		if g.Header().Get("Content-Type") == "" {
			g.Header().Set("Content-Type", http.DetectContentType(b))
		}
		g.WriteHeader(http.StatusOK)
	}
	switch g.mode {
	case plain:
		return g.w.Write(b)
	case compressed:
		return g.gz.Write(b)
	}
	g.held = append(g.held, b...)
	if len(g.held) > minGzip {
		g.compress()
		if err := g.release(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// release writes what was held back.
func (g *gzipWriter) release() (err error) {
	if len(g.held) > 0 {
		if g.mode == compressed {
			_, err = g.gz.Write(g.held)
		} else {
			_, err = g.w.Write(g.held)
		}
		g.held = g.held[:0]
	}
	return err
}

// FlushError sends what has been written so far. An answer that is flushed before it is worth compressing goes out plain.
func (g *gzipWriter) FlushError() error {
	if g.status == 0 {
		g.WriteHeader(http.StatusOK)
	}
	if g.mode == undecided {
		g.pass()
	}
	if err := g.release(); err != nil {
		return err
	}
	if g.mode == compressed {
		if err := g.gz.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(g.w).Flush()
}

// finish ends the answer and gives g back. Errors of writing mean that the client has gone.
func (g *gzipWriter) finish() {
	if g.mode == undecided && g.status != 0 {
		g.pass()
	}
	_ = g.release()
	if g.gz != nil {
		_ = g.gz.Close()
		g.gz.Reset(io.Discard)
		compressors.Put(g.gz)
	}
	*g = gzipWriter{held: g.held[:0]}
	if cap(g.held) <= maxPooled {
		gzipWriters.Put(g)
	}
}
