package service_test

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

// crowd is several people whom a sender answers.
func (c *chat) crowd(people ...string) {
	c.t.Helper()
	for _, person := range people {
		c.n++
		servicetest.Must(c.Push(servicetest.Text("100", person, "crowd."+person, "Hi")))(c.t)
		run := c.one(hookswitch.DeliverRespond)
		if err := c.Service.CommitReply(c.t.Context(), &run.Outcome, hookswitch.Reply{Text: "to " + person}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// sendDue runs every send that is due once, and returns how many messages have gone out in all.
func (c *chat) sendDue() int {
	c.t.Helper()
	for _, l := range c.Claim(hookswitch.DeliverMessage) {
		begun := servicetest.Must(c.Service.BeginSend(c.t.Context(), &l.Outcome))(c.t)
		if begun.Out == nil {
			continue
		}
		acc, err := begun.Sender.Send(c.t.Context(), begun.Out)
		servicetest.Must(c.Service.FinishSend(c.t.Context(), &l.Outcome, l.Tries, acc, err))(c.t)
	}
	return len(c.Provider.Sent())
}

// wantSent lets time pass and compares how many have gone out by then.
func (c *chat) wantSent(after time.Duration, want int) {
	c.t.Helper()
	c.Clock.Advance(after)
	if n := c.sendDue(); n != want {
		c.t.Errorf("%v later %d messages have gone out, want %d", after, n, want)
	}
}

func TestPace_ARouteSendsNoMoreThanItsRate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.Provider.Set(servicetest.Traits{Pace: hookswitch.Pace{Route: hookswitch.Rate{N: 2, Per: 10 * time.Second}}})
		c.crowd("+1", "+2", "+3", "+4", "+5")
		c.wantSent(0, 2)
		c.wantSent(9*time.Second, 2)
		c.wantSent(time.Second, 4)
		c.wantSent(10*time.Second, 5)
		for _, m := range c.Messages(c.app) {
			if d := c.Delivery(hookswitch.DeliverMessage, m.Key, m.Conversation); d != nil {
				t.Errorf("the row %+v is left", d)
			}
		}
	})
}

func TestPace_OfOnePersonHoldsUpNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.Provider.Set(servicetest.Traits{Pace: hookswitch.Pace{Person: hookswitch.Rate{N: 1, Per: 6 * time.Second}}})
		c.reply("first")
		c.reply("second")
		c.crowd("+2")
		c.wantSent(0, 2)
		c.wantSent(5*time.Second, 2)
		c.wantSent(time.Second, 3)
	})
}

func TestPace_OfTheSenderFileGoesBeforeTheProviders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.Provider.Set(servicetest.Traits{Pace: hookswitch.Pace{Route: hookswitch.Rate{N: 1, Per: time.Hour}}})
		spec := service.SenderSpec{Name: "100", Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName, Rate: "2/s",
			Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {"100"}}}
		applied := servicetest.Must(c.Service.ApplySenders(t.Context(), c.app.Key, []service.SenderSpec{spec}))(t)
		if got := applied[0].Sender.Routes[0].Rate; got != (hookswitch.Rate{N: 2, Per: time.Second}) || !applied[0].Changed {
			t.Errorf("the route sends at %v, changed: %v", got, applied[0].Changed)
		}
		spec.Rate = ""
		if again := servicetest.Must(c.Service.ApplySenders(t.Context(), c.app.Key, []service.SenderSpec{spec}))(t); again[0].Changed {
			t.Error("a file that says nothing of the rate changes it")
		}
		c.crowd("+1", "+2", "+3")
		c.wantSent(0, 2)
		c.wantSent(time.Second, 3)
		spec.Rate = "as fast as you can"
		if _, err := c.Service.ApplySenders(t.Context(), c.app.Key, []service.SenderSpec{spec}); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("a rate that is none: %v", err)
		}
	})
}

func TestPace_ARefusalOfTheAccountStopsTheRoute(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		refuse := func(account bool) servicetest.SendFunc {
			return servicetest.Refuse(&hookswitch.SendError{Code: "429", Temporary: true, Account: account, RetryAfter: time.Minute})
		}
		c.Provider.Script(refuse(true))
		c.crowd("+1")
		c.wantSent(0, 1)
		c.crowd("+2", "+3")
		c.wantSent(59*time.Second, 1)
		c.wantSent(time.Second, 4)
		c.Provider.Script(refuse(false))
		c.crowd("+4")
		c.wantSent(0, 5)
		c.crowd("+5", "+6")
		c.wantSent(0, 7)
	})
}

