package service_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// written has a person write to a sender of an App of their own.
func written(t *testing.T, w *servicetest.World) (*hookswitch.App, *hookswitch.Contact) {
	t.Helper()
	app := w.App()
	w.Endpoint(app, "https://a.example/")
	w.Sender(app, "100", hookswitch.WhatsApp, false)
	for i, from := range []string{"+14155550100", "+14155550199"} {
		if _, err := w.Push(servicetest.Update{Channel: hookswitch.WhatsApp, Address: "100", Dedup: fmt.Sprint(i), Message: &hookswitch.InboundMessage{ProviderID: fmt.Sprint("p", i), From: from, To: "100", ProfileName: "Ann", Text: "Hello " + from, Type: "text"}}); err != nil {
			t.Fatal(err)
		}
	}
	return app, servicetest.Must(w.Service.ContactNamed(context.Background(), app.Key, "+14155550100"))(t)
}

// lines are what is exported, by the first of their fields.
func lines(t *testing.T, w *servicetest.World, app, contact hookswitch.Key) (kinds map[string]int, text string) {
	t.Helper()
	kinds = make(map[string]int)
	var b strings.Builder
	if err := w.Service.Export(context.Background(), app, contact, func(line []byte) error {
		kind, _, _ := strings.Cut(strings.TrimPrefix(string(line), `{"kind":"`), `"`)
		kinds[kind]++
		b.Write(line)
		b.WriteByte('\n')
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return kinds, b.String()
}

func TestErasePerson_NothingNamesThemAnyMoreAndNobodyElseIsForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, ann := written(t, w)
		other, _ := published(t, w)
		publish := func(payload string) {
			servicetest.Must(w.Service.PublishEvent(context.Background(), app, service.Publish{Type: "order.paid", Payload: []byte(payload)}, service.Idempotency{}))(t)
		}
		publish(`{"phone":"\u002b14155550100"}`)
		publish(`{"order":"914155550100"}`)
		publish(`{"nobody":true}`)
		w.Clock.Advance(time.Second)
		kinds, mine := lines(t, w, app.Key, ann.Key)
		if kinds["contact"] != 1 || kinds["conversation"] != 1 || kinds["message"] != 1 || kinds["event"] < 2 || strings.Contains(mine, "199") || strings.Contains(mine, "914155550100") {
			t.Errorf("what is exported of a person: %v\n%s", kinds, mine)
		}
		task := servicetest.Must(w.Service.ErasePerson(context.Background(), app.Key, "+14155550100"))(t)
		for range 50 {
			for _, l := range w.Claim(hookswitch.DeliverTask) {
				if _, err := w.Service.RunTask(context.Background(), &l.Outcome, 0); err != nil {
					t.Fatal(err)
				}
			}
			if now := servicetest.Must(w.Store.Task(context.Background(), task.Key))(t); now.Status != hookswitch.TaskRunning {
				task = now
				break
			}
			w.Clock.Advance(time.Second)
		}
		if task.Status != hookswitch.TaskFinished {
			t.Fatalf("the task is %+v", task)
		}
		if _, err := w.Service.ContactNamed(context.Background(), app.Key, "+14155550100"); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("the person is still known: %v", err)
		}
		kinds, all := lines(t, w, app.Key, 0)
		if strings.Contains(strings.ReplaceAll(all, "914155550100", ""), "4155550100") {
			t.Errorf("they are still named:\n%s", all)
		}
		if kinds["contact"] != 1 || kinds["conversation"] != 1 || kinds["message"] != 1 || !strings.Contains(all, "Hello +14155550199") || !strings.Contains(all, "914155550100") || !strings.Contains(all, `{\"nobody\":true}`) {
			t.Errorf("somebody else is forgotten: %v\n%s", kinds, all)
		}
		if _, theirs := lines(t, w, other.Key, 0); !strings.Contains(theirs, "+14155550100") {
			t.Error("another customer has forgotten them")
		}
		if list, _, err := w.Service.AllActivities(context.Background(), store.ActivityFilter{Action: hookswitch.DidErase}, store.Page{Limit: 5}); err != nil || len(list) != 1 || strings.Contains(list[0].Name, "415") {
			t.Errorf("noted: %v, %v", list, err)
		}
		if _, err := w.Service.ErasePerson(context.Background(), app.Key, "+14155550100"); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("once more: %v", err)
		}
	})
}

// published is an App of which an event names the same person.
func published(t *testing.T, w *servicetest.World) (*hookswitch.App, *hookswitch.Event) {
	t.Helper()
	app := w.App()
	ev := servicetest.Must(w.Service.PublishEvent(context.Background(), app, service.Publish{Type: "order.paid", Payload: []byte(`"+14155550100"`)}, service.Idempotency{}))(t)
	return app, ev
}

func TestExport_LeavesSecretsOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app, _ := written(t, w)
		ep := w.Endpoint(app, "https://b.example/", func(e *hookswitch.Endpoint) { e.Headers = map[string]string{"Authorization": "Bearer geheim"} })
		if _, err := w.Service.RevealSecrets(context.Background(), app.Key, ep.Key); err != nil {
			t.Fatal(err)
		}
		kinds, text := lines(t, w, app.Key, 0)
		for _, kind := range []string{"application", "endpoint", "sender", "contact", "conversation", "message", "event", "activity"} {
			if kinds[kind] == 0 {
				t.Errorf("no line is of kind %s", kind)
			}
		}
		for _, secret := range []string{"geheim", "fake-secret", "whsec_"} {
			if strings.Contains(text, secret) {
				t.Errorf("it holds %s", secret)
			}
		}
	})
}

func TestHousekeep_WhatDeletedAppsHadIsRemoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := context.Background()
		app, _ := written(t, w)
		kept, _ := published(t, w)
		if err := w.Service.DeleteApp(ctx, app.Key); err != nil {
			t.Fatal(err)
		}
		for range 3 { // the first finds that it has not been deleted for long
			if _, err := w.Store.Housekeep(ctx, store.HousekeepOptions{}); err != nil {
				t.Fatal(err)
			}
			if n := len(w.Events(app)); n == 0 {
				break
			}
			w.Clock.Advance(2 * time.Hour)
		}
		left := map[string]int{"events": len(w.Events(app)), "messages": len(w.Messages(app)), "contacts": len(servicetest.Must(w.Service.Contacts(ctx, app.Key, store.Page{Limit: 10}))(t)),
			"conversations": len(servicetest.Must(w.Service.Conversations(ctx, app.Key, store.Page{Limit: 10}))(t)), "endpoints": len(servicetest.Must(w.Store.AllEndpoints(ctx, app.Key))(t))}
		for what, n := range left {
			if n != 0 {
				t.Errorf("%d %s are left", n, what)
			}
		}
		if list := servicetest.Must(w.Service.Activities(ctx, app.Key, store.ActivityFilter{}, store.Page{Limit: 10}))(t); !slices.ContainsFunc(list, func(a *hookswitch.Activity) bool { return a.Action == hookswitch.DidDeleteApp }) {
			t.Error("nobody knows who deleted it")
		}
		if len(w.Events(kept)) != 1 {
			t.Error("what another one has is gone")
		}
		meddled, err := w.Store.Housekeep(ctx, store.HousekeepOptions{})
		if err != nil || meddled.Erased != 0 {
			t.Errorf("it is removed again: %+v, %v", meddled, err)
		}
	})
}
