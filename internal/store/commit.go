package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Limits of one group commit, and of what may wait for one.
const (
	maxBatchUnits   = 512
	maxBatchBytes   = 4 << 20
	maxOutcomes     = 2048
	maxQueued       = 4096
	maxQueuedBytes  = 64 << 20
	maxOutcomeQueue = 16384
	// maxBackground is how many updates that nobody waits for ride in a commit of their own. Whoever is waited for goes first, and they ride with those only where they have been
	// passed by so many commits, one at a time.
	maxBackground = 4
	maxPassed     = 8
	// outcomeDelay is how long an outcome waits for others that ride along in the same commit.
	outcomeDelay = 20 * time.Millisecond
	// maxKeyAge is how old the key of an event may be when it is committed. Readers that walk forward stay further behind than that.
	maxKeyAge = time.Second
)

// Accept is one publish: events fanned out under a version of their App, what is owed for them, and what must not happen twice.
type Accept struct {
	App        hookswitch.Key
	Version    int64
	Events     []*hookswitch.Event
	Deliveries []Delivery
	Once       []Once

	// err is the unit's own result; the batch's success is not enough.
	err error
}

func (a *Accept) size() int {
	n := 0
	for _, e := range a.Events {
		n += len(e.Payload) + 256
	}
	return n
}

// unit is one caller's work waiting for a commit.
type unit struct {
	accept *Accept
	update func(*Tx) error
	err    error
	done   chan error
	size   int
	// background says that nobody outside waits for it.
	background bool
}

// batch is what one transaction writes.
type batch struct {
	accepts  []*Accept
	updates  []*unit
	outcomes []*Outcome
}

func (b *batch) units() int { return len(b.accepts) + len(b.updates) + len(b.outcomes) }

// queue holds what waits for a commit.
type queue struct {
	mu       sync.Mutex
	units    []*unit
	later    []*unit // in the background
	passed   int     // commits without one of them, while there were some
	bytes    int
	outcomes []*Outcome
	writing  []*Outcome // taken and not yet committed
	since    time.Time  // when the oldest outcome came
	urgent   bool       // somebody waits for an outcome
	room     sync.Cond  // outcomes fell below their bound
	wake     chan struct{}
	closed   bool
}

func newQueue() *queue {
	q := &queue{wake: make(chan struct{}, 1)}
	q.room.L = &q.mu
	return q
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

var (
	errFull   = &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "too much is waiting to be stored; try again", RetryAfter: time.Second}
	errClosed = &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the server is stopping; try again", RetryAfter: time.Second}
)

// full reports whether another unit would be refused now.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.units) >= maxQueued || q.bytes >= maxQueuedBytes
}

func (q *queue) put(u *unit) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	if u.background { // there are no more than the engine runs at once
		q.later = append(q.later, u)
		if len(q.later) == 1 {
			q.signal()
		}
		return nil
	}
	if len(q.units) >= maxQueued || q.bytes >= maxQueuedBytes {
		return errFull
	}
	q.units = append(q.units, u)
	q.bytes += u.size
	if len(q.units) == 1 {
		q.signal()
	}
	return nil
}

// putOutcome queues an outcome, waiting while too many are queued: what has happened must not be forgotten.
func (q *queue) putOutcome(o *Outcome, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.outcomes) >= maxOutcomeQueue && !q.closed {
		q.room.Wait()
	}
	q.outcomes = append(q.outcomes, o)
	if len(q.outcomes) == 1 {
		q.since = now
	}
	if o.recorded != nil {
		q.urgent = true
		q.signal()
	} else if len(q.outcomes) == 1 {
		q.signal()
	} else if len(q.outcomes) == maxOutcomes {
		q.signal()
	}
}

