package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hookswitch/hookswitch/internal/config"
)

const token = "operator"

// newServer builds a server from the flags over a database of its own. It does not run.
func newServer(t *testing.T, flags ...string) *Server {
	t.Helper()
	var line struct{ config.Server }
	k, err := kong.New(&line, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse(append(flags, "--listen=127.0.0.1:0", "--operator-token="+token, "--data-dir="+t.TempDir())); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), &line.Server, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) ask(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

func TestRoutes_NoAnswerIsCachedOrTakenForAPage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for path, status := range map[string]int{
		"/": 303, "/healthz": 200, "/readyz": 200, "/openapi.json": 200, "/metrics": 200, "/api/v1/app": 200, "/operator/v1/apps": 200, "/operator/v1/": 404, "/play": 200, "/play/": 200,
		"/play/in/unknown": 404, "/in/unknown": 404, "/unknown": 404, "/api/v1/unknown": 404, "/api//v1/app": 404,
		"/v1/me": 401, "/v1": 404, "/v1/unknown": 404, "/v1//me": 404,
	} {
		a := s.ask(http.MethodGet, path, "")
		h := a.Header()
		if a.Code != status || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d, want %d, %v", path, a.Code, status, h)
		}
	}
}

func TestRoutes_MaxBodyIsThatOfEachAPI(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--max-body=4MiB", "--max-payload=3MiB")
	if a := s.ask(http.MethodPost, "/api/v1/app", `{"name":"Acme","uid":"acme"}`); a.Code != http.StatusCreated {
		t.Fatal(a.Code, a.Body)
	}
	publish := func(size int) int {
		return s.ask(http.MethodPost, "/api/v1/app/acme/msg", `{"eventType":"a","payload":{"x":"`+strings.Repeat("x", size)+`"}}`).Code
	}
	for size, want := range map[int]int{2<<20 + 1<<19: 202, 3<<20 + 1: 413, 4<<20 + 1: 413} {
		if got := publish(size); got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
	}
	if a := s.ask(http.MethodPost, "/operator/v1/apps", `{"name":"`+strings.Repeat("x", 4<<20)+`"}`); a.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("operator API: %d", a.Code)
	}
}

func TestRoutes_TheAPIIsDescribed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.ask(http.MethodGet, "/openapi.json", "")
	for _, path := range []string{"/openapi.json", "/api/v1/openapi.json", "/api/v1/openapi.json/"} {
		r := httptest.NewRequest(http.MethodGet, path, nil) // needs no token
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Body.String() != first.Body.String() || !strings.HasPrefix(w.Body.String(), `{`) {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
	if a := s.ask(http.MethodGet, "/docs", ""); a.Code != 200 || !strings.HasPrefix(a.Header().Get("Content-Type"), "text/html") {
		t.Errorf("/docs: %d %v", a.Code, a.Header())
	}
}

// What is not there under a path of the Travtus-shaped API is told in its shape, and in that of sessions under theirs.
func TestRoutes_WhatIsNotThereHasTheShapeOfThePathsAPI(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const flat, session = `{"error":{"type":"`, `{"status":`
	for _, c := range []struct {
		method, path string
		status       int
		begins       string
	}{
		{"POST", "/messages/x/", 404, flat + `not_found"`},
		{"GET", "/oauth2/x", 404, flat + `not_found"`},
		{"GET", "/webhook/", 404, flat + `not_found"`},
		{"GET", "/messages/", 405, flat + `method_not_allowed"`},
		{"GET", "/v1/sessions", 405, session + `405,"errorCode":"method_not_allowed"}`},
		{"DELETE", "/v1/webhooks/", 405, session + `405,"errorCode":"method_not_allowed"}`},
		{"GET", "/v1/sessions/x", 404, session + `404,"errorCode":"not_found"}`},
		{"POST", "/v1/sessions/x/y", 404, session + `404,"errorCode":"not_found"}`},
		{"POST", "/v1/webhooks/x", 404, session + `404,"errorCode":"not_found"}`},
		{"GET", "/v1/sessionsx", 404, `{"code":"not_found"`},
	} {
		w := s.ask(c.method, c.path, "")
		if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.begins) || (c.status == 405) != (w.Header().Get("Allow") == "POST") {
			t.Errorf("%s %s: %d %s %v", c.method, c.path, w.Code, w.Body, w.Header())
		}
	}
}

// Paths that a mux would shorten, and refusals before any route, have the API's own shape and may be read from any origin.
func TestRoutes_EveryRefusalUnderTheAPIHasItsShape(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{"/api/v1//app", "/api/v1/app/../app", "/api/v1/app/./x", "/api/v1/", "/api/v1", "/api/v1/unknown"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
		r.Header.Set("Origin", "https://customer.example")
		w := httptest.NewRecorder()
		s.http.Handler.ServeHTTP(w, r)
		if w.Code != 404 || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Body.String() != `{"code":"not_found","detail":"There is no such route."}` {
			t.Errorf("%s: %d %s %v", path, w.Code, w.Body, w.Header())
		}
	}
	full := inside("/api/v1", http.NotFoundHandler(), s.operations().Refuse(busy))
	for path, status := range map[string]int{"/api/v1": 404, "/api/v1/app": 404, "/api/v10": 503, "/api": 503, "/": 503} {
		w := httptest.NewRecorder()
		full.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != status {
			t.Errorf("%s goes elsewhere: %d", path, w.Code)
		}
	}
}
