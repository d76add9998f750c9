package service_test

import (
	"context"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// chatScene is a sender with a web chat over the fake provider.
func chatScene(t *testing.T, db *storetest.DB) (w *servicetest.World, app *hookswitch.App, say func(visitor, id, text string, metadata map[string]any), visitor func(address string) service.Visitor) {
	w = servicetest.New(t, db)
	app = w.App()
	sender := w.Sender(app, "chat", hookswitch.WebChat, true)
	say = func(visitor, id, text string, metadata map[string]any) {
		t.Helper()
		u := servicetest.Text("chat", visitor, id, text)
		u.Channel, u.Message.Metadata = hookswitch.WebChat, metadata
		servicetest.Must(w.Push(u))(t)
	}
	visitor = func(address string) service.Visitor {
		return service.Visitor{Route: &sender.Routes[0], Address: address}
	}
	return w, app, say, visitor
}

func rung(bell <-chan struct{}) bool {
	select {
	case <-bell:
		return true
	default:
		return false
	}
}

func TestVisitors_AreWokenByWhatChangesTheirConversation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w, _, say, visitor := chatScene(t, db)
		ctx := context.Background()
		v, other := visitor("vis_1"), w.Service.VisitorBell(visitor("vis_2"))
		answering := func() bool {
			t.Helper()
			conv := servicetest.Must(w.Service.VisitorConversation(ctx, v))(t)
			return servicetest.Must(w.Service.Answering(ctx, conv.Key))(t)
		}
		woken := func(what string, do func()) {
			t.Helper()
			bell := w.Service.VisitorBell(v)
			if do(); !rung(bell) {
				t.Errorf("nobody is woken by %s", what)
			}
		}
		if _, err := w.Service.VisitorConversation(ctx, v); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("before the first message: %v", err)
		}
		woken("a message", func() { say("vis_1", "1", "one", nil) })
		if !answering() {
			t.Error("an answer that is owed is not on its way")
		}
		run := w.Claim(hookswitch.DeliverRespond)[0]
		if !answering() {
			t.Error("an answer that is being made is not on its way")
		}
		woken("an answer", func() {
			if err := w.Service.CommitReply(ctx, &run.Outcome, hookswitch.Reply{Text: "yes"}); err != nil {
				t.Fatal(err)
			}
		})
		if !answering() {
			t.Error("an answer that is yet to be sent is not on its way")
		}
		send := w.Claim(hookswitch.DeliverMessage)[0]
		servicetest.Must(w.Service.BeginSend(ctx, &send.Outcome))(t)
		woken("an answer that was sent", func() {
			servicetest.Must(w.Service.FinishSend(ctx, &send.Outcome, 0, hookswitch.Accepted{ProviderID: "p", Sent: true}, nil))(t)
		})
		if answering() {
			t.Error("an answer that has been sent is still on its way")
		}
		say("vis_1", "2", "two", nil)
		run = w.Claim(hookswitch.DeliverRespond)[0]
		woken("the end of a run that says nothing", func() {
			if err := w.Service.CommitReply(ctx, &run.Outcome, hookswitch.Reply{}); err != nil {
				t.Fatal(err)
			}
		})
		if answering() {
			t.Error("a run that said nothing still goes on")
		}
		if rung(other) {
			t.Error("another visitor is woken too")
		}
	})
}

func TestVisitors_SeeWhatTheyWroteAndWhatWasSentToThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w, app, say, visitor := chatScene(t, db)
		ctx := context.Background()
		seen := func(address string, limit int) (service.VisitorPage, []string) {
			t.Helper()
			v := visitor(address)
			conv := servicetest.Must(w.Service.VisitorConversation(ctx, v))(t)
			page := servicetest.Must(w.Service.VisitorMessages(ctx, v, conv.Key, store.Page{Limit: limit, Ascending: true}))(t)
			var out []string
			for _, m := range page.Messages {
				out = append(out, m.Text)
			}
			return page, out
		}
		say("vis_1", "1", "one", nil)
		run := w.Claim(hookswitch.DeliverRespond)[0]
		if err := w.Service.CommitReply(ctx, &run.Outcome, hookswitch.Reply{Text: "answer"}); err != nil {
			t.Fatal(err)
		}
		say("vis_1", "2", "two", nil)
		// The same person, as another browser knows them: the conversation is one, and yet what one writes is not the other's to read.
		say("vis_2", "3", "three", map[string]any{"userId": "vis_1"})
		answer := w.Messages(app)[1]
		page, got := seen("vis_1", 10)
		if !slices.Equal(got, []string{"one", "two"}) || !slices.Equal(page.Open, []hookswitch.Key{answer.Key}) || page.Full {
			t.Errorf("sees %v, open %v", got, page.Open)
		}
		if page, got := seen("vis_1", 2); !slices.Equal(got, []string{"one"}) || !page.Full || page.Last != answer.Key {
			t.Errorf("a page of two: %v up to %d", got, page.Last)
		}
		if _, got := seen("vis_2", 10); !slices.Equal(got, []string{"three"}) {
			t.Errorf("the other browser sees %v", got)
		}
		send := w.Claim(hookswitch.DeliverMessage)[0]
		servicetest.Must(w.Service.BeginSend(ctx, &send.Outcome))(t)
		if page, _ := seen("vis_1", 10); len(page.Open) != 1 {
			t.Errorf("while it is being sent: %+v", page)
		}
		servicetest.Must(w.Service.FinishSend(ctx, &send.Outcome, 0, hookswitch.Accepted{}, &hookswitch.SendError{Code: "no"}))(t)
		if page, got := seen("vis_1", 10); len(page.Open) != 0 || len(got) != 2 {
			t.Errorf("what could not be sent is shown: %v", got)
		}
		if m := servicetest.Must(w.Service.VisitorMessage(ctx, visitor("vis_1"), "2"))(t); m.Text != "two" {
			t.Errorf("by its id: %+v", m)
		}
		if _, err := w.Service.VisitorMessage(ctx, visitor("vis_2"), "2"); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("somebody else's, by its id: %v", err)
		}
	})
}
