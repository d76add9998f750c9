// Package deliver is the kinds of work that the engine runs: posting an event to an endpoint, sending a message through its provider, asking a responder, taking a task on. It makes the outgoing
// calls and judges their answers; what follows from an outcome is internal/service's to decide.
package deliver

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Options are what the kinds of work need.
type Options struct {
	Service *service.Service
	HTTP    *safehttp.Client
	Logger  *slog.Logger
	Now     func() time.Time
	// UserAgent is what webhooks are sent as, by profile.
	UserAgent map[hookswitch.ProfileName]string
	// Scheme is the variant of Zavu's signature for webhooks that chose none.
	Scheme string
	// NewResponder builds the responder of a configuration.
	NewResponder func(hookswitch.ResponderConfig) (hookswitch.Responder, error)
	// Wake tells the engine of work that is due now or later.
	Wake func(kind work.Kind, at time.Time)
	// Observe, where set, is told of each attempt at an endpoint: when the event was made, how long the attempt took, and whether it succeeded.
	Observe func(made time.Time, took time.Duration, ok bool)
	// Random gives numbers in [0, 1) for jitter; math/rand/v2 unless set.
	Random func() float64
}

// sendTimeout and respondTimeout bound one call of a provider's API and one run of a responder.
const (
	sendTimeout    = 30 * time.Second
	respondTimeout = 60 * time.Second
)

// sendsAtOnce and answersAtOnce bound the calls of providers' APIs and the runs of responders at once. These have a share of their own, because each conversation is a
// lane of theirs: in a burst with a slow responder there are more of them than runs, and webhooks would wait for all.
const (
	sendsAtOnce   = 256
	answersAtOnce = 512
)

// taskTimeout bounds one run of a task, which takes about a second.
const taskTimeout = 30 * time.Second

// Kinds are the kinds of work for the engine.
func Kinds(o Options) map[work.Kind]work.KindOptions {
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Wake == nil {
		o.Wake = func(work.Kind, time.Time) {}
	}
	if o.Observe == nil {
		o.Observe = func(time.Time, time.Duration, bool) {}
	}
	var longest time.Duration
	for _, name := range []hookswitch.ProfileName{hookswitch.ProfileSvix, hookswitch.ProfileZavu} {
		longest = max(longest, o.Service.Profile(name).Timeout)
	}
	hooks := newWebhooks(o)
	rate := func(it work.Item) float64 {
		return o.Service.Throttle(hookswitch.Key(it.App), hookswitch.Key(it.Target))
	}
	kinds := map[work.Kind]work.KindOptions{
		work.Kind(hookswitch.DeliverWebhook): {Runner: hooks, Timeout: longest + 5*time.Second, Rate: rate},
		work.Kind(hookswitch.DeliverOrdered): {Runner: ordered{hooks, o}, Timeout: longest + 5*time.Second, Rate: rate, Ordered: true},
		work.Kind(hookswitch.DeliverMessage): {Runner: ordered{&messages{o}, o}, Timeout: sendTimeout + 5*time.Second, Ordered: true, Own: sendsAtOnce},
		work.Kind(hookswitch.DeliverRespond): {Runner: ordered{newTurns(o), o}, Timeout: respondTimeout + 5*time.Second, Ordered: true, Own: answersAtOnce},
		work.Kind(hookswitch.DeliverTask):    {Runner: &tasks{o}, Timeout: taskTimeout, Ordered: true},
	}
	for kind, k := range kinds {
		k.Runner = patient{k.Runner}
		kinds[kind] = k
	}
	return kinds
}

// outcome is the outcome of a run before it is known.
func outcome(it work.Item) *store.Outcome {
	return &store.Outcome{Kind: hookswitch.DeliveryKind(it.Kind), App: hookswitch.Key(it.App), Subject: hookswitch.Key(it.Subject),
		Target: hookswitch.Key(it.Target), Claim: it.Claim}
}

// ordered is a Runner of an ordered kind. A lane of such a kind gets one item with each claim, so the end of a run asks for the next.
type ordered struct {
	work.Runner
	o Options
}

// Run runs the item and has the engine look for the one behind it.
func (r ordered) Run(ctx context.Context, it work.Item) work.Result {
	res := r.Runner.Run(ctx, it)
	if !res.Released {
		r.o.Wake(it.Kind, r.o.Now())
	}
	return res
}

// givenBackPause is how long a run keeps an item that it gives back because the store did not answer, or would not record its end.
const givenBackPause = time.Second

// patient is a Runner whose items do not come back at once when they are given back: what fails again and again must keep neither the database nor a receiver busy.
type patient struct{ work.Runner }

// Run runs the item, and waits a moment if it has to be run once more.
func (r patient) Run(ctx context.Context, it work.Item) work.Result {
	res := r.Runner.Run(ctx, it)
	if res.Released && !cutOff(ctx) {
		pause := time.NewTimer(givenBackPause)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
	return res
}

// cutOff reports whether the run was cut off by a stop, and so does not count.
func cutOff(ctx context.Context) bool { return errors.Is(context.Cause(ctx), work.ErrStopping) }

// recordTimeout bounds how long the outcome of a run may take to be written. A run that has happened is recorded even when its time is over.
const recordTimeout = 30 * time.Second

func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(store.Background(context.WithoutCancel(ctx)), recordTimeout)
}
