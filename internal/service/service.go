// Package service is the rules: who may do what, what is valid, which events arise and where they go, what becomes of failures, of pushes, of
// messages. It knows no HTTP and no SQL text. Surfaces and doors call it; it calls the store, and hands born work to the engine.
package service

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Engine is what the service needs of the engine: places in its queues for work that is being born, and a word about work that waits.
type Engine interface {
	Reserve(lane work.Lane) bool
	Unreserve(lane work.Lane)
	Start(items ...work.Item)
	Wake(kind work.Kind, at time.Time)
	LeaseUntil(kind work.Kind, now time.Time) time.Time
	Hold(held bool)
}

// Options are what New needs.
type Options struct {
	Store  *store.Store
	Now    func() time.Time
	Logger *slog.Logger
	// Profiles are the manners of delivering, by name.
	Profiles map[hookswitch.ProfileName]hookswitch.Profile
	// Providers are the adapters, which know what identifies a route.
	Providers []hookswitch.Provider
	// AllowPlain reports whether a URL may be plain http where https is insisted on otherwise, and CheckURL says what is wrong with a URL
	// beyond its form: an address that is blocked, for instance.
	AllowPlain func(host string) bool
	CheckURL   func(u *url.URL) error
	// CheckResponder says what is wrong with the configuration of a responder.
	CheckResponder func(hookswitch.ResponderConfig) error
	// NewResponder builds the responder of a configuration, to try it out; nil: none can be tried.
	NewResponder func(hookswitch.ResponderConfig) (hookswitch.Responder, error)
	// PublicURL is how people and providers reach the server, without a slash at its end.
	PublicURL string
	// Redirected are the providers whose APIs are not called, because a setting leads the calls elsewhere, such as to stand-ins.
	Redirected []string
	// Fetch gets a file of the web, of at most so many bytes, with its content type as its server tells it. The error is for whoever named the URL. nil: nothing is fetched.
	Fetch func(ctx context.Context, url string, most int) (bytes []byte, contentType string, err error)
	// Retention is how long events and attempts are kept.
	Retention time.Duration
	// DialogueTimeout is how long a responder may take for an answer in a call or a USSD session; 0: DialogueTimeout.
	DialogueTimeout time.Duration
	// SessionLife is how long after its last message a session of the sessions API ends; 0: SessionLife.
	SessionLife time.Duration
	// MaxPayload is the greatest size of an event's payload, in bytes; 0: MaxPayload.
	MaxPayload int
	// KeyPrefix begins the texts of new API keys; "": KeyPrefix.
	KeyPrefix string
	// Load tells how this node is; nil: that is not known.
	Load func() store.NodeLoad
	// Objective is the share of attempts, from 0 to 1, that are to succeed; 0: Objective.
	Objective float64
}

// Service holds the rules over one store. Its methods may be used from many goroutines.
type Service struct {
	store     *store.Store
	ids       *hookswitch.IDs
	keys      *hookswitch.Keys
	now       func() time.Time
	log       *slog.Logger
	binBase   string
	profiles  map[hookswitch.ProfileName]hookswitch.Profile
	providers map[string]hookswitch.Provider
	o         Options
	engine    Engine
	cache     appCache
	routes    routeCache
	bins      bells
	relays    bells
	visitors  bells
	tasks     map[hookswitch.TaskKind]taskKind
	ended     endedTasks
	canceled  canceledTries
	sessions  sessionLocks
	optOuts   *respond.Cache[*respond.OptOut]
	pace      sendPace
	counts    Counts
	uses      keyUses
	doors     doorNotes
	volumes   volumes
	holds     holds
	burns     burns
}

