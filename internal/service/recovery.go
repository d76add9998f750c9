package service

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Recovery says what is to be sent to an endpoint once more, or for the first time after all. The times are those of the events.
type Recovery struct {
	Since time.Time
	Until time.Time // zero: until now
	// Rate is how many tries are asked for in a second at most; 0: as many as the endpoint takes.
	Rate int
	// OnlyOwed leaves out of a replay what was never meant for the endpoint: events that its filter matches only now.
	OnlyOwed bool

	// Canary is how many are sent first. Only when all of those have got through, the others follow; when one fails, the task ends as failed. 0: all at once.
	Canary int

	EventTypes []string // empty: all
	Tag        string   // empty: whatever the tags
	Label      string   // empty: whatever the labels
	CodeClass  *int     // an attempt was answered with a status of the class 100, 200, … 500, or, 0, with none; nil: whatever the answers

	// Text has to be in the payload: words, texts in quotes and members such as order:17, as in filter bars. Empty: whatever it says.
	Text string

	// States are for a bulk replay. nil: whatever the state; held events have none.
	States []hookswitch.DeliveryState
}

// Limits of what may be asked for.
const (
	// recoverSpan is how far back a recover may reach, and recoverSlack is for callers whose clocks are not ours.
	recoverSpan  = 14 * 24 * time.Hour
	recoverSlack = 5 * time.Minute
	// MaxTaskRate is the greatest rate of a task, in tries a second.
	MaxTaskRate = 10_000
	// MaxCanary is how many may be sent first.
	MaxCanary = 1000
)

func (r *Recovery) validate(kind hookswitch.TaskKind, now time.Time) error {
	var c hookswitch.Checks
	switch {
	case r.Since.IsZero():
		c.Field("is required", "since")
	case kind == hookswitch.TaskRecover && r.Since.Before(now.Add(-recoverSpan-recoverSlack)):
		c.Field("must not lie more than 14 days back", "since")
	case r.Since.After(now.Add(recoverSlack)):
		c.Field("must not lie in the future", "since")
	}
	if !r.Until.IsZero() && r.Until.Before(r.Since) {
		c.Field("must not lie before since", "until")
	}
	if r.Rate < 0 || r.Rate > MaxTaskRate {
		c.Field("must lie between 1 and "+strconv.Itoa(MaxTaskRate), "ratePerSecond")
	}
	if r.Canary < 0 || r.Canary > MaxCanary {
		c.Field("must lie between 0 and "+strconv.Itoa(MaxCanary), "canary")
	}
	if q, problems := filter.Parse(r.Text, now); len(problems) > 0 {
		c.Field("is not understood: "+problems[0].Text, "text")
	} else if len(q.Terms) != len(q.Texts) {
		c.Field("may have words, texts in quotes, and members such as order:17", "text")
	}
	return c.Err()
}

// recoveryParams is a Recovery as it is stored with its task.
type recoveryParams struct {
	SinceMS    int64                      `json:"since_ms"`
	UntilMS    int64                      `json:"until_ms"`
	End        hookswitch.Key             `json:"end"` // events from this key on are left out
	Rate       int                        `json:"rate,omitempty"`
	OnlyOwed   bool                       `json:"only_owed,omitempty"`
	EventTypes []string                   `json:"event_types,omitempty"`
	Tag        string                     `json:"tag,omitempty"`
	Label      string                     `json:"label,omitempty"`
	States     []hookswitch.DeliveryState `json:"states"`
	CodeClass  *int                       `json:"code_class,omitempty"`
	Text       string                     `json:"text,omitempty"`
	Canary     int                        `json:"canary,omitempty"`
	// From is the first of the recoveries that this one goes on with, and Resumes the last; 0: it goes on with none.
	From    hookswitch.Key `json:"from,omitempty"`
	Resumes hookswitch.Key `json:"resumes,omitempty"`
}

// recovery is a recovery under way.
type recovery struct {
	recoveryParams
	task     *hookswitch.Task
	endpoint *hookswitch.Endpoint
	walk     store.Recovery
	canary   canary
	// end is where the walk ends: the key of an event, or for a recover that of an attempt.
	end hookswitch.Key
}

