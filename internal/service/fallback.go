package service

import (
	"cmp"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// fallBack has a message that has failed on WhatsApp go out by SMS instead, where it was asked for and the sender can. It reports whether it does: the message has not failed then, and is
// queued again. What WhatsApp has once said to be sent stays what it is.
func (b *births) fallBack(tx *store.Tx, m *hookswitch.Message) (bool, error) {
	if !m.Fallback || m.Status != hookswitch.StatusQueued && m.Status != hookswitch.StatusSending {
		return false, nil
	}
	sender, err := tx.Sender(tx.Context(), m.App, m.Sender)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	route := b.s.smsRoute(sender, m)
	if route == nil {
		return false, nil
	}
	row, err := tx.Delivery(tx.Context(), hookswitch.DeliverMessage, m.Key, m.Conversation)
	if err == nil && row.Owner != 0 {
		return false, nil // a call is under way, whose end would be taken for that of the new one
	}
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return false, err
	}
	number := "+" + strings.TrimPrefix(m.To, "+")
	if hookswitch.CheckPhone(number) != "" {
		return false, nil
	}
	// The person is the same, and their answer belongs into the same conversation.
	if err := tx.AddIdentifier(m.App, m.Contact, hookswitch.SMS, number, b.s.keys.Next(), b.now); err != nil {
		return false, err
	}
	out, _, err := tx.OptedOut(tx.Context(), m.App, m.Contact, hookswitch.SMS)
	if err != nil || !out.IsZero() {
		return false, err
	}
	if err := tx.Settle(hookswitch.DeliverMessage, m.Key, m.Conversation); err != nil {
		return false, err
	}
	m.Channel, m.Route, m.To, m.ProviderID, m.UpdatedAt = hookswitch.SMS, route.Key, number, "", b.now.UTC()
	m.From = cmp.Or(sender.PhoneNumber, m.From)
	if err := tx.RerouteMessage(m); err != nil {
		return false, err
	}
	b.owe(store.Delivery{Kind: hookswitch.DeliverMessage, App: m.App, Subject: m.Key, Target: m.Conversation}, nil)
	return true, nil
}
