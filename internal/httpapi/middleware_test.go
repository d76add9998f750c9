package httpapi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestWithRequestID_TakesSaneOnesAndMakesOthers(t *testing.T) {
	t.Parallel()
	h := WithRequestID(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, RequestID(r.Context())) }))
	for _, c := range []struct{ header, given, want string }{
		{"svix-req-id", "req-1.a:B_2", "req-1.a:B_2"},
		{"X-Request-Id", "abc", "abc"},
		{"X-Request-Id", "", ""},
		{"X-Request-Id", "two words", ""},
		{"X-Request-Id", "ü", ""},
		{"X-Request-Id", strings.Repeat("x", 129), ""},
	} {
		r := newRequest("GET", "/", "")
		r.Header.Set(c.header, c.given)
		w := answer(h, r)
		got := w.Body.String()
		if got != w.Header().Get("X-Request-Id") || c.want != "" && got != c.want || c.want == "" && !strings.HasPrefix(got, "req_") {
			t.Errorf("%s %q: id %q, header %q", c.header, c.given, got, w.Header().Get("X-Request-Id"))
		}
	}
	if a, b := answer(h, newRequest("GET", "/", "")).Body.String(), answer(h, newRequest("GET", "/", "")).Body.String(); a == b {
		t.Errorf("two requests share the id %s", a)
	}
	if RequestID(t.Context()) != "" {
		t.Error("an id out of nowhere")
	}
}

func TestAccessLog_WritesOneLineWithoutTheQuery(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := new(Surface)
	h := Chain(s.Handle(func(w http.ResponseWriter, r *http.Request) error { return Encode(w, 201, "hello") }),
		WithRequestID, AccessLog(slog.New(slog.NewJSONHandler(&log, nil))))
	r := newRequest("POST", "/in/snd_1?hub.verify_token=t0ps3cret", "")
	r.Header.Set("X-Request-Id", "abc")
	answer(h, r)
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, &log)
	}
	for key, want := range map[string]any{"method": "POST", "path": "/in/snd_1", "status": 201.0, "bytes": 7.0, "request_id": "abc"} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if _, ok := line["duration_ms"].(float64); !ok {
		t.Errorf("no duration: %s", &log)
	}
	if strings.Contains(log.String(), "t0ps3cret") {
		t.Errorf("the query was logged: %s", &log)
	}
}

func TestAccessLog_SeesAbortedRequests(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := AccessLog(slog.New(slog.NewTextHandler(&log, nil)))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	func() {
		defer func() { _ = recover() }()
		answer(h, newRequest("GET", "/"+strings.Repeat("x", 5000), ""))
	}()
	if n := strings.Count(log.String(), "\n"); n != 1 || log.Len() > 600 {
		t.Errorf("%d lines, %d bytes", n, log.Len())
	}
}

func TestCORS_LetsAnyOriginIn(t *testing.T) {
	t.Parallel()
	called := 0
	h := CORS(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	r := newRequest("OPTIONS", "/api/v1/app", "")
	r.Header.Set("Origin", "https://shop.example")
	r.Header.Set("Access-Control-Request-Method", "PATCH")
	r.Header.Set("Access-Control-Request-Headers", "authorization, idempotency-key")
	w := answer(h, r)
	for name, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "authorization, idempotency-key",
		"Access-Control-Max-Age": "600"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if called != 0 || w.Code != 204 || !strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "PATCH") {
		t.Errorf("preflight: %d, called %d, %v", w.Code, called, w.Header())
	}
	r = newRequest("GET", "/", "")
	r.Header.Set("Origin", "null")
	if w := answer(h, r); called != 1 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("request: called %d, %v", called, w.Header())
	}
	if w := answer(h, newRequest("OPTIONS", "/", "")); called != 2 || len(w.Header()) != 0 {
		t.Errorf("without an origin: called %d, %v", called, w.Header())
	}
}

func TestSecurityHeaders_AreDefaultsThatPagesReplace(t *testing.T) {
	t.Parallel()
	h := SecurityHeaders(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
	}))
	w := answer(h, newRequest("GET", "/", ""))
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") != "default-src 'self'" {
		t.Errorf("got %v", w.Header())
	}
	w = answer(SecurityHeaders(http.NotFoundHandler()), newRequest("GET", "/", ""))
	if w.Header().Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
		t.Errorf("one answer changed the default of the next: %v", w.Header())
	}
}

