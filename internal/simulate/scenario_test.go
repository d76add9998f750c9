package simulate_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// strict answers as a right door does and counts what it has not seen before.
type strict struct {
	mu   sync.Mutex
	seen map[string]int
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !signed(r.Header, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[string(body)]++
}

func whatsApp(t *testing.T) simulate.Simulator {
	t.Helper()
	s, err := simulate.Of(hookswitch.WhatsApp, "meta")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// steps are the pushes of the scenario of that name of the demo number.
func steps(t *testing.T, name string, l simulate.Load) iter.Seq[simulate.Step] {
	t.Helper()
	s := whatsApp(t)
	l, err := s.Load(name, l)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Steps(s.Demo, l)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestWhatsAppScenarios_AreAnsweredAsTheyExpect(t *testing.T) {
	t.Parallel()
	var names []string
	for _, s := range whatsApp(t).Scenarios() {
		names = append(names, s.Name)
		if s.About == "" || strings.HasSuffix(s.About, ".") || strings.Contains(s.About, "\n") {
			t.Errorf("%s: description %q is not one line without a full stop", s.Name, s.About)
		}
		door := &strict{seen: map[string]int{}}
		n := 0
		err := simulate.Play(t.Context(), &http.Client{Transport: direct{door}}, "http://gateway.test", 1, steps(t, s.Name, simulate.Load{}), func(o simulate.Outcome) {
			n++
			if !o.OK() {
				t.Errorf("%s: got %d, %v; want %d", s.Name, o.Result.Status, o.Err, o.Step.Want)
			}
		})
		if err != nil || n == 0 {
			t.Errorf("%s: %d pushes, %v", s.Name, n, err)
		}
	}
	want := []string{"text", "image", "button", "reaction", "location", "contacts", "unsupported", "batch", "duplicate", "bad-signature", "burst"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
}

func TestScenario_DuplicateRepeatsTheSameBytes(t *testing.T) {
	t.Parallel()
	door := &strict{seen: map[string]int{}}
	list := steps(t, "duplicate", simulate.Load{Person: simulate.Person{Text: "once"}})
	if err := simulate.Play(t.Context(), &http.Client{Transport: direct{door}}, "http://gateway.test", 3, list, func(simulate.Outcome) {}); err != nil {
		t.Fatal(err)
	}
	for body, n := range door.seen {
		if n != 3 || !strings.Contains(body, `"once"`) {
			t.Errorf("%d times %s, want 3 times", n, body)
		}
	}
	if len(door.seen) != 1 {
		t.Errorf("got %d different pushes, want 1", len(door.seen))
	}
}

func TestScenario_BurstKeepsItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		people := map[any]bool{}
		list := steps(t, "burst", simulate.Load{Count: 40, Rate: 20})
		err := simulate.Play(t.Context(), &http.Client{Transport: direct{&strict{seen: map[string]int{}}}}, "http://gateway.test", 2, list, func(o simulate.Outcome) {
			at = append(at, time.Since(begin))
			people[item(t, o.Step.Push)["from"]] = true
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range at {
			if want := time.Duration(i) * 50 * time.Millisecond; d != want {
				t.Fatalf("push %d went out after %v, want %v", i, d, want)
			}
		}
		if len(at) != 40 || len(people) != 4 {
			t.Errorf("got %d pushes of %d people, want 40 of 4", len(at), len(people))
		}
	})
}

func TestPlay_StopsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	list := steps(t, "burst", simulate.Load{Count: 1000})
	err := simulate.Play(ctx, &http.Client{Transport: direct{&strict{seen: map[string]int{}}}}, "http://gateway.test", 1, list, func(simulate.Outcome) {
		if n++; n == 10 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || n > 12 {
		t.Errorf("got %v after %d pushes, want the end soon after 10", err, n)
	}
}
