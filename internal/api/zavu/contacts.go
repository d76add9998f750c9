package zavu

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

func (h *handler) contactRoutes() []route {
	const read, write = hookswitch.ScopeContactsRead, hookswitch.ScopeContactsWrite
	return []route{
		{"POST", "/contacts", "create a contact", write, h.createContact},
		{"GET", "/contacts", "list contacts", read, h.listContacts},
		{"GET", "/contacts/phone/{phone}", "get a contact by its phone number", read, h.getContactByPhone},
		{"GET", "/contacts/{contact}", "get a contact", read, h.getContact},
		{"PATCH", "/contacts/{contact}", "change a contact", write, h.updateContact},
		{"DELETE", "/contacts/{contact}", "delete a contact", write, h.deleteContact},
		{"POST", "/contacts/{contact}/merge", "make two contacts one", write, h.mergeContacts},
		{"POST", "/contacts/{contact}/channels", "add a channel of a contact", write, h.addContactChannel},
		{"PATCH", "/contacts/{contact}/channels/{channel}", "change a channel of a contact", write, h.updateContactChannel},
		{"DELETE", "/contacts/{contact}/channels/{channel}", "remove a channel of a contact", write, h.removeContactChannel},
		{"POST", "/contacts/{contact}/channels/{channel}/primary", "make a channel of a contact its primary one", write, h.setPrimaryChannel},
	}
}

type contactOut struct {
	ID                string              `json:"id"`
	DisplayName       string              `json:"displayName,omitempty"`
	PrimaryPhone      string              `json:"primaryPhone,omitempty"`
	PrimaryEmail      string              `json:"primaryEmail,omitempty"`
	PhoneNumber       string              `json:"phoneNumber,omitempty"`
	ProfileName       *string             `json:"profileName"`
	AvailableChannels []string            `json:"availableChannels"`
	Channels          []contactChannelOut `json:"channels"`
	DefaultChannel    string              `json:"defaultChannel,omitempty"`
	CountryCode       string              `json:"countryCode,omitempty"`
	Metadata          map[string]string   `json:"metadata"`
	Verified          bool                `json:"verified"`
	CreatedAt         httpapi.MilliTime   `json:"createdAt"`
	UpdatedAt         httpapi.MilliTime   `json:"updatedAt"`
}

type contactChannelOut struct {
	ID            string             `json:"id"`
	Channel       string             `json:"channel"`
	Identifier    string             `json:"identifier"`
	IsPrimary     bool               `json:"isPrimary"`
	Verified      bool               `json:"verified"`
	Label         string             `json:"label,omitempty"`
	CountryCode   string             `json:"countryCode,omitempty"`
	Metadata      map[string]string  `json:"metadata"`
	LastInboundAt *httpapi.MilliTime `json:"lastInboundAt,omitempty"`
	CreatedAt     httpapi.MilliTime  `json:"createdAt"`
	UpdatedAt     httpapi.MilliTime  `json:"updatedAt"`
}

// phoneChannels are those whose identifiers are phone numbers, the ones first whose number is a contact's own.
var phoneChannels = []hookswitch.Channel{hookswitch.SMS, hookswitch.WhatsApp, hookswitch.Voice, hookswitch.USSD}

// phoneOf is the primary identifier that is a phone number; nil: there is none.
func phoneOf(c *hookswitch.Contact) *hookswitch.Identifier {
	for _, ch := range phoneChannels {
		if id := c.Primary(ch); id != nil && hookswitch.CheckPhone(id.Value) == "" {
			return id
		}
	}
	return nil
}

