package hookswitch

import "time"

// Conversation is the thread of one Sender and one Contact. They have one, and one more for each thread that somebody else tells apart.
type Conversation struct {
	Key     Key
	App     Key
	Sender  Key
	Contact Key
	// Thread is somebody else's name for the conversation, unique in the Sender; empty: it is the one of the Sender and the Contact.
	Thread string
	// Handover says that a person has taken over: the responder stays silent until the conversation is given back.
	Handover      bool
	LastInboundAt time.Time // by our own clock; opens the window for free-form answers
	Inbound       int       // messages received
	Messages      int
	Unread        int
	LastMessage   Key
	CreatedAt     time.Time
	UpdatedAt     time.Time
}
