package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// reopened is the world after the process has died and begun again: what was not committed is gone.
func (s *scene) reopened() *scene {
	s.TB.Helper()
	if err := s.Store.Close(); err != nil {
		s.TB.Fatal(err)
	}
	again := *s
	again.World = s.World.Reopen()
	return &again
}

func TestRecovery_GoesOnAfterACrashAndSendsNothingTwice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		const total = 1300
		publishMany(s.World, s.app, total)
		for range 2 {
			s.try(store.Exhausted, 500)
		}
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{})
		if task.Total != total {
			t.Fatalf("total %d, want %d", task.Total, total)
		}
		seen, cut, moves, done := map[hookswitch.Key]int{}, 0, 0, int64(0)
		for round := 0; s.task(task).Status == hookswitch.TaskRunning; round++ {
			if round > 100 {
				t.Fatal("it does not end")
			}
			s.Clock.Advance(3 * time.Second)
			for _, l := range s.Claim(hookswitch.DeliverTask) {
				// Runs are cut off anywhere, some behind a step that has been committed, and then neither put off nor ended.
				ctx := &cutOff{Context: t.Context(), why: context.Canceled}
				ctx.after.Store(int64(round * 7 % 60))
				if _, err := s.Service.RunTask(ctx, &l.Outcome, l.Tries); err != nil {
					cut++
				}
			}
			if got := s.task(task); got.Done > done {
				done, moves = got.Done, moves+1
			}
			// Some are sent before the crash and some behind it; what is in flight at the crash is not told apart here.
			if round%3 != 2 {
				for _, key := range s.try(store.Restored, 500) {
					seen[key]++
				}
			}
			s = s.reopened()
		}
		if cut < 1 || moves < 2 {
			t.Errorf("cut off %d times, got on %d times: too few to show anything", cut, moves)
		}
		wantOnce(t, seen, total)
		if got := s.task(task); got.Done != total || got.Skipped != 0 {
			t.Errorf("at the end: %+v", got)
		}
	})
}

// cutOff is the context of a run that ends when it has been looked at so many times.
type cutOff struct {
	context.Context
	why   error
	after atomic.Int64
}

func (c *cutOff) Err() error {
	if c.after.Add(-1) < 0 {
		return c.why
	}
	return nil
}

func TestRecovery_TwoNodesDoNotDoTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		const total = 1300
		publishMany(s.World, s.app, total)
		s.Enable(s.ep)
		twin := s.Twin()
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		seen := map[hookswitch.Key]int{}
		for s.task(task).Status == hookswitch.TaskRunning {
			s.Clock.Advance(3 * time.Second)
			claimed := s.Claim(hookswitch.DeliverTask)
			if len(claimed) != 1 {
				t.Fatalf("%d runs of one task", len(claimed))
			}
			// The lease of one was lost: both run it.
			var both sync.WaitGroup
			for _, svc := range []*service.Service{s.Service, twin.Service} {
				both.Go(func() {
					o := claimed[0].Outcome
					if _, err := svc.RunTask(t.Context(), &o, 0); err != nil {
						t.Error(err)
					}
				})
			}
			both.Wait()
			for _, key := range s.try(store.Done, 200) {
				seen[key]++
			}
		}
		wantOnce(t, seen, total)
		if got := s.task(task); got.Done != total {
			t.Errorf("at the end: %+v", got)
		}
	})
}

func TestTasks_OfOneEndpointRunOneAfterTheOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		s.Publish(s.app, "a")
		s.Enable(s.ep)
		first, second := s.recovery(hookswitch.TaskReplay, service.Recovery{}), s.recovery(hookswitch.TaskReplay, service.Recovery{})
		if s.step(first); s.task(first).Done != 1 || s.task(second).Place != 0 {
			t.Errorf("first %+v, second %+v", s.task(first), s.task(second))
		}
		s.try(store.Done, 200)
		s.step(first)
		s.step(second)
		if got := s.step(second); got.Status != hookswitch.TaskFinished || got.Done != 0 || got.Skipped != 1 {
			t.Errorf("second, for what the first has sent: %+v", got)
		}
	})
}

