package meta

import (
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// outInteractive is a message that asks for a tap.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/interactive-reply-buttons-messages
type outInteractive struct {
	Type   string     `json:"type"`
	Header *outHeader `json:"header,omitempty"`
	Body   *outWords  `json:"body,omitempty"`
	Footer *outWords  `json:"footer,omitempty"`
	Action outAction  `json:"action"`
}

type outWords struct {
	Text string `json:"text"`
}

type outHeader struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	Image    *outMedia `json:"image,omitempty"`
	Video    *outMedia `json:"video,omitempty"`
	Document *outMedia `json:"document,omitempty"`
}

type outAction struct {
	Name       string           `json:"name,omitempty"`
	Parameters *outCTA          `json:"parameters,omitempty"`
	Button     string           `json:"button,omitempty"`
	Buttons    []outButton      `json:"buttons,omitempty"`
	Sections   []contentSection `json:"sections,omitempty"`
}

type outCTA struct {
	DisplayText string `json:"display_text"`
	URL         string `json:"url"`
}

type outButton struct {
	Type  string        `json:"type"`
	Reply contentButton `json:"reply"`
}

// contentButton and contentSection look the same to callers and to Meta.
type contentButton struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type contentSection struct {
	Title string       `json:"title,omitempty"`
	Rows  []contentRow `json:"rows"`
}

type contentRow struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
}

func (o *outgoing) interactive(m *hookswitch.Message, c *content) *hookswitch.SendError {
	if m.Text == "" {
		return invalid("a message of type %s needs a text", m.Type)
	}
	if fail := checkLength("text", m.Text, maxBodyText); fail != nil {
		return fail
	}
	i := &outInteractive{Body: &outWords{Text: m.Text}}
	if c.FooterText != "" {
		i.Footer = &outWords{Text: c.FooterText}
	}
	o.Interactive = i
	switch m.Type {
	case "buttons":
		return i.buttons(c)
	case "list":
		return i.list(c)
	case "cta_url":
		return i.link(c)
	}
	i.Type, i.Action.Name = "location_request_message", "send_location"
	return nil
}

func (i *outInteractive) buttons(c *content) *hookswitch.SendError {
	if len(c.Buttons) == 0 || len(c.Buttons) > maxButtons {
		return invalid("a message of type buttons needs one to %d buttons", maxButtons)
	}
	i.Type = "button"
	for _, b := range c.Buttons {
		if b.ID == "" || b.Title == "" || utf8.RuneCountInString(b.Title) > 20 {
			return invalid("each button needs an id and a title of at most 20 characters")
		}
		i.Action.Buttons = append(i.Action.Buttons, outButton{Type: "reply", Reply: b})
	}
	return nil
}

func (i *outInteractive) list(c *content) *hookswitch.SendError {
	if c.ListButton == "" {
		return invalid("a list needs listButton, the words that open it")
	}
	rows := 0
	for _, s := range c.Sections {
		rows += len(s.Rows)
		if len(c.Sections) > 1 && s.Title == "" {
			return invalid("each section of a list with several needs a title")
		}
		for _, r := range s.Rows {
			if r.ID == "" || r.Title == "" || utf8.RuneCountInString(r.Title) > 24 {
				return invalid("each row needs an id and a title of at most 24 characters")
			}
		}
	}
	if rows == 0 || rows > maxListRows {
		return invalid("a list needs one to %d rows", maxListRows)
	}
	i.Type, i.Action.Button, i.Action.Sections = "list", c.ListButton, c.Sections
	return nil
}

func (i *outInteractive) link(c *content) *hookswitch.SendError {
	if c.CTAURL == "" || c.CTADisplayText == "" {
		return invalid("a message of type cta_url needs ctaUrl and ctaDisplayText")
	}
	i.Type, i.Action.Name = "cta_url", "cta_url"
	i.Action.Parameters = &outCTA{DisplayText: c.CTADisplayText, URL: c.CTAURL}
	kind := c.CTAHeaderType
	if kind == "" && c.CTAHeaderText != "" {
		kind = "text"
	}
	file := &outMedia{Link: c.CTAHeaderMediaURL}
	switch {
	case kind == "":
		return nil
	case kind == "text" && c.CTAHeaderText != "":
		i.Header = &outHeader{Type: kind, Text: c.CTAHeaderText}
	case kind == "image" && file.Link != "":
		i.Header = &outHeader{Type: kind, Image: file}
	case kind == "video" && file.Link != "":
		i.Header = &outHeader{Type: kind, Video: file}
	case kind == "document" && file.Link != "":
		i.Header = &outHeader{Type: kind, Document: file}
	default:
		return invalid("ctaHeaderType must be text with ctaHeaderText, or image, video or document with ctaHeaderMediaUrl")
	}
	return nil
}
