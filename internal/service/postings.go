package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// NewPosting is what a program posts to the Travtus-shaped API.
type NewPosting struct {
	Channel        string // the caller's word, which with MessageID names the posting
	MessageID      string
	ConversationID string // "": one is made
	Group          GroupRef
	Body           []byte // as it was posted
	Message        *PostedMessage
}

// PostedMessage is the message that a posting holds. A review holds none.
type PostedMessage struct {
	Channel   hookswitch.Channel
	Direction hookswitch.Direction // hookswitch.Outbound: an agent has written it
	Person    string               // the person's number or address; "": the conversation names them
	Own       string               // the number or address that the person wrote to, or was written to from
	Name      string
	Text      string
	Content   map[string]any
	At        time.Time // as the caller tells it
	Quiet     bool      // nothing answers it
}

// Posted is what became of a posting.
type Posted struct {
	RequestID string
	Again     bool // it had been posted before, and had that request's effect
}

// Post stores what a program has posted: with a message its contact and conversation, the events for those endpoints that name them, and what is owed to the responder. What was posted
// before, under the same channel and message id, keeps its first effect and is answered with the first request's id.
func (s *Service) Post(ctx context.Context, app hookswitch.Key, in NewPosting) (Posted, error) {
	var p *hookswitch.Posting
	made := false
	err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		made = false
		key := s.keys.Next()
		if err := tx.Claim(store.OnceOf(store.LifeForever, key, "posting", strconv.FormatInt(int64(app), 36), in.Channel, in.MessageID), b.now); err != nil {
			return err
		}
		group, err := s.group(tx, app, in.Group, b.now.UTC())
		if err != nil {
			return err
		}
		p = &hookswitch.Posting{Key: key, App: app, RequestID: newUUID(), Channel: in.Channel, MessageID: in.MessageID, ConversationID: in.ConversationID, Group: group.Key, Body: in.Body}
		if in.Message == nil {
			return tx.InsertPosting(p)
		}
		p.ConversationID = cmp.Or(p.ConversationID, newUUID())
		var route *hookswitch.Route
		if route, made, err = s.apiRoute(tx, app, in.Message.Channel, b.now.UTC()); err != nil {
			return err
		}
		b.named = true
		return b.post(tx, route, p, in.Message)
	})
	if ref, again := replayed(err); again {
		first, err := s.store.Posting(ctx, app, ref)
		if err != nil {
			return Posted{}, err
		}
		return Posted{first.RequestID, true}, nil
	}
	if err != nil {
		return Posted{}, err
	}
	if made {
		s.cache.forget(app)
		s.routes.forget()
	}
	if in.Message != nil && in.Message.Direction == hookswitch.Inbound {
		s.counts.Received.Add(1)
	}
	return Posted{p.RequestID, false}, nil
}

// post stores a posting with its message.
func (b *births) post(tx *store.Tx, route *hookswitch.Route, p *hookswitch.Posting, m *PostedMessage) error {
	person := cmp.Or(m.Person, p.ConversationID)
	in := &inbound{s: b.s, tx: tx, b: b, account: &Account{Routes: []hookswitch.Route{*route}}, at: b.now, res: new(ReceivedResult)}
	contact, _, err := in.contact(p.App, m.Channel, person, "", m.Name, time.Time{})
	if err != nil {
		return err
	}
	thread := threadName(p.Channel, p.ConversationID)
	conv, err := threadOf(b.s, tx, p.App, route.Sender, contact, thread, b.now.UTC())
	if err != nil {
		return err
	}
	p.Conversation = conv.Key
	if err := tx.InsertPosting(p); err != nil {
		return err
	}
	if m.Direction == hookswitch.Inbound {
		return in.message(&hookswitch.Update{Channel: m.Channel, At: m.At, Message: &hookswitch.InboundMessage{
			ProviderID: p.MessageID, From: person, To: m.Own, Thread: thread, ProfileName: m.Name, Text: m.Text, Type: "text", Content: m.Content, Quiet: m.Quiet,
		}}, route, p.Key)
	}
	now := b.now.UTC()
	msg := &hookswitch.Message{Key: p.Key, App: p.App, Sender: route.Sender, Route: route.Key, Conversation: conv.Key, Contact: contact, Direction: hookswitch.Outbound,
		Channel: m.Channel, Type: "text", Status: hookswitch.StatusSent, From: m.Own, To: person, Text: m.Text, ProviderID: p.MessageID, ProviderAt: m.At,
		CreatedAt: now, UpdatedAt: now}
	if len(m.Content) > 0 {
		msg.Content = json.RawMessage(encode(m.Content))
	}
	return b.place(tx, conv, msg)
}

// maxThread is the greatest length of a thread's name, in bytes. It is indexed.
const maxThread = 512

// threadName is the name of the thread that callers name by conversation id, on a channel of their own words.
func threadName(channel, conversationID string) string {
	if len(conversationID) > maxThread {
		sum := sha256.Sum256([]byte(conversationID))
		conversationID = "#" + hex.EncodeToString(sum[:])
	}
	return channel + ":" + conversationID
}

// threadOf finds or makes the conversation of a thread; thread "": of a sender and a contact.
func threadOf(s *Service, tx *store.Tx, app, sender, contact hookswitch.Key, thread string, now time.Time) (*hookswitch.Conversation, error) {
	if thread == "" {
		return conversation(s, tx, app, sender, contact, now)
	}
	c, err := tx.ConversationByThread(tx.Context(), sender, thread)
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return c, err
	}
	c = &hookswitch.Conversation{Key: s.keys.Next(), App: app, Sender: sender, Contact: contact, Thread: thread, CreatedAt: now, UpdatedAt: now}
	return c, tx.InsertConversation(c)
}

