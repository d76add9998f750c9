package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// chat is a conversation with one person that a responder answers.
type chat struct {
	*servicetest.World
	t      *testing.T
	app    *hookswitch.App
	sender *hookswitch.Sender
	n      int
}

func newChat(t *testing.T, db *storetest.DB) *chat {
	w := servicetest.New(t, db)
	app := w.App()
	return &chat{World: w, t: t, app: app, sender: w.Sender(app, "100", hookswitch.WhatsApp, true)}
}

// hear receives a message of the person, and leases the responder's run.
func (c *chat) hear() *servicetest.Leased {
	c.t.Helper()
	c.n++
	servicetest.Must(c.Push(servicetest.Text("100", "+1555", fmt.Sprint("in.", c.n), "Hi")))(c.t)
	return c.one(hookswitch.DeliverRespond)
}

func (c *chat) one(kind hookswitch.DeliveryKind) *servicetest.Leased {
	c.t.Helper()
	list := c.Claim(kind)
	if len(list) != 1 {
		c.t.Fatalf("%d deliveries of kind %d are due, want 1", len(list), kind)
	}
	return list[0]
}

// reply queues an answer.
func (c *chat) reply(text string) *hookswitch.Message {
	c.t.Helper()
	run := c.hear()
	if err := c.Service.CommitReply(c.t.Context(), &run.Outcome, hookswitch.Reply{Text: text}); err != nil {
		c.t.Fatal(err)
	}
	list := c.Messages(c.app)
	return list[len(list)-1]
}

// send runs what is due of sends, as the engine would. It returns when the one is due again.
func (c *chat) send() time.Time {
	c.t.Helper()
	l := c.one(hookswitch.DeliverMessage)
	begun := servicetest.Must(c.Service.BeginSend(c.t.Context(), &l.Outcome))(c.t)
	if begun.Out == nil {
		return begun.Next
	}
	acc, err := begun.Sender.Send(c.t.Context(), begun.Out)
	return servicetest.Must(c.Service.FinishSend(c.t.Context(), &l.Outcome, l.Tries, acc, err))(c.t)
}

func (c *chat) message(key hookswitch.Key) *hookswitch.Message {
	c.t.Helper()
	return servicetest.Must(c.Store.Message(c.t.Context(), c.app.Key, key))(c.t)
}

func (c *chat) wantMessage(when string, key hookswitch.Key, status hookswitch.MessageStatus, code string) {
	c.t.Helper()
	if m := c.message(key); m.Status != status || m.ErrorCode != code {
		c.t.Errorf("%s: the message is %s %q, want %s %q", when, m.Status, m.ErrorCode, status, code)
	}
}

// report pushes a report about the message. byRef tells whether it carries our id.
func (c *chat) report(m *hookswitch.Message, status hookswitch.MessageStatus, byRef bool) {
	c.t.Helper()
	ref := c.Service.IDs().Format(hookswitch.KindMessage, m.Key)
	u := servicetest.Report("100", servicetest.ProviderID(ref), ref, "+1555", status)
	if !byRef {
		u.Receipt.Ref = ""
	}
	servicetest.Must(c.Push(u))(c.t)
}

// told are the statuses that events have told of a message, in their order.
func (c *chat) told(m *hookswitch.Message) []string {
	c.t.Helper()
	id := c.Service.IDs().Format(hookswitch.KindMessage, m.Key)
	var out []string
	for _, ev := range c.Events(c.app) {
		if strings.Contains(string(ev.Payload), id) && !strings.Contains(ev.Type, "inbound") && ev.Type != "conversation.new" {
			out = append(out, strings.TrimPrefix(ev.Type, "message."))
		}
	}
	return out
}

func (c *chat) wantTold(when string, m *hookswitch.Message, want ...string) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.told(m)); diff != "" {
		c.t.Errorf("%s: %s", when, diff)
	}
}

