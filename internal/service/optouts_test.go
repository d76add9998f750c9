package service_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// says has the person write text.
func (c *chat) says(text string, change ...func(*servicetest.Update)) {
	c.t.Helper()
	c.n++
	u := servicetest.Text("100", "+1555", fmt.Sprint("said.", c.n), text)
	for _, f := range change {
		f(&u)
	}
	servicetest.Must(c.Push(u))(c.t)
}

// outbound are the texts of our messages and how far they have come, oldest first.
func (c *chat) outbound() []string {
	c.t.Helper()
	out := []string{}
	for _, m := range c.Messages(c.app) {
		if m.Direction == hookswitch.Outbound {
			out = append(out, string(m.Status)+" "+m.ErrorCode+": "+m.Text)
		}
	}
	return out
}

// sendAll hands everything that is due to the provider.
func (c *chat) sendAll() {
	c.t.Helper()
	for owed := c.Claim(hookswitch.DeliverMessage); len(owed) > 0; owed = c.Claim(hookswitch.DeliverMessage) {
		for _, l := range owed {
			begun := servicetest.Must(c.Service.BeginSend(c.t.Context(), &l.Outcome))(c.t)
			if begun.Out == nil {
				continue
			}
			acc, err := begun.Sender.Send(c.t.Context(), begun.Out)
			servicetest.Must(c.Service.FinishSend(c.t.Context(), &l.Outcome, l.Tries, acc, err))(c.t)
		}
	}
}

func (c *chat) optedOut() bool {
	c.t.Helper()
	contact := c.Messages(c.app)[0].Contact
	for _, id := range servicetest.Must(c.Store.Contact(c.t.Context(), c.app.Key, contact))(c.t).Identifiers {
		if !id.OptedOutAt.IsZero() {
			return true
		}
	}
	return false
}

func (c *chat) wantOutbound(when string, want ...string) {
	c.t.Helper()
	if d := cmp.Diff(append([]string{}, want...), c.outbound()); d != "" {
		c.t.Errorf("%s (-want +got):\n%s", when, d)
	}
}

func newChatWith(t *testing.T, db *storetest.DB, ch hookswitch.Channel, responder string) *chat {
	w := servicetest.New(t, db)
	app := w.App()
	return &chat{World: w, t: t, app: app, sender: w.SenderWith(app, "100", ch, responder)}
}

const byeConfig = `{"kind":"test","optOut":{"words":["acha"],"back":["anza"],"confirmation":"Bye {name}.","backConfirmation":"Hi again."}}`

func TestOptOutWords_EndMessagesUntilThePersonComesBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChatWith(t, db, hookswitch.WhatsApp, byeConfig)
		c.says("Hi")
		run := c.one(hookswitch.DeliverRespond)
		c.says("Stop!")
		if turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, run.Subject))(t); turn != nil {
			t.Error("the responder is asked about who wants nothing")
		}
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "never said"}); err != nil {
			t.Fatal(err)
		}
		c.says("STOP")
		c.says("are you there?")
		if n := owed(c.World, hookswitch.DeliverRespond); n != 0 || !c.optedOut() {
			t.Errorf("%d answers are owed to who wants none; opted out: %v", n, c.optedOut())
		}
		c.sendAll()
		c.wantOutbound("after opting out", "sending : Bye Ada.")

		c.says("anza")
		if c.optedOut() || owed(c.World, hookswitch.DeliverRespond) != 0 {
			t.Error("who came back is still opted out, or gets two answers")
		}
		c.says("start") // an ordinary word now
		if n := owed(c.World, hookswitch.DeliverRespond); n != 1 {
			t.Errorf("%d answers are owed to who came back, want 1", n)
		}
		c.sendAll()
		c.wantOutbound("after coming back", "sending : Bye Ada.", "sending : Hi again.")

		var inbound, queued int
		for _, name := range c.Types(c.app) {
			switch name {
			case "message.inbound":
				inbound++
			case "message.queued":
				queued++
			}
		}
		if inbound != 6 || queued != 2 {
			t.Errorf("events tell of %d messages and %d answers, want 6 and 2", inbound, queued)
		}
	})
}

func TestOptOutWords_RefuseWhatIsQueued(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChatWith(t, db, hookswitch.SMS, byeConfig)
		c.says("Hi", onSMS)
		run := c.one(hookswitch.DeliverRespond)
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "Hello"}); err != nil {
			t.Fatal(err)
		}
		c.says("acha", onSMS)
		c.sendAll()
		c.wantOutbound("sends", "failed opted_out: Hello", "sending : Bye Ada.")
		if n := len(c.Provider.Sent()); n != 1 {
			t.Errorf("%d messages went out, want the confirmation alone", n)
		}
	})
}

func onSMS(u *servicetest.Update) { u.Channel = hookswitch.SMS }

