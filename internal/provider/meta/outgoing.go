package meta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// Limits of WhatsApp, in characters.
const (
	maxText        = 4096
	maxCaption     = 1024
	maxBodyText    = 1024 // the prompt of a message with buttons
	maxButtons     = 3
	maxListRows    = 10
	maxUserIDChars = 128
)

// outgoing is a message as the Cloud API takes it.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
type outgoing struct {
	Product       string `json:"messaging_product"`
	RecipientType string `json:"recipient_type"`
	To            string `json:"to,omitempty"`
	Recipient     string `json:"recipient,omitempty"` // in place of To: a person known only by user id
	Type          string `json:"type"`

	Text        *outText        `json:"text,omitempty"`
	Image       *outMedia       `json:"image,omitempty"`
	Video       *outMedia       `json:"video,omitempty"`
	Audio       *outMedia       `json:"audio,omitempty"`
	Document    *outMedia       `json:"document,omitempty"`
	Sticker     *outMedia       `json:"sticker,omitempty"`
	Location    *outLocation    `json:"location,omitempty"`
	Contacts    []outContact    `json:"contacts,omitempty"`
	Interactive *outInteractive `json:"interactive,omitempty"`
	Reaction    *outReaction    `json:"reaction,omitempty"`
	Template    *outTemplate    `json:"template,omitempty"`

	Context *outContext `json:"context,omitempty"`
	Ref     string      `json:"biz_opaque_callback_data,omitempty"` // comes back with statuses
}

type outText struct {
	PreviewURL bool   `json:"preview_url"`
	Body       string `json:"body"`
}

type outMedia struct {
	ID       string `json:"id,omitempty"`
	Link     string `json:"link,omitempty"`
	Caption  string `json:"caption,omitempty"`
	Filename string `json:"filename,omitempty"`
}

type outLocation struct {
	Latitude  json.Number `json:"latitude"`
	Longitude json.Number `json:"longitude"`
	Name      string      `json:"name,omitempty"`
	Address   string      `json:"address,omitempty"`
}

type outContact struct {
	Name   outContactName `json:"name"`
	Phones []outPhone     `json:"phones,omitempty"`
}

// Meta wants another part of the name beside the formatted one.
type outContactName struct {
	Formatted string `json:"formatted_name"`
	First     string `json:"first_name"`
}

type outPhone struct {
	Phone string `json:"phone"`
}

type outReaction struct {
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji"` // empty takes the reaction back
}

type outContext struct {
	MessageID string `json:"message_id"`
}

// content is what the caller's message carries beside its text, in the names of the Zavu-shaped API. The template's name and language
// are those under
// which Meta knows it; whoever resolves templateId adds them.
type content struct {
	MediaURL string `json:"mediaUrl"`
	MediaID  string `json:"mediaId"`
	Filename string `json:"filename"`

	Latitude        json.Number `json:"latitude"`
	Longitude       json.Number `json:"longitude"`
	LocationName    string      `json:"locationName"`
	LocationAddress string      `json:"locationAddress"`

	Contacts []struct {
		Name   string   `json:"name"`
		Phones []string `json:"phones"`
	} `json:"contacts"`

	Buttons    []contentButton  `json:"buttons"`
	FooterText string           `json:"footerText"`
	ListButton string           `json:"listButton"`
	Sections   []contentSection `json:"sections"`

	CTAURL            string `json:"ctaUrl"`
	CTADisplayText    string `json:"ctaDisplayText"`
	CTAHeaderType     string `json:"ctaHeaderType"`
	CTAHeaderText     string `json:"ctaHeaderText"`
	CTAHeaderMediaURL string `json:"ctaHeaderMediaUrl"`

	Emoji            string `json:"emoji"`
	ReactToMessageID string `json:"reactToMessageId"`

	TemplateName            string            `json:"templateName"`
	TemplateLanguage        string            `json:"templateLanguage"`
	TemplateVariables       map[string]string `json:"templateVariables"`
	TemplateButtonVariables map[string]string `json:"templateButtonVariables"`
	TemplateHeaderVariables map[string]string `json:"templateHeaderVariables"`
	TemplateHeaderType      string            `json:"templateHeaderType"`
	TemplateHeaderMediaURL  string            `json:"templateHeaderMediaUrl"`

	// MessageTag is HUMAN_AGENT on an answer that a person has written, on Messenger and Instagram.
	MessageTag string `json:"messageTag"`
}

// whatsAppBody is the body of the call that sends out.
func whatsAppBody(out *hookswitch.Outgoing) ([]byte, *hookswitch.SendError) {
	m := out.Message
	o := &outgoing{Product: "whatsapp", RecipientType: "individual", Ref: out.Ref}
	if fail := o.address(m.To); fail != nil {
		return nil, fail
	}
	c, fail := readContent(m)
	if fail != nil {
		return nil, fail
	}
	if out.ReplyTo != "" && m.Type != "reaction" {
		o.Context = &outContext{MessageID: out.ReplyTo}
	}
	if fail := o.fill(m, &c, out.ReplyTo); fail != nil {
		return nil, fail
	}
	return encode(o)
}