// take returns the next batch. Without units it says how long outcomes may still wait for some.
func (q *queue) take(now time.Time, flush bool) (units []*unit, outcomes []*Outcome, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, bytes := 0, 0
	for n < len(q.units) && n < maxBatchUnits && (n == 0 || bytes+q.units[n].size <= maxBatchBytes) {
		bytes += q.units[n].size
		n++
	}
	m := min(len(q.outcomes), maxOutcomes)
	if age := now.Sub(q.since); m < maxOutcomes && !q.urgent && !flush && !q.closed && age >= 0 && age < outcomeDelay {
		switch {
		case n > 1:
			m = 0 // under load, together with those that are still to come, they change fewer pages
		case n == 0 && len(q.later) == 0 && m > 0:
			return nil, nil, outcomeDelay - age
		}
	}
	units = q.units[:n:n]
	q.units = q.units[n:]
	if len(q.units) == 0 {
		q.units = nil
	}
	q.bytes -= bytes
	units = append(units, q.takeLater(n)...)
	if m > 0 {
		outcomes = q.outcomes[:m:m]
		q.outcomes = q.outcomes[m:]
		if len(q.outcomes) == 0 {
			q.outcomes, q.urgent = nil, false
		}
		q.since, q.writing = now, outcomes
		q.room.Broadcast()
	}
	return units, outcomes, 0
}

// takeLater returns what may ride in the background of n units.
func (q *queue) takeLater(n int) []*unit {
	if len(q.later) == 0 {
		return nil
	}
	most := maxBackground
	if n > 0 {
		if q.passed++; q.passed < maxPassed {
			return nil
		}
		most = 1
	}
	k := min(len(q.later), most)
	list := q.later[:k:k]
	q.later, q.passed = q.later[k:], 0
	if len(q.later) == 0 {
		q.later = nil
	}
	return list
}

// wrote notes that what was taken has been committed, or put back.
func (q *queue) wrote() {
	q.mu.Lock()
	q.writing = nil
	q.mu.Unlock()
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.room.Broadcast()
	q.mu.Unlock()
	q.signal()
}

// Full reports whether the store would refuse work now, so that a door can say so before it reads a body.
func (s *Store) Full() bool { return s.queue.full() }

// Accept commits a together with whatever else is waiting. When it returns nil, a is on stable storage. ErrStale asks for a new fan-out; a
// *DuplicateError tells what the same request led to before; an error of kind Unavailable means try again.
func (s *Store) Accept(a *Accept) error {
	a.err = nil
	u := &unit{accept: a, size: a.size(), done: make(chan error, 1)}
	if a.ordered() && s.backend.apart() {
		return s.lines.submit(s, u)
	}
	return s.submit(u)
}

// Record queues the outcome of work that has no consequences beyond its own row. It is committed within milliseconds.
func (s *Store) Record(o *Outcome) { s.queue.putOutcome(o, time.Now()) }

// Unwritten is the smallest key of an attempt whose outcome this node has recorded and not yet committed; 0: there is none.
func (s *Store) Unwritten() (key hookswitch.Key) {
	q := s.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, list := range [][]*Outcome{q.writing, q.outcomes} {
		for _, o := range list {
			if o.Attempt != nil && (key == 0 || o.Attempt.Key < key) {
				key = o.Attempt.Key
			}
		}
	}
	return key
}

// RecordNow is Record for a caller who has to know: it returns nil when o is committed, with the next commit. When ctx ends before that, the outcome may be recorded later.
func (s *Store) RecordNow(ctx context.Context, o *Outcome) error {
	recorded := make(chan struct{})
	o.recorded = recorded
	s.queue.putOutcome(o, time.Now())
	select {
	case <-recorded:
		return nil
	case <-s.finished:
	case <-ctx.Done():
	}
	select {
	case <-recorded:
		return nil
	default:
		return unavailable(errors.New("the outcome is not recorded yet"))
	}
}

// Update runs fn in one transaction. It may run more than once, so it does no input or output of its own and sets what it returns anew each
// time. An error of a statement that writes ends the transaction, whatever fn makes of it. The caller's cancellation does not undo it.
func (s *Store) Update(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return errClosed
	}
	end := s.flights.begin(hookswitch.KeyAt(s.now()))
	ran, err := s.backend.update(context.WithoutCancel(ctx), fn)
	end()
	if !ran {
		err = s.submit(&unit{update: fn, size: 1024, done: make(chan error, 1), background: inBackground(ctx)})
	}
	return s.outcomeOf(err)
}

type backgroundKey struct{}

// Background marks what is done under ctx as work that nobody outside waits for. Updates under it leave the way free for those that providers and callers wait for.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func inBackground(ctx context.Context) bool { return ctx.Value(backgroundKey{}) != nil }

