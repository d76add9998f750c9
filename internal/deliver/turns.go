package deliver

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/work"
)

// turns asks responders for their answers.
type turns struct {
	Options
	responders *respond.Cache
}

func newTurns(o Options) *turns {
	return &turns{Options: o, responders: respond.NewCache(o.NewResponder)}
}

// Run asks the responder for its answer to one received message.
func (t *turns) Run(ctx context.Context, it work.Item) work.Result {
	o := outcome(it)
	turn, err := t.Service.Turn(ctx, o.App, o.Subject)
	if err != nil {
		if !cutOff(ctx) {
			t.Logger.Error("read what to answer", "error", err, "message_id", t.Service.IDs().Format(hookswitch.KindMessage, o.Subject))
		}
		return work.Result{Neutral: true, Released: true}
	}
	var reply hookswitch.Reply
	if turn != nil {
		var r hookswitch.Responder
		if r, err = t.responders.Responder(turn.Sender, turn.Version, turn.Responder); err == nil {
			call, stop := context.WithTimeout(ctx, respondTimeout)
			reply, err = r.Respond(call, &turn.Turn)
			stop()
		}
	}
	if err != nil && cutOff(ctx) {
		return work.Result{Neutral: true, Released: true}
	}
	rctx, cancel := recording(ctx) // only now: the run may have taken longer than the recording may
	defer cancel()
	if err != nil {
		next, failed := t.Service.FailReply(rctx, o, it.Tries)
		t.Logger.Warn("respond", "error", err, "message_id", t.Service.IDs().Format(hookswitch.KindMessage, o.Subject), "attempt", it.Tries+1)
		return work.Result{Neutral: true, Next: next, Released: failed != nil}
	}
	if err := t.Service.CommitReply(rctx, o, reply); err != nil {
		t.Logger.Error("record an answer", "error", err, "message_id", t.Service.IDs().Format(hookswitch.KindMessage, o.Subject))
		return work.Result{Neutral: true, Released: true}
	}
	return work.Result{OK: true}
}
