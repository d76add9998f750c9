package service_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestCommitReply_OnceAndNotOverAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "one"}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(c.Messages(c.app)); n != 2 {
			t.Errorf("%d messages, want the question and one answer", n)
		}
		if n, err := c.Service.FailReply(t.Context(), &run.Outcome, 0, errors.New("away"), hookswitch.Reply{}); err != nil {
			t.Error(n, err)
		}
		if n := owed(c.World, hookswitch.DeliverRespond); n != 0 {
			t.Error("a failure that comes after the answer asks again")
		}

		run = c.hear()
		conv := c.Service.IDs().Format(hookswitch.KindConversation, run.Target)
		if err := c.Service.SetHandover(t.Context(), c.app.Key, conv, true); err != nil { // while the responder thinks
			t.Fatal(err)
		}
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "too late"}); err != nil {
			t.Fatal(err)
		}
		if list := c.Messages(c.app); list[len(list)-1].Text == "too late" {
			t.Error("the responder speaks over a person")
		}
		if c.Delivery(hookswitch.DeliverRespond, run.Subject, run.Target) != nil {
			t.Error("the run is still owed")
		}
		if turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, run.Subject))(t); turn != nil {
			t.Error("there is a turn although a person has taken over")
		}
	})
}

func TestCommitReply_HandsOverAndKeepsSilent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: " \n"}); err != nil {
			t.Fatal(err)
		}
		if n := len(c.Messages(c.app)); n != 1 {
			t.Error("an answer without text was queued")
		}
		run = c.hear()
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "a person will come", Handover: true}); err != nil {
			t.Fatal(err)
		}
		if conv := servicetest.Must(c.Store.Conversation(t.Context(), c.app.Key, run.Target))(t); !conv.Handover {
			t.Error("the answer's handover is lost")
		}
		if n := owed(c.World, hookswitch.DeliverMessage); n != 1 {
			t.Errorf("%d sends are due, want 1", n)
		}
	})
}

func TestFailReply_AsksAgainAndGivesUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		for tries := 0; ; tries++ {
			if run.Tries != tries {
				t.Errorf("the row counts %d tries, want %d", run.Tries, tries)
			}
			next := servicetest.Must(c.Service.FailReply(t.Context(), &run.Outcome, run.Tries, errors.New("away"), hookswitch.Reply{}))(t)
			if next.IsZero() {
				if tries != 3 {
					t.Errorf("given up after %d tries", tries+1)
				}
				break
			}
			if n := owed(c.World, hookswitch.DeliverRespond); n != 0 {
				t.Error("asked again at once")
			}
			c.Clock.Advance(next.Sub(c.Clock.Now()))
			run = c.one(hookswitch.DeliverRespond)
		}
		c.Clock.Advance(time.Hour)
		if n := owed(c.World, hookswitch.DeliverRespond); n != 0 {
			t.Errorf("%d runs are due after giving up", n)
		}
		c.hear() // the next message is answered all the same
	})
}

func TestTurn_ShowsWhatWentBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, run.Subject))(t)
		if !turn.First || len(turn.History) != 0 || turn.Text != "Hi" || turn.From != "+1555" || turn.Responder.Kind != "test" || turn.ProfileName != "Ada" {
			t.Errorf("first turn %+v", turn)
		}
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "Hello"}); err != nil {
			t.Fatal(err)
		}
		pressed := servicetest.Text("100", "+1555", "pressed", "Yes")
		pressed.Message.Content = map[string]any{"replyId": "yes-1"}
		servicetest.Must(c.Push(pressed))(t)
		run = c.one(hookswitch.DeliverRespond)
		turn = servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, run.Subject))(t)
		var lines []string
		for _, l := range turn.History {
			lines = append(lines, string(l.Direction)+" "+l.Text)
		}
		if diff := cmp.Diff([]string{"inbound Hi", "outbound Hello"}, lines); diff != "" || turn.First || turn.ReplyID != "yes-1" {
			t.Errorf("second turn: first %t, reply %q, %s", turn.First, turn.ReplyID, diff)
		}
	})
}

// What was answered to a message is known to whoever answers the next, also where that came before the answer.
func TestTurn_ShowsTheAnswersOfABurst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		servicetest.Must(c.Push(servicetest.Text("100", "+1555", "first", "Hi")))(t)
		servicetest.Must(c.Push(servicetest.Text("100", "+1555", "second", "When are you open?")))(t)
		run := c.one(hookswitch.DeliverRespond)
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "Hello"}); err != nil {
			t.Fatal(err)
		}
		run = c.one(hookswitch.DeliverRespond)
		turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, run.Subject))(t)
		var lines []string
		for _, l := range turn.History {
			lines = append(lines, string(l.Direction)+" "+l.Text)
		}
		if diff := cmp.Diff([]string{"inbound Hi", "outbound Hello"}, lines); diff != "" || turn.Text != "When are you open?" {
			t.Errorf("%q: %s", turn.Text, diff)
		}
	})
}

func TestOwedWorkOfADeletedAppEnds(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.reply("Hello")
		send, run := c.one(hookswitch.DeliverMessage), c.hear()
		if err := c.Service.DeleteApp(t.Context(), c.app.Key); err != nil {
			t.Fatal(err)
		}
		if begun, err := c.Service.BeginSend(t.Context(), &send.Outcome); err != nil || begun.Out != nil {
			t.Errorf("a send begins: %+v, %v", begun, err)
		}
		if turn, err := c.Service.Turn(t.Context(), c.app.Key, run.Subject); err != nil || turn != nil {
			t.Errorf("a turn begins: %+v, %v", turn, err)
		}
		if err := c.Service.SkipReply(t.Context(), &run.Outcome); err != nil {
			t.Error(err)
		}
		if d := c.Delivery(hookswitch.DeliverMessage, send.Subject, send.Target); d != nil {
			t.Errorf("the send is still owed: %+v", d)
		}
		if d := c.Delivery(hookswitch.DeliverRespond, run.Subject, run.Target); d != nil {
			t.Errorf("the run is still owed: %+v", d)
		}
		for _, end := range []func() error{ // of a run that began before
			func() error { return c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{}) },
			func() error {
				_, err := c.Service.FailReply(t.Context(), &run.Outcome, 0, errors.New("away"), hookswitch.Reply{})
				return err
			},
			func() error {
				_, err := c.Service.FinishSend(t.Context(), &send.Outcome, 0, hookswitch.Accepted{ProviderID: "late"}, nil)
				return err
			},
		} {
			if err := end(); err != nil {
				t.Error(err)
			}
		}
	})
}
