package server

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/operator"
	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/api/travtus"
	"github.com/hookswitch/hookswitch/internal/api/zavu"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/portal"
)

// handler is every route of the server.
func (s *Server) handler() http.Handler {
	root := httpapi.NewMux(s.operations())
	root.Handle(http.MethodGet, "/", "the first page", welcome)
	root.Handle(http.MethodGet, "/healthz", "whether the process lives", s.healthz)
	root.Handle(http.MethodGet, "/readyz", "whether requests can be served", s.readyz)
	root.Handle(http.MethodGet, "/openapi.json", "the description of the APIs", describe)
	if s.settings.Metrics {
		root.Handle(http.MethodGet, "/metrics", "metrics for Prometheus", serve(s.metrics.handler()))
	}

	mux := http.NewServeMux()
	mux.Handle("/", root)
	own := operator.New(operator.Options{
		Service: s.service, Token: s.prepared.OperatorToken, Providers: s.providers, Strays: s.store.Strays,
		Settings: operator.Settings(s.settings), Version: version(), Database: s.databaseKind(), Disk: func() (free, all int64, err error) { return room(s.prepared.DataDir) }, MaxBody: int64(s.settings.MaxBody), Log: s.log,
	})
	mux.Handle("/operator/v1", own)
	mux.Handle("/operator/v1/", own)
	api := svix.New(svix.Options{
		Service: s.service, Auth: svix.Tokens(s.prepared.OperatorToken, s.service), MaxBody: int64(s.settings.MaxBody), Log: s.log,
	})
	mux.Handle(svix.Base, api)
	mux.Handle(svix.Base+"/", api)
	mux.Handle(svix.Ingest+"/", api)
	messaging := zavu.New(zavu.Options{Service: s.service, RateLimit: s.settings.ZavuRateLimit, MaxBody: int64(s.settings.MaxBody), Log: s.log})
	mux.Handle(zavu.Base, messaging)
	mux.Handle(zavu.Base+"/", messaging)
	pages := httpapi.NewMux(s.operations())
	doors := httpapi.NewMux(s.operations()) // what is simulated comes in by the doors, and by nothing else
	entrance := ingest.New(ingest.Options{Service: s.service, Providers: s.providers, NewResponder: s.newResponder, Logger: s.log, Observe: s.metrics.push})
	entrance.Register(pages)
	entrance.Register(doors)
	settings := operator.Settings(s.settings)
	shown := make([]portal.Setting, len(settings))
	for i, one := range settings {
		shown[i] = portal.Setting(one)
	}
	s.pages = portal.New(portal.Options{
		Service: s.service, Logger: s.log, Stopping: s.stopping, OperatorToken: s.prepared.OperatorToken, FrameAncestors: s.settings.PortalFrameAncestors, HTTP: s.client,
		Settings: shown, Doors: doors, Disk: s.disk, Version: version(), Database: s.databaseKind(),
	})
	s.pages.Register(pages)
	s.widget.Register(pages)
	mount(mux, pages)
	for _, base := range travtus.Paths {
		mux.Handle(base, s.travtus)
		mux.Handle(base+"/", s.travtus)
	}

	full := inside(svix.Base, api.Refuse(busy), inside(zavu.Base, messaging.Refuse(busy), s.operations().Refuse(busy)))
	unknown := inside(svix.Base, api, inside(zavu.Base, messaging, root))
	return httpapi.Chain(shortest(mux, unknown), httpapi.WithRequestID, httpapi.TrimSlash, httpapi.AccessLog(s.log, "/play/in/", "/play/", "/invite/"), httpapi.SecurityHeaders,
		httpapi.InFlight(s.settings.MaxInFlight, full), httpapi.Gzip)
}

// operations is the surface of the routes that are about the server itself.
func (s *Server) operations() *httpapi.Surface {
	return &httpapi.Surface{Name: "operations", Log: s.log}
}

// busy is the answer when too many requests run already.
var busy = &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the server is busy; try again", RetryAfter: time.Second}

// inside hands what lies in the tree of base to api, which answers in its own shape, and everything else to other.
func inside(base string, api, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, base); ok && (rest == "" || rest[0] == '/') {
			api.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}

// shortest hands paths that are not in their shortest form to unknown: http.ServeMux would redirect them, and a redirect loses bodies.
func shortest(mux, unknown http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; p == "" || p[0] != '/' || path.Clean(p) != p {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// mount adds each route of m by its own path, because some lie inside the tree of another API. The root of a tree comes with it: http.ServeMux would
// redirect that to the path with a slash at its end, which TrimSlash takes off again.
func mount(mux *http.ServeMux, m *httpapi.Mux) {
	seen := make(map[string]bool)
	add := func(pattern string) {
		if !seen[pattern] {
			seen[pattern] = true
			mux.Handle(pattern, m)
		}
	}
	for _, rt := range m.Routes() {
		add(rt.Path)
		if dir, last := path.Split(rt.Path); strings.HasSuffix(last, "...}") {
			add(path.Clean(dir))
		}
	}
}

func serve(h http.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// welcome leads people who open the server's address to a page.
func welcome(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/play", http.StatusSeeOther)
	return nil
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return httpapi.Encode(w, http.StatusOK, map[string]string{"status": "ok"})
}

func describe(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(hookswitch.OpenAPI) // an error means that the caller has gone
	return nil
}

// readyTimeout bounds how long the database may take to show that it is there.
const readyTimeout = 2 * time.Second

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) error {
	select {
	case <-s.stopping:
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the server is stopping"}
	default:
	}
	if s.service.Drained() {
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the node is being drained"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := s.service.Ready(ctx); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, map[string]string{"status": "ready"})
}
