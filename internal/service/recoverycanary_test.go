package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// failing publishes n events that are given up at once.
func (s *scene) failing(n int) (list []*hookswitch.Event) {
	s.TB.Helper()
	for range n {
		list = append(list, s.Publish(s.app, "a"))
	}
	s.try(store.Exhausted, 500)
	return list
}

func TestRecovery_SendsTheOthersWhenTheFirstGotThrough(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		events := s.failing(7)
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{Canary: 3})
		if got := s.step(task); got.Done != 3 {
			t.Fatalf("at first %d are sent, want 3", got.Done)
		}
		if got := s.step(task); got.Done != 3 || got.Status != hookswitch.TaskRunning {
			t.Fatalf("while those wait: %+v", got)
		}
		s.wantEvents("first", s.try(store.Done, 200), events[:3]...)
		if got := s.step(task); got.Done != 7 {
			t.Fatalf("after those got through: %+v", got)
		}
		s.wantEvents("then", s.try(store.Done, 200), events[3:]...)
		if got := s.step(task); got.Status != hookswitch.TaskFinished || got.Done != 7 || got.Skipped != 0 {
			t.Errorf("at the end: %+v", got)
		}
		s.wantData(task, map[string]any{"canary": 3.0, "done": 7.0})
	})
}

func TestRecovery_EndsWhenOneOfTheFirstFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		events := s.failing(7)
		task := s.recovery(hookswitch.TaskRecover, service.Recovery{Canary: 3})
		s.step(task)
		s.try(store.Restored, 503)
		got := s.step(task)
		if got.Status != hookswitch.TaskFailed || got.Done != 3 || got.Error != "3 of the first 3 failed, so the others were not sent" {
			t.Fatalf("after the first failed: %+v", got)
		}
		if n, more, err := s.Service.RecoveryFailures(t.Context(), got); n != 3 || more || err != nil {
			t.Errorf("%d failures, more %v, %v; want 3", n, more, err)
		}
		// It goes on with all of them, and with the first alone again.
		next := servicetest.Must(s.Service.ResumeRecovery(t.Context(), s.endpoint(), s.Service.IDs().Format(hookswitch.KindTask, task.Key), none))(t)
		if next.Total != 7 {
			t.Errorf("the one that goes on counts %d, want 7", next.Total)
		}
		s.step(next)
		s.wantEvents("first again", s.try(store.Done, 200), events[:3]...)
		s.step(next)
		s.wantEvents("then", s.try(store.Done, 200), events[3:]...)
		if got := s.step(next); got.Status != hookswitch.TaskFinished {
			t.Errorf("at the end: %+v", got)
		}
		s.wantData(next, map[string]any{"resumes": s.Service.IDs().Format(hookswitch.KindTask, task.Key), "canary": 3.0})
		if n, _, err := s.Service.RecoveryFailures(t.Context(), s.task(next)); n != 0 || err != nil {
			t.Errorf("%d failures of the one that went on, %v; want none", n, err)
		}
	})
}

// endpoint is the endpoint as it stands.
func (s *scene) endpoint() *hookswitch.Endpoint {
	s.TB.Helper()
	return servicetest.Must(s.Service.Endpoint(s.TB.Context(), s.app.Key, s.ref()))(s.TB)
}

