package service

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// receipt keeps a provider's report and moves the message it is about, or the messages, if they are ours and the report a step forward.
func (in *inbound) receipt(u *hookswitch.Update, route *hookswitch.Route) error {
	r := u.Receipt
	until := r.Upto
	if r.ProviderID != "" || r.Ref != "" || until.IsZero() {
		m, part, err := in.messageOf(u, route)
		if err != nil {
			return err
		}
		if err := in.report(u, route, m, part); err != nil || until.IsZero() {
			return err
		}
		if m != nil && m.CreatedAt.Before(until) {
			until = m.CreatedAt
		}
	}
	return in.earlier(u, route, until)
}

// keep stores the report of u about m, which is nil where it is about none of ours.
func (in *inbound) keep(u *hookswitch.Update, route *hookswitch.Route, m *hookswitch.Message) error {
	kept := in.kept(u, route)
	if m != nil {
		kept.Message = m.Key
		kept.ProviderID = cmp.Or(kept.ProviderID, m.ProviderID)
	}
	return in.tx.InsertReceipt(kept)
}

func (in *inbound) kept(u *hookswitch.Update, route *hookswitch.Route) *hookswitch.Receipt {
	r := u.Receipt
	return &hookswitch.Receipt{Key: in.s.keys.Next(), App: route.App, Route: route.Key, ProviderID: r.ProviderID, Status: r.Status, At: u.At, ErrorCode: r.ErrorCode, ErrorText: r.ErrorText}
}

// report takes a report about one message, which is nil when it is not ours, or about a part of one.
func (in *inbound) report(u *hookswitch.Update, route *hookswitch.Route, m *hookswitch.Message, part *hookswitch.MessagePart) error {
	r := u.Receipt
	if err := in.optedOutReport(u, route, m); err != nil {
		return err
	}
	if m == nil {
		return in.foreign(u, route)
	}
	if err := in.keep(u, route, m); err != nil {
		return err
	}
	if m.Channel.Medium() != route.Channel {
		return nil // about an earlier try, on another channel
	}
	if part != nil {
		return in.partReport(u, m, part)
	}
	begun := begunAt(m)
	if m.ProviderID == "" && r.ProviderID != "" {
		m.ProviderID = r.ProviderID
		if !m.Status.CanBecome(r.Status) {
			return errors.Join(in.tx.UpdateMessage(m), in.b.release(in.tx, m))
		}
	}
	if err := applyReceipt(in.s, in.tx, in.b, m, r); err != nil || begun.IsZero() {
		return err
	}
	if err := catchUp(in.s, in.tx, in.b, m, begun); err != nil {
		return err
	}
	return in.b.release(in.tx, m)
}

// maxEarlier is how many messages of a conversation a report about everything until a time reaches back, those of the person included.
const maxEarlier = 1000

// earlier takes a report about everything that was sent to a person until a time. A message is part of that when it was made until then and the provider
// has taken it since, or is being sent and that began before: providers tell the time of the last message itself, which lies between.
func (in *inbound) earlier(u *hookswitch.Update, route *hookswitch.Route, until time.Time) error {
	ctx, r := in.tx.Context(), u.Receipt
	conv, err := conversationWith(ctx, &in.tx.Reader, route, r.Recipient)
	if err != nil {
		return err
	}
	var list []*hookswitch.Message
	if conv != nil {
		list, err = in.tx.Messages(ctx, route.App, store.MessageFilter{Conversation: conv.Key, Channel: u.Channel},
			store.Page{Limit: maxEarlier, Before: hookswitch.KeyAt(until.Add(time.Millisecond))})
		if err != nil {
			return err
		}
	}
	reached := false
	for _, m := range slices.Backward(list) { // the list has the newest first
		if m.Direction != hookswitch.Outbound || m.To != r.Recipient || !m.Status.CanBecome(r.Status) {
			continue
		}
		if m.Parts > 0 {
			told, err := in.earlierParts(u, route, m, until)
			if err != nil {
				return err
			}
			reached = reached || told
			continue
		}
		switch m.Status {
		case hookswitch.StatusSending:
			if begunAt(m).After(until) {
				continue
			}
			// Kept for the answer that the send waits for. Writing the message makes this transaction and the one that takes the answer run one after
			// the other: neither sees what the other has not committed yet.
			err = errors.Join(in.keep(u, route, m), in.tx.UpdateMessage(m))
		case hookswitch.StatusSent, hookswitch.StatusDelivered:
			if err = in.keep(u, route, m); err == nil {
				err = applyReceipt(in.s, in.tx, in.b, m, r)
			}
		default:
			continue
		}
		if err != nil {
			return err
		}
		reached = true
	}
	if reached || r.ProviderID != "" {
		return nil
	}
	return in.keep(u, route, nil)
}

