package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Message is the message of an app with the id.
func (s *Service) Message(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Message, error) {
	key, ok := s.ids.Parse(hookswitch.KindMessage, id)
	if !ok {
		return nil, hookswitch.NotFoundf("message not found")
	}
	return s.store.Message(ctx, app, key)
}

// Messages lists the messages of an app.
func (s *Service) Messages(ctx context.Context, app hookswitch.Key, f store.MessageFilter, p store.Page) ([]*hookswitch.Message, error) {
	return s.store.Messages(ctx, app, f, p)
}

// ReceivedBy is the message that was received over a route with the provider's id.
func (s *Service) ReceivedBy(ctx context.Context, r *hookswitch.Route, providerID string) (*hookswitch.Message, error) {
	return s.store.MessageByProviderID(ctx, providerID, hookswitch.Inbound, []hookswitch.Key{r.Key})
}

// Receipts are the reports about a message, oldest first.
func (s *Service) Receipts(ctx context.Context, message hookswitch.Key) ([]hookswitch.Receipt, error) {
	return s.store.Receipts(ctx, message)
}

// MessageParts are the parts that a message goes out in, in their order; none where it goes out in one piece, or has not begun to.
func (s *Service) MessageParts(ctx context.Context, m *hookswitch.Message) ([]*hookswitch.MessagePart, error) {
	if m.Parts == 0 {
		return nil, nil
	}
	return s.store.MessageParts(ctx, m.App, m.Key)
}

// Words for failures of sends that are ours rather than a provider's.
const (
	errNoProvider     = "no_provider"
	errOptedOut       = "opted_out"
	errWindowClosed   = "window_closed" // with "whatsapp_" before it on WhatsApp
	errUnknownOutcome = "unknown_outcome"
	errUnsupported    = "unsupported_type"
	errSendFailed     = "send_failed"
	errRouteDisabled  = "route_disabled"
)

// queue stores a message to send, with the event that tells of it and the delivery that will send it. Over a route of the provider api it is sent right here.
func (b *births) queue(tx *store.Tx, conv *hookswitch.Conversation, m *hookswitch.Message) error {
	now := b.now.UTC()
	if m.Key == 0 {
		m.Key = b.s.keys.Next()
	}
	m.Direction, m.Status, m.CreatedAt, m.UpdatedAt = hookswitch.Outbound, hookswitch.StatusQueued, now, now
	m.App, m.Sender, m.Contact, m.Conversation = conv.App, conv.Sender, conv.Contact, conv.Key
	switch provider, err := tx.RouteProvider(tx.Context(), m.App, m.Route); {
	case err != nil:
		return err
	case provider == hookswitch.ProviderAPI && !m.Test:
		return b.respond(tx, conv, m)
	}
	if err := b.place(tx, conv, m); err != nil {
		return err
	}
	b.envelope(m.App, hookswitch.EventMessageQueued, m.Sender, statusData(b.s, m, hookswitch.StatusQueued, nil))
	b.owe(store.Delivery{Kind: hookswitch.DeliverMessage, App: m.App, Subject: m.Key, Target: conv.Key}, nil)
	return nil
}

// sendDeadline is how long a send whose outcome is unknown waits for a report that tells it.
const sendDeadline = 10 * time.Minute

// sendWaits are the waits between tries of a send that failed for a while.
var sendWaits = []time.Duration{2 * time.Second, 10 * time.Second, time.Minute, 5 * time.Minute}

// Send is a message that is about to be handed to its provider.
type Send struct {
	Out    *hookswitch.Outgoing
	Sender hookswitch.MessageSender
	// Next is set instead, when there is nothing to do until then; zero with a nil Out: the delivery is over.
	Next time.Time
}

