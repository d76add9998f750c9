package service

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// historyLines is how many older messages a responder is shown.
const historyLines = 20

// Turn is a received message that a responder is to answer, with the responder's configuration.
type Turn struct {
	hookswitch.Turn
	Responder hookswitch.ResponderConfig
	// Version changes whenever the sender, and so perhaps its responder, does.
	Version time.Time
	Sender  hookswitch.Key
}

// remember gives the turn its history, from the messages before it, newest first. What was taken back is not in it.
func (t *Turn) remember(older []*hookswitch.Message) {
	t.First = true
	for i := len(older) - 1; i >= 0; i-- {
		t.First = t.First && older[i].Direction == hookswitch.Outbound
		if older[i].DeletedAt.IsZero() {
			t.History = append(t.History, hookswitch.Line{Direction: older[i].Direction, Text: older[i].Text, At: older[i].CreatedAt})
		}
	}
}

// Turn gathers what the responder needs. It is nil when there is nothing to answer any more: a person has taken over, the message was taken back, or the
// sender is gone.
func (s *Service) Turn(ctx context.Context, app, message hookswitch.Key) (*Turn, error) {
	m, err := s.store.Message(ctx, app, message)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil
	}
	if err != nil || !m.DeletedAt.IsZero() {
		return nil, err
	}
	conv, err := s.store.Conversation(ctx, app, m.Conversation)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sender, err := s.store.Sender(ctx, app, m.Sender)
	if err == nil {
		sender, err = answering(ctx, &s.store.Reader, sender, m.Channel)
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && (conv.Handover || sender.Responder.Kind == "") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	older, err := s.store.Messages(ctx, app, store.MessageFilter{Conversation: conv.Key}, store.Page{Limit: historyLines, Before: message})
	if err != nil {
		return nil, err
	}
	t := &Turn{Responder: sender.Responder, Version: sender.UpdatedAt, Sender: sender.Key}
	t.Turn = hookswitch.Turn{
		App: s.ids.Format(hookswitch.KindApp, app), Sender: s.ids.Format(hookswitch.KindSender, m.Sender),
		Conversation: s.ids.Format(hookswitch.KindConversation, conv.Key), MessageID: s.ids.Format(hookswitch.KindMessage, m.Key),
		Channel: m.Channel, From: m.From, ProfileName: m.ProfileName, Text: m.Text, Type: m.Type, ReplyID: replyID(m), At: m.CreatedAt,
	}
	t.remember(older)
	return t, nil
}

// CommitReply ends a responder's run: its answer is queued to be sent, unless a person has taken over in the meantime. Only the first commit of a
// run counts.
func (s *Service) CommitReply(ctx context.Context, o *store.Outcome, reply hookswitch.Reply) error {
	err := s.update(ctx, []hookswitch.Key{o.App}, func(tx *store.Tx, b *births) error {
		row, err := tx.Delivery(tx.Context(), o.Kind, o.Subject, o.Target)
		if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && row.State != hookswitch.DeliveryPending {
			return nil // an earlier run has answered
		}
		if err != nil {
			return err
		}
		if err := tx.Settle(o.Kind, o.Subject, o.Target); err != nil {
			return err
		}
		m, err := tx.Message(tx.Context(), o.App, o.Subject)
		if err != nil {
			return err
		}
		b.tell(m)
		conv, err := tx.Conversation(tx.Context(), o.App, m.Conversation)
		if err != nil {
			return err
		}
		if conv.Handover {
			return nil
		}
		conv.Handover = reply.Handover
		if strings.TrimSpace(reply.Text) == "" {
			if !reply.Handover {
				return nil
			}
			conv.UpdatedAt = b.now.UTC()
			return tx.UpdateConversation(conv)
		}
		return b.answer(tx, conv, m, reply.Text)
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return s.abandon(ctx, o)
	}
	return err
}

// respondWaits are the waits between tries of a responder that failed.
var respondWaits = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

// FailReply records that a responder failed. The time it returns is when it is asked again; zero: it is given up.
func (s *Service) FailReply(ctx context.Context, o *store.Outcome, tries int) (next time.Time, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		failed := *o
		failed.Verdict = store.Exhausted
		next = time.Time{}
		if tries < len(respondWaits) {
			next = s.now().Add(respondWaits[tries])
			failed.Verdict, failed.Next = store.Retry, next
		}
		_, err := tx.Record(&failed, s.now())
		return err
	})
	return next, err
}

// SetHandover gives a conversation to a person, or back to the responder.
func (s *Service) SetHandover(ctx context.Context, app hookswitch.Key, conversation string, handover bool) error {
	key, ok := s.ids.Parse(hookswitch.KindConversation, conversation)
	if !ok {
		return hookswitch.NotFoundf("conversation not found")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.SetHandover(app, key, handover, s.now().UTC()) })
}

// Conversations lists the conversations of an app.
func (s *Service) Conversations(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Conversation, error) {
	return s.store.Conversations(ctx, app, p)
}

// replyID is the id of the button or row that a received message chose.
func replyID(m *hookswitch.Message) string {
	var content struct {
		ReplyID string `json:"replyId"`
		Payload string `json:"payload"`
	}
	if len(m.Content) == 0 || json.Unmarshal(m.Content, &content) != nil {
		return ""
	}
	return cmp.Or(content.ReplyID, content.Payload)
}
