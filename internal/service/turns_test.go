package service_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// turn is what the responder is shown of a run.
func (c *chat) turn(run *servicetest.Leased) *hookswitch.Turn {
	c.t.Helper()
	t := servicetest.Must(c.Service.Turn(c.t.Context(), c.app.Key, run.Subject))(c.t)
	if t == nil {
		c.t.Fatal("there is nothing to answer")
	}
	return &t.Turn
}

// answers has the responder answer the next message.
func (c *chat) answers(reply hookswitch.Reply) {
	c.t.Helper()
	run := c.hear()
	if err := c.Service.CommitReply(c.t.Context(), &run.Outcome, reply); err != nil {
		c.t.Fatal(err)
	}
}

func TestTurn_RemembersWhatTheResponderThinks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		want := func(when string, unsolved int, state string) {
			t.Helper()
			run := c.hear()
			if got := c.turn(run); got.Unsolved != unsolved || got.State != state {
				t.Errorf("%s: got %d unsolved and the state %q, want %d and %q", when, got.Unsolved, got.State, unsolved, state)
			}
			if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "x", Unsolved: true, State: state}); err != nil {
				t.Fatal(err)
			}
		}
		want("at first", 0, "")
		c.answers(hookswitch.Reply{Text: "which?", Unsolved: true, State: "s1"})
		want("after two", 2, "s1")
		c.answers(hookswitch.Reply{Unsolved: true, State: "s2"}) // also without a word
		want("after four", 4, "s2")
		c.answers(hookswitch.Reply{Text: "there", State: strings.Repeat("x", hookswitch.MaxTurnState+1)})
		want("after a solution and too long a state", 0, "")
		c.answers(hookswitch.Reply{Text: "x", Unsolved: true, State: "s3"})
		c.Clock.Advance(23 * time.Hour)
		want("after a night", 2, "s3")
		c.Clock.Advance(24 * time.Hour)
		want("after a day", 0, "")
		c.answers(hookswitch.Reply{Text: "x", Unsolved: true, State: "s4", Handover: true})
		run := c.Messages(c.app)[0].Conversation
		conv := c.Service.IDs().Format(hookswitch.KindConversation, run)
		if err := c.Service.SetHandover(t.Context(), c.app.Key, conv, false); err != nil {
			t.Fatal(err)
		}
		want("given back", 0, "")
	})
}

func TestTurn_ShowsTheConversation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.says(strings.Repeat("ä", 5000))
		if err := c.Service.CommitReply(t.Context(), &c.one(hookswitch.DeliverRespond).Outcome, hookswitch.Reply{Text: "short"}); err != nil {
			t.Fatal(err)
		}
		c.says("", func(u *servicetest.Update) { u.Message.Type, u.Message.Marker = "image", "[image]" })
		got := c.turn(c.one(hookswitch.DeliverRespond))
		if got.First || got.Type != "image" || len(got.History) != 2 {
			t.Fatalf("got %+v", got)
		}
		a, b := got.History[0], got.History[1]
		if a.Direction != hookswitch.Inbound || a.Answer || a.Type != "text" || a.Text != strings.Repeat("ä", 4000) {
			t.Errorf("the long message is shown as %s %s of %d bytes", a.Direction, a.Type, len(a.Text))
		}
		if b.Direction != hookswitch.Outbound || !b.Answer || b.Text != "short" || !b.At.Equal(servicetest.Start) {
			t.Errorf("the answer is shown as %+v", b)
		}
	})
}

func TestFailReply_SaysTheFallbackWhenItGivesUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		sorry := hookswitch.Reply{Text: "Sorry.", Unsolved: true}
		busy := func(d time.Duration) error {
			return &hookswitch.ResponderError{Message: "busy", RetryAfter: d}
		}
		c := newChat(t, db)
		fail := func(run *servicetest.Leased, tries int, failure error) time.Duration {
			t.Helper()
			next := servicetest.Must(c.Service.FailReply(t.Context(), &run.Outcome, tries, failure, sorry))(t)
			if next.IsZero() {
				return 0
			}
			return next.Sub(c.Clock.Now())
		}

		run := c.hear()
		if d := fail(run, 0, errors.New("away")); d != time.Second {
			t.Errorf("asked again after %v, want 1s", d)
		}
		c.Clock.Advance(time.Second)
		run = c.one(hookswitch.DeliverRespond)
		if d := fail(run, 1, busy(time.Minute)); d != time.Minute {
			t.Errorf("asked again after %v, want the minute that the responder asks for", d)
		}
		c.Clock.Advance(time.Minute)
		run = c.one(hookswitch.DeliverRespond)
		if d := fail(run, 2, busy(time.Hour)); d != 0 {
			t.Errorf("asked again after %v: nobody waits an hour", d)
		}
		c.wantOutbound("given up", "queued : Sorry.")
		if got := c.turn(c.hear()).Unsolved; got != 1 {
			t.Errorf("%d answers have solved nothing, want the fallback", got)
		}
		if row := c.Delivery(hookswitch.DeliverRespond, run.Subject, run.Target); row == nil || row.State != hookswitch.DeliveryFailed {
			t.Errorf("the run is %+v, want it shown as failed", row)
		}
		if d := fail(run, 3, errors.New("again")); d != 0 || len(c.outbound()) != 1 {
			t.Error("a run that is over fails again")
		}
	})
}

func TestFailReply_GivesUpAtOnceWhatCannotHelp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		never := &hookswitch.ResponderError{Message: "refused", Permanent: true}
		run := c.hear()
		next := servicetest.Must(c.Service.FailReply(t.Context(), &run.Outcome, 0, never, hookswitch.Reply{Text: "Sorry.", Handover: true}))(t)
		if conv := servicetest.Must(c.Store.Conversation(t.Context(), c.app.Key, run.Target))(t); !next.IsZero() || !conv.Handover {
			t.Errorf("asked again at %v; handed over: %v", next, conv.Handover)
		}
		c.wantOutbound("given up", "queued : Sorry.")

		conv := c.Service.IDs().Format(hookswitch.KindConversation, run.Target)
		if err := c.Service.SetHandover(t.Context(), c.app.Key, conv, false); err != nil {
			t.Fatal(err)
		}
		run = c.hear()
		if err := c.Service.SetHandover(t.Context(), c.app.Key, conv, true); err != nil {
			t.Fatal(err)
		}
		servicetest.Must(c.Service.FailReply(t.Context(), &run.Outcome, 0, never, hookswitch.Reply{Text: "over a person"}))(t)
		c.wantOutbound("a person has taken over", "queued : Sorry.")
	})
}

func TestTurn_IsTheFirstOnlyOnceHoweverMuchIsSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.answers(hookswitch.Reply{})
		m := c.Messages(c.app)[0]
		send := func(n int) {
			t.Helper()
			err := c.Store.Update(t.Context(), func(tx *store.Tx) error {
				for range n {
					said := *m
					said.Key, said.Direction, said.Status, said.ProviderID = c.Service.NextKey(), hookswitch.Outbound, hookswitch.StatusSent, ""
					if err := tx.InsertMessage(&said); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		send(100)
		if turn := c.turn(c.hear()); turn.First || len(turn.History) != 80 {
			t.Errorf("after 100 messages of ours the person's second is their first: %t; %d lines are shown", turn.First, len(turn.History))
		}
		said := *m
		m = &said
		m.Conversation++
		send(100)
		if _, heard, err := c.Store.History(t.Context(), c.app.Key, m.Conversation, 0, 80); heard || err != nil {
			t.Errorf("whoever was only written to has written: %t, %v", heard, err)
		}
	})
}
