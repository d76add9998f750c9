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
	Handover bool
	// Unsolved is how many of the responder's answers in a row have not solved what the person wants, and State what it wants to be reminded of. Both are
	// forgotten when the person has been silent for a day, or the conversation is given back.
	Unsolved      int
	State         string
	LastInboundAt time.Time // by our own clock; opens the window for free-form answers
	Inbound       int       // messages received
	Messages      int
	Unread        int
	LastMessage   Key
	CreatedAt     time.Time
	UpdatedAt     time.Time
}
