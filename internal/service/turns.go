package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// historyLines is how many older messages a responder is shown. Loops of two machines are found in them.
const historyLines = 80

// Turn is a received message that a responder is to answer, with the responder's configuration.
type Turn struct {
	hookswitch.Turn
	Responder hookswitch.ResponderConfig
	// Version changes whenever the sender, and so perhaps its responder, does.
	Version time.Time
	Sender  hookswitch.Key
}

// remember gives the turn the messages of the conversation before it.
func (s *Service) remember(ctx context.Context, t *Turn, app, conversation, before hookswitch.Key) error {
	lines, heard, err := s.store.History(ctx, app, conversation, before, historyLines)
	t.First, t.History = !heard, lines
	return err
}

// Turn gathers what the responder needs. It is nil when there is nothing to answer any more: a person has taken over, the message was taken back, the person
// wants no more messages, the responder is switched off on the channel, or the sender is gone.
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
	silenced := err == nil && slices.Contains(sender.Silenced, m.Channel)
	if err == nil {
		sender, err = answering(ctx, &s.store.Reader, sender, m.Channel)
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && (conv.Handover || silenced || !sender.Answers(m.Channel)) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if since, _, err := s.store.OptedOut(ctx, app, m.Contact, m.Channel); err != nil || !since.IsZero() {
		return nil, err
	}
	t := &Turn{Responder: sender.Responder, Version: sender.UpdatedAt, Sender: sender.Key}
	t.Turn = hookswitch.Turn{
		App: s.ids.Format(hookswitch.KindApp, app), Sender: s.ids.Format(hookswitch.KindSender, m.Sender),
		Conversation: s.ids.Format(hookswitch.KindConversation, conv.Key), MessageID: s.ids.Format(hookswitch.KindMessage, m.Key),
		Channel: m.Channel, From: m.From, ProfileName: m.ProfileName, Text: m.Text, Type: m.Type, ReplyID: replyID(m), At: m.CreatedAt,
		Unsolved: conv.Unsolved, State: conv.State,
	}
	return t, s.remember(ctx, t, app, conv.Key, message)
}

// SkipReply ends the run of a message that there is nothing to answer to.
func (s *Service) SkipReply(ctx context.Context, o *store.Outcome) error {
	err := s.update(ctx, []hookswitch.Key{o.App}, func(tx *store.Tx, b *births) error {
		m, err := tx.Message(tx.Context(), o.App, o.Subject)
		if err == nil {
			b.tell(m)
		} else if hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
		return tx.Settle(o.Kind, o.Subject, o.Target)
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return s.abandon(ctx, o)
	}
	return err
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
		return b.reply(tx, o, reply, row.Tries, nil)
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return s.abandon(ctx, o)
	}
	return err
}

// reply queues the answer to a received message, and notes what the responder thinks of it. Nothing is said over a person who has taken over, or to one who wants no
// more messages. failure is why reply is what is said to a failure; nil: it is an answer.
func (b *births) reply(tx *store.Tx, o *store.Outcome, reply hookswitch.Reply, tries int, failure error) error {
	m, err := tx.Message(tx.Context(), o.App, o.Subject)
	if err != nil {
		return err
	}
	b.tell(m) // the responder writes no longer
	conv, err := tx.Conversation(tx.Context(), o.App, m.Conversation)
	if err != nil {
		return err
	}
	out, _, err := tx.OptedOut(tx.Context(), m.App, m.Contact, m.Channel)
	if err != nil {
		return err
	}
	sender, err := b.sender(tx, m.App, m.Sender)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return err
	}
	silenced := err == nil && slices.Contains(sender.Silenced, m.Channel)
	dropped := conv.Handover || !out.IsZero() || silenced
	if err := b.noteReply(tx, m, reply, dropped, failure, tries); err != nil || dropped {
		return err
	}
	before := *conv
	conv.Handover = reply.Handover
	if conv.State = reply.State; reply.Handover || len(conv.State) > hookswitch.MaxTurnState {
		conv.State = ""
	}
	switch {
	case reply.Handover || !reply.Unsolved:
		conv.Unsolved = 0
	default:
		conv.Unsolved++
	}
	if strings.TrimSpace(reply.Text) != "" {
		return b.answer(tx, conv, m, reply.Text)
	}
	if *conv == before {
		return nil
	}
	conv.UpdatedAt = b.now.UTC()
	return tx.UpdateConversation(conv)
}

