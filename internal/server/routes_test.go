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
