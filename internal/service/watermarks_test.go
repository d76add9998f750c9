package service_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// acceptAs accepts a send under the id, with the last that is heard of it.
func acceptAs(id string) servicetest.SendFunc {
	return func(context.Context, *hookswitch.Outgoing) (hookswitch.Accepted, error) {
		return hookswitch.Accepted{ProviderID: id, Sent: true}, nil
	}
}

// sendAs queues an answer and has the provider accept it under the id.
func (c *chat) sendAs(id string) *hookswitch.Message {
	c.t.Helper()
	m := c.reply("answer " + id)
	c.Provider.Script(acceptAs(id))
	c.send()
	return m
}

// upto pushes a report about everything sent to the person until then or, with an id, until that message.
func (c *chat) upto(status hookswitch.MessageStatus, until time.Time, id string) {
	c.t.Helper()
	servicetest.Must(c.Push(servicetest.Update{Channel: hookswitch.WhatsApp, Address: "100", At: until.UnixMilli(),
		Receipt: &hookswitch.MessageReceipt{ProviderID: id, Recipient: "+1555", Status: status, Upto: until}}))(c.t)
}

// wantStatuses compares the statuses of what was sent, oldest first.
func (c *chat) wantStatuses(when, want string) {
	c.t.Helper()
	var got []string
	for _, m := range c.Messages(c.app) {
		if m.Direction == hookswitch.Outbound {
			got = append(got, string(m.Status))
		}
	}
	if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
		c.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestReceipts_UptoATimeMoveWhatWasSentUntilThen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		one := c.sendAs("1")
		c.Clock.Advance(time.Second)
		c.sendAs("2")
		second := c.Clock.Now()
		c.Clock.Advance(time.Second)
		c.sendAs("3")

		c.upto(hookswitch.StatusDelivered, second, "")
		c.wantStatuses("delivered until the second", "delivered delivered sent")
		c.upto(hookswitch.StatusRead, one.CreatedAt, "")
		c.wantStatuses("read until the first", "read delivered sent")
		c.wantTold("in order", one, "queued", "sent", "delivered", "read")
		c.upto(hookswitch.StatusDelivered, second, "") // late, and known
		c.upto(hookswitch.StatusRead, second.Add(-time.Hour), "")
		c.wantStatuses("older reports", "read delivered sent")
		c.upto(hookswitch.StatusRead, c.Clock.Now(), "")
		c.wantStatuses("read until now", "read read read")
		if got := servicetest.Must(c.Service.Receipts(t.Context(), one.Key))(t); len(got) != 2 || got[1].Status != hookswitch.StatusRead || got[1].ProviderID != "1" ||
			!got[1].At.Equal(one.CreatedAt) {
			t.Errorf("reports about the first: %+v", got)
		}
	})
}

func TestReceipts_UptoAMessageMoveItAndThoseBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		for _, id := range []string{"1", "2", "3"} {
			c.sendAs(id)
			c.Clock.Advance(time.Second)
		}
		c.upto(hookswitch.StatusRead, c.Clock.Now(), "2")
		c.wantStatuses("seen the second, some time after the third", "read read sent")
		// Of a message that somebody else sent the time is all that is known.
		c.upto(hookswitch.StatusRead, c.Clock.Now(), "of another app")
		c.wantStatuses("seen another app's", "read read read")
		types := c.Types(c.app)
		if types[len(types)-1] != hookswitch.EventMessageRead {
			t.Errorf("events %v", types)
		}
	})
}

func TestReceipts_UptoATimeTouchNobodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		failed := c.reply("refused")
		c.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "100", Message: "no"}))
		c.send()
		c.sendAs("1")
		queued := c.reply("waiting")

		before := len(c.Events(c.app))
		for _, u := range []servicetest.Update{
			{Channel: hookswitch.WhatsApp, Address: "100", Receipt: &hookswitch.MessageReceipt{Recipient: "+1666", Status: hookswitch.StatusRead, Upto: c.Clock.Now()}},
			{Channel: hookswitch.WhatsApp, Address: "100", Receipt: &hookswitch.MessageReceipt{Recipient: "+1555", Status: hookswitch.StatusRead, Upto: servicetest.Start.Add(-time.Hour)}},
		} {
			u.At = u.Receipt.Upto.UnixMilli()
			servicetest.Must(c.Push(u))(t)
		}
		if n := len(c.Events(c.app)); n != before {
			t.Errorf("%d events about nothing of ours", n-before)
		}
		c.upto(hookswitch.StatusRead, c.Clock.Now(), "")
		c.wantMessage("refused", failed.Key, hookswitch.StatusFailed, "100")
		c.wantMessage("queued", queued.Key, hookswitch.StatusQueued, "")
		c.wantStatuses("the one that was taken", "failed read queued")
	})
}

