package zavu

import (
	"cmp"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

func (h *handler) messageRoutes() []route {
	return []route{
		{"POST", "/messages", "send a message", hookswitch.ScopeMessagesWrite, h.sendMessage},
		{"GET", "/messages", "list messages", hookswitch.ScopeMessagesRead, h.listMessages},
		{"GET", "/messages/{message}", "get a message", hookswitch.ScopeMessagesRead, h.getMessage},
		{"POST", "/messages/{message}/reactions", "react to a message", hookswitch.ScopeMessagesWrite, h.react},
		{"POST", "/messages/{message}/typing", "show that an answer is being written", hookswitch.ScopeMessagesWrite, h.showTyping},
		{"GET", "/messages/{message}/attachments", "list the files of a mail", hookswitch.ScopeMessagesRead, h.listAttachments},
	}
}

// maxMessageBody leaves room for all files of a mail in base64.
const maxMessageBody = hookswitch.MaxAttachmentBytes/3*4 + 4<<20

// senderHeader names the sender of a message by its id.
const senderHeader = "Zavu-Sender"

// messageChannels are the names that messages may have as their channel in requests, besides auto.
var messageChannels = []string{"sms", hookswitch.SMSOneWay, "whatsapp", "telegram", "email", "instagram", "messenger", "voice"}

type messageOut struct {
	ID                string            `json:"id"`
	Direction         string            `json:"direction"`
	Channel           string            `json:"channel"`
	MessageType       string            `json:"messageType"`
	Status            string            `json:"status"`
	To                string            `json:"to"`
	From              string            `json:"from,omitempty"`
	SenderID          string            `json:"senderId"`
	ConversationID    string            `json:"conversationId,omitempty"`
	Text              string            `json:"text,omitempty"`
	Content           json.RawMessage   `json:"content"`
	Metadata          map[string]string `json:"metadata"`
	ProviderMessageID string            `json:"providerMessageId,omitempty"`
	ErrorCode         *string           `json:"errorCode"`
	ErrorMessage      *string           `json:"errorMessage"`
	Cost              *float64          `json:"cost"` // nobody charges for messages: always null
	CostProvider      *float64          `json:"costProvider"`
	CostTotal         *float64          `json:"costTotal"`
	CreatedAt         httpapi.MilliTime `json:"createdAt"`
	UpdatedAt         httpapi.MilliTime `json:"updatedAt"`
}

func (h *handler) newMessage(m *hookswitch.Message) messageOut {
	out := messageOut{
		ID: h.id(hookswitch.KindMessage, m.Key), Direction: string(m.Direction), Channel: string(m.Channel), MessageType: m.Type, Status: string(m.Status),
		To: m.To, From: m.From, SenderID: h.id(hookswitch.KindSender, m.Sender), ConversationID: h.id(hookswitch.KindConversation, m.Conversation), Text: m.Text,
		Content: m.Content, Metadata: m.Metadata, ProviderMessageID: m.ProviderID, ErrorCode: httpapi.OrNull(m.ErrorCode), ErrorMessage: httpapi.OrNull(m.ErrorText),
		CreatedAt: httpapi.MilliTime(m.CreatedAt), UpdatedAt: httpapi.MilliTime(m.UpdatedAt),
	}
	if out.Content == nil {
		out.Content = json.RawMessage("{}")
	}
	if out.Metadata == nil {
		out.Metadata = map[string]string{}
	}
	return out
}

// wrappedMessage is a message as most calls answer it.
type wrappedMessage struct {
	Message messageOut `json:"message"`
}

type messageIn struct {
	To             string          `json:"to"`
	Channel        string          `json:"channel"`
	MessageType    string          `json:"messageType"`
	Text           string          `json:"text"`
	Content        json.RawMessage `json:"content"`
	Subject        string          `json:"subject"`
	HTMLBody       string          `json:"htmlBody"`
	ReplyTo        string          `json:"replyTo"`
	Attachments    []attachmentIn  `json:"attachments"`
	IdempotencyKey string          `json:"idempotencyKey"`
	Metadata       httpapi.Texts   `json:"metadata"`
	Fallback       *bool           `json:"fallbackEnabled"`
	VoiceLanguage  string          `json:"voiceLanguage"`
}

type attachmentIn struct {
	Filename    string `json:"filename"`
	Content     string `json:"content"`
	Path        string `json:"path"`
	ContentType string `json:"content_type"`
	ContentID   string `json:"content_id"`
}

func (in *messageIn) params(c Caller, sender string) (service.NewMessage, error) {
	out := service.NewMessage{
		Sender: sender, Channel: hookswitch.Channel(cmp.Or(in.Channel, string(service.AutoChannel))), To: in.To, Type: in.MessageType, Text: in.Text, Content: notNull(in.Content),
		Metadata: in.Metadata, Subject: in.Subject, HTMLBody: in.HTMLBody, ReplyTo: in.ReplyTo, VoiceLanguage: in.VoiceLanguage,
		Fallback: in.Fallback == nil || *in.Fallback, Anyway: true, Test: c.Test,
	}
	for _, a := range in.Attachments {
		out.Attachments = append(out.Attachments, service.NewAttachment(a))
	}
	if out.Channel != service.AutoChannel && !slices.Contains(messageChannels, in.Channel) {
		return out, &hookswitch.Error{Kind: hookswitch.Invalid, Fields: []hookswitch.FieldError{{Path: []string{"body", "channel"}, Message: "is not the name of a channel",
			Allowed: append([]string{string(service.AutoChannel)}, messageChannels...)}}}
	}
	return out, nil
}

func notNull(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// idempotency is the key of a request to send: the one in its body, else the one in its head. Keys are the project's, whatever API key they come with.
func (h *handler) idempotency(r *http.Request, inBody string) service.Idempotency {
	app := h.id(hookswitch.KindProject, callerOf(r).App)
	return service.Idempotency{Caller: app, Key: cmp.Or(inBody, r.Header.Get("Idempotency-Key")), Route: "POST " + Base + "/messages", Refuse: true}
}

func (h *handler) sendMessage(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[messageIn](r)
	if err != nil {
		return err
	}
	c := callerOf(r)
	params, err := in.params(c, r.Header.Get(senderHeader))
	if err != nil {
		return err
	}
	m, err := h.service.SendMessage(r.Context(), c.App, params, h.idempotency(r, in.IdempotencyKey))
	return h.accepted(w, m, err)
}

// accepted answers a request to send.
func (h *handler) accepted(w http.ResponseWriter, m *hookswitch.Message, err error) error {
	var again *service.RepeatedError
	if errors.As(err, &again) {
		return &hookswitch.Error{Kind: hookswitch.Conflict, Code: "idempotency_conflict", Message: again.Error(),
			Details: map[string]any{"messageId": h.id(hookswitch.KindMessage, again.Message.Key), "message": h.newMessage(again.Message)}}
	}
	if err != nil {
		return inOwnWords(err)
	}
	return httpapi.Encode(w, http.StatusAccepted, wrappedMessage{h.newMessage(m)})
}

// inOwnWords is err with the fields of a message as this API calls them.
func inOwnWords(err error) error {
	var e *hookswitch.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	own := *e
	own.Fields = slices.Clone(e.Fields)
	for i, f := range own.Fields {
		if len(f.Path) != 2 || f.Path[0] != "body" {
			continue
		}
		switch f.Path[1] {
		case "type":
			own.Fields[i].Path = []string{"body", "messageType"}
			own.Fields[i].Allowed = service.MessageTypes
		case "sender":
			own.Fields[i].Path = []string{"header", senderHeader}
		}
	}
	return &own
}

func (h *handler) getMessage(w http.ResponseWriter, r *http.Request) error {
	m, err := h.service.Message(r.Context(), callerOf(r).App, r.PathValue("message"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, wrappedMessage{h.newMessage(m)})
}

func (h *handler) listMessages(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.newestFirst(q)
	to := q.Text("to")
	if strings.HasPrefix(to, " ") {
		to = plus(to)
	}
	f := store.MessageFilter{
		Channel: hookswitch.Channel(q.OneOf("channel", "", messageChannels...)),
		Status: hookswitch.MessageStatus(q.OneOf("status", "", string(hookswitch.StatusQueued), string(hookswitch.StatusSending), string(hookswitch.StatusSent),
			string(hookswitch.StatusDelivered), string(hookswitch.StatusRead), string(hookswitch.StatusFailed), string(hookswitch.StatusReceived))),
		To: to,
	}
	if err := q.Err(); err != nil {
		return err
	}
	return h.writeMessages(w, r, p, f)
}

func (h *handler) writeMessages(w http.ResponseWriter, r *http.Request, p pager, f store.MessageFilter) error {
	list, err := h.service.Messages(r.Context(), callerOf(r).App, f, p.page())
	if err != nil {
		return err
	}
	return writeList(w, p, list, func(m *hookswitch.Message) hookswitch.Key { return m.Key }, h.newMessage)
}

type reactionIn struct {
	Emoji          *string `json:"emoji"`
	IdempotencyKey string  `json:"idempotencyKey"`
}

func (h *handler) react(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[reactionIn](r)
	if err != nil {
		return err
	}
	if in.Emoji == nil {
		return hookswitch.InvalidField("is required", "emoji")
	}
	c := callerOf(r)
	m, err := h.service.React(r.Context(), c.App, r.PathValue("message"), *in.Emoji, service.NewMessage{Sender: r.Header.Get(senderHeader), Anyway: true, Test: c.Test},
		h.idempotency(r, in.IdempotencyKey))
	return h.accepted(w, m, err)
}

func (h *handler) showTyping(w http.ResponseWriter, r *http.Request) error {
	c := callerOf(r)
	if id := r.Header.Get(senderHeader); id != "" {
		if _, err := h.service.Sender(r.Context(), c.App, id); err != nil {
			return err
		}
	}
	err := h.service.ShowTyping(r.Context(), c.App, r.PathValue("message"), c.Test)
	var refused *hookswitch.SendError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	type typingOut struct {
		Success bool `json:"success"`
	}
	return httpapi.Encode(w, http.StatusOK, typingOut{refused == nil})
}

type attachmentOut struct {
	ID          string            `json:"id"`
	Filename    string            `json:"filename"`
	MIMEType    string            `json:"mimeType"`
	Size        int               `json:"size"`
	ContentID   *string           `json:"contentId"`
	IsInline    bool              `json:"isInline"`
	DownloadURL *string           `json:"downloadUrl"`
	CreatedAt   httpapi.MilliTime `json:"createdAt"`
}

func (h *handler) listAttachments(w http.ResponseWriter, r *http.Request) error {
	m, err := h.service.Message(r.Context(), callerOf(r).App, r.PathValue("message"))
	if err != nil {
		return err
	}
	list, err := h.service.Attachments(r.Context(), m)
	if err != nil {
		return err
	}
	type itemsOut struct {
		Items []attachmentOut `json:"items"`
	}
	out := itemsOut{make([]attachmentOut, len(list))}
	for i, a := range list {
		out.Items[i] = attachmentOut{ID: h.id(hookswitch.KindAttachment, a.Key), Filename: a.Name, MIMEType: a.MIMEType, Size: a.Size, ContentID: httpapi.OrNull(a.ContentID),
			IsInline: a.Inline, DownloadURL: httpapi.OrNull(h.service.AttachmentURL(&a, Base+"/attachments/")), CreatedAt: httpapi.MilliTime(a.Key.Time())}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

// openAttachment answers with the bytes of a file. Browsers store them, and never show them: they come from strangers.
func (h *handler) openAttachment(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	a, data, err := h.service.OpenAttachment(r.Context(), r.PathValue("attachment"), q.Get("expires"), q.Get("signature"))
	if err != nil {
		return err
	}
	kind, _, err := mime.ParseMediaType(a.MIMEType)
	if err != nil {
		kind = "application/octet-stream"
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", disposition(a.Name))
	head.Set("Content-Length", strconv.Itoa(len(data)))
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	head.Set("Cache-Control", "private, no-store")
	_, err = w.Write(data)
	return err
}

func disposition(name string) string {
	if s := mime.FormatMediaType("attachment", map[string]string{"filename": name}); s != "" {
		return s
	}
	return "attachment"
}
