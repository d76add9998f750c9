package service_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// long is a text of three parts at ten characters each.
const long = "one more  another  the last"

// newLongChat is a chat over a provider that carries ten characters, and its long answer.
func newLongChat(t *testing.T, db *storetest.DB) (*chat, *hookswitch.Message) {
	c := newChat(t, db)
	c.Provider.Set(servicetest.Traits{TextLimit: 10})
	return c, c.reply(long)
}

// pieces are the texts and the Refs of the sends so far.
func (c *chat) pieces(m *hookswitch.Message) string {
	id := c.Service.IDs().Format(hookswitch.KindMessage, m.Key)
	var out []string
	for _, s := range c.Provider.Sent() {
		out = append(out, s.Message.Text+strings.TrimPrefix(s.Ref, id))
	}
	return strings.Join(out, ",")
}

// reportPart pushes a report about the part, by its Ref or by the id under which the provider took it.
func (c *chat) reportPart(m *hookswitch.Message, part int, status hookswitch.MessageStatus, byRef bool) {
	c.t.Helper()
	ref := fmt.Sprintf("%s-%d", c.Service.IDs().Format(hookswitch.KindMessage, m.Key), part)
	u := servicetest.Report("100", servicetest.ProviderID(ref), ref, "+1555", status)
	if !byRef {
		u.Receipt.Ref = ""
	}
	servicetest.Must(c.Push(u))(c.t)
}

func TestParts_ALongTextIsOneMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		for n := 1; n <= 3; n++ {
			if next := c.send(); next.IsZero() != (n == 3) {
				t.Errorf("after part %d the next is due at %v", n, next)
			}
		}
		if got, want := c.pieces(m), "one more-1,another-2,the last-3"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d sends are left", n)
		}
		for part := 1; part <= 3; part++ {
			c.wantMessage("before all parts are sent", m.Key, hookswitch.StatusSending, "")
			c.reportPart(m, part, hookswitch.StatusSent, false)
		}
		c.wantMessage("all parts are sent", m.Key, hookswitch.StatusSent, "")
		c.reportPart(m, 1, hookswitch.StatusRead, false)
		c.wantMessage("the first part is read", m.Key, hookswitch.StatusSent, "")
		c.reportPart(m, 3, hookswitch.StatusDelivered, false)
		c.reportPart(m, 3, hookswitch.StatusRead, true)
		c.wantMessage("the last part is read", m.Key, hookswitch.StatusRead, "")
		c.wantTold("at the end", m, "queued", "sent", "delivered", "read")
		if got := c.message(m.Key); got.Text != long || got.ProviderID != servicetest.ProviderID(c.Service.IDs().Format(hookswitch.KindMessage, m.Key)+"-3") {
			t.Errorf("the message is %+v", got)
		}
		if n := c.Service.Counts().Sent.Load(); n != 1 {
			t.Errorf("%d messages were counted", n)
		}
	})
}

func TestParts_TheNextMessageOfTheConversationComesBehindAll(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		c.reply("next")
		for range 4 {
			c.send()
		}
		if got := c.pieces(m); !strings.HasPrefix(got, "one more-1,another-2,the last-3,next") {
			t.Errorf("sent %s", got)
		}
	})
}

func TestParts_APartThatIsRefusedEndsTheMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		c.send()
		c.Provider.Script(servicetest.Refuse(&hookswitch.SendError{Code: "131026", Message: "undeliverable", Category: "recipient"}))
		c.send()
		c.wantMessage("refused", m.Key, hookswitch.StatusFailed, "131026")
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d sends are left", n)
		}
		c.reportPart(m, 1, hookswitch.StatusRead, false)
		c.wantMessage("the first part is read", m.Key, hookswitch.StatusFailed, "131026")
		c.wantTold("at the end", m, "queued", "failed")
	})
}

func TestParts_AReportOfFailureEndsTheMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		c.send()
		c.reportPart(m, 1, hookswitch.StatusFailed, false)
		c.wantMessage("reported", m.Key, hookswitch.StatusFailed, "131026")
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d sends are left", n)
		}
	})
}

