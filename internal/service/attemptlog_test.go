package service_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/svix/svix-webhooks/go/models"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// logged are the attempts that the log has told of, in the order of the events, and how many there were in each.
func logged(t *testing.T, w *servicetest.World) (list []models.MessageAttemptLog, sizes []int) {
	t.Helper()
	for _, ev := range w.Events(organization(t, w)) {
		if ev.Type != hookswitch.EventAttemptLog {
			continue
		}
		var e models.MessageAttemptLogEvent
		if err := json.Unmarshal(ev.Payload, &e); err != nil || e.Type != ev.Type {
			t.Fatalf("%v in %s", err, ev.Payload)
		}
		list, sizes = append(list, e.Data...), append(sizes, len(e.Data))
	}
	return list, sizes
}

// try has everything that is due fail or succeed.
func try(t *testing.T, w *servicetest.World, ok bool) {
	t.Helper()
	for _, l := range w.Claim(hookswitch.DeliverWebhook) {
		o := w.Fail(l, 500)
		o.Verdict, o.Next = store.Retry, w.Clock.Now().Add(time.Minute)
		if ok {
			o = w.Fail(l, 200)
			o.Verdict = store.Done
		}
		w.Service.Record(o)
	}
	w.Flush()
}

func logAttempts(t *testing.T, w *servicetest.World) {
	t.Helper()
	if err := w.Service.LogAttempts(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLogAttempts_TellsOfEachOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org, app := organization(t, w), w.App(func(a *hookswitch.App) { a.UID = "app-uid" })
		ep := w.Endpoint(app, hookURL)
		w.Publish(app, "before") // nobody wants the log yet
		try(t, w, true)
		w.Endpoint(org, hookURL) // gets everything else
		w.Clock.Advance(time.Minute)
		logAttempts(t, w)
		w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.EventAttemptLog))

		ev := w.Publish(app, "a")
		try(t, w, false)
		w.Clock.Advance(time.Second)
		logAttempts(t, w)
		if list, _ := logged(t, w); len(list) != 0 {
			t.Errorf("%d attempts are told of, which others could still overtake", len(list))
		}
		w.Clock.Advance(time.Minute)
		try(t, w, true)
		second := w.Clock.Now()
		w.Clock.Advance(3 * time.Second)
		for range 3 {
			logAttempts(t, w)
		}
		list, sizes := logged(t, w)
		if diff := cmp.Diff([]int{2}, sizes); diff != "" {
			t.Fatalf("events with so many attempts: %s", diff)
		}
		ids := w.Service.IDs()
		for i, a := range list {
			if a.AppId != ids.Format(hookswitch.KindApp, app.Key) || *a.AppUid != "app-uid" || a.EndpointId != ids.Format(hookswitch.KindEndpoint, ep.Key) ||
				a.MsgId != ids.Format(hookswitch.KindEvent, ev.Key) || *a.EventType != "a" || a.MsgEventId != nil || a.OrgId == "" || int(a.AttemptCount) != i+1 || !a.MsgCreated.Equal(ev.CreatedAt()) {
				t.Errorf("attempt %d: %+v", i, a)
			}
		}
		if a, b := list[0], list[1]; a.Status != models.MESSAGESTATUS_FAIL || a.ResponseStatusCode != 500 || b.Status != models.MESSAGESTATUS_SUCCESS || b.ResponseStatusCode != 200 || !b.AttemptEnd.Equal(second) {
			t.Errorf("%+v and %+v", a, b)
		}
		// What becomes of the log itself, and of other operational events, is not logged.
		try(t, w, true)
		w.Clock.Advance(time.Minute)
		logAttempts(t, w)
		if list, _ := logged(t, w); len(list) != 2 {
			t.Errorf("%d attempts are told of, want 2", len(list))
		}
	})
}

func TestLogAttempts_BeginsAndEndsWithWhoWantsIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		org, app := organization(t, w), w.App()
		w.Endpoint(app, hookURL)
		ep := w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.EventAttemptLog))
		attempt := func() {
			w.Publish(app, "a")
			try(t, w, true)
			w.Clock.Advance(time.Minute)
			logAttempts(t, w)
		}
		for _, step := range []struct {
			name string
			do   func()
			want int
		}{
			{"made", func() {}, 1},
			{"disabled", func() { w.Disable(ep) }, 1},
			{"still disabled", func() {}, 1},
			{"enabled", func() { w.Enable(ep) }, 2},
			{"disabled by the rule", func() {
				w.Publish(app, "a")
				try(t, w, true)
				w.Clock.Advance(time.Minute)
				logAttempts(t, w)
				for _, l := range w.Claim(hookswitch.DeliverWebhook) {
					if err := w.Service.Exhaust(t.Context(), w.Fail(l, 410), true); err != nil {
						t.Fatal(err)
					}
				}
			}, 3},
			{"deleted", func() {
				w.Enable(ep)
				if err := w.Service.DeleteEndpoint(t.Context(), org.Key, ep.Key); err != nil {
					t.Fatal(err)
				}
			}, 3},
			{"another", func() { w.Endpoint(org, hookURL, servicetest.Filter(hookswitch.EventAttemptLog)) }, 4},
		} {
			step.do()
			attempt()
			if list, _ := logged(t, w); len(list) != step.want {
				t.Fatalf("%s: %d attempts are told of, want %d", step.name, len(list), step.want)
			}
		}
	})
}

func TestLogAttempts_OfManyAtOnceTellsOfEachOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		other := w.Twin()
		if db.Postgres {
			other = w.OtherNode()
		}
		app := w.App()
		w.Endpoint(app, hookURL)
		w.Endpoint(organization(t, w), hookURL, servicetest.Filter(hookswitch.EventAttemptLog))
		const n = 450 // more than two batches
		for range n {
			w.Publish(app, "a")
		}
		try(t, w, true)
		w.Clock.Advance(10 * time.Second)
		var wg sync.WaitGroup
		for i := range 6 {
			node := []*servicetest.World{w, other}[i%2]
			wg.Go(func() { logAttempts(t, node) })
		}
		wg.Wait()
		list, sizes := logged(t, w)
		seen := make(map[string]bool)
		for _, a := range list {
			seen[a.AttemptId] = true
		}
		if len(list) != n || len(seen) != n {
			t.Errorf("%d records of %d attempts, want %d of as many", len(list), len(seen), n)
		}
		slices.Sort(sizes) // in one millisecond the keys of two nodes do not tell which event was first
		if diff := cmp.Diff([]int{50, 200, 200}, sizes); diff != "" {
			t.Errorf("events with so many attempts: %s", diff)
		}
	})
}

func TestLogAttempts_WaitsForWhatIsNotCommittedYet(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Endpoint(app, hookURL)
		w.Endpoint(organization(t, w), hookURL, servicetest.Filter(hookswitch.EventAttemptLog))
		w.Publish(app, "a")
		w.Publish(app, "a")
		claimed := w.Claim(hookswitch.DeliverWebhook)
		early, late := w.Fail(claimed[0], 500), w.Fail(claimed[1], 500)
		w.Clock.Advance(time.Minute)
		w.Service.Record(late)
		w.Flush()
		// The earlier one comes late: as long as it waits to be committed the log stays before it.
		w.Service.Record(early)
		logAttempts(t, w)
		w.Flush()
		logAttempts(t, w)
		if list, _ := logged(t, w); len(list) != 2 {
			t.Errorf("%d attempts are told of, want 2", len(list))
		}
	})
}