// BeginSend notes that a message is about to be sent, so that it is never sent twice by itself. It may find that there is nothing to do: the message has failed, has
// arrived, or its outcome is unknown and waited for.
func (s *Service) BeginSend(ctx context.Context, o *store.Outcome) (Send, error) {
	var out Send
	turn := false
	err := s.update(ctx, []hookswitch.Key{o.App}, func(tx *store.Tx, b *births) error {
		out = Send{}
		row, err := tx.Delivery(tx.Context(), o.Kind, o.Subject, o.Target)
		if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && row.Claim != o.Claim {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := tx.Message(tx.Context(), o.App, o.Subject)
		if err != nil {
			return err
		}
		if m.Test && m.Status == hookswitch.StatusSent {
			return b.testDelivered(tx, o, m)
		}
		parts, err := partsOf(tx, m)
		if err != nil {
			return err
		}
		part := firstOwed(parts)
		if m.Parts > 0 && part == nil {
			return tx.Settle(o.Kind, o.Subject, o.Target) // reports have told that all of them are there
		}
		route, sender, err := b.routeFor(tx, m)
		if begun := row.StartedAt; !begun.IsZero() {
			again := part != nil && part.Status == hookswitch.StatusQueued // a report has told of the part before it
			if !again && (err != nil || !repeats(sender, route, b.now.Sub(begun))) {
				if deadline := begun.Add(sendDeadline); b.now.Before(deadline) {
					out.Next = deadline
					return tx.Await(o, deadline)
				}
				return b.failMessage(tx, o, m, &hookswitch.SendError{Code: errUnknownOutcome, Category: "unknown",
					Message: "the provider may have taken the message, and has not told what became of it"})
			}
			if err := tx.Restart(o); err != nil {
				return err
			}
		}
		if err == nil {
			err = carried(sender, m)
		}
		if err == nil {
			err = wanted(tx, m)
		}
		if err == nil {
			err = s.windowOf(tx, m, b.now)
		}
		var content json.RawMessage
		if err == nil {
			content, err = attached(tx, m)
		}
		var problem *hookswitch.SendError
		if errors.As(err, &problem) {
			return b.failMessage(tx, o, m, problem)
		}
		if err != nil {
			return err
		}
		answered, err := answeredBy(tx, m)
		if err != nil {
			return err
		}
		quoted, err := s.quotedBy(tx, m)
		if err != nil {
			return err
		}
		if !turn {
			if at := s.pace.turn(paceOf(sender, route), route.Key, m.Conversation, m.Key, b.now); at.After(b.now) {
				out.Next = at
				later := *o
				later.Verdict, later.Next = store.Postponed, at
				_, err := tx.Record(&later, b.now)
				return err
			}
			turn = true // also when the transaction has to run again
		}
		if begun, err := tx.Start(o, b.now); err != nil || !begun {
			return err // not begun: the lease has ended, and the message is somebody else's to send
		}
		if part == nil && m.Type == "text" && !m.Test && (answered == nil || !answered.Review) {
			if part, err = b.split(tx, m, textLimit(sender, m.Channel.Medium())); err != nil {
				return err
			}
		}
		m.Route, m.Status, m.UpdatedAt = route.Key, hookswitch.StatusSending, b.now.UTC()
		if err := tx.UpdateMessage(m); err != nil {
			return err
		}
		said := *m
		said.Content, said.Channel = content, m.Channel.Medium()
		out.Sender = sender
		name, err := b.fromName(tx, m)
		if err != nil {
			return err
		}
		out.Out = &hookswitch.Outgoing{Ref: s.ids.Format(hookswitch.KindMessage, m.Key), Route: route, Message: &said, ReplyTo: quoted, Answers: answered, Callback: s.doorOf(route), FromName: name}
		if part == nil {
			return nil
		}
		return b.beginPart(tx, part, out.Out)
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return Send{}, s.abandon(ctx, o)
	}
	return out, err
}

// repeats reports whether a call that began so long ago may be made again because the provider knows the message again.
func repeats(sender hookswitch.MessageSender, r *hookswitch.Route, ago time.Duration) bool {
	again, ok := sender.(hookswitch.Repeater)
	return ok && ago < again.Repeats(r)
}

// carried refuses a message, with a *SendError, of a type that cannot be sent on its channel.
func carried(sender hookswitch.MessageSender, m *hookswitch.Message) error {
	if c, ok := sender.(hookswitch.Carrier); ok && !c.Carries(m.Channel.Medium(), cmp.Or(m.Type, "text")) {
		return &hookswitch.SendError{Code: errUnsupported, Category: "permanent", Message: "messages of type " + m.Type + " cannot be sent on " + string(m.Channel)}
	}
	return nil
}

// fromName is what the sender of a mail is called beside its address.
func (b *births) fromName(tx *store.Tx, m *hookswitch.Message) (string, error) {
	if m.Channel != hookswitch.Email {
		return "", nil
	}
	sender, err := b.sender(tx, m.App, m.Sender)
	if err != nil {
		return "", err
	}
	return sender.Email.FromName, nil
}

// doorOf is the address of the door that belongs to the route's sender and channel alone.
func (s *Service) doorOf(r *hookswitch.Route) string {
	if s.o.PublicURL == "" {
		return ""
	}
	return s.o.PublicURL + "/in/" + s.ids.Format(hookswitch.KindSender, r.Sender) + "/" + string(r.Channel)
}

// threadDepth is how many of the messages before one are looked at for the mail that it goes on with.
const threadDepth = 20

// answeredBy is the received message that m answers or, by email, the newest mail before it, whose thread it goes on with; nil: none, or it is gone.
func answeredBy(tx *store.Tx, m *hookswitch.Message) (*hookswitch.Message, error) {
	if m.InReplyTo != 0 {
		answered, err := tx.Message(tx.Context(), m.App, m.InReplyTo)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return nil, nil
		}
		return answered, err
	}
	if m.Channel != hookswitch.Email {
		return nil, nil
	}
	older, err := tx.Messages(tx.Context(), m.App, store.MessageFilter{Conversation: m.Conversation, Channel: m.Channel}, store.Page{Limit: threadDepth, Before: m.Key})
	for _, o := range older {
		if o.Direction == hookswitch.Inbound {
			return o, nil
		}
	}
	return nil, err
}

// quotedBy is the provider's id of the message that m reacts to or quotes, as its content names it; "": none.
func (s *Service) quotedBy(tx *store.Tx, m *hookswitch.Message) (string, error) {
	var content struct {
		React string `json:"reactToMessageId"`
		Reply string `json:"replyToMessageId"`
	}
	if len(m.Content) == 0 || json.Unmarshal(m.Content, &content) != nil {
		return "", nil
	}
	key, ok := s.ids.Parse(hookswitch.KindMessage, cmp.Or(content.React, content.Reply))
	if !ok {
		return "", nil
	}
	quoted, err := tx.Message(tx.Context(), m.App, key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return "", nil
	}
	return quoted.ProviderID, err
}

// abandon ends what is owed about things that are gone: the App has been deleted.
func (s *Service) abandon(ctx context.Context, o *store.Outcome) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.Settle(o.Kind, o.Subject, o.Target) })
}

