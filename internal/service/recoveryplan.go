package service

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// RecoveryPlan is what a recovery would send now.
type RecoveryPlan struct {
	Count       int64
	Gone        int64          // events that are wanted, and whose payloads have been removed
	First, Last hookswitch.Key // the oldest and the newest event that would be sent; 0: none
	More        bool           // the walk was ended early: there is at least this much
	Bytes       int64          // of the payloads
	// Takes is an estimate of how long it takes; 0: nothing is known that it could be made from.
	Takes time.Duration
}

// PlanRecovery tells what the task that StartRecovery starts would send now, as far as it can be counted within the time.
func (s *Service) PlanRecovery(ctx context.Context, kind hookswitch.TaskKind, app hookswitch.Key, ref string, r Recovery, within time.Duration) (p RecoveryPlan, err error) {
	rec, err := s.prepareRecovery(ctx, kind, app, ref, r)
	if err != nil {
		return p, err
	}
	for n, start := sendStretch, time.Now(); ; n = min(2*n, countStretch) {
		found, place, last, err := s.stretch(ctx, rec, rec.task.Place, rec.end, n)
		if err != nil {
			return p, err
		}
		for _, f := range found {
			if f.gone {
				p.Gone++
				continue
			}
			p.Count++
			p.Bytes += f.size
			if p.First == 0 || f.event < p.First {
				p.First = f.event
			}
			p.Last = max(p.Last, f.event)
		}
		rec.task.Place = place
		if p.More = !last && time.Since(start) > within; last || p.More {
			pace, err := s.likelyPace(ctx, rec.endpoint, rec.Rate)
			if pace > 0 {
				p.Takes = time.Duration(float64(p.Count) / pace * float64(time.Second))
			}
			return p, err
		}
	}
}

// RecoveryAsked is what a recovery was asked for, where it ends on the present with that, and which one it goes on with; 0: with none.
func RecoveryAsked(t *hookswitch.Task) (r Recovery, resumes hookswitch.Key, err error) {
	var p recoveryParams
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return r, 0, err
	}
	return Recovery{Since: time.UnixMilli(p.SinceMS).UTC(), Until: time.UnixMilli(p.UntilMS).UTC(), Rate: p.Rate, OnlyOwed: p.OnlyOwed, EventTypes: p.EventTypes, Canary: p.Canary,
		Tag: p.Tag, Label: p.Label, States: p.States, CodeClass: p.CodeClass, Text: p.Text}, p.Resumes, nil
}

// Recoveries lists the recoveries of an endpoint, newest first, out of the newest tasks of its App.
func (s *Service) Recoveries(ctx context.Context, app, endpoint hookswitch.Key, limit int) ([]*hookswitch.Task, error) {
	const look = 500
	list, err := s.store.Tasks(ctx, store.TaskFilter{App: app}, store.Page{Limit: look})
	list = slices.DeleteFunc(list, func(t *hookswitch.Task) bool { return t.Endpoint != endpoint })
	return list[:min(limit, len(list))], err
}

// RecoveryDone is how many tries of a recovery have come to an end.
func (s *Service) RecoveryDone(ctx context.Context, t *hookswitch.Task) (int64, error) {
	waiting, err := s.store.Outstanding(ctx, t.Key)
	return max(0, t.Done-waiting), err
}

// runsAtOnce is how many attempts at one endpoint are thought to run at once, where it does not take one at a time.
const runsAtOnce = 8

// likelyPace is about how many attempts an endpoint takes in a second, as fast as it answered in the last day and within the rates that it, its App and the caller allow; 0: that is not known.
func (s *Service) likelyPace(ctx context.Context, e *hookswitch.Endpoint, rate int) (perSecond float64, err error) {
	answers, err := s.store.AnswerTimes(ctx, e.App, e.Key, s.now().Add(-HealthHours*time.Hour), answerSample)
	if err != nil {
		return 0, err
	}
	if len(answers) > 0 {
		slices.Sort(answers)
		runs := runsAtOnce
		if e.Ordered {
			runs = 1
		}
		perSecond = float64(runs) / max(answers[len(answers)/2], time.Millisecond).Seconds()
	}
	for _, most := range []float64{float64(rate), s.Throttle(e.App, e.Key)} {
		if most > 0 && (perSecond == 0 || perSecond > most) {
			perSecond = most
		}
	}
	return perSecond, nil
}

// CountRecovery is how many events the task that StartRecovery starts would send now.
func (s *Service) CountRecovery(ctx context.Context, kind hookswitch.TaskKind, app hookswitch.Key, ref string, r Recovery) (int64, error) {
	rec, err := s.prepareRecovery(ctx, kind, app, ref, r)
	if err != nil {
		return 0, err
	}
	for rec.task.Total == hookswitch.TaskUncounted {
		if err := s.count(ctx, rec, rec.task, countStretch); err != nil {
			return 0, err
		}
	}
	return rec.task.Total, nil
}

// RecoveryFailures is how many attempts that somebody asked for have failed at the endpoint while the recovery ran, of events that it is about; more says that there are others still.
func (s *Service) RecoveryFailures(ctx context.Context, t *hookswitch.Task) (n int64, more bool, err error) {
	var p recoveryParams
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return 0, false, err
	}
	until := s.now()
	if t.Status != hookswitch.TaskRunning {
		until = t.UpdatedAt
	}
	walk := store.Recovery{App: t.App, Endpoint: t.Endpoint, Since: max(1, hookswitch.KeyAt(time.UnixMilli(p.SinceMS))), Until: p.End}
	return s.store.FailuresByHand(ctx, walk, t.Key, hookswitch.KeyAt(until.Add(time.Millisecond)))
}

// Resumable reports whether ResumeRecovery goes on with the task: it is a recovery that was canceled, or ended before it was done.
func Resumable(t *hookswitch.Task) bool {
	switch t.Kind {
	case hookswitch.TaskRecover, hookswitch.TaskReplay, hookswitch.TaskBulkReplay:
		return t.Status == hookswitch.TaskFailed || t.Canceled
	}
	return false
}

// ResumeRecovery starts a task that goes on with a recovery of the endpoint that was canceled or ended early: the same events but for those that have got through since that was started. How many
// are sent first is asked for again unless those got through.
func (s *Service) ResumeRecovery(ctx context.Context, e *hookswitch.Endpoint, ref string, idem Idempotency) (*hookswitch.Task, error) {
	was, err := s.Task(ctx, ref)
	if err != nil {
		return nil, err
	}
	if was.App != e.App || was.Endpoint != e.Key {
		return nil, hookswitch.NotFoundf("There is no such recovery.")
	}
	if !Resumable(was) {
		return nil, hookswitch.Errorf(hookswitch.Conflict, "That recovery was not stopped; there is nothing to go on with.")
	}
	if e.Disabled {
		return nil, errEndpointDisabled
	}
	rec, err := newRecovery(was, e)
	if err != nil {
		return nil, err
	}
	p := rec.recoveryParams
	if p.Resumes = was.Key; p.From == 0 {
		p.From = was.Key
	}
	if rec.canary.Passed {
		p.Canary = 0
	}
	now := s.now().UTC()
	t := &hookswitch.Task{Key: s.keys.Next(), App: e.App, Endpoint: e.Key, Kind: was.Kind, Total: hookswitch.TaskUncounted, CreatedAt: now}
	if t.Params, err = json.Marshal(p); err != nil {
		return nil, err
	}
	if rec, err = newRecovery(t, e); err != nil {
		return nil, err
	}
	return s.begin(ctx, rec, idem, "Resumes", s.ids.Format(hookswitch.KindTask, was.Key))
}
