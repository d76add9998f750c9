package respond

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

// echo says what it hears: for trying out a channel.
type echo struct{}

func buildEcho(*fields, *settings, Options) hookswitch.Responder { return echo{} }

func (echo) Respond(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	return hookswitch.Reply{Text: turn.Text}, ctx.Err()
}
