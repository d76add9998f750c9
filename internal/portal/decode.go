package portal

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/store"
)

// decoded is what a request of a known provider says.
type decoded struct {
	Provider string
	What     string // in a sentence
	Facts    []pair
}

func (d *decoded) add(name, value string) {
	if value != "" {
		d.Facts = append(d.Facts, pair{name, value})
	}
}

// decode reads a request as one of a known provider; nil: it is none of them.
func decode(q *store.BinRequest, kind string) *decoded {
	if kind == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(string(q.Body))
		if err != nil && len(form) == 0 {
			return nil
		}
		if d := decodeTwilio(form); d != nil {
			return d
		}
		return decodeAfricasTalking(form)
	}
	var body any
	dec := json.NewDecoder(bytes.NewReader(q.Body))
	dec.UseNumber()
	if dec.Decode(&body) != nil {
		return nil
	}
	j := tree{body}
	switch {
	case j.text("object") != "" && j.at("entry").value != nil:
		return decodeMeta(j)
	case j.text("update_id") != "":
		return decodeTelegram(j)
	case j.text("for_user_id") != "":
		return decodeX(j)
	case headerValue(q, "Webhook-Id") != "" || headerValue(q, "Svix-Id") != "":
		d := &decoded{Provider: "Standard Webhooks", What: "An event"}
		if t := eventType(q.Body); t != "" {
			d.What = "The event " + t
		}
		d.add("Id", firstOf(headerValue(q, "Webhook-Id"), headerValue(q, "Svix-Id")))
		d.add("Signed at", unixTime(firstOf(headerValue(q, "Webhook-Timestamp"), headerValue(q, "Svix-Timestamp"))))
		d.add("Time in the body", j.text("timestamp"))
		for _, name := range []string{"channel", "from", "to", "text", "id", "messageId", "status"} {
			d.add(name, j.text("data", name))
		}
		return d
	}
	return nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func decodeTwilio(form url.Values) *decoded {
	if !strings.HasPrefix(form.Get("AccountSid"), "AC") {
		return nil
	}
	d := &decoded{Provider: "Twilio"}
	switch {
	case form.Get("MessageStatus") != "" && form.Get("Body") == "":
		d.What = "A message is " + form.Get("MessageStatus")
	case form.Get("CallSid") != "":
		d.What = "A call"
	case form.Get("Body") != "" || form.Get("NumMedia") != "":
		d.What = "An incoming message"
	default:
		d.What = "A callback"
	}
	for _, name := range []string{"From", "To", "Body", "ProfileName", "MessageStatus", "ErrorCode", "CallStatus", "Direction", "Digits", "SpeechResult", "NumMedia", "MediaUrl0", "MessageSid", "CallSid"} {
		if value := form.Get(name); value != "0" || name != "NumMedia" {
			d.add(name, value)
		}
	}
	return d
}

func decodeAfricasTalking(form url.Values) *decoded {
	d := &decoded{Provider: "Africa's Talking"}
	var names []string
	switch {
	case form.Get("serviceCode") != "" && form.Get("sessionId") != "":
		d.What = "A USSD session"
		steps := strings.Split(form.Get("text"), "*")
		if form.Get("text") == "" {
			d.add("Step", "the first: nothing was entered yet")
		} else {
			d.add("Entered so far", strings.Join(steps, " → "))
		}
		names = []string{"phoneNumber", "serviceCode", "networkCode", "sessionId"}
	case form.Get("callerNumber") != "" && form.Get("sessionId") != "":
		d.What = "A call"
		names = []string{"callerNumber", "destinationNumber", "direction", "isActive", "dtmfDigits", "recordingUrl", "durationInSeconds", "sessionId"}
	case form.Get("linkId") != "" || form.Get("from") != "" && form.Get("to") != "" && form.Has("text"):
		d.What = "An incoming SMS"
		names = []string{"from", "to", "text", "date", "networkCode", "linkId", "id"}
	case form.Get("phoneNumber") != "" && form.Get("status") != "" && form.Get("id") != "":
		d.What = "A delivery report: " + form.Get("status")
		names = []string{"phoneNumber", "status", "failureReason", "networkCode", "retryCount", "id"}
	default:
		return nil
	}
	for _, name := range names {
		d.add(name, form.Get(name))
	}
	return d
}