func newRecovery(t *hookswitch.Task, e *hookswitch.Endpoint) (*recovery, error) {
	r := &recovery{task: t, endpoint: e}
	if err := json.Unmarshal(t.Params, &r.recoveryParams); err != nil {
		return nil, err
	}
	r.walk = store.Recovery{App: t.App, Endpoint: t.Endpoint, Since: max(1, hookswitch.KeyAt(time.UnixMilli(r.SinceMS))), Until: r.End, CodeClass: r.CodeClass, From: r.From}
	q, _ := filter.Parse(r.Text, time.UnixMilli(r.UntilMS)) // what is wrong with it was told to who asked
	r.walk.Texts = q.Texts
	if len(t.Result) > 0 {
		if err := json.Unmarshal(t.Result, &r.canary); err != nil {
			return nil, err
		}
	}
	if r.end = r.End; t.Kind == hookswitch.TaskRecover {
		r.end = endOf(t.Key, t.CreatedAt)
	}
	return r, nil
}

// endOf is the key below which everything lies that was there when the key was made.
func endOf(key hookswitch.Key, now time.Time) hookswitch.Key {
	return max(key, hookswitch.KeyAt(now.Add(time.Millisecond)))
}

// StartRecovery starts a task that sends to the endpoint that ref names, each event once:
//
//   - TaskRecover: what has a failed attempt and no successful one;
//   - TaskReplay: what the endpoint never got, because it was published while the endpoint was disabled, or canceled before a try, or, unless r says otherwise,
//     because the endpoint's filter matches it only now;
//   - TaskBulkReplay: whatever the endpoint was owed and the filters of r match, delivered or not.
//
// What is in flight is left alone. A disabled endpoint is refused. Where the same request has been made before, that one's task is returned.
func (s *Service) StartRecovery(ctx context.Context, kind hookswitch.TaskKind, app hookswitch.Key, ref string, r Recovery, idem Idempotency) (*hookswitch.Task, error) {
	rec, err := s.prepareRecovery(ctx, kind, app, ref, r)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, rec, idem)
}

// begin starts a recovery that has been prepared.
func (s *Service) begin(ctx context.Context, rec *recovery, idem Idempotency, details ...string) (*hookswitch.Task, error) {
	// What is quickly counted is counted at once.
	if err := s.count(ctx, rec, rec.task, quickStretch); err != nil {
		return nil, err
	}
	return s.startTask(ctx, *rec.task, idem, func(tx *store.Tx) error {
		return s.note(tx, actorOf(ctx), hookswitch.DidStartRecovery, rec.endpoint, append(details, "Task", s.ids.Format(hookswitch.KindTask, rec.task.Key), "What", string(rec.task.Kind),
			"From", timeText(time.UnixMilli(rec.SinceMS)), "Until", timeText(time.UnixMilli(rec.UntilMS)))...)
	})
}

// CancelRecovery is CancelTask of a recovery of the endpoint, and is noted.
func (s *Service) CancelRecovery(ctx context.Context, e *hookswitch.Endpoint, ref string) (*hookswitch.Task, error) {
	t, err := s.Task(ctx, ref)
	if err != nil {
		return nil, err
	}
	if t.App != e.App || t.Endpoint != e.Key {
		return nil, hookswitch.NotFoundf("There is no such recovery.")
	}
	if t.Status == hookswitch.TaskRunning {
		if err := s.store.Update(ctx, func(tx *store.Tx) error { return s.note(tx, actorOf(ctx), hookswitch.DidCancelRecovery, e) }); err != nil {
			return nil, err
		}
	}
	return s.CancelTask(ctx, t)
}

