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

	"golang.org/x/text/language"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// MessageTypes are the types that a message to send may have.
var MessageTypes = []string{"text", "image", "video", "audio", "document", "sticker", "location", "contact", "buttons", "list", "cta_url", "request_contact_info",
	"location_request", "reaction", "template"}

// AutoChannel has the channel of a message chosen by whom it is to and what it is.
const AutoChannel hookswitch.Channel = "auto"

// NewMessage is a message that somebody wants sent.
type NewMessage struct {
	Sender   string             // by id or name; "": the only one, or the default
	Channel  hookswitch.Channel // "": the only one of the sender over which messages can be sent; or AutoChannel
	To       string
	Type     string // "": text
	Text     string
	Content  json.RawMessage // an object; nil: nothing
	Metadata map[string]string

	// Of mails.
	Subject     string
	HTMLBody    string
	ReplyTo     string
	Attachments []NewAttachment

	VoiceLanguage string // as BCP 47 has it, such as en-US; "": the usual one
	// Fallback has the message sent by SMS when it cannot be brought on WhatsApp.
	Fallback bool
	// Anyway accepts also what no provider of the sender carries: it fails when it is its turn. What is known not to be wanted or allowed at this moment is refused.
	Anyway bool
	// Test only simulates the message.
	Test bool
}

// Bounds of a message to send.
const (
	maxMessageText    = 65_536
	maxMessageContent = 256 << 10
	maxHTMLBody       = 1 << 20
	maxRecipient      = 320
	maxSubject        = 998 // RFC 5322 section 2.1.1
	maxIdempotencyKey = 256
)

// RepeatedError says that a request with an idempotency key has been made before, and which message it made.
type RepeatedError struct{ Message *hookswitch.Message }

func (e *RepeatedError) Error() string { return e.Unwrap().Error() }

// Unwrap is the error that is shown.
func (e *RepeatedError) Unwrap() error {
	return &hookswitch.Error{Kind: hookswitch.Conflict, Code: "idempotency_conflict", Message: "A message with this idempotency key already exists"}
}

// SendMessage queues a message. A person who is not known yet becomes a contact. What no provider of the sender could carry is refused, with an error of kind Invalid that
// names the field, and so is what could only fail: to a person who wants no messages, or when their last one is too long ago. Whether the provider takes it is told by events and the message's status. Where the same request has been made before, that one's message is returned or,
// where idem refuses repetitions, a *RepeatedError.
func (s *Service) SendMessage(ctx context.Context, app hookswitch.Key, in NewMessage, idem Idempotency) (*hookswitch.Message, error) {
	if len(idem.Key) > maxIdempotencyKey {
		return nil, hookswitch.InvalidField("must have at most "+strconv.Itoa(maxIdempotencyKey)+" bytes", "idempotencyKey")
	}
	if idem.Refuse { // before anything is looked at: the key alone decides
		if ref, err := s.Made(idem); err == nil {
			return nil, s.repeated(ctx, app, ref)
		} else if hookswitch.KindOf(err) != hookswitch.NotFound {
			return nil, err
		}
	}
	if in.Type == "" {
		in.Type = "text"
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	files, err := s.files(ctx, in.Attachments)
	if err != nil {
		return nil, err
	}
	var m *hookswitch.Message
	err = s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		m = &hookswitch.Message{Key: s.keys.Next(), Type: in.Type, To: in.To, Text: in.Text, Metadata: in.Metadata, Test: in.Test, Fallback: in.Fallback}
		if err := idem.claim(tx, m.Key, s); err != nil {
			return err
		}
		sender, err := s.senderNamed(tx, app, in.Sender)
		if err != nil {
			return err
		}
		return b.compose(tx, sender, m, &in, files)
	})
	if ref, again := replayed(err); again {
		if idem.Refuse {
			return nil, s.repeated(ctx, app, ref)
		}
		return s.store.Message(ctx, app, ref)
	}
	return m, err
}

// repeated is the error of a request that has been made before, and has made the message ref.
func (s *Service) repeated(ctx context.Context, app, ref hookswitch.Key) error {
	m, err := s.store.Message(ctx, app, ref)
	if err != nil {
		return err
	}
	return &RepeatedError{m}
}

