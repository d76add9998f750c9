package service

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// NewContact is a person whom an App wants to know.
type NewContact struct {
	DisplayName string
	Metadata    map[string]string
	Channels    []NewIdentifier
}

// NewIdentifier is how a person is to be known on a channel.
type NewIdentifier struct {
	Channel     hookswitch.Channel
	Value       string
	Primary     *bool // nil: if it is the first on its channel
	Label       string
	CountryCode string
}

// ContactChannels are those on which Apps may say how people are known.
var ContactChannels = []hookswitch.Channel{hookswitch.SMS, hookswitch.WhatsApp, hookswitch.Email, hookswitch.Telegram, hookswitch.Instagram, hookswitch.Messenger, hookswitch.Voice}

// Bounds of contacts.
const (
	maxDisplayName     = 200
	maxLabel           = 100
	maxContactChannels = 50
)

func checkDisplayName(c *hookswitch.Checks, name string) {
	if len(name) > maxDisplayName || hookswitch.CheckText(name) != "" {
		c.Field("must have at most "+strconv.Itoa(maxDisplayName)+" bytes, none of them control characters", "displayName")
	}
}

func checkMetadata(c *hookswitch.Checks, m map[string]string, path ...string) {
	if wrong := hookswitch.CheckMetadata(m); wrong != "" {
		c.Field(wrong, append(path, "metadata")...)
	}
}

func checkLabel(c *hookswitch.Checks, label string, path ...string) {
	if len(label) > maxLabel || hookswitch.CheckText(label) != "" {
		c.Field("must have at most "+strconv.Itoa(maxLabel)+" bytes, none of them control characters", append(path, "label")...)
	}
}

func (n *NewIdentifier) check(c *hookswitch.Checks, path ...string) {
	at := func(message, name string) { c.Field(message, append(slices.Clone(path), name)...) }
	n.Value = strings.TrimSpace(n.Value)
	switch {
	case !slices.Contains(ContactChannels, n.Channel):
		names := make([]string, len(ContactChannels))
		for i, ch := range ContactChannels {
			names[i] = string(ch)
		}
		at("must be one of "+strings.Join(names, ", "), "channel")
	case n.Value == "" || len(n.Value) > maxRecipient || hookswitch.CheckText(n.Value) != "":
		at("is required", "identifier")
	default:
		if wrong := checkRecipient(n.Channel, n.Value); wrong != "" {
			at(wrong, "identifier")
		} else if n.Channel == hookswitch.WhatsApp && !isUserID(n.Value) && hookswitch.CheckPhone(n.Value) != "" {
			at(hookswitch.CheckPhone(n.Value), "identifier")
		}
	}
	n.Value = knownAs(n.Channel, n.Value)
	n.CountryCode = strings.ToUpper(n.CountryCode)
	if n.CountryCode != "" && (len(n.CountryCode) != 2 || strings.Trim(n.CountryCode, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		at("must be the two letters of a country, such as US", "countryCode")
	}
	checkLabel(c, n.Label, slices.Clone(path)...)
}

// errKnown says that an identifier is another contact's.
func errKnown(holder string) error {
	return &hookswitch.Error{Kind: hookswitch.Conflict, Message: "A contact with this identifier exists already", Details: map[string]any{"contactId": holder}}
}

// CreateContact stores a person. The error is of kind Conflict when one of the identifiers is another contact's.
func (s *Service) CreateContact(ctx context.Context, app hookswitch.Key, in NewContact) (*hookswitch.Contact, error) {
	var c hookswitch.Checks
	checkDisplayName(&c, in.DisplayName)
	checkMetadata(&c, in.Metadata)
	if len(in.Channels) == 0 || len(in.Channels) > maxContactChannels {
		c.Field("must have 1 to "+strconv.Itoa(maxContactChannels)+" items", "channels")
	}
	for i := range in.Channels {
		n := &in.Channels[i]
		n.check(&c, "channels", "["+strconv.Itoa(i)+"]")
		if slices.ContainsFunc(in.Channels[:i], func(o NewIdentifier) bool { return o.Channel == n.Channel && o.Value == n.Value }) {
			c.Field("is there twice", "channels", "["+strconv.Itoa(i)+"]", "identifier")
		}
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	var made *hookswitch.Contact
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.now().UTC()
		made = &hookswitch.Contact{Key: s.keys.Next(), App: app, DisplayName: strings.TrimSpace(in.DisplayName), Metadata: in.Metadata, CreatedAt: now, UpdatedAt: now}
		for i := range in.Channels {
			n := &in.Channels[i]
			// A number is one person on all channels that have numbers.
			holder, err := s.holder(tx, app, n)
			if err == nil {
				return errKnown(s.ids.Format(hookswitch.KindContact, holder))
			}
			if hookswitch.KindOf(err) != hookswitch.NotFound {
				return err
			}
		}
		for i := range in.Channels {
			var err error
			if i == 0 {
				if err = tx.InsertContact(made, in.Channels[0].Channel, in.Channels[0].Value); err == nil {
					err = s.dress(tx, made, made.Key, &in.Channels[0])
				}
			} else {
				_, err = s.addIdentifier(tx, made, &in.Channels[i])
			}
			if err != nil {
				return err
			}
		}
		var err error
		made, err = tx.Contact(tx.Context(), app, made.Key)
		return err
	})
	return made, err
}

