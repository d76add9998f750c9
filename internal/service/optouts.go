package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// optOutWord heeds a message that says, with one of the sender's words, that the person wants no more messages or wants them again. It is confirmed once. silent says that the
// responder has nothing to say: to such a message, and to a person who wants nothing. A stranger has asked for nothing yet.
func (in *inbound) optOutWord(sender *hookswitch.Sender, m *hookswitch.InboundMessage, msg *hookswitch.Message, conv *hookswitch.Conversation, stranger bool) (silent bool, err error) {
	words, err := in.s.optOuts.Of(sender.Key, sender.UpdatedAt, sender.Responder)
	if err != nil {
		return false, err
	}
	if words == nil {
		if err := in.cameBack(m, msg); err != nil {
			return false, err
		}
	}
	wish := respond.NoWish
	if !m.Review && respond.HearsOptOut(msg.Channel) { // what is written in public is not about messages to the person
		wish = words.Wish(msg.Text, replyID(msg))
	}
	var since time.Time
	if !stranger {
		if since, _, err = in.tx.OptedOut(in.tx.Context(), msg.App, msg.Contact, msg.Channel); err != nil {
			return false, err
		}
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

// cameBack heeds a usual word by which a person wants messages again who has told the provider that they want none, where the sender has no words of its own. The provider refuses
// the next message if it thinks otherwise.
func (in *inbound) cameBack(m *hookswitch.InboundMessage, msg *hookswitch.Message) error {
	if m.Review || !respond.HearsOptOut(msg.Channel) || !respond.WantsBack(msg.Text) {
		return nil
	}
	since, said, err := in.tx.OptedOut(in.tx.Context(), msg.App, msg.Contact, msg.Channel)
	if err != nil || since.IsZero() || said != 0 {
		return err
	}
	return in.tx.SetOptOut(msg.App, msg.Contact, msg.Channel, time.Time{}, 0)
}

// optedOut notes that a provider has refused a message because the person wants none on the channel. Who has said so to us as well has said it to us.
func optedOut(tx *store.Tx, app, contact hookswitch.Key, ch hookswitch.Channel, now time.Time) error {
	since, _, err := tx.OptedOut(tx.Context(), app, contact, ch)
	if err != nil || !since.IsZero() {
		return err
	}
	return tx.SetOptOut(app, contact, ch, now.UTC(), 0)
}

// optedOutReport is optedOut for a report about m, or, where m is nil, about a message that another system on the same account has sent.
func (in *inbound) optedOutReport(u *hookswitch.Update, route *hookswitch.Route, m *hookswitch.Message) error {
	if r := u.Receipt; r.Status != hookswitch.StatusFailed || !r.OptedOut {
		return nil
	}
	if m != nil {
		return optedOut(in.tx, m.App, m.Contact, m.Channel, in.b.now)
	}
	if u.Receipt.Recipient == "" {
		return nil
	}
	contact, _, err := in.contact(route.App, u.Channel, u.Receipt.Recipient, "", "", time.Time{})
	if err != nil {
		return err
	}
	return optedOut(in.tx, route.App, contact, u.Channel, in.b.now)
}

// ClearOptOut notes that a person of an app may be written to again on the channel, or, with an empty one, on all, whoever said that they want no messages there, and returns the person as
// they then are. A provider that has been told so itself goes on refusing.
func (s *Service) ClearOptOut(ctx context.Context, app, contact hookswitch.Key, channel hookswitch.Channel) (*hookswitch.Contact, error) {
	return s.changeContact(ctx, app, contact, func(tx *store.Tx, c *hookswitch.Contact) error {
		for _, id := range c.Identifiers {
			if id.OptedOutAt.IsZero() || channel != "" && id.Channel != channel {
				continue
			}
			if err := tx.SetOptOut(app, contact, id.Channel, time.Time{}, 0); err != nil {
				return err
			}
		}
		return nil
	})
}
