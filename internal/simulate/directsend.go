package simulate

import (
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// directSend is a request of the Send API of Messenger and Instagram: a message, or an action that is none.
// https://developers.facebook.com/docs/messenger-platform/reference/send-api
type directSend struct {
	Recipient     party  `json:"recipient"`
	MessagingType string `json:"messaging_type"`
	Tag           string `json:"tag"`
	Action        string `json:"sender_action"`
	Payload       *struct {
		MessageID string `json:"message_id"`
		Reaction  string `json:"reaction"`
	} `json:"payload"`
	ReplyTo *directReply `json:"reply_to"`
	Message *struct {
		Text         string `json:"text"`
		Metadata     string `json:"metadata"`
		QuickReplies []struct {
			ContentType string `json:"content_type"`
			Title       string `json:"title"`
			Payload     string `json:"payload"`
		} `json:"quick_replies"`
		Attachment *struct {
			Type    string          `json:"type"`
			Payload sendTemplateBox `json:"payload"`
		} `json:"attachment"`
	} `json:"message"`
}

// sendTemplateBox is what an attachment holds: a file, or a template.
type sendTemplateBox struct {
	URL          string       `json:"url"`
	AttachmentID string       `json:"attachment_id"`
	TemplateType string       `json:"template_type"`
	Text         string       `json:"text"`
	Buttons      []sendButton `json:"buttons"`
	Elements     []struct {
		Title    string       `json:"title"`
		Subtitle string       `json:"subtitle"`
		ImageURL string       `json:"image_url"`
		Buttons  []sendButton `json:"buttons"`
	} `json:"elements"`
}

type sendButton struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	URL     string `json:"url"`
	Payload string `json:"payload"`
}

// The codes of the Send API, with what tells their kinds apart.
const (
	subcodeNoUser = 2018001
	subcodeWindow = 2018278
	// subcodeInstagramWindow is subcodeWindow on Instagram.
	subcodeInstagramWindow = 2534022
)

// subcodeOf is the usual subcode of an error code of the Send API.
func subcodeOf(code int, ch hookswitch.Channel) int {
	switch {
	case code == 10 && ch == hookswitch.Messenger:
		return subcodeWindow
	case code == 10 && ch == hookswitch.Instagram:
		return subcodeInstagramWindow
	case code == 551:
		return 1545041
	}
	return 0
}

func readDirect(contentType string, body []byte) (*directSend, *graphError) {
	if t, _, err := mime.ParseMediaType(contentType); err != nil || t != "application/json" {
		return nil, parameterError("The parameter recipient is required.")
	}
	in := &directSend{}
	err := json.Unmarshal(body, in)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return nil, parameterError("Param " + wrong.Field + " has the wrong type.")
	case err != nil:
		return nil, parameterError("Request body is not valid JSON.")
	case in.Recipient.ID == "":
		return nil, parameterError("The parameter recipient is required.")
	case digits(in.Recipient.ID) != in.Recipient.ID:
		e := parameterError("No matching user found.")
		e.body.Subcode = subcodeNoUser
		return nil, e
	}
	return in, nil
}

func (in *directSend) check(d Direct) *graphError {
	m := in.Message
	switch {
	case in.Action == "react" || in.Action == "unreact":
		if in.Payload == nil || in.Payload.MessageID == "" || (in.Action == "react") != (in.Payload.Reaction != "") {
			return parameterError("Param payload must name a message and, to react, a reaction.")
		}
		return nil
	case in.Action != "":
		if !slices.Contains([]string{"typing_on", "typing_off", "mark_seen"}, in.Action) {
			return parameterError("Param sender_action must be one of {TYPING_ON, TYPING_OFF, MARK_SEEN, REACT, UNREACT}.")
		}
		if m != nil {
			return parameterError("Cannot send both message and sender_action.")
		}
		return nil
	case m == nil:
		return parameterError("The parameter message is required.")
	case in.MessagingType == "MESSAGE_TAG" && in.Tag != "HUMAN_AGENT", in.MessagingType != "MESSAGE_TAG" && in.Tag != "":
		return parameterError("Param tag must be HUMAN_AGENT, with the messaging type MESSAGE_TAG.")
	case d.Channel == hookswitch.Messenger && !slices.Contains([]string{"RESPONSE", "UPDATE", "MESSAGE_TAG"}, in.MessagingType):
		return parameterError("Param messaging_type must be one of {RESPONSE, UPDATE, MESSAGE_TAG}.")
	case (m.Text == "") == (m.Attachment == nil):
		return parameterError("Exactly one of message.text and message.attachment is required.")
	case d.Channel == hookswitch.Messenger && utf8.RuneCountInString(m.Text) > 2000:
		return tooLong("message['text']", 2000)
	case d.Channel == hookswitch.Instagram && len(m.Text) > 1000:
		return parameterError("Length of param message[text] must be less than or equal to 1000 bytes.")
	case len(m.Metadata) > 1000:
		return tooLong("message['metadata']", 1000)
	case len(m.QuickReplies) > 13:
		return parameterError("At most 13 quick replies are allowed.")
	}
	for _, q := range m.QuickReplies {
		if q.ContentType == "text" && (utf8.RuneCountInString(q.Title) < 1 || utf8.RuneCountInString(q.Title) > 20 || q.Payload == "") {
			return parameterError("A quick reply needs a payload and a title of 1 to 20 characters.")
		}
	}
	if m.Attachment == nil {
		return nil
	}
	return m.Attachment.Payload.check(m.Attachment.Type)
}

