package hookswitch

import (
	"context"
	"time"
)

// Responder answers received messages. It may be called from many goroutines at once, and again for the same turn after a
// crash: only the answer that is committed counts.
type Responder interface {
	// Respond returns what to say. A Reply without text says nothing. An error makes the turn be tried again, unless it is a *ResponderError that
	// says otherwise.
	Respond(ctx context.Context, turn *Turn) (Reply, error)
}

// Fallbacker is a Responder that has words for when it has failed for good.
type Fallbacker interface {
	// Fallback is what is said instead of an answer. A Reply without text says nothing.
	Fallback(turn *Turn) Reply
}

// Attentive is a Responder that may have people shown that an answer is on its way.
type Attentive interface {
	// Attends reports whether the person of the turn is to be shown that their message was read and an answer is being written, where the channel can.
	Attends(turn *Turn) bool
}

// ResponderError is a failure of a Responder that says whether asking again may help. Its text holds nothing that a person wrote, and no secret.
type ResponderError struct {
	Message string
	// Permanent says that the same turn would fail again.
	Permanent bool
	// RetryAfter is how long the responder asked to be left alone; zero: it did not.
	RetryAfter time.Duration
	Err        error
}

func (e *ResponderError) Error() string { return e.Message }

func (e *ResponderError) Unwrap() error { return e.Err }

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
	// State is what the last Reply of the same call, session or chat wanted to be reminded of; empty at the beginning, and in a chat after a day of silence.
	State string
	// Unsolved is how many answers in a row, up to the last one, have not solved what the person wants.
	Unsolved int
	At       time.Time
	History  []Line // older messages of the conversation, oldest first
}

// Line is one message of a conversation's history.
type Line struct {
	Direction Direction
	Type      string // as of a Message
	Text      string // its beginning, where it is long
	Answer    bool   // it answers a message of the person, as a responder's do
	At        time.Time
}

// Reply is a responder's answer.
type Reply struct {
	Text string
	// End closes a dialogue that has an end, such as a USSD session.
	End bool
	// Handover asks for a person: the responder is silent in the conversation from now on.
	Handover bool
	// State, a text of the responder's own of at most MaxTurnState bytes, comes with the next Turn of the same call, session or chat. A longer one is dropped.
	State string
	// Unsolved says that the answer does not solve what the person wants.
	Unsolved bool
	// Screen names the place in a flow that the answer shows; empty: it is none of a flow.
	Screen string
	// Use is what the answer has cost. It comes with an error too, as far as it is known.
	Use ReplyUse
}

// ReplyUse is what it has cost to ask a Responder.
type ReplyUse struct {
	// Kind is that of the Responder, and Took how long it had to be waited for. Who asks sets them.
	Kind string
	Took time.Duration
	// Model is the one that answered, and TokensIn and TokensOut what its server has counted; 0: it does not say.
	Model               string
	TokensIn, TokensOut int
	// Refused says that the model refused to answer.
	Refused bool
}

// ReplyResult is what became of asking a Responder. The words are stored.
type ReplyResult string

// What becomes of asking.
const (
	ReplyAnswered ReplyResult = "answered"
	ReplySilent   ReplyResult = "silent"   // it had nothing to say
	ReplyHandover ReplyResult = "handover" // it asked for a person
	ReplyRefused  ReplyResult = "refused"  // the model refused
	ReplyDropped  ReplyResult = "dropped"  // a person had taken over meanwhile, or the person wants no more messages
	ReplyAgain    ReplyResult = "again"    // it failed, and is asked again
	ReplyFailed   ReplyResult = "failed"   // it failed for good
)

// ReplyResults are all of them.
var ReplyResults = []ReplyResult{ReplyAnswered, ReplySilent, ReplyHandover, ReplyRefused, ReplyDropped, ReplyAgain, ReplyFailed}

// ReplyRecord is one time that a Responder was asked for an answer. Nothing that anybody said is in it.
type ReplyRecord struct {
	Key          Key
	App          Key
	Sender       Key // whom the person wrote to
	Conversation Key
	Message      Key // what it answered; 0: a call or a session had just begun
	Dialogue     Key // 0: it was no call or session
	Channel      Channel
	Result       ReplyResult
	Try          int // 1 for the first
	Use          ReplyUse
	Problem      string // why there is no answer
}

// At is when it was recorded.
func (r *ReplyRecord) At() time.Time { return r.Key.Time() }

// MaxTurnState is the greatest length of what a Responder is reminded of, in bytes.
const MaxTurnState = 16 << 10
