package meta

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// Limits of Messenger and Instagram, in characters where nothing else is said.
const (
	maxDirectText     = 2000
	maxInstagramBytes = 1000 // of UTF-8
	maxTemplateText   = 640  // above the buttons of a template
	maxCardText       = 80
	maxTitle          = 20 // of buttons and quick replies
	maxTemplateButton = 3
	maxQuickReplies   = 13
	maxCards          = 10
)

// outDirect is a message as the Send API of Messenger and Instagram takes it, or an action that is no message.
// https://developers.facebook.com/docs/messenger-platform/reference/send-api
// https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/messaging-api
type outDirect struct {
	Recipient struct {
		ID string `json:"id"`
	} `json:"recipient"`
	MessagingType string         `json:"messaging_type,omitempty"`
	Tag           string         `json:"tag,omitempty"`
	Message       *directMessage `json:"message,omitempty"`
	ReplyTo       *directID      `json:"reply_to,omitempty"`
	Action        string         `json:"sender_action,omitempty"`
	Payload       *directEmoji   `json:"payload,omitempty"`
}

type directID struct {
	ID string `json:"mid"`
}

type directEmoji struct {
	MessageID string `json:"message_id"`
	Reaction  string `json:"reaction,omitempty"`
}

type directMessage struct {
	Text         string            `json:"text,omitempty"`
	Attachment   *directAttachment `json:"attachment,omitempty"`
	QuickReplies []directQuick     `json:"quick_replies,omitempty"`
	Metadata     string            `json:"metadata,omitempty"` // comes back with echoes
}

type directQuick struct {
	ContentType string `json:"content_type"`
	Title       string `json:"title,omitempty"`
	Payload     string `json:"payload,omitempty"`
}

type directAttachment struct {
	Type    string        `json:"type"`
	Payload directPayload `json:"payload"`
}

type directPayload struct {
	URL          string         `json:"url,omitempty"`
	AttachmentID string         `json:"attachment_id,omitempty"`
	TemplateType string         `json:"template_type,omitempty"`
	Text         string         `json:"text,omitempty"`
	Buttons      []directButton `json:"buttons,omitempty"`
	Elements     []directCard   `json:"elements,omitempty"`
}

type directButton struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	URL     string `json:"url,omitempty"`
	Payload string `json:"payload,omitempty"`
}

type directCard struct {
	Title    string         `json:"title"`
	Subtitle string         `json:"subtitle,omitempty"`
	ImageURL string         `json:"image_url,omitempty"`
	Buttons  []directButton `json:"buttons,omitempty"`
}

// directBody is the body of the call that sends out over Messenger or Instagram.
func directBody(out *hookswitch.Outgoing) ([]byte, *hookswitch.SendError) {
	m := out.Message
	o := &outDirect{}
	if fail := o.address(m.To); fail != nil {
		return nil, fail
	}
	c, fail := readContent(m)
	if fail != nil {
		return nil, fail
	}
	if m.Type == "reaction" {
		if fail := o.react(&c, out.ReplyTo); fail != nil {
			return nil, fail
		}
		return encode(o)
	}
	messenger := out.Route.Channel == hookswitch.Messenger
	if messenger {
		o.MessagingType = "RESPONSE"
	}
	switch {
	case c.MessageTag == "":
	case c.MessageTag != hookswitch.TagHumanAgent:
		return nil, invalid("messageTag must be %s", hookswitch.TagHumanAgent)
	case !m.ByHuman():
		return nil, invalid("only what a person has written may be sent with the tag %s", hookswitch.TagHumanAgent)
	default:
		o.MessagingType, o.Tag = "MESSAGE_TAG", c.MessageTag
	}
	if out.ReplyTo != "" {
		o.ReplyTo = &directID{ID: out.ReplyTo}
	}
	o.Message = &directMessage{}
	if messenger && out.Ref != "" {
		o.Message.Metadata = refMark + out.Ref
	}
	w := directWriter{messenger: messenger, message: o.Message}
	if fail := w.fill(m, &c); fail != nil {
		return nil, fail
	}
	return encode(o)
}

// address names the recipient, by an id that only this page or account knows the person under. Such ids are numbers today, but Meta promises no form of them: what it has told as one
// is given back to it. Phone numbers and mail addresses are none.
func (o *outDirect) address(to string) *hookswitch.SendError {
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("_-.:", r)
	}
	if to == "" || len(to) > 128 || strings.ContainsFunc(to, odd) {
		return refused(codeBadRecipient, categoryRecipient, "the recipient is not an id of Messenger or Instagram")
	}
	o.Recipient.ID = to
	return nil
}