// compose makes out how the sender brings a message to its recipient, and queues it.
func (b *births) compose(tx *store.Tx, sender *hookswitch.Sender, m *hookswitch.Message, in *NewMessage, files []file) error {
	s, app, now := b.s, sender.App, b.now.UTC()
	in, err := s.filledIn(tx, sender, in)
	if err != nil {
		return err
	}
	m.Type, m.Text = in.Type, in.Text
	route, err := s.routeOf(sender, in, m)
	if err != nil {
		return err
	}
	posted := route != nil && route.Provider == hookswitch.ProviderAPI // there people are called what the caller calls them
	if wrong := checkRecipient(m.Channel, in.To); wrong != "" && !posted {
		return hookswitch.InvalidField(wrong, "to")
	}
	if route != nil {
		m.Route = route.Key
	}
	m.From = fromOf(sender, route, m.Channel)
	if m.Content, err = in.content(m.Channel); err != nil {
		return err
	}
	medium := m.Channel.Medium()
	contact, err := s.contactBy(tx, app, medium, in.To)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		c := &hookswitch.Contact{Key: s.keys.Next(), App: app, CreatedAt: now, UpdatedAt: now}
		contact, err = c.Key, tx.InsertContact(c, medium, in.To)
	}
	if err != nil {
		return err
	}
	var conv *hookswitch.Conversation
	if posted {
		conv, err = conversationTo(s, tx, route, contact, now)
	} else {
		conv, err = conversation(s, tx, app, sender.Key, contact, now)
	}
	if err != nil {
		return err
	}
	if !in.Test {
		if err := b.allowed(tx, sender, conv, m); err != nil {
			return err
		}
	}
	if err := b.queue(tx, conv, m); err != nil {
		return err
	}
	for i := range files {
		f := &files[i]
		f.Key, f.App, f.Message = s.keys.Next(), app, m.Key
		if err := tx.InsertAttachment(&f.Attachment, f.bytes); err != nil {
			return err
		}
	}
	return nil
}

// allowed refuses what is known to fail when its turn comes: a message to a person who wants none, and one that comes too late for its channel and cannot be sent on another.
func (b *births) allowed(tx *store.Tx, sender *hookswitch.Sender, conv *hookswitch.Conversation, m *hookswitch.Message) error {
	trial := *m
	trial.App, trial.Sender, trial.Contact, trial.Conversation = conv.App, conv.Sender, conv.Contact, conv.Key
	err := wanted(tx, &trial)
	if err == nil && trial.Route != 0 {
		if err = b.s.windowOf(tx, &trial, b.now); err != nil && b.s.smsRoute(sender, &trial) != nil {
			return nil
		}
	}
	var problem *hookswitch.SendError
	if errors.As(err, &problem) {
		return &hookswitch.Error{Kind: hookswitch.Invalid, Code: problem.Code, Message: problem.Message, Err: problem}
	}
	return err
}

// fromOf is what people see as where a message comes from.
func fromOf(sender *hookswitch.Sender, route *hookswitch.Route, ch hookswitch.Channel) string {
	if ch != hookswitch.Email {
		return sender.PhoneNumber
	}
	if sender.Email.Address == "" && route != nil && strings.Contains(route.Address, "@") {
		return route.Address
	}
	return sender.Email.Address
}

func (in *NewMessage) check() error {
	var c hookswitch.Checks
	if strings.TrimSpace(in.To) == "" || len(in.To) > maxRecipient || hookswitch.CheckText(in.To) != "" {
		c.Field("must be a phone number, an address or an id of the person", "to")
	}
	if !slices.Contains(MessageTypes, in.Type) {
		c.Field("must be one of "+strings.Join(MessageTypes, ", "), "type")
	}
	if in.Channel != "" && in.Channel != AutoChannel && in.Channel != hookswitch.SMSOneWay && !in.Channel.Valid() {
		c.Field("must be one of "+channelNames(), "channel")
	}
	mail := in.Channel == hookswitch.Email || in.Channel == AutoChannel && isAddress(in.To)
	switch {
	case in.Type == "text" && strings.TrimSpace(in.Text) == "" && !(mail && strings.TrimSpace(in.HTMLBody) != ""):
		c.Field("must not be empty", "text")
	case len(in.Text) > maxMessageText:
		c.Field("must have at most "+strconv.Itoa(maxMessageText)+" bytes", "text")
	}
	if wrong := hookswitch.CheckMetadata(in.Metadata); wrong != "" {
		c.Field(wrong, "metadata")
	}
	in.checkMail(&c, mail)
	if in.VoiceLanguage != "" {
		if _, err := language.Parse(in.VoiceLanguage); err != nil {
			c.Field("must be a language tag such as en-US", "voiceLanguage")
		}
	}
	var object map[string]json.RawMessage
	if len(in.Content) > 0 && (json.Unmarshal(in.Content, &object) != nil || len(in.Content) > maxMessageContent) {
		c.Field("must be an object of at most "+strconv.Itoa(maxMessageContent)+" bytes", "content")
		return c.Err()
	}
	newContent{object, &c}.check(in)
	return c.Err()
}

