package hookswitch

import "time"

// Poller is a way of reading an App's events by asking for them. It opens when it is first used, and has everything that the App still keeps.
type Poller struct {
	Key       Key
	App       Key
	Name      string
	CreatedAt time.Time
}

// Consumer is one reader of a Poller, whose place the gateway keeps.
type Consumer struct {
	Poller Key
	Name   string
	Place  Place
	// Epoch counts how often the place was set by hand. Iterators of an older epoch are void.
	Epoch int64
	// Taken is how many events have been committed by number. Handed are the places of those that were given out with the numbers behind it; until LeasedUntil
	// nothing else is.
	Taken       int64
	Handed      []Place
	LeasedUntil time.Time
}

// Place is how far a reader has come that walks forward over the events of an App. Events have their turn when they are made, deferred ones when they
// are due. The zero Place is before all of them.
type Place struct {
	At  int64 // Unix milliseconds
	Key Key   // of the last event whose turn came at At, or before
}

// Place is where e has its turn.
func (e *Event) Place() Place {
	if !e.DeliverAt.IsZero() {
		return Place{e.DeliverAt.UnixMilli(), e.Key}
	}
	return Place{e.Key.Millis(), e.Key}
}

// PlaceBefore is behind everything whose turn came before t, and before everything else.
func PlaceBefore(t time.Time) Place {
	k := KeyAt(t) - 1
	return Place{k.Millis(), k}
}

// Less reports whether p is before q.
func (p Place) Less(q Place) bool { return p.At < q.At || p.At == q.At && p.Key < q.Key }