func TestParts_OnlyThePartThatFailedForAWhileIsRepeated(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		busy := servicetest.Refuse(&hookswitch.SendError{Code: "busy", Temporary: true})
		c.Provider.Script(servicetest.Accept, busy)
		c.send()
		c.Clock.Advance(c.send().Sub(c.Clock.Now()))
		c.send()
		c.send()
		if got, want := c.pieces(m), "one more-1,another-2,another-2,the last-3"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
}

func TestParts_AnUnknownOutcomeHoldsUpTheRest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		c.Provider.Script(unknown)
		c.send()
		if n := owed(c.World, hookswitch.DeliverMessage); n != 0 {
			t.Errorf("%d sends are due although nothing is known of the first part", n)
		}
		c.reportPart(m, 1, hookswitch.StatusDelivered, true)
		c.send()
		c.send()
		if got, want := c.pieces(m), "one more-1,another-2,the last-3"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}

		lost := c.reply(long)
		c.Provider.Script(servicetest.Accept, unknown)
		c.send()
		c.Clock.Advance(c.send().Sub(c.Clock.Now()))
		c.send()
		c.wantMessage("after the deadline", lost.Key, hookswitch.StatusFailed, "unknown_outcome")
		c.reportPart(lost, 2, hookswitch.StatusDelivered, true)
		c.wantMessage("a part came through after all", lost.Key, hookswitch.StatusFailed, "unknown_outcome")
		if n := len(c.Provider.Sent()); n != 5 {
			t.Errorf("%d sends, want 5", n)
		}
	})
}

func TestParts_AReportBeforeTheAnswerCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		c.Provider.Set(servicetest.Traits{TextLimit: 10})
		for name, answer := range map[string]servicetest.SendFunc{
			"accepted": servicetest.Accept, "unknown": unknown, "broken off": servicetest.Refuse(errors.New("EOF")),
		} {
			for _, byRef := range []bool{false, true} {
				if !byRef && name != "accepted" {
					continue // nobody could tell whose it is
				}
				m := c.reply(long)
				before, part := len(c.Provider.Sent()), 0
				early := func(ctx context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
					part++
					c.reportPart(m, part, hookswitch.StatusDelivered, byRef)
					return answer(ctx, out)
				}
				c.Provider.Script(early, early, early)
				for range 3 {
					c.send()
				}
				if n := len(c.Provider.Sent()) - before; n != 3 {
					t.Errorf("%s, by Ref %v: %d sends, want 3", name, byRef, n)
				}
				c.wantMessage(name, m.Key, hookswitch.StatusDelivered, "")
				c.wantTold(name, m, "queued", "delivered")
			}
		}
	})
}

func TestParts_ARestartGoesOnWithWhatIsLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		c.send()
		l := c.one(hookswitch.DeliverMessage)
		servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
		c.reportPart(m, 2, hookswitch.StatusSent, true) // while the call is under way, and then the process ends
		if err := c.Store.Close(); err != nil {
			t.Fatal(err)
		}
		c.World.Store = db.Open(storetest.Now(c.Clock.Now))
		c.World = c.Twin()
		c.Provider.Set(servicetest.Traits{TextLimit: 10})
		if next := c.send(); !next.IsZero() {
			t.Errorf("it is waited for until %v", next)
		}
		if got, want := c.pieces(m), "one more-1,the last-3"; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
}

func TestParts_AReportUpToATimeReachesTheParts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c, m := newLongChat(t, db)
		sent := func(_ context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
			return hookswitch.Accepted{ProviderID: servicetest.ProviderID(out.Ref), Sent: true}, nil
		}
		c.Provider.Script(sent, sent, sent)
		var at []time.Time
		for range 3 {
			at = append(at, c.Clock.Now())
			c.send()
			c.Clock.Advance(time.Second)
		}
		upto := func(when time.Time) {
			u := servicetest.Report("100", "", "", "+1555", hookswitch.StatusRead)
			u.Receipt.Upto = when
			servicetest.Must(c.Push(u))(t)
		}
		c.wantMessage("sent", m.Key, hookswitch.StatusSent, "")
		upto(at[1])
		c.wantMessage("two parts are read", m.Key, hookswitch.StatusSent, "")
		upto(at[2])
		c.wantMessage("all are read", m.Key, hookswitch.StatusRead, "")
		if diff := cmp.Diff([]string{"queued", "sent", "delivered", "read"}, c.told(m)); diff != "" {
			t.Error(diff)
		}
	})
}
