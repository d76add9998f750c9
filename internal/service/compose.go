package service

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// MessageTypes are the types that a message to send may have.
var MessageTypes = []string{"text", "image", "video", "audio", "document", "sticker", "location", "contact", "buttons", "list", "cta_url", "request_contact_info",
	"location_request", "reaction", "template"}

// NewMessage is a message that somebody wants sent.
type NewMessage struct {
	Sender   string             // by id or name; "": the only one, or the default
	Channel  hookswitch.Channel // "": the only one of the sender over which messages can be sent
	To       string
	Type     string // "": text
	Text     string
	Content  json.RawMessage // an object; nil: nothing
	Metadata map[string]string
}

// Bounds of a message to send.
const (
	maxMessageText    = 65_536
	maxMessageContent = 256 << 10
	maxRecipient      = 320
)

// SendMessage queues a message. A person who is not known yet becomes a contact. What no provider of the sender could carry is refused, with an error of kind Invalid that
// names the field; whether the provider takes it is told by events and the message's status. Where the same request has been made before, that one's message is returned.
func (s *Service) SendMessage(ctx context.Context, app hookswitch.Key, in NewMessage, idem Idempotency) (*hookswitch.Message, error) {
	if in.Type == "" {
		in.Type = "text"
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	var m *hookswitch.Message
	err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		sender, err := s.senderNamed(tx, app, in.Sender)
		if err != nil {
			return err
		}
		route, err := s.routeOver(sender, in.Channel, in.Type)
		if err != nil {
			return err
		}
		if (route.Channel == hookswitch.SMS || route.Channel == hookswitch.Voice) && route.Provider != hookswitch.ProviderAPI {
			if wrong := hookswitch.CheckPhone(in.To); wrong != "" {
				return hookswitch.InvalidField(wrong, "to")
			}
		}
		now := b.now.UTC()
		contact, err := tx.ContactBy(tx.Context(), app, route.Channel, in.To)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			c := &hookswitch.Contact{Key: s.keys.Next(), App: app, CreatedAt: now, UpdatedAt: now}
			contact, err = c.Key, tx.InsertContact(c, route.Channel, in.To)
		}
		if err != nil {
			return err
		}
		conv, err := conversationTo(s, tx, route, contact, now)
		if err != nil {
			return err
		}
		m = &hookswitch.Message{Route: route.Key, Channel: route.Channel, Type: in.Type, From: sender.PhoneNumber, To: in.To, Text: in.Text, Content: in.Content,
			Metadata: in.Metadata}
		if err := b.queue(tx, conv, m); err != nil {
			return err
		}
		return idem.claim(tx, m.Key, s)
	})
	if ref, again := replayed(err); again {
		return s.store.Message(ctx, app, ref)
	}
	return m, err
}

func (in *NewMessage) check() error {
	var c hookswitch.Checks
	if strings.TrimSpace(in.To) == "" || len(in.To) > maxRecipient || hookswitch.CheckText(in.To) != "" {
		c.Field("must be a phone number, an address or an id of the person", "to")
	}
	if !slices.Contains(MessageTypes, in.Type) {
		c.Field("must be one of "+strings.Join(MessageTypes, ", "), "type")
	}
	if in.Channel != "" && !in.Channel.Valid() {
		c.Field("must be one of "+channelNames(), "channel")
	}
	switch {
	case in.Type == "text" && strings.TrimSpace(in.Text) == "":
		c.Field("must not be empty", "text")
	case len(in.Text) > maxMessageText:
		c.Field("must have at most "+strconv.Itoa(maxMessageText)+" bytes", "text")
	}
	var object map[string]json.RawMessage
	if len(in.Content) > 0 && (json.Unmarshal(in.Content, &object) != nil || len(in.Content) > maxMessageContent) {
		c.Field("must be an object of at most "+strconv.Itoa(maxMessageContent)+" bytes", "content")
	}
	return c.Err()
}

// senderNamed is the sender of an app with the id or name. "" means the default, or the only one.
func (s *Service) senderNamed(tx *store.Tx, app hookswitch.Key, name string) (*hookswitch.Sender, error) {
	ctx := tx.Context()
	if key, ok := s.ids.Parse(hookswitch.KindSender, name); ok {
		return tx.Sender(ctx, app, key)
	}
	if name != "" {
		return tx.SenderByName(ctx, app, name)
	}
	list, err := tx.Senders(ctx, app, store.Page{Limit: maxSenderSpecs})
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(s *hookswitch.Sender) bool { return s.Default }); i >= 0 {
		return list[i], nil
	}
	if len(list) != 1 { // the sender of what is posted to an API is not one to choose by default
		list = slices.DeleteFunc(list, overAPI)
	}
	if len(list) != 1 {
		return nil, hookswitch.InvalidField("must name one of the app's senders: it has "+strconv.Itoa(len(list))+" and no default", "sender")
	}
	return list[0], nil
}

// routeOver is the route of the sender that carries messages of a type, on a channel where one is named.
func (s *Service) routeOver(sender *hookswitch.Sender, ch hookswitch.Channel, messageType string) (*hookswitch.Route, error) {
	var found *hookswitch.Route
	sends := false
	for i := range sender.Routes {
		r := &sender.Routes[i]
		p, ok := s.providers[r.Provider].(hookswitch.MessageSender)
		if !ok || ch != "" && r.Channel != ch || r.Channel == hookswitch.USSD {
			continue
		}
		sends = true
		if carried(p, &hookswitch.Message{Channel: r.Channel, Type: messageType}) != nil {
			continue
		}
		if found != nil && found.Channel != r.Channel {
			return nil, hookswitch.InvalidField("must be said: the sender sends on several", "channel")
		}
		if found == nil {
			found = r
		}
	}
	switch {
	case found != nil:
		return found, nil
	case sends:
		return nil, hookswitch.InvalidField("cannot be sent: no provider of the sender carries such messages there", "type")
	case ch == "":
		return nil, hookswitch.InvalidField("must name a sender with a channel over which messages can be sent", "sender")
	}
	return nil, hookswitch.InvalidField("must be one over which the sender can send messages", "channel")
}