// holder is whose identifier it is, or an error of kind NotFound.
func (s *Service) holder(tx *store.Tx, app hookswitch.Key, n *NewIdentifier) (hookswitch.Key, error) {
	if n.Channel.ByPhone() && !isUserID(n.Value) {
		return tx.ContactByPhone(tx.Context(), app, n.Value)
	}
	return tx.ContactBy(tx.Context(), app, n.Channel, n.Value)
}

// addIdentifier makes a contact known by an identifier that is nobody's.
func (s *Service) addIdentifier(tx *store.Tx, c *hookswitch.Contact, n *NewIdentifier) (hookswitch.Key, error) {
	key := s.keys.Next()
	if err := tx.AddIdentifier(c.App, c.Key, n.Channel, n.Value, key, s.now().UTC()); err != nil {
		return 0, err
	}
	return key, s.dress(tx, c, key, n)
}

// dress gives an identifier that has just been added what else is said of it.
func (s *Service) dress(tx *store.Tx, c *hookswitch.Contact, key hookswitch.Key, n *NewIdentifier) error {
	id, err := s.identifier(tx, c.App, c.Key, key)
	if err != nil {
		return err
	}
	id.Label, id.CountryCode = n.Label, n.CountryCode
	if err := tx.UpdateIdentifier(c.App, c.Key, id); err != nil {
		return err
	}
	if n.Primary != nil && *n.Primary {
		return tx.SetPrimary(c.App, c.Key, id)
	}
	return nil
}

// identifier is one of a contact's identifiers.
func (s *Service) identifier(tx *store.Tx, app, contact, key hookswitch.Key) (*hookswitch.Identifier, error) {
	c, err := tx.Contact(tx.Context(), app, contact)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(c.Identifiers, func(id hookswitch.Identifier) bool { return id.Key == key }); i >= 0 {
		return &c.Identifiers[i], nil
	}
	return nil, hookswitch.NotFoundf("contact channel not found")
}

// Contact is a person of an app.
func (s *Service) Contact(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Contact, error) {
	return s.store.Contact(ctx, app, key)
}

// ContactByPhone is the person of an app known by the number, on whatever channel.
func (s *Service) ContactByPhone(ctx context.Context, app hookswitch.Key, phone string) (*hookswitch.Contact, error) {
	key, err := s.store.ContactByPhone(ctx, app, phone)
	if err != nil {
		return nil, err
	}
	return s.store.Contact(ctx, app, key)
}

// ContactNamed is the person of an app with the id or, where text is none, known by the phone number.
func (s *Service) ContactNamed(ctx context.Context, app hookswitch.Key, text string) (*hookswitch.Contact, error) {
	if key, ok := s.ids.Parse(hookswitch.KindContact, text); ok {
		return s.Contact(ctx, app, key)
	}
	return s.ContactByPhone(ctx, app, text)
}