// checkMail checks what only mails have. mail says that it is one.
func (in *NewMessage) checkMail(c *hookswitch.Checks, mail bool) {
	switch {
	case len(in.Subject) > maxSubject:
		c.Field("must have at most "+strconv.Itoa(maxSubject)+" bytes", "subject")
	case strings.ContainsAny(in.Subject, "\r\n\x00"):
		c.Field("must be one line", "subject")
	}
	if len(in.HTMLBody) > maxHTMLBody {
		c.Field("must have at most "+strconv.Itoa(maxHTMLBody)+" bytes", "htmlBody")
	}
	if in.ReplyTo != "" && !isAddress(in.ReplyTo) {
		c.Field("must be an email address", "replyTo")
	}
	if len(in.Attachments) > 0 && !mail {
		c.Field("can only be sent by email", "attachments")
	}
	checkAttachments(c, in.Attachments)
}

// content is the content of the message as it is stored and providers read it: with what has a field of its own in the request.
func (in *NewMessage) content(ch hookswitch.Channel) (json.RawMessage, error) {
	own := map[string]string{}
	if ch == hookswitch.Email {
		own["subject"], own["htmlBody"], own["replyTo"] = in.Subject, in.HTMLBody, in.ReplyTo
	}
	if ch == hookswitch.Voice {
		own["voiceLanguage"] = in.VoiceLanguage
	}
	maps.DeleteFunc(own, func(_, v string) bool { return v == "" })
	if len(own) == 0 {
		return in.Content, nil
	}
	fields := make(map[string]any)
	if len(in.Content) > 0 {
		var given map[string]json.RawMessage
		if err := json.Unmarshal(in.Content, &given); err != nil {
			return nil, err
		}
		for name, v := range given {
			fields[name] = v
		}
	}
	for name, v := range own {
		fields[name] = v
	}
	return encode(fields), nil
}

// senderNamed is the sender of an app with the id or name. "" means the default, or the only one.
func (s *Service) senderNamed(tx *store.Tx, app hookswitch.Key, name string) (*hookswitch.Sender, error) {
	ctx := tx.Context()
	if key, ok := s.ids.Parse(hookswitch.KindSender, name); ok {
		return tx.Sender(ctx, app, key)
	}
	if name != "" {
		return tx.SenderByName(ctx, app, name)
	}
	sender, err := tx.DefaultSender(ctx, app)
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return sender, err
	}
	list, err := tx.Senders(ctx, app, store.Page{Limit: 3})
	if len(list) > 1 { // the sender of what is posted to an API is not one to choose by default
		list = slices.DeleteFunc(list, overAPI)
	}
	switch {
	case err != nil:
		return nil, err
	case len(list) == 1:
		return list[0], nil
	case len(list) == 0:
		return nil, hookswitch.InvalidField("must name one of the app's senders: it has none yet", "sender")
	}
	return nil, hookswitch.InvalidField("must name one of the app's senders: it has several, and no default", "sender")
}

// routeOf chooses the channel of a message, and the route that carries it; nil: there is none, and the message is accepted anyway.
func (s *Service) routeOf(sender *hookswitch.Sender, in *NewMessage, m *hookswitch.Message) (*hookswitch.Route, error) {
	if in.Anyway || in.Channel == AutoChannel {
		route, ch := s.transport(sender, in)
		m.Channel = ch
		return route, nil
	}
	route, err := s.routeOver(sender, in.Channel.Medium(), in.Type)
	if err == nil {
		m.Channel = cmp.Or(in.Channel, route.Channel)
	}
	return route, err
}

