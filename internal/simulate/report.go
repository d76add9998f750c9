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

// outbox pushes what the stand-in of an API reports about the messages it has taken: about each one thing after the other. Its settings are not changed once it
// is in use.
type outbox struct {
	client   *http.Client
	callback string        // the base URL that reports are pushed to; empty: none are
	delay    time.Duration // before each report
	retries  int           // of a report that is not taken
	most     int           // messages that may have reports outstanding
	// wait is how long to wait before a retry, of which the first is number 0.
	wait func(retry int) time.Duration

	stop    chan struct{}
	running sync.WaitGroup
	wake    chan struct{} // holds one signal that something became due earlier than Run knows

	mu      sync.Mutex
	closed  bool
	due     planHeap
	pending int             // messages with reports outstanding
	lost    int             // reports given up
	settled []chan struct{} // closed when pending falls to 0
}

// newOutbox returns an outbox with what is usual for what is zero.
func newOutbox(client *http.Client, callback string, delay time.Duration, retries, most int, wait func(int) time.Duration) *outbox {
	if client == nil {
		client = LoopbackClient()
	}
	return &outbox{
		client: client, callback: callback, delay: cmp.Or(delay, 5*time.Millisecond), retries: retries, most: cmp.Or(most, 10_000), wait: wait,
		stop: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// plan is the reports that a message still has coming, one after the other: the next is planned when one has been taken.
type plan struct {
	pushes   []func() Push // made when they are due
	callback string        // the base URL that they go to
	again    repeats
	tries    int // of the report at the front
	due      time.Time
}

// repeats says whether a report is pushed once more that got an answer, or none, after it had been repeated tries times; and after what.
type repeats func(tries int, res Result, err error) (after time.Duration, ok bool)

// planHeap has the earliest plan in front.
type planHeap []*plan

func (h planHeap) Len() int           { return len(h) }
func (h planHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h planHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *planHeap) Push(x any)        { *h = append(*h, x.(*plan)) }
func (h *planHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}

// pushers is how many reports are pushed at once.
const pushers = 16

// plan has the reports about one message pushed. It reports false when too much is outstanding.
func (o *outbox) plan(pushes ...func() Push) bool { return o.planTo(o.callback, o.again, pushes...) }

// again repeats what is not answered 200.
func (o *outbox) again(tries int, res Result, err error) (time.Duration, bool) {
	if err == nil && res.Status == http.StatusOK || tries >= o.retries {
		return 0, false
	}
	return o.wait(tries), true
}

// planTo is plan for a message that says itself where its reports go, to a base URL, and how they are repeated.
func (o *outbox) planTo(callback string, again repeats, pushes ...func() Push) bool {
	if callback == "" || len(pushes) == 0 {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pending >= o.most {
		return false
	}
	o.pending++
	o.put(&plan{pushes: pushes, callback: callback, again: again}, o.delay)
	return true
}

// put is called with mu held.
func (o *outbox) put(p *plan, after time.Duration) {
	p.due = time.Now().Add(after)
	heap.Push(&o.due, p)
	if o.due[0] == p {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// Lost is how many reports were given up because the callback did not take them.
func (o *outbox) Lost() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// ErrClosed is what Run returns once Close was called.
var ErrClosed = errors.New("simulated provider is closed")

// Run pushes reports until ctx ends or Close is called, and returns when the last push is over. Reports that are still due then wait for
// the next Run.
func (o *outbox) Run(ctx context.Context) error {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return ErrClosed
	}
	o.running.Add(1)
	o.mu.Unlock()
	defer o.running.Done()

	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		select {
		case <-o.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	work := make(chan *plan)
	defer close(work)
	for range pushers {
		all.Go(func() {
			for p := range work {
				o.report(ctx, p)
			}
		})
	}
	for {
		p, wait := o.next()
		if p != nil {
			select {
			case work <- p:
				continue
			case <-ctx.Done():
				o.giveBack(p)
				return nil
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-o.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// next takes the earliest plan if it is due, and else says how long to wait for one.
func (o *outbox) next() (*plan, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.due) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(o.due[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&o.due).(*plan), 0
}

func (o *outbox) giveBack(p *plan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.put(p, 0)
}

// report pushes the report at the front of p and plans what follows.
func (o *outbox) report(ctx context.Context, p *plan) {
	res, err := p.pushes[0]().Post(ctx, o.client, p.callback)

	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		o.put(p, 0)
		return
	}
	if after, again := p.again(p.tries, res, err); again {
		o.put(p, after)
		p.tries++
		return
	}
	if err != nil || res.Status/100 != 2 {
		o.lost++
	}
	p.pushes, p.tries = p.pushes[1:], 0
	if len(p.pushes) > 0 {
		o.put(p, o.delay)
		return
	}
	if o.pending--; o.pending == 0 {
		for _, c := range o.settled {
			close(c)
		}
		o.settled = nil
	}
}

// Settle waits until every planned report has been taken or given up. Somebody has to Run meanwhile.
func (o *outbox) Settle(ctx context.Context) error {
	o.mu.Lock()
	if o.pending == 0 {
		o.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	o.settled = append(o.settled, c)
	o.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends Run and waits for it, and drops the connections of sends that hang. It may be called more than once.
func (o *outbox) Close() {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		close(o.stop)
	}
	o.mu.Unlock()
	o.running.Wait()
	o.client.CloseIdleConnections()
}