// respondWaits are the waits between tries of a responder that failed.
var respondWaits = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second}

// maxRespondWait is the longest wait that a responder can ask for before it is asked again. Nobody waits longer for an answer.
const maxRespondWait = 2 * time.Minute

// FailReply records that a responder failed. The time it returns is when it is asked again; zero: it is given up, and fallback is said instead.
func (s *Service) FailReply(ctx context.Context, o *store.Outcome, tries int, failure error, fallback hookswitch.Reply) (next time.Time, err error) {
	var wait time.Duration
	again := tries < len(respondWaits)
	var known *hookswitch.ResponderError
	if errors.As(failure, &known) {
		again = again && !known.Permanent && known.RetryAfter <= maxRespondWait
		wait = known.RetryAfter
	}
	err = s.update(ctx, []hookswitch.Key{o.App}, func(tx *store.Tx, b *births) error {
		next = time.Time{}
		failed := *o
		failed.Verdict = store.Exhausted
		if again {
			next = b.now.Add(max(respondWaits[tries], wait))
			failed.Verdict, failed.Next = store.Retry, next
		}
		own, err := tx.Record(&failed, b.now)
		if err != nil || !own {
			return err
		}
		if again {
			m, err := tx.Message(tx.Context(), o.App, o.Subject)
			if err != nil {
				return err
			}
			return b.noteReply(tx, m, fallback, false, askAgain{failure}, tries)
		}
		b.failed = true
		return b.reply(tx, o, fallback, tries, failure)
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return time.Time{}, s.abandon(ctx, o)
	}
	return next, err
}

// askAgain is a failure after which the responder is asked again.
type askAgain struct{ error }

// maxReplyProblem is the greatest length of what is kept of a failure, in characters.
const maxReplyProblem = 300

// noteReply writes down that a responder was asked, where it is known which. tries is how often it was asked before.
func (b *births) noteReply(tx *store.Tx, m *hookswitch.Message, reply hookswitch.Reply, dropped bool, failure error, tries int) error {
	r := &hookswitch.ReplyRecord{App: m.App, Sender: m.Sender, Conversation: m.Conversation, Message: m.Key, Channel: m.Channel, Try: tries + 1, Use: reply.Use}
	return b.s.insertReply(tx, r, reply, dropped, failure)
}

// insertReply stores a record of a reply, with its result.
func (s *Service) insertReply(tx *store.Tx, r *hookswitch.ReplyRecord, reply hookswitch.Reply, dropped bool, failure error) error {
	if r.Use.Kind == "" {
		return nil
	}
	var again askAgain
	switch {
	case errors.As(failure, &again):
		r.Result = hookswitch.ReplyAgain
	case failure != nil && !r.Use.Refused:
		r.Result = hookswitch.ReplyFailed
	case dropped:
		r.Result = hookswitch.ReplyDropped
	case r.Use.Refused:
		r.Result = hookswitch.ReplyRefused
	case reply.Handover:
		r.Result = hookswitch.ReplyHandover
	case strings.TrimSpace(reply.Text) == "":
		r.Result = hookswitch.ReplySilent
	default:
		r.Result = hookswitch.ReplyAnswered
	}
	if failure != nil {
		r.Problem, _ = respond.Limit{N: maxReplyProblem}.Cut(fit(failure.Error()))
	}
	r.Key = s.keys.Next()
	return tx.InsertReply(r)
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
