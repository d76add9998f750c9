package zavu

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Base is the path under which the API lies.
const Base = "/v1"

// Options are what New needs.
type Options struct {
	Service *service.Service
	// RateLimit is how many requests a minute a project may make; 0: any number.
	RateLimit int
	// MaxBody is the greatest size of a request body in bytes; 0: httpapi.DefaultMaxBody.
	MaxBody int64
	// Now is the clock of the rate limit; nil: time.Now.
	Now func() time.Time
	// Log gets the causes of errors that callers are not shown; nil drops them.
	Log *slog.Logger
}

// Handler serves the API. It answers everything under Base, unknown routes included.
type Handler struct {
	surface *httpapi.Surface
	mux     *httpapi.Mux
	limit   *limiter
	serve   http.Handler
}

// handler is what the handlers of all nouns share.
type handler struct {
	service *service.Service
	ids     *hookswitch.IDs
}

// New returns the API.
func New(o Options) *Handler {
	h := &handler{service: o.Service, ids: o.Service.IDs()}
	surface := &httpapi.Surface{
		Name: "zavu", Auth: authorized, Wrap: readable, MaxBody: o.MaxBody, WriteError: writeError, Log: o.Log,
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	api := &Handler{surface: surface, mux: httpapi.NewMux(surface), limit: newLimiter(o.RateLimit, o.Now)}
	for _, rt := range h.routes() {
		api.mux.With(bounded(surface, maxBodies[rt.method+" "+rt.path])).Handle(rt.method, Base+rt.path, rt.name, guard(rt))
	}
	// The URL of a file proves by itself that it may be read.
	open := surface.With(func(s *httpapi.Surface) { s.Auth = nil })
	api.mux.With(open).Handle("GET", Base+"/attachments/{attachment}", "read a file of a mail by the URL of its list", h.openAttachment)
	api.serve = httpapi.CORS(h.identify(api.limit, surface, api.mux))
	return api
}

// maxBodies are the greatest sizes of requests, in bytes, where they are more than usual.
var maxBodies = map[string]int64{"POST /messages": maxMessageBody}

// bounded is the surface of routes whose requests may be larger than usual.
func bounded(s *httpapi.Surface, maxBody int64) *httpapi.Surface {
	if maxBody <= max(s.MaxBody, httpapi.DefaultMaxBody) {
		return s
	}
	return s.With(func(s *httpapi.Surface) { s.MaxBody = maxBody })
}

// Routes are the routes in the order in which they are documented.
func (h *Handler) Routes() []httpapi.Route { return h.mux.Routes() }

// Refuse answers every request with err, as this API answers.
func (h *Handler) Refuse(err error) http.Handler {
	refuse := h.surface.Refuse(err)
	return httpapi.CORS(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.limit.count(0).write(w.Header())
		refuse.ServeHTTP(w, r)
	}))
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve.ServeHTTP(w, r) }

// readable refuses requests whose query cannot be read, also where the route does not look at it: half a query is not what the caller meant.
func readable(next httpapi.Handler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.RawQuery != "" {
			if err := httpapi.NewQuery(r).Err(); err != nil {
				return err
			}
		}
		return next(w, r)
	}
}

// id is the id of key as a thing of kind; "" for none.
func (h *handler) id(kind hookswitch.Kind, key hookswitch.Key) string { return h.ids.Format(kind, key) }

// key is the key that the path parameter names as a thing of kind. what is the thing's name in the error of kind NotFound.
func (h *handler) key(r *http.Request, param string, kind hookswitch.Kind, what string) (hookswitch.Key, error) {
	key, ok := h.ids.Parse(kind, r.PathValue(param))
	if !ok {
		return 0, hookswitch.NotFoundf("%s not found", what)
	}
	return key, nil
}

// identify finds out once who makes a request, counts it for the project, and puts the headers of the rate limit on every answer.
func (h *handler) identify(limit *limiter, surface *httpapi.Surface, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := h.caller(r)
		rest := limit.count(c.App)
		rest.write(w.Header())
		if rest.wait > 0 {
			surface.Refuse(&hookswitch.Error{Kind: hookswitch.RateLimited, Message: "Too many requests", RetryAfter: rest.wait}).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, &identity{c, err})))
	})
}

// caller is who bears the key of the request.
func (h *handler) caller(r *http.Request) (Caller, error) {
	text := httpapi.BearerToken(r)
	if text == "" {
		return Caller{}, hookswitch.Errorf(hookswitch.Unauthorized, "An API key is needed: Authorization: Bearer KEY")
	}
	k, err := h.service.APIKey(r.Context(), text)
	if err != nil {
		return Caller{}, err
	}
	return Caller{App: k.App, Test: k.Test, Key: k.Key, Scopes: k.Scopes}, nil
}

// code is the word of e for programs.
func code(e *hookswitch.Error) string { return cmp.Or(e.Code, httpapi.Code(e.Kind)) }
