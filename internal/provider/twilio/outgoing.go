package twilio

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// maxText is how many characters a message may have.
const maxText = 1600

// content is what the caller's message carries beside its text, in the names of the Zavu-shaped API. The template's name is the id under which Twilio knows
// it, HX and 32 digits; whoever resolves templateId adds it. A caller may name it as contentSid, too.
type content struct {
	MediaURL string `json:"mediaUrl"`

	Latitude        json.Number `json:"latitude"`
	Longitude       json.Number `json:"longitude"`
	LocationName    string      `json:"locationName"`
	LocationAddress string      `json:"locationAddress"`

	ContentSID              string            `json:"contentSid"`
	TemplateName            string            `json:"templateName"`
	TemplateVariables       map[string]string `json:"templateVariables"`
	TemplateButtonVariables map[string]string `json:"templateButtonVariables"`
	TemplateHeaderVariables map[string]string `json:"templateHeaderVariables"`
}

func invalid(format string, args ...any) *hookswitch.SendError {
	return refused(codeInvalid, categoryPermanent, fmt.Sprintf(format, args...))
}

// messageForm is the parameters of the call that sends out.
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
func (p *Provider) messageForm(out *hookswitch.Outgoing) (url.Values, *hookswitch.SendError) {
	form := url.Values{}
	if fail := addresses(form, out); fail != nil {
		return nil, fail
	}
	var c content
	if len(out.Message.Content) > 0 {
		if err := json.Unmarshal(out.Message.Content, &c); err != nil {
			return nil, &hookswitch.SendError{
				Code: codeInvalid, Category: categoryPermanent, Message: "the content of the message has an unexpected form", Err: err,
			}
		}
	}
	if fail := fill(form, out, &c); fail != nil {
		return nil, fail
	}
	if n := utf8.RuneCountInString(form.Get("Body")); n > maxText {
		return nil, refused(codeTooLong, categoryPermanent, fmt.Sprintf("the text has %d characters, Twilio takes at most %d", n, maxText))
	}
	if callback := p.callback(out); callback != "" {
		form.Set("StatusCallback", callback)
	}
	return form, nil
}

// addresses names the recipient, and the number or the messaging service to send from.
func addresses(form url.Values, out *hookswitch.Outgoing) *hookswitch.SendError {
	prefix, to := "", out.Message.To
	if out.Route.Channel == hookswitch.WhatsApp {
		prefix = "whatsapp:"
	}
	if !isRecipient(out.Route.Channel, to) {
		return refused(codeBadRecipient, categoryRecipient, "the recipient is not a phone number")
	}
	form.Set("To", prefix+to)
	_, from := splitAddress(out.Route.Address)
	switch service := out.Route.Credentials.First(credService); {
	case service != "":
		form.Set("MessagingServiceSid", service)
	case from != "":
		form.Set("From", prefix+from)
	default:
		return refused(codeNoProvider, categoryAuth, "the sender has neither a phone number nor a "+credService)
	}
	return nil
}

