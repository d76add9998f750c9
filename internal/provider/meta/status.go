package meta

import (
	"encoding/json"

	"github.com/hookswitch/hookswitch"
)

// status is a report about a message that was sent from the number, by us or by another system.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
type status struct {
	ID              text         `json:"id"`
	Status          text         `json:"status"`
	Timestamp       text         `json:"timestamp"`
	RecipientID     text         `json:"recipient_id"`
	RecipientUserID text         `json:"recipient_user_id"`
	RecipientType   text         `json:"recipient_type"`
	Ref             text         `json:"biz_opaque_callback_data"`
	Errors          []graphError `json:"errors"`
}

// Meta leaves delivered out when the chat is open, and says played of a voice message that has been listened to.
var statusWords = map[text]hookswitch.MessageStatus{
	"sent":      hookswitch.StatusSent,
	"delivered": hookswitch.StatusDelivered,
	"read":      hookswitch.StatusRead,
	"played":    hookswitch.StatusRead,
	"failed":    hookswitch.StatusFailed,
}

// status reads one report. ok is false for words that do not move a message, such as those of calls, and for groups.
func (v *value) status(raw json.RawMessage) (u hookswitch.Update, ok bool, err error) {
	var s status
	if err := json.Unmarshal(raw, &s); spoilt(err, raw, "") {
		return u, false, err
	}
	word, known := statusWords[s.Status]
	switch {
	case !known, s.RecipientType == "group":
		return u, false, nil
	case s.ID == "":
		return u, false, errNoID
	}
	r := &hookswitch.MessageReceipt{
		ProviderID: string(s.ID),
		Ref:        string(s.Ref),
		Recipient:  s.RecipientID.phone(),
		Status:     word,
	}
	if r.Recipient == "" {
		r.Recipient = string(s.RecipientUserID)
	}
	if word == hookswitch.StatusFailed && len(s.Errors) > 0 {
		e := &s.Errors[0]
		verdict := e.verdict(false)
		r.ErrorCode, r.ErrorText = string(e.Code), e.title()
		r.ErrorCategory, r.Retriable, r.Revoked = verdict.category, verdict.temporary, verdict.revoked
	}
	return hookswitch.Update{
		Channel: hookswitch.WhatsApp,
		Address: string(v.Metadata.PhoneNumberID),
		Dedup:   "status:" + string(s.ID) + ":" + string(s.Status),
		At:      s.Timestamp.clock(),
		Receipt: r,
	}, true, nil
}
