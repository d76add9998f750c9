package service

import (
	"errors"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// place stores a message as the newest of its conversation. Its key and status are set.
func (b *births) place(tx *store.Tx, conv *hookswitch.Conversation, m *hookswitch.Message) error {
	if err := tx.InsertMessage(m); err != nil {
		return err
	}
	conv.LastMessage, conv.UpdatedAt = m.Key, b.now.UTC()
	conv.Messages++
	if err := tx.UpdateConversation(conv); err != nil {
		return err
	}
	b.tell(m)
	return nil
}

// respond sends a message of a route of the provider api: it is stored, and with it the event that carries it to the programs that talk to the person.
func (b *births) respond(tx *store.Tx, conv *hookswitch.Conversation, m *hookswitch.Message) error {
	named := b.named
	b.named = true
	defer func() { b.named = named }()
	m.Status = hookswitch.StatusSent
	var problem *hookswitch.SendError
	if err := wanted(tx, m); errors.As(err, &problem) {
		m.Status, m.ErrorCode, m.ErrorText = hookswitch.StatusFailed, problem.Code, problem.Message
	} else if err != nil {
		return err
	}
	if err := b.place(tx, conv, m); err != nil {
		return err
	}
	b.envelope(m.App, hookswitch.EventMessageQueued, m.Sender, statusData(b.s, m, hookswitch.StatusQueued, nil))
	b.envelope(m.App, m.Status.EventType(), m.Sender, statusData(b.s, m, m.Status, nil))
	if problem != nil {
		b.sendErrors++
		return nil
	}
	b.sent++
	b.named = false // this one carries the message
	if isChat(conv) {
		b.chatMessage(conv, m)
		return nil
	}
	return b.respondEvent(tx, conv, m)
}

// respondChannels are the events that carry answers, and what they call the channel.
var respondChannels = map[hookswitch.Channel]struct{ eventType, name string }{
	hookswitch.SMS:     {hookswitch.EventSMSRespond, "sms"},
	hookswitch.Email:   {hookswitch.EventEmailRespond, "email"},
	hookswitch.WebChat: {hookswitch.EventWebChatRespond, "website"},
}

// respondEvent emits the event that carries m. The first one that answers a posting is named by the id of its request, as an event is by its caller; each other by a new one.
func (b *births) respondEvent(tx *store.Tx, conv *hookswitch.Conversation, m *hookswitch.Message) error {
	kind, ok := respondChannels[m.Channel.Medium()]
	if !ok {
		return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "messages on " + string(m.Channel) + " cannot be sent over the API"}
	}
	ctx := tx.Context()
	p, err := orNone(tx.Posting(ctx, m.App, m.InReplyTo))
	if p == nil && err == nil {
		p, err = orNone(tx.LastPosting(ctx, m.App, conv.Key))
	}
	if err != nil {
		return err
	}
	key, id := b.s.keys.Next(), ""
	var portfolio string
	if p == nil { // we have written first
		p = &hookswitch.Posting{ConversationID: b.s.ids.Format(hookswitch.KindConversation, conv.Key)}
	} else {
		first, err := tx.AnswerPosting(m.App, p.Key)
		if err != nil {
			return err
		}
		if first {
			id = p.RequestID
		}
		group, err := orNone(tx.Group(ctx, m.App, p.Group))
		if err != nil {
			return err
		}
		if group != nil {
			portfolio = group.ExternalRef
		}
	}
	if id, err = b.nameEvent(tx, m.App, key, id); err != nil {
		return err
	}
	st := b.state(m.App)
	ev := &hookswitch.Event{Key: key, App: m.App, Type: kind.eventType, UID: id, Payload: encode(object{
		{"event_type", kind.eventType},
		{"message_id", id},
		{"body", object{
			{"message_id", p.MessageID},
			{"conversation_id", p.ConversationID},
			{"sender_name", st.app.BotName},
			{"message_text", m.Text},
			{"channel", kind.name},
			{"company_id", st.app.CompanyID},
			{"sender_external_ref", st.app.BotRef},
			{"human_handover_ind", conv.Handover || b.failed},
			{"portfolio_external_ref", portfolio},
		}},
	})}
	b.targets(st, ev, 0, true, 0)
	b.events = append(b.events, ev)
	return nil
}

// nameEvent makes id the caller's name of the event by key, or a new one where it is empty or taken, and returns it.
func (b *births) nameEvent(tx *store.Tx, app, key hookswitch.Key, id string) (string, error) {
	for {
		if id == "" {
			id = newUUID()
		}
		err := tx.Claim(uidOnce(app, key, id), b.now)
		if _, taken := replayed(err); !taken {
			return id, err
		}
		id = ""
	}
}
