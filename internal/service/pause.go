package service

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// MaxPauseNote is how long the reason of a pause may be, in bytes.
const MaxPauseNote = 300

// holds is what keeps this node from taking work, as it was known at the last look.
type holds struct {
	mu      sync.Mutex
	pause   *store.Pause
	drained bool
}

// FollowPause has the engine stop or go on as the store says: for a pause, or because this node is being drained.
func (s *Service) FollowPause(ctx context.Context) error {
	p, drained, err := s.store.Held(ctx, s.store.Node().Number)
	if err != nil {
		return err
	}
	s.holds.mu.Lock()
	s.holds.pause, s.holds.drained = p, drained
	s.holds.mu.Unlock()
	s.engine.Hold(p != nil || drained)
	return nil
}

// Paused is the pause of all nodes, as of a moment ago; nil: work goes on.
func (s *Service) Paused() *store.Pause {
	s.holds.mu.Lock()
	defer s.holds.mu.Unlock()
	return s.holds.pause
}

// Drained reports whether this node is to take no work, as of a moment ago.
func (s *Service) Drained() bool {
	s.holds.mu.Lock()
	defer s.holds.mu.Unlock()
	return s.holds.drained
}

// Pause stops all deliveries, sends, answers of responders and tasks, on every node within a second; what runs goes on to its end. The doors go on taking and storing, and calls and USSD sessions are
// answered: they answer by themselves. Where there is a pause already, its note changes.
func (s *Service) Pause(ctx context.Context, note string) (*store.Pause, error) {
	note = strings.TrimSpace(note)
	if len(note) > MaxPauseNote || hookswitch.CheckText(note) != "" {
		return nil, hookswitch.InvalidField("must have at most "+strconv.Itoa(MaxPauseNote)+" bytes, none of them control characters", "note")
	}
	by := actorOf(ctx)
	var p *store.Pause
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		was, _, err := tx.Held(tx.Context(), s.store.Node().Number)
		if err != nil {
			return err
		}
		p = &store.Pause{Since: s.now().UTC(), Note: note}
		if was != nil {
			p.Since = was.Since
		}
		if err := tx.SetPause(p); err != nil {
			return err
		}
		var details []string
		if note != "" {
			details = []string{"Note", note}
		}
		return s.noteServer(tx, by, hookswitch.DidPause, "All deliveries", details...)
	}); err != nil {
		return nil, err
	}
	return p, s.FollowPause(ctx)
}

// Resume ends a pause. Nothing happens where there is none.
func (s *Service) Resume(ctx context.Context) error {
	by := actorOf(ctx)
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		was, _, err := tx.Held(tx.Context(), s.store.Node().Number)
		if err != nil || was == nil {
			return err
		}
		if err := tx.SetPause(nil); err != nil {
			return err
		}
		return s.noteServer(tx, by, hookswitch.DidResume, "All deliveries")
	}); err != nil {
		return err
	}
	return s.FollowPause(ctx)
}

// DrainNode has a node take no work within a second, what runs there goes on to its end, and the others take the rest; or, with drain false, take some again. A new start of the node takes some by itself.
func (s *Service) DrainNode(ctx context.Context, number int, drain bool) error {
	by := actorOf(ctx)
	if err := s.store.Update(ctx, func(tx *store.Tx) error {
		action, change := hookswitch.DidFillNode, tx.FillNode
		if drain {
			action, change = hookswitch.DidDrainNode, func(number int) error { return tx.DrainNode(number, s.now()) }
		}
		if err := change(number); err != nil {
			return err
		}
		return s.noteServer(tx, by, action, "Node "+strconv.Itoa(number))
	}); err != nil {
		return err
	}
	return s.FollowPause(ctx)
}
