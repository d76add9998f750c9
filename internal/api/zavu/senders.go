package zavu

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

func (h *handler) senderRoutes() []route {
	return []route{
		{"POST", "/senders", "create a sender", hookswitch.ScopeSendersWrite, h.createSender},
		{"GET", "/senders", "list senders", hookswitch.ScopeSendersRead, h.listSenders},
		{"GET", "/senders/{sender}", "get a sender", hookswitch.ScopeSendersRead, h.getSender},
		{"PATCH", "/senders/{sender}", "change a sender and its webhook", hookswitch.ScopeSendersWrite, h.updateSender},
		{"DELETE", "/senders/{sender}", "delete a sender", hookswitch.ScopeSendersWrite, h.deleteSender},
		{"POST", "/senders/{sender}/webhook/secret", "give a sender's webhook a new secret", hookswitch.ScopeSendersWrite, h.regenerateSecret},
		{"POST", "/senders/{sender}/telegram", "connect a bot of Telegram to a sender", hookswitch.ScopeSendersWrite, h.connectTelegram},
		{"DELETE", "/senders/{sender}/telegram", "disconnect the bot of Telegram from a sender", hookswitch.ScopeSendersWrite, h.disconnectTelegram},
	}
}

// senderIn is a sender to make, or what to change of one. A field that is absent, or null where that has no meaning, is left alone.
type senderIn struct {
	Name                  *string `json:"name"`
	PhoneNumber           *string `json:"phoneNumber"`
	SetAsDefault          bool    `json:"setAsDefault"`
	EmailAddress          *string `json:"emailAddress"`
	EmailDomainID         *string `json:"emailDomainId"`
	EmailFromName         *string `json:"emailFromName"`
	EmailReceivingEnabled *bool   `json:"emailReceivingEnabled"`
	EmailCatchAllEnabled  *bool   `json:"emailCatchAllEnabled"`
	EnableSMSOneway       *bool   `json:"enableSmsOneway"`
	EnableVoice           *bool   `json:"enableVoice"`

	WebhookURL              httpapi.Optional[string] `json:"webhookUrl"` // null takes the webhook away
	WebhookEvents           []string                 `json:"webhookEvents"`
	WebhookActive           *bool                    `json:"webhookActive"`
	WebhookSignatureVersion *string                  `json:"webhookSignatureVersion"`
}

func (in *senderIn) change() service.SenderChange {
	c := service.SenderChange{
		Name: in.Name, PhoneNumber: in.PhoneNumber, SetDefault: in.SetAsDefault,
		EmailAddress: in.EmailAddress, EmailDomainID: in.EmailDomainID, EmailFromName: in.EmailFromName,
		EmailReceiving: in.EmailReceivingEnabled, EmailCatchAll: in.EmailCatchAllEnabled,
		SMSOneWay: in.EnableSMSOneway, Voice: in.EnableVoice,
		Webhook: service.WebhookChange{
			Remove: in.WebhookURL.Null, Events: in.WebhookEvents, Active: in.WebhookActive, SignatureVersion: in.WebhookSignatureVersion,
		},
	}
	if in.WebhookURL.Set && !in.WebhookURL.Null {
		c.Webhook.URL = &in.WebhookURL.Value
	}
	return c
}

type senderOut struct {
	ID                    string            `json:"id"`
	Name                  string            `json:"name"`
	PhoneNumber           string            `json:"phoneNumber"` // "" for a sender without one
	Channels              []string          `json:"channels"`
	IsDefault             bool              `json:"isDefault"`
	EmailAddress          string            `json:"emailAddress,omitempty"`
	EmailReceivingEnabled bool              `json:"emailReceivingEnabled"`
	EmailCatchAllEnabled  bool              `json:"emailCatchAllEnabled"`
	WhatsApp              *whatsAppOut      `json:"whatsapp,omitempty"`
	Webhook               *senderWebhookOut `json:"webhook,omitempty"`
	CreatedAt             httpapi.MilliTime `json:"createdAt"`
	UpdatedAt             httpapi.MilliTime `json:"updatedAt"`
}

