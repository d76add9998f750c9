package httpapi

import (
	"net/http"
	"slices"
	"sync/atomic"
)

// Chain wraps h in middleware; the first is the outermost.
func Chain(h http.Handler, middleware ...func(http.Handler) http.Handler) http.Handler {
	for _, wrap := range slices.Backward(middleware) {
		h = wrap(h)
	}
	return h
}

var (
	headerStar     = []string{"*"}
	headerExposed  = []string{"Retry-After, X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"}
	headerMethods  = []string{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
	headerMaxAge   = []string{"600"}
	headerNosniff  = []string{"nosniff"}
	headerNoStore  = []string{"no-store"}
	headerReferrer = []string{"no-referrer"}
	headerCSP      = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// CORS lets pages of any origin call the API, with whatever headers they ask for. Credentials are bearer tokens, never cookies, so
// nothing is given away by it. Preflights end here.
func CORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Origin"]) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h["Access-Control-Allow-Origin"] = headerStar
		h["Access-Control-Expose-Headers"] = headerExposed
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		h["Access-Control-Allow-Methods"] = headerMethods
		if asked := r.Header["Access-Control-Request-Headers"]; len(asked) > 0 {
			h["Access-Control-Allow-Headers"] = asked
		}
		h["Access-Control-Max-Age"] = headerMaxAge
		h.Add("Vary", "Access-Control-Request-Headers")
		w.WriteHeader(http.StatusNoContent)
	})
}

// SecurityHeaders sets what every answer of an API carries. A handler that serves pages sets its own over them.
func SecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = headerNosniff
		h["Referrer-Policy"] = headerReferrer
		h["Content-Security-Policy"] = headerCSP
		h["Cache-Control"] = headerNoStore
		next.ServeHTTP(w, r)
	})
}

// InFlight lets at most limit requests run at once and hands the others to full. A limit of 0 or less lets all run.
func InFlight(limit int, full http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if limit <= 0 {
			return next
		}
		var running atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer running.Add(-1)
			if running.Add(1) > int64(limit) {
				full.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