// routeFor finds the route that carries a message: its own, else one of the sender's on the channel. A *SendError says that there is none.
func (b *births) routeFor(tx *store.Tx, m *hookswitch.Message) (*hookswitch.Route, hookswitch.MessageSender, error) {
	if m.Test {
		return &hookswitch.Route{App: m.App, Sender: m.Sender, Channel: m.Channel.Medium()}, testCarrier{}, nil
	}
	sender, err := b.sender(tx, m.App, m.Sender)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil, &hookswitch.SendError{Code: errNoProvider, Message: "the sender is gone", Err: err}
	}
	if err != nil {
		return nil, nil, err
	}
	best := routeOn(sender, m)
	if best == nil {
		return nil, nil, &hookswitch.SendError{Code: errNoProvider, Message: "the sender has no route for " + string(m.Channel)}
	}
	if best.Disabled() {
		return nil, nil, &hookswitch.SendError{Code: errRouteDisabled, Category: "auth",
			Message: "the sender's route for " + string(m.Channel) + " is disabled until its credentials are set anew: " + best.DisabledCause}
	}
	p, ok := b.s.providers[best.Provider].(hookswitch.MessageSender)
	if !ok {
		return nil, nil, &hookswitch.SendError{Code: errNoProvider, Message: "messages cannot be sent over the provider " + best.Provider}
	}
	return best, p, nil
}

// wanted refuses a message, with a *SendError, to a person who wants none on the channel. The answer to the message that said so is the confirmation
// of it, and goes out.
func wanted(tx *store.Tx, m *hookswitch.Message) error {
	if m.Test {
		return nil
	}
	since, said, err := tx.OptedOut(tx.Context(), m.App, m.Contact, m.Channel.Medium())
	if err != nil || since.IsZero() || said != 0 && m.InReplyTo == said {
		return err
	}
	return &hookswitch.SendError{Code: errOptedOut, Message: "the person has asked for no more messages on " + string(m.Channel), Category: "opt_out"}
}

// windowOf refuses a free-form message, with a *SendError, when the person's last message is too long ago, by our own clock. What a person has written may
// be sent for longer on some channels.
func (s *Service) windowOf(tx *store.Tx, m *hookswitch.Message, now time.Time) error {
	window := m.Channel.Window()
	if window == 0 || m.Type == "template" || m.Test {
		return nil
	}
	if m.ByHuman() {
		window = m.Channel.HumanWindow()
	}
	last, err := tx.LastInbound(tx.Context(), m.Conversation, m.Channel)
	if err != nil {
		return err
	}
	if !last.IsZero() && now.Sub(last) < window {
		return nil
	}
	closed := &hookswitch.SendError{Code: errWindowClosed, Category: "window",
		Message: "the person's last message is more than " + strconv.Itoa(int(window.Hours())) + " hours old"}
	if m.Channel == hookswitch.WhatsApp {
		closed.Code = "whatsapp_" + closed.Code
		closed.Message += ": only an approved template may be sent"
	}
	return closed
}

