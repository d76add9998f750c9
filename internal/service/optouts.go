package service

import (
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

// optOutWord heeds a message that says, with one of the sender's words, that the person wants no more messages or wants them again. It is confirmed once. silent says that the
// responder has nothing to say: to such a message, and to a person who wants nothing.
func (in *inbound) optOutWord(sender *hookswitch.Sender, m *hookswitch.InboundMessage, msg *hookswitch.Message, conv *hookswitch.Conversation) (silent bool, err error) {
	words, err := in.s.optOuts.Of(sender.Key, sender.UpdatedAt, sender.Responder)
	if err != nil {
		return false, err
	}
	wish := respond.NoWish
	// What is written in public is not about messages to the person, and who is on a web site gets none elsewhere.
	if !m.Review && msg.Channel != hookswitch.WebChat {
		wish = words.Wish(msg.Text, replyID(msg))
	}
	since, _, err := in.tx.OptedOut(in.tx.Context(), msg.App, msg.Contact, msg.Channel)
	if err != nil {
		return false, err
	}
	var at time.Time
	switch {
	case wish == respond.WantsNone && since.IsZero():
		at = in.b.now.UTC()
	case wish == respond.WantsAgain && !since.IsZero():
	default:
		return !since.IsZero(), nil
	}
	if err := in.tx.SetOptOut(msg.App, msg.Contact, msg.Channel, at, msg.Key); err != nil {
		return true, err
	}
	text := words.Confirmation(wish, &hookswitch.Turn{Channel: msg.Channel, ProfileName: msg.ProfileName, Text: msg.Text})
	if text == "" || m.Quiet { // quiet: the provider has confirmed it itself
		return true, nil
	}
	return true, in.b.queue(in.tx, conv, &hookswitch.Message{Route: msg.Route, Channel: msg.Channel, Type: "text", From: msg.To, To: msg.From, Text: text, InReplyTo: msg.Key})
}