func (s *Store) submit(u *unit) error {
	if err := s.queue.put(u); err != nil {
		return err
	}
	return <-u.done
}

// outcomeOf gives an error of a write its kind. What the function of an update returned passes through.
func (s *Store) outcomeOf(err error) error {
	var known *hookswitch.Error
	var dup *DuplicateError
	if err == nil || errors.As(err, &known) || errors.As(err, &dup) || errors.Is(err, ErrStale) {
		return err
	}
	switch s.backend.dialect().classify(err) {
	case faultAway, faultRetry:
		return unavailable(err)
	case faultFatal:
		s.fail(err)
		return unavailable(err)
	}
	if errors.Is(err, errUnknown) {
		return unavailable(err)
	}
	return err
}

func (s *Store) fail(err error) {
	select {
	case s.fatal <- err:
	default:
	}
}

// commitLoop is the one committer: whatever has queued while the last commit ran is written in the next.
func (s *Store) commitLoop() {
	defer close(s.finished)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		// Whoever is ready to bring work may do so first: this waits for nothing, and shares the sync among more.
		runtime.Gosched()
		units, outcomes, wait := s.queue.take(time.Now(), false)
		if len(units) == 0 && len(outcomes) == 0 {
			s.queue.mu.Lock()
			done := s.queue.closed && len(s.queue.units) == 0 && len(s.queue.later) == 0 && len(s.queue.outcomes) == 0
			s.queue.mu.Unlock()
			if done {
				return
			}
			if wait == 0 {
				<-s.queue.wake
				continue
			}
			timer.Reset(wait)
			select {
			case <-s.queue.wake:
			case <-timer.C:
			}
			continue
		}
		s.commitUnits(units, outcomes)
	}
}

func (s *Store) commitUnits(units []*unit, outcomes []*Outcome) {
	b := &batch{outcomes: outcomes}
	for _, u := range units {
		if u.accept == nil {
			b.updates = append(b.updates, u)
		} else {
			b.accepts = append(b.accepts, u.accept)
		}
	}
	start := time.Now()
	err := s.commitBatch(b)
	s.queue.wrote()
	s.observe(len(units)+len(outcomes), time.Since(start))
	for _, u := range units {
		res := err
		if res == nil && u.accept != nil {
			res = u.accept.err
		} else if res == nil {
			res = u.err
		}
		u.done <- s.outcomeOf(res)
	}
}

// refuseOld takes accepts out of b whose keys have become too old while they waited: readers that walk forward may have passed them.
func (b *batch) refuseOld(now time.Time) {
	b.accepts = slices.DeleteFunc(b.accepts, func(a *Accept) bool {
		if !a.tooOld(now) {
			return false
		}
		a.err = errFull
		return true
	})
}

func (a *Accept) tooOld(now time.Time) bool { return len(a.Events) > 0 && tooOld(a.Events[0].Key, now) }

// tooOld reports whether a key was made so long ago that its event must not appear any more.
func tooOld(key hookswitch.Key, now time.Time) bool {
	return key.Millis() < now.Add(-maxKeyAge).UnixMilli()
}

// told tells whoever waits for an outcome of b that it is committed.
func (b *batch) told() {
	for _, o := range b.outcomes {
		o.told()
	}
}

// commitTries is how often a batch that conflicts with other nodes is written.
const commitTries = 6

// write commits b, again where it conflicts with another transaction.
func (s *Store) write(b *batch) error {
	defer s.flights.begin(b.oldestKey(s.now()))()
	for try := 1; ; try++ {
		b.refuseOld(s.now())
		if b.units() == 0 {
			return nil
		}
		err := s.backend.commit(b)
		if err == nil || errors.Is(err, errUnknown) || s.backend.dialect().classify(err) != faultRetry || try == commitTries {
			return err
		}
		time.Sleep(rand.N(time.Millisecond << try)) // the other one finishes, or is out of step next time
	}
}

// tryCommit is write for the committer.
func (s *Store) tryCommit(b *batch) error {
	err := s.write(b)
	if err != nil || b.units() == 0 {
		return err
	}
	if s.away {
		s.away = false
		s.log.Info("commit: the database is back")
	}
	b.told()
	return nil
}