func (s *Service) prepareRecovery(ctx context.Context, kind hookswitch.TaskKind, app hookswitch.Key, ref string, r Recovery) (*recovery, error) {
	e, err := s.Endpoint(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	if err := r.validate(kind, now); err != nil {
		return nil, err
	}
	if e.Disabled {
		return nil, errEndpointDisabled
	}
	t := &hookswitch.Task{Key: s.keys.Next(), App: app, Endpoint: e.Key, Kind: kind, Total: hookswitch.TaskUncounted, CreatedAt: now}
	p := recoveryParams{SinceMS: r.Since.UnixMilli(), UntilMS: now.UnixMilli(), End: endOf(t.Key, now), Rate: r.Rate, OnlyOwed: r.OnlyOwed, EventTypes: r.EventTypes,
		Tag: r.Tag, Label: r.Label, States: r.States, CodeClass: r.CodeClass, Text: r.Text, Canary: r.Canary}
	if !r.Until.IsZero() && r.Until.Before(now) {
		p.UntilMS, p.End = r.Until.UnixMilli(), hookswitch.KeyAt(r.Until)
	}
	if t.Params, err = json.Marshal(p); err != nil {
		return nil, err
	}
	return newRecovery(t, e)
}

// Bounds of the steps of a recovery.
const (
	// sendStretch is how far one step walks, in rows looked at, and how many tries it asks for at most, queueStretch how many of an ordered endpoint; countStretch how far a step walks that only counts, and
	// quickStretch how much is counted while somebody waits for the answer.
	sendStretch  = 500
	queueStretch = 64 // nobody else adds to a queue meanwhile
	countStretch = 5000
	quickStretch = 5000
	// maxOutstanding is how many tries of one task wait or run at most.
	maxOutstanding = 1000
	// fewOutstanding is how many may at the lowest rate.
	fewOutstanding = 8
	// recoveryTick and recoverySlow are the shortest and the longest wait for tries to end.
	recoveryTick = 50 * time.Millisecond
	recoverySlow = time.Second
	// walkBehind is how far behind the present a walk stays: keys below that are committed, or never will be.
	walkBehind = 2 * time.Second
)

// piece is an event that a walk has come to and that is wanted.
type piece struct {
	event, place hookswitch.Key
	gone         bool // its payload has been removed
	size         int64
}

// stretch walks on behind after, over up to limit rows and below reach. place is where it has come to; last says that nothing is left below reach.
func (s *Service) stretch(ctx context.Context, r *recovery, after, reach hookswitch.Key, limit int) (found []piece, place hookswitch.Key, last bool, err error) {
	var list []store.Candidate
	walk := r.walk
	if r.task.Kind == hookswitch.TaskRecover {
		list, place, last, err = s.store.RecoveryFailed(ctx, walk, after, min(r.end, reach), limit)
	} else {
		walk.Until = min(walk.Until, reach)
		list, err = s.store.RecoveryEvents(ctx, walk, after, limit)
		if place, last = after, len(list) < limit; len(list) > 0 {
			place = list[len(list)-1].Place
		}
	}
	now := s.now()
	for i := range list {
		c := &list[i]
		// What runs or has been asked for is on its way, and so is what stands in a queue.
		busy := c.Row != nil && c.Row.State == hookswitch.DeliveryPending && (c.Row.Owner != 0 || c.Row.Manual || c.Row.Kind == hookswitch.DeliverOrdered ||
			r.endpoint.Ordered && c.Event.Key > r.endpoint.CanceledUpto)
		if !busy && r.wants(c) {
			gone := c.Event.Expired || !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now)
			found = append(found, piece{c.Event.Key, c.Place, gone, c.Size})
		}
	}
	return found, place, last, err
}

// wants reports whether the event is one that the recovery is about.
func (r *recovery) wants(c *store.Candidate) bool {
	target := hookswitch.Target{}
	at := slices.IndexFunc(c.Event.Targets, func(t hookswitch.Target) bool { return t.Endpoint == r.endpoint.Key })
	if at >= 0 {
		target = c.Event.Targets[at]
	}
	st := statusOf(r.endpoint, target, c.Row, c.OK, c.Tried, c.Event.Key)
	owed := at >= 0 || c.Row != nil || c.Tried
	if len(r.EventTypes) > 0 && !slices.Contains(r.EventTypes, c.Event.Type) || r.Tag != "" && !slices.Contains(c.Event.Tags, r.Tag) ||
		r.Label != "" && !slices.Contains(c.Labels, r.Label) || r.CodeClass != nil && !c.Class || !c.Fits || r.From != 0 && c.Served {
		return false
	}
	switch r.task.Kind {
	case hookswitch.TaskRecover:
		return c.Tried && !c.OK
	case hookswitch.TaskReplay:
		if !owed {
			// Who made the event is not stored; our own kinds that go only to who names them are taken for ours.
			return !r.OnlyOwed && r.endpoint.Matches(c.Event.Type, c.Event.Tags, 0, true)
		}
		if c.Asked && !c.Before {
			return !c.OK // what this goes on with has tried it, for the first time
		}
		return !c.Tried && (st.Held || st.State == hookswitch.DeliveryCanceled)
	}
	return owed && (r.States == nil || !st.Held && slices.Contains(r.States, st.State))
}