// Contacts lists the people of an app.
func (s *Service) Contacts(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Contact, error) {
	return s.store.Contacts(ctx, app, p)
}

// searchTries is how often a search that has found nothing yet goes on by itself.
const searchTries = 5

// FindContacts lists the people of an app that the text finds, from after on. next is where the list goes on; nil: it is over.
func (s *Service) FindContacts(ctx context.Context, app hookswitch.Key, text string, after store.Found, limit int) (list []*hookswitch.Contact, next *store.Found, err error) {
	var found []store.Found
	for range searchTries {
		if found, next, err = s.store.FindContacts(ctx, app, text, after, limit); err != nil {
			return nil, nil, err
		}
		if len(found) > 0 || next == nil {
			break
		}
		after = *next
	}
	keys := make([]hookswitch.Key, len(found))
	for i, f := range found {
		keys[i] = f.Contact
	}
	list, err = s.store.ContactsByKeys(ctx, app, keys)
	return list, next, err
}

// ContactUpdate is what changes of a contact. nil leaves as it is; an empty text clears.
type ContactUpdate struct {
	DisplayName    *string
	DefaultChannel *hookswitch.Channel
	Metadata       *map[string]string
}

// UpdateContact changes a person.
func (s *Service) UpdateContact(ctx context.Context, app, key hookswitch.Key, in ContactUpdate) (*hookswitch.Contact, error) {
	var c hookswitch.Checks
	if in.DisplayName != nil {
		checkDisplayName(&c, *in.DisplayName)
	}
	if in.Metadata != nil {
		checkMetadata(&c, *in.Metadata)
	}
	if ch := in.DefaultChannel; ch != nil && *ch != "" && !slices.Contains(ContactChannels, *ch) {
		c.Field("must be one of the channels of contacts, or null", "defaultChannel")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return s.changeContact(ctx, app, key, func(tx *store.Tx, c *hookswitch.Contact) error {
		if in.DisplayName != nil {
			c.DisplayName = strings.TrimSpace(*in.DisplayName)
		}
		if in.DefaultChannel != nil {
			c.DefaultChannel = *in.DefaultChannel
		}
		if in.Metadata != nil {
			c.Metadata = *in.Metadata
		}
		c.UpdatedAt = s.now().UTC()
		return tx.UpdateContact(c)
	})
}

// changeContact has change alter a contact, and returns it as it then is.
func (s *Service) changeContact(ctx context.Context, app, key hookswitch.Key, change func(*store.Tx, *hookswitch.Contact) error) (*hookswitch.Contact, error) {
	var c *hookswitch.Contact
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if c, err = tx.Contact(tx.Context(), app, key); err != nil {
			return err
		}
		if err = change(tx, c); err != nil {
			return err
		}
		c, err = tx.Contact(tx.Context(), app, key)
		return err
	})
	return c, err
}

// errContactDeleted is the code of messages that were not sent because their recipient has been deleted.
const errContactDeleted = "contact_deleted"

// DeleteContact forgets a person, what they are known by, and the conversations with them. Their messages stay without naming them; those that are yet to be sent fail.
func (s *Service) DeleteContact(ctx context.Context, app, key hookswitch.Key) error {
	return s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		if _, err := tx.Contact(tx.Context(), app, key); err != nil {
			return err
		}
		list, err := tx.ConversationsWith(tx.Context(), app, key)
		if err != nil {
			return err
		}
		for _, conv := range list {
			if err := b.dropConversation(tx, conv); err != nil {
				return err
			}
		}
		return tx.DeleteContact(app, key)
	})
}

// dropConversation removes a conversation, and ends what is yet to be sent in it.
func (b *births) dropConversation(tx *store.Tx, conv *hookswitch.Conversation) error {
	if err := b.failUnsent(tx, conv); err != nil {
		return err
	}
	return tx.DeleteConversation(conv.App, conv.Key)
}

