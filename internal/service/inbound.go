package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Received is what a genuine push has told.
type Received struct {
	Account *Account
	Updates []hookswitch.Update
	Door    string
	At      time.Time
	Body    []byte
}

// ReceivedResult says what a push has led to, for logs and traces.
type ReceivedResult struct {
	Messages   []hookswitch.Key
	Receipts   int
	Duplicates int
	Strays     int
	// Disabled are the routes that the push has disabled.
	Disabled []hookswitch.Route
}

// Receive stores what a push tells: messages with their contacts and conversations, reports, and the events that follow, all in one transaction. What was
// told before is left out; what belongs to no route, or could not be read, is kept aside. When it returns, all of it is on stable storage.
func (s *Service) Receive(ctx context.Context, r Received) (ReceivedResult, error) {
	type matched struct {
		u     *hookswitch.Update
		route *hookswitch.Route
	}
	var list []matched
	var apps []hookswitch.Key
	for i := range r.Updates {
		u := &r.Updates[i]
		if u.Template != nil {
			for _, route := range r.Account.routesOfTemplate(u.Template) {
				if err := s.joins(ctx, route.App, &apps); err == nil {
					list = append(list, matched{u, route})
				} else if hookswitch.KindOf(err) != hookswitch.NotFound {
					return ReceivedResult{}, err
				}
			}
			continue
		}
		route := r.Account.match(u)
		if route == nil && u.Receipt != nil && u.Address == "" {
			var err error
			if route, err = s.routeOfReport(ctx, r.Account, u); err != nil {
				return ReceivedResult{}, err
			}
		}
		if route == nil && u.Message != nil && u.Channel == hookswitch.Email {
			var err error
			if route, err = s.catchAll(ctx, r.Account, u); err != nil {
				return ReceivedResult{}, err
			}
		}
		if route != nil {
			switch err := s.joins(ctx, route.App, &apps); {
			case hookswitch.KindOf(err) == hookswitch.NotFound:
				route = nil // the App has been deleted, and the caller's routes are a moment older
			case err != nil:
				return ReceivedResult{}, err
			}
		}
		list = append(list, matched{u, route})
	}
	var res ReceivedResult
	if len(list) == 0 {
		return res, nil
	}
	err := s.update(ctx, apps, func(tx *store.Tx, b *births) error {
		res = ReceivedResult{}
		in := &inbound{s: s, tx: tx, b: b, account: r.Account, at: r.At, res: &res}
		var aside reasons
		for _, m := range list {
			switch {
			case m.u.Broken != nil:
				res.Strays++
				aside.add("could not be read: " + m.u.Broken.Error())
			case m.route == nil:
				res.Strays++
				aside.add(noRoute(m.u))
			case m.u.Dialogue != nil && (m.u.Dialogue.Asks() || len(m.u.Dialogue.Session) > maxSessionID):
				res.Strays++ // Converse answers one step of a push, in its response
				aside.add("a step of a dialogue cannot be answered there")
			default:
				why, err := in.refusal(m.u, m.route)
				if why != "" {
					res.Strays++
					aside.add(why)
				} else if err == nil {
					err = in.take(m.u, m.route)
				}
				if err != nil {
					return err
				}
			}
		}
		if len(aside) == 0 {
			return nil
		}
		// Once, however many parts of it are strays: a push can have a thousand, and megabytes.
		return tx.InsertStray(s.keys.Next(), r.Account.Provider.Name(), r.Door, strings.Join(aside, "; "), r.Body)
	})
	if err == nil {
		s.counts.Received.Add(int64(len(res.Messages)))
		s.counts.Duplicate.Add(int64(res.Duplicates))
		s.counts.Stray.Add(int64(res.Strays))
		for i := range res.Disabled {
			s.routeDisabled(&res.Disabled[i])
		}
	}
	return res, err
}

// joins adds an App to those that a push is about. The error is of kind NotFound when it is gone.
func (s *Service) joins(ctx context.Context, app hookswitch.Key, apps *[]hookswitch.Key) error {
	if slices.Contains(*apps, app) {
		return nil
	}
	_, err := s.state(ctx, app)
	if err == nil {
		*apps = append(*apps, app)
	}
	return err
}