func (p *sendTemplateBox) check(kind string) *graphError {
	switch {
	case kind == "template" && p.TemplateType == "button":
		if n := utf8.RuneCountInString(p.Text); n < 1 || n > 640 {
			return parameterError("The text of a button template has 1 to 640 characters.")
		}
		return checkButtons(p.Buttons, 1)
	case kind == "template" && p.TemplateType == "generic":
		if len(p.Elements) < 1 || len(p.Elements) > 10 {
			return parameterError("A generic template has 1 to 10 elements.")
		}
		for _, e := range p.Elements {
			if n := utf8.RuneCountInString(e.Title); n < 1 || n > 80 || utf8.RuneCountInString(e.Subtitle) > 80 {
				return parameterError("Titles and subtitles of elements have at most 80 characters.")
			}
			if e.Subtitle == "" && e.ImageURL == "" && len(e.Buttons) == 0 {
				return parameterError("An element needs one of subtitle, image_url and buttons.")
			}
			if refused := checkButtons(e.Buttons, 0); refused != nil {
				return refused
			}
		}
		return nil
	case !slices.Contains([]string{"image", "video", "audio", "file"}, kind):
		return parameterError("Param message[attachment][type] is not valid: " + kind + ".")
	case p.AttachmentID == "" && !strings.HasPrefix(p.URL, "https://") && !strings.HasPrefix(p.URL, "http://"):
		return parameterError("An attachment needs a URL or an attachment_id.")
	}
	return nil
}

func checkButtons(list []sendButton, least int) *graphError {
	if len(list) < least || len(list) > 3 {
		return parameterError("There may be " + strconv.Itoa(least) + " to 3 buttons.")
	}
	for _, b := range list {
		ok := b.Type == "postback" && b.Payload != "" || b.Type == "web_url" && b.URL != ""
		if n := utf8.RuneCountInString(b.Title); !ok || n < 1 || n > 20 {
			return parameterError("A button needs a title of 1 to 20 characters, and a payload or a URL.")
		}
	}
	return nil
}

// sent is a checked request as something that the account has taken. What is no message has no id.
func (in *directSend) sent(d Direct, body []byte) Sent {
	s := Sent{Channel: d.Channel, Account: d.ID, To: in.Recipient.ID, Body: body, At: d.now()}
	if in.Payload != nil {
		s.Type, s.Text, s.ReplyTo = "reaction", in.Payload.Reaction, in.Payload.MessageID
		return s
	}
	s.ID, s.Type, s.Text, s.Ref = d.newMID(), "text", in.Message.Text, in.Message.Metadata
	if in.ReplyTo != nil {
		s.ReplyTo = in.ReplyTo.ID
	}
	if a := in.Message.Attachment; a != nil {
		s.Type, s.Text = a.Type, a.Payload.Text
	}
	return s
}

// reports makes the pushes that tell of s. On Messenger nothing says that a message was sent but its echo; on Instagram nothing says that it has arrived.
func (d Direct) reports(s Sent) reporter {
	r := reporter{push: func(status hookswitch.MessageStatus, _ int) Push {
		switch status {
		case hookswitch.StatusSent:
			return d.Echo(s.To, s.ID, s.Text, s.Ref)
		case hookswitch.StatusDelivered:
			return d.Delivered(s.To, s.At, s.ID)
		}
		return d.Read(s.To, s.At, s.ID)
	}}
	if s.ID == "" {
		return r
	}
	r.statuses = []hookswitch.MessageStatus{hookswitch.StatusRead}
	if d.Channel == hookswitch.Messenger {
		r.statuses = append(r.statuses, hookswitch.StatusDelivered)
	}
	if d.Echoes {
		r.statuses = append(r.statuses, hookswitch.StatusSent)
	}
	return r
}
