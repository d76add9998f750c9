package svix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// memory keeps answers for a test, or refuses to.
type memory struct {
	mu      sync.Mutex
	answers map[service.Idempotency]store.Answer
	failing error
}

func (m *memory) Answered(_ context.Context, idem service.Idempotency) (store.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.answers[idem]
	if !ok {
		return a, hookswitch.NotFoundf("answer not found")
	}
	return a, nil
}

func (m *memory) KeepAnswer(_ context.Context, idem service.Idempotency, a store.Answer) (store.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failing != nil {
		return a, m.failing
	}
	if first, ok := m.answers[idem]; ok {
		return first, nil
	}
	m.answers[idem] = a
	return a, nil
}

// post sends one request with the key through the handler.
func post(h httpapi.Handler, key string, ctx context.Context) (*httptest.ResponseRecorder, error) {
	r := httptest.NewRequestWithContext(ctx, "POST", "/api/v1/x?a=b", strings.NewReader("body"))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	return w, h(w, r)
}

// The two kinds of keys behave alike as long as the process lives.
func eachKey(t *testing.T, test func(t *testing.T, p *repeats, key string)) {
	for _, key := range []string{"mine", "auto_1"} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				test(t, newRepeats(&memory{answers: make(map[service.Idempotency]store.Answer)}, nil), key)
			})
		})
	}
}

func TestRepeats_GetTheStatusTheHeadersAndTheBytesOfTheFirst(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, p *repeats, key string) {
		calls := 0
		h := p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			calls++
			w.Header().Set("Content-Type", "application/json")
			w.Header().Add("X-A", "1")
			w.Header().Add("X-A", "2")
			w.WriteHeader(http.StatusAccepted)
			_, err := fmt.Fprintf(w, `{"call":%d,"u":"\xff"}`, calls)
			return err
		})
		first, _ := post(h, key, t.Context())
		for range 3 {
			again, err := post(h, key, t.Context())
			if err != nil || again.Code != 202 || !bytes.Equal(again.Body.Bytes(), first.Body.Bytes()) || fmt.Sprint(again.Header()) != fmt.Sprint(first.Header()) {
				t.Errorf("got %d %v %q, %v, want %v %q", again.Code, again.Header(), again.Body, err, first.Header(), first.Body)
			}
		}
		for _, other := range []string{"", "", key + "2"} {
			if w, _ := post(h, other, t.Context()); w.Body.String() == first.Body.String() {
				t.Errorf("the key %q gets the answer of another", other)
			}
		}
		if calls != 4 {
			t.Errorf("%d calls, want 4", calls)
		}
	})
}

func TestRepeats_WaitForTheFirst(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, p *repeats, key string) {
		var calls atomic.Int32
		h := p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			time.Sleep(4 * time.Second)
			w.WriteHeader(http.StatusCreated)
			_, err := fmt.Fprint(w, calls.Add(1))
			return err
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if w, err := post(h, key, t.Context()); err != nil || w.Code != 201 || w.Body.String() != "1" {
					t.Errorf("got %d %s, %v", w.Code, w.Body, err)
				}
			})
		}
		wg.Wait()
		if calls.Load() != 1 {
			t.Errorf("%d calls", calls.Load())
		}
	})
}

func TestRepeats_AreToldToComeAgainWhenTheFirstTakesLong(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, p *repeats, key string) {
		release := make(chan struct{})
		h := p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			<-release
			return httpapi.NoContent(w)
		})
		go func() { _, _ = post(h, key, t.Context()) }()
		synctest.Wait()
		start := time.Now()
		_, err := post(h, key, t.Context())
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != hookswitch.Unavailable || e.RetryAfter <= 0 || time.Since(start) != repeatWait {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := post(h, key, ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a client that went away: %v", err)
		}
		close(release)
		if w, err := post(h, key, t.Context()); err != nil || w.Code != 204 || w.Body.Len() != 0 {
			t.Errorf("afterwards: %d, %v", w.Code, err)
		}
		if len(p.running) != 0 {
			t.Errorf("%d requests are thought to run", len(p.running))
		}
	})
}

