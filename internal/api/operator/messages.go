package operator

import (
	"encoding/json"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

type messageOut struct {
	ID                string             `json:"id"`
	ConversationID    string             `json:"conversationId"`
	SenderID          string             `json:"senderId"`
	ContactID         string             `json:"contactId"`
	Direction         string             `json:"direction"`
	Channel           string             `json:"channel"`
	Type              string             `json:"type"`
	Status            string             `json:"status"`
	From              string             `json:"from"`
	To                string             `json:"to"`
	ProfileName       *string            `json:"profileName"`
	Text              string             `json:"text"`
	Content           json.RawMessage    `json:"content"`
	Metadata          map[string]string  `json:"metadata"`
	InReplyTo         *string            `json:"inReplyTo"`
	ProviderMessageID *string            `json:"providerMessageId"`
	ProviderTimestamp *httpapi.MilliTime `json:"providerTimestamp"`
	ErrorCode         *string            `json:"errorCode"`
	ErrorMessage      *string            `json:"errorMessage"`
	EditedAt          *httpapi.MilliTime `json:"editedAt"`
	DeletedAt         *httpapi.MilliTime `json:"deletedAt"`
	CreatedAt         httpapi.MilliTime  `json:"createdAt"`
	UpdatedAt         httpapi.MilliTime  `json:"updatedAt"`
}

func (h *handler) newMessage(m *hookswitch.Message) messageOut {
	out := messageOut{
		ID: h.id(hookswitch.KindMessage, m.Key), ConversationID: h.id(hookswitch.KindConversation, m.Conversation),
		SenderID: h.id(hookswitch.KindSender, m.Sender), ContactID: h.id(hookswitch.KindContact, m.Contact),
		Direction: string(m.Direction), Channel: string(m.Channel), Type: m.Type, Status: string(m.Status), From: m.From, To: m.To,
		ProfileName: httpapi.OrNull(m.ProfileName), Text: m.Text, Content: m.Content, Metadata: m.Metadata, InReplyTo: httpapi.OrNull(h.id(hookswitch.KindMessage, m.InReplyTo)),
		ProviderMessageID: httpapi.OrNull(m.ProviderID), ProviderTimestamp: httpapi.Millis(m.ProviderAt), ErrorCode: httpapi.OrNull(m.ErrorCode), ErrorMessage: httpapi.OrNull(m.ErrorText),
		EditedAt: httpapi.Millis(m.EditedAt), DeletedAt: httpapi.Millis(m.DeletedAt), CreatedAt: httpapi.MilliTime(m.CreatedAt), UpdatedAt: httpapi.MilliTime(m.UpdatedAt),
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

// receiptOut is a provider's report about a message.
type receiptOut struct {
	Status            string             `json:"status"`
	ProviderMessageID string             `json:"providerMessageId"`
	At                *httpapi.MilliTime `json:"at"` // as the provider tells it
	ReceivedAt        httpapi.MilliTime  `json:"receivedAt"`
	ErrorCode         *string            `json:"errorCode"`
	ErrorMessage      *string            `json:"errorMessage"`
}

type messageWithReceiptsOut struct {
	messageOut
	Receipts []receiptOut `json:"receipts"`
	// Parts are those of a text that is too long for one message of its channel; empty where it goes out in one piece.
	Parts []partOut `json:"parts"`
}

// partOut is a part of a text.
type partOut struct {
	Number            int                `json:"number"` // from 1
	Text              string             `json:"text"`
	Status            string             `json:"status"`
	ProviderMessageID *string            `json:"providerMessageId"`
	SentAt            *httpapi.MilliTime `json:"sentAt"` // when its last send began
	ErrorCode         *string            `json:"errorCode"`
	ErrorMessage      *string            `json:"errorMessage"`
}

func (h *handler) listMessages(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	f := h.messageFilter(q)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	list, err := h.service.Messages(r.Context(), a.Key, f, p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(m *hookswitch.Message) hookswitch.Key { return m.Key }, h.newMessage))
}

// messageFilter reads what narrows a list of messages: conversation, channel, status and to.
func (h *handler) messageFilter(q *httpapi.Query) store.MessageFilter {
	channels := make([]string, len(hookswitch.Channels))
	for i, c := range hookswitch.Channels {
		channels[i] = string(c)
	}
	f := store.MessageFilter{
		Channel: hookswitch.Channel(q.OneOf("channel", "", channels...)),
		Status: hookswitch.MessageStatus(q.OneOf("status", "", string(hookswitch.StatusReceived), string(hookswitch.StatusQueued), string(hookswitch.StatusSending),
			string(hookswitch.StatusSent), string(hookswitch.StatusDelivered), string(hookswitch.StatusRead), string(hookswitch.StatusFailed))),
		To: q.Text("to"),
	}
	if id := q.Text("conversation"); id != "" {
		key, ok := h.service.IDs().Parse(hookswitch.KindConversation, id)
		if !ok {
			q.Fail("is not the id of a conversation", "conversation")
		}
		f.Conversation = key
	}
	return f
}

type messageIn struct {
	App      string             `json:"app"`    // by id or uid
	Sender   string             `json:"sender"` // by id or name; may be left out where the app has only one
	Channel  hookswitch.Channel `json:"channel"`
	To       string             `json:"to"`
	Type     string             `json:"type"`
	Text     string             `json:"text"`
	Content  json.RawMessage    `json:"content"`
	Metadata httpapi.Texts      `json:"metadata"`
}

// maxIdempotencyKey is the greatest length of the header Idempotency-Key.
const maxIdempotencyKey = 256

func (h *handler) sendMessage(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[messageIn](r)
	if err != nil {
		return err
	}
	if in.App == "" {
		return hookswitch.InvalidField("must name an app, by id or uid", "app")
	}
	a, err := h.service.App(r.Context(), in.App)
	if err != nil {
		return err
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxIdempotencyKey {
		return hookswitch.Errorf(hookswitch.Invalid, "The header Idempotency-Key must have at most %d bytes.", maxIdempotencyKey)
	}
	if string(in.Content) == "null" {
		in.Content = nil
	}
	m, err := h.service.SendMessage(r.Context(), a.Key, service.NewMessage{Sender: in.Sender, Channel: in.Channel, To: in.To, Type: in.Type, Text: in.Text,
		Content: in.Content, Metadata: in.Metadata}, service.Idempotency{Caller: "operator", Key: key, Route: "send " + h.id(hookswitch.KindApp, a.Key)})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusAccepted, h.newMessage(m))
}

func (h *handler) getMessage(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	m, err := h.service.Message(r.Context(), a.Key, r.PathValue("message"))
	if err != nil {
		return err
	}
	receipts, err := h.service.Receipts(r.Context(), m.Key)
	if err != nil {
		return err
	}
	parts, err := h.service.MessageParts(r.Context(), m)
	if err != nil {
		return err
	}
	out := messageWithReceiptsOut{h.newMessage(m), make([]receiptOut, len(receipts)), make([]partOut, len(parts))}
	for i, p := range parts {
		out.Parts[i] = partOut{Number: p.Number, Text: p.Text, Status: string(p.Status), ProviderMessageID: httpapi.OrNull(p.ProviderID), SentAt: httpapi.Millis(p.BegunAt),
			ErrorCode: httpapi.OrNull(p.ErrorCode), ErrorMessage: httpapi.OrNull(p.ErrorText)}
	}
	for i, rc := range receipts {
		out.Receipts[i] = receiptOut{Status: string(rc.Status), ProviderMessageID: rc.ProviderID, At: httpapi.Millis(rc.At),
			ReceivedAt: httpapi.MilliTime(rc.Key.Time()), ErrorCode: httpapi.OrNull(rc.ErrorCode), ErrorMessage: httpapi.OrNull(rc.ErrorText)}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

// readMessage marks a received message as read at its provider or, with typing=true, shows that an answer is being written.
func (h *handler) readMessage(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	typing := q.Bool("typing", false)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	m, err := h.service.Message(r.Context(), a.Key, r.PathValue("message"))
	if err != nil {
		return err
	}
	show := h.service.MarkRead
	if typing {
		show = h.service.SendTyping
	}
	if err := show(r.Context(), a.Key, m.Key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
