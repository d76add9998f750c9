package svix_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/svix"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// payload400 is about the size of a common event.
var payload400 = `{"type":"order.paid","data":{"id":"ord_123456","amount":12.50,"currency":"EUR","note":"` + strings.Repeat("x", 320) + `"}}`

// BenchmarkCreateMessage is a publish to an app without endpoints, from the request to the answer, on SQLite with fsync.
func BenchmarkCreateMessage(b *testing.B) {
	a := newAPI(b, storetest.SQLite(b))
	path := "/api/v1/app/" + a.app("bench") + "/msg"
	body := fmt.Sprintf(`{"eventType":"order.paid","payload":%s}`, payload400)
	var n atomic.Int64
	b.SetParallelism(16)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := httptest.NewRequest("POST", path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Idempotency-Key", fmt.Sprintf("auto_%d", n.Add(1)))
			w := httptest.NewRecorder()
			if a.handler.ServeHTTP(w, r); w.Code != 202 {
				b.Errorf("status %d: %s", w.Code, w.Body)
			}
		}
	})
}

// BenchmarkRefuseMessage is the same up to the service, which refuses the message: what of it is this package's own work.
func BenchmarkRefuseMessage(b *testing.B) {
	a := newAPI(b, storetest.SQLite(b))
	path := "/api/v1/app/" + a.app("bench") + "/msg"
	body := fmt.Sprintf(`{"eventType":"order paid","payload":%s}`, payload400)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		if a.handler.ServeHTTP(w, r); w.Code != 422 {
			b.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
}

func BenchmarkMessageAnswer(b *testing.B) {
	a := newAPI(b, storetest.SQLite(b))
	ev := &hookswitch.Event{Key: a.service.NextKey(), Type: "order.paid", UID: "e-1", Tags: []string{"x"}, Payload: []byte(payload400)}
	b.ReportAllocs()
	for b.Loop() {
		svix.AppendMessage(a.handler, nil, ev)
	}
}
