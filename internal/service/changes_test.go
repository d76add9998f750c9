package service_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func changed(id, text string, deleted bool, at time.Duration) servicetest.Update {
	return servicetest.Update{Channel: hookswitch.WhatsApp, Address: "100", Dedup: id + text + at.String(), At: servicetest.Start.Add(at).UnixMilli(),
		Change: &hookswitch.MessageChange{ProviderID: id, Text: text, Deleted: deleted}}
}

func TestReceive_EditsKeepWhatAMessageReadBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		before := c.Types(c.app)
		for _, u := range []servicetest.Update{
			changed("in.1", "Hello", false, time.Minute), changed("in.1", "Hello", false, time.Minute), changed("in.1", "Hello there", false, 3*time.Minute),
			changed("in.1", "Hello the", false, 2*time.Minute), // told late
			changed("unknown", "x", false, time.Minute),
		} {
			servicetest.Must(c.Push(u))(t)
		}
		m := c.message(run.Subject)
		if m.Text != "Hello there" || !m.EditedAt.Equal(servicetest.Start.Add(3*time.Minute)) || !m.DeletedAt.IsZero() || m.Status != hookswitch.StatusReceived {
			t.Errorf("message %+v", m)
		}
		want := []hookswitch.MessageVersion{{Message: m.Key, Text: "Hi", Until: servicetest.Start.Add(time.Minute)}, {Message: m.Key, Text: "Hello", Until: servicetest.Start.Add(3 * time.Minute)},
			{Message: m.Key, Text: "Hello the", Until: servicetest.Start.Add(3 * time.Minute)}}
		if diff := cmp.Diff(want, servicetest.Must(c.Store.MessageVersions(t.Context(), c.app.Key, m.Key))(t)); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
		if turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, m.Key))(t); turn == nil || turn.Text != "Hello there" {
			t.Errorf("the responder is shown %+v", turn)
		}
		if diff := cmp.Diff(before, c.Types(c.app)); diff != "" {
			t.Errorf("events: %s", diff)
		}
	})
}

func TestReceive_WhatWasTakenBackIsKeptAndNotAnswered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		run := c.hear()
		servicetest.Must(c.Push(changed("in.1", "", true, time.Minute)))(t)
		servicetest.Must(c.Push(changed("in.1", "too late", false, 2*time.Minute)))(t)
		m := c.message(run.Subject)
		if m.Text != "Hi" || !m.DeletedAt.Equal(servicetest.Start.Add(time.Minute)) || !m.EditedAt.IsZero() {
			t.Errorf("message %+v", m)
		}
		if turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, m.Key))(t); turn != nil {
			t.Errorf("the responder is shown %+v", turn)
		}
		if err := c.Service.CommitReply(t.Context(), &run.Outcome, hookswitch.Reply{}); err != nil {
			t.Fatal(err)
		}
		next := c.hear()
		if turn := servicetest.Must(c.Service.Turn(t.Context(), c.app.Key, next.Subject))(t); len(turn.History) != 0 {
			t.Errorf("the responder is shown %+v", turn.History)
		}
	})
}

func optOut(from string, again bool) servicetest.Update {
	return servicetest.Update{Channel: hookswitch.WhatsApp, Address: "100", OptOut: &hookswitch.OptOut{From: from, Again: again}}
}

func TestSend_IsRefusedToWhoHasOptedOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := newChat(t, db)
		m := c.reply("Hello")
		servicetest.Must(c.Push(optOut("+1555", false), optOut("+1999", false), optOut("", false)))(t)
		c.send()
		got := c.message(m.Key)
		if got.Status != hookswitch.StatusFailed || got.ErrorCode != "opted_out" || got.ErrorText == "" {
			t.Errorf("message %+v", got)
		}
		if len(c.Provider.Sent()) != 0 {
			t.Error("the provider was called")
		}
		contact := servicetest.Must(c.Store.Contact(t.Context(), c.app.Key, m.Contact))(t)
		if !contact.Identifiers[0].OptedOutAt.Equal(servicetest.Start) {
			t.Errorf("contact %+v", contact)
		}
		servicetest.Must(c.Push(optOut("+1555", true), optOut("+1000", true)))(t)
		again := c.reply("Hello again")
		c.send()
		if got := c.message(again.Key); got.Status != hookswitch.StatusSending || len(c.Provider.Sent()) != 1 {
			t.Errorf("message %+v", got)
		}
		// Who had never written is remembered too.
		servicetest.Must(c.Push(servicetest.Text("100", "+1999", "in.999", "Hi")))(t)
		if n := owed(c.World, hookswitch.DeliverRespond); n != 0 {
			t.Errorf("%d answers are owed to who wants none", n)
		}
		if n := len(c.Provider.Sent()); n != 1 {
			t.Errorf("%d sends", n)
		}
	})
}
