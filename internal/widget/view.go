package widget

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// messageOut is a message as the widget shows it. All of it is text: the widget makes no markup of it.
type messageOut struct {
	ID   string            `json:"id"`
	From string            `json:"from"` // visitor or agent
	Text string            `json:"text"`
	At   httpapi.MilliTime `json:"at"`
	// ClientID is the browser's own id of what the visitor has written there.
	ClientID string `json:"clientId,omitempty"`
	// Read says that the visitor has seen it. It is set for answers only.
	Read    bool        `json:"read,omitempty"`
	Choices []choiceOut `json:"choices,omitempty"`
	Link    *linkOut    `json:"link,omitempty"`
}

// choiceOut is a button or a row; choosing it writes its title, with its id.
type choiceOut struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// linkOut is something to open: a file, a place, a page. URL begins with http:// or https://.
type linkOut struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

// contentIn is what a message carries beside its text.
type contentIn struct {
	MediaURL string `json:"mediaUrl"`
	Filename string `json:"filename"`

	Latitude  json.Number `json:"latitude"`
	Longitude json.Number `json:"longitude"`
	Name      string      `json:"locationName"`
	Address   string      `json:"locationAddress"`

	Contacts []struct {
		Name   string   `json:"name"`
		Phones []string `json:"phones"`
	} `json:"contacts"`

	Buttons  []choiceOut `json:"buttons"`
	Sections []struct {
		Rows []choiceOut `json:"rows"`
	} `json:"sections"`

	CTAURL         string `json:"ctaUrl"`
	CTADisplayText string `json:"ctaDisplayText"`
	FooterText     string `json:"footerText"`
}

// newMessage is m for its visitor, or false for what is not shown as a message of its own.
func (wg *Widget) newMessage(m *hookswitch.Message, visitor string) (messageOut, bool) {
	out := messageOut{ID: wg.svc.IDs().Format(hookswitch.KindMessage, m.Key), From: "agent", Text: m.Text, At: httpapi.MilliTime(m.CreatedAt)}
	if m.Direction == hookswitch.Inbound {
		out.From = "visitor"
		out.ClientID, _ = strings.CutPrefix(m.ProviderID, visitor+".")
		if out.ClientID == m.ProviderID {
			out.ClientID = ""
		}
	} else {
		out.Read = m.Status == hookswitch.StatusRead
	}
	var c contentIn
	if len(m.Content) > 0 && json.Unmarshal(m.Content, &c) != nil {
		c = contentIn{} // what is in it is not for us
	}
	switch m.Type {
	case "reaction":
		return out, false
	case "image", "video", "audio", "document", "sticker":
		out.Link = link(c.MediaURL, cmp.Or(c.Filename, m.Type))
	case "location":
		place := strings.Join(nonEmpty(c.Name, c.Address), ", ")
		query := url.Values{"mlat": {c.Latitude.String()}, "mlon": {c.Longitude.String()}}
		out.Link = link("https://www.openstreetmap.org/?"+query.Encode(), cmp.Or(place, c.Latitude.String()+", "+c.Longitude.String()))
	case "contact":
		lines := nonEmpty(out.Text)
		for _, p := range c.Contacts {
			lines = append(lines, strings.Join(nonEmpty(append([]string{p.Name}, p.Phones...)...), "\n"))
		}
		out.Text = strings.Join(lines, "\n\n")
	case "buttons":
		out.Choices = c.Buttons
	case "list":
		for _, s := range c.Sections {
			out.Choices = append(out.Choices, s.Rows...)
		}
	case "cta_url":
		out.Link = link(c.CTAURL, c.CTADisplayText)
	}
	if out.From == "visitor" {
		out.Choices = nil
	} else if c.FooterText != "" {
		out.Text = strings.Join(nonEmpty(out.Text, c.FooterText), "\n\n")
	}
	return out, out.Text != "" || out.Link != nil
}

// link is nil unless a browser may be sent to the address: other schemes can run code in the page.
func link(address, title string) *linkOut {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil
	}
	return &linkOut{u.String(), cmp.Or(title, u.Host)}
}

func nonEmpty(list ...string) []string {
	out := list[:0:0]
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
