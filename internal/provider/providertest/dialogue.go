package providertest

import (
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// spoken is what the person said in a step of a dialogue, in the shape of message.received. Which step it is, is counted elsewhere; here its turn stands for it. In
// a USSD session it is what follows the text of the previous step, which the fixture knows.
func (f *Fixture) spoken(u *hookswitch.Update) hookswitch.ReceivedMessage {
	s, text := u.Dialogue, u.Dialogue.Input
	for _, before := range f.Setup.USSD {
		if before.SessionID == s.Session && before.Text != "" {
			text = strings.TrimPrefix(text, before.Text+"*")
		}
	}
	m := &hookswitch.InboundMessage{ProviderID: s.Session + ":" + strconv.Itoa(s.Turn), From: s.From, To: s.To, Text: text, Type: "text", Metadata: s.Metadata}
	return hookswitch.NewReceivedMessage(&hookswitch.Update{Channel: u.Channel, At: u.At, Message: m}, received)
}

// reply is the adapter's answer to the push, in which a step of a dialogue may ask for words.
func (s *suite) reply(push *hookswitch.Push, updates []hookswitch.Update) hookswitch.Answer {
	talker, ok := s.provider.(hookswitch.Dialoguer)
	for i := range updates {
		step := updates[i].Dialogue
		if ok && step != nil && step.Progress == "" && step.End == nil {
			return talker.Say(push, step, hookswitch.DialogueReply{Text: "What can we do for you?", Turn: step.Turn + 1})
		}
	}
	return s.provider.Ack(push)
}