func TestReceipts_UptoATimeReachAMessageThatIsBeingSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		c.Provider.Script(func(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			c.upto(hookswitch.StatusRead, c.Clock.Now(), "") // before the provider has answered
			c.wantMessage("no answer yet", m.Key, hookswitch.StatusSending, "")
			return acceptAs("1")(ctx, out)
		})
		c.send()
		c.wantMessage("answered", m.Key, hookswitch.StatusRead, "")
		c.wantTold("answered", m, "queued", "sent", "delivered", "read")

		// A report about the time before a second try is not about that try.
		m = c.reply("Again")
		c.Provider.Script(func(context.Context, *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			c.upto(hookswitch.StatusRead, c.Clock.Now(), "")
			return hookswitch.Accepted{}, &hookswitch.SendError{Code: "429", Temporary: true}
		}, acceptAs("2"))
		next := c.send()
		c.Clock.Advance(next.Sub(c.Clock.Now()) + time.Second)
		c.send()
		c.wantMessage("sent at the second try", m.Key, hookswitch.StatusSent, "")
	})
}

func TestReceipts_UptoATimeAtTheMomentOfTheAnswerAreNotLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		for range 8 {
			m := c.reply("Hello")
			l := c.one(hookswitch.DeliverMessage)
			begun := servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
			acc := servicetest.Must(acceptAs(begun.Out.Ref)(t.Context(), begun.Out))(t)
			var wg sync.WaitGroup
			wg.Go(func() { c.upto(hookswitch.StatusRead, c.Clock.Now(), "") })
			wg.Go(func() {
				if _, err := c.Service.FinishSend(t.Context(), &l.Outcome, 0, acc, nil); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			c.wantMessage("both are over", m.Key, hookswitch.StatusRead, "")
			c.wantTold("both are over", m, "queued", "sent", "delivered", "read")
			c.Clock.Advance(time.Second)
		}
	})
}

func TestSend_TriesAsOftenAsTheFailureAllows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("a picture")
		refuse := servicetest.Refuse(&hookswitch.SendError{Code: "131053", Message: "media", Temporary: true, Tries: 2})
		c.Provider.Script(refuse, refuse, refuse)
		next := c.send()
		if next.IsZero() {
			t.Fatal("it is not tried a second time")
		}
		c.Clock.Advance(next.Sub(c.Clock.Now()) + time.Second)
		c.send()
		c.wantMessage("twice refused", m.Key, hookswitch.StatusFailed, "131053")
	})
}

func TestSend_AnswersOfPeopleHaveALongerWindow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.World.Sender(c.app, "page", hookswitch.Messenger, true)
		send := func(after time.Duration, inReplyTo bool, content string) *hookswitch.Message {
			t.Helper()
			c.n++
			u := servicetest.Text("page", "5934885523264821", "m_"+strings.Repeat("x", c.n), "Hi")
			u.Channel = hookswitch.Messenger
			servicetest.Must(c.Push(u))(t)
			run := c.one(hookswitch.DeliverRespond)
			if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "late"}); err != nil {
				t.Fatal(err)
			}
			list := c.Messages(c.app)
			m := list[len(list)-1]
			if !inReplyTo { // as a call of the API would make it
				clone := *m
				clone.Key, clone.InReplyTo, clone.Content = c.Service.NextKey(), 0, []byte(content)
				if err := c.Store.Update(t.Context(), func(tx *store.Tx) error {
					if err := tx.Settle(hookswitch.DeliverMessage, m.Key, m.Conversation); err != nil {
						return err
					}
					if err := tx.InsertMessage(&clone); err != nil {
						return err
					}
					return tx.Append(nil, []store.Delivery{{Kind: hookswitch.DeliverMessage, App: c.app.Key, Subject: clone.Key, Target: clone.Conversation, NextAt: c.Clock.Now(), Claim: 1}})
				}); err != nil {
					t.Fatal(err)
				}
				m = &clone
			}
			c.Clock.Advance(after)
			c.send()
			return m
		}
		const tagged = `{"messageTag":"HUMAN_AGENT"}`
		m := send(25*time.Hour, true, "")
		c.wantMessage("an automatic answer after 25 h", m.Key, hookswitch.StatusFailed, "window_closed")
		m = send(25*time.Hour, false, "")
		c.wantMessage("no tag after 25 h", m.Key, hookswitch.StatusFailed, "window_closed")
		m = send(6*24*time.Hour, false, tagged)
		c.wantMessage("a person after 6 days", m.Key, hookswitch.StatusSending, "")
		m = send(8*24*time.Hour, false, tagged)
		c.wantMessage("a person after 8 days", m.Key, hookswitch.StatusFailed, "window_closed")
	})
}
