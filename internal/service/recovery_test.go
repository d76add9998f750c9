package service_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestRecover_SendsWhatHasFailedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		other := s.Endpoint(s.app, hookURL)
		foreign := s.App()
		s.Endpoint(foreign, hookURL)

		tooOld := s.Publish(s.app, "a")
		s.try(store.Exhausted, 500)
		s.Clock.Advance(time.Hour)
		since := s.Clock.Now()

		delivered := s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		s.Clock.Advance(2 * time.Hour)
		s.try(store.Done, 200) // the old one's row has ended
		failed := s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		s.Clock.Advance(2 * time.Hour)
		s.try(store.Exhausted, 500) // two failed attempts
		canceled := s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		s.Disable(s.ep)
		held := s.Publish(s.app, "a")
		s.Enable(s.ep)
		gone := s.Publish(s.app, "a")
		s.try(store.Exhausted, 500)
		s.expire(held.Key, gone.Key+1)
		flying := s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		s.Clock.Advance(2 * time.Hour)
		for _, l := range s.Claim(hookswitch.DeliverWebhook) {
			if l.Subject == canceled.Key {
				s.Service.Skip(&l.Outcome, false) // as the engine does
			}
		}
		s.Flush()
		waiting := s.Publish(s.app, "a")
		s.try(store.Retry, 500)
		due := s.Delivery(hookswitch.DeliverWebhook, waiting.Key, s.ep.Key).NextAt
		untried := s.Publish(s.app, "a")
		s.Publish(foreign, "a")
		_, _, _, _, _ = tooOld, delivered, held, flying, untried

		before := s.rows(other.Key)
		n, err := s.Service.CountRecovery(t.Context(), hookswitch.TaskRecover, s.app.Key, s.ref(), service.Recovery{Since: since})
		if err != nil || n != 3 {
			t.Errorf("counted %d, %v, want 3", n, err)
		}
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{Since: since})
		if task.Total != 3 {
			t.Errorf("total %d at once, want 3", task.Total)
		}
		if got := s.step(task); got.Status != hookswitch.TaskRunning || got.Done != 3 {
			t.Fatalf("after a step: %+v", got)
		}
		s.wantData(task, map[string]any{"total": 3.0, "done": 0.0, "skipped": 1.0, "canceled": false})
		if diff := cmp.Diff(before, s.rows(other.Key)); diff != "" {
			t.Errorf("another endpoint (-before +after):\n%s", diff)
		}
		got := s.try(store.Restored, 500)
		s.wantEvents("asked for", got, failed, canceled, waiting, untried) // untried by its schedule
		for _, c := range []struct {
			ev   *hookswitch.Event
			want hookswitch.DeliveryState
		}{{failed, hookswitch.DeliveryFailed}, {canceled, hookswitch.DeliveryCanceled}, {waiting, hookswitch.DeliveryPending}} {
			row := s.Delivery(hookswitch.DeliverWebhook, c.ev.Key, s.ep.Key)
			if row.State != c.want || row.Manual || row.Task != 0 {
				t.Errorf("after its failure: %+v, want state %v", row, c.want)
			}
		}
		if row := s.Delivery(hookswitch.DeliverWebhook, waiting.Key, s.ep.Key); !row.NextAt.Equal(due) {
			t.Errorf("waits until %v, want %v as before", row.NextAt, due)
		}
		if got := s.step(task); got.Status != hookswitch.TaskFinished || got.Done != 3 || got.Skipped != 1 {
			t.Errorf("at the end: %+v", got)
		}
		s.wantData(task, map[string]any{"total": 3.0, "done": 3.0, "messagesSent": 3.0, "skipped": 1.0})
		if row := s.Delivery(hookswitch.DeliverTask, task.Key, s.ep.Key); row != nil {
			t.Errorf("the task is still owed: %+v", row)
		}
		for _, a := range servicetest.Must(s.Service.AttemptsByEvent(t.Context(), failed.App, failed.Key, store.AttemptFilter{Endpoint: s.ep.Key}, store.Page{Limit: 1}))(t) {
			if a.OK {
				t.Errorf("attempt %+v", a)
			}
		}
	})
}

