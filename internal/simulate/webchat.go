package simulate

import (
	"cmp"
	"encoding/json"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
)

// WebChat is a server of the operator's that passes on what visitors of a web site write. There is no API to stand in for: sending makes no call.
type WebChat struct {
	Token hookswitch.Secret
	// Path is where posts go; empty: /api/v1/channels/webchat.
	Path string
	// Now tells the time of what happens; nil: time.Now.
	Now func() time.Time
}

// DemoWebChat is what is played when nobody names another. What its token proves is of no worth.
func DemoWebChat() WebChat { return WebChat{Token: "wc-test-token-19af"} }

// Text is what a visitor has written.
func (w WebChat) Text(visitor, name, text string) Push {
	return w.message(visitor, map[string]any{"visitor_name": name, "message_text": text, "conversation_id": "conv_" + visitor, "page_url": "https://www.example.com/"})
}

// Button is the press of a button of one of our messages, whose id is replyTo.
func (w WebChat) Button(visitor, replyTo, id, title string) Push {
	return w.message(visitor, map[string]any{"message_text": title, "reply_id": id, "reply_to": replyTo})
}

// File is a file that a visitor has added.
func (w WebChat) File(visitor, address, mimeType, filename string) Push {
	return w.message(visitor, map[string]any{"media_url": address, "media_type": mimeType, "filename": filename})
}

// Seen tells that the visitor's browser has fetched the messages, delivered, or shown them, read.
func (w WebChat) Seen(visitor string, status hookswitch.MessageStatus, ids ...string) Push {
	p := w.push(map[string]any{"type": string(status), "visitor_id": visitor, "message_ids": ids, "sent_at": w.now()})
	p.IDs = ids
	return p
}

// Typing tells that the visitor is writing.
func (w WebChat) Typing(visitor string) Push {
	return w.push(map[string]any{"type": "typing", "visitor_id": visitor})
}

// Forge is p as somebody would make it who does not know the token.
func (w WebChat) Forge(p Push) Push {
	p.Header = p.Header.Clone()
	p.Header.Set("Authorization", "Bearer guessed")
	return p
}

func (w WebChat) message(visitor string, members map[string]any) Push {
	id := "wc_" + newUUID()
	members["message_id"], members["visitor_id"], members["sent_at"] = id, visitor, w.now()
	p := w.push(members)
	p.IDs = []string{id}
	return p
}

func (w WebChat) push(members map[string]any) Push {
	body, err := json.Marshal(members)
	if err != nil {
		panic(err) // texts and lists of them
	}
	return Push{Method: http.MethodPost, Path: cmp.Or(w.Path, "/api/v1/channels/webchat"), Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + w.Token.Reveal()}}}
}

func (w WebChat) now() string {
	now := time.Now()
	if w.Now != nil {
		now = w.Now()
	}
	return now.UTC().Format(time.RFC3339)
}
