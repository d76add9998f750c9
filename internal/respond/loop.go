package respond

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// loopLimits say when a conversation is one of two machines that answer each other.
type loopLimits struct {
	answers int           // so many answers of ours within the time; 0: any number
	repeats int           // so many messages of the same text, each answered before the next, within an hour; 0: any number
	within  time.Duration // of answers
}

var defaultLoop = loopLimits{answers: 30, within: time.Minute, repeats: 12}

// repeatsWithin is how far back messages of the same text are looked for: automatic answers to mail come slowly.
const repeatsWithin = time.Hour

// withLoopGuard gives the conversation to a person, without a word, when it looks like two machines that answer each other. Calls and USSD sessions end by themselves,
// and the same key is pressed often.
func withLoopGuard(l loopLimits) Middleware {
	return func(next hookswitch.Responder) hookswitch.Responder {
		if l.answers <= 0 && l.repeats <= 0 {
			return next
		}
		return Func(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			if !isDialogue(turn.Channel) && l.loops(turn) {
				return hookswitch.Reply{Handover: true}, ctx.Err()
			}
			return next.Respond(ctx, turn)
		})
	}
}

func isDialogue(c hookswitch.Channel) bool { return c == hookswitch.USSD || c == hookswitch.Voice }

func (l loopLimits) loops(turn *hookswitch.Turn) bool {
	return l.answers > 0 && l.tooFast(turn) || l.repeats > 0 && l.repeated(turn)
}

// tooFast reports whether as many answers as allowed have been given within the time before the turn.
func (l loopLimits) tooFast(turn *hookswitch.Turn) bool {
	n := 0
	for _, line := range turn.History {
		if line.Answer && turn.At.Sub(line.At) < l.within {
			n++
		}
	}
	return n >= l.answers
}

// repeated reports whether the person has said the same thing in each of their last messages, the turn's included, and got an answer in between each time: who only
// says it again, because nothing came, is no machine.
func (l loopLimits) repeated(turn *hookswitch.Turn) bool {
	said := sameness(turn.Text)
	if said == "" {
		return false
	}
	n, answered := 1, false
	for i := len(turn.History) - 1; i >= 0 && n < l.repeats; i-- {
		line := &turn.History[i]
		switch {
		case turn.At.Sub(line.At) >= repeatsWithin:
			return false
		case line.Direction == hookswitch.Outbound:
			answered = answered || line.Answer
		case sameness(line.Text) != said:
			return false
		case answered:
			n++
			answered = false
		}
	}
	return n >= l.repeats
}

// maxSame is how much of a text is compared with others, in bytes.
const maxSame = 512

// sameness is what texts are compared by.
func sameness(text string) string {
	if len(text) > maxSame {
		text = text[:maxSame]
	}
	return hear(text, "").spaced
}
