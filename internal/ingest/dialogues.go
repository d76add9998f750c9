package ingest

import (
	"context"
	"log/slog"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
)

// asked is the place of the update that the response to the push has to answer, or -1.
func asked(updates []hookswitch.Update) int {
	return slices.IndexFunc(updates, func(u hookswitch.Update) bool { return u.Dialogue != nil && u.Broken == nil && u.Dialogue.Asks() })
}

// converse answers the step of a dialogue that a push is, once the step and its answer are stored.
func (d *Doors) converse(ctx context.Context, p hookswitch.Dialoguer, in service.Received, u *hookswitch.Update, push *hookswitch.Push, out *outcome) (hookswitch.Answer, error) {
	res, err := d.o.Service.Converse(ctx, in, u, d.ask)
	if err != nil {
		return hookswitch.Answer{}, storeError(err)
	}
	out.result = Accepted
	if res.Repeat {
		out.result = Duplicate
	}
	d.o.Logger.LogAttrs(ctx, slog.LevelDebug, "dialogue answered", slog.String("provider", in.Account.Provider.Name()), slog.String("channel", string(u.Channel)),
		slog.Bool("repeat", res.Repeat), slog.Bool("stray", res.Stray), slog.Bool("end", res.Reply.End), slog.String("request_id", httpapi.RequestID(ctx)))
	return p.Say(push, u.Dialogue, res.Reply), nil
}

// ask runs the responder of a turn. What it has to say to its own failure is returned beside the error.
func (d *Doors) ask(ctx context.Context, t *service.Turn) (hookswitch.Reply, error) {
	r, err := d.responders.Of(t.Sender, t.Version, t.Responder)
	if err != nil {
		return respond.Fallback(t.Responder, &t.Turn), err
	}
	reply, err := r.Respond(ctx, &t.Turn)
	if err == nil {
		return reply, nil
	}
	if f, ok := r.(hookswitch.Fallbacker); ok {
		fallback := f.Fallback(&t.Turn)
		fallback.Use = reply.Use
		return fallback, err
	}
	return hookswitch.Reply{Use: reply.Use}, err
}
