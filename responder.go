package hookswitch

import (
	"context"
	"time"
)

// Responder answers received messages. It may be called from many goroutines at once, and again for the same turn after a
// crash: only the answer that is committed counts.
type Responder interface {
	// Respond returns what to say. A Reply without text says nothing. An error makes the turn be tried again.
	Respond(ctx context.Context, turn *Turn) (Reply, error)
}

// Turn is a received message and what led up to it.
type Turn struct {
	App          string // ids, as seen outside
	Sender       string
	Conversation string
	MessageID    string
	Channel      Channel
	From         string
	ProfileName  string
	Text         string
	Type         string
	ReplyID      string // of a pressed button or chosen row
	// First says that it is the first message the person ever sent to this Sender.
	First bool
	// Opens says that a call or a USSD session has begun and the person has not said anything yet: it is to be greeted.
	Opens bool
	// State is what the last Reply of the same call or session wanted to be reminded of; empty elsewhere, and at the beginning.
	State   string
	At      time.Time
	History []Line // older messages of the conversation, oldest first
}

// Line is one message of a conversation's history.
type Line struct {
	Direction Direction
	Text      string
	At        time.Time
}

// Reply is a responder's answer.
type Reply struct {
	Text string
	// End closes a dialogue that has an end, such as a USSD session.
	End bool
	// Handover asks for a person: the responder is silent in the conversation from now on.
	Handover bool
	// State, a text of the responder's own, comes with the next Turn of the same call or session. Elsewhere there is nothing that it could belong to, and it is dropped.
	State string
}
