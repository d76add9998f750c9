package respond

import (
	"context"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// withHandoverWords gives the conversation to a person when one of the words is said, and says reply.
func withHandoverWords(said []keyword, reply string) Middleware {
	return func(next hookswitch.Responder) hookswitch.Responder {
		if len(said) == 0 {
			return next
		}
		return Func(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			if hear(turn.Text, turn.ReplyID).any(said, matchWord) {
				return hookswitch.Reply{Text: expand(reply, turn), Handover: true}, ctx.Err()
			}
			return next.Respond(ctx, turn)
		})
	}
}

// withHandoverAfter gives the conversation to a person with the last of so many answers in a row that solved nothing.
func withHandoverAfter(s *settings) Middleware {
	return func(next hookswitch.Responder) hookswitch.Responder {
		return Func(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			reply, err := next.Respond(ctx, turn)
			if err != nil {
				return reply, err
			}
			return s.unsolved(reply, turn), nil
		})
	}
}

// unsolved is reply, with a person taking over if it is the last of so many that solved nothing. A handover that the responder asked for without a word is
// announced with the words of the settings.
func (s *settings) unsolved(reply hookswitch.Reply, turn *hookswitch.Turn) hookswitch.Reply {
	last := s.handoverAfter > 0 && reply.Unsolved && turn.Unsolved+1 >= s.handoverAfter && !reply.Handover
	announced := expand(s.handoverReply, turn)
	switch {
	case last:
		reply.Handover = true
		reply.Text = strings.TrimSpace(reply.Text + "\n\n" + announced)
	case reply.Handover && strings.TrimSpace(reply.Text) == "":
		reply.Text = announced
	}
	return reply
}
