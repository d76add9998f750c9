package hookswitch

// Posting is what a program has posted to the Travtus-shaped API: a message, or a review. Its Key is the Message's.
type Posting struct {
	Key Key
	App Key
	// RequestID is the UUID that the caller was answered with, and the message_id of the first event that answers it.
	RequestID string
	// Channel is the caller's word: sms, email, web_chat, call_transcript or review.
	Channel string
	// MessageID and ConversationID are the caller's own. The latter is made where the caller gave none.
	MessageID      string
	ConversationID string
	Conversation   Key // 0: a review belongs to none
	Group          Key
	// Answered says that an event has told of an answer.
	Answered bool
	Body     []byte // as it was posted
}