func TestOptOutWords_AreHeededWhateverTheConversationIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		quiet := func(u *servicetest.Update) { u.Message.Quiet = true }
		public := func(u *servicetest.Update) { u.Message.Review = true }
		for _, tt := range []struct {
			name, responder string
			change          func(*servicetest.Update)
			handover        bool
			out             bool
			said            []string
		}{
			{"a person has taken over", byeConfig, func(*servicetest.Update) {}, true, true, []string{"queued : Bye Ada."}},
			{"the provider confirms", byeConfig, quiet, false, true, nil},
			{"in public", byeConfig, public, false, false, nil},
			{"silent responder", `{"kind":"silent","optOut":{"confirmation":""}}`, func(*servicetest.Update) {}, false, true, nil},
			{"switched off", `{"kind":"test","optOut":{"off":true}}`, func(*servicetest.Update) {}, false, false, nil},
			{"no responder", "", func(*servicetest.Update) {}, false, false, nil},
		} {
			app := w.App()
			w.Clock.Advance(time.Second)
			c := &chat{World: w, t: t, app: app, sender: w.SenderWith(app, "100", hookswitch.WhatsApp, tt.responder)}
			if tt.handover {
				run := c.hear()
				conv := c.Service.IDs().Format(hookswitch.KindConversation, run.Target)
				if err := c.Service.SetHandover(t.Context(), app.Key, conv, true); err != nil {
					t.Fatal(err)
				}
			}
			c.says("STOP", tt.change)
			if got := c.optedOut(); got != tt.out {
				t.Errorf("%s: opted out: %v, want %v", tt.name, got, tt.out)
			}
			c.wantOutbound(tt.name, tt.said...)
			if err := w.Service.DeleteSender(t.Context(), app.Key, c.sender.Key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestOptOutWords_CountWherePeopleAreWrittenTo(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t))
	for ch, want := range map[hookswitch.Channel]bool{
		hookswitch.SMS: true, hookswitch.WhatsApp: true, hookswitch.Messenger: true, hookswitch.Instagram: true, hookswitch.Telegram: true, hookswitch.X: true,
		hookswitch.WebChat: false, hookswitch.Email: false,
	} {
		app := w.App()
		c := &chat{World: w, t: t, app: app, sender: w.SenderWith(app, "100", ch, byeConfig)}
		c.says("STOP", func(u *servicetest.Update) { u.Channel = ch })
		answers := owed(w, hookswitch.DeliverRespond)
		if got := c.optedOut(); got != want || (answers == 0) != want {
			t.Errorf("%s: opted out: %v, want %v; %d answers of the responder are owed", ch, got, want, answers)
		}
		if err := w.Service.DeleteSender(t.Context(), app.Key, c.sender.Key); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOptOuts_ThatAProviderTellsWithARefusedSend(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		for _, responder := range []string{"", byeConfig, `{"kind":"test","optOut":{"off":true}}`} {
			app := w.App()
			w.Clock.Advance(time.Second)
			before := len(w.Provider.Sent())
			c := &chat{World: w, t: t, app: app, sender: w.SenderWith(app, "100", hookswitch.SMS, responder)}
			c.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "21610", Message: "unsubscribed", Category: "recipient", OptedOut: true}))
			c.sendTo("one")
			if !c.optedOut() {
				t.Errorf("%s: the person is not opted out", responder)
			}
			var refused *hookswitch.Error
			if _, err := c.Service.SendMessage(t.Context(), app.Key, service.NewMessage{To: "+15550002222", Text: "two"}, none); !errors.As(err, &refused) || refused.Code != "opted_out" {
				t.Errorf("%s: a second send: %v", responder, err)
			}
			c.wantOutbound(responder, "failed 21610: one")
			if n := len(c.Provider.Sent()) - before; n != 1 {
				t.Errorf("%s: the provider was called %d times, want once", responder, n)
			}
			ours := func(u *servicetest.Update) { u.Channel, u.Message.From = hookswitch.SMS, "+15550002222" }
			c.says("hello?", ours)
			if !c.optedOut() || owed(w, hookswitch.DeliverRespond) != 0 {
				t.Errorf("%s: any word brings the person back", responder)
			}
			c.says("Start", ours)
			if c.optedOut() {
				t.Errorf("%s: START does not bring the person back", responder)
			}
			if err := w.Service.DeleteSender(t.Context(), app.Key, c.sender.Key); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// sendTo has somebody send a text to the person by hand.
func (c *chat) sendTo(text string) {
	c.t.Helper()
	servicetest.Must(c.Service.SendMessage(c.t.Context(), c.app.Key, service.NewMessage{Channel: hookswitch.SMS, To: "+15550002222", Text: text}, service.Idempotency{}))(c.t)
	c.sendAll()
}

func TestOptOuts_ThatAProviderTellsWithAReport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChatWith(t, db, hookswitch.WhatsApp, byeConfig)
		report := func(id, recipient string, out bool) {
			u := servicetest.Report("100", id, "", recipient, hookswitch.StatusFailed)
			u.Receipt.OptedOut = out
			servicetest.Must(c.Push(u))(t)
		}
		c.says("Hi")
		run := c.one(hookswitch.DeliverRespond)
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{Text: "Hello"}); err != nil {
			t.Fatal(err)
		}
		c.sendAll()
		id := c.Provider.Sent()[0].Ref
		report("somebody.elses", "+1555", false)
		if c.optedOut() {
			t.Fatal("any failure opts out")
		}
		report(servicetest.ProviderID(id), "", true)
		if !c.optedOut() {
			t.Error("the report does not opt the person out")
		}
		c.wantOutbound("no confirmation", "failed 131026: Hello")
		c.says("anza")
		if c.optedOut() {
			t.Error("the person does not come back")
		}
		report("somebody.elses.2", "+1555", true) // a message of another system
		if !c.optedOut() {
			t.Error("the report about another system's message does not opt the person out")
		}
		report("somebody.elses.3", "+1999", true) // of whom nothing is known
	})
}
