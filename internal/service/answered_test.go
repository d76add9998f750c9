package service_test

import (
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestBeginSend_SaysWhichMessageIsAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		answer := c.reply("Hello")
		send := c.one(hookswitch.DeliverMessage)
		begun := servicetest.Must(c.Service.BeginSend(t.Context(), &send.Outcome))(t)
		if begun.Out == nil || begun.Out.Message.Key != answer.Key {
			t.Fatalf("begun %+v, want the answer", begun.Out)
		}
		a := begun.Out.Answers
		if a == nil || a.Key != answer.InReplyTo || a.Direction != hookswitch.Inbound || a.ProviderID != "in.1" || a.From != answer.To {
			t.Errorf("answers %+v, want the message of the person", a)
		}
	})
}
