package work_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

// model watches the runs of all engines over one store.
type model struct {
	t      *testing.T
	store  *memStore
	global int
	most   int // per lane

	mu      sync.Mutex
	rng     *rand.Rand
	running map[rowKey]bool
	perLane map[work.Lane]int
	total   int
	done    map[rowKey]int
	last    map[work.Lane]int64 // ordered: the last subject that succeeded
}

func (m *model) roll(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.IntN(n)
}

func (m *model) begin(it work.Item) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := rowKey{it.Lane, it.Subject}
	if m.running[key] {
		m.t.Errorf("%v runs twice at once", key)
	}
	if m.done[key] > 0 {
		m.t.Errorf("%v runs again after it was done", key)
	}
	m.running[key] = true
	m.perLane[it.Lane]++
	m.total++
	most := m.most
	if it.Kind == fifo {
		most = 1
		if it.Subject <= m.last[it.Lane] {
			m.t.Errorf("%v runs after %d", key, m.last[it.Lane])
		}
	}
	if m.perLane[it.Lane] > most {
		m.t.Errorf("%d runs of lane %v at once", m.perLane[it.Lane], it.Lane)
	}
	if m.total > m.global {
		m.t.Errorf("%d runs at once", m.total)
	}
	if left := time.Until(it.Lease); left < 2*time.Second {
		m.t.Errorf("%v started with a lease of %s", key, left)
	}
}

func (m *model) end(it work.Item, done bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, rowKey{it.Lane, it.Subject})
	m.perLane[it.Lane]--
	m.total--
	if done {
		m.done[rowKey{it.Lane, it.Subject}]++
		if it.Kind == fifo {
			m.last[it.Lane] = it.Subject
		}
	}
}

func (m *model) run(ctx context.Context, it work.Item) work.Result {
	m.begin(it)
	timer := time.NewTimer(time.Duration(m.roll(1+40*int(1+it.Target%5))) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		m.end(it, false)
		return work.Result{Released: true}
	}
	if failing := int(it.Target % 4); m.roll(4) < failing && it.Tries < 6 {
		next := time.Now().Add(time.Duration(1+m.roll(900)) * time.Millisecond)
		m.end(it, false)
		m.store.retry(it, next)
		return work.Result{Next: next}
	}
	m.end(it, true)
	m.store.done(it)
	return work.Result{OK: true}
}

// TestEngine_KeepsItsPromises publishes at random into random lanes, with stops in the middle, and checks that no limit
// is passed, nothing runs twice at once or again, nothing is lost, and ordered lanes keep their order.
func TestEngine_KeepsItsPromises(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			bubble(t, func(t *testing.T) { keepsItsPromises(t, seed) })
		})
	}
}

func keepsItsPromises(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	store := newMemStore(fifo)
	m := &model{
		t: t, store: store, rng: rand.New(rand.NewPCG(seed, 2)),
		global: 2 + rng.IntN(24), most: 1 + rng.IntN(12),
		running: map[rowKey]bool{}, perLane: map[work.Lane]int{}, done: map[rowKey]int{}, last: map[work.Lane]int64{},
	}
	options := setup{
		Options: work.Options{
			Global: m.global, QueuePerLane: 2 + rng.IntN(60), Queue: 4 + rng.IntN(400),
			Grace: time.Duration(1+rng.IntN(100)) * time.Millisecond,
		},
		kind: work.KindOptions{Start: 1 + rng.IntN(m.most), Max: m.most, Timeout: 2 * time.Second},
		run:  m.run,
	}
	var subject int64
	published := 0
	for range 3 {
		r := start(t, store, options)
		first := subject
		for range 100 {
			for range rng.IntN(8) {
				subject++
				published++
				l := work.Lane{Kind: hooks, Target: int64(rng.IntN(12))}
				if rng.IntN(4) == 0 {
					l.Kind = fifo
				}
				switch rng.IntN(20) {
				case 0: // a commit that fails
					if r.Reserve(l) {
						r.Unreserve(l)
					}
					published--
				case 1: // another node's
					if l.Kind == hooks {
						store.addWaiting(l, subject, time.Now())
						break
					}
					fallthrough
				default:
					if l.Kind == fifo && store.waitsBefore(l, first) {
						// Left by an engine before this one, which only the store can know.
						reserved := r.Reserve(l)
						store.addWaiting(l, subject, time.Now())
						if reserved {
							r.Unreserve(l)
						}
						r.Wake(l.Kind, time.Now())
						break
					}
					r.publish(l, subject)
				}
			}
			time.Sleep(time.Duration(rng.IntN(10)) * time.Millisecond)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if n := store.leased(); n > 0 {
			t.Errorf("%d leases left by a stop", n)
		}
		if n := r.Stats().Queued; n != 0 {
			t.Errorf("%d room taken after a stop", n)
		}
	}
	r := start(t, store, options)
	for range 600 {
		if store.owed() == 0 {
			break
		}
		time.Sleep(time.Second)
	}
	synctest.Wait()
	if n := store.owed(); n > 0 {
		t.Errorf("%d never done", n)
	}
	if len(m.done) != published {
		t.Errorf("done %d of %d", len(m.done), published)
	}
	if s := r.Stats(); s.Queued != 0 || s.Serving != 0 {
		t.Errorf("at rest: %+v", s)
	}
}
