package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// leaseMargin is what a lease must outlast a run by when the run starts.
	leaseMargin = 5 * time.Second
	// reclaimEvery is how often ended leases are looked for, and idle lanes.
	reclaimEvery = 5 * time.Second
	// idleAfter is when an idle lane is forgotten.
	idleAfter = 30 * time.Second
	// cutTime is how long runs may take to return once they are cancelled, and the last release to finish.
	cutTime = 5 * time.Second
	// ownAhead is how many items a kind with a share of its own keeps in memory for each of its runs. Such kinds wait for others for long: what is claimed too
	// early costs a write now, and a lease to be kept.
	ownAhead = 2
	// smallLane is a lane that may use the second half of the global queue bound.
	smallLane = 64
)

// Options configures an Engine. Store and Kinds are needed, the rest has defaults.
type Options struct {
	Store        Store
	Kinds        map[Kind]KindOptions
	Now          func() time.Time // time.Now unless set; must be safe to call at once
	Global       int              // runs at once over all lanes of kinds that have no share of their own; 512 unless set
	QueuePerLane int              // items a lane keeps in memory; 512 unless set
	Queue        int              // items these lanes keep in memory, 16384 unless set, which bounds those of a kind with a share of its own too
	LeaseFor     time.Duration    // length of a lease; twice the kind's timeout and 30 s unless set
	PollEvery    time.Duration    // how often to look for work nobody told us of; 1 s unless set
	Grace        time.Duration    // how long a stop waits for running work; 10 s unless set, none if negative
	Logger       *slog.Logger     // slog.Default unless set
	Hooks        Hooks
}

// Hooks are told what happens, for metrics. They are called from many goroutines at once and must not block.
type Hooks struct {
	Waited func(k Kind, d time.Duration)           // a run starts d after it fell due
	Ran    func(k Kind, d time.Duration, r Result) // a run took d
}

// Engine runs due work. Make one with New; its methods are safe to call at once.
type Engine struct {
	store Store
	now   func() time.Time
	log   *slog.Logger
	hooks Hooks
	poll  time.Duration
	grace time.Duration
	kinds [256]*kind
	nodes atomic.Int32

	base   context.Context // of all runs; outlives the context of Run by the grace
	cancel context.CancelCauseFunc

	state   atomic.Int32
	held    atomic.Bool // nothing is taken for a while
	lanes   lanes
	pools   []*pool // each once
	workers sync.WaitGroup
	resting atomic.Int64
	returns returns

	homeMu sync.Mutex // taken to send nil on rest, and to close it
	rest   chan *lane // hands a lane to a worker at rest; nil sends it home
}

// The states of an engine.
const (
	stateNew = iota
	stateRunning
	stateStopping
)

// New checks the options and returns an engine that does nothing until Run is called.
func New(o Options) (*Engine, error) {
	if o.Store == nil {
		return nil, errors.New("work: no store")
	}
	if len(o.Kinds) == 0 {
		return nil, errors.New("work: no kinds")
	}
	e := &Engine{
		store:   o.Store,
		now:     o.Now,
		log:     o.Logger,
		hooks:   o.Hooks,
		poll:    orDefault(o.PollEvery, time.Second),
		grace:   max(0, orElse(o.Grace, 10*time.Second)),
		rest:    make(chan *lane),
		returns: returns{bell: make(chan struct{}, 1)},
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	e.nodes.Store(1)
	e.base, e.cancel = context.WithCancelCause(context.Background())
	queue := orDefault(o.Queue, 16384)
	shared := newPool(orDefault(o.Global, 512), queue)
	e.pools = []*pool{shared}
	for id, ko := range o.Kinds {
		if ko.Runner == nil {
			return nil, fmt.Errorf("work: kind %d has no runner", id)
		}
		k := &kind{KindOptions: ko, id: id, nodes: &e.nodes, bell: make(chan struct{}, 1), pool: shared}
		if k.Own > 0 {
			k.pool = newPool(k.Own, min(queue, ownAhead*k.Own))
			e.pools = append(e.pools, k.pool)
		}
		k.Start = orDefault(k.Start, 8)
		k.Max = max(k.Start, orDefault(k.Max, 64))
		if k.Ordered {
			k.Start, k.Max = 1, 1
		}
		k.Timeout = orDefault(k.Timeout, 30*time.Second)
		k.lease = orDefault(o.LeaseFor, 2*k.Timeout+30*time.Second)
		k.slack = k.lease - k.Timeout - leaseMargin
		if k.slack <= 0 {
			return nil, fmt.Errorf("work: a lease of %s is too short for runs of kind %d, which take up to %s", k.lease, id, k.Timeout)
		}
		k.queuePerLane = orDefault(o.QueuePerLane, 512)
		e.kinds[id] = k
	}
	return e, nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// running says that work is taken and started.
func (e *Engine) running() bool { return e.state.Load() == stateRunning && !e.held.Load() }

// Run claims and runs work until ctx ends, and then stops in order: nothing new is taken, running work has the grace to
// end, what is left is cancelled, and everything that was queued or cut off is given back. It may be called once.
//
// The error says what could not be ended or given back; the leases of such work end by themselves.
func (e *Engine) Run(ctx context.Context) error {
	if !e.state.CompareAndSwap(stateNew, stateRunning) {
		return errors.New("work: engine was run before")
	}
	// Store calls outlive ctx: what a claim has leased must not be lost because of a stop.
	storeCtx, cancelStore := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelStore(nil)

	releaseCtx, endReleases := context.WithCancel(context.WithoutCancel(ctx))
	defer endReleases()

	var loops, releases sync.WaitGroup
	for _, k := range e.kinds {
		if k != nil {
			loops.Go(func() { e.claims(storeCtx, ctx, k) })
		}
	}
	loops.Go(func() { e.keep(storeCtx, ctx) })
	releases.Go(func() { e.releases(storeCtx, releaseCtx) })

	<-ctx.Done()
	e.close()
	quiet := make(chan struct{})
	go func() {
		loops.Wait()
		e.workers.Wait()
		close(quiet)
	}()
	var err error
	if !within(quiet, e.grace) {
		e.cancel(ErrStopping)
		cancelStore(ErrStopping)
		if !within(quiet, cutTime) {
			err = errors.New("work: some runs did not end when they were cancelled")
		}
	}
	e.cancel(ErrStopping)
	endReleases()
	releases.Wait()
	err = errors.Join(err, e.lastRelease(ctx))
	e.returns.close()
	return err
}

// close refuses new work and empties the lanes.
func (e *Engine) close() {
	e.state.Store(stateStopping)
	e.empty()
	e.homeMu.Lock()
	defer e.homeMu.Unlock()
	close(e.rest)
}

// lastRelease gives back what there is, trying for a short while.
func (e *Engine) lastRelease(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cutTime)
	defer cancel()
	for n := 1; ; n++ {
		err := e.release(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(backoff(n)):
		}
	}
}

func within(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// SetNodes says how many nodes are live. Each allows a lane its share of the runs at once, and at least one.
func (e *Engine) SetNodes(n int) { e.nodes.Store(int32(max(1, n))) }