func noRoute(u *hookswitch.Update) string {
	return "no route of this account has the address " + strconv.Quote(u.Address) + " on " + string(u.Channel)
}

// maxReasons is how many reasons are kept for keeping a push aside.
const maxReasons = 10

// reasons are the different reasons for keeping parts of a push aside.
type reasons []string

func (r *reasons) add(reason string) {
	if len(*r) < maxReasons && !slices.Contains(*r, reason) {
		*r = append(*r, reason)
	}
}

// inbound takes the updates of one push inside one transaction.
type inbound struct {
	s       *Service
	tx      *store.Tx
	b       *births
	account *Account
	at      time.Time
	res     *ReceivedResult
}

// refusal says why the sender of a route does not want an update, or is "".
func (in *inbound) refusal(u *hookswitch.Update, route *hookswitch.Route) (string, error) {
	if u.Message == nil || u.Channel != hookswitch.Email {
		return "", nil
	}
	sender, err := in.b.sender(in.tx, route.App, route.Sender)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return sender.Email.Refuses(u.Address, route), nil
}

func (in *inbound) take(u *hookswitch.Update, route *hookswitch.Route) error {
	var key hookswitch.Key
	if u.Message != nil {
		key = in.s.keys.Next()
	}
	for _, token := range u.Tokens {
		// Before the update's own key, which must not be used up by who plays an old proof back.
		if known, err := in.claim(route, key, "push token", token); known || err != nil {
			return err
		}
	}
	if u.Dedup != "" {
		if known, err := in.claim(route, key, "push", u.Dedup); known || err != nil {
			return err
		}
	}
	switch {
	case u.Message != nil:
		in.res.Messages = append(in.res.Messages, key)
		return in.message(u, route, key)
	case u.Receipt != nil:
		in.res.Receipts++
		if err := in.receipt(u, route); err != nil || !u.Receipt.Revoked {
			return err
		}
		return in.disable(route, u.Receipt.ErrorCode+": "+u.Receipt.ErrorText)
	case u.Contact != nil:
		return in.contactChange(u, route)
	case u.Change != nil:
		return in.messageChange(u, route)
	case u.OptOut != nil:
		return in.optOut(u, route)
	case u.Dialogue != nil:
		return in.dialogueNews(u, route)
	case u.Template != nil:
		return in.templateNews(u, route)
	case u.Revoked != nil:
		if route.Address != u.Address { // the only route of the account takes what names none: this is about somebody else's
			return nil
		}
		return in.disable(route, u.Revoked.Cause)
	}
	return nil
}

// disable notes that the provider takes nothing more over a route.
func (in *inbound) disable(route *hookswitch.Route, cause string) error {
	disabled, err := disableRoute(in.tx, route, cause, in.b.now)
	if disabled {
		gone := *route
		gone.DisabledAt, gone.DisabledCause = in.b.now.UTC(), cause
		in.res.Disabled = append(in.res.Disabled, gone)
	}
	return err
}

// claim notes a fact or a token of the route's account, and reports whether it was known, which makes the update a duplicate.
func (in *inbound) claim(route *hookswitch.Route, key hookswitch.Key, kind, what string) (known bool, err error) {
	err = in.tx.Claim(store.OnceOf(store.Life8Days, key, kind, strconv.FormatInt(int64(route.App), 36), route.Provider, route.Account, string(route.Channel), what), in.b.now)
	var dup *store.DuplicateError
	if errors.As(err, &dup) {
		in.res.Duplicates++
		return true, nil
	}
	return false, err
}

// contact finds or makes the person known on the channel by value, or by the user id that came with it: who hid their number before may show it now, and the
// other way round. Afterwards the person is known by both. A person who is made is noted as having written at the time seen, or not where that is zero.
func (in *inbound) contact(app hookswitch.Key, ch hookswitch.Channel, value, userID, name string, seen time.Time) (key hookswitch.Key, made bool, err error) {
	value = knownAs(ch, value)
	if userID == value {
		userID = ""
	}
	missing := value
	key, err = in.s.contactBy(in.tx, app, ch, value)
	if err == nil {
		missing = userID
	} else if hookswitch.KindOf(err) == hookswitch.NotFound && userID != "" {
		key, err = in.tx.ContactBy(in.tx.Context(), app, ch, userID)
	}
	switch {
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		now := in.b.now.UTC()
		c := &hookswitch.Contact{Key: in.s.keys.Next(), App: app, Name: name, CreatedAt: now, UpdatedAt: now}
		if err := in.tx.InsertContactSeen(c, ch, value, seen); err != nil {
			return 0, false, err
		}
		key, missing, made = c.Key, userID, true
	case err != nil:
		return 0, false, err
	}
	if missing == "" {
		return key, made, nil
	}
	return key, made, in.tx.AddIdentifier(app, key, ch, missing, in.s.keys.Next(), in.b.now)
}

