package bench

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// tally knows what was published and what arrived in one run. Generator and receivers share it; both live in this process, so one clock measures from
// the start of a publish call to the arrival.
type tally struct {
	base   time.Time
	limit  int64
	next   atomic.Int64   // number of the next event
	starts []atomic.Int64 // nanoseconds after base at which the publish call of an event started
	acked  bitmap
	lanes  []*lane
	// from and to bound the measured time, in nanoseconds after base.
	from, to atomic.Int64

	accepted    atomic.Int64 // within the measured time
	arrived     atomic.Int64 // within the measured time, each event once for each endpoint
	repeated    atomic.Int64
	stray       atomic.Int64 // requests that are none of our events
	refused     atomic.Int64 // answers other than 202
	broken      atomic.Int64 // publish calls without an answer
	acceptTimes histogram
	latencies   histogram // of what was published within the measured time
	firstError  atomic.Pointer[string]
}

// lane is what arrived at one endpoint.
type lane struct {
	seen  bitmap
	tried bitmap // first attempts that were turned away on purpose
	// idle endpoints count for nothing.
	idle bool
}

func newTally(limit, lanes int) *tally {
	t := &tally{base: time.Now(), limit: int64(limit), starts: make([]atomic.Int64, limit), acked: newBitmap(limit)}
	for range lanes {
		t.lanes = append(t.lanes, &lane{seen: newBitmap(limit), tried: newBitmap(limit)})
	}
	return t
}

func (t *tally) now() int64 { return int64(time.Since(t.base)) }

func (t *tally) measures(at int64) bool { return at >= t.from.Load() && at < t.to.Load() }

// arrive notes that event seq has reached an endpoint.
func (t *tally) arrive(l *lane, seq int64) {
	now := t.now()
	if l.seen.set(seq) {
		t.repeated.Add(1)
		return
	}
	if l.idle {
		return
	}
	start := t.starts[seq].Load()
	if t.measures(now) {
		t.arrived.Add(1)
	}
	if t.measures(start) {
		t.latencies.add(time.Duration(now - start))
	}
}

// known reports whether seq is an event that was published.
func (t *tally) known(seq int64) bool { return seq >= 0 && seq < min(t.next.Load(), t.limit) }

func (t *tally) complain(err string) { t.firstError.CompareAndSwap(nil, &err) }

// missing counts what was accepted and has not arrived.
func (t *tally) missing() int64 {
	var n int64
	for _, l := range t.lanes {
		if !l.idle {
			n += t.acked.without(l.seen)
		}
	}
	return n
}

// bitmap is a set of small numbers. It may be used from many goroutines.
type bitmap []atomic.Uint64

func newBitmap(n int) bitmap { return make(bitmap, n/64+1) }

// set adds i and reports whether it was there.
func (b bitmap) set(i int64) bool {
	bit := uint64(1) << (i & 63)
	return b[i>>6].Or(bit)&bit != 0
}

// without counts what is in b and not in other.
func (b bitmap) without(other bitmap) int64 {
	n := 0
	for i := range b {
		n += bits.OnesCount64(b[i].Load() &^ other[i].Load())
	}
	return int64(n)
}
