package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/work"
)

// turns asks responders for their answers.
type turns struct {
	Options
	mu    sync.Mutex
	built map[hookswitch.Key]builtResponder
}

type builtResponder struct {
	responder hookswitch.Responder
	version   time.Time
}

func newTurns(o Options) *turns {
	return &turns{Options: o, built: make(map[hookswitch.Key]builtResponder)}
}

// maxBuilt is how many responders are kept built.
const maxBuilt = 1000

func (t *turns) responder(sender hookswitch.Key, version time.Time, cfg hookswitch.ResponderConfig) (hookswitch.Responder, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b, ok := t.built[sender]; ok && b.version.Equal(version) {
		return b.responder, nil
	}
	r, err := t.NewResponder(cfg)
	if err != nil {
		return nil, err
	}
	if len(t.built) >= maxBuilt {
		clear(t.built)
	}
	t.built[sender] = builtResponder{r, version}
	return r, nil
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
		if r, err = t.responder(turn.Sender, turn.Version, turn.Responder); err == nil {
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
