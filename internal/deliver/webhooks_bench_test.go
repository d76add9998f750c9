package deliver_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func BenchmarkWebhook(b *testing.B) {
	w := servicetest.New(b, storetest.SQLite(b))
	w.Run(nil)
	b.StopTimer()
	done := make(chan struct{}, 1<<20)
	url := discard(b, done)
	app := w.App()
	w.Endpoint(app, url)
	payload := bytes.Repeat([]byte("x"), 400)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.StartTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Service.PublishEvent(context.Background(), app, service.Publish{Type: "a", Payload: payload}, none); err != nil {
				b.Error(err)
				return
			}
		}
	})
	for range b.N {
		<-done
	}
}

// discard is a receiver that costs next to nothing: it reads requests of a fixed shape and answers them.
func discard(b *testing.B, done chan<- struct{}) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					length := 0
					for {
						line, err := r.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(line) == 2 {
							break
						}
						if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
							length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
						}
					}
					if _, err := r.Discard(length); err != nil {
						return
					}
					done <- struct{}{}
					if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}
