package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Thread is a conversation with what lists of them show: its last message, and the person.
type Thread struct {
	*hookswitch.Conversation
	At   hookswitch.Key // what lists are in the order of
	Last *hookswitch.Message
	// Channels are those that its messages have gone over, in the order of their names.
	Channels []hookswitch.Channel
	Contact  *hookswitch.Contact // nil: it has just been deleted
}

// Thread is the conversation of an app with the id.
func (s *Service) Thread(ctx context.Context, app, key hookswitch.Key) (*Thread, error) {
	c, err := s.store.Conversation(ctx, app, key)
	if err != nil {
		return nil, err
	}
	list, err := s.threads(ctx, app, []store.ListedConversation{{Conversation: c, At: c.LastMessage}})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// Threads lists the conversations of an app in which something has been said, the busiest last first.
func (s *Service) Threads(ctx context.Context, app hookswitch.Key, f store.ConversationFilter, p store.Page) ([]*Thread, error) {
	list, err := s.store.BusyConversations(ctx, app, f, p)
	if err != nil {
		return nil, err
	}
	return s.threads(ctx, app, list)
}

// FindThreads lists the conversations with the people that the text finds, up to limit people, from after on. next is where the list goes on; nil: it is over.
func (s *Service) FindThreads(ctx context.Context, app hookswitch.Key, text string, f store.ConversationFilter, after store.Found, limit int) (out []*Thread, next *store.Found, err error) {
	for range searchTries {
		var found []store.Found
		if found, next, err = s.store.FindContacts(ctx, app, text, after, limit); err != nil {
			return nil, nil, err
		}
		var list []store.ListedConversation
		for _, one := range found {
			convs, err := s.store.ConversationsWith(ctx, app, one.Contact)
			if err != nil {
				return nil, nil, err
			}
			for _, c := range convs {
				if c.LastMessage != 0 && (f.Sender == 0 || c.Sender == f.Sender) && (!f.Handover || c.Handover) {
					list = append(list, store.ListedConversation{Conversation: c, At: c.LastMessage})
				}
			}
		}
		all, err := s.threads(ctx, app, list)
		if err != nil {
			return nil, nil, err
		}
		for _, t := range all {
			if f.Channel == "" || carries(t, f.Channel) {
				out = append(out, t)
			}
		}
		if len(out) > 0 || next == nil {
			return out, next, nil
		}
		after = *next
	}
	return out, next, nil
}

// SearchThreads lists the conversations of an app in which something has been said and that s finds, the busiest last first. stopped is the message behind which the list goes on when
// looking took too long, else 0.
func (s *Service) SearchThreads(ctx context.Context, app hookswitch.Key, what store.ConversationSearch, p store.Page) (list []*Thread, stopped hookswitch.Key, err error) {
	found, stopped, err := s.store.SearchConversations(ctx, app, what, p)
	if err != nil {
		return nil, 0, err
	}
	list, err = s.threads(ctx, app, found)
	return list, stopped, err
}

func carries(t *Thread, ch hookswitch.Channel) bool {
	for _, c := range t.Channels {
		if c == ch {
			return true
		}
	}
	return false
}

// threads looks up what belongs to conversations, each kind of thing at once.
func (s *Service) threads(ctx context.Context, app hookswitch.Key, list []store.ListedConversation) ([]*Thread, error) {
	out := make([]*Thread, len(list))
	var keys, contacts, messages []hookswitch.Key
	for i, c := range list {
		out[i] = &Thread{Conversation: c.Conversation, At: c.At}
		keys, contacts, messages = append(keys, c.Key), append(contacts, c.Contact), append(messages, c.LastMessage)
	}
	channels, err := s.store.ConversationChannels(ctx, app, keys)
	if err != nil {
		return nil, err
	}
	people, err := s.store.ContactsByKeys(ctx, app, contacts)
	if err != nil {
		return nil, err
	}
	last, err := s.store.MessagesByKeys(ctx, app, messages)
	if err != nil {
		return nil, err
	}
	for _, t := range out {
		t.Channels = channels[t.Key]
		for _, c := range people {
			if c.Key == t.Conversation.Contact {
				t.Contact = c
			}
		}
		for _, m := range last {
			if m.Key == t.LastMessage {
				t.Last = m
			}
		}
	}
	return out, nil
}

// attendTimeout bounds a call that shows a person something: nothing is lost when it is not made.
const attendTimeout = 5 * time.Second

// ReadConversation notes that nothing of a conversation is unread and, unless quiet, shows the person that their last message has been read, where the channel has such a thing.
func (s *Service) ReadConversation(ctx context.Context, app, key hookswitch.Key, quiet bool) (*Thread, error) {
	unread := false
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(tx.Context(), app, key)
		if err != nil {
			return err
		}
		unread = c.Unread > 0
		return tx.MarkRead(app, key, s.now().UTC())
	})
	if err != nil {
		return nil, err
	}
	if unread && !quiet {
		if m, err := s.lastReceived(ctx, app, key); err == nil && m != nil {
			_ = s.show(ctx, m, s.MarkRead) // what is read here is read, also when the provider is away
		}
	}
	return s.Thread(ctx, app, key)
}