func TestSend_WhatTheProviderKnowsAgainIsRepeated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.Provider.Set(servicetest.Traits{Repeats: 24 * time.Hour})
		m := c.reply("Hello")
		c.Provider.Script(unknown, servicetest.Accept)
		c.Clock.Advance(c.send().Sub(c.Clock.Now()))
		c.send()
		c.wantMessage("repeated", m.Key, hookswitch.StatusSending, "")
		if sent := c.Provider.Sent(); len(sent) != 2 || sent[0].Ref != sent[1].Ref {
			t.Errorf("sent %+v", sent)
		}

		// And a call whose process has ended.
		m = c.reply("Hello again")
		l := c.one(hookswitch.DeliverMessage)
		servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
		c.Clock.Advance(time.Hour)
		servicetest.Must(c.Store.Reclaim(t.Context(), c.Clock.Now()))(t)
		c.send()
		if n := len(c.Provider.Sent()); n != 3 {
			t.Errorf("%d sends, want 3", n)
		}
		c.report(m, hookswitch.StatusSent, false)
		c.wantMessage("after a crash", m.Key, hookswitch.StatusSent, "")
	})
}

func TestSend_ATypeThatCannotBeCarriedIsRefusedBeforeTheCall(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		c.Provider.Set(servicetest.Traits{Cannot: "text"})
		c.send()
		c.wantMessage("refused", m.Key, hookswitch.StatusFailed, "unsupported_type")
		if n := len(c.Provider.Sent()); n != 0 {
			t.Errorf("the provider was called %d times", n)
		}
	})
}

// post is a message that was written in public.
func post(id, text string) servicetest.Update {
	u := servicetest.Text("100", "+1555", id, text)
	u.Message.Review = true
	u.Message.Metadata = map[string]any{"username": "ada"}
	return u
}

// draft is what the responder's answer to a post becomes.
func (c *chat) draft(id, answer string) *hookswitch.Draft {
	c.t.Helper()
	servicetest.Must(c.Push(post(id, "Is anybody there?")))(c.t)
	run := c.one(hookswitch.DeliverRespond)
	if err := c.Service.CommitReply(c.t.Context(), &run.Outcome, hookswitch.Reply{Text: answer}); err != nil {
		c.t.Fatal(err)
	}
	return servicetest.Must(c.Service.Drafts(c.t.Context(), c.app.Key, hookswitch.DraftPending, store.Page{Limit: 10}))(c.t)[0]
}

func TestDrafts_AreSentWhenTheyAreApproved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		d := c.draft("900", "We are. "+strings.Repeat("word ", 100))
		if n := len(d.Reply); n > 280 || n < 270 || d.Author != "ada" || d.PostID != "900" || d.PostText != "Is anybody there?" || d.Status != hookswitch.DraftPending {
			t.Errorf("draft %+v", d)
		}
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Fatal("it is sent without having been approved")
		}
		id := c.Service.IDs().Format(hookswitch.KindDraft, d.Key)
		for _, wrong := range []string{"", " ", strings.Repeat("x", 281)} {
			if _, err := c.Service.EditDraft(t.Context(), c.app.Key, id, wrong); hookswitch.KindOf(err) != hookswitch.Invalid {
				t.Errorf("%d characters: %v", len(wrong), err)
			}
		}
		servicetest.Must(c.Service.EditDraft(t.Context(), c.app.Key, id, "We are."))(t)
		servicetest.Must(c.Service.ApproveDraft(t.Context(), c.app.Key, id))(t)
		if _, err := c.Service.ApproveDraft(t.Context(), c.app.Key, id); hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("approved twice: %v", err)
		}
		c.Provider.Script(func(context.Context, *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			return hookswitch.Accepted{ProviderID: "901", Sent: true}, nil
		})
		c.send()
		sent := c.Provider.Sent()
		if len(sent) != 1 || sent[0].Message.Text != "We are." || sent[0].Answers == nil || sent[0].Answers.ProviderID != "900" {
			t.Fatalf("sent %+v", sent)
		}
		if d = servicetest.Must(c.Service.Draft(t.Context(), c.app.Key, id))(t); d.Status != hookswitch.DraftPosted || d.Answer == 0 {
			t.Errorf("afterwards it is %+v", d)
		}
	})
}

func TestDrafts_AreRejectedOrComeBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		no := c.Service.IDs().Format(hookswitch.KindDraft, c.draft("900", "No.").Key)
		if d := servicetest.Must(c.Service.RejectDraft(t.Context(), c.app.Key, no))(t); d.Status != hookswitch.DraftRejected {
			t.Errorf("it is %s", d.Status)
		}
		if _, err := c.Service.EditDraft(t.Context(), c.app.Key, no, "Yes."); hookswitch.KindOf(err) != hookswitch.Conflict {
			t.Errorf("edited after it was rejected: %v", err)
		}
		if _, err := c.Service.Draft(t.Context(), c.World.App().Key, no); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("another App sees it: %v", err)
		}

		lost := c.Service.IDs().Format(hookswitch.KindDraft, c.draft("901", "Yes.").Key)
		servicetest.Must(c.Service.ApproveDraft(t.Context(), c.app.Key, lost))(t)
		c.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "403", Message: "not permitted"}))
		c.send()
		if d := servicetest.Must(c.Service.Draft(t.Context(), c.app.Key, lost))(t); d.Status != hookswitch.DraftPending || d.Failure != "not permitted" || d.Answer != 0 {
			t.Errorf("what could not be posted is %+v", d)
		}
	})
}