func TestCancelTask_MakesEverythingAsItWas(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		publishMany(s.World, s.app, 200)
		s.Enable(s.ep)
		publishMany(s.World, s.app, 500)
		s.try(store.Retry, 500) // these wait
		publishMany(s.World, s.app, 300)
		s.try(store.Exhausted, 500)
		before := s.rows(s.ep.Key)
		task := s.recovery(hookswitch.TaskBulkReplay, service.Recovery{})
		if task.Total != 1000 {
			t.Fatalf("total %d, want 1000", task.Total)
		}
		for range 10 { // a run ends where it has taken too long
			if s.step(task); s.task(task).Done == 1000 {
				break
			}
		}
		if got := s.task(task); got.Done != 1000 {
			t.Fatalf("asked for %d, want 1000", got.Done)
		}
		// Some are sent, some are held by a node, and the rest waits.
		sent, leased := map[hookswitch.Key]bool{}, s.Claim(hookswitch.DeliverWebhook)
		for i, l := range leased {
			switch {
			case i < 400:
				s.Succeed(l, false)
				sent[l.Subject] = true
			case i >= 500:
				if err := s.Store.Release(t.Context(), []store.Delivery{l.Delivery}, s.Clock.Now()); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := servicetest.Must(s.Service.CancelTask(t.Context(), s.task(task)))(t)
		if got.Status != hookswitch.TaskFinished || !got.Canceled || got.Done != 500 {
			t.Errorf("canceled: %+v", got)
		}
		s.wantData(task, map[string]any{"done": 400.0, "canceled": true, "total": 1000.0})
		for _, l := range leased[400:500] {
			undone, err := s.Service.Withdrawn(t.Context(), &l.Outcome, l.Task)
			if err != nil || !undone {
				t.Fatalf("one that a node holds: %v, %v", undone, err)
			}
		}
		s.wantData(task, map[string]any{"done": 400.0})
		for key := range sent {
			delete(before, key)
		}
		after := s.rows(s.ep.Key)
		ignoreClaims := cmp.FilterPath(func(p cmp.Path) bool {
			return p.Last().String() == ".Claim" || p.Last().String() == ".DueAt" || p.Last().String() == ".Restore"
		}, cmp.Ignore())
		if diff := cmp.Diff(before, after, ignoreClaims); diff != "" {
			t.Errorf("rows (-before +after):\n%.2000s", diff)
		}
		again := servicetest.Must(s.Service.CancelTask(t.Context(), got))(t)
		if diff := cmp.Diff(got.Status, again.Status); diff != "" || !again.UpdatedAt.Equal(got.UpdatedAt) {
			t.Errorf("canceled again: %+v", again)
		}
		if n := len(s.Claim(hookswitch.DeliverTask)); n != 0 {
			t.Errorf("%d tasks are still owed", n)
		}
	})
}

func TestCancelTask_AStepUnderWayDoesNothingMore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		publishMany(s.World, s.app, 100)
		s.Enable(s.ep)
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		s.Clock.Advance(3 * time.Second)
		l := s.Claim(hookswitch.DeliverTask)[0]
		servicetest.Must(s.Service.CancelTask(t.Context(), task))(t)
		if next, err := s.Service.RunTask(t.Context(), &l.Outcome, 0); err != nil || !next.IsZero() {
			t.Errorf("a run after the cancel: next %v, %v", next, err)
		}
		moved := true
		if err := s.Store.Update(t.Context(), func(tx *store.Tx) (err error) {
			next := *task
			next.Done = 5
			moved, err = tx.AdvanceTask(task, &next)
			return err
		}); err != nil || moved {
			t.Errorf("a step that was under way: moved %v, %v", moved, err)
		}
		if n := len(s.rows(s.ep.Key)); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}

func TestTasks_FinishLateDeliveriesOtherwiseAsSkipped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		s.Publish(s.app, "a")
		waiting := s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{})
		s.Clock.Advance(2 * time.Hour)
		for _, l := range s.Claim(hookswitch.DeliverWebhook) {
			if l.Subject == waiting.Key {
				s.Succeed(l, false)
			}
		}
		s.step(task) // the other one is in flight
		if got := s.step(task); got.Status != hookswitch.TaskFinished || got.Done != 0 || got.Skipped != 2 || got.Total != 2 {
			t.Errorf("at the end: %+v", got)
		}
	})
}

