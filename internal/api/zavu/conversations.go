package zavu

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

func (h *handler) conversationRoutes() []route {
	const read, write = hookswitch.ScopeConversationsRead, hookswitch.ScopeConversationsWrite
	return []route{
		{"GET", "/conversations", "list conversations", read, h.listConversations},
		{"GET", "/conversations/{conversation}", "get a conversation", read, h.getConversation},
		{"GET", "/conversations/{conversation}/messages", "list the messages of a conversation", read, h.listConversationMessages},
		{"POST", "/conversations/{conversation}/read", "mark a conversation as read", write, h.readConversation},
	}
}

type conversationOut struct {
	ID                string             `json:"id"`
	ContactIdentifier string             `json:"contactIdentifier"`
	ContactID         string             `json:"contactId,omitempty"`
	Channels          []string           `json:"channels"`
	LastMessage       *lastMessageOut    `json:"lastMessage"` // null before the first message
	SenderID          string             `json:"senderId"`
	MessageCount      int                `json:"messageCount"`
	UnreadCount       int                `json:"unreadCount"`
	Email             string             `json:"email,omitempty"`
	WhatsApp          *whatsAppPersonOut `json:"whatsapp,omitempty"`
	CreatedAt         httpapi.MilliTime  `json:"createdAt"`
	UpdatedAt         httpapi.MilliTime  `json:"updatedAt"`
}

type lastMessageOut struct {
	ID        string            `json:"id"`
	Text      string            `json:"text"`
	Channel   string            `json:"channel"`
	Direction string            `json:"direction"`
	At        httpapi.MilliTime `json:"at"`
}

// whatsAppPersonOut is who a person is on WhatsApp that hides their number there.
type whatsAppPersonOut struct {
	BSUID string `json:"bsuid,omitempty"`
}

func (h *handler) newConversation(t *service.Thread) conversationOut {
	out := conversationOut{
		ID: h.id(hookswitch.KindConversation, t.Key), ContactID: h.id(hookswitch.KindContact, t.Conversation.Contact), Channels: []string{},
		SenderID: h.id(hookswitch.KindSender, t.Sender), MessageCount: t.Messages, UnreadCount: t.Unread,
		CreatedAt: httpapi.MilliTime(t.CreatedAt), UpdatedAt: httpapi.MilliTime(t.UpdatedAt),
	}
	for _, ch := range t.Channels {
		out.Channels = append(out.Channels, string(ch))
	}
	if m := t.Last; m != nil {
		out.ContactIdentifier = m.To
		if m.Direction == hookswitch.Inbound {
			out.ContactIdentifier = m.From
		}
		out.LastMessage = &lastMessageOut{ID: h.id(hookswitch.KindMessage, m.Key), Text: m.Text, Channel: string(m.Channel), Direction: string(m.Direction),
			At: httpapi.MilliTime(m.CreatedAt)}
	}
	if c := t.Contact; c != nil {
		if id := c.Primary(hookswitch.Email); id != nil {
			out.Email = id.Value
		}
		for _, id := range c.Identifiers {
			if out.ContactIdentifier == "" {
				out.ContactIdentifier = id.Value
			}
			// A user id of WhatsApp is two letters, a dot and more; numbers have none.
			if id.Channel == hookswitch.WhatsApp && strings.Contains(id.Value, ".") {
				out.WhatsApp = &whatsAppPersonOut{BSUID: id.Value}
			}
		}
	}
	return out
}

// wrappedConversation is a conversation as the calls about one answer it.
type wrappedConversation struct {
	Conversation conversationOut `json:"conversation"`
}

func (h *handler) listConversations(w http.ResponseWriter, r *http.Request) error {
	q, app := httpapi.NewQuery(r), callerOf(r).App
	f := store.ConversationFilter{Channel: hookswitch.Channel(q.OneOf("channel", "", messageChannels...))}
	none := false
	if id := q.Text("senderId"); id != "" {
		key, ok := h.ids.Parse(hookswitch.KindSender, id)
		f.Sender, none = key, !ok // no conversation belongs to a sender that does not exist
	}
	if r.URL.Query().Has("search") {
		after, limit := h.searchPage(q)
		if err := q.Err(); err != nil {
			return err
		}
		var list []*service.Thread
		var next *store.Found
		if !none {
			var err error
			if list, next, err = h.service.FindThreads(r.Context(), app, q.Text("search"), f, after, limit); err != nil {
				return err
			}
		}
		return httpapi.Encode(w, http.StatusOK, newList(list, searchCursor(next), h.newConversation))
	}
	p := h.newestFirst(q)
	if err := q.Err(); err != nil {
		return err
	}
	var list []*service.Thread
	if !none {
		var err error
		if list, err = h.service.Threads(r.Context(), app, f, p.page()); err != nil {
			return err
		}
	}
	return writeList(w, p, list, func(t *service.Thread) hookswitch.Key { return t.At }, h.newConversation)
}

func (h *handler) conversationKey(r *http.Request) (hookswitch.Key, error) {
	return h.key(r, "conversation", hookswitch.KindConversation, "conversation")
}

func (h *handler) getConversation(w http.ResponseWriter, r *http.Request) error {
	key, err := h.conversationKey(r)
	if err != nil {
		return err
	}
	t, err := h.service.Thread(r.Context(), callerOf(r).App, key)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, wrappedConversation{h.newConversation(t)})
}

func (h *handler) listConversationMessages(w http.ResponseWriter, r *http.Request) error {
	key, err := h.conversationKey(r)
	if err != nil {
		return err
	}
	q := httpapi.NewQuery(r)
	p := h.newestFirst(q)
	if err := q.Err(); err != nil {
		return err
	}
	if _, err := h.service.Thread(r.Context(), callerOf(r).App, key); err != nil {
		return err
	}
	return h.writeMessages(w, r, p, store.MessageFilter{Conversation: key})
}

func (h *handler) readConversation(w http.ResponseWriter, r *http.Request) error {
	key, err := h.conversationKey(r)
	if err != nil {
		return err
	}
	c := callerOf(r)
	t, err := h.service.ReadConversation(r.Context(), c.App, key, c.Test)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, wrappedConversation{h.newConversation(t)})
}
