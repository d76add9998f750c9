package service

import (
	"encoding/json"
	"math"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// Bounds of what messages carry beside their text.
const (
	maxPrompt      = 1024 // characters of the text above something to choose or to share
	maxButtons     = 3
	maxEmoji       = 64
	maxContentText = 4096
)

// newContent is the content of a message to send, by the names of its fields.
type newContent struct {
	fields map[string]json.RawMessage
	c      *hookswitch.Checks
}

func (n newContent) fail(message, field string) { n.c.Field(message, "content", field) }

// text is a field that has to be a text where it is there.
func (n newContent) text(name string) string {
	raw, ok := n.fields[name]
	if !ok || string(raw) == "null" {
		return ""
	}
	var s string
	switch {
	case json.Unmarshal(raw, &s) != nil:
		n.fail("must be a text", name)
	case len(s) > maxContentText:
		n.fail("must have at most "+strconv.Itoa(maxContentText)+" bytes", name)
	default:
		return s
	}
	return ""
}

// needed is a field that has to be a text that is not empty.
func (n newContent) needed(name string) string {
	s := n.text(name)
	if strings.TrimSpace(s) == "" {
		n.fail("is required", name)
	}
	return s
}

// link is a field that has to be an absolute URL of the web where it is there.
func (n newContent) link(name string) string {
	s := n.text(name)
	if s != "" && !isLink(s) {
		n.fail("must be a URL that begins with https:// or http://", name)
	}
	return s
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// degrees is a field that has to be a number between -most and most.
func (n newContent) degrees(name string, most float64) {
	raw, ok := n.fields[name]
	if !ok {
		n.fail("is required", name)
		return
	}
	var f float64
	if json.Unmarshal(raw, &f) != nil || string(raw) == "null" || math.Abs(f) > most {
		n.fail("must be a number between "+strconv.FormatFloat(-most, 'f', -1, 64)+" and "+strconv.FormatFloat(most, 'f', -1, 64), name)
	}
}

// list reads a field that has to be a list with 1 to most items.
func list[T any](n newContent, name string, most int) []T {
	raw, ok := n.fields[name]
	if !ok || string(raw) == "null" {
		n.fail("is required", name)
		return nil
	}
	var items []T
	switch {
	case json.Unmarshal(raw, &items) != nil:
		n.fail("does not have the right form", name)
	case len(items) == 0 || len(items) > most:
		n.fail("must have 1 to "+strconv.Itoa(most)+" items", name)
	default:
		return items
	}
	return nil
}

// pairs reads a field that has to be an object of texts where it is there.
func (n newContent) pairs(name string) {
	if raw, ok := n.fields[name]; ok {
		var m map[string]string
		if json.Unmarshal(raw, &m) != nil {
			n.fail("must be an object whose values are texts", name)
		}
	}
}

type choice struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// choices checks buttons and rows.
func (n newContent) choices(items []choice, path ...string) {
	var seen []string
	for i, it := range items {
		at := append(slices.Clone(path), "["+strconv.Itoa(i)+"]")
		if strings.TrimSpace(it.ID) == "" {
			n.c.Field("is required", append(slices.Clone(at), "id")...)
		} else if slices.Contains(seen, it.ID) {
			n.c.Field("is the id of another one too", append(slices.Clone(at), "id")...)
		}
		if strings.TrimSpace(it.Title) == "" {
			n.c.Field("is required", append(slices.Clone(at), "title")...)
		}
		seen = append(seen, it.ID)
	}
}

// maxListRows is how many rows the sections of a list have together.
const maxListRows = 10

// check looks for what a message of the type needs.
func (n newContent) check(in *NewMessage) {
	prompt := func() {
		if strings.TrimSpace(in.Text) == "" {
			n.c.Field("is required: a message of this type has a text above it", "text")
		} else if utf8.RuneCountInString(in.Text) > maxPrompt {
			n.c.Field("must have at most "+strconv.Itoa(maxPrompt)+" characters", "text")
		}
	}
	switch in.Type {
	case "image", "video", "audio", "document", "sticker":
		if n.text("mediaId") == "" && n.link("mediaUrl") == "" && n.fields["mediaUrl"] == nil {
			n.fail("is required, unless there is a mediaId", "mediaUrl")
		}
		n.text("mimeType")
		n.text("filename")
	case "location":
		n.degrees("latitude", 90)
		n.degrees("longitude", 180)
		n.text("locationName")
		n.text("locationAddress")
	case "contact":
		type card struct {
			Name   string   `json:"name"`
			Phones []string `json:"phones"`
		}
		for i, c := range list[card](n, "contacts", 20) {
			if strings.TrimSpace(c.Name) == "" {
				n.c.Field("is required", "content", "contacts", "["+strconv.Itoa(i)+"]", "name")
			}
		}
	case "buttons":
		prompt()
		n.choices(list[choice](n, "buttons", maxButtons), "content", "buttons")
		n.text("footerText")
	case "list":
		prompt()
		n.needed("listButton")
		type section struct {
			Title string   `json:"title"`
			Rows  []choice `json:"rows"`
		}
		rows := 0
		for i, s := range list[section](n, "sections", maxListRows) {
			at := []string{"content", "sections", "[" + strconv.Itoa(i) + "]", "rows"}
			if len(s.Rows) == 0 {
				n.c.Field("is required", at...)
			}
			n.choices(s.Rows, at...)
			rows += len(s.Rows)
		}
		if rows > maxListRows {
			n.fail("must have at most "+strconv.Itoa(maxListRows)+" rows together", "sections")
		}
	case "cta_url":
		prompt()
		if n.needed("ctaUrl") != "" {
			n.link("ctaUrl")
		}
		n.needed("ctaDisplayText")
		n.text("footerText")
		switch kind := n.text("ctaHeaderType"); kind {
		case "":
		case "text":
			n.needed("ctaHeaderText")
		case "image", "video", "document":
			if n.needed("ctaHeaderMediaUrl") != "" {
				n.link("ctaHeaderMediaUrl")
			}
		default:
			n.fail("must be one of text, image, video, document", "ctaHeaderType")
		}
	case "location_request", "request_contact_info":
		prompt()
	case "reaction":
		n.needed("reactToMessageId")
		n.emoji()
	case "template":
		if in.Anyway { // else a provider may know the template by its own name, or get the text that was made of it
			n.needed("templateId")
		}
		n.pairs("templateVariables")
		n.pairs("templateButtonVariables")
		n.pairs("templateHeaderVariables")
	}
}

// emoji checks the emoji of a reaction. An empty one takes a reaction back.
func (n newContent) emoji() {
	s := n.text("emoji")
	switch {
	case n.fields["emoji"] == nil:
		n.fail("is required", "emoji")
	case len(s) > maxEmoji || hookswitch.CheckText(s) != "":
		n.fail("must be one emoji", "emoji")
	}
}

// isAddress reports whether s is an email address, and nothing else.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || strings.ContainsAny(s, " \t\"<>,;") {
		return false
	}
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1
}

// isUserID reports whether s is a user id of WhatsApp, such as US.13491208655302741918: two letters, a dot, letters and digits.
func isUserID(s string) bool {
	country, id, ok := strings.Cut(s, ".")
	if !ok || len(country) != 2 || id == "" || len(id) > 128 {
		return false
	}
	alphanumeric := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return country[0] >= 'A' && country[0] <= 'Z' && country[1] >= 'A' && country[1] <= 'Z' && !strings.ContainsFunc(id, func(r rune) bool { return !alphanumeric(r) })
}

// checkRecipient says what is wrong with whom a message is to, on a channel.
func checkRecipient(ch hookswitch.Channel, to string) string {
	switch ch.Medium() {
	case hookswitch.SMS, hookswitch.Voice:
		return hookswitch.CheckPhone(to)
	case hookswitch.WhatsApp:
		digits := strings.TrimPrefix(to, "+")
		if !isUserID(to) && (digits == "" || len(digits) > 20 || strings.Trim(digits, "0123456789") != "") {
			return "must be an E.164 number such as +15551234567, or a WhatsApp user id"
		}
	case hookswitch.Email:
		if !isAddress(to) {
			return "must be an email address"
		}
	}
	return ""
}
