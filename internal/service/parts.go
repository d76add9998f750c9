package service

import (
	"cmp"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
)

// textLimit is how much text the sender carries in one message of the channel.
func textLimit(sender hookswitch.MessageSender, ch hookswitch.Channel) respond.Limit {
	limit := respond.LimitOf(ch)
	if own, ok := sender.(hookswitch.TextLimiter); ok {
		if n := own.TextLimit(ch); n > 0 {
			limit = respond.Limit{N: n}
		}
	}
	return limit
}

// partsOf are the parts in which a message goes out, in order; none for one that goes in one piece.
func partsOf(tx *store.Tx, m *hookswitch.Message) ([]*hookswitch.MessagePart, error) {
	if m.Parts == 0 {
		return nil, nil
	}
	return tx.MessageParts(tx.Context(), m.App, m.Key)
}

// firstOwed is the first part that the provider is not known to have; nil: it has all.
func firstOwed(parts []*hookswitch.MessagePart) *hookswitch.MessagePart {
	for _, p := range parts {
		if !p.Accepted {
			return p
		}
	}
	return nil
}

// lastBegun is the part whose send has begun last: parts go out one after the other.
func lastBegun(parts []*hookswitch.MessagePart) *hookswitch.MessagePart {
	var last *hookswitch.MessagePart
	for _, p := range parts {
		if p.Status != hookswitch.StatusQueued {
			last = p
		}
	}
	return last
}

// partNumbered is the part of m whose number stands behind the message's id in a Ref; nil: the text is not one of them.
func partNumbered(tx *store.Tx, m *hookswitch.Message, number string) (*hookswitch.MessagePart, error) {
	parts, err := partsOf(tx, m)
	if n, wrong := strconv.Atoi(number); err == nil && wrong == nil && n >= 1 && n <= len(parts) {
		return parts[n-1], nil
	}
	return nil, err
}

// split makes the parts of a text that is too long for one message, and is the first of them; nil: the text fits.
func (b *births) split(tx *store.Tx, m *hookswitch.Message, limit respond.Limit) (*hookswitch.MessagePart, error) {
	if limit.N <= 0 || limit.Size(m.Text) <= limit.N {
		return nil, nil
	}
	var first *hookswitch.MessagePart
	for text := m.Text; text != ""; {
		p := &hookswitch.MessagePart{Message: m.Key, Number: m.Parts + 1, App: m.App, Status: hookswitch.StatusQueued}
		p.Text, text = limit.Cut(text)
		if p.Text == "" {
			continue
		}
		if err := tx.InsertPart(p); err != nil {
			return nil, err
		}
		m.Parts++
		if first == nil {
			first = p
		}
	}
	return first, nil
}

// beginPart notes that a part is about to be sent, and makes out the send of it.
func (b *births) beginPart(tx *store.Tx, p *hookswitch.MessagePart, out *hookswitch.Outgoing) error {
	p.Route, p.Status, p.BegunAt = out.Route.Key, hookswitch.StatusSending, b.now.UTC()
	p.ErrorCode, p.ErrorText = "", ""
	piece := *out.Message
	piece.Text = p.Text
	out.Message = &piece
	out.Ref += "-" + strconv.Itoa(p.Number)
	if p.Number > 1 {
		out.ReplyTo = ""
	}
	return tx.UpdatePart(p)
}

// partAccepted notes the provider's id of a part and applies the reports that came before it was known. What is left of the message is due at next; zero: nothing is.
func (b *births) partAccepted(tx *store.Tx, o *store.Outcome, m *hookswitch.Message, p *hookswitch.MessagePart, acc hookswitch.Accepted) (next time.Time, err error) {
	p.Accepted = true
	p.ProviderID = cmp.Or(acc.ProviderID, p.ProviderID)
	if err := meet(tx, p.Route, p.ProviderID, b.now); err != nil {
		return next, err
	}
	told := []hookswitch.MessageReceipt{{ProviderID: p.ProviderID}}
	if acc.Sent {
		told[0].Status = hookswitch.StatusSent
	}
	early, err := tx.AdoptReceipts(m.Key, p.Route, p.ProviderID)
	if err != nil {
		return next, err
	}
	kept, err := tx.Receipts(tx.Context(), m.Key)
	if err != nil {
		return next, err
	}
	for _, r := range kept { // about everything until a time, and so about no part by name
		if r.ProviderID == "" && !r.At.IsZero() && !r.At.Before(p.BegunAt) {
			early = append(early, r)
		}
	}
	for _, r := range early {
		told = append(told, hookswitch.MessageReceipt{ProviderID: r.ProviderID, Status: r.Status, ErrorCode: r.ErrorCode, ErrorText: r.ErrorText})
	}
	for i := range told {
		if err := b.partTold(tx, m, p, &told[i]); err != nil {
			return next, err
		}
	}
	if p.Number == m.Parts {
		b.sent++
		if err := tx.Settle(o.Kind, o.Subject, o.Target); err != nil {
			return next, err
		}
		return next, b.release(tx, m)
	}
	if m.Status == hookswitch.StatusFailed {
		return next, nil // which has ended what was owed
	}
	return b.now, tx.Continue(o, b.now)
}

