package hookswitch

import (
	"slices"
	"time"
)

// Contact is a person who has written to, or been written to by, an App.
type Contact struct {
	Key         Key
	App         Key
	Name        string // as the channel's profile gives it
	DisplayName string // as the App calls them; empty: it has no name for them
	// DefaultChannel is where the App would rather write to them; empty: it has no preference.
	DefaultChannel Channel
	Metadata       map[string]string
	Identifiers    []Identifier
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Identifier is how a Contact is known on one channel: a phone number with "+", a user id, an address.
type Identifier struct {
	Key           Key // unique among those of its Contact
	Channel       Channel
	Value         string
	Primary       bool // the one to use of those on the same channel
	Verified      bool
	Label         string
	CountryCode   string // of two letters; empty: not known
	Metadata      map[string]string
	LastInboundAt time.Time
	// OptedOutAt is when the person asked for no more messages there; zero: they have not.
	OptedOutAt time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Primary is the identifier to use of those on the first of the channels that has any; nil: there is none.
func (c *Contact) Primary(channels ...Channel) *Identifier {
	var found *Identifier
	for _, ch := range channels {
		for i := range c.Identifiers {
			id := &c.Identifiers[i]
			if id.Channel == ch && (found == nil || id.Primary && !found.Primary) {
				found = id
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// Channels are those on which the person is known, each once, in the order of Channels.
func (c *Contact) Channels() []Channel {
	var out []Channel
	for _, ch := range Channels {
		if slices.ContainsFunc(c.Identifiers, func(id Identifier) bool { return id.Channel == ch }) {
			out = append(out, ch)
		}
	}
	return out
}
