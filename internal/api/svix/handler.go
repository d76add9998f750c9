package svix

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Base is the path under which the API lies.
const Base = "/api/v1"

// Handler serves the API. It answers everything under Base and Ingest, unknown routes included.
type Handler struct {
	service *service.Service
	ids     *hookswitch.IDs
	now     func() time.Time
	repeats *repeats
	surface *httpapi.Surface
	mux     *httpapi.Mux
	serve   http.Handler
}

// Options are what New needs.
type Options struct {
	Service *service.Service
	Auth    Auth
	// MaxBody is the greatest size of a request body in bytes; 0: httpapi.DefaultMaxBody.
	MaxBody int64
	// Log gets the causes of errors that callers are not shown; nil drops them.
	Log *slog.Logger
}

// New returns the API.
func New(o Options) *Handler {
	h := &Handler{service: o.Service, ids: o.Service.IDs(), now: time.Now, repeats: newRepeats(o.Service, o.Log)}
	surface := &httpapi.Surface{
		Name: "svix",
		Auth: func(r *http.Request) (context.Context, error) {
			caller, err := o.Auth(r)
			if err != nil {
				return nil, err
			}
			ctx := r.Context()
			if !caller.Org {
				ctx = service.Restricted(ctx, caller.FeatureFlags)
			}
			return &callerContext{ctx, caller}, nil
		},
		Wrap:       readable,
		MaxBody:    o.MaxBody,
		Statuses:   statuses,
		WriteError: writeError,
		Log:        o.Log,
	}
	h.surface, h.mux = surface, httpapi.NewMux(surface)
	open := h.mux.With(surface.With(func(s *httpapi.Surface) { s.Auth, s.Wrap = nil, nil }))
	for _, rt := range h.openRoutes() {
		open.Handle(rt.method, Base+rt.path, rt.name, rt.serve)
	}
	for _, rt := range h.routes() {
		if rt.method == http.MethodPost && rt.path != publishPath {
			rt.serve = h.repeats.handle(rt.serve)
		}
		h.mux.Handle(rt.method, Base+rt.path, rt.name, h.guard(rt))
	}
	for _, op := range notBuilt {
		h.mux.Handle(op.method, Base+op.path, notBuiltName, refuse)
	}
	for _, method := range []string{"DELETE", "GET", "PATCH", "POST", "PUT"} {
		h.mux.Handle(method, Ingest+"/{rest...}", notBuiltName, refuse)
	}
	h.serve = httpapi.CORS(h.mux)
	return h
}

// readable refuses requests whose query cannot be read, also where the route does not look at it: half a query is not what the caller meant.
func readable(next httpapi.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if q := r.URL.RawQuery; q != "" && strings.ContainsAny(q, "%;") {
			if err := httpapi.NewQuery(r).Err(); err != nil {
				return err
			}
		}
		return next(w, r)
	}
}

// Refuse answers every request with err, as this API answers.
func (h *Handler) Refuse(err error) http.Handler { return httpapi.CORS(h.surface.Refuse(err)) }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// Routes are the routes that do something, in the order in which they are documented.
func (h *Handler) Routes() []httpapi.Route {
	var list []httpapi.Route
	for _, rt := range h.mux.Routes() {
		if rt.Name != notBuiltName {
			list = append(list, rt)
		}
	}
	return list
}

// NotOffered are the routes of the hosted API that are known here and answered with 501.
func (h *Handler) NotOffered() []httpapi.Route {
	var list []httpapi.Route
	for _, rt := range h.mux.Routes() {
		if rt.Name == notBuiltName {
			list = append(list, rt)
		}
	}
	return list
}
