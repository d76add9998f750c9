package telegram

import (
	"context"
	"encoding/json"

	"github.com/hookswitch/hookswitch"
)

// Attend shows for five seconds that the bot is writing. Bots cannot mark what they have read: without typing there is nothing to call.
// https://core.telegram.org/bots/api#sendchataction
func (p *Provider) Attend(ctx context.Context, r *hookswitch.Route, m *hookswitch.Message, typing bool) error {
	if !typing {
		return nil
	}
	chat, _, ok := splitID(m.ProviderID)
	if !ok || !isChat(chat) {
		return refused(codeBadRecipient, categoryRecipient, "the message names no chat")
	}
	body, err := json.Marshal(struct {
		ChatID json.RawMessage `json:"chat_id"`
		Thread json.Number     `json:"message_thread_id,omitempty"`
		Action string          `json:"action"`
	}{json.RawMessage(chat), threadOf(m), "typing"})
	if err != nil {
		return &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the call cannot be written as JSON", Err: err}
	}
	resp, fail := p.post(ctx, r.Credentials, "sendChatAction", body)
	if fail == nil {
		_, fail = readAnswer(resp)
	}
	if fail != nil { // a nil pointer would be no nil error
		return fail
	}
	return nil
}