// knownAs is what the person is known by who is reached on a channel at an address: mail addresses tell nobody apart by case.
func knownAs(ch hookswitch.Channel, address string) string {
	if ch == hookswitch.Email {
		return strings.ToLower(address)
	}
	return address
}

// contactBy finds the person known on the channel by value. Who is known by a number on one channel is the same person on the others, and known there too from now on.
func (s *Service) contactBy(tx *store.Tx, app hookswitch.Key, ch hookswitch.Channel, value string) (hookswitch.Key, error) {
	if !ch.ByPhone() || hookswitch.CheckPhone(value) != "" {
		return tx.ContactBy(tx.Context(), app, ch, value)
	}
	key, here, err := tx.ContactWithPhone(tx.Context(), app, ch, value)
	if err != nil || here {
		return key, err
	}
	return key, tx.AddIdentifier(app, key, ch, value, s.keys.Next(), s.now().UTC())
}

// conversation finds or makes the thread of a sender and a contact.
func conversation(s *Service, tx *store.Tx, app, sender, contact hookswitch.Key, now time.Time) (*hookswitch.Conversation, error) {
	c, err := tx.ConversationOf(tx.Context(), sender, contact)
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return c, err
	}
	c = &hookswitch.Conversation{Key: s.keys.Next(), App: app, Sender: sender, Contact: contact, CreatedAt: now, UpdatedAt: now}
	return c, tx.InsertConversation(c)
}

// forgetAfter is how long a person may be silent before their next message begins something new.
const forgetAfter = 24 * time.Hour

func (in *inbound) message(u *hookswitch.Update, route *hookswitch.Route, key hookswitch.Key) error {
	s, tx, m, now := in.s, in.tx, u.Message, in.b.now.UTC()
	userID, _ := m.Metadata["userId"].(string)
	contact, stranger, err := in.contact(route.App, u.Channel, m.From, userID, m.ProfileName, now)
	if err != nil {
		return err
	}
	if !stranger {
		if err := tx.SeeContact(route.App, contact, u.Channel, knownAs(u.Channel, m.From), m.ProfileName, now); err != nil {
			return err
		}
	}
	conv, opens, err := in.thread(route, contact, m.Thread, stranger, now)
	if err != nil {
		return err
	}
	first := conv.Inbound == 0
	msg := &hookswitch.Message{
		Key: key, App: route.App, Sender: route.Sender, Route: route.Key, Conversation: conv.Key, Contact: contact, Direction: hookswitch.Inbound,
		Channel: u.Channel, Type: m.Type, Status: hookswitch.StatusReceived, From: m.From, To: m.To, Text: m.Text, ProviderID: m.ProviderID,
		ProviderAt: u.At, ProfileName: m.ProfileName, Review: m.Review, CreatedAt: now, UpdatedAt: now,
	}
	content, err := in.quoting(m, route.App, conv)
	if err != nil {
		return err
	}
	if len(content) > 0 {
		msg.Content = json.RawMessage(encode(content))
	}
	if username, _ := m.Metadata["username"].(string); m.Review && username != "" {
		msg.Metadata = map[string]string{"username": username} // drafts tell who is answered
	}
	if err := tx.InsertMessage(msg); err != nil {
		return err
	}
	if err := in.keepFiles(msg, m.Files); err != nil {
		return err
	}
	if now.Sub(conv.LastInboundAt) >= forgetAfter {
		conv.Unsolved, conv.State = 0, ""
	}
	conv.LastInboundAt, conv.LastMessage, conv.UpdatedAt = now, key, now
	conv.Inbound++
	conv.Messages++
	conv.Unread++
	put := tx.UpdateConversation
	if opens {
		put = tx.InsertConversation
	}
	if err := put(conv); err != nil {
		return err
	}
	in.b.tell(msg)
	if first {
		in.b.envelope(route.App, hookswitch.EventConversationNew, route.Sender, newConversationData(s, msg))
	}
	data := inboundData(s, msg, content, u.At)
	in.b.envelope(route.App, hookswitch.EventMessageInbound, route.Sender, data)
	if m.Unsupported {
		in.b.envelope(route.App, hookswitch.EventMessageUnsupported, route.Sender, data)
	}
	in.b.received(route, u, conv.Key, in.at)
	return in.answer(m, msg, conv, stranger)
}

