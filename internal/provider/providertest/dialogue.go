package providertest

import (
	"strconv"

	"github.com/hookswitch/hookswitch"
)

// spoken is what the person said in a step of a dialogue, in the shape of message.received. Which step it is, is counted elsewhere; here its turn stands for it.
func spoken(u *hookswitch.Update) hookswitch.ReceivedMessage {
	s := u.Dialogue
	m := &hookswitch.InboundMessage{ProviderID: s.Session + ":" + strconv.Itoa(s.Turn), From: s.From, To: s.To, Text: s.Input, Type: "text", Metadata: s.Metadata}
	return hookswitch.NewReceivedMessage(&hookswitch.Update{Channel: u.Channel, At: u.At, Message: m}, received)
}
