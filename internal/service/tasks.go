package service

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// taskKind is how tasks of one kind go on. A new kind is one of these in taskKinds.
type taskKind struct {
	// step does the next piece of a running task, for some ten milliseconds, and commits it in one transaction together with where the task then stands,
	// see advance. It changes t to that. What it has done is not done again after a crash.
	step func(ctx context.Context, t *hookswitch.Task) (taskStep, error)
	// data is what the task tells of itself. waiting is how many tries that it has asked for have not come to an end.
	data func(t *hookswitch.Task, waiting int64) object
}

func (s *Service) taskKinds() map[hookswitch.TaskKind]taskKind {
	return map[hookswitch.TaskKind]taskKind{
		hookswitch.TaskRecover:            {s.stepRecovery, s.recoveryData},
		hookswitch.TaskReplay:             {s.stepRecovery, s.recoveryData},
		hookswitch.TaskBulkReplay:         {s.stepRecovery, s.recoveryData},
		hookswitch.TaskPurgeContent:       {s.stepPurge, s.purgeData},
		hookswitch.TaskAppStats:           {s.stepAppStats, s.appStatsData},
		hookswitch.TaskEventTypeAggregate: {s.stepEventTypes, s.eventTypesData},
	}
}

// taskStep is what a step has come to.
type taskStep struct {
	// wait is how long nothing can be done.
	wait time.Duration
	// stale says that nothing was committed, because the task has got on or ended otherwise.
	stale bool
}

// Bounds of the running of tasks.
const (
	// taskBudget is how long one run of a task may do step after step before others have their turn.
	taskBudget = time.Second
	// taskPause is how long a task rests after a fault, and taskTries how many faults in steps that are not the store's, or steps that take too long, end it.
	taskPause = time.Second
	taskTries = 10
)

// target is what the task queues behind others for: its endpoint, its App, or nothing but itself.
func target(t *hookswitch.Task) hookswitch.Key { return cmp.Or(t.Endpoint, t.App, t.Key) }

// startTask stores a new task, which runs from then on, and does what else belongs to it. Where the same request has been made before, that one's task is returned.
func (s *Service) startTask(ctx context.Context, t hookswitch.Task, idem Idempotency, also ...func(*store.Tx) error) (*hookswitch.Task, error) {
	t.Status = hookswitch.TaskRunning
	t.UpdatedAt = t.CreatedAt
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		if err := idem.claim(tx, t.Key, s); err != nil {
			return err
		}
		b.owe(store.Delivery{Kind: hookswitch.DeliverTask, App: t.App, Subject: t.Key, Target: target(&t)}, nil)
		for _, f := range also {
			if err := f(tx); err != nil {
				return err
			}
		}
		return tx.InsertTask(&t)
	})
	if ref, again := replayed(err); again {
		return s.store.Task(ctx, ref)
	}
	return &t, err
}

// RunTask takes a task on for a while. next is when it goes on; zero: it has ended.
func (s *Service) RunTask(ctx context.Context, o *store.Outcome, tries int) (next time.Time, err error) {
	start := time.Now()
	t, err := s.store.Task(ctx, o.Subject)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return next, err
	}
	for {
		if err != nil || t.Status != hookswitch.TaskRunning {
			return next, s.store.Update(ctx, func(tx *store.Tx) error { return tx.Settle(o.Kind, o.Subject, o.Target) })
		}
		step, problem := s.tasks[t.Kind].step(ctx, t)
		late := errors.Is(ctx.Err(), context.DeadlineExceeded)
		switch {
		case problem != nil && ctx.Err() != nil && !late:
			return next, problem // cut off
		case problem != nil:
			return s.restTask(context.WithoutCancel(ctx), o, t, tries, problem, late)
		case step.stale:
			t, err = s.store.Task(ctx, o.Subject)
			if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
				return next, err
			}
		case t.Status != hookswitch.TaskRunning:
			return next, nil
		case step.wait > 0 || time.Since(start) > taskBudget:
			o.Verdict, o.Next = store.Postponed, s.now().Add(step.wait)
			return o.Next, s.recordTask(ctx, o)
		}
	}
}