// quoteLength is how many characters of a quoted text are told.
const quoteLength = 200

// quoting is the content of a received message, with the message that it quotes or reacts to by our own id where that is one of the conversation.
func (in *inbound) quoting(m *hookswitch.InboundMessage, app hookswitch.Key, conv *hookswitch.Conversation) (map[string]any, error) {
	name := "replyToProviderMessageId"
	if m.Type == "reaction" {
		name = "reactToMessageId"
	}
	id, _ := m.Content[name].(string)
	if id == "" || conv.Messages == 0 {
		return m.Content, nil
	}
	quoted, err := in.carried(app, id)
	if err != nil || quoted == nil || quoted.Conversation != conv.Key {
		return m.Content, err
	}
	content := maps.Clone(m.Content)
	own := in.s.ids.Format(hookswitch.KindMessage, quoted.Key)
	if m.Type == "reaction" {
		content["reactToMessageId"] = own
		return content, nil
	}
	content["replyToMessageId"], content["replyToMessageType"] = own, cmp.Or(quoted.Type, "text")
	if _, told := content["replyToText"]; !told {
		text := []rune(quoted.Text)
		content["replyToText"] = string(text[:min(len(text), quoteLength)])
	}
	return content, nil
}

// carried is the message of an App that the account carried, in either direction, under the provider's id; nil: there is none.
func (in *inbound) carried(app hookswitch.Key, providerID string) (*hookswitch.Message, error) {
	ctx, routes := in.tx.Context(), in.routesOf(app)
	part, err := orNone(in.tx.PartByProviderID(ctx, providerID, routes))
	if err != nil {
		return nil, err
	}
	if part != nil {
		return orNone(in.tx.Message(ctx, app, part.Message))
	}
	for _, direction := range []hookswitch.Direction{hookswitch.Outbound, hookswitch.Inbound} {
		if m, err := orNone(in.tx.MessageByProviderID(ctx, providerID, direction, routes)); m != nil || err != nil {
			return m, err
		}
	}
	return nil, nil
}

// thread finds the thread of a sender and a contact, or begins one that is not stored yet. A stranger, who has just been made, has none.
func (in *inbound) thread(route *hookswitch.Route, contact hookswitch.Key, thread string, stranger bool, now time.Time) (c *hookswitch.Conversation, opens bool, err error) {
	if thread != "" {
		c, err = threadOf(in.s, in.tx, route.App, route.Sender, contact, thread, now)
		return c, false, err
	}
	if !stranger {
		c, err = in.tx.ConversationOf(in.tx.Context(), route.Sender, contact)
		if hookswitch.KindOf(err) != hookswitch.NotFound {
			return c, false, err
		}
	}
	return &hookswitch.Conversation{Key: in.s.keys.Next(), App: route.App, Sender: route.Sender, Contact: contact, CreatedAt: now, UpdatedAt: now}, true, nil
}