// begunAt is when the send of m, as far as it is under way, began; else zero.
func begunAt(m *hookswitch.Message) time.Time {
	if m.Status != hookswitch.StatusSending {
		return time.Time{}
	}
	return m.UpdatedAt
}

// catchUp applies the reports that were kept for m while it was being sent, since begun: those of an earlier try that failed are not about this one.
func catchUp(s *Service, tx *store.Tx, b *births, m *hookswitch.Message, begun time.Time) error {
	kept, err := tx.Receipts(tx.Context(), m.Key)
	if err != nil {
		return err
	}
	for _, r := range kept {
		if r.At.IsZero() || r.At.Before(begun) || m.Fallback && r.Route != m.Route {
			continue // also what WhatsApp has told of a message that now goes out by SMS
		}
		if err := applyReceipt(s, tx, b, m, &hookswitch.MessageReceipt{ProviderID: r.ProviderID, Status: r.Status, ErrorCode: r.ErrorCode, ErrorText: r.ErrorText}); err != nil {
			return err
		}
	}
	return nil
}

// foreign keeps and tells of a report about a message that we do not know: another system on the same account has sent it, unless a send of ours to the same
// person is under way. Then the report may be about that one, and is told of when it is known that it is not.
func (in *inbound) foreign(u *hookswitch.Update, route *hookswitch.Route) error {
	if err := meet(in.tx, route.Key, u.Receipt.ProviderID, in.b.now); err != nil {
		return err
	}
	kept := in.kept(u, route)
	if u.Receipt.Status != hookswitch.StatusDelivered && u.Receipt.Status != hookswitch.StatusRead {
		return in.tx.InsertReceipt(kept)
	}
	m, err := sendingOver(in.tx.Context(), &in.tx.Reader, route, u.Receipt.Recipient, in.b.now)
	if err != nil {
		return err
	}
	told := *kept
	told.Channel, told.Recipient = u.Channel, u.Receipt.Recipient
	if m == nil {
		in.b.foreign(route.Sender, &told)
		return in.tx.InsertReceipt(kept)
	}
	told.HeldBy = m.Conversation
	// Writing the message makes this transaction and the one that ends its send run one after the other: neither sees what the other has not committed yet.
	return errors.Join(in.tx.InsertReceipt(&told), in.tx.UpdateMessage(m))
}

// foreign tells of a report about somebody else's message.
func (b *births) foreign(sender hookswitch.Key, r *hookswitch.Receipt) {
	b.envelope(r.App, r.Status.EventType(), sender, foreignData(r))
}

// release tells of the reports that were held while m was being sent, now that it is known what m is at its provider: those that are about others. What is about m is taken with the
// provider's answer. Where another message of the conversation is still being sent, they wait for that one.
func (b *births) release(tx *store.Tx, m *hookswitch.Message) error {
	held, err := tx.HeldReceipts(tx.Context(), m.Conversation)
	if err != nil || len(held) == 0 {
		return err
	}
	if busy, err := sendingIn(tx.Context(), &tx.Reader, m.App, m.Conversation, "", b.now); busy != nil || err != nil {
		return err
	}
	parts, err := partsOf(tx, m)
	if err != nil {
		return err
	}
	for i := range held {
		r := &held[i]
		if r.ProviderID == m.ProviderID || slices.ContainsFunc(parts, func(p *hookswitch.MessagePart) bool { return p.ProviderID == r.ProviderID }) {
			continue
		}
		if err := tx.ReleaseReceipt(r.Key); err != nil {
			return err
		}
		b.foreign(m.Sender, r)
	}
	return nil
}

// sendingAge is how old a message that is being sent may be to be looked at, and maxSending how many are.
const (
	sendingAge = time.Hour
	maxSending = 100
)

// sendingOver is a message to the person that is being sent over the route at this moment, under an id that is not known yet; nil: there is none.
func sendingOver(ctx context.Context, r *store.Reader, route *hookswitch.Route, person string, now time.Time) (*hookswitch.Message, error) {
	conv, err := conversationWith(ctx, r, route, person)
	if conv == nil || err != nil {
		return nil, err
	}
	return sendingIn(ctx, r, route.App, conv.Key, route.Channel, now)
}

// sendingIn is sendingOver for all channels of a conversation or, with one, for that.
func sendingIn(ctx context.Context, r *store.Reader, app, conversation hookswitch.Key, ch hookswitch.Channel, now time.Time) (*hookswitch.Message, error) {
	list, err := r.Messages(ctx, app, store.MessageFilter{Conversation: conversation, Status: hookswitch.StatusSending},
		store.Page{Limit: maxSending, After: hookswitch.KeyAt(now.Add(-sendingAge))})
	for _, m := range list {
		if m.ProviderID == "" && (ch == "" || m.Channel.Medium() == ch) {
			return m, nil
		}
	}
	return nil, err
}

