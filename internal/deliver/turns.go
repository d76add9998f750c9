package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// turns asks responders for their answers.
type turns struct {
	Options
	responders *respond.Cache[hookswitch.Responder]
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
	var reply, fallback hookswitch.Reply
	if turn != nil {
		var attending sync.WaitGroup
		defer attending.Wait() // after the answer has been stored
		reply, fallback, err = t.ask(ctx, o, turn, &attending)
	}
	if err != nil && cutOff(ctx) {
		return work.Result{Neutral: true, Released: true}
	}
	rctx, cancel := recording(ctx) // only now: the run may have taken longer than the recording may
	defer cancel()
	if err != nil {
		fallback.Use = reply.Use
		next, failed := t.Service.FailReply(rctx, o, it.Tries, err, fallback)
		t.Logger.Warn("respond", "error", err, "message_id", t.Service.IDs().Format(hookswitch.KindMessage, o.Subject), "attempt", it.Tries+1, "again", !next.IsZero())
		if failed != nil {
			t.Logger.Error("record a failed answer", "error", failed, "message_id", t.Service.IDs().Format(hookswitch.KindMessage, o.Subject))
		}
		return work.Result{Neutral: true, Next: next, Released: failed != nil}
	}
	if turn == nil {
		err = t.Service.SkipReply(rctx, o)
	} else {
		err = t.Service.CommitReply(rctx, o, reply)
	}
	if err != nil {
		t.Logger.Error("record an answer", "error", err, "message_id", t.Service.IDs().Format(hookswitch.KindMessage, o.Subject))
		return work.Result{Neutral: true, Released: true}
	}
	if reply.Handover {
		t.Logger.Info("handed over to a person", "conversation_id", turn.Conversation, "message_id", turn.MessageID)
	}
	return work.Result{OK: true}
}

// ask runs the responder of a turn. fallback is what is said if it has failed for good. Showing the person that an answer is on its way goes on beside it, and may
// take longer than it.
func (t *turns) ask(ctx context.Context, o *store.Outcome, turn *service.Turn, attending *sync.WaitGroup) (reply, fallback hookswitch.Reply, err error) {
	reply.Use.Kind = turn.Responder.Kind
	r, err := t.responders.Of(turn.Sender, turn.Version, turn.Responder)
	if err != nil {
		return reply, respond.Fallback(turn.Responder, &turn.Turn), err
	}
	if f, ok := r.(hookswitch.Fallbacker); ok {
		fallback = f.Fallback(&turn.Turn)
	}
	if a, ok := r.(hookswitch.Attentive); ok && a.Attends(&turn.Turn) {
		attending.Go(func() { t.attend(ctx, o, turn) })
	}
	call, cancel := context.WithTimeout(ctx, respondTimeout)
	defer cancel()
	began := t.Now()
	reply, err = r.Respond(call, &turn.Turn)
	reply.Use.Kind, reply.Use.Took = turn.Responder.Kind, t.Now().Sub(began)
	return reply, fallback, err
}

// attendTimeout bounds the call that shows that an answer is on its way: the next message of the conversation waits for it.
const attendTimeout = 3 * time.Second

// attend shows the person that an answer is on its way, where that can be done. Nothing depends on whether it succeeds.
func (t *turns) attend(ctx context.Context, o *store.Outcome, turn *service.Turn) {
	ctx, cancel := context.WithTimeout(ctx, attendTimeout)
	defer cancel()
	err := t.Service.SendTyping(ctx, o.App, o.Subject)
	if err != nil && hookswitch.KindOf(err) != hookswitch.Unsupported && !cutOff(ctx) {
		t.Logger.Warn("show that an answer is on its way", "error", err, "message_id", turn.MessageID)
	}
}
