package hookswitch

import "time"

// Carrier is a MessageSender that knows what it cannot carry without being asked to.
type Carrier interface {
	// Carries reports whether a message of the type, a word of the Zavu-shaped API, may be sent on the channel. Whether its content will do is up to Send.
	Carries(ch Channel, messageType string) bool
}

// Pace is how often may be sent over a Route: in all, and to one person.
type Pace struct {
	Route  Rate
	Person Rate
}

// Pacer is a MessageSender whose provider takes only so many messages in a time.
type Pacer interface {
	// Pace is what the provider lets the account of r send. What an operator says of the Route goes before Pace.Route.
	Pace(r *Route) Pace
}

// Repeater is a MessageSender whose provider knows a message again by its Outgoing.Ref, so that a call whose outcome is unknown may be made again.
type Repeater interface {
	// Repeats is for how long after the first call the provider knows a message again; 0: it does not.
	Repeats(r *Route) time.Duration
}

// TextLimiter is a MessageSender that carries less text in one message than is usual on a channel.
type TextLimiter interface {
	// TextLimit is how many characters a text message on the channel may have, counted as UTF-16 units; 0: as many as is usual there.
	TextLimit(ch Channel) int
}