func decodeMeta(j tree) *decoded {
	d := &decoded{Provider: "Meta", What: "An update of " + j.text("object")}
	entry := j.at("entry", "0")
	change := entry.at("changes", "0")
	value := change.at("value")
	d.add("Account", entry.text("id"))
	d.add("Field", change.text("field"))
	d.add("Number", value.text("metadata", "display_phone_number"))
	switch {
	case value.at("messages", "0").value != nil:
		m := value.at("messages", "0")
		d.What = "An incoming WhatsApp message"
		d.add("From", m.text("from"))
		d.add("Name", value.text("contacts", "0", "profile", "name"))
		d.add("Kind", m.text("type"))
		d.add("Text", firstOf(m.text("text", "body"), m.text("button", "text"), m.text("interactive", "button_reply", "title"), m.text("interactive", "list_reply", "title")))
		d.add("Sent at", unixTime(m.text("timestamp")))
		d.add("Id", m.text("id"))
	case value.at("statuses", "0").value != nil:
		s := value.at("statuses", "0")
		d.What = "A WhatsApp message is " + s.text("status")
		d.add("To", s.text("recipient_id"))
		d.add("Error", s.text("errors", "0", "title"))
		d.add("At", unixTime(s.text("timestamp")))
		d.add("Id", s.text("id"))
	case entry.at("messaging", "0").value != nil:
		m := entry.at("messaging", "0")
		d.What = "A message in Messenger or Instagram"
		d.add("From", m.text("sender", "id"))
		d.add("To", m.text("recipient", "id"))
		d.add("Text", firstOf(m.text("message", "text"), m.text("postback", "title")))
		d.add("Id", m.text("message", "mid"))
	}
	return d
}

func decodeTelegram(j tree) *decoded {
	d := &decoded{Provider: "Telegram", What: "An update"}
	d.add("Update", j.text("update_id"))
	for _, name := range []string{"message", "edited_message", "channel_post", "callback_query"} {
		m := j.at(name)
		if m.value == nil {
			continue
		}
		d.What = map[string]string{"message": "An incoming message", "edited_message": "A message was edited", "channel_post": "A post in a channel", "callback_query": "A button was pressed"}[name]
		d.add("From", strings.TrimSpace(m.text("from", "first_name")+" "+m.text("from", "last_name")))
		d.add("User", m.text("from", "username"))
		d.add("Chat", firstOf(m.text("chat", "title"), m.text("chat", "id"), m.text("message", "chat", "id")))
		d.add("Text", firstOf(m.text("text"), m.text("caption"), m.text("data")))
		d.add("Sent at", unixTime(m.text("date")))
		d.add("Id", firstOf(m.text("message_id"), m.text("id")))
	}
	return d
}

func decodeX(j tree) *decoded {
	d := &decoded{Provider: "X", What: "An update of an account"}
	d.add("Account", j.text("for_user_id"))
	if m := j.at("direct_message_events", "0"); m.value != nil {
		d.What = "A direct message"
		d.add("From", m.text("message_create", "sender_id"))
		d.add("To", m.text("message_create", "target", "recipient_id"))
		d.add("Text", m.text("message_create", "message_data", "text"))
		d.add("Id", m.text("id"))
	} else if m := j.at("tweet_create_events", "0"); m.value != nil {
		d.What = "A post"
		d.add("From", m.text("user", "screen_name"))
		d.add("Text", m.text("text"))
		d.add("Id", m.text("id_str"))
	}
	return d
}

// tree is a JSON value to look around in.
type tree struct{ value any }

func (t tree) at(path ...string) tree {
	for _, part := range path {
		switch v := t.value.(type) {
		case map[string]any:
			t = tree{v[part]}
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return tree{}
			}
			t = tree{v[i]}
		default:
			return tree{}
		}
	}
	return t
}

// text is the value at a path as a text; "" for what is none, or no plain value.
func (t tree) text(path ...string) string {
	switch v := t.at(path...).value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// unixTime writes seconds since 1970 for people; what is none stays as it is.
func unixTime(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > 1<<34 {
		return s
	}
	return time.Unix(n, 0).UTC().Format("2 January 2006, 15:04:05 MST") + " (" + s + ")"
}

// part is one part of a multipart body.
type part struct {
	Name, File, Kind, Length string
	Text                     string
	Binary                   bool
}

// Bounds of what is shown of a multipart body.
const (
	maxParts    = 50
	maxPartText = 4 << 10
)

// partsOf are the parts of a multipart body, as far as it is kept.
func partsOf(body []byte, boundary string) []part {
	if boundary == "" {
		return nil
	}
	var list []part
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for len(list) < maxParts {
		p, err := r.NextRawPart()
		if err != nil {
			break
		}
		b, _ := io.ReadAll(p) // what was cut off is shown as far as it goes
		one := part{Name: p.FormName(), File: p.FileName(), Kind: p.Header.Get("Content-Type"), Length: lengthOf(int64(len(b)))}
		if one.Binary = !isText(b); !one.Binary {
			one.Text = strings.ToValidUTF8(string(b[:min(len(b), maxPartText)]), "\ufffd")
		}
		list = append(list, one)
	}
	return list
}
