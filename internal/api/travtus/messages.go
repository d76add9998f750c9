package travtus

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type postedOut struct {
	RequestID string `json:"request_id"`
}

// channels are what a posting may be, and how the object named like the channel is read.
var channels = []struct {
	name string
	read func(o *object, p *service.NewPosting) *service.PostedMessage
}{
	{"sms", readSMS},
	{"email", readEmail},
	{"web_chat", readWebChat},
	{"call_transcript", readCallTranscript},
	{"review", readReview},
}

// postMessage stores what is posted, and answers as soon as that is done: the responder runs afterwards.
func (h *handler) postMessage(w http.ResponseWriter, r *http.Request) error {
	body, in, err := readObject(r)
	if err != nil {
		return err
	}
	p := service.NewPosting{Body: body, Channel: in.need("channel")}
	var read func(*object, *service.NewPosting) *service.PostedMessage
	names := make([]string, len(channels))
	for i, c := range channels {
		names[i] = c.name
		if c.name == p.Channel {
			read = c.read
		}
	}
	if read == nil && p.Channel != "" {
		in.fail("channel", "must be one of "+strings.Join(names, ", "))
	}
	if err := in.checks.Err(); err != nil {
		return err
	}
	if p.Group, err = readGroup(in); err != nil {
		return err
	}
	if err := h.service.CheckGroup(r.Context(), appOf(r), p.Group); err != nil {
		return err
	}
	readPosting(in, &p, read)
	if err := in.checks.Err(); err != nil {
		return err
	}
	posted, err := h.service.Post(r.Context(), appOf(r), p)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, postedOut{posted.RequestID})
}

// readGroup is the group that the request names in one of two ways.
func readGroup(in *object) (service.GroupRef, error) {
	ref := service.GroupRef{UUID: in.text("group_id"), ExternalRef: in.text("group_external_ref")}
	if err := in.checks.Err(); err != nil {
		return ref, err
	}
	switch {
	case ref.UUID == "" && ref.ExternalRef == "":
		return ref, &hookswitch.Error{Kind: hookswitch.Invalid, Code: "no_group",
			Message: "You must either provide a group id or group external reference in the request body."}
	case ref.UUID != "" && ref.ExternalRef != "":
		return ref, &hookswitch.Error{Kind: hookswitch.Invalid, Code: "both_group_identifiers_provided",
			Message: "You must provide either a group id or a group external reference in the request body, not both."}
	case len(ref.ExternalRef) > hookswitch.MaxGroupRef:
		in.fail("group_external_ref", "must be at most 256 bytes long")
	case ref.UUID != "":
		uuid, ok := hookswitch.ParseUUID(ref.UUID)
		if !ok {
			in.fail("group_id", "must be a UUID")
		}
		ref.UUID = uuid
	}
	return ref, in.checks.Err()
}

// readPosting reads what all channels have, and the object of the channel.
func readPosting(in *object, p *service.NewPosting, read func(*object, *service.NewPosting) *service.PostedMessage) {
	direction := hookswitch.Inbound
	switch word := in.text("message_direction"); {
	case word == "", strings.EqualFold(word, "Inbound"):
	case strings.EqualFold(word, "Outbound"):
		direction = hookswitch.Outbound
	default:
		in.fail("message_direction", "must be Inbound or Outbound")
	}
	first, last := in.text("first_name"), in.text("last_name")
	attachments, uri := in.texts("attachment_urls"), in.text("message_uri")
	o := in.object(p.Channel, true)
	if o == nil {
		return
	}
	m := read(o, p)
	if p.Message = m; m == nil {
		return
	}
	if m.Direction = direction; direction == hookswitch.Outbound && m.Channel == hookswitch.Email {
		to, _, _ := strings.Cut(m.Own, ",") // the mail went to the person
		m.Person, m.Own = to, m.Person
	}
	m.Name = cmp.Or(strings.TrimSpace(first+" "+last), m.Name)
	if len(attachments) > 0 {
		m.Content["attachmentUrls"] = attachments
	}
	if uri != "" {
		m.Content["messageUri"] = uri
	}
}