// count goes on counting, into t.
func (s *Service) count(ctx context.Context, r *recovery, t *hookswitch.Task, limit int) error {
	found, place, last, err := s.stretch(ctx, r, t.Place, r.end, limit)
	if err != nil {
		return err
	}
	for _, f := range found {
		if !f.gone {
			t.Counted++
		}
	}
	if t.Place = place; last {
		t.Total, t.Place = t.Counted, 0
	}
	return nil
}

// stepRecovery counts on, and then asks for as many tries as there is room for. It has ended when all of them have.
func (s *Service) stepRecovery(ctx context.Context, t *hookswitch.Task) (taskStep, error) {
	r, problem, err := s.recoveryNow(ctx, t)
	if err != nil {
		return taskStep{}, err
	}
	if problem != "" {
		return taskStep{stale: true}, s.endTask(ctx, t, hookswitch.TaskFailed, false, problem)
	}
	if t.Total == hookswitch.TaskUncounted {
		counted := *t
		if err := s.count(ctx, r, &counted, countStretch); err != nil {
			return taskStep{}, err
		}
		return s.advance(ctx, t, func(_ *store.Tx, b *births, next *hookswitch.Task) error {
			*next = counted
			next.UpdatedAt = b.now
			return nil
		})
	}
	waiting, err := s.store.Outstanding(ctx, t.Key)
	if err != nil {
		return taskStep{}, err
	}
	now := s.now()
	idle := now.Sub(t.UpdatedAt)
	rest := taskStep{wait: min(max(idle/2, recoveryTick), recoverySlow)}
	if r.testing() && (len(r.canary.Sent) >= r.Canary || t.Place >= r.end) {
		if waiting > 0 {
			return rest, nil
		}
		return s.judge(ctx, r, t)
	}
	if t.Place >= r.end {
		if waiting > 0 {
			return rest, nil
		}
		return s.finish(ctx, t, func(next *hookswitch.Task) {
			// What was counted and has been delivered or begun otherwise since then is among what was not sent.
			next.Skipped += max(0, next.Total-next.Done)
			next.Total = max(next.Total, next.Done)
		})
	}
	room, wait := r.room(waiting, idle)
	if r.testing() {
		room = min(room, r.Canary-len(r.canary.Sent))
	}
	if r.endpoint.Ordered {
		room = min(room, queueStretch)
	}
	if room == 0 {
		return taskStep{wait: max(wait, rest.wait)}, nil
	}
	return s.send(ctx, r, t, room, now)
}

// recoveryNow is the recovery as it stands, or the reason why it cannot go on.
func (s *Service) recoveryNow(ctx context.Context, t *hookswitch.Task) (r *recovery, problem string, err error) {
	if _, err := s.store.App(ctx, t.App); hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, "the application has been deleted", nil
	} else if err != nil {
		return nil, "", err
	}
	e, err := s.store.Endpoint(ctx, t.App, t.Endpoint)
	switch {
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		return nil, "the endpoint has been deleted", nil
	case err != nil:
		return nil, "", err
	case e.Disabled:
		return nil, "the endpoint has been disabled", nil
	}
	r, err = newRecovery(t, e)
	return r, "", err
}

