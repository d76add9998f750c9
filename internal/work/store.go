package work

import (
	"context"
	"time"
)

// Store holds the owed work and its leases. Its methods may be called at once, from several goroutines.
type Store interface {
	// Claim leases due items to this node.
	Claim(ctx context.Context, req ClaimRequest) (ClaimResult, error)
	// Release gives items back: waiting, and due now. An item whose claim number has moved on is left alone.
	Release(ctx context.Context, items []Item) error
	// Reclaim takes back work whose lease has ended by now and returns how many items it was.
	Reclaim(ctx context.Context, now time.Time) (int, error)
}

// ClaimRequest asks for due work of one kind.
type ClaimRequest struct {
	Kind  Kind
	Now   time.Time
	Lease time.Time // leased until then
	Max   int       // at most so many items, always more than zero
	// PerLane is how many items of a lane there is room for; 0 skips the lane. It does not block, may be asked again
	// about the same lane, and is asked only about lanes that have due work. No lane should always come first.
	//
	// Of an ordered kind, a lane's items are claimed in order and only as an unbroken row from the first one owed: nothing
	// behind one that is not yet due or leased by anybody.
	PerLane func(Lane) int
}

// ClaimResult is what a claim brought.
type ClaimResult struct {
	Items []Item
	// Next is the earliest time after the request's Now at which waiting work of the kind falls due; zero if none waits.
	Next time.Time
}
