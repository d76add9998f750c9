package hookswitch

import "time"

// Draft is an answer to what a person has written in public. It goes out when somebody has approved it.
type Draft struct {
	Key          Key
	App          Key
	Sender       Key
	Conversation Key
	Message      Key    // the received message that it answers
	Answer       Key    // the message that was made of it; 0: none yet
	PostID       string // the provider's id of the post
	Author       string // who wrote the post, by the name that the provider shows
	PostText     string
	Reply        string
	Status       DraftStatus
	// Failure says why an approved draft could not be posted. It waits for review again then.
	Failure   string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// MaxDraft is how many characters a draft may have, counted as UTF-16 units.
const MaxDraft = 280

// DraftStatus is what has become of a draft.
type DraftStatus string

// The statuses of drafts.
const (
	DraftPending  DraftStatus = "pending_review"
	DraftApproved DraftStatus = "approved"
	DraftPosted   DraftStatus = "posted"
	DraftRejected DraftStatus = "rejected"
)