func (h *handler) newContact(c *hookswitch.Contact) contactOut {
	out := contactOut{
		ID: h.id(hookswitch.KindContact, c.Key), DisplayName: c.DisplayName, ProfileName: httpapi.OrNull(c.Name), AvailableChannels: []string{},
		Channels: make([]contactChannelOut, len(c.Identifiers)), DefaultChannel: string(c.DefaultChannel), Metadata: c.Metadata,
		CreatedAt: httpapi.MilliTime(c.CreatedAt), UpdatedAt: httpapi.MilliTime(c.UpdatedAt),
	}
	for _, ch := range c.Channels() {
		out.AvailableChannels = append(out.AvailableChannels, string(ch))
	}
	for i := range c.Identifiers {
		out.Channels[i] = h.newContactChannel(&c.Identifiers[i])
		out.Verified = out.Verified || c.Identifiers[i].Verified
	}
	if id := phoneOf(c); id != nil {
		out.PrimaryPhone, out.PhoneNumber, out.CountryCode = id.Value, id.Value, id.CountryCode
	}
	if id := c.Primary(hookswitch.Email); id != nil {
		out.PrimaryEmail = id.Value
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

func (h *handler) newContactChannel(id *hookswitch.Identifier) contactChannelOut {
	out := contactChannelOut{
		ID: h.id(hookswitch.KindIdentifier, id.Key), Channel: string(id.Channel), Identifier: id.Value, IsPrimary: id.Primary, Verified: id.Verified, Label: id.Label,
		CountryCode: id.CountryCode, Metadata: id.Metadata, LastInboundAt: httpapi.Millis(id.LastInboundAt), CreatedAt: httpapi.MilliTime(id.CreatedAt),
		UpdatedAt: httpapi.MilliTime(id.UpdatedAt),
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

type contactIn struct {
	DisplayName *string            `json:"displayName"`
	Metadata    httpapi.Texts      `json:"metadata"`
	Channels    []contactChannelIn `json:"channels"`
}

type contactChannelIn struct {
	Channel     string  `json:"channel"`
	Identifier  string  `json:"identifier"`
	IsPrimary   *bool   `json:"isPrimary"`
	Label       *string `json:"label"`
	CountryCode *string `json:"countryCode"`
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (in contactChannelIn) params() service.NewIdentifier {
	return service.NewIdentifier{Channel: hookswitch.Channel(in.Channel), Value: in.Identifier, Primary: in.IsPrimary, Label: text(in.Label), CountryCode: text(in.CountryCode)}
}

func (h *handler) createContact(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[contactIn](r)
	if err != nil {
		return err
	}
	params := service.NewContact{DisplayName: text(in.DisplayName), Metadata: in.Metadata}
	for _, ch := range in.Channels {
		params.Channels = append(params.Channels, ch.params())
	}
	c, err := h.service.CreateContact(r.Context(), callerOf(r).App, params)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newContact(c))
}

func (h *handler) listContacts(w http.ResponseWriter, r *http.Request) error {
	q, c := httpapi.NewQuery(r), callerOf(r)
	search, phone := strings.TrimSpace(q.Text("search")), q.Text("phoneNumber")
	var list []*hookswitch.Contact
	switch {
	case len(q.List("tag")) > 0: // contacts have no tags here
		if h.limitOf(q); q.Err() != nil {
			return q.Err()
		}
		return httpapi.Encode(w, http.StatusOK, newList(nil, nil, h.newContact))
	case phone != "":
		if h.limitOf(q); q.Err() != nil {
			return q.Err()
		}
		found, err := h.service.ContactByPhone(r.Context(), c.App, plus(phone))
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
		if id := (*hookswitch.Identifier)(nil); err == nil && q.Text("cursor") == "" {
			if id = phoneOf(found); id != nil && id.Value == plus(phone) {
				list = append(list, found)
			}
		}
		return httpapi.Encode(w, http.StatusOK, newList(list, nil, h.newContact))
	case q.Has("search"):
		after, limit := h.searchPage(q)
		if err := q.Err(); err != nil {
			return err
		}
		list, next, err := h.service.FindContacts(r.Context(), c.App, search, after, limit)
		if err != nil {
			return err
		}
		return httpapi.Encode(w, http.StatusOK, newList(list, searchCursor(next), h.newContact))
	}
	p := h.oldestFirst(q)
	if err := q.Err(); err != nil {
		return err
	}
	list, err := h.service.Contacts(r.Context(), c.App, p.page())
	if err != nil {
		return err
	}
	return writeList(w, p, list, func(c *hookswitch.Contact) hookswitch.Key { return c.Key }, h.newContact)
}

// plus is a phone number that has lost its "+" on the way: in a query it reads as a space.
func plus(phone string) string {
	if digits := strings.TrimSpace(phone); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return "+" + digits
	}
	return phone
}

func (h *handler) getContactByPhone(w http.ResponseWriter, r *http.Request) error {
	c, err := h.service.ContactByPhone(r.Context(), callerOf(r).App, plus(r.PathValue("phone")))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newContact(c))
}

func (h *handler) contactKey(r *http.Request) (hookswitch.Key, error) {
	return h.key(r, "contact", hookswitch.KindContact, "contact")
}

func (h *handler) getContact(w http.ResponseWriter, r *http.Request) error {
	key, err := h.contactKey(r)
	if err != nil {
		return err
	}
	c, err := h.service.Contact(r.Context(), callerOf(r).App, key)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newContact(c))
}

type contactPatch struct {
	DisplayName    httpapi.Optional[string]        `json:"displayName"`
	DefaultChannel httpapi.Optional[string]        `json:"defaultChannel"`
	Metadata       httpapi.Optional[httpapi.Texts] `json:"metadata"`
}

// given is the new value of a field, or nil where it is absent.
func given[T any](o httpapi.Optional[T]) *T {
	if !o.Set {
		return nil
	}
	return &o.Value
}

func (h *handler) updateContact(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[contactPatch](r)
	if err != nil {
		return err
	}
	key, err := h.contactKey(r)
	if err != nil {
		return err
	}
	c, err := h.service.UpdateContact(r.Context(), callerOf(r).App, key, service.ContactUpdate{DisplayName: given(in.DisplayName),
		DefaultChannel: (*hookswitch.Channel)(given(in.DefaultChannel)), Metadata: (*map[string]string)(given(in.Metadata))})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newContact(c))
}