// failMessage ends a send: its message has failed for good.
func (b *births) failMessage(tx *store.Tx, o *store.Outcome, m *hookswitch.Message, problem *hookswitch.SendError) error {
	if err := tx.Settle(o.Kind, o.Subject, o.Target); err != nil {
		return err
	}
	b.sendErrors++
	if problem.OptedOut {
		if err := optedOut(tx, m.App, m.Contact, m.Channel, b.now); err != nil {
			return err
		}
	}
	if err := b.failPart(tx, m, problem); err != nil {
		return err
	}
	r := &hookswitch.MessageReceipt{Status: hookswitch.StatusFailed, ErrorCode: cmp.Or(problem.Code, errSendFailed), ErrorText: problem.Message,
		ErrorCategory: problem.Category, Retriable: problem.Temporary}
	if err := applyReceipt(b.s, tx, b, m, r); err != nil {
		return err
	}
	return b.release(tx, m)
}

// FinishSend records what the provider answered. The time it returns is when the send is due again; zero: it is over.
func (s *Service) FinishSend(ctx context.Context, o *store.Outcome, tries int, acc hookswitch.Accepted, failure error) (next time.Time, err error) {
	err = s.update(ctx, []hookswitch.Key{o.App}, func(tx *store.Tx, b *births) error {
		next = time.Time{}
		m, err := tx.Message(tx.Context(), o.App, o.Subject)
		if err != nil {
			return err
		}
		parts, err := partsOf(tx, m)
		if err != nil {
			return err
		}
		part := lastBegun(parts)
		switch {
		case part != nil && (failure == nil || part.Accepted): // by its answer, or by a report that was faster
			next, err = b.partAccepted(tx, o, m, part, acc)
			return err
		case failure == nil:
			return b.accepted(tx, o, m, acc)
		}
		var problem *hookswitch.SendError
		if !errors.As(failure, &problem) {
			problem = &hookswitch.SendError{Code: errUnknownOutcome, Message: "the send broke off", Unknown: true, Err: failure}
		}
		again := b.repeatsUnknown(tx, m, problem)
		if problem.Temporary && problem.Account {
			s.pace.pause(m.Route, b.now.Add(max(sendWaits[0], problem.RetryAfter)))
		}
		switch {
		case problem.Unknown && (!again || tries >= len(sendWaits)):
			next = b.now.Add(sendDeadline)
			return tx.Await(o, next)
		case (problem.Temporary || again) && tries < len(sendWaits) && (problem.Tries == 0 || tries+1 < problem.Tries):
			next = b.now.Add(max(sendWaits[tries], problem.RetryAfter))
			retry := *o
			retry.Verdict, retry.Next = store.Retry, next
			_, err := tx.Record(&retry, b.now)
			return err
		}
		return b.failMessage(tx, o, m, problem)
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return time.Time{}, s.abandon(ctx, o)
	}
	return next, err
}

// repeatsUnknown reports whether a call may be made again although its outcome is unknown.
func (b *births) repeatsUnknown(tx *store.Tx, m *hookswitch.Message, problem *hookswitch.SendError) bool {
	if !problem.Unknown {
		return false
	}
	route, sender, err := b.routeFor(tx, m)
	return err == nil && repeats(sender, route, 0)
}

// accepted notes the provider's id and applies the reports that came before it was known. Nothing is left to be sent of the message.
func (b *births) accepted(tx *store.Tx, o *store.Outcome, m *hookswitch.Message, acc hookswitch.Accepted) error {
	begun := begunAt(m)
	if err := tx.Settle(o.Kind, o.Subject, o.Target); err != nil {
		return err
	}
	if m.Test {
		b.testArrives(m)
	} else {
		b.sent++
	}
	m.ProviderID, m.UpdatedAt = cmp.Or(acc.ProviderID, m.ProviderID), b.now.UTC()
	if err := meet(tx, m.Route, m.ProviderID, b.now); err != nil {
		return err
	}
	if err := tx.UpdateMessage(m); err != nil {
		return err
	}
	if acc.Sent {
		if err := applyReceipt(b.s, tx, b, m, &hookswitch.MessageReceipt{ProviderID: m.ProviderID, Status: hookswitch.StatusSent}); err != nil {
			return err
		}
	}
	early, err := tx.AdoptReceipts(m.Key, m.Route, m.ProviderID)
	if err != nil {
		return err
	}
	for _, r := range early {
		if err := applyReceipt(b.s, tx, b, m, &hookswitch.MessageReceipt{ProviderID: r.ProviderID, Status: r.Status, ErrorCode: r.ErrorCode, ErrorText: r.ErrorText}); err != nil {
			return err
		}
	}
	if !begun.IsZero() {
		if err := catchUp(b.s, tx, b, m, begun); err != nil {
			return err
		}
	}
	return b.release(tx, m)
}