func TestReplayMissing_SendsWhatWasNeverTried(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Filter("a", "b"))
		delivered := s.Publish(s.app, "a")
		s.try(store.Done, 200)
		failed := s.Publish(s.app, "a")
		s.try(store.Exhausted, 500)
		canceled := s.Publish(s.app, "a")
		canceledTried := s.Publish(s.app, "b")
		for _, l := range s.Claim(hookswitch.DeliverWebhook) {
			if l.Subject == canceledTried.Key {
				o := s.Fail(l, 500)
				o.Verdict, o.Next = store.Retry, s.Clock.Now().Add(time.Hour)
				s.Service.Record(o)
				continue
			}
			if err := s.Store.Release(t.Context(), []store.Delivery{l.Delivery}, s.Clock.Now()); err != nil {
				t.Fatal(err)
			}
		}
		s.Flush()
		s.Disable(s.ep)
		held := s.Publish(s.app, "b")
		heldGone := s.Publish(s.app, "b")
		s.expire(held.Key, heldGone.Key+1)
		unnamed := s.Publish(s.app, "c")
		unwanted := s.Publish(s.app, "d")
		s.Enable(s.ep)
		waiting := s.Publish(s.app, "a")
		s.EventTypes("c")
		servicetest.Must(s.Service.UpdateEndpoint(t.Context(), s.app.Key, s.ep.Key, func(e *hookswitch.Endpoint) error {
			e.EventTypes = []string{"a", "b", "c"}
			return nil
		}))(t)
		_, _, _ = delivered, failed, unwanted

		for _, c := range []struct {
			r    service.Recovery
			want []*hookswitch.Event
		}{
			{service.Recovery{OnlyOwed: true}, []*hookswitch.Event{canceled, held}},
			{service.Recovery{}, []*hookswitch.Event{canceled, held, unnamed}},
		} {
			task := s.recovery(hookswitch.TaskReplay, c.r)
			if int(task.Total) != len(c.want) {
				t.Errorf("total %d, want %d", task.Total, len(c.want))
			}
			s.step(task)
			s.wantData(task, map[string]any{"total": float64(len(c.want)), "skipped": 1.0, "onlyOwed": c.r.OnlyOwed})
			var asked []hookswitch.Key
			for key, row := range s.rows(s.ep.Key) {
				if row.Manual {
					asked = append(asked, key)
				}
			}
			s.wantEvents("asked for", asked, c.want...)
			// Canceled, so that the next case finds everything as it was.
			servicetest.Must(s.Service.CancelTask(t.Context(), s.task(task)))(t)
			if d := s.Delivery(hookswitch.DeliverWebhook, held.Key, s.ep.Key); d != nil {
				t.Errorf("a held one has a row after the task was canceled: %+v", d)
			}
		}
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		s.step(task)
		s.wantEvents("tried", s.try(store.Done, 200), canceled, held, unnamed, waiting)
		if got := s.step(task); got.Status != hookswitch.TaskFinished {
			t.Errorf("at the end: %+v", got)
		}
		if task := s.recovery(hookswitch.TaskReplay, service.Recovery{}); task.Total != 0 {
			t.Errorf("still missing: %d", task.Total)
		}
	})
}