func TestSend_FromQueuedToRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello <you>")
		c.wantMessage("committed", m.Key, hookswitch.StatusQueued, "")
		if m.To != "+1555" || m.From != "+15550001111" || m.Route != c.sender.Routes[0].Key || m.InReplyTo == 0 {
			t.Errorf("message %+v", m)
		}
		if next := c.send(); !next.IsZero() {
			t.Errorf("it is due again at %v", next)
		}
		sent := c.Provider.Sent()
		id := c.Service.IDs().Format(hookswitch.KindMessage, m.Key)
		if len(sent) != 1 || sent[0].Ref != id || sent[0].Message.Status != hookswitch.StatusSending || sent[0].Route.Credentials.First("secret") != "fake-secret" {
			t.Fatalf("sent %+v", sent)
		}
		c.wantMessage("accepted", m.Key, hookswitch.StatusSending, "")
		if got := c.message(m.Key).ProviderID; got != servicetest.ProviderID(id) {
			t.Errorf("provider's id %q", got)
		}
		for _, s := range []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead} {
			c.report(m, s, false)
			c.wantMessage("reported", m.Key, s, "")
		}
		c.wantTold("at the end", m, "queued", "sent", "delivered", "read")
		events := c.Events(c.app)
		want := golden(c.World, `{"id":"EVT","type":"message.read","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"messageId":"MSG","conversationId":"CONV","to":"+1555","from":"+15550001111","channel":"whatsapp","status":"read","messageType":"text","text":"Hello <you>","providerMessageId":"PID"}}`,
			events[len(events)-1], m)
		if got := string(events[len(events)-1].Payload); got != strings.Replace(want, "PID", servicetest.ProviderID(id), 1) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := servicetest.Must(c.Service.Receipts(t.Context(), m.Key))(t); len(got) != 3 {
			t.Errorf("%d reports are kept, want 3", len(got))
		}
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d sends are still due", n)
		}
		if n := c.Service.Counts(); n.Sent.Load() != 1 || n.SendError.Load() != 0 {
			t.Errorf("counted %d sent, %d failed", n.Sent.Load(), n.SendError.Load())
		}
	})
}

func TestSend_AcceptanceIsTheLastWordOfSomeProviders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		c.Provider.Script(func(context.Context, *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			return hookswitch.Accepted{ProviderID: "7", Sent: true}, nil
		})
		c.send()
		c.wantMessage("accepted", m.Key, hookswitch.StatusSent, "")
		c.wantTold("accepted", m, "queued", "sent")
	})
}

func TestSend_WithoutARouteFails(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		if err := c.Service.DeleteSender(t.Context(), c.app.Key, c.sender.Key); err != nil {
			t.Fatal(err)
		}
		c.send()
		c.wantMessage("the sender is gone", m.Key, hookswitch.StatusFailed, "no_provider")
		c.wantTold("the sender is gone", m, "queued", "failed")
		if len(c.Provider.Sent()) != 0 {
			t.Error("it was sent all the same")
		}
		var last struct{ Data map[string]any }
		events := c.Events(c.app)
		if err := json.Unmarshal(events[len(events)-1].Payload, &last); err != nil || last.Data["errorCode"] != "no_provider" || last.Data["errorMessage"] != "the sender is gone" {
			t.Errorf("payload %s, %v", events[len(events)-1].Payload, err)
		}
	})
}

func TestSend_KeepsTheWindow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("in time")
		c.Clock.Advance(24*time.Hour - time.Minute)
		c.send()
		c.wantMessage("23 h 59", m.Key, hookswitch.StatusSending, "")

		m = c.reply("too late")
		c.Clock.Advance(24*time.Hour + time.Minute)
		c.send()
		c.wantMessage("24 h 1", m.Key, hookswitch.StatusFailed, "whatsapp_window_closed")
		if n := len(c.Provider.Sent()); n != 1 {
			t.Errorf("%d messages were sent, want 1", n)
		}

		m = c.reply("a template")
		if err := c.Store.Update(t.Context(), func(tx *store.Tx) error { // there is no call yet that sends one
			clone := *m
			clone.Key, clone.Type = c.Service.NextKey(), "template"
			m = &clone
			if err := tx.InsertMessage(m); err != nil {
				return err
			}
			if err := tx.Settle(hookswitch.DeliverMessage, c.Messages(c.app)[len(c.Messages(c.app))-1].Key, m.Conversation); err != nil {
				return err
			}
			return tx.Append(nil, []store.Delivery{{Kind: hookswitch.DeliverMessage, App: c.app.Key, Subject: m.Key, Target: m.Conversation, NextAt: c.Clock.Now(), Claim: 1}})
		}); err != nil {
			t.Fatal(err)
		}
		c.Clock.Advance(48 * time.Hour)
		c.send()
		c.wantMessage("a template after 48 h", m.Key, hookswitch.StatusSending, "")

		// SMS knows no window.
		c.World.Sender(c.app, "sms", hookswitch.SMS, true)
		u := servicetest.Text("sms", "+1777", "sms.1", "Hi")
		u.Channel = hookswitch.SMS
		servicetest.Must(c.Push(u))(t)
		run := c.one(hookswitch.DeliverRespond)
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "late"}); err != nil {
			t.Fatal(err)
		}
		c.Clock.Advance(72 * time.Hour)
		c.send()
		list := c.Messages(c.app)
		c.wantMessage("an SMS after 72 h", list[len(list)-1].Key, hookswitch.StatusSending, "")
	})
}

func TestSend_RepeatsWhatFailedForAWhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		busy := servicetest.Refuse(&hookswitch.SendError{Code: "131056", Message: "pair rate limit", Temporary: true, Category: "rate", RetryAfter: 6 * time.Second})
		refuse := servicetest.Refuse(&hookswitch.SendError{Code: "131026", Message: "undeliverable"})

		m := c.reply("Hello")
		c.Provider.Script(busy, busy, servicetest.Accept)
		if next := c.send(); !next.Equal(c.Clock.Now().Add(6 * time.Second)) {
			t.Errorf("due again at %v, want after the time that the provider asked for", next)
		}
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Error("it is due at once")
		}
		c.Clock.Advance(6 * time.Second)
		if next := c.send(); !next.Equal(c.Clock.Now().Add(10 * time.Second)) {
			t.Errorf("due again at %v, want after the second wait", next)
		}
		c.Clock.Advance(10 * time.Second)
		c.send()
		c.wantMessage("the third time", m.Key, hookswitch.StatusSending, "")

		m = c.reply("Hello again")
		c.Provider.Script(busy, busy, busy, busy, busy, servicetest.Accept)
		for try := 1; ; try++ {
			next := c.send()
			if next.IsZero() {
				if try != 5 {
					t.Errorf("given up after %d tries, want 5", try)
				}
				break
			}
			c.Clock.Advance(next.Sub(c.Clock.Now()))
		}
		c.wantMessage("busy for ever", m.Key, hookswitch.StatusFailed, "131056")
		c.wantTold("busy for ever", m, "queued", "failed")

		m = c.reply("Hello nobody")
		c.Provider.Script(refuse)
		c.send()
		c.wantMessage("refused", m.Key, hookswitch.StatusFailed, "131026")
		if n := c.Service.Counts().SendError.Load(); n != 2 {
			t.Errorf("%d failures counted, want 2", n)
		}
	})
}

var unknown = servicetest.Refuse(&hookswitch.SendError{Code: "timeout", Unknown: true})

func TestSend_WithAnUnknownOutcomeIsNeverRepeated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		for i, lost := range []servicetest.SendFunc{unknown, servicetest.Refuse(errors.New("EOF"))} {
			m := c.reply("Hello")
			c.Provider.Script(lost)
			next := c.send()
			c.wantMessage("no answer", m.Key, hookswitch.StatusSending, "")
			c.Clock.Advance(next.Sub(c.Clock.Now()))
			if again := c.send(); !again.IsZero() {
				t.Errorf("after the deadline it is due again at %v", again)
			}
			c.wantMessage("after the deadline", m.Key, hookswitch.StatusFailed, "unknown_outcome")
			c.wantTold("after the deadline", m, "queued", "failed")
			if n := len(c.Provider.Sent()); n != i+1 {
				t.Errorf("%d sends, want %d", n, i+1)
			}
			// A proof of arrival that comes later still counts.
			c.report(m, hookswitch.StatusDelivered, true)
			c.wantMessage("reported after all", m.Key, hookswitch.StatusDelivered, "")
			c.wantTold("reported after all", m, "queued", "failed", "delivered")
			if c.message(m.Key).ProviderID == "" {
				t.Error("the provider's id is not kept")
			}
		}
	})
}

func TestSend_AReportSettlesAnUnknownOutcome(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		c.Provider.Script(unknown)
		next := c.send()
		c.report(m, hookswitch.StatusSent, true)
		c.wantMessage("reported", m.Key, hookswitch.StatusSent, "")
		if d := c.Delivery(hookswitch.DeliverMessage, m.Key, m.Conversation); d != nil {
			t.Errorf("the row %+v is left", d)
		}
		c.Clock.Advance(next.Sub(c.Clock.Now()))
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d sends are due", n)
		}
		c.report(m, hookswitch.StatusDelivered, false) // by the id that the first report told
		c.wantTold("at the end", m, "queued", "sent", "delivered")
	})
}

func TestSend_BegunBeforeARestartIsNotSentAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		l := c.one(hookswitch.DeliverMessage)
		begun := servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
		if begun.Out == nil {
			t.Fatal("it is not begun")
		}
		// The process ends here, and another one takes its place.
		if err := c.Store.Close(); err != nil {
			t.Fatal(err)
		}
		c.World.Store = db.Open(storetest.Now(c.Clock.Now))
		c.World = c.Twin()
		if next := c.send(); next.IsZero() {
			t.Error("it is not waited for")
		}
		c.wantMessage("after the restart", m.Key, hookswitch.StatusSending, "")
		c.Clock.Advance(time.Hour)
		c.send()
		c.wantMessage("after the deadline", m.Key, hookswitch.StatusFailed, "unknown_outcome")
		if n := len(c.Provider.Sent()); n != 0 {
			t.Errorf("it was sent %d times by the second process", n)
		}
	})
}

