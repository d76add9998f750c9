package hookswitch

import "time"

// DialogueStep is one request of a dialogue whose answer is the response to the request itself: a hop of a USSD session, a turn of a call, or word of how it
// goes on elsewhere.
type DialogueStep struct {
	Session   string // the provider's id of the session or call
	From, To  string // the person, E.164 with "+", and our service code or number; of a call that we make, To is the person
	Direction Direction
	// Input is what the person has said or entered. In a USSD session it is everything entered so far, joined with "*".
	Input string
	// Turn counts the answers of a call: a step with 2 follows our second answer. 0 is the first step of a call, and every step of a USSD session.
	Turn     int
	Metadata map[string]any // of the normalised message, flat
	// Progress is the provider's word for where a call is, such as "ringing". Such a step, and one with End, is acknowledged and not answered.
	Progress string
	End      *DialogueEnd
}

// DialogueEnd tells how a dialogue ended.
type DialogueEnd struct {
	// Status is completed, busy, failed, no-answer or canceled for a call; completed, aborted or error for a USSD session.
	Status    string
	Duration  time.Duration // zero: not told
	ErrorText string
}

// DialogueReply is what a person hears or sees next.
type DialogueReply struct {
	Text string
	End  bool // nothing more is asked
	// Dial connects a call to this number after Text; empty: it does not.
	Dial string
	// Turn is what the next step of a call will carry.
	Turn int
}

// Dialoguer is a Provider whose pushes may be steps of a dialogue.
type Dialoguer interface {
	// Say is the response to a push that Parse has read as the step s.
	Say(p *Push, s *DialogueStep, r DialogueReply) Answer
}