// New returns the service over an open store. Attach must be called before anything is delivered.
func New(o Options) (*Service, error) {
	ids, err := hookswitch.NewIDs(o.Store.IDKey())
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxPayload, o.KeyPrefix = cmp.Or(o.MaxPayload, MaxPayload), cmp.Or(o.KeyPrefix, KeyPrefix)
	o.SessionLife, o.Objective = cmp.Or(o.SessionLife, SessionLife), cmp.Or(o.Objective, Objective)
	if o.Load == nil {
		o.Load = func() store.NodeLoad { return store.NodeLoad{} }
	}
	s := &Service{
		store: o.Store, ids: ids, keys: hookswitch.NewKeys(o.Store.Node().Number, o.Now), now: o.Now, log: o.Logger, profiles: o.Profiles,
		providers: make(map[string]hookswitch.Provider), o: o, engine: noEngine{}, binBase: binBase(o.PublicURL),
		optOuts: respond.NewCache(func(c hookswitch.ResponderConfig) (*respond.OptOut, error) { return respond.OptOutOf(c), nil }),
	}
	for _, p := range o.Providers {
		s.providers[p.Name()] = p
	}
	s.cache.apps, s.cache.uids = make(map[hookswitch.Key]*appState), make(map[string]hookswitch.Key)
	s.tasks = s.taskKinds()
	return s, nil
}

// Attach gives the service the engine that runs what it brings about.
func (s *Service) Attach(e Engine) { s.engine = e }

// IDs translates keys to ids and back.
func (s *Service) IDs() *hookswitch.IDs { return s.ids }

// PublicURL is how people and providers reach the server, without a slash at its end.
func (s *Service) PublicURL() string { return s.o.PublicURL }

// Retention is how long events and attempts are kept; 0: for ever.
func (s *Service) Retention() time.Duration { return s.o.Retention }

// Profile is the manner of delivering with the name.
func (s *Service) Profile(name hookswitch.ProfileName) hookswitch.Profile { return s.profiles[name] }

// Ready returns nil when the store answers and takes work.
func (s *Service) Ready(ctx context.Context) error {
	if s.store.Full() {
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "too much is waiting to be stored", RetryAfter: time.Second}
	}
	return s.store.Ping(ctx)
}

// Full reports whether the store would refuse work now, so that a door can say so before it reads a body.
func (s *Service) Full() bool { return s.store.Full() }

// How often the service looks after its own.
const (
	pollEvery      = 500 * time.Millisecond // what other nodes have changed
	heartbeatEvery = 10 * time.Second
	housekeepEvery = time.Minute
)

