package service

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// SessionLife is how long after its last message a session of the sessions API ends, unless the settings say otherwise.
const SessionLife = 24 * time.Hour

// A session of the sessions API is a conversation of its own, whose thread says so. Its id is the conversation's, its user the contact.
const chatThread = "session:"

func isChat(conv *hookswitch.Conversation) bool { return strings.HasPrefix(conv.Thread, chatThread) }

// Customer is who a session is with.
type Customer struct {
	Name  string
	Phone string
	Email string
	// About is what else is known of them.
	About map[string]string
}

// ChatSession is a session of the sessions API.
type ChatSession struct {
	ID     string // 32 hexadecimal digits
	UserID string // the same for the same customer
}

// BeginSession begins a session with a customer on the channel. Who has the same number, or the same address, is the same user.
func (s *Service) BeginSession(ctx context.Context, app hookswitch.Key, ch hookswitch.Channel, c Customer) (ChatSession, error) {
	var conv *hookswitch.Conversation
	made := false
	err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		now := b.now.UTC()
		route, fresh, err := s.apiRoute(tx, app, ch, now)
		if err != nil {
			return err
		}
		made = fresh
		key := s.keys.Next()
		contact, err := b.customer(tx, app, ch, c, chatAddress(key))
		if err != nil {
			return err
		}
		conv = &hookswitch.Conversation{Key: key, App: app, Sender: route.Sender, Contact: contact, Thread: chatThread + string(ch) + ":" + chatAddress(key), CreatedAt: now, UpdatedAt: now}
		return tx.InsertConversation(conv)
	})
	if err != nil {
		return ChatSession{}, err
	}
	if made {
		s.cache.forget(app)
		s.routes.forget()
	}
	return s.chatOf(conv), nil
}

func chatAddress(key hookswitch.Key) string { return strconv.FormatInt(int64(key), 36) }

func (s *Service) chatOf(conv *hookswitch.Conversation) ChatSession {
	return ChatSession{ID: s.ids.FormatHex(hookswitch.KindConversation, conv.Key), UserID: s.ids.FormatHex(hookswitch.KindContact, conv.Contact)}
}

// customer finds or makes the contact of a customer, who is known by a number, an address or both. other is what those are known by on the channel of the session who have none there.
func (b *births) customer(tx *store.Tx, app hookswitch.Key, ch hookswitch.Channel, c Customer, other string) (hookswitch.Key, error) {
	var known []hookswitch.Identifier
	for _, id := range []hookswitch.Identifier{{Channel: hookswitch.SMS, Value: c.Phone}, {Channel: hookswitch.Email, Value: c.Email}} {
		if id.Value != "" {
			known = append(known, id)
		}
	}
	if !slices.ContainsFunc(known, func(id hookswitch.Identifier) bool { return id.Channel == ch }) {
		known = append(known, hookswitch.Identifier{Channel: ch, Value: other})
	}
	var contact hookswitch.Key
	for _, id := range known {
		if contact != 0 {
			break
		}
		key, err := tx.ContactBy(tx.Context(), app, id.Channel, id.Value)
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return 0, err
		}
		if err == nil {
			contact = key
		}
	}
	if contact == 0 {
		now := b.now.UTC()
		fresh := &hookswitch.Contact{Key: b.s.keys.Next(), App: app, Name: c.Name, Metadata: c.About, CreatedAt: now, UpdatedAt: now}
		if err := tx.InsertContact(fresh, known[0].Channel, known[0].Value); err != nil {
			return 0, err
		}
		contact = fresh.Key
	}
	for _, id := range known {
		if err := tx.AddIdentifier(app, contact, id.Channel, id.Value, b.s.keys.Next(), b.now); err != nil {
			return 0, err
		}
	}
	return contact, nil
}

// errNoSession says that there is no such session, or not any more.
var errNoSession = &hookswitch.Error{Kind: hookswitch.NotFound, Code: "session_not_found", Message: "There is no such session, or it has ended."}

