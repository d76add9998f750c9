package service

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// canary is how those fare that a recovery sends first. It is the result of its task.
type canary struct {
	Sent   []hookswitch.Key `json:"sent,omitempty"`
	Passed bool             `json:"passed,omitempty"`
}

// testing says that the others wait for what becomes of those that are sent first.
func (r *recovery) testing() bool { return r.Canary > 0 && !r.canary.Passed }

// sent is the result of the task when the events have been sent too.
func (r *recovery) sent(events []hookswitch.Key) ([]byte, error) {
	return json.Marshal(canary{Sent: append(r.canary.Sent[:len(r.canary.Sent):len(r.canary.Sent)], events...)})
}

// judge looks at what has become of those that were sent first, none of which is outstanding: the others follow when all have got through, else the task ends.
func (s *Service) judge(ctx context.Context, r *recovery, t *hookswitch.Task) (taskStep, error) {
	tries, err := s.store.Tries(ctx, t.App, t.Endpoint, r.canary.Sent, maxTries)
	if err != nil {
		return taskStep{}, err
	}
	failed := make(map[hookswitch.Key]bool)
	for i := range tries {
		if a := &tries[i]; a.Key > t.Key && a.Manual {
			failed[a.Event] = !a.OK
		}
	}
	n := 0
	for _, bad := range failed {
		if bad {
			n++
		}
	}
	if n > 0 {
		return taskStep{stale: true}, s.endTask(ctx, t, hookswitch.TaskFailed, false, strconv.Itoa(n)+" of the first "+strconv.Itoa(len(r.canary.Sent))+" failed, so the others were not sent")
	}
	passed, err := json.Marshal(canary{Sent: r.canary.Sent, Passed: true})
	if err != nil {
		return taskStep{}, err
	}
	return s.advance(ctx, t, func(_ *store.Tx, b *births, next *hookswitch.Task) error {
		next.Result, next.UpdatedAt = passed, b.now
		return nil
	})
}