// encode writes the body of a call.
func encode(v any) ([]byte, *hookswitch.SendError) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the message cannot be written as JSON", Err: err}
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// readContent reads what m carries beside its text.
func readContent(m *hookswitch.Message) (c content, fail *hookswitch.SendError) {
	if len(m.Content) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(m.Content, &c); err != nil {
		return c, &hookswitch.SendError{
			Code: codeInvalid, Category: categoryPermanent, Message: "the content of the message has an unexpected form", Err: err,
		}
	}
	return c, nil
}

func invalid(format string, args ...any) *hookswitch.SendError {
	return refused(codeInvalid, categoryPermanent, fmt.Sprintf(format, args...))
}

// address names the recipient: a number, written without its "+", or a user id.
func (o *outgoing) address(to string) *hookswitch.SendError {
	digits := strings.TrimPrefix(to, "+")
	switch {
	case digits != "" && len(digits) <= 20 && strings.Trim(digits, "0123456789") == "":
		o.To = digits
	case isUserID(to):
		o.Recipient = to
	default:
		return refused(codeBadRecipient, categoryRecipient, "the recipient is neither a phone number nor a WhatsApp user id")
	}
	return nil
}

// isUserID reports whether s is a business-scoped user id: two letters, a dot, up to 128 letters and digits.
func isUserID(s string) bool {
	country, id, ok := strings.Cut(s, ".")
	if !ok || len(country) != 2 || id == "" || len(id) > maxUserIDChars {
		return false
	}
	return !strings.ContainsFunc(country, func(r rune) bool { return r < 'A' || r > 'Z' }) &&
		!strings.ContainsFunc(id, func(r rune) bool {
			return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
}

// fill writes what the message says. replyTo is the message that a reaction belongs to.
func (o *outgoing) fill(m *hookswitch.Message, c *content, replyTo string) *hookswitch.SendError {
	o.Type = m.Type
	switch m.Type {
	case "", "text":
		o.Type = "text"
		return o.text(m.Text)
	case "image", "video", "audio", "document", "sticker":
		return o.media(m, c)
	case "location":
		if c.Latitude == "" || c.Longitude == "" {
			return invalid("a location needs latitude and longitude")
		}
		o.Location = &outLocation{Latitude: c.Latitude, Longitude: c.Longitude, Name: c.LocationName, Address: c.LocationAddress}
		return nil
	case "contact":
		o.Type = "contacts"
		return o.contacts(c)
	case "buttons", "list", "cta_url", "location_request":
		o.Type = "interactive"
		return o.interactive(m, c)
	case "reaction":
		if replyTo == "" {
			replyTo = c.ReactToMessageID
		}
		if replyTo == "" {
			return invalid("a reaction needs the message it belongs to")
		}
		o.Reaction = &outReaction{MessageID: replyTo, Emoji: c.Emoji}
		return nil
	case "template":
		return o.template(c)
	}
	return refused(codeUnsupported, categoryPermanent, "messages of type "+m.Type+" cannot be sent on whatsapp")
}

func (o *outgoing) text(body string) *hookswitch.SendError {
	if body == "" {
		return invalid("a text message needs a text")
	}
	if fail := checkLength("text", body, maxText); fail != nil {
		return fail
	}
	o.Text = &outText{Body: body}
	return nil
}

func checkLength(what, s string, most int) *hookswitch.SendError {
	if n := utf8.RuneCountInString(s); n > most {
		return refused(codeTooLong, categoryPermanent, fmt.Sprintf("the %s has %d characters, WhatsApp takes at most %d", what, n, most))
	}
	return nil
}

func (o *outgoing) media(m *hookswitch.Message, c *content) *hookswitch.SendError {
	file := &outMedia{ID: c.MediaID, Caption: m.Text}
	if file.ID == "" {
		file.Link = c.MediaURL
	}
	if file.ID == "" && file.Link == "" {
		return invalid("a message of type %s needs mediaUrl or mediaId", m.Type)
	}
	if fail := checkLength("caption", m.Text, maxCaption); fail != nil {
		return fail
	}
	switch m.Type {
	case "image":
		o.Image = file
	case "video":
		o.Video = file
	case "document":
		o.Document, file.Filename = file, c.Filename
	case "audio", "sticker":
		if m.Text != "" {
			return invalid("a message of type %s cannot carry a text; send the text on its own", m.Type)
		}
		if m.Type == "audio" {
			o.Audio = file
		} else {
			o.Sticker = file
		}
	}
	return nil
}

func (o *outgoing) contacts(c *content) *hookswitch.SendError {
	if len(c.Contacts) == 0 {
		return invalid("a message of type contact needs contacts")
	}
	for _, card := range c.Contacts {
		if card.Name == "" {
			return invalid("each contact needs a name")
		}
		contact := outContact{Name: outContactName{Formatted: card.Name, First: card.Name}}
		for _, number := range card.Phones {
			contact.Phones = append(contact.Phones, outPhone{Phone: number})
		}
		o.Contacts = append(o.Contacts, contact)
	}
	return nil
}