func TestResumeRecovery_LeavesOutWhatGotThrough(t *testing.T) {
	for _, kind := range []hookswitch.TaskKind{hookswitch.TaskReplay, hookswitch.TaskBulkReplay} {
		t.Run(string(kind), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				s := newScene(t, db)
				s.Disable(s.ep)
				events := []*hookswitch.Event{s.Publish(s.app, "a"), s.Publish(s.app, "a"), s.Publish(s.app, "a"), s.Publish(s.app, "a")}
				s.Enable(s.ep)
				task := s.recovery(kind, service.Recovery{Rate: 2, OnlyOwed: true})
				id := s.Service.IDs().Format(hookswitch.KindTask, task.Key)
				s.step(task)
				if _, err := s.Service.ResumeRecovery(t.Context(), s.endpoint(), id, none); hookswitch.KindOf(err) != hookswitch.Conflict {
					t.Errorf("going on with one that runs: %v", err)
				}
				list := s.Claim(hookswitch.DeliverWebhook)
				if len(list) != 2 {
					t.Fatalf("%d tries at first, want 2", len(list))
				}
				failed := s.Fail(list[1], 500)
				failed.Verdict = store.Restored
				s.Service.Record(failed)
				s.Succeed(list[0], false)
				s.Clock.Advance(time.Minute)
				servicetest.Must(s.Service.CancelRecovery(t.Context(), s.endpoint(), id))(t)
				later := s.Publish(s.app, "a") // was none of it
				next := servicetest.Must(s.Service.ResumeRecovery(t.Context(), s.endpoint(), id, none))(t)
				if next.Total != 3 {
					t.Errorf("the one that goes on counts %d, want 3", next.Total)
				}
				var asked []hookswitch.Key
				for range 4 {
					s.step(next)
					asked = append(asked, s.try(store.Done, 200)...)
				}
				s.wantEvents("then", asked, append(events[1:], later)...)
				if got := s.step(next); got.Status != hookswitch.TaskFinished {
					t.Errorf("at the end: %+v", got)
				}
				if _, err := s.Service.ResumeRecovery(t.Context(), s.endpoint(), s.Service.IDs().Format(hookswitch.KindTask, next.Key), none); hookswitch.KindOf(err) != hookswitch.Conflict {
					t.Errorf("going on with one that is done: %v", err)
				}
			})
		})
	}
}

func TestPlanRecovery_SaysHowMuchAndHowLong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newScene(t, db)
		payloads := []string{`{"order":17,"text":"Habari"}`, `{"order":18,"text":"Asante sana"}`, `{"order":170}`}
		size := 0
		for i, p := range payloads {
			tags := []string{"red"}
			if i == 2 {
				tags = []string{"blue"}
			}
			servicetest.Must(s.Service.PublishEvent(t.Context(), s.app, service.Publish{Type: "a", Tags: tags, Payload: []byte(p)}, none))(t)
			size += len(p)
		}
		s.try(store.Exhausted, 500)
		for name, c := range map[string]struct {
			r     service.Recovery
			count int64
			takes time.Duration
		}{
			"all":          {service.Recovery{Rate: 1}, 3, 3 * time.Second},
			"nothing told": {service.Recovery{}, 3, 0},
			"tag":          {service.Recovery{Tag: "red", Rate: 2}, 2, time.Second},
			"answers":      {service.Recovery{CodeClass: new(500), Rate: 3}, 3, time.Second},
			"no answers":   {service.Recovery{CodeClass: new(400)}, 0, 0},
			"member":       {service.Recovery{Text: "order:17", Rate: 1}, 1, time.Second},
			"text":         {service.Recovery{Text: `"Asante sana"`, Rate: 1}, 1, time.Second},
			"texts":        {service.Recovery{Text: `Asante order:17`}, 0, 0},
		} {
			for kind := range map[hookswitch.TaskKind]bool{hookswitch.TaskRecover: true, hookswitch.TaskBulkReplay: true} {
				p := servicetest.Must(s.Service.PlanRecovery(t.Context(), kind, s.app.Key, s.ref(), withSince(c.r), time.Minute))(t)
				if p.Count != c.count || p.Takes != c.takes || c.count == 3 && p.Bytes != int64(size) {
					t.Errorf("%s, %s: %+v, want %d in %s, all are %d bytes", name, kind, p, c.count, c.takes, size)
				}
			}
		}
		for _, text := range []string{"status:failed", "after:1h order:17", strings.Repeat("x", 3000)} {
			_, err := s.Service.PlanRecovery(t.Context(), hookswitch.TaskRecover, s.app.Key, s.ref(), withSince(service.Recovery{Text: text}), time.Minute)
			if hookswitch.KindOf(err) != hookswitch.Invalid {
				t.Errorf("the text %.20s: %v", text, err)
			}
		}
	})
}
