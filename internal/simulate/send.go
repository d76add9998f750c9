package simulate

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// sendBody is a request to send a message or to mark one as read.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
type sendBody struct {
	Product       string          `json:"messaging_product"`
	RecipientType string          `json:"recipient_type"`
	To            string          `json:"to"`
	Recipient     string          `json:"recipient"`
	Type          string          `json:"type"`
	Ref           string          `json:"biz_opaque_callback_data"`
	Context       *sendContext    `json:"context"`
	Text          *sendText       `json:"text"`
	Image         *sendMedia      `json:"image"`
	Audio         *sendMedia      `json:"audio"`
	Video         *sendMedia      `json:"video"`
	Document      *sendMedia      `json:"document"`
	Sticker       *sendMedia      `json:"sticker"`
	Location      *sendPlace      `json:"location"`
	Contacts      []sendCard      `json:"contacts"`
	Interactive   *sendDialog     `json:"interactive"`
	Template      *sendTemplate   `json:"template"`
	Reaction      *sendReaction   `json:"reaction"`
	Status        string          `json:"status"`
	MessageID     string          `json:"message_id"`
	Typing        *sendTypingType `json:"typing_indicator"`
}

type (
	sendContext struct {
		MessageID string `json:"message_id"`
	}
	sendText struct {
		Body string `json:"body"`
	}
	sendMedia struct {
		ID      string `json:"id"`
		Link    string `json:"link"`
		Caption string `json:"caption"`
	}
	sendPlace struct {
		Latitude  *json.Number `json:"latitude"`
		Longitude *json.Number `json:"longitude"`
	}
	sendCard struct {
		Name *struct {
			FormattedName string `json:"formatted_name"`
		} `json:"name"`
	}
	sendDialog struct {
		Type string    `json:"type"`
		Body *sendBare `json:"body"`

		Action *struct {
			Buttons []struct {
				Reply struct {
					ID    string `json:"id"`
					Title string `json:"title"`
				} `json:"reply"`
			} `json:"buttons"`
			Button   string `json:"button"`
			Sections []struct {
				Rows []struct {
					ID    string `json:"id"`
					Title string `json:"title"`
				} `json:"rows"`
			} `json:"sections"`
		} `json:"action"`
	}
	sendBare struct {
		Text string `json:"text"`
	}
	sendTemplate struct {
		Name     string `json:"name"`
		Language struct {
			Code string `json:"code"`
		} `json:"language"`
	}
	sendReaction struct {
		MessageID string  `json:"message_id"`
		Emoji     *string `json:"emoji"`
	}
	sendTypingType struct {
		Type string `json:"type"`
	}
)

var sendTypes = []string{"text", "image", "audio", "video", "document", "sticker", "location", "contacts", "interactive", "template", "reaction"}

// The lengths that Meta enforces, in characters.
const (
	maxText    = 4096
	maxCaption = 1024
	maxRef     = 512
)

func readSend(contentType string, body []byte) (*sendBody, *graphError) {
	if t, _, err := mime.ParseMediaType(contentType); err != nil || t != "application/json" {
		return nil, parameterError("The parameter messaging_product is required.") // a body that is no JSON has no parameters
	}
	in := &sendBody{}
	err := json.Unmarshal(body, in)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return nil, parameterError("Param " + wrong.Field + " has the wrong type.")
	case err != nil:
		return nil, parameterError("Request body is not valid JSON.")
	case in.Product != "whatsapp":
		return nil, parameterError("The parameter messaging_product is required.")
	}
	return in, nil
}

func (in *sendBody) checkRead() *graphError {
	switch {
	case in.Status != "read":
		return parameterError(`Param status must be one of {"READ"}.`)
	case in.MessageID == "":
		return parameterError("The parameter message_id is required.")
	case !strings.HasPrefix(in.MessageID, "wamid."):
		return newGraphError(131009, "Message id is not valid.")
	case in.Typing != nil && in.Typing.Type != "text":
		return newGraphError(131009, "Typing indicator type must be text.")
	}
	return nil
}

func (in *sendBody) check(account WhatsApp) *graphError {
	if in.Type == "" {
		in.Type = "text"
	}
	to := digits(in.To)
	switch {
	case in.To == "" && in.Recipient == "":
		return parameterError("The parameter to is required.")
	case in.RecipientType != "" && in.RecipientType != "individual":
		return parameterError(`Param recipient_type must be one of {"INDIVIDUAL"}.`)
	case in.To != "" && (len(to) < 7 || len(to) > 15 || strings.Trim(in.To, "0123456789+-() ") != ""):
		return newGraphError(131009, "Recipient phone number is not valid.")
	case in.To == "" && !isUserID(in.Recipient):
		return newGraphError(131009, "Recipient user id is not valid.")
	case to != "" && to == digits(account.DisplayPhone):
		return newGraphError(131021, "Recipient phone number and sender phone number are the same.")
	case !slices.Contains(sendTypes, in.Type):
		return parameterError("Param type must be one of {" + strings.ToUpper(strings.Join(sendTypes, ", ")) + "} - got \"" + in.Type + "\".")
	case utf8.RuneCountInString(in.Ref) > maxRef:
		return tooLong("biz_opaque_callback_data", maxRef)
	case in.Context != nil && in.Context.MessageID == "":
		return newGraphError(131009, "context.message_id is not valid.")
	}
	return in.checkContent()
}

