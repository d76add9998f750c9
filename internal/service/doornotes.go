package service

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// recordDoorsEvery is how often what has come to the doors is stored: all of it together, however much came.
const recordDoorsEvery = 5 * time.Second

// maxDoorNotes bounds what is remembered between two times. What strangers send cannot make it grow: senders, channels, providers and results are few.
const maxDoorNotes = 50_000

// doorNotes are what has come to the doors and is not stored yet. The zero doorNotes is ready.
type doorNotes struct {
	mu sync.Mutex
	by map[doorNoteKey]*store.DoorNote
}

type doorNoteKey struct {
	sender   hookswitch.Key
	channel  hookswitch.Channel
	provider string
	result   string
}

// maxDoorText is how much of a cause or a path is kept, in bytes.
const maxDoorText = 300

// NoteDoor notes what has come to a door. It is stored a little later, added to what came before it with the same result; Seen and At are filled in.
func (s *Service) NoteDoor(n store.DoorNote) {
	n.Seen, n.At, n.Door, n.Cause = 1, s.now().UTC(), cut(n.Door, maxDoorText), cut(n.Cause, maxDoorText)
	key := doorNoteKey{n.Sender, n.Channel, n.Provider, n.Result}
	d := &s.doors
	d.mu.Lock()
	defer d.mu.Unlock()
	if have := d.by[key]; have != nil {
		n.Seen += have.Seen
		*have = n
		return
	}
	if len(d.by) >= maxDoorNotes {
		return
	}
	if d.by == nil {
		d.by = make(map[doorNoteKey]*store.DoorNote)
	}
	d.by[key] = &n
}

// take is what has to be stored, in one order on all nodes, so that none waits for another in a circle.
func (d *doorNotes) take() []store.DoorNote {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]store.DoorNote, 0, len(d.by))
	for _, n := range d.by {
		list = append(list, *n)
	}
	clear(d.by)
	slices.SortFunc(list, func(a, b store.DoorNote) int {
		return cmp.Or(cmp.Compare(a.Sender, b.Sender), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Result, b.Result))
	})
	return list
}

// RecordDoors stores what has come to the doors, off the path of the pushes. What cannot be stored now is forgotten: it says how things are, and the next push says it again.
func (s *Service) RecordDoors(ctx context.Context) error {
	list := s.doors.take()
	if len(list) == 0 {
		return nil
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for _, n := range list {
			if err := tx.AddDoorNote(n); err != nil {
				return err
			}
		}
		return nil
	})
}

// DoorNotes are what has come to the doors for a sender, the newest first; for sender 0 what no door told whose it was, such as forgeries at the doors that all senders share.
func (s *Service) DoorNotes(ctx context.Context, sender hookswitch.Key) ([]store.DoorNote, error) {
	if err := s.RecordDoors(ctx); err != nil {
		return nil, err
	}
	return s.store.DoorNotes(ctx, sender)
}
