package hookswitch

import "time"

// ReceivedMessage is a received message in the shape of the event message.received. Names and forms are those of that event:
// the channel x is "twitter", web chat one word.
type ReceivedMessage struct {
	Channel   string         `json:"channel"`
	SenderID  string         `json:"senderId"`
	Message   string         `json:"message"`
	MessageID string         `json:"messageId"`
	Timestamp string         `json:"timestamp"`
	Metadata  map[string]any `json:"metadata"`
}

// NewReceivedMessage is the message of u, which must have one. Where the provider gave no time, the push's time of receipt,
// received, stands in, in whole seconds. The Metadata is shared with u.
func NewReceivedMessage(u *Update, received time.Time) ReceivedMessage {
	m := u.Message
	out := ReceivedMessage{
		Channel:   u.Channel.ReceivedName(),
		SenderID:  m.From,
		Message:   m.Text,
		MessageID: m.ProviderID,
		Timestamp: ReceivedTime(u.At, received),
		Metadata:  m.Metadata,
	}
	if out.Message == "" {
		out.Message = m.Marker
	}
	if out.Metadata == nil {
		out.Metadata = map[string]any{}
	}
	return out
}

// ReceivedTime writes the provider's time at as events in the shape of message.received do: RFC 3339 in UTC, with
// milliseconds only where there are some. A zero at is replaced by received without its fraction.
func ReceivedTime(at, received time.Time) string {
	if at.IsZero() {
		at = received.Truncate(time.Second)
	}
	at = at.UTC().Truncate(time.Millisecond)
	if at.Nanosecond() == 0 {
		return at.Format("2006-01-02T15:04:05Z")
	}
	return at.Format("2006-01-02T15:04:05.000Z")
}