// conversationWith is the conversation of the route's sender and a person, or nil where there is none.
func conversationWith(ctx context.Context, r *store.Reader, route *hookswitch.Route, person string) (*hookswitch.Conversation, error) {
	contact, err := r.ContactBy(ctx, route.App, route.Channel, person)
	if err == nil {
		var conv *hookswitch.Conversation
		if conv, err = r.ConversationOf(ctx, route.Sender, contact); err == nil {
			return conv, nil
		}
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil
	}
	return nil, err
}

// meet makes two transactions that know of a provider's id, the one that learns that it is ours and the one that takes a report about it, run one after
// the other: neither sees what the other has not committed yet.
func meet(tx *store.Tx, route hookswitch.Key, providerID string, now time.Time) error {
	if providerID == "" {
		return nil
	}
	err := tx.Claim(store.OnceOf(store.Life10Minutes, 0, "provider id", strconv.FormatInt(int64(route), 36), providerID), now)
	var before *store.DuplicateError
	if errors.As(err, &before) {
		return nil
	}
	return err
}

// messageOf is the message that a report is about: the one whose id the provider gave back, else the one that was sent under the provider's id; and the part of
// it, where it went out in parts. The message is nil when neither is ours.
func (in *inbound) messageOf(u *hookswitch.Update, route *hookswitch.Route) (*hookswitch.Message, *hookswitch.MessagePart, error) {
	ctx := in.tx.Context()
	id, number, _ := strings.Cut(u.Receipt.Ref, "-")
	if key, ok := in.s.ids.Parse(hookswitch.KindMessage, id); ok {
		m, err := in.tx.Message(ctx, route.App, key)
		if err == nil && m.Direction == hookswitch.Outbound {
			part, err := partNumbered(in.tx, m, number)
			if err != nil || part != nil || m.Parts == 0 {
				return m, part, err
			}
		}
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return nil, nil, err
		}
	}
	routes := in.routesOf(route.App)
	part, err := in.tx.PartByProviderID(ctx, u.Receipt.ProviderID, routes)
	if err == nil {
		m, err := in.tx.Message(ctx, route.App, part.Message)
		return m, part, err
	}
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return nil, nil, err
	}
	m, err := in.tx.MessageByProviderID(ctx, u.Receipt.ProviderID, hookswitch.Outbound, routes)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil, nil
	}
	return m, nil, err
}

// routesOf are the routes of the account that belong to an App.
func (in *inbound) routesOf(app hookswitch.Key) []hookswitch.Key {
	routes := make([]hookswitch.Key, 0, len(in.account.Routes))
	for _, r := range in.account.Routes {
		if r.App == app {
			routes = append(routes, r.Key)
		}
	}
	return routes
}

// applyReceipt moves a sent message on, tells of it, and ends what was still owed for it: the provider has it.
func applyReceipt(s *Service, tx *store.Tx, b *births, m *hookswitch.Message, r *hookswitch.MessageReceipt) error {
	if !m.Status.CanBecome(r.Status) {
		return nil
	}
	if r.Status == hookswitch.StatusFailed {
		if other, err := b.fallBack(tx, m); other || err != nil {
			return err
		}
	}
	if !m.Test && (m.Status == hookswitch.StatusQueued || m.Status == hookswitch.StatusSending) {
		if err := tx.Settle(hookswitch.DeliverMessage, m.Key, m.Conversation); err != nil {
			return err
		}
	}
	// What has been read has arrived, and providers leave that report out when the chat is open.
	arrived := r.Status == hookswitch.StatusRead && m.Status.CanBecome(hookswitch.StatusDelivered)
	m.Status, m.UpdatedAt = r.Status, b.now.UTC()
	m.ErrorCode, m.ErrorText = "", ""
	if r.Status == hookswitch.StatusFailed {
		m.ErrorCode, m.ErrorText = r.ErrorCode, r.ErrorText
	}
	if err := tx.UpdateMessage(m); err != nil {
		return err
	}
	if err := draftSent(tx, b, m); err != nil {
		return err
	}
	b.tell(m)
	if arrived {
		b.envelope(m.App, hookswitch.EventMessageDelivered, m.Sender, statusData(s, m, hookswitch.StatusDelivered, r))
	}
	if name := r.Status.EventType(); name != "" {
		b.envelope(m.App, name, m.Sender, statusData(s, m, r.Status, r))
	}
	return nil
}