// failUnsent ends what is yet to be sent in a conversation.
func (b *births) failUnsent(tx *store.Tx, conv *hookswitch.Conversation) error {
	for _, status := range []hookswitch.MessageStatus{hookswitch.StatusQueued, hookswitch.StatusSending} {
		list, err := tx.Messages(tx.Context(), conv.App, store.MessageFilter{Conversation: conv.Key, Status: status}, store.Page{Limit: maxEarlier})
		if err != nil {
			return err
		}
		for _, m := range list {
			m.Fallback = false
			if err := tx.Settle(hookswitch.DeliverMessage, m.Key, m.Conversation); err != nil {
				return err
			}
			if err := applyReceipt(b.s, tx, b, m, &hookswitch.MessageReceipt{Status: hookswitch.StatusFailed, ErrorCode: errContactDeleted,
				ErrorText: "the contact has been deleted"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// MergeContacts makes two people one: what source is known by, and was said with them, becomes target's, and source is gone.
func (s *Service) MergeContacts(ctx context.Context, app, target hookswitch.Key, source string) (*hookswitch.Contact, error) {
	from, ok := s.ids.Parse(hookswitch.KindContact, source)
	switch {
	case source == "":
		return nil, hookswitch.InvalidField("is required", "sourceContactId")
	case !ok:
		return nil, hookswitch.NotFoundf("contact not found")
	case from == target:
		return nil, hookswitch.InvalidField("must be another contact", "sourceContactId")
	}
	return s.changeContact(ctx, app, target, func(tx *store.Tx, c *hookswitch.Contact) error {
		other, err := tx.Contact(tx.Context(), app, from)
		if err != nil {
			return err
		}
		list, err := tx.ConversationsWith(tx.Context(), app, from)
		if err != nil {
			return err
		}
		for _, conv := range list {
			if err := s.rehome(tx, conv, target); err != nil {
				return err
			}
		}
		if err := tx.GiveIdentifiers(app, from, target); err != nil {
			return err
		}
		if err := tx.DeleteContact(app, from); err != nil {
			return err
		}
		for name, v := range other.Metadata {
			if _, has := c.Metadata[name]; has {
				continue
			}
			if c.Metadata == nil {
				c.Metadata = make(map[string]string)
			}
			c.Metadata[name] = v
		}
		if hookswitch.CheckMetadata(c.Metadata) != "" {
			return hookswitch.Errorf(hookswitch.Conflict, "the metadata of the two contacts is too much for one")
		}
		if c.DisplayName == "" {
			c.DisplayName = other.DisplayName
		}
		c.UpdatedAt = s.now().UTC()
		return tx.UpdateContact(c)
	})
}

// rehome makes a conversation one with another contact, or a part of the one that its sender has with that contact.
func (s *Service) rehome(tx *store.Tx, conv *hookswitch.Conversation, contact hookswitch.Key) error {
	if conv.Thread != "" { // somebody else tells it apart
		return tx.GiveConversation(conv.App, conv.Key, contact)
	}
	to, err := tx.ConversationOf(tx.Context(), conv.Sender, contact)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return tx.GiveConversation(conv.App, conv.Key, contact)
	}
	if err != nil {
		return err
	}
	busy, err := tx.Owing(tx.Context(), conv.Key)
	if err != nil {
		return err
	}
	if busy {
		return hookswitch.Errorf(hookswitch.Conflict, "messages of the contact are just being sent; try again in a moment")
	}
	if err := tx.JoinConversation(conv, to); err != nil {
		return err
	}
	to.Inbound, to.Messages, to.Unread = to.Inbound+conv.Inbound, to.Messages+conv.Messages, to.Unread+conv.Unread
	to.LastMessage, to.Handover = max(to.LastMessage, conv.LastMessage), to.Handover || conv.Handover
	if conv.LastInboundAt.After(to.LastInboundAt) {
		to.LastInboundAt = conv.LastInboundAt
	}
	to.UpdatedAt = s.now().UTC()
	return tx.UpdateConversation(to)
}

// changeIdentifier has change alter one of a contact's identifiers, and returns it as it then is.
func (s *Service) changeIdentifier(ctx context.Context, app, contact, key hookswitch.Key, change func(*store.Tx, *hookswitch.Identifier) error) (*hookswitch.Identifier, error) {
	var id *hookswitch.Identifier
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if id, err = s.identifier(tx, app, contact, key); err != nil {
			return err
		}
		id.UpdatedAt = s.now().UTC()
		if err = change(tx, id); err != nil {
			return err
		}
		id, err = s.identifier(tx, app, contact, key)
		return err
	})
	return id, err
}

// AddContactChannel makes a person known by another identifier. The error is of kind Conflict when that is somebody's already.
func (s *Service) AddContactChannel(ctx context.Context, app, contact hookswitch.Key, in NewIdentifier) (*hookswitch.Identifier, error) {
	var c hookswitch.Checks
	in.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	var id *hookswitch.Identifier
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		person, err := tx.Contact(tx.Context(), app, contact)
		if err != nil {
			return err
		}
		holder, err := s.holder(tx, app, &in)
		known := slices.ContainsFunc(person.Identifiers, func(id hookswitch.Identifier) bool { return id.Channel == in.Channel && id.Value == in.Value })
		switch {
		case known || err == nil && holder != contact:
			return errKnown(s.ids.Format(hookswitch.KindContact, holder))
		case err != nil && hookswitch.KindOf(err) != hookswitch.NotFound:
			return err
		case len(person.Identifiers) >= maxContactChannels:
			return hookswitch.Errorf(hookswitch.Conflict, "a contact may have at most %d channels", maxContactChannels)
		}
		key, err := s.addIdentifier(tx, person, &in)
		if err != nil {
			return err
		}
		id, err = s.identifier(tx, app, contact, key)
		return err
	})
	return id, err
}

