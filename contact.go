package hookswitch

import "time"

// Contact is a person who has written to, or been written to by, an App.
type Contact struct {
	Key         Key
	App         Key
	Name        string // as the channel's profile gives it
	Metadata    map[string]string
	Identifiers []Identifier
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Identifier is how a Contact is known on one channel: a phone number with "+", a user id, an address.
type Identifier struct {
	Channel       Channel
	Value         string
	LastInboundAt time.Time
	// OptedOutAt is when the person asked for no more messages there; zero: they have not.
	OptedOutAt time.Time
}