// commitBatch writes b. When the database lives and the batch fails, it is split until the part at fault stands alone.
func (s *Store) commitBatch(b *batch) error {
	err := s.tryCommit(b)
	if err == nil {
		return nil
	}
	if errors.Is(err, errUnknown) {
		s.log.Error("commit: the answer was lost; leases will bring the work back", "error", err)
		for _, o := range b.outcomes {
			o.doubtful = true
		}
		s.keepOutcomes(b.outcomes)
		return err
	}
	switch s.backend.dialect().classify(err) {
	case faultFatal:
		s.log.Error("commit: the storage failed; stopping", "error", err)
		s.fail(err)
		return err
	case faultAway, faultRetry:
		if !s.away { // said once, not with each try
			s.away = true
			s.log.Error("commit: the database is away", "error", err, "units", b.units())
		}
		s.keepOutcomes(b.outcomes)
		return err
	}
	if b.units() > 1 {
		s.log.Warn("commit: a batch failed and is split", "error", err, "units", b.units())
		left, right := b.split()
		s.settle(left, s.commitBatch(left))
		s.settle(right, s.commitBatch(right))
		return nil
	}
	if len(b.outcomes) == 1 {
		s.recordPlain(b.outcomes[0], err)
		return nil
	}
	return err
}

// recordPlain records an outcome that failed to be recorded, because of cause, without the texts that may be at fault.
func (s *Store) recordPlain(o *Outcome, cause error) {
	s.log.Error("commit: an outcome is recorded without its texts", "error", cause, "event_id", int64(o.Subject), "endpoint_id", int64(o.Target))
	plain := *o
	if plain.Attempt != nil {
		attempt := *plain.Attempt
		attempt.Answer, attempt.Headers, attempt.URL, attempt.Failure = nil, nil, "", ""
		plain.Attempt = &attempt
	}
	switch err := s.tryCommit(&batch{outcomes: []*Outcome{&plain}}); {
	case err == nil:
	case errors.Is(err, errUnknown), s.backend.dialect().classify(err) == faultAway, s.backend.dialect().classify(err) == faultRetry:
		plain.doubtful = true
		s.keepOutcomes([]*Outcome{&plain})
	default:
		s.log.Error("commit: an outcome is lost; its lease brings the work back", "error", err)
	}
}

// settle notes the failure of a part of a split batch with the units of that part.
func (s *Store) settle(b *batch, err error) {
	if err == nil {
		return
	}
	for _, a := range b.accepts {
		a.err = err
	}
	for _, u := range b.updates {
		u.err = err
	}
}

// awayPause is how long a database that is away is left alone between two tries.
const awayPause = 50 * time.Millisecond

// keepOutcomes puts outcomes back to be tried again while the database is away. While the store is being closed they are given up: leases bring
// the work back.
func (s *Store) keepOutcomes(outcomes []*Outcome) {
	if s.closed.Load() {
		if len(outcomes) > 0 {
			s.log.Error("commit: outcomes are lost; their leases bring the work back", "outcomes", len(outcomes))
		}
		return
	}
	q := s.queue
	if len(outcomes) > 0 {
		q.mu.Lock()
		q.outcomes = append(append(make([]*Outcome, 0, len(outcomes)+len(q.outcomes)), outcomes...), q.outcomes...)
		q.mu.Unlock()
	}
	time.Sleep(awayPause)
}

func (b *batch) split() (left, right *batch) {
	left, right = &batch{}, &batch{}
	left.accepts, right.accepts = halves(b.accepts)
	left.updates, right.updates = halves(b.updates)
	left.outcomes, right.outcomes = halves(b.outcomes)
	if left.units() == 0 || right.units() == 0 {
		// One of a kind each: they are told apart by kind.
		all := *b
		left, right = &batch{accepts: all.accepts}, &batch{updates: all.updates, outcomes: all.outcomes}
		if left.units() == 0 {
			left, right = &batch{updates: all.updates}, &batch{outcomes: all.outcomes}
		}
	}
	return left, right
}

func halves[T any](list []T) (left, right []T) { return list[:len(list)/2], list[len(list)/2:] }
