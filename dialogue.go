package hookswitch

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// DialogueStep is one request of a dialogue whose answer is the response to the request itself: a hop of a USSD session, a turn of a call, or word of how it
// goes on elsewhere.
type DialogueStep struct {
	Session   string // the provider's id of the session or call
	From, To  string // the person, E.164 with "+", and our service code or number; of a call that we make, To is the person. Empty: withheld
	Direction Direction
	// Input is what the person has said or entered. In a USSD session it is everything entered so far, joined with "*".
	Input string
	// Turn counts the answers of a call: a step with 2 follows our second answer. 0 is the first step of a call, every step of a USSD session, and a step
	// of a call with an Input that does not say which answer it follows: that one is known by the Dedup of its Update.
	Turn int
	// Silent says of a step of a call with neither Turn nor Input that the call was answered before: it is the first only if nothing has been asked yet. Else
	// the person was asked something and said nothing.
	Silent bool
	// Metadata is that of the normalised message, flat. Of a step that ends a USSD session, providerStatus is the provider's own word for how.
	Metadata map[string]any
	// Progress is the provider's word for where a call is: initiated, ringing or in-progress. Such a step, and one with End, is acknowledged and not
	// answered.
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
	// Say is the response to a push that Parse has read as the step s, which has neither Progress nor End. It is called again for the same step with
	// the same reply when the provider repeats the push.
	Say(p *Push, s *DialogueStep, r DialogueReply) Answer
}

// Dialogue is a USSD session or a call as it is kept.
type Dialogue struct {
	Key          Key
	App          Key
	Sender       Key
	Route        Key
	Contact      Key // 0, like Conversation: nothing but its end, or where a call is, has been told
	Conversation Key
	Channel      Channel
	Session      string
	Direction    Direction
	From, To     string
	// Status is where a call is, or how the dialogue has ended.
	Status string
	Text   string // all that was entered in a USSD session
	Steps  int    // the number of the last step: the one that opens the dialogue is 0
	Asked  int    // how many answers have asked for more
	// Silences counts the times that the caller was asked and said nothing, since they last said something.
	Silences int
	Rest     string // of an answer that is shown in pages
	State    string // what the responder wants to be reminded of
	SeenAt   time.Time
	// LeaseUntil is how long the step that runs now has for its answer, on the node with the number Node; zero: none runs.
	LeaseUntil time.Time
	Node       int
	CreatedAt  time.Time
	EndedAt    time.Time // zero: it is open
}

// Person is who is at the other end of the dialogue.
func (d *Dialogue) Person() string { return personOf(d.Direction, d.From, d.To) }

// Ours is our number or service code.
func (d *Dialogue) Ours() string { return personOf(d.Direction, d.To, d.From) }

// Asks reports whether the step is to be answered.
func (s *DialogueStep) Asks() bool { return s.Progress == "" && s.End == nil }

// Person is who is at the other end of the dialogue.
func (s *DialogueStep) Person() string { return personOf(s.Direction, s.From, s.To) }

func personOf(d Direction, from, to string) string {
	if d == Outbound {
		return to
	}
	return from
}

// DialogueTexts are what a Sender says in calls and USSD sessions where no responder has words for it, as sender files write them. Empty ones have defaults.
type DialogueTexts struct {
	// Greeting opens a dialogue. With a greeting the responder is not asked for one.
	Greeting string `json:"greeting,omitempty"`
	// Unavailable ends a dialogue that nothing answers.
	Unavailable string `json:"unavailable,omitempty"`
	// Apology is said when the responder fails or takes too long and has no words for that. It ends a USSD session, and a call goes on.
	Apology string `json:"apology,omitempty"`
	// Silence asks a caller who said nothing again, and Goodbye is the last word after the third time.
	Silence string `json:"silence,omitempty"`
	Goodbye string `json:"goodbye,omitempty"`
	// Over answers what comes after the end of a USSD session.
	Over string `json:"over,omitempty"`
	// Handover tells the person that somebody takes over. A call is then connected to Dial, an E.164 number, where it is set.
	Handover string `json:"handover,omitempty"`
	Dial     string `json:"dial,omitempty"`
}

// MaxDialogueText is the greatest length of one of the texts, in characters. In a USSD session no more than a screen of it is shown.
const MaxDialogueText = 1000

var defaultDialogueTexts = DialogueTexts{
	Greeting:    "Welcome. How can we help you?",
	Unavailable: "This service is not available at the moment.",
	Apology:     "Sorry, something went wrong. Please try again.",
	Silence:     "Sorry, I did not hear you. Please say it again.",
	Goodbye:     "Thank you. Goodbye.",
	Over:        "This session is over. Please dial again.",
	Handover:    "Thank you. Somebody will get back to you.",
}

// WithDefaults is t with words for what is empty. Dial stays as it is, and so does the greeting, which a responder may have.
func (t DialogueTexts) WithDefaults() DialogueTexts {
	d := defaultDialogueTexts
	for _, f := range []struct{ to, from *string }{{&t.Unavailable, &d.Unavailable}, {&t.Apology, &d.Apology}, {&t.Silence, &d.Silence},
		{&t.Goodbye, &d.Goodbye}, {&t.Over, &d.Over}, {&t.Handover, &d.Handover}} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	return t
}

// DefaultGreeting opens a dialogue for which neither the sender nor the responder has a word.
func DefaultGreeting() string { return defaultDialogueTexts.Greeting }

// Check notes what is wrong with t under the path of each field.
func (t *DialogueTexts) Check(wrong func(message string, path ...string)) {
	for _, f := range []struct{ name, text string }{{"greeting", t.Greeting}, {"unavailable", t.Unavailable}, {"apology", t.Apology},
		{"silence", t.Silence}, {"goodbye", t.Goodbye}, {"over", t.Over}, {"handover", t.Handover}} {
		if m := CheckText(f.text); m != "" {
			wrong(m, f.name)
		} else if utf8.RuneCountInString(f.text) > MaxDialogueText {
			wrong("must be at most "+strconv.Itoa(MaxDialogueText)+" characters long", f.name)
		}
	}
	if t.Dial != "" {
		if m := CheckPhone(t.Dial); m != "" {
			wrong(m, "dial")
		}
	}
}
