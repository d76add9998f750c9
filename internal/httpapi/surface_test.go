package httpapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

func newRequest(method, target, body string) *http.Request {
	return httptest.NewRequest(method, target, strings.NewReader(body))
}

// answer runs h and returns what came out.
func answer(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func failing(err error) Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}

func TestSurface_GivesEachKindItsStatus(t *testing.T) {
	t.Parallel()
	s := &Surface{Statuses: map[hookswitch.ErrorKind]int{hookswitch.Invalid: 422}}
	for _, c := range []struct {
		err  error
		want int
	}{
		{hookswitch.InvalidField("must not be empty", "name"), 422},
		{&hookswitch.Error{Kind: hookswitch.Invalid, Message: "as a whole"}, 400},
		{hookswitch.NotFoundf("x"), 404},
		{&hookswitch.Error{Kind: hookswitch.Conflict}, 409},
		{&hookswitch.Error{Kind: hookswitch.Unauthorized}, 401},
		{&hookswitch.Error{Kind: hookswitch.Forbidden}, 403},
		{&hookswitch.Error{Kind: hookswitch.TooLarge}, 413},
		{&hookswitch.Error{Kind: hookswitch.RateLimited}, 429},
		{&hookswitch.Error{Kind: hookswitch.Unavailable}, 503},
		{&hookswitch.Error{Kind: hookswitch.Unsupported}, 501},
		{&hookswitch.Error{Kind: hookswitch.Gone}, 410},
		{&hookswitch.Error{Kind: hookswitch.NotAllowed}, 405},
		{errors.New("disk on fire"), 500},
		{fmt.Errorf("create endpoint: %w", hookswitch.NotFoundf("no app")), 404},
		{fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 7}), 413},
		{fmt.Errorf("query: %w", context.DeadlineExceeded), 503},
	} {
		if got := answer(s.Handle(failing(c.err)), newRequest("GET", "/", "")).Code; got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}

func TestSurface_WritesErrorsInItsOwnShapeWithoutTheCause(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &Surface{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		WriteError: func(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
			if e.Err != nil {
				t.Errorf("the cause reached WriteError: %v", e.Err)
			}
			_ = Encode(w, status, map[string]string{"detail": e.Message})
		},
	}
	secret := errors.New("password=hunter2")
	w := answer(s.Handle(failing(&hookswitch.Error{Kind: hookswitch.Internal, Message: "dsn broke", Err: secret})), newRequest("GET", "/x?token=t0ps3cret", ""))
	if w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "dsn") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if n := strings.Count(log.String(), "hunter2"); n != 1 {
		t.Errorf("the cause was logged %d times, want once: %s", n, &log)
	}
	if strings.Contains(log.String(), "t0ps3cret") {
		t.Errorf("the query was logged: %s", &log)
	}
}

func TestSurface_TellsWhenToComeBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  *hookswitch.Error
		want string
	}{
		{&hookswitch.Error{Kind: hookswitch.RateLimited, RetryAfter: 1200 * time.Millisecond}, "2"},
		{&hookswitch.Error{Kind: hookswitch.Unavailable}, "1"},
		{&hookswitch.Error{Kind: hookswitch.Conflict, RetryAfter: time.Minute}, "60"},
		{&hookswitch.Error{Kind: hookswitch.Conflict}, ""},
	} {
		w := answer(new(Surface).Handle(failing(c.err)), newRequest("GET", "/", ""))
		if got := w.Header().Get("Retry-After"); got != c.want {
			t.Errorf("%+v: Retry-After %q, want %q", c.err, got, c.want)
		}
	}
}

func TestSurface_AnswersAPanicOnceWith500(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &Surface{Log: slog.New(slog.NewTextHandler(&log, nil))}
	w := answer(s.Handle(func(http.ResponseWriter, *http.Request) error { panic("boom-7") }), newRequest("GET", "/", ""))
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom-7") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if strings.Count(log.String(), "boom-7") != 1 || !strings.Contains(log.String(), "surface_test.go") {
		t.Errorf("log lacks the panic or its stack: %s", &log)
	}
}

func TestSurface_CutsAnAnswerThatHasBegun(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func() error{
		"error": func() error { return errors.New("too late") },
		"panic": func() error { panic("too late") },
	} {
		srv := httptest.NewServer(new(Surface).Handle(func(w http.ResponseWriter, r *http.Request) error {
			_, _ = io.WriteString(w, `{"half":`)
			_ = http.NewResponseController(w).Flush()
			return end()
		}))
		t.Cleanup(srv.Close)
		res, err := http.Get(srv.URL)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err == nil {
			t.Errorf("%s: the client took the answer %q for complete", name, body)
		}
	}
}

func TestSurface_AuthDecidesTheContextAndComesFirst(t *testing.T) {
	t.Parallel()
	type key struct{}
	called := false
	s := &Surface{Auth: func(r *http.Request) (context.Context, error) {
		if r.Header.Get("Authorization") == "" {
			return nil, &hookswitch.Error{Kind: hookswitch.Unauthorized}
		}
		return context.WithValue(r.Context(), key{}, "acme"), nil
	}}
	h := s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		called = true
		return Encode(w, 200, r.Context().Value(key{}))
	})
	w := answer(h, newRequest("GET", "/", ""))
	if w.Code != 401 || called || w.Header().Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("without a credential: %d, called %v, %v", w.Code, called, w.Header())
	}
	r := newRequest("GET", "/", "")
	r.Header.Set("Authorization", "Bearer x")
	if w := answer(h, r); w.Body.String() != `"acme"` {
		t.Errorf("got %s", w.Body)
	}
}