func (h *handler) deleteContact(w http.ResponseWriter, r *http.Request) error {
	key, err := h.contactKey(r)
	if err != nil {
		return err
	}
	if err := h.service.DeleteContact(r.Context(), callerOf(r).App, key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

type mergeIn struct {
	SourceContactID string `json:"sourceContactId"`
}

func (h *handler) mergeContacts(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[mergeIn](r)
	if err != nil {
		return err
	}
	key, err := h.contactKey(r)
	if err != nil {
		return err
	}
	c, err := h.service.MergeContacts(r.Context(), callerOf(r).App, key, in.SourceContactID)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newContact(c))
}

// wrappedChannel is a channel of a contact as the calls about it answer it.
type wrappedChannel struct {
	Channel contactChannelOut `json:"channel"`
}

func (h *handler) addContactChannel(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[contactChannelIn](r)
	if err != nil {
		return err
	}
	key, err := h.contactKey(r)
	if err != nil {
		return err
	}
	id, err := h.service.AddContactChannel(r.Context(), callerOf(r).App, key, in.params())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, wrappedChannel{h.newContactChannel(id)})
}

// channelKeys are the contact and its channel that the path names.
func (h *handler) channelKeys(r *http.Request) (contact, channel hookswitch.Key, err error) {
	if contact, err = h.contactKey(r); err != nil {
		return 0, 0, err
	}
	channel, err = h.key(r, "channel", hookswitch.KindIdentifier, "contact channel")
	return contact, channel, err
}

type contactChannelPatch struct {
	Label    httpapi.Optional[string]        `json:"label"`
	Verified httpapi.Optional[bool]          `json:"verified"`
	Metadata httpapi.Optional[httpapi.Texts] `json:"metadata"`
}

func (h *handler) updateContactChannel(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[contactChannelPatch](r)
	if err != nil {
		return err
	}
	contact, channel, err := h.channelKeys(r)
	if err != nil {
		return err
	}
	id, err := h.service.UpdateContactChannel(r.Context(), callerOf(r).App, contact, channel, service.IdentifierUpdate{Label: given(in.Label), Verified: given(in.Verified),
		Metadata: (*map[string]string)(given(in.Metadata))})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, wrappedChannel{h.newContactChannel(id)})
}

func (h *handler) removeContactChannel(w http.ResponseWriter, r *http.Request) error {
	contact, channel, err := h.channelKeys(r)
	if err != nil {
		return err
	}
	if err := h.service.RemoveContactChannel(r.Context(), callerOf(r).App, contact, channel); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

func (h *handler) setPrimaryChannel(w http.ResponseWriter, r *http.Request) error {
	contact, channel, err := h.channelKeys(r)
	if err != nil {
		return err
	}
	id, err := h.service.SetPrimaryChannel(r.Context(), callerOf(r).App, contact, channel)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, wrappedChannel{h.newContactChannel(id)})
}
