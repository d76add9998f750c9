// Package work runs what is due: it keeps owed deliveries in short queues, one per lane, runs them with
// bounded concurrency, claims more from its store as room appears, and gives back what it cannot run.
//
// It knows neither databases nor protocols. What a run does and how its outcome is recorded belongs to the
// Runner; which work exists, who holds it and until when belongs to the Store.
package work

import (
	"context"
	"errors"
	"time"
)

// Kind is one kind of work: posting a webhook, sending a message, running a responder. The engine only compares it.
type Kind uint8

// Lane is what work queues for: one target of one kind.
type Lane struct {
	Kind   Kind
	Target int64
}

// Item is one delivery owed to its lane, leased by this node until Lease.
type Item struct {
	Lane
	Subject int64 // what is owed: an event, a message
	App     int64
	Tries   int   // scheduled failures so far
	Claim   int64 // fence: the claim number of the row
	Manual  bool  // asked for by a person, outside the schedule
	Lease   time.Time
	Due     time.Time // when it became due
	Data    any       // what the maker or the store still has in memory; the engine does not look at it
}

// Result is what a run tells the engine. The outcome itself is the runner's to record.
type Result struct {
	// OK says that the target answered well. It raises the lane's concurrency, its absence lowers it.
	OK bool
	// Neutral says that the run shows nothing about the target, for instance because it was skipped.
	Neutral bool
	// Released says that the run was cut off and must not count: the engine gives the item back.
	Released bool
	// Next is when this delivery is due again, zero if it is not. It must be committed by the time Run returns;
	// a runner whose outcomes are committed later leaves it zero and calls Engine.Wake after the commit.
	// Ordered kinds cannot leave it: the lane's later items wait for it.
	Next time.Time
	// Idle says that the target was not called at all. Such a run does not count against the lane's rate.
	Idle bool
	// Latency is how long the target took, when that is less than the whole run; zero means the whole run.
	Latency time.Duration
}

// Runner does work of one kind. It is called from many goroutines at once.
type Runner interface {
	// Run does the work and records its outcome. ctx ends with the kind's timeout, and with ErrStopping as its cause
	// at the end of a stop's grace; work cut off by that must come back as Released. Run must return soon after.
	// A panic is logged and the item left to the end of its lease.
	Run(ctx context.Context, it Item) Result
}

// ErrStopping is the cause of a run's context that is cancelled because the engine stops.
var ErrStopping = errors.New("work: stopping")

// KindOptions says how one kind of work is run.
type KindOptions struct {
	Runner  Runner
	Start   int           // runs of a lane at once, to begin with; 8 unless set
	Max     int           // the most runs of a lane at once; 64 unless set, never less than Start
	Timeout time.Duration // one run at most; 30 s unless set
	// Rate is how many runs of an item's lane may start a second, over all nodes: 0 for no limit, less than 0 where that cannot be told at the moment, and
	// what it was goes on. It is asked before each run and, while a lane waits for its turn, a few times a second, and looks only at the item's lane and
	// App. nil: no lane has a limit.
	Rate func(it Item) float64
	// Ordered lanes run one item at a time, in the order of their subjects, and stand still while their head waits.
	Ordered bool
	// Own is how many runs at once the kind has to itself, with a queue of its own, so that it neither slows others down nor is slowed down by them. 0: it shares
	// Options.Global with all that have none of their own.
	Own int
}