// partTold notes what is told of a part, and moves its message on when that is a step for the whole. A report that has no status says only that the provider has it.
func (b *births) partTold(tx *store.Tx, m *hookswitch.Message, p *hookswitch.MessagePart, r *hookswitch.MessageReceipt) error {
	p.Accepted = p.Accepted || r.Status != hookswitch.StatusFailed
	p.ProviderID = cmp.Or(p.ProviderID, r.ProviderID)
	if p.Status.CanBecome(r.Status) {
		p.Status, p.ErrorCode, p.ErrorText = r.Status, "", ""
		if r.Status == hookswitch.StatusFailed {
			p.ErrorCode, p.ErrorText = r.ErrorCode, r.ErrorText
		}
	}
	if err := tx.UpdatePart(p); err != nil {
		return err
	}
	if p.Number == m.Parts && p.ProviderID != m.ProviderID {
		m.ProviderID = p.ProviderID
		if err := tx.UpdateMessage(m); err != nil {
			return err
		}
	}
	parts, err := partsOf(tx, m)
	if err != nil {
		return err
	}
	whole := *r
	if whole.Status = wholeStatus(parts); whole.Status != "" {
		return applyReceipt(b.s, tx, b, m, &whole)
	}
	return nil
}

// wholeStatus is how far a message has come whose parts are these: it has failed with any of them, is sent with all, and delivered or read with the last. It is "" as
// long as parts are owed.
func wholeStatus(parts []*hookswitch.MessagePart) hookswitch.MessageStatus {
	sent := true
	for _, p := range parts {
		if p.Status == hookswitch.StatusFailed {
			return hookswitch.StatusFailed
		}
		sent = sent && hookswitch.StatusSending.CanBecome(p.Status)
	}
	last := parts[len(parts)-1].Status
	switch {
	case last == hookswitch.StatusDelivered, last == hookswitch.StatusRead:
		return last
	case sent:
		return hookswitch.StatusSent
	}
	return ""
}

// failPart notes that the part which was about to be sent, or was being sent, has failed for good.
func (b *births) failPart(tx *store.Tx, m *hookswitch.Message, problem *hookswitch.SendError) error {
	parts, err := partsOf(tx, m)
	if err != nil {
		return err
	}
	p := firstOwed(parts)
	if p == nil {
		return nil
	}
	p.Status, p.ErrorCode, p.ErrorText = hookswitch.StatusFailed, cmp.Or(problem.Code, errSendFailed), problem.Message
	return tx.UpdatePart(p)
}

// partReport takes a report about a part. Where its outcome was waited for, the next one is due.
func (in *inbound) partReport(u *hookswitch.Update, m *hookswitch.Message, p *hookswitch.MessagePart) error {
	if err := in.b.partTold(in.tx, m, p, u.Receipt); err != nil {
		return err
	}
	if !p.Accepted || p.Number == m.Parts {
		return in.b.release(in.tx, m)
	}
	waited, err := in.tx.Proceed(hookswitch.DeliverMessage, m.Key, m.Conversation, in.b.now)
	if waited {
		in.b.wakeKind(hookswitch.DeliverMessage)
	}
	return err
}

// earlierParts takes a report about everything that was sent to a person until a time, as far as it is about the parts of m. It reports whether it is.
func (in *inbound) earlierParts(u *hookswitch.Update, route *hookswitch.Route, m *hookswitch.Message, until time.Time) (bool, error) {
	parts, err := partsOf(in.tx, m)
	if err != nil || len(parts) == 0 || parts[0].BegunAt.IsZero() || parts[0].BegunAt.After(until) {
		return false, err
	}
	// Writing the message makes this transaction and the one that takes the answer to a send run one after the other.
	if err := in.keep(u, route, m); err != nil {
		return false, err
	}
	if err := in.tx.UpdateMessage(m); err != nil {
		return false, err
	}
	told := *u.Receipt
	told.ProviderID = ""
	for _, p := range parts {
		if p.Accepted && !p.BegunAt.After(until) {
			if err := in.b.partTold(in.tx, m, p, &told); err != nil {
				return false, err
			}
		}
	}
	return true, nil
}
