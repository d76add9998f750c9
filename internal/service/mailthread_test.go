package service_test

import (
	"fmt"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestBeginSend_GoesOnWithTheNewestMailOfTheConversation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		sender := w.Sender(app, "support@acme.example", hookswitch.Email, false)
		// write queues a message of ours that answers none by itself, and says which one it goes on with.
		write := func() *hookswitch.Message {
			t.Helper()
			list := w.Messages(app)
			conv := list[len(list)-1]
			w.Clock.Advance(1e9)
			m := &hookswitch.Message{Key: hookswitch.KeyAt(w.Clock.Now()), App: app.Key, Sender: sender.Key, Contact: conv.Contact, Conversation: conv.Conversation, Direction: hookswitch.Outbound,
				Channel: hookswitch.Email, Type: "text", Status: hookswitch.StatusQueued, To: "ana@example.org", Text: "News", CreatedAt: w.Clock.Now(), UpdatedAt: w.Clock.Now()}
			if err := w.Store.Update(t.Context(), func(tx *store.Tx) error {
				if err := tx.InsertMessage(m); err != nil {
					return err
				}
				return tx.Append(nil, []store.Delivery{{Kind: hookswitch.DeliverMessage, App: app.Key, Subject: m.Key, Target: m.Conversation, NextAt: w.Clock.Now(), Claim: 1}})
			}); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(1e9)
			due := w.Claim(hookswitch.DeliverMessage)
			if len(due) != 1 {
				t.Fatalf("%d sends are due", len(due))
			}
			begun := servicetest.Must(w.Service.BeginSend(t.Context(), &due[0].Outcome))(t)
			if begun.Out == nil {
				t.Fatalf("not begun: %+v", begun)
			}
			servicetest.Must(w.Service.FinishSend(t.Context(), &due[0].Outcome, 0, hookswitch.Accepted{ProviderID: fmt.Sprint(m.Key), Sent: true}, nil))(t)
			return begun.Out.Answers
		}
		hear := func(id string) {
			t.Helper()
			w.Clock.Advance(1e9)
			u := servicetest.Text("support@acme.example", "ana@example.org", id, "Hi")
			u.Channel = hookswitch.Email
			servicetest.Must(w.Push(u))(t)
		}

		hear("mail.1")
		if a := write(); a == nil || a.ProviderID != "mail.1" {
			t.Errorf("goes on with %+v, want mail.1", a)
		}
		hear("mail.2")
		if a := write(); a == nil || a.ProviderID != "mail.2" {
			t.Errorf("goes on with %+v, want mail.2", a)
		}
		if a := write(); a == nil || a.ProviderID != "mail.2" {
			t.Errorf("after a mail of ours, goes on with %+v, want mail.2", a)
		}
	})
}