// lastReceived is the person's last message in a conversation; nil: none of the last ones is theirs.
func (s *Service) lastReceived(ctx context.Context, app, conversation hookswitch.Key) (*hookswitch.Message, error) {
	list, err := s.store.Messages(ctx, app, store.MessageFilter{Conversation: conversation}, store.Page{Limit: threadDepth})
	for _, m := range list {
		if m.Direction == hookswitch.Inbound && m.DeletedAt.IsZero() {
			return m, nil
		}
	}
	return nil, err
}

// ShowTyping shows the person of a message that an answer is being written, where the channel has such a thing. quiet only looks whether there is the message. The error wraps a *SendError when the
// provider refuses.
func (s *Service) ShowTyping(ctx context.Context, app hookswitch.Key, id string, quiet bool) error {
	m, err := s.Message(ctx, app, id)
	if err != nil {
		return err
	}
	if m.Direction == hookswitch.Outbound {
		if m, err = s.lastReceived(ctx, app, m.Conversation); err != nil || m == nil {
			return err
		}
	}
	if quiet {
		return nil
	}
	return s.show(ctx, m, s.SendTyping)
}

// show has the provider of a received message show something to its person. That a channel has no such thing is no error.
func (s *Service) show(ctx context.Context, m *hookswitch.Message, what func(ctx context.Context, app, message hookswitch.Key) error) error {
	call, cancel := context.WithTimeout(ctx, attendTimeout)
	defer cancel()
	err := what(call, m.App, m.Key)
	switch hookswitch.KindOf(err) {
	case hookswitch.Unsupported, hookswitch.NotFound:
		return nil
	}
	if err != nil {
		s.log.Info("attend to a message", "error", err, "message_id", s.ids.Format(hookswitch.KindMessage, m.Key))
	}
	return err
}

// React sends an emoji to stand at a message. The reaction is a message of its own, from the sender and on the channel of that one.
func (s *Service) React(ctx context.Context, app hookswitch.Key, id, emoji string, in NewMessage, idem Idempotency) (*hookswitch.Message, error) {
	to, err := s.Message(ctx, app, id)
	if err != nil {
		return nil, err
	}
	if in.Sender != "" {
		if _, err := s.Sender(ctx, app, in.Sender); err != nil {
			return nil, err
		}
	}
	in.Sender = s.ids.Format(hookswitch.KindSender, to.Sender)
	in.Channel, in.Type, in.To = to.Channel, "reaction", to.To
	if to.Direction == hookswitch.Inbound {
		in.To = to.From
	}
	in.Content = encode(object{{"emoji", emoji}, {"reactToMessageId", id}})
	in.Test = in.Test || to.Test
	return s.SendMessage(ctx, app, in, idem)
}
