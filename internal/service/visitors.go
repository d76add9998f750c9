package service

import (
	"context"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Visitor is a person who reads the messages of a route here and not at a provider: somebody who chats on a web site.
type Visitor struct {
	Route   *hookswitch.Route
	Address string // what messages name the person by
}

// VisitorConversation is the conversation of a visitor, or an error of kind NotFound when there has been no message yet.
func (s *Service) VisitorConversation(ctx context.Context, v Visitor) (*hookswitch.Conversation, error) {
	contact, err := s.store.ContactBy(ctx, v.Route.App, v.Route.Channel, v.Address)
	if err != nil {
		return nil, err
	}
	return s.store.ConversationOf(ctx, v.Route.Sender, contact)
}

// VisitorPage is a part of a conversation as its visitor sees it.
type VisitorPage struct {
	Messages []*hookswitch.Message
	// Open are messages that are yet to be sent: they may come to be seen when younger ones are seen already.
	Open []hookswitch.Key
	// Last is the last message that was looked at, seen or not; Full says that there may be more behind it.
	Last hookswitch.Key
	Full bool
}

// VisitorMessages lists what a visitor may see of the conversation: what they have written and not taken back, and what has been sent to them.
func (s *Service) VisitorMessages(ctx context.Context, v Visitor, conversation hookswitch.Key, p store.Page) (VisitorPage, error) {
	all, err := s.store.Messages(ctx, v.Route.App, store.MessageFilter{Conversation: conversation, Channel: v.Route.Channel}, p)
	page := VisitorPage{Full: len(all) == p.Limit}
	for _, m := range all {
		page.Last = m.Key
		switch {
		case !m.DeletedAt.IsZero():
		case m.Direction == hookswitch.Inbound && m.From == v.Address:
			page.Messages = append(page.Messages, m)
		case m.Direction == hookswitch.Inbound || m.To != v.Address:
		case m.Status == hookswitch.StatusQueued || m.Status == hookswitch.StatusSending:
			page.Open = append(page.Open, m.Key)
		case m.Status != hookswitch.StatusFailed:
			page.Messages = append(page.Messages, m)
		}
	}
	return page, err
}

// VisitorMessage is the message that a visitor has sent under the provider's id.
func (s *Service) VisitorMessage(ctx context.Context, v Visitor, providerID string) (*hookswitch.Message, error) {
	m, err := s.store.MessageByProviderID(ctx, providerID, hookswitch.Inbound, []hookswitch.Key{v.Route.Key})
	if err == nil && m.From != v.Address {
		return nil, hookswitch.NotFoundf("message not found")
	}
	return m, err
}

// Answering reports whether a responder is at work on the conversation, on whatever node.
func (s *Service) Answering(ctx context.Context, conversation hookswitch.Key) (bool, error) {
	return s.store.Answering(ctx, conversation)
}

// VisitorBell is closed when the visitor's conversation changes on this node. What other nodes do is found by looking again after a while.
func (s *Service) VisitorBell(v Visitor) <-chan struct{} {
	return s.visitors.bell(visitorName(v.Route.Sender, v.Address))
}

func visitorName(sender hookswitch.Key, address string) string {
	return strconv.FormatInt(int64(sender), 36) + " " + address
}

// tell wakes the visitor whose conversation a message belongs to, once the transaction has been committed.
func (b *births) tell(m *hookswitch.Message) {
	if m.Channel != hookswitch.WebChat {
		return
	}
	address := m.To
	if m.Direction == hookswitch.Inbound {
		address = m.From
	}
	b.ring = append(b.ring, visitorName(m.Sender, address))
}
