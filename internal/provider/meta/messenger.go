package meta

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// The objects of Messenger and Instagram, whose pushes have one form.
const (
	objectPage      = "page"
	objectInstagram = "instagram"
)

// messaging is one thing that happened between a person and a page or Instagram account: one of its members says what.
// https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events
type messaging struct {
	Sender    party `json:"sender"`
	Recipient party `json:"recipient"`
	Timestamp text  `json:"timestamp"`

	Message  json.RawMessage `json:"message"`
	Postback json.RawMessage `json:"postback"`
	Reaction json.RawMessage `json:"reaction"`
	Edit     *directEdit     `json:"message_edit"`
	Delivery *delivery       `json:"delivery"`
	Read     *read           `json:"read"`
}

type party struct {
	ID text `json:"id"`
}

type directEdit struct {
	ID    text `json:"mid"`
	Text  text `json:"text"`
	Count text `json:"num_edit"`
}

// delivery names messages that have arrived, or only the time until which all have.
type delivery struct {
	IDs       []text `json:"mids"`
	Watermark text   `json:"watermark"`
}

// read holds for everything until a time on Messenger, and for a message and those before it on Instagram.
type read struct {
	ID        text `json:"mid"`
	Watermark text `json:"watermark"`
}

// thread is where an item belongs.
type thread struct {
	channel hookswitch.Channel
	account text // the page or Instagram account
	item    messaging
	at      time.Time
}

// parseMessaging reads what happened at all accounts in a push.
func parseMessaging(env *envelope, ch hookswitch.Channel) []hookswitch.Update {
	var updates []hookswitch.Update
	for _, e := range env.Entry {
		for _, raw := range e.Messaging {
			updates = appendMessaging(updates, ch, e.ID, raw)
		}
		for _, c := range e.Changes {
			// The test buttons of Meta's dashboard send an item as a change. Other fields are about posts, comments and the like.
			if strings.HasPrefix(string(c.Field), "messag") && len(c.Value) > 0 {
				updates = appendMessaging(updates, ch, e.ID, c.Value)
			}
		}
	}
	return updates
}

func appendMessaging(updates []hookswitch.Update, ch hookswitch.Channel, account text, raw json.RawMessage) []hookswitch.Update {
	t := thread{channel: ch, account: account}
	if err := json.Unmarshal(raw, &t.item); err != nil {
		return append(updates, broken(ch, string(account), raw, fmt.Errorf("read item: %w", err)))
	}
	t.account, t.at = cmp.Or(account, t.item.Recipient.ID), t.item.Timestamp.clock()
	list, err := t.read()
	if err != nil {
		list = []hookswitch.Update{broken(ch, string(t.account), raw, err)}
	}
	return append(updates, list...)
}

// read tells what the item says. Referrals, opt-ins, linked accounts, handovers between apps and what there may be one day tell nothing that a
// conversation needs.
func (t *thread) read() ([]hookswitch.Update, error) {
	it := &t.item
	switch {
	case present(it.Message):
		return t.message()
	case present(it.Postback):
		return t.postback()
	case present(it.Reaction):
		return t.reaction()
	case it.Edit != nil:
		if it.Edit.ID == "" {
			return nil, errNoID
		}
		u := t.update("edit:" + string(it.Edit.ID) + ":" + string(it.Edit.Count))
		if it.Edit.Count == "" { // without a count, what it reads now tells one edit from another
			u.Dedup += t.digest("edit", []byte(it.Edit.Text))
		}
		u.Change = &hookswitch.MessageChange{ProviderID: string(it.Edit.ID), Text: string(it.Edit.Text)}
		return []hookswitch.Update{u}, nil
	case it.Delivery != nil:
		return t.delivered(it.Delivery)
	case it.Read != nil:
		return t.seen(it.Read)
	}
	return nil, nil
}

// present tells a member from its absence, which may be written as null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func (t *thread) update(dedup string) hookswitch.Update {
	return hookswitch.Update{Channel: t.channel, Address: string(t.account), Dedup: dedup, At: t.at}
}

// own reports whether the account itself did it, by us, another app or a person at the page's inbox. To answer that would be a loop.
func (t *thread) own() bool { return t.item.Sender.ID != "" && t.item.Sender.ID == t.account }

