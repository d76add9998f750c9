package webchat

import (
	"cmp"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Message is what a visitor has written. ID and VisitorID are required, and of Text, MediaURL and ReplyID one.
type Message struct {
	// ID names the message among those of the visitor: the same one again is not taken twice.
	ID             string
	VisitorID      string
	VisitorName    string
	ConversationID string // the writer's own, handed on
	Text           string
	SentAt         time.Time // zero: when it came in
	PageURL        string    // where the visitor was
	ReplyTo        string    // the id of the message that this one quotes
	ReplyID        string    // the id of the button or row that was chosen; Text is its title
	MediaURL       string    // of a file that was added
	MediaType      string    // its MIME type
	Filename       string
}

// Update is m as it is handed to the service, with the Route of the visitor's chat.
func (m *Message) Update() hookswitch.Update {
	metadata, content := facts{"provider": "webchat"}, facts{}
	metadata.text("conversationId", m.ConversationID)
	metadata.text("profileName", m.VisitorName)
	metadata.text("pageUrl", m.PageURL)
	in := &hookswitch.InboundMessage{ProviderID: m.ID, From: m.VisitorID, ProfileName: m.VisitorName, Text: m.Text, Type: "text"}
	switch {
	case m.MediaURL != "":
		in.Kind = mediaKind(m.MediaType)
		in.Type, in.Marker = in.Kind, "["+in.Kind+"]"
		for _, f := range []facts{metadata, content} {
			f.text("mediaUrl", m.MediaURL)
			f.text("mimeType", m.MediaType)
			f.text("filename", m.Filename)
		}
	case m.ReplyID != "":
		in.Kind, in.Marker = "button_reply", "[button_reply]"
		metadata.text("replyId", m.ReplyID)
		content.text("replyId", m.ReplyID)
	}
	if m.ReplyTo != "" {
		metadata.text("replyToMessageId", m.ReplyTo)
		content.text("replyToProviderMessageId", m.ReplyTo)
	}
	metadata.text("messageType", in.Kind)
	in.Metadata = metadata
	if len(content) > 0 {
		in.Content = content
	}
	return hookswitch.Update{Channel: hookswitch.WebChat, Dedup: "message:" + m.VisitorID + ":" + m.ID, At: m.SentAt, Message: in}
}

// mediaKind is the kind of a message with a file of the MIME type.
func mediaKind(mime string) string {
	kind, _, _ := strings.Cut(strings.ToLower(mime), "/")
	switch kind {
	case "image", "video", "audio":
		return kind
	}
	return "document"
}

// Seen is the Update that tells how far a message of ours has come with a visitor: status is delivered, when a browser has fetched it, or read, when it has
// shown it. id is the id under which the message was sent. Whoever calls has made sure that the message was for that visitor.
func Seen(visitorID, id string, status hookswitch.MessageStatus, at time.Time) hookswitch.Update {
	return hookswitch.Update{
		Channel: hookswitch.WebChat, Dedup: "status:" + id + ":" + string(status), At: at,
		Receipt: &hookswitch.MessageReceipt{ProviderID: id, Ref: id, Recipient: visitorID, Status: status},
	}
}

// facts collects members of metadata and content that are left out where they are empty.
type facts map[string]any

func (f facts) text(name, v string) {
	if v != "" {
		f[name] = v
	}
}

// problem says what m lacks, or is "".
func (m *Message) problem() string {
	switch {
	case m.ID == "":
		return "message_id is missing"
	case m.VisitorID == "":
		return "visitor_id is missing"
	case cmp.Or(m.Text, m.MediaURL, m.ReplyID) == "":
		return "message_text is missing"
	case m.MediaURL != "" && !isWebURL(m.MediaURL):
		return "media_url must be an http or https URL"
	}
	return ""
}
