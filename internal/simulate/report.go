package simulate

import (
	"container/heap"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// reporter makes the reports about one message.
type reporter struct {
	statuses []hookswitch.MessageStatus // those that the channel reports
	// push reports one of them, failed with the code.
	push func(status hookswitch.MessageStatus, code int) Push
}

// plan is the reports that a message still has coming, one after the other: the next is planned when one has been taken.
type plan struct {
	report   reporter
	statuses []hookswitch.MessageStatus
	failCode int
	tries    int // of the report at the front
	due      time.Time
}

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

// undeliverable is the code of a failed status that was given none.
const undeliverable = 131026

// plan is called with mu held. It reports false when too much is outstanding.
func (g *Graph) plan(report reporter, fault *Fault) bool {
	p := &plan{report: report, failCode: undeliverable, statuses: (&Fault{}).statuses()}
	if fault != nil {
		p.statuses = fault.statuses()
		if fault.FailCode != 0 {
			p.failCode = fault.FailCode
		}
	}
	p.statuses = slices.DeleteFunc(slices.Clone(p.statuses), func(status hookswitch.MessageStatus) bool {
		return !slices.Contains(report.statuses, status)
	})
	if g.opts.Callback == "" || len(p.statuses) == 0 {
		return true
	}
	if g.pending >= g.opts.MaxPending {
		return false
	}
	g.pending++
	g.put(p, g.opts.Delay)
	return true
}

// put is called with mu held.
func (g *Graph) put(p *plan, after time.Duration) {
	p.due = time.Now().Add(after)
	heap.Push(&g.due, p)
	if g.due[0] == p {
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
}

// ErrClosed is what Run returns once Close was called.
var ErrClosed = errors.New("simulated provider is closed")

// Run pushes reports until ctx ends or Close is called, and returns when the last push is over. Reports that are still due then wait for
// the next Run.
func (g *Graph) Run(ctx context.Context) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return ErrClosed
	}
	g.running.Add(1)
	g.mu.Unlock()
	defer g.running.Done()

	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() {
		select {
		case <-g.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	work := make(chan *plan)
	defer close(work)
	for range pushers {
		all.Go(func() {
			for p := range work {
				g.report(ctx, p)
			}
		})
	}
	for {
		p, wait := g.next()
		if p != nil {
			select {
			case work <- p:
				continue
			case <-ctx.Done():
				g.giveBack(p)
				return nil
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-g.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// next takes the earliest plan if it is due, and else says how long to wait for one.
func (g *Graph) next() (*plan, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.due) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(g.due[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&g.due).(*plan), 0
}

func (g *Graph) giveBack(p *plan) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.put(p, 0)
}

// report pushes the report at the front of p and plans what follows.
func (g *Graph) report(ctx context.Context, p *plan) {
	push := p.report.push(p.statuses[0], p.failCode)
	res, err := push.Post(ctx, g.opts.Client, g.opts.Callback)

	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err == nil && res.Status == http.StatusOK:
	case ctx.Err() != nil:
		g.put(p, 0)
		return
	case p.tries < g.opts.Retries:
		g.put(p, min(100*time.Millisecond<<min(p.tries, 10), 10*time.Second))
		p.tries++
		return
	default:
		g.lost++
	}
	p.statuses, p.tries = p.statuses[1:], 0
	if len(p.statuses) > 0 {
		g.put(p, g.opts.Delay)
		return
	}
	if g.pending--; g.pending == 0 {
		for _, c := range g.settled {
			close(c)
		}
		g.settled = nil
	}
}

// Settle waits until every planned report has been taken or given up. Somebody has to Run meanwhile.
func (g *Graph) Settle(ctx context.Context) error {
	g.mu.Lock()
	if g.pending == 0 {
		g.mu.Unlock()
		return nil
	}
	c := make(chan struct{})
	g.settled = append(g.settled, c)
	g.mu.Unlock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends Run and waits for it, and drops the connections of sends that hang. It may be called more than once.
func (g *Graph) Close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.stop)
	}
	g.mu.Unlock()
	g.running.Wait()
	g.opts.Client.CloseIdleConnections()
}
