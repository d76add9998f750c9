package simulate

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// errand is the reports that a message still has coming, one after the other: the next is due when one has been taken or given up.
type errand struct {
	reports []func() Push // made when they are due
	baseURL string
	// again says whether, and after what, a report is pushed once more that was pushed tries times before.
	again func(tries int, res Result, err error) (after time.Duration, ok bool)
	tries int // of the report at the front
	due   time.Time
}

// errandHeap has the earliest errand in front.
type errandHeap []*errand

func (h errandHeap) Len() int           { return len(h) }
func (h errandHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h errandHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *errandHeap) Push(x any)        { *h = append(*h, x.(*errand)) }
func (h *errandHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// pushers is how many reports are pushed at once.
const pushers = 16

// reports is the part of a stand-in that pushes reports about the messages it took.
type reports struct {
	client     *http.Client
	delay      time.Duration // before each report
	maxPending int
	stop       chan struct{}
	running    sync.WaitGroup
	wake       chan struct{} // holds one signal that something became due earlier than Run knows

	mu      sync.Mutex
	closed  bool
	due     errandHeap
	pending int             // messages with reports outstanding
	lost    int             // reports given up
	settled []chan struct{} // closed when pending falls to 0
}

// newReports has defaults for zero values.
func newReports(client *http.Client, delay time.Duration, maxPending int) *reports {
	if client == nil {
		client = LoopbackClient()
	}
	return &reports{
		client: client, delay: cmp.Or(delay, 5*time.Millisecond), maxPending: cmp.Or(maxPending, 10_000),
		stop: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// plan takes an errand on. It reports false when too much is outstanding.
func (r *reports) plan(e *errand) bool {
	if len(e.reports) == 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending >= r.maxPending {
		return false
	}
	r.pending++
	r.put(e, r.delay)
	return true
}

// put is called with mu held.
func (r *reports) put(e *errand, after time.Duration) {
	e.due = time.Now().Add(after)
	heap.Push(&r.due, e)
	if r.due[0] == e {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// ErrClosed is what Run returns once Close was called.
var ErrClosed = errors.New("simulated provider is closed")

// Run pushes reports until ctx ends or Close is called, and returns when the last push is over. Reports that are still due then wait for
// the next Run.
func (r *reports) Run(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return ErrClosed
	}
	r.running.Add(1)
	r.mu.Unlock()
	defer r.running.Done()

	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		select {
		case <-r.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	work := make(chan *errand)
	defer close(work)
	for range pushers {
		all.Go(func() {
			for e := range work {
				r.report(ctx, e)
			}
		})
	}
	for {
		e, wait := r.next()
		if e != nil {
			select {
			case work <- e:
				continue
			case <-ctx.Done():
				r.giveBack(e)
				return nil
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// next takes the earliest errand if it is due, and else says how long to wait for one.
func (r *reports) next() (*errand, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.due) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(r.due[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&r.due).(*errand), 0
}

func (r *reports) giveBack(e *errand) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(e, 0)
}

// report pushes the report at the front of e and plans what follows.
func (r *reports) report(ctx context.Context, e *errand) {
	res, err := e.reports[0]().Post(ctx, r.client, e.baseURL)

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		r.put(e, 0)
		return
	}
	if after, again := e.again(e.tries, res, err); again {
		r.put(e, after)
		e.tries++
		return
	}
	if err != nil || res.Status/100 != 2 {
		r.lost++
	}
	e.reports, e.tries = e.reports[1:], 0
	if len(e.reports) > 0 {
		r.put(e, r.delay)
		return
	}
	if r.pending--; r.pending == 0 {
		for _, c := range r.settled {
			close(c)
		}
		r.settled = nil
	}
}

// Settle waits until every planned report has been taken or given up. Somebody has to Run meanwhile.
func (r *reports) Settle(ctx context.Context) error {
	r.mu.Lock()
	if r.pending == 0 {
		r.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	r.settled = append(r.settled, c)
	r.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Lost is how many reports were given up because the callback did not take them.
func (r *reports) Lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// Close ends Run and waits for it, and drops the connections of sends that hang. It may be called more than once.
func (r *reports) Close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.stop)
	}
	r.mu.Unlock()
	r.running.Wait()
	r.client.CloseIdleConnections()
}

// hang drops the connection without an answer when the caller or the stand-in has given up.
func (r *reports) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-r.stop:
	}
	panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
}
