package telegram

import (
	"cmp"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// outMarkup is what can be tapped: buttons under the message, or keys in place of the person's keyboard.
// https://core.telegram.org/bots/api#inlinekeyboardmarkup, https://core.telegram.org/bots/api#replykeyboardmarkup
type outMarkup struct {
	Inline  [][]outButton `json:"inline_keyboard,omitempty"`
	Keys    [][]outKey    `json:"keyboard,omitempty"`
	Resize  bool          `json:"resize_keyboard,omitempty"`
	OneTime bool          `json:"one_time_keyboard,omitempty"`
}

type outButton struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

type outKey struct {
	Text     string `json:"text"`
	Contact  bool   `json:"request_contact,omitempty"`
	Location bool   `json:"request_location,omitempty"`
}

type contentButton struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type contentSection struct {
	Title string       `json:"title"`
	Rows  []contentRow `json:"rows"`
}

type contentRow struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
}

// interactive sends a text with what can be tapped, one thing in each row.
func (k *call) interactive(m *hookswitch.Message, c *content) *hookswitch.SendError {
	if m.Text == "" {
		return invalid("a message of type %s needs a text", m.Type)
	}
	markup := &outMarkup{}
	k.body.Markup = markup
	paragraphs := []string{m.Text}
	switch m.Type {
	case "buttons":
		for _, b := range c.Buttons {
			if fail := markup.add(b.ID, b.Title); fail != nil {
				return fail
			}
		}
	case "list":
		for _, s := range c.Sections {
			paragraphs = append(paragraphs, s.words())
			for _, r := range s.Rows {
				if fail := markup.add(r.ID, r.Title); fail != nil {
					return fail
				}
			}
		}
	case "cta_url":
		return k.link(m, c)
	default:
		markup.ask(m.Type, c)
	}
	if n := len(markup.Inline) + len(markup.Keys); n == 0 || n > maxButtons {
		return invalid("a message of type %s needs one to %d things to choose from", m.Type, maxButtons)
	}
	return k.text(joined(append(paragraphs, c.FooterText)...))
}

// add puts a button in a row of its own. What it stands for comes back when it is pressed.
func (o *outMarkup) add(id, title string) *hookswitch.SendError {
	if id == "" || title == "" || len(id) > maxCallback {
		return invalid("each button and each row needs a title and an id of at most %d bytes", maxCallback)
	}
	o.Inline = append(o.Inline, []outButton{{Text: title, Data: id}})
	return nil
}

// ask puts a key in place of the keyboard by which the person shows where they are, or their number. Telegram offers it in private chats.
func (o *outMarkup) ask(kind string, c *content) {
	key := outKey{Text: "Send my location", Location: true}
	if kind == "request_contact_info" {
		key = outKey{Text: "Send my phone number", Contact: true}
	}
	if len(c.Buttons) > 0 {
		key.Text = cmp.Or(c.Buttons[0].Title, key.Text)
	}
	o.Keys, o.Resize, o.OneTime = [][]outKey{{key}}, true, true
}

// words are what a section says and buttons cannot: its title, and what its rows mean.
func (s *contentSection) words() string {
	var lines []string
	if s.Title != "" {
		lines = append(lines, s.Title)
	}
	for _, r := range s.Rows {
		if r.Description != "" {
			lines = append(lines, r.Title+": "+r.Description)
		}
	}
	return strings.Join(lines, "\n")
}

// joined puts an empty line between the paragraphs that say something.
func joined(paragraphs ...string) string {
	said := paragraphs[:0:0]
	for _, p := range paragraphs {
		if p != "" {
			said = append(said, p)
		}
	}
	return strings.Join(said, "\n\n")
}

// link sends a button that opens a page, below a picture or file where the message has one as its header.
func (k *call) link(m *hookswitch.Message, c *content) *hookswitch.SendError {
	if c.CTAURL == "" || c.CTADisplayText == "" {
		return invalid("a message of type cta_url needs ctaUrl and ctaDisplayText")
	}
	k.body.Markup.Inline = [][]outButton{{{Text: c.CTADisplayText, URL: c.CTAURL}}}
	switch kind := c.CTAHeaderType; {
	case kind == "" || kind == "text":
		return k.text(joined(c.CTAHeaderText, m.Text, c.FooterText))
	case (kind == "image" || kind == "video" || kind == "document") && c.CTAHeaderMediaURL != "":
		return k.media(kind, joined(m.Text, c.FooterText), &content{MediaURL: c.CTAHeaderMediaURL})
	}
	return invalid("ctaHeaderType must be text with ctaHeaderText, or image, video or document with ctaHeaderMediaUrl")
}