// transport is the channel that a message goes over, and the route of the sender that carries it, if there is one. Where the channel is not said, a mail address is written to by email, and
// anybody else on WhatsApp with what is not a text, else by SMS; where the sender cannot do that, over what it has.
func (s *Service) transport(sender *hookswitch.Sender, in *NewMessage) (*hookswitch.Route, hookswitch.Channel) {
	if in.Channel != AutoChannel && in.Channel != "" {
		return s.carrying(sender, in.Channel, in.Type), in.Channel
	}
	var ways []hookswitch.Channel // the best first
	number := hookswitch.CheckPhone(in.To) == ""
	switch {
	case isAddress(in.To):
		ways = []hookswitch.Channel{hookswitch.Email}
	case isUserID(in.To):
		ways = []hookswitch.Channel{hookswitch.WhatsApp}
	case number && in.Type != "text":
		ways = []hookswitch.Channel{hookswitch.WhatsApp, hookswitch.SMS}
	case number:
		ways = []hookswitch.Channel{hookswitch.SMS, hookswitch.WhatsApp, hookswitch.Voice}
	case in.Type != "text":
		ways = []hookswitch.Channel{hookswitch.WhatsApp, hookswitch.Telegram, hookswitch.Messenger, hookswitch.Instagram, hookswitch.WebChat, hookswitch.X}
	default:
		ways = []hookswitch.Channel{hookswitch.SMS, hookswitch.Telegram, hookswitch.Messenger, hookswitch.Instagram, hookswitch.WebChat, hookswitch.X}
	}
	for _, ch := range ways {
		if r := s.carrying(sender, ch, in.Type); r != nil && checkRecipient(ch, in.To) == "" {
			return r, ch
		}
	}
	return nil, ways[0]
}

// carrying is the route of the sender that carries messages of a type on a channel, or nil.
func (s *Service) carrying(sender *hookswitch.Sender, ch hookswitch.Channel, messageType string) *hookswitch.Route {
	for i := range sender.Routes {
		r := &sender.Routes[i]
		p, ok := s.providers[r.Provider].(hookswitch.MessageSender)
		if ok && r.Channel == ch.Medium() && carried(p, &hookswitch.Message{Channel: r.Channel, Type: messageType}) == nil {
			return r
		}
	}
	return nil
}

// smsRoute is the route over which the sender can send a message by SMS that is to go out on WhatsApp; nil: it cannot, or must not.
func (s *Service) smsRoute(sender *hookswitch.Sender, m *hookswitch.Message) *hookswitch.Route {
	if !m.Fallback || m.Channel != hookswitch.WhatsApp || m.Test || m.Parts > 0 || isUserID(m.To) || m.Type == "template" {
		return nil
	}
	return s.carrying(sender, hookswitch.SMS, m.Type)
}

// routeOver is the route of the sender that carries messages of a type, on a channel where one is named.
func (s *Service) routeOver(sender *hookswitch.Sender, ch hookswitch.Channel, messageType string) (*hookswitch.Route, error) {
	var found *hookswitch.Route
	sends := false
	for i := range sender.Routes {
		r := &sender.Routes[i]
		p, ok := s.providers[r.Provider].(hookswitch.MessageSender)
		if !ok || ch != "" && r.Channel != ch || r.Channel == hookswitch.USSD {
			continue
		}
		sends = true
		if carried(p, &hookswitch.Message{Channel: r.Channel, Type: messageType}) != nil {
			continue
		}
		if found != nil && found.Channel != r.Channel {
			return nil, hookswitch.InvalidField("must be said: the sender sends on several", "channel")
		}
		if found == nil {
			found = r
		}
	}
	switch {
	case found != nil:
		return found, nil
	case sends:
		return nil, hookswitch.InvalidField("cannot be sent: no provider of the sender carries such messages there", "type")
	case ch == "":
		return nil, hookswitch.InvalidField("must name a sender with a channel over which messages can be sent", "sender")
	}
	return nil, hookswitch.InvalidField("must be one over which the sender can send messages", "channel")
}
