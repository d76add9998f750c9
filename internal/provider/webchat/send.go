package webchat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// MaxText is how many characters a message may have, in either direction of the widget.
const MaxText = 4096

// Codes of failures.
const (
	codeUnsupported = "unsupported_type"
	codeInvalid     = "invalid_content"
	codeTooLong     = "text_too_long"
)

// content is what the caller's message carries beside its text, in the names of the Zavu-shaped API.
type content struct {
	MediaURL string `json:"mediaUrl"`

	Latitude  *json.Number `json:"latitude"`
	Longitude *json.Number `json:"longitude"`

	Contacts []struct {
		Name string `json:"name"`
	} `json:"contacts"`

	Buttons  []choice `json:"buttons"`
	Sections []struct {
		Rows []choice `json:"rows"`
	} `json:"sections"`

	CTAURL            string `json:"ctaUrl"`
	CTADisplayText    string `json:"ctaDisplayText"`
	CTAHeaderMediaURL string `json:"ctaHeaderMediaUrl"`

	ReactToMessageID string `json:"reactToMessageId"`
}

type choice struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Send accepts a message that browsers can show, under our own id: it is stored, and that is all that sending is here. Nothing else hears of it, so it counts
// as sent.
func (p *Provider) Send(_ context.Context, out *hookswitch.Outgoing) (hookswitch.Accepted, error) {
	if out.Route.Channel != hookswitch.WebChat {
		return hookswitch.Accepted{}, refused(codeUnsupported, "messages on "+string(out.Route.Channel)+" cannot be sent over webchat")
	}
	if fail := check(out); fail != nil {
		return hookswitch.Accepted{}, fail
	}
	return hookswitch.Accepted{ProviderID: out.Ref, Sent: true}, nil
}

func refused(code, message string) *hookswitch.SendError {
	return &hookswitch.SendError{Code: code, Category: "permanent", Message: message}
}

func invalid(format string, args ...any) *hookswitch.SendError {
	return refused(codeInvalid, fmt.Sprintf(format, args...))
}

// check says why browsers cannot show a message.
func check(out *hookswitch.Outgoing) *hookswitch.SendError {
	m := out.Message
	var c content
	if len(m.Content) > 0 {
		if err := json.Unmarshal(m.Content, &c); err != nil {
			return &hookswitch.SendError{Code: codeInvalid, Category: "permanent", Message: "the content of the message has an unexpected form", Err: err}
		}
	}
	if n := utf8.RuneCountInString(m.Text); n > MaxText {
		return refused(codeTooLong, fmt.Sprintf("the text has %d characters, web chat takes at most %d", n, MaxText))
	}
	hasText := strings.TrimSpace(m.Text) != ""
	switch m.Type {
	case "", "text", "template": // whoever knows the template has put its words in
		if !hasText {
			return invalid("a message of type %s needs a text", nameOf(m.Type))
		}
	case "image", "video", "audio", "document", "sticker":
		if !isWebURL(c.MediaURL) {
			return invalid("a message of type %s needs mediaUrl, an http or https URL", m.Type)
		}
	case "location":
		if c.Latitude == nil || c.Longitude == nil {
			return invalid("a location needs latitude and longitude")
		}
	case "contact":
		if len(c.Contacts) == 0 {
			return invalid("a message of type contact needs contacts")
		}
	case "buttons":
		return checkChoices(m.Type, hasText, c.Buttons)
	case "list":
		var rows []choice
		for _, s := range c.Sections {
			rows = append(rows, s.Rows...)
		}
		return checkChoices(m.Type, hasText, rows)
	case "cta_url":
		switch {
		case !hasText:
			return invalid("a message of type cta_url needs a text")
		case !isWebURL(c.CTAURL) || c.CTADisplayText == "":
			return invalid("a message of type cta_url needs ctaUrl, an http or https URL, and ctaDisplayText")
		case c.CTAHeaderMediaURL != "" && !isWebURL(c.CTAHeaderMediaURL):
			return invalid("ctaHeaderMediaUrl must be an http or https URL")
		}
	case "reaction":
		if out.ReplyTo == "" && c.ReactToMessageID == "" {
			return invalid("a reaction needs the message it belongs to")
		}
	default:
		return refused(codeUnsupported, "messages of type "+m.Type+" cannot be sent on web chat")
	}
	return nil
}

func nameOf(typ string) string {
	if typ == "" {
		return "text"
	}
	return typ
}

func checkChoices(typ string, hasText bool, choices []choice) *hookswitch.SendError {
	if !hasText {
		return invalid("a message of type %s needs a text", typ)
	}
	if len(choices) == 0 {
		return invalid("a message of type %s needs something to choose", typ)
	}
	for _, c := range choices {
		if c.ID == "" || c.Title == "" {
			return invalid("each choice needs an id and a title")
		}
	}
	return nil
}