func (in *sendBody) checkContent() *graphError {
	switch in.Type {
	case "text":
		switch {
		case in.Text == nil:
			return missing("text")
		case in.Text.Body == "":
			return missing("text.body")
		case utf8.RuneCountInString(in.Text.Body) > maxText:
			return tooLong("text['body']", maxText)
		}
	case "location":
		if in.Location == nil || in.Location.Latitude == nil || in.Location.Longitude == nil {
			return missing("location.latitude, location.longitude")
		}
	case "contacts":
		if len(in.Contacts) == 0 {
			return missing("contacts")
		}
		for _, c := range in.Contacts {
			if c.Name == nil || c.Name.FormattedName == "" {
				return missing("contacts.name.formatted_name")
			}
		}
	case "interactive":
		return in.Interactive.check()
	case "template":
		if in.Template == nil || in.Template.Name == "" || in.Template.Language.Code == "" {
			return missing("template.name, template.language.code")
		}
	case "reaction":
		if in.Reaction == nil || in.Reaction.MessageID == "" || in.Reaction.Emoji == nil {
			return missing("reaction.message_id, reaction.emoji")
		}
	default:
		m := in.media()
		switch {
		case m == nil:
			return missing(in.Type)
		case (m.ID == "") == (m.Link == ""):
			return parameterError("Exactly one of " + in.Type + ".id and " + in.Type + ".link is required.")
		case m.Link != "" && !strings.HasPrefix(m.Link, "https://") && !strings.HasPrefix(m.Link, "http://"):
			return newGraphError(131009, in.Type+".link is not a valid URL.")
		case utf8.RuneCountInString(m.Caption) > maxCaption:
			return tooLong(in.Type+"['caption']", maxCaption)
		}
	}
	return nil
}

func (in *sendBody) media() *sendMedia {
	switch in.Type {
	case "image":
		return in.Image
	case "audio":
		return in.Audio
	case "video":
		return in.Video
	case "document":
		return in.Document
	case "sticker":
		return in.Sticker
	}
	return nil
}

// check looks at the two kinds of dialogue that have limits of their own; others need an action and no more.
func (d *sendDialog) check() *graphError {
	if d == nil || d.Type == "" || d.Action == nil {
		return missing("interactive.type, interactive.action")
	}
	switch d.Type {
	case "button":
		if n := len(d.Action.Buttons); n < 1 || n > 3 {
			return newGraphError(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
		}
		for _, b := range d.Action.Buttons {
			if m := checkTitle(b.Reply.ID, b.Reply.Title, 256, 20); m != "" {
				return newGraphError(131009, "Button "+m)
			}
		}
	case "list":
		rows := 0
		for _, s := range d.Action.Sections {
			rows += len(s.Rows)
			for _, r := range s.Rows {
				if m := checkTitle(r.ID, r.Title, 200, 24); m != "" {
					return newGraphError(131009, "Row "+m)
				}
			}
		}
		if rows < 1 || rows > 10 {
			return newGraphError(131009, "Invalid rows count. Min allowed rows: 1, Max allowed rows: 10")
		}
		if n := utf8.RuneCountInString(d.Action.Button); n < 1 || n > 20 {
			return newGraphError(131009, "Action button length invalid. Min length: 1, Max length: 20")
		}
	default:
		return nil
	}
	if d.Body == nil || d.Body.Text == "" {
		return missing("interactive.body.text")
	}
	return nil
}

func checkTitle(id, title string, maxID, maxTitle int) string {
	if n := utf8.RuneCountInString(id); n < 1 || n > maxID {
		return "id length invalid. Min length: 1, Max length: " + strconv.Itoa(maxID)
	}
	if n := utf8.RuneCountInString(title); n < 1 || n > maxTitle {
		return "title length invalid. Min length: 1, Max length: " + strconv.Itoa(maxTitle)
	}
	return ""
}

func missing(parameter string) *graphError {
	return newGraphError(131008, "Required parameter is missing: "+parameter)
}

func tooLong(parameter string, limit int) *graphError {
	return parameterError("Param " + parameter + " must be at most " + strconv.Itoa(limit) + " characters long.")
}

// sent is a checked request as a message that the account has taken.
func (in *sendBody) sent(account WhatsApp, body []byte) Sent {
	s := Sent{Channel: hookswitch.WhatsApp, Account: account.PhoneNumberID, PhoneNumberID: account.PhoneNumberID, To: digits(in.To), Type: in.Type, Ref: in.Ref, Body: body, At: account.now()}
	if in.To == "" {
		s.To = in.Recipient
	}
	s.ID = newWAMID(s.To, outbound)
	if in.Context != nil {
		s.ReplyTo = in.Context.MessageID
	}
	switch {
	case in.Type == "text":
		s.Text = in.Text.Body
	case in.Type == "interactive" && in.Interactive.Body != nil:
		s.Text = in.Interactive.Body.Text
	case in.media() != nil:
		s.Text = in.media().Caption
	}
	return s
}

func newTraceID() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], randomUint64())
	return base64.RawURLEncoding.EncodeToString(b[:])
}