// conversationTo finds or makes the conversation that a message over a route of the provider api to a contact belongs to: the one that was spoken in last.
func conversationTo(s *Service, tx *store.Tx, route *hookswitch.Route, contact hookswitch.Key, now time.Time) (*hookswitch.Conversation, error) {
	if c, err := orNone(tx.LastConversationOf(tx.Context(), route.Sender, contact, route.Channel)); c != nil || err != nil {
		return c, err
	}
	return conversation(s, tx, route.App, route.Sender, contact, now)
}

// apiSenderName is what the sender is called that is made for an app which has none of the provider api.
const apiSenderName = "api"

// apiRoute is the route of an app that what is posted on the channel belongs to. Where there is none one is made, with a sender if need be. made says so: the caller forgets what is
// cached about the app when the transaction has been committed.
func (s *Service) apiRoute(tx *store.Tx, app hookswitch.Key, ch hookswitch.Channel, now time.Time) (route *hookswitch.Route, made bool, err error) {
	if ch == hookswitch.Voice {
		ch = "" // what was said in a call is not answered: any route will do
	}
	if route, err = orNone(tx.RouteOver(tx.Context(), app, hookswitch.ProviderAPI, ch)); route != nil || err != nil {
		return route, false, err
	}
	sender, err := s.apiSender(tx, app, now)
	if err != nil {
		return nil, false, err
	}
	route = &hookswitch.Route{Key: s.keys.Next(), App: app, Sender: sender.Key, Channel: cmp.Or(ch, hookswitch.SMS), Provider: hookswitch.ProviderAPI}
	if err := tx.PutRoute(route); err != nil {
		return nil, false, err
	}
	return route, true, tx.TouchApp(app, now)
}

// apiSender finds or makes the sender of an app that has routes of the provider api. Transactions that make it take turns.
func (s *Service) apiSender(tx *store.Tx, app hookswitch.Key, now time.Time) (*hookswitch.Sender, error) {
	ctx := tx.Context()
	if err := tx.HoldApp(app); err != nil {
		return nil, err
	}
	route, err := orNone(tx.RouteOver(ctx, app, hookswitch.ProviderAPI, ""))
	if err != nil {
		return nil, err
	}
	if route != nil {
		return tx.Sender(ctx, app, route.Sender)
	}
	sender := &hookswitch.Sender{Key: s.keys.Next(), App: app, Name: apiSenderName, CreatedAt: now, UpdatedAt: now}
	for n := 2; ; n++ {
		taken, err := orNone(tx.SenderByName(ctx, app, sender.Name))
		if err != nil {
			return nil, err
		}
		if taken == nil {
			return sender, tx.InsertSender(sender)
		}
		sender.Name = apiSenderName + " " + strconv.Itoa(n)
	}
}

// SetResponder chooses what answers that which is posted to the app: the responder of its sender of the provider api, which is made where there is none.
func (s *Service) SetResponder(ctx context.Context, app hookswitch.Key, cfg hookswitch.ResponderConfig) (*hookswitch.Sender, error) {
	if s.o.CheckResponder != nil {
		if err := s.o.CheckResponder(cfg); err != nil {
			return nil, err
		}
	}
	var sender *hookswitch.Sender
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.now().UTC()
		route, made, err := s.apiRoute(tx, app, "", now)
		if err != nil {
			return err
		}
		if !made { // what is known of the sender is known for this version of the app
			if err := tx.TouchApp(app, now); err != nil {
				return err
			}
		}
		if sender, err = tx.Sender(tx.Context(), app, route.Sender); err != nil {
			return err
		}
		sender.Responder, sender.UpdatedAt = cfg, now
		return tx.UpdateSender(sender)
	})
	s.cache.forget(app)
	s.routes.forget()
	return sender, err
}

// overAPI reports whether a sender has routes, all of them of the provider api.
func overAPI(sender *hookswitch.Sender) bool {
	for i := range sender.Routes {
		if sender.Routes[i].Provider != hookswitch.ProviderAPI {
			return false
		}
	}
	return len(sender.Routes) > 0
}

// answering is the sender whose responder answers what a sender gets on the channel. It is the sender itself, unless that takes what is posted to an API and has no responder of its own. Then one
// of the app's others lends its: the default one, else one that is reached on the channel, else the only one that has any. Where there is none it is the sender again.
func answering(ctx context.Context, r *store.Reader, sender *hookswitch.Sender, ch hookswitch.Channel) (*hookswitch.Sender, error) {
	if sender.Responder.Kind != "" || !overAPI(sender) {
		return sender, nil
	}
	list, err := r.Senders(ctx, sender.App, store.Page{Limit: maxSenderSpecs, Ascending: true})
	if err != nil {
		return nil, err
	}
	var best, only *hookswitch.Sender
	n := 0
	for _, other := range list {
		if other.Responder.Kind == "" {
			continue
		}
		if other.Default {
			return other, nil
		}
		for i := range other.Routes {
			if best == nil && other.Routes[i].Channel == ch {
				best = other
			}
		}
		only = other
		n++
	}
	switch {
	case best != nil:
		return best, nil
	case n == 1:
		return only, nil
	}
	return sender, nil
}
