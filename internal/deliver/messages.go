package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// messages sends messages to people, each at most once by itself.
type messages struct{ Options }

// Run hands one message to its provider.
func (m *messages) Run(ctx context.Context, it work.Item) work.Result {
	o := outcome(it)
	rctx, cancel := recording(ctx)
	send, err := m.Service.BeginSend(rctx, o)
	cancel()
	if err != nil {
		m.Logger.Error("begin a send", "error", err, "message_id", m.Service.IDs().Format(hookswitch.KindMessage, o.Subject))
		return work.Result{Neutral: true, Released: true}
	}
	if send.Out == nil {
		return work.Result{Neutral: true, Next: send.Next}
	}
	call, stop := context.WithTimeout(ctx, sendTimeout)
	defer stop()
	acc, failure := send.Sender.Send(call, send.Out)
	next, err := m.finish(ctx, o, it.Tries, acc, failure)
	log := m.Logger.With("message_id", send.Out.Ref, "channel", string(send.Out.Message.Channel), "provider", send.Out.Route.Provider)
	switch {
	case err != nil:
		// The row says that the send has begun: it is not repeated, and a report or the deadline settles it.
		log.Error("record a send", "error", err)
	case failure != nil:
		log.Warn("send", "error", failure, "attempt", it.Tries+1)
		m.revoked(ctx, send.Out.Route, failure)
	default:
		log.Info("send", "provider_message_id", acc.ProviderID, "attempt", it.Tries+1)
	}
	return work.Result{OK: failure == nil, Neutral: failure != nil, Next: next}
}

// revoked disables the route whose credentials the provider has refused for good. Where that cannot be recorded, the next send finds it out again.
func (m *messages) revoked(ctx context.Context, r *hookswitch.Route, failure error) {
	var problem *hookswitch.SendError
	if !errors.As(failure, &problem) || !problem.Revoked {
		return
	}
	rctx, cancel := recording(ctx)
	defer cancel()
	if err := m.Service.DisableRoute(rctx, r, problem.Error()); err != nil {
		m.Logger.Error("disable a route", "error", err, "provider", r.Provider)
	}
}

// finishPause is the first pause between two tries of recording what the provider answered. Each is twice as long as the one before.
const finishPause = 50 * time.Millisecond

// finish records what the provider answered. It is not said twice, so a store that is away is waited for.
func (m *messages) finish(ctx context.Context, o *store.Outcome, tries int, acc hookswitch.Accepted, failure error) (next time.Time, err error) {
	rctx, cancel := recording(ctx)
	defer cancel()
	for pause := finishPause; ; pause *= 2 {
		next, err = m.Service.FinishSend(rctx, o, tries, acc, failure)
		if hookswitch.KindOf(err) != hookswitch.Unavailable {
			return next, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-rctx.Done():
			timer.Stop()
			return next, err
		}
	}
}