// digest is an id for what Meta gives none: the same for the same event told again.
func (t *thread) digest(kind string, event []byte) string {
	var tight bytes.Buffer
	if json.Compact(&tight, event) != nil {
		tight.Write(event)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%s\x00", kind, t.item.Sender.ID, t.item.Recipient.ID, t.item.Timestamp)
	h.Write(tight.Bytes())
	return kind + ":" + hex.EncodeToString(h.Sum(nil)[:16])
}

var errNoSender = errors.New("item has no sender")

// message reads what a person wrote, took back, or what was written to them from elsewhere.
func (t *thread) message() ([]hookswitch.Update, error) {
	var m direct
	if err := json.Unmarshal(t.item.Message, &m); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	switch {
	case m.IsEcho == "true":
		return t.echo(&m), nil
	case t.own():
		return nil, nil
	case m.ID == "":
		return nil, errNoID
	case m.IsDeleted == "true":
		u := t.update("deleted:" + string(m.ID))
		u.Change = &hookswitch.MessageChange{ProviderID: string(m.ID), Deleted: true}
		return []hookswitch.Update{u}, nil
	case t.item.Sender.ID == "":
		return nil, errNoSender
	}
	d := t.draft()
	d.direct(&m)
	return t.tell(d, string(m.ID)), nil
}

// refMark begins the metadata of what we send, so that an echo of it is told from those of other apps.
const refMark = "hookswitch:"

// echo is what the account itself wrote. It is nobody's message to us. An echo of our own proves that Meta took it, which we may not have heard.
func (t *thread) echo(m *direct) []hookswitch.Update {
	ref, ours := strings.CutPrefix(string(m.Metadata), refMark)
	if !ours || ref == "" || m.ID == "" {
		return nil
	}
	u := t.update("echo:" + string(m.ID))
	u.Receipt = &hookswitch.MessageReceipt{ProviderID: string(m.ID), Ref: ref, Recipient: string(t.item.Recipient.ID), Status: hookswitch.StatusSent}
	return []hookswitch.Update{u}
}

// postback reads the press of a button, a menu entry or an ice breaker. Older ones have no id.
func (t *thread) postback() ([]hookswitch.Update, error) {
	var p directPostback
	if err := json.Unmarshal(t.item.Postback, &p); err != nil {
		return nil, fmt.Errorf("read postback: %w", err)
	}
	switch {
	case t.own():
		return nil, nil
	case t.item.Sender.ID == "":
		return nil, errNoSender
	}
	d := t.draft()
	d.kind, d.typ, d.text, d.marker = "postback", "text", p.Title, "[postback]"
	d.both("payload", p.Payload)
	d.directReferral(p.Referral)
	id := string(p.ID)
	if id == "" {
		id = t.digest("postback", t.item.Postback)
	}
	return t.tell(d, id), nil
}

// reaction reads an emoji put to a message, or taken back.
func (t *thread) reaction() ([]hookswitch.Update, error) {
	var r directReaction
	if err := json.Unmarshal(t.item.Reaction, &r); err != nil {
		return nil, fmt.Errorf("read reaction: %w", err)
	}
	switch {
	case t.own():
		return nil, nil
	case t.item.Sender.ID == "":
		return nil, errNoSender
	}
	d := t.draft()
	emoji := cmp.Or(r.Emoji, reactionWords[r.Reaction])
	if r.Action == "unreact" {
		emoji = ""
	}
	d.reaction(&reaction{MessageID: r.ID, Emoji: emoji})
	return t.tell(d, t.digest("reaction", t.item.Reaction)), nil
}

// tell is the Update of a message of the person.
func (t *thread) tell(d *draft, id string) []hookswitch.Update {
	u := t.update("message:" + id)
	u.Message = d.message()
	u.Message.ProviderID, u.Message.From = id, string(t.item.Sender.ID)
	u.Message.To = string(cmp.Or(t.item.Recipient.ID, t.account))
	return []hookswitch.Update{u}
}

// draft begins a message in the thread.
func (t *thread) draft() *draft {
	d := &draft{content: facts{}, metadata: facts{"provider": "meta"}}
	name := "pageId"
	if t.channel == hookswitch.Instagram {
		name = "instagramId"
	}
	d.metadata.text(name, cmp.Or(t.item.Recipient.ID, t.account))
	return d
}

// delivered tells of the messages that are named, or of everything until the watermark.
func (t *thread) delivered(d *delivery) ([]hookswitch.Update, error) {
	mark := d.Watermark.clock()
	if !mark.IsZero() {
		t.at = mark
	}
	var list []hookswitch.Update
	for _, id := range d.IDs {
		if id != "" {
			u := t.update("delivered:" + string(id))
			u.Receipt = t.receipt(hookswitch.StatusDelivered)
			u.Receipt.ProviderID = string(id)
			list = append(list, u)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	return t.upto(hookswitch.StatusDelivered)
}

// seen tells of everything until the watermark, or of a message and what came before it.
func (t *thread) seen(r *read) ([]hookswitch.Update, error) {
	if r.ID != "" {
		u := t.update("read:" + string(r.ID))
		u.Receipt = t.receipt(hookswitch.StatusRead)
		u.Receipt.ProviderID, u.Receipt.Upto = string(r.ID), t.at
		return []hookswitch.Update{u}, nil
	}
	if mark := r.Watermark.clock(); !mark.IsZero() {
		t.at = mark
	}
	return t.upto(hookswitch.StatusRead)
}

// upto tells of everything until the time of t.
func (t *thread) upto(status hookswitch.MessageStatus) ([]hookswitch.Update, error) {
	if t.at.IsZero() || t.item.Sender.ID == "" {
		return nil, errors.New("report names neither messages nor a time and a person")
	}
	u := t.update(string(status) + ":" + string(t.item.Sender.ID) + ":" + t.at.Format(time.RFC3339Nano))
	u.Receipt = t.receipt(status)
	u.Receipt.Upto = t.at
	return []hookswitch.Update{u}, nil
}

// receipt is a report about what was sent to the person.
func (t *thread) receipt(status hookswitch.MessageStatus) *hookswitch.MessageReceipt {
	return &hookswitch.MessageReceipt{Recipient: string(t.item.Sender.ID), Status: status}
}