// whatsAppOut is the business number that a sender is reached by on WhatsApp, where Meta itself is its provider.
type whatsAppOut struct {
	PhoneNumberID      string `json:"phoneNumberId"`
	DisplayPhoneNumber string `json:"displayPhoneNumber,omitempty"`
}

type senderWebhookOut struct {
	URL              string   `json:"url"`
	Events           []string `json:"events"`
	Secret           string   `json:"secret,omitempty"` // only in the answer that makes it
	Active           bool     `json:"active"`
	SignatureVersion string   `json:"signatureVersion"`
}

func (h *handler) newSender(c service.ChangedSender) senderOut {
	s := c.Sender
	out := senderOut{
		ID: h.id(hookswitch.KindSender, s.Key), Name: s.Name, PhoneNumber: s.PhoneNumber, Channels: s.Channels(), IsDefault: s.Default,
		EmailAddress: s.Email.Address, EmailReceivingEnabled: s.Email.Receiving, EmailCatchAllEnabled: s.Email.Receiving && s.Email.CatchAll,
		CreatedAt: httpapi.MilliTime(s.CreatedAt), UpdatedAt: httpapi.MilliTime(s.UpdatedAt),
	}
	for _, r := range s.Routes {
		if id := r.Credentials.First("phone_number_id"); r.Channel == hookswitch.WhatsApp && id != "" {
			out.WhatsApp = &whatsAppOut{id, s.PhoneNumber}
			break
		}
	}
	if hook := c.Webhook; hook != nil {
		events := hook.EventTypes
		if events == nil { // it has been made to take everything, as an endpoint may
			events = hookswitch.AllSenderEvents()
		}
		out.Webhook = &senderWebhookOut{hook.URL, events, c.Secret.Reveal(), !hook.Disabled, service.SignatureVersion(hook)}
	}
	return out
}

func (h *handler) createSender(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[senderIn](r)
	if err != nil {
		return err
	}
	made, err := h.service.CreateSender(r.Context(), callerOf(r).App, in.change())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, h.newSender(made))
}

func (h *handler) listSenders(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.oldestFirst(q)
	if err := q.Err(); err != nil {
		return err
	}
	list, err := h.service.SendersWithWebhooks(r.Context(), callerOf(r).App, p.page())
	if err != nil {
		return err
	}
	return writeList(w, p, list, func(s service.ChangedSender) hookswitch.Key { return s.Sender.Key }, h.newSender)
}

func (h *handler) getSender(w http.ResponseWriter, r *http.Request) error {
	s, err := h.service.SenderWithWebhook(r.Context(), callerOf(r).App, r.PathValue("sender"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newSender(s))
}

func (h *handler) updateSender(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[senderIn](r)
	if err != nil {
		return err
	}
	changed, err := h.service.UpdateSender(r.Context(), callerOf(r).App, r.PathValue("sender"), in.change())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.newSender(changed))
}

func (h *handler) deleteSender(w http.ResponseWriter, r *http.Request) error {
	key, err := h.key(r, "sender", hookswitch.KindSender, "sender")
	if err != nil {
		return err
	}
	if err := h.service.DeleteSender(r.Context(), callerOf(r).App, key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

type secretOut struct {
	Secret string `json:"secret"`
}

func (h *handler) regenerateSecret(w http.ResponseWriter, r *http.Request) error {
	secret, err := h.service.RegenerateWebhookSecret(r.Context(), callerOf(r).App, r.PathValue("sender"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, secretOut{secret.Reveal()})
}

type telegramIn struct {
	BotToken hookswitch.Secret `json:"botToken"`
}

type wrappedTelegram struct {
	Telegram telegramOut `json:"telegram"`
}

type telegramOut struct {
	Connected   bool   `json:"connected"`
	BotID       string `json:"botId,omitempty"`
	BotUsername string `json:"botUsername,omitempty"`
}

func (h *handler) connectTelegram(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[telegramIn](r)
	if err != nil {
		return err
	}
	bot, err := h.service.ConnectBot(r.Context(), callerOf(r).App, r.PathValue("sender"), in.BotToken)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, wrappedTelegram{telegramOut{true, bot.ID, bot.Name}})
}

func (h *handler) disconnectTelegram(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.DisconnectBot(r.Context(), callerOf(r).App, r.PathValue("sender")); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