func TestSend_WhoseLeaseHasEndedIsNotBegun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.reply("Hello")
		late := c.one(hookswitch.DeliverMessage)
		c.Clock.Advance(time.Hour)
		if n := servicetest.Must(c.Store.Reclaim(t.Context(), c.Clock.Now()))(t); n == 0 {
			t.Fatal("no lease has ended")
		}
		begin := func(l *servicetest.Leased) bool {
			return servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t).Out != nil
		}
		if begin(late) {
			t.Error("it is begun although the row waits for another run")
		}
		now := c.one(hookswitch.DeliverMessage)
		if begin(late) || !begin(now) || begin(late) {
			t.Error("not exactly the holder of the lease began it")
		}
	})
}

func TestSend_AReportBeforeTheAnswerIsAdopted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		c.Provider.Script(func(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			c.report(m, hookswitch.StatusDelivered, false)
			c.report(m, hookswitch.StatusSent, false)
			return servicetest.Accept(ctx, out)
		})
		c.send()
		c.wantMessage("accepted", m.Key, hookswitch.StatusDelivered, "")
		c.wantTold("accepted", m, "queued", "delivered")
		for _, ev := range c.Events(c.app) {
			if ev.Type == "message.delivered" && !strings.Contains(string(ev.Payload), "messageId") {
				t.Errorf("the report was taken for one about somebody else's message: %s", ev.Payload)
			}
		}
		if got := servicetest.Must(c.Service.Receipts(t.Context(), m.Key))(t); len(got) != 2 {
			t.Errorf("%d reports are the message's, want 2", len(got))
		}
	})
}

func TestSend_AReportAtTheMomentOfTheAnswerIsNotLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		for range 8 {
			m := c.reply("Hello")
			l := c.one(hookswitch.DeliverMessage)
			begun := servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
			acc := servicetest.Must(begun.Sender.Send(t.Context(), begun.Out))(t)
			var wg sync.WaitGroup
			wg.Go(func() { c.report(m, hookswitch.StatusDelivered, false) })
			wg.Go(func() {
				if _, err := c.Service.FinishSend(t.Context(), &l.Outcome, 0, acc, nil); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			c.wantMessage("both are over", m.Key, hookswitch.StatusDelivered, "")
			c.wantTold("both are over", m, "queued", "delivered")
		}
	})
}

func TestReceipts_InAnyOrderNeverMoveBackwards(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		rank := map[string]int{"queued": 1, "sent": 2, "failed": 3, "delivered": 4, "read": 5}
		all := []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead, hookswitch.StatusFailed}
		check := func(rt *rapid.T) {
			reports := rapid.SliceOfN(rapid.SampledFrom(all), 1, 8).Draw(rt, "reports")
			answerAt := rapid.IntRange(0, len(reports)).Draw(rt, "answer after")
			m := c.reply("Hello")
			l := c.one(hookswitch.DeliverMessage)
			begun := servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
			acc := servicetest.Must(begun.Sender.Send(t.Context(), begun.Out))(t)
			for i := 0; i <= len(reports); i++ {
				if i == answerAt {
					servicetest.Must(c.Service.FinishSend(t.Context(), &l.Outcome, 0, acc, nil))(t)
				}
				if i < len(reports) {
					before := c.message(m.Key).Status
					c.report(m, reports[i], rapid.Bool().Draw(rt, "by our id"))
					if after := c.message(m.Key).Status; after != before && !before.CanBecome(after) {
						rt.Fatalf("%s became %s", before, after)
					}
				}
			}
			best := "queued"
			for _, s := range reports {
				if rank[string(s)] > rank[best] {
					best = string(s)
				}
			}
			if got := string(c.message(m.Key).Status); got != best {
				rt.Fatalf("reports %v ended as %s, want %s", reports, got, best)
			}
			told := c.told(m)
			if !slices.IsSortedFunc(told, func(a, b string) int { return rank[a] - rank[b] }) || len(slices.Compact(slices.Clone(told))) != len(told) {
				rt.Fatalf("reports %v were told as %v", reports, told)
			}
			if told[0] != "queued" || told[len(told)-1] != best {
				rt.Fatalf("reports %v were told as %v, want the last to be %s", reports, told, best)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			if c.n < 25 { // each costs a dozen transactions
				check(rt)
			}
		})
	})
}