// isRecipient reports whether to is a number in E.164 form or, in WhatsApp, the id of a person who hides theirs: two letters, a dot, letters and digits.
func isRecipient(ch hookswitch.Channel, to string) bool {
	if hookswitch.CheckPhone(to) == "" {
		return true
	}
	country, id, ok := strings.Cut(to, ".")
	return ch == hookswitch.WhatsApp && ok && len(country) == 2 && id != "" && len(id) <= 128 && !strings.ContainsFunc(country+id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// fill writes what the message says.
func fill(form url.Values, out *hookswitch.Outgoing, c *content) *hookswitch.SendError {
	m := out.Message
	switch m.Type {
	case "", "text":
		if m.Text == "" {
			return invalid("a text message needs a text")
		}
		form.Set("Body", m.Text)
		return nil
	case "image", "video", "audio", "document", "sticker":
		return media(form, out, c)
	case "location":
		if out.Route.Channel == hookswitch.WhatsApp {
			return location(form, c)
		}
	case "template":
		return template(form, c)
	case "buttons", "list", "cta_url":
		return refused(codeUnsupported, categoryPermanent, "Twilio sends messages of type "+m.Type+" as content templates only: make one and send it as a template")
	}
	return refused(codeUnsupported, categoryPermanent, "messages of type "+m.Type+" cannot be sent on "+string(out.Route.Channel)+" over Twilio")
}

// media sends a file: as an MMS, or as what it is in WhatsApp. Twilio fetches it, so it has to have an address.
func media(form url.Values, out *hookswitch.Outgoing, c *content) *hookswitch.SendError {
	m := out.Message
	u, err := url.Parse(c.MediaURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return invalid("a message of type %s needs mediaUrl, an address that Twilio can fetch", m.Type)
	}
	if m.Text != "" && out.Route.Channel == hookswitch.WhatsApp && (m.Type == "audio" || m.Type == "sticker") {
		return invalid("a message of type %s cannot carry a text in WhatsApp; send the text on its own", m.Type)
	}
	form.Set("MediaUrl", c.MediaURL)
	if m.Text != "" {
		form.Set("Body", m.Text)
	}
	return nil
}

// location sends a place.
// https://www.twilio.com/docs/whatsapp/api#send-outbound-location-messages
func location(form url.Values, c *content) *hookswitch.SendError {
	for _, v := range []json.Number{c.Latitude, c.Longitude} {
		if _, err := strconv.ParseFloat(string(v), 64); err != nil {
			return invalid("a location needs latitude and longitude")
		}
	}
	name, action := c.LocationName, "geo:"+string(c.Latitude)+","+string(c.Longitude)
	if c.LocationAddress != "" {
		action += "|" + c.LocationAddress
	}
	if name == "" { // Twilio takes no message without a text
		name = string(c.Latitude) + ", " + string(c.Longitude)
	}
	form.Set("Body", name)
	form.Set("PersistentAction", action)
	return nil
}

// template sends a content template with its blanks filled in.
// https://www.twilio.com/docs/content/using-variables-with-content-api
func template(form url.Values, c *content) *hookswitch.SendError {
	id := c.ContentSID
	if id == "" {
		id = c.TemplateName
	}
	if len(id) != 34 || !strings.HasPrefix(id, "HX") || strings.Trim(id[2:], "0123456789abcdefABCDEF") != "" {
		return refused(codeInvalid, categoryTemplate, "a template needs the id under which Twilio knows it, HX and 32 digits")
	}
	if len(c.TemplateHeaderVariables) > 0 || len(c.TemplateButtonVariables) > 0 {
		return refused(codeInvalid, categoryTemplate, "Twilio numbers all variables of a template together: put them into templateVariables")
	}
	form.Set("ContentSid", id)
	if len(c.TemplateVariables) > 0 {
		values, err := json.Marshal(c.TemplateVariables)
		if err != nil {
			return &hookswitch.SendError{Code: codeInvalid, Category: categoryTemplate, Message: "the variables cannot be written as JSON", Err: err}
		}
		form.Set("ContentVariables", string(values))
	}
	return nil
}

// overrides has Twilio report again what was not taken. They are read by Twilio and not part of the address it calls.
// https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
const overrides = "rc=3&rp=all"

// callback is where Twilio is to report what becomes of the message: the sender's own door, with our id of the message. Twilio refuses messages whose
// address for reports it cannot reach, so an address of this machine goes to stand-ins on this machine only.
func (p *Provider) callback(out *hookswitch.Outgoing) string {
	u, err := url.Parse(out.Callback)
	if err != nil || u.Host == "" || isLocal(u.Hostname()) && !isLocal(hostOf(p.base)) {
		return ""
	}
	if out.Ref != "" {
		query := u.Query()
		query.Set(refParameter, out.Ref)
		u.RawQuery = query.Encode()
	}
	u.Fragment = overrides
	return u.String()
}

func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// isLocal reports whether a host is known on this machine only.
func isLocal(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.IsLoopback() || addr.IsUnspecified())
}