// react puts an emoji to a message of the person, or takes it back.
func (o *outDirect) react(c *content, to string) *hookswitch.SendError {
	if to == "" {
		to = c.ReactToMessageID
	}
	if to == "" {
		return invalid("a reaction needs the message it belongs to")
	}
	o.Action, o.Payload = "react", &directEmoji{MessageID: to, Reaction: c.Emoji}
	if c.Emoji == "" {
		o.Action = "unreact"
	}
	return nil
}

// directWriter writes what a message says.
type directWriter struct {
	messenger bool // else Instagram
	message   *directMessage
}

func (w directWriter) name() string {
	if w.messenger {
		return "messenger"
	}
	return "instagram"
}

func (w directWriter) fill(m *hookswitch.Message, c *content) *hookswitch.SendError {
	switch m.Type {
	case "", "text":
		return w.text(m.Text)
	case "image", "video", "audio", "document":
		return w.media(m, c)
	case "buttons":
		return w.buttons(m.Text, c)
	case "list":
		return w.list(m.Text, c)
	case "cta_url":
		return w.link(m.Text, c)
	case "request_contact_info":
		if w.messenger {
			w.message.QuickReplies = []directQuick{{ContentType: "user_phone_number"}}
			return w.text(m.Text)
		}
	}
	return refused(codeUnsupported, categoryPermanent, "messages of type "+m.Type+" cannot be sent on "+w.name())
}

// text is all that may be said in one message.
func (w directWriter) text(s string) *hookswitch.SendError {
	if s == "" {
		return invalid("a message of this type needs a text")
	}
	if n := utf8.RuneCountInString(s); w.messenger && n > maxDirectText {
		return refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text has %d characters, Messenger takes at most %d", n, maxDirectText))
	}
	if !w.messenger && len(s) > maxInstagramBytes {
		return refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text has %d bytes, Instagram takes at most %d", len(s), maxInstagramBytes))
	}
	w.message.Text = s
	return nil
}

// media is a file that Meta fetches from its URL, or has been given before.
func (w directWriter) media(m *hookswitch.Message, c *content) *hookswitch.SendError {
	kind := m.Type
	switch {
	case kind == "document" && !w.messenger:
		return refused(codeUnsupported, categoryPermanent, "messages of type document cannot be sent on instagram")
	case kind == "document":
		kind = "file"
	}
	if m.Text != "" {
		return invalid("a message of type %s cannot carry a text on %s; send the text on its own", m.Type, w.name())
	}
	a := &directAttachment{Type: kind, Payload: directPayload{AttachmentID: c.MediaID}}
	if c.MediaID == "" {
		a.Payload.URL = c.MediaURL
	}
	if c.MediaID == "" && c.MediaURL == "" {
		return invalid("a message of type %s needs mediaUrl or mediaId", m.Type)
	}
	w.message.Attachment = a
	return nil
}

// prompt is the text above buttons, with the footer below it: there is no other place for one.
func prompt(text, footer string) string {
	if footer == "" {
		return text
	}
	return text + "\n\n" + footer
}

// buttons are those of a template, which stay, where they and the text fit; else quick replies, which go when one is tapped.
func (w directWriter) buttons(text string, c *content) *hookswitch.SendError {
	if len(c.Buttons) == 0 || len(c.Buttons) > maxQuickReplies {
		return invalid("a message of type buttons needs one to %d buttons", maxQuickReplies)
	}
	for _, b := range c.Buttons {
		if b.ID == "" || b.Title == "" || utf8.RuneCountInString(b.Title) > maxTitle {
			return invalid("each button needs an id and a title of at most %d characters", maxTitle)
		}
	}
	text = prompt(text, c.FooterText)
	if text == "" {
		return invalid("a message of type buttons needs a text")
	}
	if len(c.Buttons) <= maxTemplateButton && utf8.RuneCountInString(text) <= maxTemplateText {
		list := make([]directButton, len(c.Buttons))
		for i, b := range c.Buttons {
			list[i] = postbackButton(b.Title, b.ID)
		}
		w.template(directPayload{TemplateType: "button", Text: text, Buttons: list})
		return nil
	}
	for _, b := range c.Buttons {
		w.message.QuickReplies = append(w.message.QuickReplies, directQuick{ContentType: "text", Title: b.Title, Payload: b.ID})
	}
	return w.text(text)
}

