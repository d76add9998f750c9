package portal_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const operatorToken = "the-operators-token"

// site is the pages over a real store, behind the middleware of the server.
type site struct {
	t    testing.TB
	svc  *service.Service
	db   *store.Store
	url  string
	http *http.Client
}

func newSite(t testing.TB, db *storetest.DB, clock func() time.Time, change ...func(*portal.Options)) *site {
	t.Helper()
	if clock == nil {
		clock = time.Now
	}
	st := db.Open(storetest.Now(clock))
	svc, err := service.New(service.Options{Store: st, Now: clock, PublicURL: "https://hooks.example.test"})
	if err != nil {
		t.Fatal(err)
	}
	mux := httpapi.NewMux(&httpapi.Surface{Name: "test"})
	o := portal.Options{Service: svc, Now: clock, OperatorToken: operatorToken}
	for _, c := range change {
		c(&o)
	}
	pages := portal.New(o)
	pages.Register(mux)
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- pages.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	srv := httptest.NewServer(httpapi.Chain(mux, httpapi.WithRequestID, httpapi.SecurityHeaders, httpapi.CORS, httpapi.Gzip))
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &site{t: t, svc: svc, db: st, url: srv.URL, http: client}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (s *site) do(method, path string, body []byte, header ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (s *site) get(path string) answer { return s.do(http.MethodGet, path, nil) }

func (s *site) form(path, form string) answer {
	return s.do(http.MethodPost, path, []byte(form), "Content-Type", "application/x-www-form-urlencoded")
}

func (s *site) bin(secrets ...hookswitch.Secret) *store.Bin {
	s.t.Helper()
	b, err := s.svc.CreateBin(context.Background(), secrets...)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *site) send(b *store.Bin, body string, header ...string) {
	s.t.Helper()
	if a := s.do(http.MethodPost, "/play/in/"+b.Token, []byte(body), header...); a.status != 200 || a.body != `{"ok":true}` {
		s.t.Fatalf("the bin answered %d %s", a.status, a.body)
	}
}

// sse is one message of a stream of events.
type sse struct{ id, event, data string }

// watch opens the live view of a bin. next waits for its next message; nil: the stream is over.
func (s *site) watch(b *store.Bin, lastID string) (next func() *sse, stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/play/"+b.Token+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("the live view answered %d %v", res.StatusCode, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	next = func() *sse {
		m := new(sse)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if m.event != "" {
					return m
				}
			}
		}
		return nil
	}
	return next, func() {
		cancel()
		_ = res.Body.Close()
	}
}
