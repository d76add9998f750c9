package httpapi

import (
	"context"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Route is one entry of a Mux.
type Route struct {
	Method string
	Path   string
	Name   string // what the route does, for documentation
}

// Mux routes the requests of one API by the patterns of http.ServeMux. It answers unknown routes with 404 and known ones with an
// unknown method with 405 and Allow, in the API's own shape, and never redirects: a trailing slash makes no difference, and a path
// that is not in its shortest form is unknown.
type Mux struct {
	surface *Surface
	table   *muxTable
}

type muxTable struct {
	serve  *http.ServeMux // with a last resort
	known  *http.ServeMux // without, to find out which methods a path has
	routes []Route
}

// NewMux returns an empty Mux of s.
func NewMux(s *Surface) *Mux {
	t := &muxTable{serve: http.NewServeMux(), known: http.NewServeMux()}
	t.serve.Handle("/", s.With(func(s *Surface) { s.Auth, s.Wrap = nil, nil }).Handle(t.miss))
	return &Mux{surface: s, table: t}
}

// With is a Mux that adds its routes to m's, handled by s. It serves a group of routes that differ in authentication or limits.
func (m *Mux) With(s *Surface) *Mux { return &Mux{surface: s, table: m.table} }

// Handle adds a route. A pattern that ends in a wildcard for the rest, such as "/files/{path...}", matches "/files" too. Like
// http.ServeMux it panics when two routes clash.
func (m *Mux) Handle(method, pattern, name string, h Handler) {
	if len(pattern) > 1 {
		pattern = strings.TrimSuffix(pattern, "/")
	}
	m.table.routes = append(m.table.routes, Route{method, pattern, name})
	patterns := []string{pattern}
	if pattern == "/" {
		patterns[0] = "/{$}"
	} else if i := strings.LastIndexByte(pattern, '/'); i > 0 && strings.HasSuffix(pattern, "...}") {
		patterns = append(patterns, pattern[:i])
	}
	handler := m.surface.Handle(h)
	for _, p := range patterns {
		m.table.serve.Handle(method+" "+p, handler)
		m.table.known.Handle(method+" "+p, handler)
	}
}

// Routes are all routes in the order in which they were added.
func (m *Mux) Routes() []Route { return slices.Clone(m.table.routes) }

func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = trimSlash(r)
	if p := r.URL.EscapedPath(); p == "" || p[0] != '/' || path.Clean(p) != p || r.Method == http.MethodConnect {
		m.surface.Refuse(hookswitch.NotFoundf("There is no such route.")).ServeHTTP(w, r)
		return
	}
	m.table.serve.ServeHTTP(w, r)
}

// miss tells a path that does not exist from one that lacks the method, by watching what http.ServeMux would answer.
func (t *muxTable) miss(w http.ResponseWriter, r *http.Request) error {
	h, pattern := t.known.Handler(r)
	if pattern == "" {
		probe := probeWriter{header: make(http.Header)}
		h.ServeHTTP(&probe, r.WithContext(context.Background()))
		if allow := probe.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
			return hookswitch.Errorf(hookswitch.NotAllowed, "%s is not allowed here, only %s.", r.Method, allow)
		}
	}
	return hookswitch.NotFoundf("There is no such route.")
}

type probeWriter struct{ header http.Header }

func (p *probeWriter) Header() http.Header         { return p.header }
func (p *probeWriter) Write(b []byte) (int, error) { return len(b), nil }
func (p *probeWriter) WriteHeader(int)             {}

// TrimSlash serves a path with a trailing slash as the same path without it. A redirect would lose bodies.
func TrimSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, trimSlash(r)) })
}

func trimSlash(r *http.Request) *http.Request {
	p := r.URL.Path
	if len(p) < 2 || p[len(p)-1] != '/' {
		return r
	}
	// A path that ends in an escaped slash has no trailing one: that slash belongs to the last name.
	if raw := r.URL.RawPath; raw != "" && !strings.HasSuffix(raw, "/") {
		return r
	}
	c := new(http.Request)
	*c = *r
	u := *r.URL
	u.Path, u.RawPath = p[:len(p)-1], strings.TrimSuffix(u.RawPath, "/")
	c.URL = &u
	return c
}