// SaySession stores what the customer of a session says. The error is of kind NotFound where the session has ended.
func (s *Service) SaySession(ctx context.Context, app hookswitch.Key, session, text string) error {
	key, ok := s.ids.ParseHex(hookswitch.KindConversation, session)
	if !ok {
		return errNoSession
	}
	return s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		conv, err := orNone(tx.Conversation(tx.Context(), app, key))
		if err != nil {
			return err
		}
		if conv == nil || !isChat(conv) || !b.now.Before(conv.UpdatedAt.Add(s.o.SessionLife)) {
			return errNoSession
		}
		sender, err := orNone(tx.Sender(tx.Context(), app, conv.Sender))
		if err != nil {
			return err
		}
		contact, err := orNone(tx.Contact(tx.Context(), app, conv.Contact))
		if err != nil {
			return err
		}
		if contact == nil { // forgotten
			return errNoSession
		}
		ch, address := chatChannel(conv, contact)
		route := chatRoute(sender, ch)
		if route == nil {
			return errNoSession // its sender has been deleted
		}
		b.named = true
		in := &inbound{s: s, tx: tx, b: b, account: &Account{Routes: []hookswitch.Route{*route}}, at: b.now, res: new(ReceivedResult)}
		return in.message(&hookswitch.Update{Channel: ch, Message: &hookswitch.InboundMessage{From: address, Thread: conv.Thread, ProfileName: contact.Name, Text: text, Type: "text"}},
			route, s.keys.Next())
	})
}

// chatRoute is the route of a session's sender on the channel, or any of the provider api.
func chatRoute(sender *hookswitch.Sender, ch hookswitch.Channel) (found *hookswitch.Route) {
	if sender == nil {
		return nil
	}
	for i := range sender.Routes {
		if r := &sender.Routes[i]; r.Provider == hookswitch.ProviderAPI && (found == nil || r.Channel == ch) {
			found = r
		}
	}
	return found
}

// chatChannel is the channel of a session's messages, and what the customer is known by there: a name made for the session, where that was needed.
func chatChannel(conv *hookswitch.Conversation, c *hookswitch.Contact) (ch hookswitch.Channel, address string) {
	channel, name, _ := strings.Cut(strings.TrimPrefix(conv.Thread, chatThread), ":")
	for _, id := range c.Identifiers {
		if id.Channel == hookswitch.Channel(channel) && (address == "" || id.Value == name) {
			address = id.Value
		}
	}
	return hookswitch.Channel(channel), address
}

// chatMessage emits the event that carries a message of a session.
func (b *births) chatMessage(conv *hookswitch.Conversation, m *hookswitch.Message) {
	who := "agent"
	if m.InReplyTo != 0 {
		who = "bot"
	}
	chat := b.s.chatOf(conv)
	b.emit(m.App, hookswitch.EventSessionMessage, 0, func(hookswitch.Key) []byte {
		return encode(object{{"event", "message"}, {"data", object{
			{"sessionId", chat.ID}, {"userId", chat.UserID}, {"content", m.Text}, {"participantType", who},
		}}})
	})
}

// SubscribeSessions has the messages of an app's sessions posted to url. Doing so again changes nothing.
func (s *Service) SubscribeSessions(ctx context.Context, app hookswitch.Key, address string) error {
	u, m := hookswitch.ParseEndpointURL(address)
	if m != "" {
		return hookswitch.InvalidField(m, "url")
	}
	if err := s.checkTarget(u); err != "" {
		return hookswitch.InvalidField(err, "url")
	}
	list, err := s.store.AllEndpoints(ctx, app)
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.URL == u.String() && e.Sender == 0 && len(e.EventTypes) == 1 && e.EventTypes[0] == hookswitch.EventSessionMessage {
			return nil
		}
	}
	_, err = s.CreateEndpoint(ctx, app, hookswitch.Endpoint{URL: u.String(), Description: "Sessions API", EventTypes: []string{hookswitch.EventSessionMessage}}, Idempotency{})
	return err
}

// checkTarget says what is wrong with where events are to go.
func (s *Service) checkTarget(u *url.URL) string {
	if s.o.CheckURL == nil || s.isBin(u) {
		return ""
	}
	if err := s.o.CheckURL(u); err != nil {
		return err.Error()
	}
	return ""
}