func TestReplayMissing_AFailureIsAFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		held := s.Publish(s.app, "a")
		s.Enable(s.ep)
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		s.step(task)
		s.wantEvents("tried", s.try(store.Restored, 500), held)
		if d := s.Delivery(hookswitch.DeliverWebhook, held.Key, s.ep.Key); d == nil || d.State != hookswitch.DeliveryFailed || d.Task != 0 {
			t.Fatalf("after its failure: %+v", d)
		}
		// Now it is one that recover finds, and canceling that leaves it failed.
		again := s.recovery(hookswitch.TaskRecover, service.Recovery{})
		if again.Total != 1 {
			t.Errorf("recover finds %d, want 1", again.Total)
		}
		s.step(again)
		s.step(again)
		if d := s.Delivery(hookswitch.DeliverWebhook, held.Key, s.ep.Key); d.State != hookswitch.DeliveryPending || !d.Manual {
			t.Fatalf("asked for: %+v", d)
		}
		servicetest.Must(s.Service.CancelTask(t.Context(), s.task(again)))(t)
		if d := s.Delivery(hookswitch.DeliverWebhook, held.Key, s.ep.Key); d == nil || d.State != hookswitch.DeliveryFailed {
			t.Errorf("after the cancel: %+v", d)
		}
	})
}

func TestBulkReplay_Filters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Filter("a", "b", "c"))
		publish := func(eventType string, tags ...string) *hookswitch.Event {
			t.Helper()
			return servicetest.Must(s.Service.PublishEvent(t.Context(), s.app, service.Publish{Type: eventType, Tags: tags, Payload: []byte(`{}`)}, none))(t)
		}
		delivered := publish("a", "red")
		s.try(store.Done, 200)
		created := publish("b", "red", "blue")
		s.try(store.Done, 201)
		refused := publish("a")
		s.try(store.Exhausted, 404)
		waiting := publish("b", "blue")
		s.try(store.Retry, 0)
		canceled := publish("c")
		s.Disable(s.ep)
		held := publish("c", "red")
		s.Enable(s.ep)
		publish("unwanted", "red")
		for _, l := range s.Claim(hookswitch.DeliverWebhook) {
			s.Service.Skip(&l.Outcome, false) // as the engine does: it is canceled
		}
		s.Flush()
		mid := held.CreatedAt()

		states := func(list ...hookswitch.DeliveryState) []hookswitch.DeliveryState { return list }
		for name, c := range map[string]struct {
			r    service.Recovery
			want []*hookswitch.Event
		}{
			"all":              {service.Recovery{}, []*hookswitch.Event{delivered, created, refused, waiting, canceled, held}},
			"types":            {service.Recovery{EventTypes: []string{"a", "b"}}, []*hookswitch.Event{delivered, created, refused, waiting}},
			"tag":              {service.Recovery{Tag: "red"}, []*hookswitch.Event{delivered, created, held}},
			"label":            {service.Recovery{Label: "none has it"}, nil},
			"delivered":        {service.Recovery{States: states(hookswitch.DeliveryDelivered)}, []*hookswitch.Event{delivered, created}},
			"failed":           {service.Recovery{States: states(hookswitch.DeliveryFailed)}, []*hookswitch.Event{refused}},
			"waiting":          {service.Recovery{States: states(hookswitch.DeliveryPending)}, nil},
			"canceled":         {service.Recovery{States: states(hookswitch.DeliveryCanceled)}, []*hookswitch.Event{waiting, canceled}},
			"no state":         {service.Recovery{States: []hookswitch.DeliveryState{}}, nil},
			"class 200":        {service.Recovery{CodeClass: new(200)}, []*hookswitch.Event{delivered, created}},
			"class 400":        {service.Recovery{CodeClass: new(400)}, []*hookswitch.Event{refused}},
			"no answer":        {service.Recovery{CodeClass: new(0)}, []*hookswitch.Event{waiting}},
			"two filters":      {service.Recovery{Tag: "blue", EventTypes: []string{"b"}, CodeClass: new(200)}, []*hookswitch.Event{created}},
			"nothing by then":  {service.Recovery{Since: mid.Add(-2 * time.Hour), Until: mid.Add(-time.Hour)}, nil},
			"nothing so young": {service.Recovery{Since: mid.Add(time.Minute)}, nil},
		} {
			n, err := s.Service.CountRecovery(t.Context(), hookswitch.TaskBulkReplay, s.app.Key, s.ref(), withSince(c.r))
			if err != nil || int(n) != len(c.want) {
				t.Errorf("%s: counted %d, %v, want %d", name, n, err, len(c.want))
			}
			task := s.recovery(hookswitch.TaskBulkReplay, withSince(c.r))
			s.step(task)
			var asked []hookswitch.Key
			for key, row := range s.rows(s.ep.Key) {
				if row.Manual {
					asked = append(asked, key)
				}
			}
			s.wantEvents(name, asked, c.want...)
			servicetest.Must(s.Service.CancelTask(t.Context(), s.task(task)))(t)
		}
		task := s.recovery(hookswitch.TaskBulkReplay, service.Recovery{States: states(hookswitch.DeliveryDelivered)})
		s.step(task)
		s.wantEvents("tried", s.try(store.Restored, 500), delivered, created)
		if got := s.step(task); got.Status != hookswitch.TaskFinished || got.Done != 2 {
			t.Errorf("at the end: %+v", got)
		}
		for _, ev := range []*hookswitch.Event{delivered, created} {
			if d := s.Delivery(hookswitch.DeliverWebhook, ev.Key, s.ep.Key); d != nil {
				t.Errorf("what was delivered is owed again: %+v", d)
			}
		}
	})
}

