package webchat

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

// post is a body at the door. Without a type it is a message.
type post struct {
	Type           text     `json:"type"`
	MessageID      text     `json:"message_id"`
	ConversationID text     `json:"conversation_id"`
	VisitorID      text     `json:"visitor_id"`
	VisitorName    text     `json:"visitor_name"`
	MessageText    text     `json:"message_text"`
	SentAt         text     `json:"sent_at"`
	PageURL        text     `json:"page_url"`
	ReplyTo        text     `json:"reply_to"`
	ReplyID        text     `json:"reply_id"`
	MediaURL       text     `json:"media_url"`
	MediaType      text     `json:"media_type"`
	Filename       text     `json:"filename"`
	MessageIDs     textList `json:"message_ids"`
}

// maxSeen is how many messages one report may name.
const maxSeen = 1000

// Parse reads one post. The caller is the operator's own and not a provider that would repeat itself for days, so what lacks a required member is refused with a
// word about it.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(push.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
	}
	var in *post
	if err := json.Unmarshal(push.Body, &in); err != nil || in == nil {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body must be a JSON object")
	}
	switch in.Type {
	case "", "message":
		return in.message()
	case "delivered":
		return in.seen(hookswitch.StatusDelivered)
	case "read":
		return in.seen(hookswitch.StatusRead)
	}
	return nil, nil // typing, and what may come to be
}

func (in *post) message() ([]hookswitch.Update, error) {
	m := Message{
		ID: string(in.MessageID), VisitorID: string(in.VisitorID), VisitorName: string(in.VisitorName), ConversationID: string(in.ConversationID),
		Text: string(in.MessageText), SentAt: in.SentAt.time(), PageURL: string(in.PageURL), ReplyTo: string(in.ReplyTo), ReplyID: string(in.ReplyID),
		MediaURL: string(in.MediaURL), MediaType: string(in.MediaType), Filename: string(in.Filename),
	}
	if problem := m.problem(); problem != "" {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "%s", problem)
	}
	return []hookswitch.Update{m.Update()}, nil
}

func (in *post) seen(status hookswitch.MessageStatus) ([]hookswitch.Update, error) {
	ids := in.MessageIDs
	if in.MessageID != "" {
		ids = append(ids, string(in.MessageID))
	}
	switch {
	case len(ids) == 0:
		return nil, hookswitch.Errorf(hookswitch.Invalid, "message_ids is missing")
	case len(ids) > maxSeen:
		return nil, hookswitch.Errorf(hookswitch.Invalid, "message_ids may name at most %d messages", maxSeen)
	}
	var updates []hookswitch.Update
	known := map[string]bool{}
	for _, id := range ids {
		if !known[id] {
			known[id] = true
			updates = append(updates, Seen(string(in.VisitorID), id, status, in.SentAt.time()))
		}
	}
	return updates, nil
}

// text is a JSON text, or a number as it is written. Anything else reads as "".
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch raw[0] {
	case '"':
		return json.Unmarshal(raw, (*string)(t))
	case '{', '[', 'n', 't', 'f':
	default:
		*t = text(raw)
	}
	return nil
}

// time reads RFC 3339, or Unix time in milliseconds. Anything else is the zero time.
func (t text) time() time.Time {
	if at, err := time.Parse(time.RFC3339, string(t)); err == nil {
		return at.UTC()
	}
	const last = 253402300799999 // of the year 9999
	if ms, err := strconv.ParseInt(string(t), 10, 64); err == nil && ms > 0 && ms <= last {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// textList is a JSON list of texts, without empty ones. Anything else reads as an empty list.
type textList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *textList) UnmarshalJSON(raw []byte) error {
	*l = nil
	var items []text
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	for _, t := range items {
		if t != "" {
			*l = append(*l, string(t))
		}
	}
	return nil
}

// isWebURL reports whether a browser may be sent to s: other schemes can run code in the visitor's page.
func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