func TestRepeats_DoNotRememberFailures(t *testing.T) {
	t.Parallel()
	eachKey(t, func(t *testing.T, p *repeats, key string) {
		calls := 0
		h := p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			time.Sleep(time.Millisecond)
			switch calls++; calls {
			case 1:
				return hookswitch.InvalidField("is wrong", "x")
			case 2:
				return httpapi.Encode(w, http.StatusConflict, struct{}{})
			case 3:
				panic("a bug")
			}
			return httpapi.Encode(w, http.StatusOK, calls)
		})
		for i, want := range []int{0, 409, 0, 200, 200} {
			func() {
				defer func() {
					if v := recover(); (v != nil) != (i == 2) {
						t.Errorf("call %d: panic %v", i, v)
					}
				}()
				w, err := post(h, key, t.Context())
				if (err != nil) != (i == 0) || err == nil && w.Code != want {
					t.Errorf("call %d: %d, %v", i, w.Code, err)
				}
			}()
		}
		// Those who waited for one that fails try themselves, one after the other.
		calls = 0
		var wg sync.WaitGroup
		var failed atomic.Int32
		h = p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			time.Sleep(time.Millisecond)
			if calls++; calls < 3 {
				return hookswitch.NotFoundf("not yet")
			}
			return httpapi.Encode(w, http.StatusOK, calls)
		})
		for range 10 {
			wg.Go(func() {
				if _, err := post(h, key+"b", t.Context()); err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if calls != 3 || failed.Load() != 2 {
			t.Errorf("%d calls, %d failed, want 3 and 2", calls, failed.Load())
		}
	})
}

func TestRepeats_AnAnswerThatCannotBeKeptIsGivenAllTheSame(t *testing.T) {
	t.Parallel()
	p := newRepeats(&memory{failing: errors.New("no room")}, nil)
	w, err := post(p.handle(func(w http.ResponseWriter, _ *http.Request) error { return httpapi.Encode(w, 201, "made") }), "k", t.Context())
	if err != nil || w.Code != 201 {
		t.Errorf("got %d, %v", w.Code, err)
	}
}

func TestRepeats_OfLibrariesAreForgottenAfterTenMinutesAndTakeBoundedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newRepeats(nil, nil) // no store: nothing may be read or written for these keys
		calls := 0
		h := p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			calls++
			return httpapi.Encode(w, 200, strings.Repeat("x", 1000))
		})
		for i, want := range []int{1, 1, 2} {
			if _, err := post(h, "auto_x", t.Context()); err != nil || calls != want {
				t.Errorf("%d: %d calls, %v", i, calls, err)
			}
			time.Sleep(recentFor - time.Minute)
		}
		for i := range 20_000 {
			if _, err := post(h, fmt.Sprintf("auto_%d", i), t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(p.recent.young) + len(p.recent.old); n > 2*recentCount || n < 100 {
			t.Errorf("%d answers are kept", n)
		}
		calls = 0
		if _, err := post(h, "auto_19999", t.Context()); err != nil || calls != 0 {
			t.Errorf("the latest is forgotten: %d calls, %v", calls, err)
		}
		large := p.handle(func(w http.ResponseWriter, _ *http.Request) error {
			calls++
			return httpapi.Encode(w, 200, strings.Repeat("x", recentBytes/16))
		})
		for range 2 {
			if _, err := post(large, "auto_large", t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if calls != 2 {
			t.Errorf("a large answer was kept in memory")
		}
	})
}

func TestRepeats_AnotherNodeThatWasFasterIsFollowed(t *testing.T) {
	t.Parallel()
	m := &memory{answers: make(map[service.Idempotency]store.Answer)}
	there, here := newRepeats(m, nil), newRepeats(m, nil)
	answer := func(text string) httpapi.Handler {
		return func(w http.ResponseWriter, _ *http.Request) error { return httpapi.Encode(w, http.StatusCreated, text) }
	}
	h := here.handle(func(w http.ResponseWriter, r *http.Request) error {
		if _, err := post(there.handle(answer("there")), "k", r.Context()); err != nil { // while this one runs
			t.Error(err)
		}
		return answer("here")(w, r)
	})
	for range 2 {
		if w, err := post(h, "k", t.Context()); err != nil || w.Body.String() != `"there"` {
			t.Errorf("got %s, %v", w.Body, err)
		}
	}
}