func TestInFlight_RefusesWhatIsTooMuchAndRecovers(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	full := new(Surface).Refuse(&hookswitch.Error{Kind: hookswitch.Unavailable})
	h := InFlight(2, full)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}))
	done := make(chan int, 3)
	for range 2 {
		go func() { done <- answer(h, newRequest("GET", "/", "")).Code }()
		<-entered
	}
	if w := answer(h, newRequest("GET", "/", "")); w.Code != 503 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("the third got %d %v", w.Code, w.Header())
	}
	close(leave)
	for range 2 {
		if code := <-done; code != 200 {
			t.Errorf("an admitted one got %d", code)
		}
	}
	go func() { done <- answer(h, newRequest("GET", "/", "")).Code }()
	<-entered
	if code := <-done; code != 200 {
		t.Errorf("afterwards: %d", code)
	}
}

func gunzip(t *testing.T, b []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestGzip_CompressesWhatIsWorthIt(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abc ", 1000)
	write := func(contentType, body string, pieces int) http.Handler {
		return Gzip(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Etag", `"v1"`)
			if pieces == 1 {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			}
			w.WriteHeader(203)
			for len(body) > 0 {
				n := max(1, len(body)/pieces)
				_, _ = io.WriteString(w, body[:n])
				body = body[n:]
			}
		}))
	}
	for _, c := range []struct {
		name, accept, contentType, body string
		pieces                          int
		compressed                      bool
	}{
		{"long", "gzip", "application/json", long, 1, true},
		{"long in pieces", "br, gzip;q=0.5", "text/html; charset=utf-8", long, 9, true},
		{"any coding", "*", "application/json", long, 1, true},
		{"short", "gzip", "application/json", "{}", 1, false},
		{"short in pieces", "gzip", "application/json", "{   }", 3, false},
		{"not accepted", "br", "application/json", long, 1, false},
		{"refused", "gzip;q=0, *;q=0", "application/json", long, 1, false},
		{"not asked for", "", "application/json", long, 1, false},
		{"image", "gzip", "image/png", long, 1, false},
	} {
		r := newRequest("GET", "/", "")
		r.Header.Set("Accept-Encoding", c.accept)
		w := answer(write(c.contentType, c.body, c.pieces), r)
		body, tag := w.Body.String(), `"v1"`
		if c.compressed {
			body, tag = gunzip(t, w.Body.Bytes()), `W/"v1"`
			if w.Header().Get("Content-Length") != "" || w.Body.Len() > len(long)/10 {
				t.Errorf("%s: length %q, %d bytes", c.name, w.Header().Get("Content-Length"), w.Body.Len())
			}
		}
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != c.compressed || body != c.body || w.Code != 203 {
			t.Errorf("%s: compressed %v, status %d, %.40q", c.name, got, w.Code, body)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Etag") != tag {
			t.Errorf("%s: %v", c.name, w.Header())
		}
	}
}

func TestGzip_PooledPartsDoNotMix(t *testing.T) {
	t.Parallel()
	s := new(Surface)
	h := Gzip(s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		return Encode(w, 200, strings.Repeat(r.URL.Path, 1000))
	}))
	for i := range 50 {
		r := newRequest("GET", "/"+strconv.Itoa(i), "")
		r.Header.Set("Accept-Encoding", "gzip")
		if got, want := gunzip(t, answer(h, r).Body.Bytes()), `"`+strings.Repeat("/"+strconv.Itoa(i), 1000)+`"`; got != want {
			t.Fatalf("answer %d is %.60s", i, got)
		}
	}
}

// Server-sent events go through the whole chain piece by piece.
func TestChain_StreamsEvents(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	s := new(Surface)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	srv := httptest.NewServer(Chain(s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			if _, err := io.WriteString(w, "data: x\n"); err != nil {
				return err
			}
			if err := http.NewResponseController(w).Flush(); err != nil {
				return err
			}
			<-next
		}
		return nil
	}), WithRequestID, AccessLog(log), CORS, SecurityHeaders, Gzip))
	t.Cleanup(srv.Close)
	r, _ := http.NewRequest("GET", srv.URL, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != "data: x" {
			t.Fatalf("piece %d: %q, %v", i, lines.Text(), lines.Err())
		}
		next <- struct{}{}
	}
}

func TestGzip_FlushSendsWhatWasHeldBack(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	h := Gzip(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, r.URL.Query().Get("first"))
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, long)
	}))
	for first, compressed := range map[string]bool{"short": false, long: true} {
		r := newRequest("GET", "/?first="+first, "")
		r.Header.Set("Accept-Encoding", "gzip")
		w := answer(h, r)
		body := w.Body.String()
		if compressed {
			body = gunzip(t, w.Body.Bytes())
		}
		if body != first+long || !w.Flushed {
			t.Errorf("%.10s: %d bytes, flushed %v", first, len(body), w.Flushed)
		}
	}
}
