package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/cli"
	"github.com/hookswitch/hookswitch/internal/server"
)

// lockedText is written by one goroutine and read by another.
type lockedText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// comes waits until a text has what is looked for, and returns its first part in brackets.
func (l *lockedText) comes(t *testing.T, want string) string {
	t.Helper()
	expression := regexp.MustCompile(want)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if m := expression.FindStringSubmatch(l.String()); m != nil {
			return m[len(m)-1]
		}
	}
	t.Fatalf("nothing matches %s in %s", want, l)
	return ""
}

// TestListen_LosesNothingWhileTheConnectionIsLost cuts the connection of who listens, twice, and keeps it cut while requests arrive.
func TestListen_LosesNothingWhileTheConnectionIsLost(t *testing.T) {
	t.Parallel()
	settings, err := parseSettings("--listen=127.0.0.1:0", "--data-dir="+t.TempDir(), "--shutdown-timeout=5s")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.New(ctx, settings, slog.New(slog.DiscardHandler))
	if err != nil {
		stop()
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
	to, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	var gate sync.RWMutex
	cut := false
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, FlushInterval: -1, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		gate.RLock()
		away := cut
		gate.RUnlock()
		if away {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	setCut := func(on bool) {
		gate.Lock()
		cut = on
		gate.Unlock()
		if on {
			front.CloseClientConnections()
		}
	}
	got := make(chan string, 1000)
	local := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- string(b)
	}))
	t.Cleanup(local.Close)

	out, notices := new(lockedText), new(lockedText)
	listens, end := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(listens, []string{"listen", "--url", front.URL, local.URL}, cli.Deps{Stdin: strings.NewReader(""), Stdout: out, Stderr: notices})
	}()
	address := strings.Replace(out.comes(t, `address +(\S+)\n`), front.URL, s.URL(), 1)
	sent := []string{}
	send := func(n int) {
		t.Helper()
		for range n {
			body := fmt.Sprint("request ", len(sent))
			res, err := http.Post(address, "text/plain", strings.NewReader(body))
			if err != nil || res.StatusCode != 200 {
				t.Fatalf("the bin: %v, %v", res, err)
			}
			_ = res.Body.Close()
			sent = append(sent, body)
		}
	}
	send(3)
	out.comes(t, `→ 200 in[^\n]*\n[^\n]*→ 200 in[^\n]*\n[^\n]*→ 200 in`)
	for range 2 {
		setCut(true)
		send(5)
		notices.comes(t, `The connection is lost`)
		send(5)
		setCut(false)
		notices.comes(t, `The connection is back`)
		send(3)
	}
	var arrived []string
	for range sent {
		select {
		case body := <-got:
			arrived = append(arrived, body)
		case <-time.After(time.Minute):
			t.Fatalf("of %d only these arrived: %q", len(sent), arrived)
		}
	}
	if !slices.Equal(arrived, sent) {
		t.Errorf("arrived %q", arrived)
	}
	end()
	if c := <-code; c != 0 {
		t.Errorf("it ends with %d: %s", c, notices)
	}
	if len(got) != 0 {
		t.Errorf("%d arrived twice", len(got))
	}
}
