package deliver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// idle waits until nothing runs.
func idle(w *servicetest.World) {
	w.TB.Helper()
	servicetest.Eventually(w.TB, "nothing runs", func() bool {
		for _, q := range servicetest.Must(w.Service.Queues(context.Background()))(w.TB) {
			if q.Running > 0 {
				return false
			}
		}
		return true
	})
}

func TestPause_WhatIsAcceptedWaitsAndIsDeliveredAfterwards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		receiver := servicetest.NewReceiver(t)
		app := w.App()
		ep := w.Endpoint(app, receiver.URL)
		w.Endpoint(app, receiver.URL, servicetest.Ordered)
		w.Sender(app, "+15550001", hookswitch.WhatsApp, true)
		running := w.Run(func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{Text: "Hello"}, nil
		})
		ctx := service.By(context.Background(), hookswitch.Actor{Kind: hookswitch.ActorOperator})
		if _, err := w.Service.Pause(ctx, strings.Repeat("x", service.MaxPauseNote+1)); hookswitch.KindOf(err) != hookswitch.Invalid || w.Service.Paused() != nil {
			t.Fatalf("a long reason: %v", err)
		}
		pause := servicetest.Must(w.Service.Pause(ctx, "  Moving the database "))(t)
		if pause.Note != "Moving the database" || !pause.Since.Equal(w.Clock.Now()) || !running.Engine.Held() {
			t.Errorf("the pause is %+v", pause)
		}
		ev := w.Publish(app, "order.paid")
		if _, err := w.Push(servicetest.Update{Channel: hookswitch.WhatsApp, Address: "+15550001", Dedup: "1", Message: &hookswitch.InboundMessage{From: "+15559999", Text: "Hi", Type: "text", ProviderID: "1"}}); err != nil {
			t.Fatal(err)
		}
		if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); d == nil || d.Owner != 0 {
			t.Errorf("what is owed is %+v", d)
		}
		if n := len(w.Messages(app)); n != 1 {
			t.Errorf("%d messages are stored", n)
		}
		w.Clock.Advance(time.Hour)
		idle(w)
		if n := len(receiver.Got()); n != 0 {
			t.Errorf("%d requests came during the pause", n)
		}
		// Another note is the same pause.
		if again := servicetest.Must(w.Service.Pause(ctx, "Still"))(t); !again.Since.Equal(pause.Since) || w.Service.Paused().Note != "Still" {
			t.Errorf("the pause became %+v", again)
		}
		if err := w.Service.Resume(ctx); err != nil {
			t.Fatal(err)
		}
		servicetest.Eventually(t, "everything is delivered, and the message answered", func() bool {
			w.Clock.Advance(time.Millisecond)
			got := 0
			for _, r := range receiver.Got() {
				if string(r.Body) == `{"n":1}` {
					got++
				}
			}
			return got == 2 && len(w.Messages(app)) == 2
		})
		list, _, err := w.Service.AllActivities(context.Background(), store.ActivityFilter{Actor: hookswitch.ActorOperator}, store.Page{Limit: 10})
		if err != nil || len(list) != 3 || list[0].Action != hookswitch.DidResume || list[1].Action != hookswitch.DidPause || list[2].Details["Note"] != "Moving the database" || list[0].App != hookswitch.OrganizationApp {
			t.Errorf("noted: %v, %v", list, err)
		}
	})
}

func TestPause_HoldsOnANodeThatStartsAndOnOthers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		ctx := context.Background()
		if _, err := w.Service.Pause(ctx, ""); err != nil {
			t.Fatal(err)
		}
		twin := w.Twin()
		running := twin.Run(nil)
		if err := twin.Service.FollowPause(ctx); err != nil || !running.Engine.Held() || twin.Service.Paused() == nil {
			t.Errorf("another one goes on: %v", err)
		}
		if err := w.Service.Resume(ctx); err != nil {
			t.Fatal(err)
		}
		if err := twin.Service.FollowPause(ctx); err != nil || running.Engine.Held() || twin.Service.Paused() != nil {
			t.Errorf("another one holds on: %v", err)
		}
		if err := w.Service.Resume(ctx); err != nil {
			t.Errorf("where there is no pause: %v", err)
		}
	})
}

func TestDrainNode_TheNodeTakesNoWorkUntilItStartsAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		receiver := servicetest.NewReceiver(t)
		app := w.App()
		w.Endpoint(app, receiver.URL)
		running := w.Run(nil)
		ctx := context.Background()
		own := w.Store.Node().Number
		if err := w.Service.DrainNode(ctx, 77, true); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("a node that is none: %v", err)
		}
		if err := w.Service.DrainNode(ctx, own, true); err != nil {
			t.Fatal(err)
		}
		if !running.Engine.Held() || !w.Service.Drained() || w.Service.Paused() != nil {
			t.Error("it takes work")
		}
		w.Publish(app, "order.paid")
		idle(w)
		nodes := servicetest.Must(w.Service.Nodes(ctx))(t)
		if len(nodes) != 1 || nodes[0].DrainedAt.IsZero() || len(receiver.Got()) != 0 {
			t.Errorf("the nodes are %+v, and %d requests came", nodes, len(receiver.Got()))
		}
		if err := w.Service.DrainNode(ctx, own, false); err != nil || w.Service.Drained() {
			t.Fatalf("it does not take work again: %v", err)
		}
		servicetest.Eventually(t, "it delivers again", func() bool { return len(receiver.Got()) == 1 })
		if err := w.Service.DrainNode(ctx, own, true); err != nil {
			t.Fatal(err)
		}
		if err := running.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := w.Store.Close(); err != nil {
			t.Fatal(err)
		}
		again := w.Reopen()
		if err := again.Service.FollowPause(ctx); err != nil || again.Service.Drained() {
			t.Errorf("after a new start it takes no work: %v", err)
		}
	})
}