// note puts texts of o into the content of m, under names of our own. Those that are not there are left out.
func note(m *service.PostedMessage, o *object, names ...string) {
	for i := 0; i < len(names); i += 2 {
		if text := o.text(names[i]); text != "" {
			m.Content[names[i+1]] = text
		}
	}
}

// readCommon reads what all messages have.
func readCommon(o *object, p *service.NewPosting, ch hookswitch.Channel) *service.PostedMessage {
	p.MessageID = o.id("message_id", true)
	m := &service.PostedMessage{Channel: ch, At: o.when("created_datetime", true), Content: map[string]any{}}
	m.Content["source"] = cmp.Or(o.text("source"), "unknown")
	note(m, o, "agent_id", "agentId", "agent_full_name", "agentName", "agent_first_name", "agentFirstName", "agent_last_name", "agentLastName",
		"agent_phone_number", "agentPhoneNumber", "agent_email_address", "agentEmail")
	return m
}

func readSMS(o *object, p *service.NewPosting) *service.PostedMessage {
	m := readCommon(o, p, hookswitch.SMS)
	m.Text, m.Person, p.ConversationID = o.need("text"), o.id("phone_number", true), o.id("conversation_id", true)
	m.Own = cmp.Or(o.id("sent_to_phone_number", false), o.text("agent_phone_number"))
	return m
}

func readEmail(o *object, p *service.NewPosting) *service.PostedMessage {
	m := readCommon(o, p, hookswitch.Email)
	m.Text, p.ConversationID = o.need("text"), o.id("conversation_id", true)
	m.Person = o.id("from_email_address", true)
	to := addresses(o)
	m.Content["subject"] = o.need("subject")
	if !o.has("references") {
		o.fail("references", required)
	} else if refs := o.texts("references"); len(refs) > 0 {
		m.Content["references"] = refs
	}
	note(m, o, "in_reply_to", "inReplyTo")
	m.Own = strings.Join(to, ", ")
	return m
}

// addresses are the recipients of a mail: a text with commas, or a list.
func addresses(o *object) []string {
	const name = "to_email_addresses"
	if !o.has(name) {
		o.fail(name, required)
		return nil
	}
	var list []string
	var text string
	switch raw := o.fields[name]; {
	case json.Unmarshal(raw, &text) == nil:
		list = strings.Split(text, ",")
	case json.Unmarshal(raw, &list) != nil:
		o.fail(name, "must be a string or a list of strings")
		return nil
	}
	out := list[:0]
	for _, a := range list {
		if a = strings.TrimSpace(a); a != "" {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		o.fail(name, required)
	}
	return out
}

func readWebChat(o *object, p *service.NewPosting) *service.PostedMessage {
	m := readCommon(o, p, hookswitch.WebChat)
	m.Text, p.ConversationID = o.need("text"), o.id("conversation_id", false)
	m.Person, m.Name = o.id("sender_ext_ref", false), o.text("name")
	return m
}

func readCallTranscript(o *object, p *service.NewPosting) *service.PostedMessage {
	m := readCommon(o, p, hookswitch.Voice)
	p.ConversationID = o.id("conversation_id", true)
	m.Quiet, m.Text, m.Person, m.Own = true, o.text("text"), o.id("phone_number", false), o.id("number_dialed_by_user", false)
	m.Content["recordingUrl"] = o.need("recording_url")
	note(m, o, "call_status", "callStatus", "forwarding_number", "forwardingNumber")
	for _, f := range [...][2]string{{"call_duration_in_sec", "durationSeconds"}, {"call_handle_time", "handleTime"}, {"call_queue_wait_time", "queueWaitTime"}} {
		if v := o.scalar(f[0]); v != nil {
			m.Content[f[1]] = v
		}
	}
	return m
}

// readReview reads a review, which is kept as it is.
func readReview(o *object, p *service.NewPosting) *service.PostedMessage {
	p.MessageID = o.id("review_id", true)
	_, _, _ = o.text("source"), o.text("title"), o.text("comment")
	o.scalar("rating")
	o.when("created_datetime", false)
	o.when("updated_datetime", false)
	return nil
}
