package work_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hookswitch/hookswitch/internal/work"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	hooks work.Kind = 1
	fifo  work.Kind = 2
)

type runFunc func(ctx context.Context, it work.Item) work.Result

func (f runFunc) Run(ctx context.Context, it work.Item) work.Result { return f(ctx, it) }

// rig is an engine that runs over a memStore inside a synctest bubble.
type rig struct {
	t     *testing.T
	store *memStore
	*work.Engine
	stop func() error
}

type setup struct {
	work.Options
	run  runFunc
	kind work.KindOptions // of hooks; Runner comes from run
	own  int              // of fifo
}

func start(t *testing.T, store *memStore, s setup) *rig {
	t.Helper()
	o := s.Options
	o.Store = store
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s.kind.Runner = s.run
	ordered := s.kind
	ordered.Ordered, ordered.Own = true, s.own
	o.Kinds = map[work.Kind]work.KindOptions{hooks: s.kind, fifo: ordered}
	e, err := work.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	r := &rig{t: t, store: store, Engine: e}
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	synctest.Wait() // the first, empty claim
	t.Cleanup(func() { r.stop() })
	return r
}

// publish does what an accepting caller does.
func (r *rig) publish(lane work.Lane, subject int64) (leased bool) {
	now := time.Now()
	if r.Reserve(lane) {
		r.Start(r.store.addLeased(lane, subject, now, r.LeaseUntil(lane.Kind, now)))
		return true
	}
	r.store.addWaiting(lane, subject, now)
	r.Wake(lane.Kind, now)
	return false
}

func lane(target int64) work.Lane { return work.Lane{Kind: hooks, Target: target} }

// recorder notes the subjects in the order they were run.
type recorder struct {
	mu   sync.Mutex
	subs []int64
	at   []time.Time
}

func (c *recorder) note(it work.Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subs = append(c.subs, it.Subject)
	c.at = append(c.at, time.Now())
}

func (c *recorder) subjects() []int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.subs)
}

func (c *recorder) times() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.at)
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalSlice[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, f)
}
