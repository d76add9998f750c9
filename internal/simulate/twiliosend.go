package simulate

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// twilioSend is a request to send a message.
// https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
type twilioSend struct {
	form    url.Values
	channel hookswitch.Channel
	to      string // without the channel's prefix
}

// readTwilioSend reads a request, and finds the channel and the recipient.
func readTwilioSend(w http.ResponseWriter, r *http.Request) (*twilioSend, *twilioError) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, refuseTwilio(21604, "A 'To' phone number is required.") // a body that is no form has no parameters
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	if err != nil {
		return nil, refuseTwilio(20001, "The request cannot be read.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuseTwilio(20001, "The request cannot be read.")
	}
	in := &twilioSend{form: form, channel: hookswitch.SMS}
	to, isWhatsApp := strings.CutPrefix(form.Get("To"), "whatsapp:")
	if in.to = to; isWhatsApp {
		in.channel = hookswitch.WhatsApp
	}
	switch {
	case to == "":
		return nil, refuseTwilio(21604, "A 'To' phone number is required.")
	case hookswitch.CheckPhone(to) != "" && !(isWhatsApp && isUserID(to)):
		return nil, refuseTwilio(21211, "Invalid 'To' Phone Number: "+to)
	}
	return in, nil
}

// check looks at what a message says, as Twilio does before it takes it.
func (in *twilioSend) check() *twilioError {
	text := in.form.Get("Body")
	if in.form.Has("ContentVariables") {
		var variables map[string]string
		if err := json.Unmarshal([]byte(in.form.Get("ContentVariables")), &variables); err != nil {
			return refuseTwilio(21656, "The ContentVariables Parameter is invalid")
		}
	}
	switch id := in.form.Get("ContentSid"); {
	case utf8.RuneCountInString(text) > 1600:
		return refuseTwilio(21617, "The concatenated message body exceeds the 1600 character limit")
	case len(in.form["MediaUrl"]) > 10:
		return refuseTwilio(21623, "Number of media files exceeds allowed limit")
	case id != "" && (len(id) != 34 || !strings.HasPrefix(id, "HX")):
		return refuseTwilio(21655, "The ContentSid Parameter is invalid")
	case text == "" && id == "" && !in.form.Has("MediaUrl"):
		return refuseTwilio(21619, "A text message body or media urls must be specified.")
	}
	for _, link := range in.form["MediaUrl"] {
		if !isWebAddress(link) {
			return refuseTwilio(21620, "Invalid media URL")
		}
	}
	if callback := in.form.Get("StatusCallback"); callback != "" && (!isWebAddress(callback) || len(callback) > 4000) {
		return refuseTwilio(21609, "The StatusCallback URL "+callback+" is not a valid URL.")
	}
	return nil
}

// isWebAddress reports whether s is one that Twilio would call. It takes no host with an underscore.
func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && !strings.Contains(u.Hostname(), "_")
}

// sent is a checked request as a message that the number has taken.
func (in *twilioSend) sent(number Twilio) Sent {
	s := Sent{Channel: in.channel, Account: number.Number, ID: newSID("SM"), To: digits(in.to), Type: "text", Text: in.form.Get("Body"), At: number.now()}
	if isUserID(in.to) {
		s.To = in.to
	}
	switch {
	case in.form.Has("MediaUrl"):
		s.ID, s.Type = newSID("MM"), "media"
	case in.form.Has("ContentSid"):
		s.Type = "template"
	case in.form.Has("PersistentAction"):
		s.Type = "location"
	}
	if u, err := url.Parse(in.form.Get("StatusCallback")); err == nil {
		s.Ref = u.Query().Get("ref")
	}
	s.Body, _ = json.Marshal(in.form) // lists of texts have a form in JSON
	return s
}

// resource is the message as the API shows it.
// https://www.twilio.com/docs/messaging/api/message-resource#message-properties
func (in *twilioSend) resource(s *Sent) any {
	from, status, service := any(in.form.Get("From")), "queued", any(nil)
	if id := in.form.Get("MessagingServiceSid"); id != "" { // the number is chosen later
		from, status, service = nil, "accepted", id
	}
	return map[string]any{
		"sid": s.ID, "status": status, "to": in.form.Get("To"), "from": from, "body": s.Text, "messaging_service_sid": service, "direction": "outbound-api",
		"num_media": strconv.Itoa(len(in.form["MediaUrl"])), "num_segments": "1", "error_code": nil, "error_message": nil, "api_version": twilioVersion,
		"date_created": s.At.UTC().Format(time.RFC1123Z), "date_sent": nil,
	}
}
