package portal

import (
	"bytes"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Options are what New needs.
type Options struct {
	Service *service.Service
	Logger  *slog.Logger
	Now     func() time.Time
	// Stopping, where set, is closed when the server stops: live views end then.
	Stopping <-chan struct{}
}

// Pages are the pages over one service.
type Pages struct {
	svc      *service.Service
	log      *slog.Logger
	now      func() time.Time
	surface  *httpapi.Surface // pages: errors are pages too
	data     *httpapi.Surface // what programs and scripts ask for: errors are JSON
	play     *play
	stopping <-chan struct{}
}

// New returns the pages.
func New(o Options) *Pages {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Pages{svc: o.Service, log: o.Logger, now: o.Now, stopping: o.Stopping}
	p.surface = &httpapi.Surface{Name: "pages", MaxBody: maxForm, WriteError: p.writeError, Log: o.Logger}
	p.data = &httpapi.Surface{Name: "pages", MaxBody: maxForm, Log: o.Logger}
	p.play = newPlay(p)
	return p
}

// maxForm is the greatest size of a form in bytes.
const maxForm = 64 << 10

// Register adds the pages to m.
func (p *Pages) Register(m *httpapi.Mux) {
	m.With(p.surface).Handle(http.MethodGet, "/docs", "the operations of the API", p.docsPage())
	// The play pages route and limit for themselves: a bin takes every method and path, and errors are pages.
	m = m.With(&httpapi.Surface{Name: "pages", MaxBody: math.MaxInt64, Log: p.log})
	m.Handle("", "/play/{path...}", "play pages", func(w http.ResponseWriter, r *http.Request) error {
		p.play.ServeHTTP(w, r)
		return nil
	})
}

// securityHeaders are those of every page. Scripts and styles are files of ours; there is no way to bring others in.
func securityHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	// Pages are not for other origins, whatever the APIs beside them allow.
	h.Del("Access-Control-Allow-Origin")
}

// render answers with a page. It is written whole or not at all.
func (p *Pages) render(w http.ResponseWriter, status int, name string, data any) error {
	var buf bytes.Buffer
	if err := templates.ExecuteTemplate(&buf, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // an error means that the reader has gone
	return nil
}

// errorPage is what is shown instead of a page.
type errorPage struct {
	Status int
	Title  string
	Text   string
}

func (p *Pages) writeError(w http.ResponseWriter, r *http.Request, status int, e *hookswitch.Error) {
	page := errorPage{Status: status, Title: http.StatusText(status), Text: e.Message}
	switch e.Kind {
	case hookswitch.NotFound:
		page.Title = "There is nothing here"
	case hookswitch.Unavailable, hookswitch.RateLimited:
		page.Title = "One moment, please"
	case hookswitch.Internal:
		page.Title = "That did not work"
	}
	securityHeaders(w.Header())
	if err := p.render(w, status, "error.html", &page); err != nil {
		p.log.LogAttrs(r.Context(), slog.LevelError, "render the error page", slog.Any("error", err))
		http.Error(w, e.Message, status)
	}
}
