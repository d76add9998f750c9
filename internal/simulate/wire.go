package simulate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// The shapes of WhatsApp's pushes. Fields stand in the order in which Meta writes them.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
type (
	envelope struct {
		Object string  `json:"object"`
		Entry  []entry `json:"entry"`
	}
	entry struct {
		ID      string   `json:"id"`
		Changes []change `json:"changes"`
	}
	change struct {
		Value value  `json:"value"`
		Field string `json:"field"`
	}
	value struct {
		Product  string         `json:"messaging_product"`
		Metadata metadata       `json:"metadata"`
		Contacts []contact      `json:"contacts,omitempty"`
		Messages []message      `json:"messages,omitempty"`
		Statuses []statusReport `json:"statuses,omitempty"`
	}
	metadata struct {
		DisplayPhone  string `json:"display_phone_number"`
		PhoneNumberID string `json:"phone_number_id"`
	}
	contact struct {
		Profile struct {
			Name string `json:"name"`
		} `json:"profile"`
		WaID string `json:"wa_id"`
	}

	message struct {
		Context     *messageContext     `json:"context,omitempty"`
		From        string              `json:"from,omitempty"`
		ID          string              `json:"id,omitempty"`
		Timestamp   string              `json:"timestamp,omitempty"`
		Errors      []statusError       `json:"errors,omitempty"`
		Type        string              `json:"type"`
		Text        *textContent        `json:"text,omitempty"`
		Image       *mediaContent       `json:"image,omitempty"`
		Interactive *interactiveContent `json:"interactive,omitempty"`
		Reaction    *reactionContent    `json:"reaction,omitempty"`
		Location    *locationContent    `json:"location,omitempty"`
		Contacts    []cardContent       `json:"contacts,omitempty"`
		Unsupported *unsupportedContent `json:"unsupported,omitempty"`
		Edit        *editContent        `json:"edit,omitempty"`
		Revoke      *revokeContent      `json:"revoke,omitempty"`
	}
	messageContext struct {
		From string `json:"from"`
		ID   string `json:"id"`
	}
	textContent struct {
		Body string `json:"body"`
	}
	mediaContent struct {
		Caption  string `json:"caption,omitempty"`
		MIMEType string `json:"mime_type"`
		SHA256   string `json:"sha256"`
		ID       string `json:"id"`
		URL      string `json:"url"`
	}
	interactiveContent struct {
		Type        string       `json:"type"`
		ButtonReply *buttonReply `json:"button_reply,omitempty"`
	}
	buttonReply struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	reactionContent struct {
		MessageID string `json:"message_id"`
		Emoji     string `json:"emoji,omitempty"`
	}
	locationContent struct {
		Address   string  `json:"address,omitempty"`
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name,omitempty"`
	}
	cardContent struct {
		Name   cardName    `json:"name"`
		Phones []cardPhone `json:"phones"`
	}
	cardName struct {
		FirstName     string `json:"first_name"`
		LastName      string `json:"last_name,omitempty"`
		FormattedName string `json:"formatted_name"`
	}
	cardPhone struct {
		Phone string `json:"phone"`
		WaID  string `json:"wa_id"`
		Type  string `json:"type"`
	}
	editContent struct {
		OriginalID string  `json:"original_message_id"`
		Message    message `json:"message"`
	}
	revokeContent struct {
		OriginalID string `json:"original_message_id"`
	}
	unsupportedContent struct {
		Type string `json:"type"`
	}

	statusReport struct {
		ID              string        `json:"id"`
		Status          string        `json:"status"`
		Timestamp       string        `json:"timestamp"`
		RecipientID     string        `json:"recipient_id,omitempty"`
		RecipientUserID string        `json:"recipient_user_id,omitempty"`
		Ref             string        `json:"biz_opaque_callback_data,omitempty"`
		Conversation    *conversation `json:"conversation,omitempty"`
		Pricing         *pricing      `json:"pricing,omitempty"`
		Errors          []statusError `json:"errors,omitempty"`
	}
	conversation struct {
		ID      string `json:"id"`
		Expires string `json:"expiration_timestamp,omitempty"`
		Origin  origin `json:"origin"`
	}
	origin struct {
		Type string `json:"type"`
	}
	pricing struct {
		Billable bool   `json:"billable"`
		Model    string `json:"pricing_model"`
		Type     string `json:"type"`
		Category string `json:"category"`
	}
	statusError struct {
		Code    int         `json:"code"`
		Title   string      `json:"title"`
		Message string      `json:"message"`
		Data    errorDetail `json:"error_data"`
		Href    string      `json:"href,omitempty"`
	}
	errorDetail struct {
		Product string `json:"messaging_product,omitempty"`
		Details string `json:"details"`
	}
)

func newStatusError(e StatusError) statusError {
	title := cmp.Or(e.Title, codeOf(e.Code).title)
	return statusError{Code: e.Code, Title: title, Message: title, Data: errorDetail{Details: cmp.Or(e.Details, title+".")}, Href: errorCodesPage}
}

// metaJSON is v as Meta puts it on the wire: every character outside ASCII as \uXXXX with small letters, "/" as \/ and "@" as \u0040.
// Receivers that sign JSON of their own making fail on exactly this.
func metaJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only a coordinate that is no number gets here; Meta would not have such a place either.
		return []byte("{}")
	}
	// Outside of texts JSON has none of the characters that are escaped here.
	src := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	out := make([]byte, 0, len(src)+len(src)/4)
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		switch {
		case r == '/':
			out = append(out, `\/`...)
		case r == '@':
			out = append(out, `\u0040`...)
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		src = src[size:]
	}
	return out
}
