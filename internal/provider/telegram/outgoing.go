package telegram

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// Limits of the Bot API: of texts in characters, of what a button stands for in bytes.
const (
	maxText     = 4096
	maxCaption  = 1024
	maxButtons  = 100
	maxCallback = 64
)

// payload is the body of a call that sends. Each method takes some of its members.
// https://core.telegram.org/bots/api#sendmessage and the methods after it
type payload struct {
	ChatID  json.RawMessage `json:"chat_id"`
	Thread  json.Number     `json:"message_thread_id,omitempty"`
	Text    string          `json:"text,omitempty"`
	Photo   string          `json:"photo,omitempty"`
	Video   string          `json:"video,omitempty"`
	Audio   string          `json:"audio,omitempty"`
	Voice   string          `json:"voice,omitempty"`
	File    string          `json:"document,omitempty"`
	Sticker string          `json:"sticker,omitempty"`
	Caption string          `json:"caption,omitempty"`

	Latitude  json.Number `json:"latitude,omitempty"`
	Longitude json.Number `json:"longitude,omitempty"`
	Title     string      `json:"title,omitempty"`
	Address   string      `json:"address,omitempty"`

	Phone string `json:"phone_number,omitempty"`
	Name  string `json:"first_name,omitempty"`

	MessageID json.Number    `json:"message_id,omitempty"`
	Reaction  *[]outReaction `json:"reaction,omitempty"` // an empty list takes it back

	Reply  *outReply  `json:"reply_parameters,omitempty"`
	Markup *outMarkup `json:"reply_markup,omitempty"`
}

type outReaction struct {
	Type  string `json:"type"`
	Emoji string `json:"emoji"`
}

// outReply quotes a message of the same chat. One that has been deleted meanwhile must not keep the answer from being sent.
type outReply struct {
	MessageID json.Number `json:"message_id"`
	Without   bool        `json:"allow_sending_without_reply"`
}

// content is what the caller's message carries beside its text, in the names of the Zavu-shaped API.
type content struct {
	MediaURL string `json:"mediaUrl"`
	MediaID  string `json:"mediaId"`
	MIMEType string `json:"mimeType"`
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
	Sections   []contentSection `json:"sections"`

	CTAURL            string `json:"ctaUrl"`
	CTADisplayText    string `json:"ctaDisplayText"`
	CTAHeaderType     string `json:"ctaHeaderType"`
	CTAHeaderText     string `json:"ctaHeaderText"`
	CTAHeaderMediaURL string `json:"ctaHeaderMediaUrl"`

	Emoji            string `json:"emoji"`
	ReactToMessageID string `json:"reactToMessageId"`
}

// call is one call of the Bot API.
type call struct {
	method string
	body   payload
}

// newCall is the call that sends out.
func newCall(out *hookswitch.Outgoing) (*call, *hookswitch.SendError) {
	m := out.Message
	var c content
	if len(m.Content) > 0 {
		if err := json.Unmarshal(m.Content, &c); err != nil {
			return nil, &hookswitch.SendError{
				Code: codeInvalid, Category: categoryPermanent, Message: "the content of the message has an unexpected form", Err: err,
			}
		}
	}
	k := &call{}
	if fail := k.address(out); fail != nil {
		return nil, fail
	}
	if fail := k.fill(m, &c, out.ReplyTo); fail != nil {
		return nil, fail
	}
	return k, nil
}

// encode is the body of k.
func (k *call) encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(&k.body)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// address names the chat, and the message that is quoted. An answer goes to the chat that was written in, which in a group is not the person's own; there
// it quotes what it answers, because others write as well.
func (k *call) address(out *hookswitch.Outgoing) *hookswitch.SendError {
	to, quoted := out.Message.To, out.ReplyTo
	if a := out.Answers; a != nil && a.From == to {
		if chat, _, ok := splitID(a.ProviderID); ok && isChat(chat) {
			to = chat
			if strings.HasPrefix(chat, "-") {
				quoted = cmp.Or(quoted, a.ProviderID)
			}
			k.body.Thread = threadOf(a)
		}
	}
	switch {
	case isChat(to):
		k.body.ChatID = json.RawMessage(to)
	case isUsername(to):
		k.body.ChatID = json.RawMessage(`"` + to + `"`)
	default:
		return refused(codeBadRecipient, categoryRecipient, "the recipient is neither the id of a chat nor the @name of a channel")
	}
	if chat, message, ok := splitID(quoted); ok && chat == to && isNumber(message) && out.Message.Type != "reaction" {
		k.body.Reply = &outReply{MessageID: json.Number(message), Without: true}
	}
	return nil
}

// threadOf is the topic of a group in which a was written, or "".
func threadOf(a *hookswitch.Message) json.Number {
	var c struct {
		Thread string `json:"threadId"`
	}
	if len(a.Content) == 0 || json.Unmarshal(a.Content, &c) != nil || !isNumber(c.Thread) {
		return ""
	}
	return json.Number(c.Thread)
}