func TestSurface_WrapRunsOnlyForThoseWhoMayComeIn(t *testing.T) {
	t.Parallel()
	wrapped := 0
	s := &Surface{
		Auth: func(r *http.Request) (context.Context, error) {
			if r.URL.Path == "/closed" {
				return nil, &hookswitch.Error{Kind: hookswitch.Forbidden}
			}
			return r.Context(), nil
		},
		Wrap: func(h Handler) Handler {
			return func(w http.ResponseWriter, r *http.Request) error {
				wrapped++
				return h(w, r)
			}
		},
	}
	h := s.Handle(func(w http.ResponseWriter, _ *http.Request) error { return NoContent(w) })
	if open, closed := answer(h, newRequest("GET", "/", "")).Code, answer(h, newRequest("GET", "/closed", "")).Code; open != 204 || closed != 403 || wrapped != 1 {
		t.Errorf("open %d, closed %d, wrapped %d times", open, closed, wrapped)
	}
}

func TestSurface_ErrorDropsHeadersMeantForTheAnswer(t *testing.T) {
	t.Parallel()
	w := answer(new(Surface).Handle(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Content-Encoding", "br")
		return hookswitch.NotFoundf("gone")
	}), newRequest("GET", "/", ""))
	if w.Header().Get("Etag") != "" || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("headers left: %v", w.Header())
	}
	if want := `{"code":"not_found","message":"gone"}`; w.Body.String() != want {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}

// A client that writes all of its body before it reads must still see the 413.
func TestSurface_413ReachesAClientThatWritesFirst(t *testing.T) {
	t.Parallel()
	s := &Surface{MaxBody: 1000}
	srv := httptest.NewServer(Chain(s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, err := Decode[map[string]any](r)
		return err
	}), WithRequestID, Gzip))
	t.Cleanup(srv.Close)
	body := strings.Repeat("x", 6<<20)
	for name, head := range map[string]string{
		"with a length": "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body,
		"in chunks":     "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(body)), 16) + "\r\n" + body + "\r\n0\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+head); err != nil {
			t.Errorf("%s: write: %v", name, err)
		}
		out, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(out, []byte("HTTP/1.1 413 ")) || !bytes.Contains(out, []byte("payload_too_large")) {
			t.Errorf("%s: read %q, %v", name, out, err)
		}
		_ = conn.Close()
	}
}

func TestSurface_413ComesBeforeContinue(t *testing.T) {
	t.Parallel()
	s := &Surface{MaxBody: 10}
	srv := httptest.NewServer(s.Handle(failing(nil)))
	t.Cleanup(srv.Close)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 413 {
		t.Errorf("read %+v, %v", res, err)
	}
}

func TestSurface_BodyOfExactlyTheLimitPasses(t *testing.T) {
	t.Parallel()
	s := &Surface{MaxBody: 10}
	h := s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		b, err := ReadBody(r)
		if err != nil {
			return err
		}
		return Encode(w, 200, len(b))
	})
	if w := answer(h, newRequest("POST", "/", strings.Repeat("x", 10))); w.Code != 200 || w.Body.String() != "10" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for _, length := range []int64{11, -1} {
		r := newRequest("POST", "/", strings.Repeat("x", 11))
		r.ContentLength = length
		if w := answer(h, r); w.Code != 413 {
			t.Errorf("one more with length %d: got %d", length, w.Code)
		}
	}
}

func TestSurface_RefuseAnswersWithTheError(t *testing.T) {
	t.Parallel()
	w := answer(new(Surface).Refuse(&hookswitch.Error{Kind: hookswitch.Unavailable, RetryAfter: 3 * time.Second}), newRequest("GET", "/", ""))
	if w.Code != 503 || w.Header().Get("Retry-After") != "3" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

func TestSurface_EveryKindHasACodeAndASentence(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for kind := hookswitch.Internal; kind <= hookswitch.NotAllowed; kind++ {
		code := Code(kind)
		if seen[code] {
			t.Errorf("kind %d shares the code %q", kind, code)
		}
		seen[code] = true
		var got struct{ Code, Message string }
		w := answer(new(Surface).Refuse(&hookswitch.Error{Kind: kind}), newRequest("GET", "/", ""))
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Code != code || got.Message == "" {
			t.Errorf("kind %d: %s", kind, w.Body)
		}
	}
	w := answer(new(Surface).Refuse(hookswitch.InvalidField("must not be empty", "channels", "[0]")), newRequest("GET", "/", ""))
	if !strings.Contains(w.Body.String(), `"channels[0] must not be empty"`) {
		t.Errorf("got %s", w.Body)
	}
}

func BenchmarkSurface_NoOp(b *testing.B) {
	type out struct {
		ID string `json:"id"`
	}
	s := &Surface{Auth: func(r *http.Request) (context.Context, error) { return r.Context(), nil }}
	m := NewMux(s)
	m.Handle("POST", "/api/v1/app/{app}/msg", "create", func(w http.ResponseWriter, r *http.Request) error {
		return Encode(w, http.StatusAccepted, out{"msg_1"})
	})
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h := Chain(m, WithRequestID, AccessLog(log), InFlight(100, m), CORS, SecurityHeaders, Gzip)
	r := newRequest("POST", "/api/v1/app/app_1/msg", "")
	r.Header.Set("Accept-Encoding", "gzip")
	b.ReportAllocs()
	w := &discard{header: make(http.Header)}
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

func BenchmarkSurface_WithoutLog(b *testing.B) {
	h := Chain(new(Surface).Handle(func(w http.ResponseWriter, r *http.Request) error { return NoContent(w) }), WithRequestID, CORS, SecurityHeaders)
	r := newRequest("POST", "/", "")
	b.ReportAllocs()
	w := &discard{header: make(http.Header)}
	for b.Loop() {
		clear(w.header)
		h.ServeHTTP(w, r)
	}
}

type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