// room is how many tries may be asked for now, or how long to wait for more room. idle is how long none has been asked for.
func (r *recovery) room(waiting int64, idle time.Duration) (n int, wait time.Duration) {
	if r.Rate == 0 {
		if waiting > maxOutstanding*3/4 { // many small steps would cost more than they gain
			return 0, 0
		}
		return int(min(maxOutstanding-waiting, sendStretch)), 0
	}
	// The rate holds at the receiver too, as long as what waits is not more than a second of it.
	room := min(maxOutstanding, max(int64(r.Rate), fewOutstanding)) - waiting
	due := int64(r.Rate) * min(idle, time.Second).Milliseconds() / 1000
	if n := min(room, due, sendStretch); n > 0 {
		return int(n), 0
	}
	return 0, time.Second/time.Duration(r.Rate) + 2*time.Millisecond // due times are kept in milliseconds
}

// send asks for up to room tries of what comes next.
func (s *Service) send(ctx context.Context, r *recovery, t *hookswitch.Task, room int, now time.Time) (taskStep, error) {
	reach, settled := r.end, t.CreatedAt.Add(walkBehind)
	if now.Before(settled) {
		reach = min(reach, hookswitch.KeyAt(now.Add(-walkBehind)))
	}
	found, place, last, err := s.stretch(ctx, r, t.Place, reach, sendStretch)
	if err != nil {
		return taskStep{}, err
	}
	if last && reach == r.end {
		place = r.end
	}
	var events []hookswitch.Key
	skipped := int64(0)
	for _, f := range found {
		if f.gone {
			skipped++
			continue
		}
		if len(events) == room {
			place = f.place - 1
			break
		}
		events = append(events, f.event)
	}
	rest := taskStep{}
	if last && reach != r.end && len(events) < room {
		rest.wait = settled.Sub(now) // what is left is too young
	}
	if place <= t.Place {
		return rest, nil
	}
	step, err := s.advance(ctx, t, func(tx *store.Tx, b *births, next *hookswitch.Task) error {
		next.Place, next.Skipped = place, t.Skipped+skipped
		if r.testing() {
			var err error
			if next.Result, err = r.sent(events); err != nil {
				return err
			}
		}
		if len(events) == 0 {
			return nil
		}
		if r.endpoint.Ordered { // as the first statement: it waits for others who add to the queue
			if err := tx.LockPositions([]hookswitch.Key{r.endpoint.Key}); err != nil {
				return err
			}
		}
		// The groups are due one after the other, so that they go out in the order of the walk.
		at := b.now.Add(-time.Duration(len(events)/store.MaxTryRequest) * time.Millisecond)
		for group := range slices.Chunk(events, store.MaxTryRequest) {
			asked, err := tx.AskTries(store.TryRequest{Task: t.Key, App: t.App, Endpoint: t.Endpoint, Events: group, CanceledUpto: r.endpoint.CanceledUpto,
				Ordered: r.endpoint.Ordered, Again: t.Kind == hookswitch.TaskBulkReplay, At: at})
			if err != nil {
				return err
			}
			next.Done += int64(asked)
			at = at.Add(time.Millisecond)
		}
		next.UpdatedAt = b.now
		b.wakeKind(r.endpoint.DeliveryKind())
		return nil
	})
	step.wait = rest.wait
	return step, err
}

func (s *Service) recoveryData(t *hookswitch.Task, waiting int64) object {
	var p recoveryParams
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return nil
	}
	var total, rate any
	if t.Total != hookswitch.TaskUncounted {
		total = t.Total
	}
	if p.Rate > 0 {
		rate = p.Rate
	}
	done := max(0, t.Done-waiting)
	data := object{
		{"appId", s.ids.Format(hookswitch.KindApp, t.App)},
		{"endpointId", s.ids.Format(hookswitch.KindEndpoint, t.Endpoint)},
		{"since", timeText(time.UnixMilli(p.SinceMS))},
		{"until", timeText(time.UnixMilli(p.UntilMS))},
		{"total", total},
		{"done", done},
		{"skipped", t.Skipped},
		{"messagesSent", done},
		{"ratePerSecond", rate},
	}
	if p.Canary > 0 {
		data = append(data, field{"canary", p.Canary})
	}
	if p.Resumes != 0 {
		data = append(data, field{"resumes", s.ids.Format(hookswitch.KindTask, p.Resumes)})
	}
	if t.Kind == hookswitch.TaskReplay {
		data = append(data, field{"onlyOwed", p.OnlyOwed})
	}
	return data
}