func withSince(r service.Recovery) service.Recovery {
	if r.Since.IsZero() {
		r.Since = servicetest.Start.Add(-time.Hour)
	}
	return r
}

func TestPlanRecovery_CountsForAsLongAsItMay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		var events []*hookswitch.Event
		for range 1600 {
			events = append(events, &hookswitch.Event{Key: s.Service.NextKey(), App: s.app.Key, Type: "a", Payload: []byte(`{}`), Targets: []hookswitch.Target{{Endpoint: s.ep.Key, Held: true}}})
		}
		if err := s.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.Append(events, nil) }); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Minute)
		plan := func(within time.Duration) service.RecoveryPlan {
			t.Helper()
			return servicetest.Must(s.Service.PlanRecovery(t.Context(), hookswitch.TaskReplay, s.app.Key, s.ref(), service.Recovery{Since: servicetest.Start.Add(-time.Hour), OnlyOwed: true}, within))(t)
		}
		if p := plan(0); !p.More || p.Count == 0 || p.Count >= 1600 || p.First != events[0].Key {
			t.Errorf("without time: %+v, want some and more", p)
		}
		if p := plan(time.Hour); p.More || p.Count != 1600 || p.Last != events[1599].Key {
			t.Errorf("with time: %+v, want all", p)
		}
	})
}

func TestRecovery_RefusesWhatCannotBe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		now := s.Clock.Now()
		for name, c := range map[string]struct {
			kind  hookswitch.TaskKind
			r     service.Recovery
			field string
		}{
			"no since":        {hookswitch.TaskRecover, service.Recovery{}, "since"},
			"15 days":         {hookswitch.TaskRecover, service.Recovery{Since: now.AddDate(0, 0, -15)}, "since"},
			"the future":      {hookswitch.TaskReplay, service.Recovery{Since: now.Add(time.Hour)}, "since"},
			"until before":    {hookswitch.TaskReplay, service.Recovery{Since: now, Until: now.Add(-time.Second)}, "until"},
			"rate too high":   {hookswitch.TaskReplay, service.Recovery{Since: now, Rate: 10_001}, "ratePerSecond"},
			"rate below zero": {hookswitch.TaskBulkReplay, service.Recovery{Since: now, Rate: -1}, "ratePerSecond"},
		} {
			_, err := s.Service.StartRecovery(t.Context(), c.kind, s.app.Key, s.ref(), c.r, none)
			e, ok := err.(*hookswitch.Error)
			if !ok || e.Kind != hookswitch.Invalid || len(e.Fields) != 1 || e.Fields[0].Name() != c.field {
				t.Errorf("%s: got %v, want the field %s to be wrong", name, err, c.field)
			}
		}
		for kind, back := range map[hookswitch.TaskKind]time.Duration{hookswitch.TaskRecover: 14*24*time.Hour + 4*time.Minute, hookswitch.TaskReplay: 80 * 24 * time.Hour} {
			if _, err := s.Service.StartRecovery(t.Context(), kind, s.app.Key, s.ref(), service.Recovery{Since: now.Add(-back)}, none); err != nil {
				t.Errorf("%s since %v ago: %v", kind, back, err)
			}
		}
		s.Disable(s.ep)
		_, err := s.Service.StartRecovery(t.Context(), hookswitch.TaskReplay, s.app.Key, s.ref(), service.Recovery{Since: now}, none)
		if hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("disabled: got %v", err)
		}
		_, err = s.Service.StartRecovery(t.Context(), hookswitch.TaskReplay, s.App().Key, s.ref(), service.Recovery{Since: now}, none)
		if hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("another App's: got %v", err)
		}
	})
}

