package hookswitch

import "time"

// Conversation is the thread of one Sender and one Contact.
type Conversation struct {
	Key     Key
	App     Key
	Sender  Key
	Contact Key
	// Handover says that a person has taken over: the responder stays silent until the conversation is given back.
	Handover      bool
	LastInboundAt time.Time // by our own clock; opens the window for free-form answers
	Inbound       int       // messages received
	Messages      int
	Unread        int
	LastMessage   Key
	// Channels are those that messages of it have gone over, in the order of their names.
	Channels  []Channel
	CreatedAt time.Time
	UpdatedAt time.Time
}