func postbackButton(title, payload string) directButton {
	return directButton{Type: "postback", Title: title, Payload: payload}
}

func (w directWriter) template(p directPayload) {
	w.message.Attachment = &directAttachment{Type: "template", Payload: p}
}

// list is quick replies where nothing of it is lost by that, else cards side by side: one with the text, and one with a button for each row.
func (w directWriter) list(text string, c *content) *hookswitch.SendError {
	var rows []contentRow
	short := true
	for _, s := range c.Sections {
		short = short && s.Title == ""
		for _, r := range s.Rows {
			if r.ID == "" || r.Title == "" {
				return invalid("each row needs an id and a title")
			}
			short = short && r.Description == "" && utf8.RuneCountInString(r.Title) <= maxTitle
			rows = append(rows, r)
		}
	}
	switch {
	case text == "":
		return invalid("a message of type list needs a text")
	case len(rows) == 0:
		return invalid("a list needs rows")
	case short && len(rows) <= maxQuickReplies:
		for _, r := range rows {
			w.message.QuickReplies = append(w.message.QuickReplies, directQuick{ContentType: "text", Title: r.Title, Payload: r.ID})
		}
		return w.text(prompt(text, c.FooterText))
	case len(rows) >= maxCards:
		return invalid("a list whose rows say more than a title of %d characters takes at most %d rows on %s", maxTitle, maxCards-1, w.name())
	case c.ListButton == "" || utf8.RuneCountInString(c.ListButton) > maxTitle:
		return invalid("a list needs listButton, the words on its buttons, of at most %d characters", maxTitle)
	}
	cards := []directCard{{Title: text, Subtitle: c.FooterText}}
	if c.FooterText == "" {
		cards[0].Subtitle = c.ListButton // a card needs more than a title
	}
	for _, s := range c.Sections {
		for _, r := range s.Rows {
			card := directCard{Title: r.Title, Subtitle: r.Description, Buttons: []directButton{postbackButton(c.ListButton, r.ID)}}
			if card.Subtitle == "" {
				card.Subtitle = s.Title
			}
			cards = append(cards, card)
		}
	}
	for _, card := range cards {
		if max(utf8.RuneCountInString(card.Title), utf8.RuneCountInString(card.Subtitle)) > maxCardText {
			return refused(codeTooLong, categoryPermanent,
				fmt.Sprintf("the text, the titles and the descriptions of a list have at most %d characters on %s", maxCardText, w.name()))
		}
	}
	w.template(directPayload{TemplateType: "generic", Elements: cards})
	return nil
}

// link is a button that opens a page, under a text or under a picture with one.
func (w directWriter) link(text string, c *content) *hookswitch.SendError {
	if c.CTAURL == "" || c.CTADisplayText == "" || utf8.RuneCountInString(c.CTADisplayText) > maxTitle {
		return invalid("a message of type cta_url needs ctaUrl, and ctaDisplayText of at most %d characters", maxTitle)
	}
	if text == "" {
		return invalid("a message of type cta_url needs a text")
	}
	button := []directButton{{Type: "web_url", Title: c.CTADisplayText, URL: c.CTAURL}}
	switch kind := c.CTAHeaderType; {
	case kind == "" && c.CTAHeaderText == "":
		if text = prompt(text, c.FooterText); utf8.RuneCountInString(text) > maxTemplateText {
			return refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text above a button has at most %d characters", maxTemplateText))
		}
		w.template(directPayload{TemplateType: "button", Text: text, Buttons: button})
	case kind == "image" && c.CTAHeaderMediaURL != "":
		if max(utf8.RuneCountInString(text), utf8.RuneCountInString(c.FooterText)) > maxCardText {
			return refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text below a picture has at most %d characters", maxCardText))
		}
		w.template(directPayload{TemplateType: "generic", Elements: []directCard{{Title: text, Subtitle: c.FooterText, ImageURL: c.CTAHeaderMediaURL, Buttons: button}}})
	default:
		return invalid("above a link there can be an image with ctaHeaderMediaUrl on %s, and nothing else", w.name())
	}
	return nil
}