func TestRecovery_OnceForTheSameRequest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		idem := service.Idempotency{Caller: "c", Key: "k", Route: "r"}
		r := service.Recovery{Since: s.Clock.Now().Add(-time.Hour)}
		first := servicetest.Must(s.Service.StartRecovery(t.Context(), hookswitch.TaskRecover, s.app.Key, s.ref(), r, idem))(t)
		again := servicetest.Must(s.Service.StartRecovery(t.Context(), hookswitch.TaskRecover, s.app.Key, s.ref(), r, idem))(t)
		if first.Key != again.Key || len(s.Claim(hookswitch.DeliverTask)) != 1 {
			t.Errorf("two tasks: %v and %v", first.Key, again.Key)
		}
	})
}

func TestRecovery_EndsWhenItsEndpointDoes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		for name, end := range map[string]func(*scene){
			"disabled": func(s *scene) { s.Disable(s.ep) },
			"endpoint deleted": func(s *scene) {
				if err := s.Service.DeleteEndpoint(t.Context(), s.app.Key, s.ep.Key); err != nil {
					t.Fatal(err)
				}
			},
			"app deleted": func(s *scene) {
				if err := s.Service.DeleteApp(t.Context(), s.app.Key); err != nil {
					t.Fatal(err)
				}
			},
		} {
			s := &scene{World: w}
			s.app = s.App()
			s.ep = s.Endpoint(s.app, hookURL)
			s.Disable(s.ep)
			held := s.Publish(s.app, "a")
			s.Enable(s.ep)
			task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
			s.step(task)
			if d := s.Delivery(hookswitch.DeliverWebhook, held.Key, s.ep.Key); d == nil {
				t.Fatalf("%s: not asked for", name)
			}
			end(s)
			got := s.step(task)
			if got.Status != hookswitch.TaskFailed || got.Error == "" || got.Canceled {
				t.Errorf("%s: got %+v, want it failed with a reason", name, got)
			}
			s.wantData(task, map[string]any{"done": 0.0, "error": got.Error})
			if d := s.Delivery(hookswitch.DeliverWebhook, held.Key, s.ep.Key); d != nil {
				t.Errorf("%s: what was asked for is still there: %+v", name, d)
			}
			if d := s.Delivery(hookswitch.DeliverTask, task.Key, s.ep.Key); d != nil {
				t.Errorf("%s: the task is still owed: %+v", name, d)
			}
		}
	})
}

func TestRecovery_KeepsItsRate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		const total = 40
		for range total {
			s.Publish(s.app, "a")
		}
		s.Enable(s.ep)
		s.Clock.Advance(5 * time.Second)
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{Rate: 10, Until: s.Clock.Now().Add(-3 * time.Second)})
		start, inSecond := s.Clock.Now(), map[int64]int{}
		sent := 0
		for s.task(task).Status == hookswitch.TaskRunning {
			s.Clock.Advance(20 * time.Millisecond)
			for _, l := range s.Claim(hookswitch.DeliverTask) {
				servicetest.Must(s.Service.RunTask(t.Context(), &l.Outcome, l.Tries))(t)
			}
			n := len(s.try(store.Done, 200))
			inSecond[s.Clock.Now().Unix()] += n
			sent += n
		}
		for sec, n := range inSecond {
			if n > 11 {
				t.Errorf("%d in second %d", n, sec-start.Unix())
			}
		}
		if took := s.Clock.Now().Sub(start); sent != total || took > 6*time.Second {
			t.Errorf("%d sent in %v, want %d in about 4 s", sent, took, total)
		}
	})
}