func TestPurgeContents_RemovesPayloadsAndAnswers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		publishMany(s.World, s.app, 300)
		s.try(store.Exhausted, 500)
		other := s.App()
		kept := s.Publish(other, "a")
		task := servicetest.Must(s.Service.PurgeContents(t.Context(), s.app.Key, none))(t)
		s.Clock.Advance(time.Second)
		young := s.Publish(s.app, "a")
		for s.task(task).Status == hookswitch.TaskRunning {
			s.step(task)
		}
		s.wantData(task, map[string]any{"messagesPurged": 300.0})
		for _, ev := range s.Events(s.app) {
			if ev.Key == young.Key {
				if ev.Expired || len(ev.Payload) == 0 {
					t.Error("an event made after the request has lost its payload")
				}
				continue
			}
			if !ev.Expired || len(ev.Payload) != 0 {
				t.Fatalf("event %d still says %q", ev.Key, ev.Payload)
			}
			for _, a := range servicetest.Must(s.Service.AttemptsByEvent(t.Context(), ev.App, ev.Key, store.AttemptFilter{}, store.Page{Limit: 10}))(t) {
				if !a.Expired || len(a.Answer) != 0 {
					t.Fatalf("attempt %d still says %q", a.Key, a.Answer)
				}
			}
			wantKind(t, s.Service.Resend(t.Context(), s.app.Key, s.Service.IDs().Format(hookswitch.KindEvent, ev.Key), s.ref(), none), hookswitch.Gone)
		}
		if ev := servicetest.Must(s.Store.Event(t.Context(), other.Key, kept.Key))(t); ev.Expired {
			t.Error("another App's event has lost its payload")
		}
	})
}

func TestUsage_CountsByApp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		s.Publish(s.app, "a")
		s.try(store.Done, 200)
		s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		named := s.App(func(a *hookswitch.App) { a.UID = "named" })
		s.Publish(named, "a")
		s.App()
		start := s.Clock.Now()
		finish := func(task *hookswitch.Task) {
			t.Helper()
			for s.task(task).Status == hookswitch.TaskRunning {
				s.step(task)
			}
		}
		id := s.Service.IDs().Format(hookswitch.KindApp, s.app.Key)
		appStats := func(u service.AppUsage, unknown ...string) []any {
			t.Helper()
			task, not, err := s.Service.CountUsage(t.Context(), u, none)
			if err != nil || !cmp.Equal(not, unknown) {
				t.Fatalf("unknown %q, %v, want %q", not, err, unknown)
			}
			finish(task)
			return s.data(task)["appStats"].([]any)
		}
		window := service.AppUsage{Since: start.Add(-time.Hour), Until: start.Add(time.Hour)}
		if got := appStats(window); len(got) != 3 {
			t.Errorf("all apps: %v", got)
		}
		some := window
		some.Apps = []string{"named", id, "nobody"}
		want := []any{map[string]any{"appId": id, "appUid": nil, "messageDestinations": 2.0, "messages": 2.0},
			map[string]any{"appId": s.Service.IDs().Format(hookswitch.KindApp, named.Key), "appUid": "named", "messageDestinations": 0.0, "messages": 1.0}}
		if diff := cmp.Diff(want, appStats(some, "nobody")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		past := service.AppUsage{Since: start.Add(-48 * time.Hour), Until: start.Truncate(time.Hour), Apps: []string{id}}
		if got := appStats(past)[0].(map[string]any); got["messages"] != 0.0 || got["messageDestinations"] != 0.0 {
			t.Errorf("before anything: %v", got)
		}
		_, _, err := s.Service.CountUsage(t.Context(), service.AppUsage{Since: start, Until: start, Apps: []string{"nobody"}}, none)
		wantKind(t, err, hookswitch.Invalid)
		_, _, err = s.Service.CountUsage(t.Context(), service.AppUsage{Since: start, Until: start.Add(-time.Second)}, none)
		wantKind(t, err, hookswitch.Invalid)
	})
}

func TestAggregateEventTypes_ListsWhatAppsSubscribeTo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Filter("b", "a"))
		s.Endpoint(s.app, hookURL, servicetest.Filter("c", "a"))
		all, empty := s.App(), s.App()
		s.Endpoint(all, hookURL)
		task := servicetest.Must(s.Service.AggregateEventTypes(t.Context()))(t)
		for s.task(task).Status == hookswitch.TaskRunning {
			s.step(task)
		}
		id := func(a *hookswitch.App) string { return s.Service.IDs().Format(hookswitch.KindApp, a.Key) }
		want := []any{
			map[string]any{"appId": id(s.app), "explicitlySubscribedEventTypes": []any{"a", "b", "c"}, "hasCatchAllEndpoint": false},
			map[string]any{"appId": id(all), "explicitlySubscribedEventTypes": []any{}, "hasCatchAllEndpoint": true},
			map[string]any{"appId": id(empty), "explicitlySubscribedEventTypes": []any{}, "hasCatchAllEndpoint": false},
		}
		if diff := cmp.Diff(want, s.data(task)["event_types"]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTasks_AFaultIsTriedAgainAndThenEndsTheTask(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		broken := *task
		broken.Key = s.Service.NextKey()
		broken.Params = []byte(`{"since_ms":"not a number"}`)
		if err := s.Store.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.InsertTask(&broken); err != nil {
				return err
			}
			return tx.Append(nil, []store.Delivery{{Kind: hookswitch.DeliverTask, App: s.app.Key, Subject: broken.Key, Target: broken.Key, NextAt: s.Clock.Now(), Claim: 1}})
		}); err != nil {
			t.Fatal(err)
		}
		var bad *json.UnmarshalTypeError
		if err := json.Unmarshal(broken.Params, &struct {
			Since int `json:"since_ms"`
		}{}); !errors.As(err, &bad) {
			t.Fatal(err)
		}
		rounds := 0
		for s.task(&broken).Status == hookswitch.TaskRunning && rounds < 30 {
			s.step(&broken)
			rounds++
		}
		if got := s.task(&broken); got.Status != hookswitch.TaskFailed || got.Error == "" || rounds < 5 {
			t.Errorf("after %d runs: %+v", rounds, got)
		}
		if got := s.task(task); got.Status != hookswitch.TaskFinished {
			t.Errorf("another task: %+v", got)
		}
	})
}

