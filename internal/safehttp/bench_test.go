package safehttp_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

var benchFields = []safehttp.Field{
	{Name: "Content-Type", Value: "application/json"},
	{Name: "User-Agent", Value: "bench/1"},
	{Name: "Accept", Value: "*/*"},
	{Name: "webhook-id", Value: "msg_2Lh8GyFSBJ6KGUcGT1Nqk0zFQ8f"},
	{Name: "webhook-timestamp", Value: "1766150400"},
	{Name: "webhook-signature", Value: "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="},
}

func benchServer(b *testing.B) *url.URL {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	b.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/hooks/in")
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// bareServer answers each request of known size with constant bytes, so that what is measured is the client.
func bareServer(b *testing.B, body []byte) *url.URL {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Fri, 19 Dec 2025 12:00:00 GMT\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, have := make([]byte, 16<<10), 0
				for {
					n, err := c.Read(buf[have:])
					if err != nil {
						return
					}
					if have += n; bytes.HasSuffix(buf[:have], body) {
						have = 0
						if _, err := c.Write(answer); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/hooks/in"}
}

func benchBody() []byte {
	return append(append([]byte(`{"text":"`), bytes.Repeat([]byte("a"), 389)...), `"}`...)
}

// benchOurs and benchTheirs post the same request, over this package and over net/http's transport.
func benchOurs(b *testing.B, u *url.URL, ctx context.Context) {
	c := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	defer c.Close()
	r := &safehttp.Request{Method: "POST", URL: u, Header: benchFields, Body: benchBody(), Timeout: 15 * time.Second}
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := c.Do(ctx, r)
			if err != nil || resp.Status != 200 || len(resp.Body) != 11 {
				b.Error(err)
				return
			}
		}
	})
}

func benchTheirs(b *testing.B, u *url.URL, ctx context.Context) {
	tr := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr, Timeout: 15 * time.Second}
	body := benchBody()
	target := u.String()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequestWithContext(ctx, "POST", target, bytes.NewReader(body))
			for _, f := range benchFields {
				r.Header.Set(f.Name, f.Value)
			}
			resp, err := c.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			got, _ := io.ReadAll(io.LimitReader(resp.Body, safehttp.MaxAnswer))
			_ = resp.Body.Close()
			if len(got) != 11 {
				b.Errorf("body of %d bytes", len(got))
				return
			}
		}
	})
}

func BenchmarkDo(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.Run("nethttp-server/ours", func(b *testing.B) { benchOurs(b, benchServer(b), context.Background()) })
	b.Run("nethttp-server/transport", func(b *testing.B) { benchTheirs(b, benchServer(b), context.Background()) })
	b.Run("bare-server/ours", func(b *testing.B) { benchOurs(b, bareServer(b, benchBody()), context.Background()) })
	b.Run("bare-server/ours-cancelable", func(b *testing.B) { benchOurs(b, bareServer(b, benchBody()), ctx) })
	b.Run("bare-server/transport", func(b *testing.B) { benchTheirs(b, bareServer(b, benchBody()), context.Background()) })
}
