package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type conversationOut struct {
	ID            string             `json:"id"`
	SenderID      string             `json:"senderId"`
	ContactID     string             `json:"contactId"`
	Handover      bool               `json:"handover"`
	Messages      int                `json:"messages"`
	Inbound       int                `json:"inbound"`
	Unread        int                `json:"unread"`
	LastMessageID *string            `json:"lastMessageId"`
	LastInboundAt *httpapi.MilliTime `json:"lastInboundAt"`
	CreatedAt     httpapi.MilliTime  `json:"createdAt"`
	UpdatedAt     httpapi.MilliTime  `json:"updatedAt"`
}

func (h *handler) newConversation(c *hookswitch.Conversation) conversationOut {
	return conversationOut{
		ID: h.id(hookswitch.KindConversation, c.Key), SenderID: h.id(hookswitch.KindSender, c.Sender), ContactID: h.id(hookswitch.KindContact, c.Contact),
		Handover: c.Handover, Messages: c.Messages, Inbound: c.Inbound, Unread: c.Unread, LastMessageID: httpapi.OrNull(h.id(hookswitch.KindMessage, c.LastMessage)),
		LastInboundAt: httpapi.Millis(c.LastInboundAt), CreatedAt: httpapi.MilliTime(c.CreatedAt), UpdatedAt: httpapi.MilliTime(c.UpdatedAt),
	}
}

// handoverIn is the only thing about a conversation that can be set.
type handoverIn struct {
	Handover httpapi.Optional[bool] `json:"handover"`
}

type handoverOut struct {
	ID       string `json:"id"`
	Handover bool   `json:"handover"`
}

func (h *handler) updateConversation(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[handoverIn](r)
	if err != nil {
		return err
	}
	if !in.Handover.Set || in.Handover.Null {
		return hookswitch.InvalidField("must be true (a person answers) or false (the responder does)", "handover")
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	id := r.PathValue("conversation")
	if err := h.service.SetHandover(r.Context(), a.Key, id, in.Handover.Value); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, handoverOut{id, in.Handover.Value})
}