// restTask lets a task rest whose step failed because of problem, or, late, took longer than a run may, or ends it when that has happened too often.
func (s *Service) restTask(ctx context.Context, o *store.Outcome, t *hookswitch.Task, tries int, problem error, late bool) (next time.Time, err error) {
	o.Verdict, o.Next = store.Postponed, s.now().Add(taskPause)
	if late || hookswitch.KindOf(problem) != hookswitch.Unavailable {
		s.log.Error("step of a task", "error", problem, "task", string(t.Kind), "task_id", s.ids.Format(hookswitch.KindTask, t.Key))
		o.Verdict = store.Retry
		if tries+1 >= taskTries {
			return next, s.endTask(ctx, t, hookswitch.TaskFailed, false, "an internal error")
		}
	}
	return o.Next, s.recordTask(ctx, o)
}

func (s *Service) recordTask(ctx context.Context, o *store.Outcome) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.Record(o, s.now())
		return err
	})
}

// advance commits what work does together with where the task stands afterwards, which work writes into next. Only then t is that.
func (s *Service) advance(ctx context.Context, t *hookswitch.Task, work func(tx *store.Tx, b *births, next *hookswitch.Task) error) (taskStep, error) {
	var next hookswitch.Task
	moved := false
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) (err error) {
		next = *t
		if err := work(tx, b, &next); err != nil {
			return err
		}
		if moved, err = tx.AdvanceTask(t, &next); err != nil {
			return err
		}
		if !moved {
			return errStale
		}
		if next.Status != hookswitch.TaskRunning {
			return s.taskEnded(tx, b, &next)
		}
		return nil
	})
	if errors.Is(err, errStale) {
		return taskStep{stale: true}, nil
	}
	if err == nil {
		*t = next
	}
	return taskStep{}, err
}

// errStale undoes a step of a task that has got on or ended otherwise.
var errStale = &hookswitch.Error{Kind: hookswitch.Conflict, Message: "the task has got on otherwise"}

// finish ends a task that has nothing left to do. work, where given, makes the last changes to it.
func (s *Service) finish(ctx context.Context, t *hookswitch.Task, work func(next *hookswitch.Task)) (taskStep, error) {
	return s.advance(ctx, t, func(_ *store.Tx, b *births, next *hookswitch.Task) error {
		next.Status, next.UpdatedAt = hookswitch.TaskFinished, b.now
		if work != nil {
			work(next)
		}
		return nil
	})
}

// taskEnded is what follows from the end of a task, in the transaction that ends it.
func (s *Service) taskEnded(tx *store.Tx, b *births, t *hookswitch.Task) error {
	if b.wants(hookswitch.EventTaskFinished) {
		waiting, err := tx.Outstanding(tx.Context(), t.Key)
		if err != nil {
			return err
		}
		b.operational(hookswitch.EventTaskFinished, nil, object{{"data", s.taskData(t, waiting)}, {"status", string(t.Status)}, {"task", string(t.Kind)},
			{"taskId", s.ids.Format(hookswitch.KindTask, t.Key)}})
	}
	return tx.Settle(hookswitch.DeliverTask, t.Key, target(t))
}

// endTask ends a running task where it stands, and takes back the tries that it has asked for and that have not begun.
func (s *Service) endTask(ctx context.Context, t *hookswitch.Task, status hookswitch.TaskStatus, canceled bool, problem string) error {
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		ended, err := tx.EndTask(t.Key, status, canceled, problem, b.now)
		if err != nil || !ended {
			return err
		}
		now, err := tx.Task(tx.Context(), t.Key)
		if err != nil {
			return err
		}
		return s.taskEnded(tx, b, now)
	})
	if err != nil {
		return err
	}
	s.ended.note(t.Key, true)
	for {
		taken := 0
		err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
			taken, err = tx.TakeBack(t.Key, takeBackChunk)
			return err
		})
		if err != nil {
			// Those that are left are withdrawn when they come to be run.
			s.log.Warn("take back the tries of a task", "error", err, "task_id", s.ids.Format(hookswitch.KindTask, t.Key))
			return nil
		}
		if taken == 0 {
			return nil
		}
	}
}