// isNumber reports whether s is a positive number as JSON writes it, of a size that the Bot API has.
func isNumber(s string) bool {
	return s != "" && len(s) <= 18 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// isChat reports whether s is the id of a person, or with a minus sign of a group or channel.
func isChat(s string) bool { return isNumber(strings.TrimPrefix(s, "-")) }

// isUsername reports whether s is the public name of a channel or group.
func isUsername(s string) bool {
	name, ok := strings.CutPrefix(s, "@")
	return ok && len(name) >= 4 && len(name) <= 32 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_'
	})
}

func invalid(format string, args ...any) *hookswitch.SendError {
	return refused(codeInvalid, categoryPermanent, fmt.Sprintf(format, args...))
}

// fill chooses the method and writes what the message says. replyTo is the message that a reaction belongs to.
func (k *call) fill(m *hookswitch.Message, c *content, replyTo string) *hookswitch.SendError {
	switch m.Type {
	case "", "text":
		return k.text(m.Text)
	case "template": // Telegram has none: what the caller has made of it goes out as it reads
		if m.Text != "" {
			return k.text(m.Text)
		}
	case "image", "video", "audio", "document", "sticker":
		return k.media(m.Type, m.Text, c)
	case "location":
		return k.location(c)
	case "contact":
		return k.contact(c)
	case "buttons", "list", "cta_url", "location_request", "request_contact_info":
		return k.interactive(m, c)
	case "reaction":
		return k.reaction(c, cmp.Or(replyTo, c.ReactToMessageID))
	}
	return refused(codeUnsupported, categoryPermanent, "messages of type "+m.Type+" cannot be sent on telegram")
}

func (k *call) text(body string) *hookswitch.SendError {
	if body == "" {
		return invalid("a text message needs a text")
	}
	k.method, k.body.Text = "sendMessage", body
	return checkLength("text", body, maxText)
}

func checkLength(what, s string, most int) *hookswitch.SendError {
	if n := utf8.RuneCountInString(s); n > most {
		return refused(codeTooLong, categoryPermanent, fmt.Sprintf("the %s has %d characters, Telegram takes at most %d", what, n, most))
	}
	return nil
}

// media sends a file by the id under which Telegram has it, or has Telegram fetch it.
func (k *call) media(kind, caption string, c *content) *hookswitch.SendError {
	file := cmp.Or(c.MediaID, c.MediaURL)
	if file == "" {
		return invalid("a message of type %s needs mediaUrl or mediaId", kind)
	}
	b := &k.body
	b.Caption = caption
	switch kind {
	case "image":
		k.method, b.Photo = "sendPhoto", file
	case "video":
		k.method, b.Video = "sendVideo", file
	case "document":
		k.method, b.File = "sendDocument", file
	case "sticker":
		if caption != "" {
			return invalid("a message of type sticker cannot carry a text; send the text on its own")
		}
		k.method, b.Sticker = "sendSticker", file
	default:
		if isVoice(c) {
			k.method, b.Voice = "sendVoice", file
		} else {
			k.method, b.Audio = "sendAudio", file
		}
	}
	return checkLength("caption", caption, maxCaption)
}

// isVoice reports whether a sound is of the kind that Telegram plays as a voice message. It takes none of them as music.
func isVoice(c *content) bool {
	if c.MIMEType != "" {
		kind, _, _ := strings.Cut(c.MIMEType, ";")
		return strings.TrimSpace(kind) == "audio/ogg" || strings.TrimSpace(kind) == "audio/opus"
	}
	link, _, _ := strings.Cut(c.MediaURL, "?")
	switch strings.ToLower(path.Ext(cmp.Or(c.Filename, link))) {
	case ".ogg", ".oga", ".opus":
		return true
	}
	return false
}

func (k *call) location(c *content) *hookswitch.SendError {
	if c.Latitude == "" || c.Longitude == "" {
		return invalid("a location needs latitude and longitude")
	}
	k.method, k.body.Latitude, k.body.Longitude = "sendLocation", c.Latitude, c.Longitude
	if c.LocationName != "" || c.LocationAddress != "" { // a venue has both
		k.method = "sendVenue"
		k.body.Title, k.body.Address = cmp.Or(c.LocationName, c.LocationAddress), cmp.Or(c.LocationAddress, c.LocationName)
	}
	return nil
}

func (k *call) contact(c *content) *hookswitch.SendError {
	if len(c.Contacts) != 1 {
		return invalid("a message of type contact needs one contact; Telegram takes no more at a time")
	}
	card := c.Contacts[0]
	if card.Name == "" || len(card.Phones) == 0 || card.Phones[0] == "" {
		return invalid("a contact needs a name and a phone number")
	}
	k.method, k.body.Name, k.body.Phone = "sendContact", card.Name, card.Phones[0]
	return nil
}

func (k *call) reaction(c *content, id string) *hookswitch.SendError {
	chat, message, ok := splitID(id)
	if !ok || !isChat(chat) || !isNumber(message) {
		return invalid("a reaction needs the message it belongs to")
	}
	k.method = "setMessageReaction"
	k.body.ChatID, k.body.MessageID, k.body.Thread = json.RawMessage(chat), json.Number(message), ""
	list := []outReaction{}
	if c.Emoji != "" {
		list = append(list, outReaction{Type: "emoji", Emoji: c.Emoji})
	}
	k.body.Reaction = &list
	return nil
}
