package work

import (
	"slices"
	"time"
)

// maxDue bounds the remembered times. Later ones are forgotten first: the store names them again with each claim.
const maxDue = 256

// due is a short sorted list of times at which work falls due, one per millisecond.
type due []time.Time

func (d *due) add(at time.Time) {
	ms := at.UnixMilli()
	i, found := slices.BinarySearchFunc(*d, ms, func(t time.Time, ms int64) int { return int(t.UnixMilli() - ms) })
	if found || i == maxDue {
		return
	}
	if len(*d) == maxDue {
		*d = (*d)[:maxDue-1]
	}
	*d = slices.Insert(*d, i, at)
}

// drop forgets the times up to now.
func (d *due) drop(now time.Time) {
	n := 0
	for n < len(*d) && !(*d)[n].After(now) {
		n++
	}
	*d = slices.Delete(*d, 0, n)
}