// takeBackChunk is how many tries of each kind one transaction takes back.
const takeBackChunk = 250

// CancelTask ends a task: it asks for nothing more, and what it has asked for and has not begun is as it was before. One that has ended stays as it is.
func (s *Service) CancelTask(ctx context.Context, t *hookswitch.Task) (*hookswitch.Task, error) {
	if t.Status == hookswitch.TaskRunning {
		if err := s.endTask(ctx, t, hookswitch.TaskFinished, true, ""); err != nil {
			return nil, err
		}
	}
	return s.store.Task(ctx, t.Key)
}

// Task is the task that ref names, of whatever App.
func (s *Service) Task(ctx context.Context, ref string) (*hookswitch.Task, error) {
	key, ok := s.ids.Parse(hookswitch.KindTask, ref)
	if !ok {
		return nil, hookswitch.NotFoundf("background task not found")
	}
	return s.store.Task(ctx, key)
}

// Tasks lists tasks.
func (s *Service) Tasks(ctx context.Context, f store.TaskFilter, p store.Page) ([]*hookswitch.Task, error) {
	return s.store.Tasks(ctx, f, p)
}

// TaskData is what a task tells of itself, as a JSON object: how far it has come, what was asked for, and what it has found out.
func (s *Service) TaskData(ctx context.Context, t *hookswitch.Task) ([]byte, error) {
	waiting := int64(0)
	if t.Endpoint != 0 && (t.Status == hookswitch.TaskRunning || t.Canceled || t.Error != "") {
		var err error
		if waiting, err = s.store.Outstanding(ctx, t.Key); err != nil {
			return nil, err
		}
	}
	return encode(s.taskData(t, waiting)), nil
}

func (s *Service) taskData(t *hookswitch.Task, waiting int64) object {
	kind, ok := s.tasks[t.Kind]
	if !ok {
		return nil // made by a newer version
	}
	data := append(kind.data(t, waiting), field{"canceled", t.Canceled})
	if t.Error != "" {
		data = append(data, field{"error", t.Error})
	}
	return data
}

// endedTasks remembers for a moment whether tasks have ended, for the tries that they have asked for.
type endedTasks struct {
	mu sync.Mutex
	by map[hookswitch.Key]endedTask
}

type endedTask struct {
	ended bool
	at    time.Time
}

const (
	// endedFor is how long a task is believed to be running.
	endedFor = 250 * time.Millisecond
	// endedLimit is how many tasks are remembered.
	endedLimit = 1000
)

func (e *endedTasks) note(task hookswitch.Key, ended bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil || len(e.by) >= endedLimit {
		e.by = make(map[hookswitch.Key]endedTask)
	}
	e.by[task] = endedTask{ended, time.Now()}
}

func (e *endedTasks) look(task hookswitch.Key) (ended, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.by[task]
	return t.ended, ok && (t.ended || time.Since(t.at) < endedFor)
}

// Withdrawn undoes a try whose task has ended since it asked for it, and reports whether it did. What a task that runs has asked for is to be run.
func (s *Service) Withdrawn(ctx context.Context, o *store.Outcome, task hookswitch.Key) (bool, error) {
	key := max(task, -task)
	ended, known := s.ended.look(key)
	if !known {
		t, err := s.store.Task(ctx, key)
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return false, err
		}
		ended = err != nil || t.Status != hookswitch.TaskRunning
		s.ended.note(key, ended)
	}
	if !ended {
		return false, nil
	}
	return true, s.Withdraw(ctx, o, task)
}

// Withdraw undoes a try that a task has asked for and that has not begun: the delivery is what it was before.
func (s *Service) Withdraw(ctx context.Context, o *store.Outcome, task hookswitch.Key) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.Withdraw(o, task) })
}
