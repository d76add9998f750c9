package service_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// tellsOf counts the events of a type.
func (c *chat) tellsOf(name string) int {
	n := 0
	for _, e := range c.Types(c.app) {
		if e == name {
			n++
		}
	}
	return n
}

func TestReceipts_OfSomebodyElseThatComeWhileWeSendAreToldOfAfterwards(t *testing.T) {
	refused := &hookswitch.SendError{Code: "131026", Message: "undeliverable"}
	for name, outcome := range map[string]error{"taken": nil, "refused": refused} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				c := newChat(t, db)
				m := c.reply("hello")
				l := c.one(hookswitch.DeliverMessage)
				begun := servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
				theirs := servicetest.Report("100", "theirs", "", "+1555", hookswitch.StatusRead)
				servicetest.Must(c.Push(theirs))(t)
				if n := c.tellsOf(hookswitch.EventMessageRead); n != 0 {
					t.Fatalf("%d events tell of a report that may be about the message under way", n)
				}
				acc, err := begun.Sender.Send(t.Context(), begun.Out)
				if outcome != nil {
					acc, err = hookswitch.Accepted{}, outcome
				}
				servicetest.Must(c.Service.FinishSend(t.Context(), &l.Outcome, 0, acc, err))(t)
				if n := c.tellsOf(hookswitch.EventMessageRead); n != 1 {
					t.Fatalf("%d events tell of it when it is known whose it is, want 1: %v", n, c.Types(c.app))
				}
				events := c.Events(c.app)
				at := slices.IndexFunc(events, func(e *hookswitch.Event) bool { return e.Type == hookswitch.EventMessageRead })
				want := `{"id":"EVT","type":"message.read","timestamp":TIME,"senderId":"SND","projectId":"PRJ","data":{"to":"+1555","channel":"whatsapp","status":"read","providerMessageId":"theirs"}}`
				if want = golden(c.World, want, events[at], m); string(events[at].Payload) != want {
					t.Errorf("got  %s\nwant %s", events[at].Payload, want)
				}
				// Afterwards nothing is held: the provider's id of ours is known, and another one is somebody else's.
				theirs.Receipt.ProviderID = "theirs too"
				servicetest.Must(c.Push(theirs))(t)
				if n := c.tellsOf(hookswitch.EventMessageRead); n != 2 {
					t.Errorf("%d events tell of two reports", n)
				}
			})
		})
	}
}

func TestReceipts_OfSomebodyElseAtTheMomentOfTheAnswerAreNotLost(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		for i := range 8 {
			c.reply("hello")
			l := c.one(hookswitch.DeliverMessage)
			begun := servicetest.Must(c.Service.BeginSend(t.Context(), &l.Outcome))(t)
			acc := servicetest.Must(begun.Sender.Send(t.Context(), begun.Out))(t)
			var wg sync.WaitGroup
			wg.Go(func() {
				theirs := servicetest.Report("100", "theirs "+string(rune('a'+i)), "", "+1555", hookswitch.StatusRead)
				if _, err := c.Push(theirs); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := c.Service.FinishSend(t.Context(), &l.Outcome, 0, acc, nil); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			if n := c.tellsOf(hookswitch.EventMessageRead); n != i+1 {
				t.Fatalf("%d events tell of %d reports", n, i+1)
			}
		}
	})
}
