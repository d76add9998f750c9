package hookswitch

import (
	"encoding/json"
	"time"
)

// Message is one chat message, received or sent.
type Message struct {
	Key          Key
	App          Key
	Sender       Key
	Route        Key // 0: no route could carry it
	Conversation Key
	Contact      Key
	Direction    Direction
	Channel      Channel
	Type         string // in the words of the Zavu-shaped API: text, image, audio, …
	Status       MessageStatus
	From, To     string
	Text         string
	Content      json.RawMessage   // what a type other than text carries; nil: nothing
	Metadata     map[string]string // the caller's own
	ProviderID   string
	ProviderAt   time.Time // the provider's time of receipt; zero: unknown
	ProfileName  string
	InReplyTo    Key // the received message that this one answers
	Parts        int // in how many parts a text goes out that is too long for one message of its channel; 0: in one piece
	// Review has the answers to a received message wait for a person's approval.
	Review bool
	// Test says that the message is only simulated: it goes through everything, and reaches no provider.
	Test bool
	// Fallback says that a message which cannot be brought on WhatsApp goes out by SMS instead, where its sender can.
	Fallback  bool
	ErrorCode string
	ErrorText string
	EditedAt  time.Time // when the person last changed it, as the provider tells it; zero: never
	DeletedAt time.Time // when the person took it back; zero: never
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MessageVersion is what a message read before the person changed it.
type MessageVersion struct {
	Message Key
	Text    string
	Until   time.Time // when it was changed
}

// TagHumanAgent is the messageTag in the content of a message that a person has written.
const TagHumanAgent = "HUMAN_AGENT"

// ByHuman reports whether a person has written m, a message to send: its content says so by the messageTag HUMAN_AGENT. What a responder has made never
// counts as such.
func (m *Message) ByHuman() bool {
	var content struct {
		Tag string `json:"messageTag"`
	}
	return m.InReplyTo == 0 && len(m.Content) > 0 && json.Unmarshal(m.Content, &content) == nil && content.Tag == TagHumanAgent
}

// MessagePart is a part of a text that is too long for one message of its channel. The parts go out one after the other, each by a send of its own.
type MessagePart struct {
	Message    Key
	Number     int // from 1
	App        Key
	Route      Key
	Text       string
	Status     MessageStatus
	Accepted   bool // the provider has taken it
	ProviderID string
	ErrorCode  string
	ErrorText  string
	BegunAt    time.Time // when its last send began; zero: none has
}

// Direction tells a received message from a sent one.
type Direction string

// The directions.
const (
	Inbound  Direction = "inbound"
	Outbound Direction = "outbound"
)

// MessageStatus is how far a message has come.
type MessageStatus string

// The statuses. They never go backwards.
const (
	StatusReceived  MessageStatus = "received"
	StatusQueued    MessageStatus = "queued"
	StatusSending   MessageStatus = "sending"
	StatusSent      MessageStatus = "sent"
	StatusDelivered MessageStatus = "delivered"
	StatusRead      MessageStatus = "read"
	StatusFailed    MessageStatus = "failed"
)

var statusRank = map[MessageStatus]int{StatusQueued: 1, StatusSending: 2, StatusSent: 3, StatusFailed: 4, StatusDelivered: 5, StatusRead: 6}

// CanBecome reports whether a message of status s moves on when next is reported. Reports come late, twice and out of order: only a step
// forward counts, and failed yields to nothing but the proof of having arrived.
func (s MessageStatus) CanBecome(next MessageStatus) bool {
	a, b := statusRank[s], statusRank[next]
	return a != 0 && b > a
}

// EventType is the name of the event that tells of the status, or "" where there is none.
func (s MessageStatus) EventType() string {
	switch s {
	case StatusQueued, StatusSent, StatusDelivered, StatusRead, StatusFailed:
		return "message." + string(s)
	}
	return ""
}

// Receipt is one report of a provider about a message we sent, kept with its time whether or not it moved the status.
type Receipt struct {
	Key        Key
	App        Key
	Route      Key
	Message    Key // 0: no message of ours is known by that id
	ProviderID string
	Status     MessageStatus
	At         time.Time // as the provider tells it
	ErrorCode  string
	ErrorText  string
	// HeldBy is the conversation in which a message was being sent that the report may have been about: then its event waits until that is known. Channel and Recipient are
	// what it is about; elsewhere they are empty.
	HeldBy    Key
	Channel   Channel
	Recipient string
}