// IdentifierUpdate is what changes of how a person is known. nil leaves as it is.
type IdentifierUpdate struct {
	Label    *string
	Verified *bool
	Metadata *map[string]string
}

// UpdateContactChannel changes what is said of how a person is known.
func (s *Service) UpdateContactChannel(ctx context.Context, app, contact, key hookswitch.Key, in IdentifierUpdate) (*hookswitch.Identifier, error) {
	var c hookswitch.Checks
	if in.Label != nil {
		checkLabel(&c, *in.Label)
	}
	if in.Metadata != nil {
		checkMetadata(&c, *in.Metadata)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	return s.changeIdentifier(ctx, app, contact, key, func(tx *store.Tx, id *hookswitch.Identifier) error {
		if in.Label != nil {
			id.Label = *in.Label
		}
		if in.Verified != nil {
			id.Verified = *in.Verified
		}
		if in.Metadata != nil {
			id.Metadata = *in.Metadata
		}
		return tx.UpdateIdentifier(app, contact, id)
	})
}

// SetPrimaryChannel makes an identifier the one to use on its channel.
func (s *Service) SetPrimaryChannel(ctx context.Context, app, contact, key hookswitch.Key) (*hookswitch.Identifier, error) {
	return s.changeIdentifier(ctx, app, contact, key, func(tx *store.Tx, id *hookswitch.Identifier) error { return tx.SetPrimary(app, contact, id) })
}

// RemoveContactChannel makes a person no longer known by an identifier. The last one stays.
func (s *Service) RemoveContactChannel(ctx context.Context, app, contact, key hookswitch.Key) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Contact(tx.Context(), app, contact)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(c.Identifiers, func(id hookswitch.Identifier) bool { return id.Key == key })
		switch {
		case i < 0:
			return hookswitch.NotFoundf("contact channel not found")
		case len(c.Identifiers) == 1:
			return hookswitch.Errorf(hookswitch.Invalid, "the last channel of a contact cannot be removed")
		}
		gone := c.Identifiers[i]
		if err := tx.RemoveIdentifier(app, contact, key); err != nil || !gone.Primary {
			return err
		}
		rest := slices.Delete(c.Identifiers, i, i+1)
		if j := slices.IndexFunc(rest, func(id hookswitch.Identifier) bool { return id.Channel == gone.Channel }); j >= 0 {
			rest[j].UpdatedAt = s.now().UTC()
			return tx.SetPrimary(app, contact, &rest[j])
		}
		return nil
	})
}
