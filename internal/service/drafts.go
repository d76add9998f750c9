package service

import (
	"context"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

var draftLimit = respond.Limit{N: hookswitch.MaxDraft}

// answer queues the answer to a received message or, where that was written in public, makes a draft of it.
func (b *births) answer(tx *store.Tx, conv *hookswitch.Conversation, m *hookswitch.Message, text string) error {
	if !m.Review {
		return b.queue(tx, conv, answerTo(m, text))
	}
	now := b.now.UTC()
	d := &hookswitch.Draft{Key: b.s.keys.Next(), App: m.App, Sender: m.Sender, Conversation: m.Conversation, Message: m.Key, PostID: m.ProviderID,
		Author: m.Metadata["username"], PostText: m.Text, Status: hookswitch.DraftPending, CreatedAt: now, UpdatedAt: now}
	if d.Author == "" {
		d.Author = m.ProfileName
	}
	d.Reply, _ = draftLimit.Cut(text)
	if err := tx.InsertDraft(d); err != nil {
		return err
	}
	conv.UpdatedAt = now
	return tx.UpdateConversation(conv)
}

// answerTo is the message that answers m.
func answerTo(m *hookswitch.Message, text string) *hookswitch.Message {
	return &hookswitch.Message{Route: m.Route, Channel: m.Channel, Type: "text", From: m.To, To: m.From, Text: text, InReplyTo: m.Key}
}

// Drafts lists the drafts of an app, those of one status where it is not empty.
func (s *Service) Drafts(ctx context.Context, app hookswitch.Key, status hookswitch.DraftStatus, p store.Page) ([]*hookswitch.Draft, error) {
	return s.store.Drafts(ctx, app, status, p)
}

// Draft is the draft of an app with the id.
func (s *Service) Draft(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Draft, error) {
	key, ok := s.ids.Parse(hookswitch.KindDraft, id)
	if !ok {
		return nil, hookswitch.NotFoundf("draft not found")
	}
	return s.store.Draft(ctx, app, key)
}

// EditDraft changes what a draft says that waits for review.
func (s *Service) EditDraft(ctx context.Context, app hookswitch.Key, id, reply string) (*hookswitch.Draft, error) {
	switch {
	case strings.TrimSpace(reply) == "":
		return nil, hookswitch.InvalidField("must not be empty", "draft_reply")
	case draftLimit.Size(reply) > draftLimit.N:
		return nil, hookswitch.InvalidField("must have at most 280 characters", "draft_reply")
	}
	return s.decide(ctx, app, id, func(tx *store.Tx, b *births, d *hookswitch.Draft) error {
		d.Reply = reply
		return nil
	})
}

// ApproveDraft sends what a draft says that waits for review. It is posted when the provider has taken it.
func (s *Service) ApproveDraft(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Draft, error) {
	return s.decide(ctx, app, id, func(tx *store.Tx, b *births, d *hookswitch.Draft) error {
		m, err := tx.Message(tx.Context(), app, d.Message)
		if err != nil {
			return err
		}
		conv, err := tx.Conversation(tx.Context(), app, d.Conversation)
		if err != nil {
			return err
		}
		answer := answerTo(m, d.Reply)
		if err := b.queue(tx, conv, answer); err != nil {
			return err
		}
		d.Answer, d.Status, d.Failure = answer.Key, hookswitch.DraftApproved, ""
		return nil
	})
}

// RejectDraft decides that a draft which waits for review is not sent.
func (s *Service) RejectDraft(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Draft, error) {
	return s.decide(ctx, app, id, func(_ *store.Tx, _ *births, d *hookswitch.Draft) error {
		d.Status = hookswitch.DraftRejected
		return nil
	})
}

// decide changes a draft that waits for review. For any other the error is of kind Conflict.
func (s *Service) decide(ctx context.Context, app hookswitch.Key, id string, change func(*store.Tx, *births, *hookswitch.Draft) error) (*hookswitch.Draft, error) {
	key, ok := s.ids.Parse(hookswitch.KindDraft, id)
	if !ok {
		return nil, hookswitch.NotFoundf("draft not found")
	}
	var d *hookswitch.Draft
	err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) (err error) {
		if d, err = tx.Draft(tx.Context(), app, key); err != nil {
			return err
		}
		if d.Status != hookswitch.DraftPending {
			return hookswitch.Errorf(hookswitch.Conflict, "the draft is %s already", d.Status)
		}
		if err := change(tx, b, d); err != nil {
			return err
		}
		d.UpdatedAt = b.now.UTC()
		return tx.UpdateDraft(d, hookswitch.DraftPending)
	})
	return d, err
}

// draftSent notes at the draft that m was made of, if it was, that it is posted or, when m has failed, that it has to be looked at again.
func draftSent(tx *store.Tx, b *births, m *hookswitch.Message) error {
	if m.InReplyTo == 0 || m.Direction != hookswitch.Outbound {
		return nil
	}
	d, err := tx.DraftOf(tx.Context(), m.App, m.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && d.Status == hookswitch.DraftPosted {
		return nil
	}
	if err != nil {
		return err
	}
	from := d.Status
	d.UpdatedAt = b.now.UTC()
	switch m.Status {
	case hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead:
		d.Status, d.Failure = hookswitch.DraftPosted, ""
	case hookswitch.StatusFailed:
		d.Status, d.Failure, d.Answer = hookswitch.DraftPending, m.ErrorText, 0
		if m.ErrorCode == errUnknownOutcome {
			return nil // it may be there: nobody should post it twice without having looked
		}
	default:
		return nil
	}
	return tx.UpdateDraft(d, from)
}