func TestHousekeeping_DropsOldTasksThatHaveEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		ended, running := s.recovery(hookswitch.TaskReplay, service.Recovery{}), servicetest.Must(s.Service.PurgeContents(t.Context(), s.app.Key, none))(t)
		servicetest.Must(s.Service.CancelTask(t.Context(), ended))(t)
		s.Clock.Advance(91 * 24 * time.Hour)
		young := servicetest.Must(s.Service.AggregateEventTypes(t.Context()))(t)
		servicetest.Must(s.Service.CancelTask(t.Context(), young))(t)
		res, err := s.Store.Housekeep(t.Context(), store.HousekeepOptions{TaskRetention: 90 * 24 * time.Hour})
		if err != nil || res.Tasks != 1 {
			t.Errorf("dropped %d tasks, %v, want 1", res.Tasks, err)
		}
		if _, err := s.Store.Task(t.Context(), ended.Key); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("the old one: %v", err)
		}
		s.task(running)
		s.task(young)
	})
}

func TestRecovery_EndsWhenWhatItAskedForIsCanceledOrRemoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		var failed []*hookswitch.Event
		for range 4 {
			failed = append(failed, s.Publish(s.app, "a"))
		}
		s.try(store.Exhausted, 500)
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{})
		if got := s.step(task); got.Done != 4 {
			t.Fatalf("asked for: %+v", got)
		}
		ids := s.Service.IDs()
		if err := s.Service.Expunge(t.Context(), s.app.Key, ids.Format(hookswitch.KindEvent, failed[0].Key)); err != nil {
			t.Fatal(err)
		}
		if err := s.Service.CancelDelivery(t.Context(), s.app.Key, ids.Format(hookswitch.KindEvent, failed[1].Key), s.ref(), none); err != nil {
			t.Fatal(err)
		}
		s.wantEvents("tried", s.try(store.Restored, 500), failed[2], failed[3])
		if got := s.step(task); got.Status != hookswitch.TaskFinished || got.Done != 2 || got.Skipped != 2 || got.Total != 4 {
			t.Errorf("at the end: %+v, want 2 done and 2 left out", got)
		}
		for _, ev := range failed {
			if row := s.Delivery(hookswitch.DeliverWebhook, ev.Key, s.ep.Key); row.State != hookswitch.DeliveryFailed || row.Manual || row.Task != 0 {
				t.Errorf("left behind: %+v, want it failed as before", row)
			}
		}
	})
}

func TestRunTask_WhoseStepsNeverEndInTimeFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		s.Publish(s.app, "a")
		s.try(store.Exhausted, 500)
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{})
		late := &cutOff{Context: t.Context(), why: context.DeadlineExceeded}
		for n := 0; s.task(task).Status == hookswitch.TaskRunning; n++ {
			if n > 20 {
				t.Fatal("it is begun again and again")
			}
			s.Clock.Advance(3 * time.Second)
			claimed := s.Claim(hookswitch.DeliverTask)
			if len(claimed) != 1 {
				t.Fatalf("%d runs", len(claimed))
			}
			next, err := s.Service.RunTask(late, &claimed[0].Outcome, claimed[0].Tries)
			if err != nil || !next.IsZero() && !next.After(s.Clock.Now()) {
				t.Fatalf("goes on at %v, %v, want a rest", next, err)
			}
		}
		if got := s.task(task); got.Status != hookswitch.TaskFailed || got.Error == "" {
			t.Errorf("got %+v, want it failed", got)
		}
	})
}