// Run looks at what other nodes change, says that this one lives, and throws away what is past keeping, until ctx ends. nodes is told how many
// nodes live.
func (s *Service) Run(ctx context.Context, nodes func(int)) error {
	var wg sync.WaitGroup
	every := func(d time.Duration, what string, fn func(context.Context) error) {
		wg.Go(func() {
			tick := time.NewTicker(d)
			defer tick.Stop()
			failing := false
			for {
				err := fn(ctx)
				switch {
				case ctx.Err() != nil:
					return
				case err != nil && !failing:
					s.log.Warn(what, "error", err)
				}
				failing = err != nil
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	every(pollEvery, "look for changes", s.poll)
	every(heartbeatEvery, "heartbeat", func(ctx context.Context) error {
		live, err := s.store.Heartbeat(ctx, s.o.Load())
		if err == nil {
			nodes(live)
			s.pace.setNodes(live)
		}
		return err
	})
	every(housekeepEvery, "housekeeping", s.housekeep)
	every(sweepEvery, "end dialogues", s.SweepDialogues)
	every(logEvery, "log attempts", s.LogAttempts)
	every(invitationEvery, "end invitations", s.SweepInvitations)
	every(recordUsesEvery, "record the use of API keys", s.RecordKeyUses)
	every(recordDoorsEvery, "record what came to the doors", s.RecordDoors)
	every(recordVolumesEvery, "record how much came", s.RecordVolumes)
	every(pollEvery, "look whether deliveries are paused", s.FollowPause)
	wg.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordUsesEvery)
	defer cancel()
	if err := s.RecordKeyUses(last); err != nil {
		s.log.Warn("record the use of API keys", "error", err)
	}
	if err := s.RecordDoors(last); err != nil {
		s.log.Warn("record what came to the doors", "error", err)
	}
	if err := s.RecordVolumes(last); err != nil {
		s.log.Warn("record how much came", "error", err)
	}
	return nil
}

// births is what one transaction brings into being: events, what is owed for them, and the places kept in the engine's queues.
type births struct {
	s          *Service
	now        time.Time
	events     []*hookswitch.Event
	deliveries []store.Delivery
	items      []work.Item
	wake       map[work.Kind]time.Time
	states     []*appState
	ring       []string // bells of the visitors whose conversations change
	sent       int      // messages that providers have taken
	sendErrors int
	// named leaves out, of the events that emit makes, those that no filter of the App's endpoints names: who talks to people through our API need not be told what was said. failed says that
	// a responder has failed for good, and what it would have said is not known.
	named, failed bool
	// organization is the App that operational events belong to; announced says that there may be some.
	organization *appState
	announced    bool
}

// sender is the sender of an App whose version this transaction has checked. It is shared and must not be changed.
func (b *births) sender(tx *store.Tx, app, key hookswitch.Key) (*hookswitch.Sender, error) {
	st := b.state(app)
	if known, ok := st.senders.Load(key); ok {
		return known.(*hookswitch.Sender), nil
	}
	sender, err := tx.Sender(tx.Context(), app, key)
	if err == nil {
		st.senders.Store(key, sender)
	}
	return sender, err
}

// state is the App's endpoints as the transaction sees them.
func (b *births) state(app hookswitch.Key) *appState {
	for _, st := range b.states {
		if st.app.Key == app {
			return st
		}
	}
	panic("service: a transaction emits for an app that it was not begun for")
}

// emit makes an event of the App and what is owed for it. payload is called with the event's key.
func (b *births) emit(app hookswitch.Key, eventType string, sender hookswitch.Key, payload func(key hookswitch.Key) []byte) {
	st := b.state(app)
	if b.named && !slices.ContainsFunc(st.endpoints, func(e *hookswitch.Endpoint) bool { return b.takes(e) && e.Matches(eventType, nil, sender, true) }) {
		return
	}
	key := b.s.keys.Next()
	ev := &hookswitch.Event{Key: key, App: app, Type: eventType, Payload: payload(key)}
	b.targets(st, ev, sender, true, 0)
	b.events = append(b.events, ev)
}

// targets fans an event out over the endpoints of its App, all but except.
func (b *births) targets(st *appState, ev *hookswitch.Event, sender hookswitch.Key, own bool, except hookswitch.Key) {
	for _, ep := range st.endpoints {
		if ep.Key == except || !ep.Matches(ev.Type, ev.Tags, sender, own) || !b.takes(ep) {
			continue
		}
		if ep.Disabled && !ep.Ordered && ep.Profile == hookswitch.ProfileZavu {
			continue // what happens while the webhook of a sender or a project is inactive is not kept for it
		}
		b.aim(ev, ep)
	}
}

// takes reports whether an event goes to ep although b.named leaves out those who do not name it. The webhooks of senders and projects are for such events.
func (b *births) takes(ep *hookswitch.Endpoint) bool {
	return !b.named || ep.EventTypes != nil || ep.Profile == hookswitch.ProfileZavu
}

// aim adds an endpoint to the targets of an event, and what is owed to it unless it is kept for later.
func (b *births) aim(ev *hookswitch.Event, ep *hookswitch.Endpoint) {
	kind := ep.DeliveryKind()
	if !ev.DeliverAt.IsZero() {
		kind = hookswitch.DeliverWebhook // in an ordered endpoint's queue it would hold up what comes behind it
	}
	held := ep.Disabled && kind != hookswitch.DeliverOrdered // the queue of an ordered endpoint goes on growing
	ev.Targets = append(ev.Targets, hookswitch.Target{Endpoint: ep.Key, Held: held})
	if !held {
		b.owe(store.Delivery{Kind: kind, App: ev.App, Subject: ev.Key, Target: ep.Key, NextAt: ev.DeliverAt}, ev)
	}
}

// owe adds what is owed. Where the engine has a place the row is born leased and run from memory, data with it; else it is born waiting and due. What has a
// NextAt to come is born waiting until then.
func (b *births) owe(d store.Delivery, data any) {
	kind := work.Kind(d.Kind)
	lane := work.Lane{Kind: kind, Target: int64(d.Target)}
	d.Claim = 1
	switch {
	case d.NextAt.After(b.now):
		b.wakeAt(d.Kind, d.NextAt)
	case d.Kind == hookswitch.DeliverWebhook && b.s.engine.Reserve(lane):
		lease := b.s.engine.LeaseUntil(kind, b.now)
		d.Owner, d.NextAt = b.s.store.Node().Number, lease
		b.items = append(b.items, work.Item{Lane: lane, Subject: int64(d.Subject), App: int64(d.App), Claim: d.Claim, Manual: d.Manual,
			Lease: lease, Due: b.now, Data: data})
	default:
		d.NextAt = b.now
		b.wakeKind(d.Kind)
	}
	b.deliveries = append(b.deliveries, d)
}

// undo forgets everything: the transaction did not happen, or is about to run again.
func (b *births) undo() {
	for _, it := range b.items {
		b.s.engine.Unreserve(it.Lane)
	}
	b.events, b.deliveries, b.items, b.wake = b.events[:0], b.deliveries[:0], b.items[:0], nil
	b.ring = b.ring[:0]
	b.sent, b.sendErrors, b.announced = 0, 0, false
	b.named, b.failed = false, false
}

// start hands the born work to the engine: the transaction has been committed.
func (b *births) start() {
	b.s.counts.Accepted.Add(int64(len(b.events)))
	b.s.volumes.add(b.events, b.now)
	b.s.counts.Sent.Add(int64(b.sent))
	b.s.counts.SendError.Add(int64(b.sendErrors))
	b.s.engine.Start(b.items...)
	for kind, at := range b.wake {
		b.s.engine.Wake(kind, at)
	}
	for _, name := range b.ring {
		b.s.visitors.ring(name)
	}
}

// staleTries is how often a transaction is begun anew because the App changed under it.
const staleTries = 32

// update runs fn in one transaction that may emit events of the apps and operational ones, and afterwards hands over what was born.
func (s *Service) update(ctx context.Context, apps []hookswitch.Key, fn func(tx *store.Tx, b *births) error) error {
	for try := 1; ; try++ {
		b := &births{s: s, now: s.now()}
		for _, app := range apps {
			st, err := s.state(ctx, app)
			if err != nil {
				return err
			}
			b.states = append(b.states, st)
		}
		var err error
		if b.organization, err = s.state(ctx, hookswitch.OrganizationApp); err != nil {
			return err
		}
		ordered := b.ordered()
		err = s.store.Update(ctx, func(tx *store.Tx) error {
			b.undo()
			if err := tx.LockPositions(ordered); err != nil {
				return err
			}
			for _, st := range b.states {
				if err := tx.CheckVersion(st.app.Key, st.app.Version); err != nil {
					return err
				}
			}
			if err := fn(tx, b); err != nil {
				return err
			}
			if b.announced {
				if err := tx.CheckVersion(hookswitch.OrganizationApp, b.organization.app.Version); err != nil {
					return err
				}
			}
			return tx.Append(b.events, b.deliveries)
		})
		if err == nil {
			b.start()
			return nil
		}
		if b.announced {
			s.cache.forget(hookswitch.OrganizationApp)
		}
		b.undo()
		if !errors.Is(err, store.ErrStale) {
			return err
		}
		s.cache.forget(apps...)
		if try == staleTries {
			return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the application is changing too fast; try again", RetryAfter: time.Second, Err: err}
		}
	}
}

// noEngine stands in until there is an engine: everything is born waiting.
type noEngine struct{}

func (noEngine) Reserve(work.Lane) bool                          { return false }
func (noEngine) Unreserve(work.Lane)                             {}
func (noEngine) Start(...work.Item)                              {}
func (noEngine) Wake(work.Kind, time.Time)                       {}
func (noEngine) Hold(bool)                                       {}
func (noEngine) LeaseUntil(_ work.Kind, now time.Time) time.Time { return now }
