package safehttp_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

func TestMain(m *testing.M) {
	// Nothing in this package may take notice of these.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"} {
		_ = os.Setenv(name, "http://127.0.0.1:1")
	}
	goleak.VerifyTestMain(m)
}

// A peer is one accepted connection of a raw server, and its number counted from 1.
type peer struct {
	net.Conn
	n  int
	br *bufio.Reader
}

// request reads one whole request; ok is false when the client has gone.
func (p *peer) request() (r *http.Request, body string, ok bool) {
	r, err := http.ReadRequest(p.br)
	if err != nil {
		return nil, "", false
	}
	b, err := io.ReadAll(r.Body)
	return r, string(b), err == nil
}

func (p *peer) say(text string) { _, _ = io.WriteString(p, text) }

// reset closes the connection so that the client sees a reset instead of an end.
func (p *peer) reset() {
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	_ = p.Close()
}

// gone waits until the client has closed the connection.
func (p *peer) gone() { _, _ = io.Copy(io.Discard, p.br) }

// serve accepts connections on loopback until the test is over, then waits for the handlers.
func serve(t testing.TB, handle func(p *peer)) *url.URL {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, listener, "http", handle)
}

func serveOn(t testing.TB, listener net.Listener, scheme string, handle func(p *peer)) *url.URL {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for n := 1; ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				handle(&peer{Conn: c, n: n, br: bufio.NewReader(c)})
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return &url.URL{Scheme: scheme, Host: listener.Addr().String(), Path: "/hook"}
}

// answering serves every request of every connection with the same bytes.
func answering(t testing.TB, answer string) *url.URL {
	return serve(t, func(p *peer) {
		for {
			if _, _, ok := p.request(); !ok {
				return
			}
			p.say(answer)
		}
	})
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// newClient returns a client that may reach loopback, closed at the end of the test.
func newClient(t testing.TB, change ...func(*safehttp.Options)) *safehttp.Client {
	o := safehttp.Options{Guard: safehttp.NewGuard(loopback), Timeout: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c := safehttp.New(o)
	t.Cleanup(c.Close)
	return c
}

func post(u *url.URL, body string) *safehttp.Request {
	return &safehttp.Request{Method: "POST", URL: u, Header: []safehttp.Field{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte(body)}
}

// failure performs an exchange that must fail with code.
func failure(t *testing.T, c *safehttp.Client, r *safehttp.Request, code string) *safehttp.Error {
	t.Helper()
	resp, err := c.Do(t.Context(), r)
	if err == nil {
		t.Fatalf("answered with status %d, want failure %s", resp.Status, code)
	}
	return asFailure(t, err, code)
}

func asFailure(t *testing.T, err error, code string) *safehttp.Error {
	t.Helper()
	var fail *safehttp.Error
	if !errors.As(err, &fail) {
		t.Fatalf("error %v is no *safehttp.Error", err)
	}
	if fail.Code != code {
		t.Fatalf("code %s (%v), want %s", fail.Code, fail.Err, code)
	}
	if text := fail.Error(); text == "" || strings.Contains(text, "127.0.0.1:") || strings.ContainsAny(text, "\r\n\x00\x1b") {
		t.Errorf("sentence %q is not fit to be shown", text)
	}
	return fail
}

func success(t *testing.T, c *safehttp.Client, r *safehttp.Request) *safehttp.Response {
	t.Helper()
	resp, err := c.Do(t.Context(), r)
	if err != nil {
		var fail *safehttp.Error
		errors.As(err, &fail)
		t.Fatalf("%v (%v)", err, fail.Err)
	}
	return resp
}

// within gives an exchange d to finish.
func within(r *safehttp.Request, d time.Duration) *safehttp.Request {
	r.Timeout = d
	return r
}

// names is a resolver that knows what it is told: per name, one answer after another, the last for ever.
// An empty answer is a server failure, a missing name does not exist.
type names struct {
	mu      sync.Mutex
	answers map[string][][]string
}

func (n *names) resolver(t testing.TB) *net.Resolver {
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		wg.Go(func() {
			defer theirs.Close()
			for n.answer(theirs) {
			}
		})
		return ours, nil
	}}
}

// answer speaks DNS as over TCP, as much as A questions need.
func (n *names) answer(c net.Conn) bool {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return false
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, msg); err != nil {
		return false
	}
	var labels []string
	end := 12
	for msg[end] != 0 {
		labels = append(labels, string(msg[end+1:end+1+int(msg[end])]))
		end += 1 + int(msg[end])
	}
	name, kind := strings.Join(labels, "."), binary.BigEndian.Uint16(msg[end+1:])
	question := msg[12 : end+5]

	n.mu.Lock()
	turns, known := n.answers[name]
	var addrs []string
	if known {
		addrs = turns[0]
		if kind == 1 && len(turns) > 1 {
			n.answers[name] = turns[1:]
		}
	}
	n.mu.Unlock()

	code, records, count := byte(0), []byte(nil), 0
	switch {
	case !known:
		code = 3
	case len(addrs) == 0:
		code = 2
	case kind == 1:
		for _, a := range addrs {
			records = append(records, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
			records = append(records, netip.MustParseAddr(a).AsSlice()...)
			count++
		}
	}
	out := append([]byte{msg[0], msg[1], 0x81, 0x80 | code, 0, 1, 0, byte(count), 0, 0, 0, 0}, question...)
	out = append(out, records...)
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...))
	return err == nil
}
