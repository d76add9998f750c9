package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type contactOut struct {
	ID          string            `json:"id"`
	Name        *string           `json:"name"` // as the channel's profile gives it
	DisplayName *string           `json:"displayName"`
	Identifiers []identifierOut   `json:"identifiers"`
	Metadata    map[string]string `json:"metadata"`
	CreatedAt   httpapi.MilliTime `json:"createdAt"`
	UpdatedAt   httpapi.MilliTime `json:"updatedAt"`
}

// identifierOut is what a contact is known by on a channel.
type identifierOut struct {
	Channel       string             `json:"channel"`
	Value         string             `json:"value"`
	Primary       bool               `json:"primary"`
	LastInboundAt *httpapi.MilliTime `json:"lastInboundAt"`
	// OptedOutAt is since when the person wants no messages on the channel; null: they have nothing against them.
	OptedOutAt *httpapi.MilliTime `json:"optedOutAt"`
}

func (h *handler) newContact(c *hookswitch.Contact) contactOut {
	out := contactOut{
		ID: h.id(hookswitch.KindContact, c.Key), Name: httpapi.OrNull(c.Name), DisplayName: httpapi.OrNull(c.DisplayName), Identifiers: make([]identifierOut, len(c.Identifiers)),
		Metadata: c.Metadata, CreatedAt: httpapi.MilliTime(c.CreatedAt), UpdatedAt: httpapi.MilliTime(c.UpdatedAt),
	}
	for i, id := range c.Identifiers {
		out.Identifiers[i] = identifierOut{string(id.Channel), id.Value, id.Primary, httpapi.Millis(id.LastInboundAt), httpapi.Millis(id.OptedOutAt)}
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

// contact is the contact of the app that the path names, by id or phone number.
func (h *handler) contact(r *http.Request) (*hookswitch.Contact, error) {
	a, err := h.app(r)
	if err != nil {
		return nil, err
	}
	return h.service.ContactNamed(r.Context(), a.Key, r.PathValue("contact"))
}

func (h *handler) getContact(w http.ResponseWriter, r *http.Request) error {
	c, err := h.contact(r)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newContact(c))
}

func (h *handler) clearOptOut(w http.ResponseWriter, r *http.Request) error {
	channel, err := channelOf(r)
	if err != nil {
		return err
	}
	c, err := h.contact(r)
	if err != nil {
		return err
	}
	if c, err = h.service.ClearOptOut(r.Context(), c.App, c.Key, channel); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newContact(c))
}

// channelOf is the channel that the query names, or none.
func channelOf(r *http.Request) (hookswitch.Channel, error) {
	q := httpapi.NewQuery(r)
	channels := make([]string, len(hookswitch.Channels))
	for i, c := range hookswitch.Channels {
		channels[i] = string(c)
	}
	channel := hookswitch.Channel(q.OneOf("channel", "", channels...))
	return channel, q.Err()
}
