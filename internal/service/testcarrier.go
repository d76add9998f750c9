package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// testCarrier takes the messages that are only simulated, on every channel. It reaches nobody. What it has taken is delivered a moment later: that is owed like the send
// was, so that a restart in between loses nothing.
type testCarrier struct{}

var (
	_ hookswitch.MessageSender = testCarrier{}
	_ hookswitch.Repeater      = testCarrier{}
)

// testDelay is how long after it was sent a simulated message arrives.
const testDelay = 300 * time.Millisecond

// Send accepts everything.
func (testCarrier) Send(_ context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	return hookswitch.Accepted{ProviderID: "test_" + out.Ref, Sent: true}, nil
}

// Repeats is for ever: nobody would get a message twice.
func (testCarrier) Repeats(*hookswitch.Route) time.Duration { return 1<<63 - 1 }

// testArrives owes the arrival of a simulated message. It is of a queue of its own, so that what follows in the conversation is not held up.
func (b *births) testArrives(m *hookswitch.Message) {
	b.owe(store.Delivery{Kind: hookswitch.DeliverMessage, App: m.App, Subject: m.Key, Target: m.Key, NextAt: b.now.Add(testDelay)}, nil)
}

// testDelivered ends the way of a simulated message.
func (b *births) testDelivered(tx *store.Tx, o *store.Outcome, m *hookswitch.Message) error {
	if err := tx.Settle(o.Kind, o.Subject, o.Target); err != nil {
		return err
	}
	return applyReceipt(b.s, tx, b, m, &hookswitch.MessageReceipt{ProviderID: m.ProviderID, Status: hookswitch.StatusDelivered})
}
