package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func echoPath(w http.ResponseWriter, r *http.Request) error {
	return Encode(w, 200, r.PathValue("id")+r.PathValue("rest"))
}

func newTestMux() *Mux {
	m := NewMux(&Surface{Name: "test", Auth: nil})
	m.Handle("GET", "/", "home", echoPath)
	m.Handle("GET", "/app/{id}", "get", echoPath)
	m.Handle("PUT", "/app/{id}", "update", echoPath)
	m.Handle("POST", "/messages/", "post", echoPath)
	m.Handle("GET", "/files/{rest...}", "files", echoPath)
	return m
}

func TestMux_AnswersInItsOwnShapeAndNeverRedirects(t *testing.T) {
	t.Parallel()
	m := newTestMux()
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/", 200, `""`},
		{"GET", "/app/a1", 200, `"a1"`},
		{"GET", "/app/a1/", 200, `"a1"`},
		{"HEAD", "/app/a1", 200, ``},
		{"GET", "/app/a%2F", 200, `"a/"`},
		{"GET", "/app/a%20b/", 200, `"a b"`},
		{"GET", "/app/a%2Fb/", 200, `"a/b"`},
		{"POST", "/messages", 200, `""`},
		{"POST", "/messages/", 200, `""`},
		{"GET", "/files", 200, `""`},
		{"GET", "/files/", 200, `""`},
		{"GET", "/files/a/b", 200, `"a/b"`},
		{"GET", "/nope", 404, `{"code":"not_found","message":"There is no such route."}`},
		{"GET", "/app", 404, `{"code":"not_found","message":"There is no such route."}`},
		{"GET", "/app//a1", 404, `{"code":"not_found","message":"There is no such route."}`},
		{"GET", "/x/../app/a1", 404, `{"code":"not_found","message":"There is no such route."}`},
		{"DELETE", "/app/a1", 405, `{"code":"method_not_allowed","message":"DELETE is not allowed here, only GET, HEAD, PUT."}`},
		{"GET", "/messages/", 405, `{"code":"method_not_allowed","message":"GET is not allowed here, only POST."}`},
	} {
		r := newRequest(c.method, "/", "")
		r.URL.Path, r.URL.RawPath = c.path, ""
		if strings.Contains(c.path, "%") {
			r = newRequest(c.method, c.path, "")
		}
		w := answer(m, r)
		if w.Code != c.status || c.method != "HEAD" && w.Body.String() != c.body {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.status, c.body)
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s lacks Allow", c.method, c.path)
		}
	}
}

func TestMux_ListsItsRoutes(t *testing.T) {
	t.Parallel()
	m := newTestMux()
	open := m.With(&Surface{})
	open.Handle("GET", "/health", "health", echoPath)
	want := []Route{{"GET", "/", "home"}, {"GET", "/app/{id}", "get"}, {"PUT", "/app/{id}", "update"},
		{"POST", "/messages", "post"}, {"GET", "/files/{rest...}", "files"}, {"GET", "/health", "health"}}
	if diff := cmp.Diff(want, m.Routes()); diff != "" {
		t.Error(diff)
	}
	if w := answer(m, newRequest("GET", "/health", "")); w.Code != 200 {
		t.Errorf("route of the group: %d", w.Code)
	}
}

func TestMux_RefusesClashingRoutesAtStart(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	m := newTestMux()
	m.Handle("GET", "/app/{other}", "again", echoPath)
}

func TestTrimSlash_LeavesTheCallersRequestAlone(t *testing.T) {
	t.Parallel()
	var seen []string
	h := TrimSlash(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = append(seen, r.URL.EscapedPath()) }))
	for _, p := range []string{"/a/", "/a", "/", "/a%2F", "/a%2F/"} {
		r := newRequest("GET", p, "")
		answer(h, r)
		if r.URL.EscapedPath() != p {
			t.Errorf("%s became %s", p, r.URL.EscapedPath())
		}
	}
	if want := []string{"/a", "/a", "/", "/a%2F", "/a%2F"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