func TestRecovery_KeepsFewOutstanding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Disabled)
		const total = 1700
		publishMany(s.World, s.app, total)
		s.Enable(s.ep)
		task := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		seen := map[hookswitch.Key]int{}
		for got := task; got.Status == hookswitch.TaskRunning; {
			got = s.step(task)
			if n := servicetest.Must(s.Store.Outstanding(t.Context(), task.Key))(t); n > 1000 {
				t.Fatalf("%d tries outstanding", n)
			}
			for _, key := range s.try(store.Done, 200) {
				seen[key]++
			}
		}
		wantOnce(t, seen, total)
	})
}

func TestRecovery_OfAnOrderedEndpointGoesThroughItsQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db, servicetest.Filter("a"))
		before := s.Publish(s.app, "a")
		s.try(store.Exhausted, 500) // of the time before the endpoint was ordered
		delivered := s.Publish(s.app, "a")
		s.try(store.Done, 200)
		late := s.Publish(s.app, "b")
		servicetest.Must(s.Service.UpdateEndpoint(t.Context(), s.app.Key, s.ep.Key, func(e *hookswitch.Endpoint) error {
			e.Ordered, e.EventTypes = true, nil
			return nil
		}))(t)
		s.Disable(s.ep)
		queued := s.Publish(s.app, "a")
		s.Enable(s.ep)
		missing := s.recovery(hookswitch.TaskReplay, service.Recovery{})
		if missing.Total != 1 {
			t.Errorf("missing %d, want the one that the filter matches now", missing.Total)
		}
		all := s.recovery(hookswitch.TaskBulkReplay, service.Recovery{})
		if all.Total != 2 { // what stands in the queue has its turn
			t.Errorf("to be sent again %d, want 2", all.Total)
		}
		s.step(missing)
		servicetest.Must(s.Service.CancelTask(t.Context(), s.task(missing)))(t)
		s.step(all)
		if n := servicetest.Must(s.Store.Outstanding(t.Context(), all.Key))(t); n != 2 {
			t.Fatalf("asked for %d", n)
		}
		servicetest.Must(s.Service.CancelTask(t.Context(), s.task(all)))(t)
		if d := s.Delivery(hookswitch.DeliverOrdered, before.Key, s.ep.Key); d == nil || d.State != hookswitch.DeliveryFailed {
			t.Errorf("what had failed, after the cancel: %+v", d)
		}
		for _, ev := range []*hookswitch.Event{delivered, late} {
			if d := s.Delivery(hookswitch.DeliverOrdered, ev.Key, s.ep.Key); d != nil {
				t.Errorf("after the cancel: %+v", d)
			}
		}
		all = s.recovery(hookswitch.TaskBulkReplay, service.Recovery{})
		s.step(all)
		missing = s.recovery(hookswitch.TaskReplay, service.Recovery{})
		var order []hookswitch.Key
		for range 20 {
			s.step(all)
			for _, l := range s.Claim(hookswitch.DeliverOrdered) {
				if l.Target == s.ep.Key {
					order = append(order, l.Subject)
					s.Succeed(l, false)
				}
			}
		}
		if diff := cmp.Diff(keysOf(queued, before, delivered, late), order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		for _, task := range []*hookswitch.Task{all, missing} {
			if got := s.task(task); got.Status != hookswitch.TaskFinished || got.Done != got.Total {
				t.Errorf("at the end: %+v", got)
			}
		}
	})
}