// answer owes the responder's answer to a message that has been stored, where there is to be one.
func (in *inbound) answer(m *hookswitch.InboundMessage, msg *hookswitch.Message, conv *hookswitch.Conversation, stranger bool) error {
	dialogue := msg.Channel == hookswitch.USSD || msg.Channel == hookswitch.Voice // is answered right here
	if m.Unsupported || dialogue {
		return nil
	}
	sender, err := in.b.sender(in.tx, msg.App, msg.Sender)
	silenced := err == nil && slices.Contains(sender.Silenced, msg.Channel)
	if err == nil {
		sender, err = answering(in.tx.Context(), &in.tx.Reader, sender, msg.Channel)
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && sender.Responder.Kind == "" {
		return in.cameBack(m, msg)
	}
	if err != nil {
		return err
	}
	if silent, err := in.optOutWord(sender, m, msg, conv, stranger); err != nil || silent || m.Quiet || conv.Handover || silenced || !sender.Answers(msg.Channel) {
		return err
	}
	in.b.owe(store.Delivery{Kind: hookswitch.DeliverRespond, App: msg.App, Subject: msg.Key, Target: conv.Key}, nil)
	return nil
}

// keepFiles stores what came with a message.
func (in *inbound) keepFiles(m *hookswitch.Message, files []hookswitch.InboundFile) error {
	for _, f := range files[:min(len(files), hookswitch.MaxAttachments)] {
		a := hookswitch.Attachment{Key: in.s.keys.Next(), App: m.App, Message: m.Key, Name: f.Name, MIMEType: f.MIMEType, ContentID: f.ContentID, Inline: f.Inline, Size: f.Size}
		if err := in.tx.InsertAttachment(&a, f.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// contactChange makes a person known by another identifier too.
func (in *inbound) contactChange(u *hookswitch.Update, route *hookswitch.Route) error {
	if u.Contact.To == "" || u.Contact.From == "" {
		return nil
	}
	key, err := in.tx.ContactBy(in.tx.Context(), route.App, u.Channel, u.Contact.From)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return in.tx.AddIdentifier(route.App, key, u.Channel, u.Contact.To, in.s.keys.Next(), in.b.now)
}

// messageChange marks a received message that the person has edited or taken back. What it read before is kept.
func (in *inbound) messageChange(u *hookswitch.Update, route *hookswitch.Route) error {
	change, now := u.Change, in.b.now.UTC()
	m, err := in.tx.MessageByProviderID(in.tx.Context(), change.ProviderID, hookswitch.Inbound, in.routesOf(route.App))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil // it was written before we listened
	}
	if err != nil {
		return err
	}
	at := u.At
	if at.IsZero() {
		at = now
	}
	switch {
	case !m.DeletedAt.IsZero():
		return nil
	case change.Deleted:
		m.DeletedAt = at
	case at.Before(m.EditedAt): // a later edit was told first
		return in.tx.InsertMessageVersion(in.s.keys.Next(), m.App, hookswitch.MessageVersion{Message: m.Key, Text: change.Text, Until: m.EditedAt})
	default:
		if err := in.tx.InsertMessageVersion(in.s.keys.Next(), m.App, hookswitch.MessageVersion{Message: m.Key, Text: m.Text, Until: at}); err != nil {
			return err
		}
		m.Text, m.EditedAt = change.Text, at
	}
	m.UpdatedAt = now
	return in.tx.ChangeMessage(m)
}

// optOut notes that a person wants no more messages on the channel, or wants them again.
func (in *inbound) optOut(u *hookswitch.Update, route *hookswitch.Route) error {
	o := u.OptOut
	if o.From == "" {
		return nil
	}
	if o.Again {
		key, err := in.tx.ContactBy(in.tx.Context(), route.App, u.Channel, o.From)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return in.tx.SetOptOut(route.App, key, u.Channel, time.Time{}, 0)
	}
	// Also who has never written is remembered: a send may be about to begin.
	key, _, err := in.contact(route.App, u.Channel, o.From, "", "", time.Time{})
	if err != nil {
		return err
	}
	return in.tx.SetOptOut(route.App, key, u.Channel, in.b.now.UTC(), 0)
}

// KeepStray keeps a genuine push aside that no account's routes can take.
func (s *Service) KeepStray(ctx context.Context, provider, door, reason string, body []byte) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.InsertStray(s.keys.Next(), provider, door, reason, body) })
}

// Strays lists the pushes that were kept aside: genuine, and of no route, or not to be read.
func (s *Service) Strays(ctx context.Context, p store.Page) ([]store.Stray, error) {
	return s.store.Strays(ctx, p)
}

// Stray is a push that was kept aside, with all of its body.
func (s *Service) Stray(ctx context.Context, key hookswitch.Key) (store.Stray, error) {
	return s.store.Stray(ctx, key)
}

// DeleteStray forgets a push that was kept aside.
func (s *Service) DeleteStray(ctx context.Context, key hookswitch.Key) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteStray(key) })
}
