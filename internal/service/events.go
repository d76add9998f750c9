package service

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Publish is an event that a caller makes. Payload is kept byte for byte.
type Publish struct {
	Type    string
	UID     string
	Tags    []string
	Payload []byte
}

// MaxPayload is the greatest size of an event's payload, in bytes, unless the settings say otherwise.
const MaxPayload = 1 << 20

func (p *Publish) validate(maxPayload int) error {
	var c hookswitch.Checks
	if m := hookswitch.CheckName(p.Type); m != "" {
		c.Field(m, "eventType")
	}
	if p.UID != "" {
		if m := hookswitch.CheckUID(hookswitch.KindEvent, p.UID); m != "" {
			c.Field(m, "eventId")
		}
	}
	if p.Tags != nil && (len(p.Tags) == 0 || len(p.Tags) > hookswitch.MaxTags) {
		c.Field("must have 1 to "+strconv.Itoa(hookswitch.MaxTags)+" entries, or be left out", "channels")
	}
	for i, t := range p.Tags {
		if m := hookswitch.CheckTag(t); m != "" {
			c.Field(m, "channels", "["+strconv.Itoa(i)+"]")
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	if len(p.Payload) > maxPayload {
		return hookswitch.Errorf(hookswitch.TooLarge, "the payload has %d bytes; the limit is %d", len(p.Payload), maxPayload)
	}
	return nil
}

func uidOnce(app, ref hookswitch.Key, uid string) store.Once {
	return store.OnceOf(store.LifeForever, ref, "event uid", strconv.FormatInt(int64(app), 36), uid)
}

// PublishEvent stores an event and what is owed for it. When it returns, both are on stable storage. Where the same request has been made before, that one's event is
// returned.
func (s *Service) PublishEvent(ctx context.Context, app *hookswitch.App, p Publish, idem Idempotency) (*hookswitch.Event, error) {
	if err := p.validate(s.o.MaxPayload); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		st, err := s.state(ctx, app.Key)
		if err != nil {
			return nil, err
		}
		b := &births{s: s, now: s.now()}
		ev := &hookswitch.Event{Key: s.keys.Next(), App: app.Key, Type: p.Type, UID: p.UID, Tags: p.Tags, Payload: p.Payload}
		accept := &store.Accept{App: app.Key, Version: st.app.Version, Events: []*hookswitch.Event{ev}}
		idemOnce, isIdem := idem.once(ev.Key)
		if isIdem {
			accept.Once = append(accept.Once, idemOnce)
		}
		if p.UID != "" {
			accept.Once = append(accept.Once, uidOnce(app.Key, ev.Key, p.UID))
		}
		b.targets(st, ev, 0, false, 0)
		b.events, accept.Deliveries = accept.Events, b.deliveries
		err = s.store.Accept(accept)
		if err == nil {
			b.start()
			return ev, nil
		}
		b.undo()
		var dup *store.DuplicateError
		switch {
		case errors.As(err, &dup):
			if isIdem {
				switch ref, err := s.store.Seen(idemOnce); {
				case err == nil:
					return s.store.Event(ctx, app.Key, ref)
				case hookswitch.KindOf(err) != hookswitch.NotFound:
					return nil, err
				}
			}
			return nil, hookswitch.Errorf(hookswitch.Conflict, "a message with this eventId exists already")
		case !errors.Is(err, store.ErrStale):
			return nil, err
		}
		s.cache.forget(app.Key)
		if try == staleTries {
			return nil, &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "the application is changing too fast; try again", RetryAfter: time.Second, Err: err}
		}
	}
}

// Event is the event of an app that ref names, by id or by its caller's name.
func (s *Service) Event(ctx context.Context, app hookswitch.Key, ref string) (*hookswitch.Event, error) {
	key, ok := s.ids.Parse(hookswitch.KindEvent, ref)
	if !ok {
		if hookswitch.CheckUID(hookswitch.KindEvent, ref) != "" {
			return nil, hookswitch.NotFoundf("message not found")
		}
		var err error
		if key, err = s.store.Seen(uidOnce(app, 0, ref)); err != nil {
			return nil, err
		}
	}
	return s.store.Event(ctx, app, key)
}

// Events lists the events of an app.
func (s *Service) Events(ctx context.Context, app hookswitch.Key, f store.EventFilter, p store.Page) ([]*hookswitch.Event, error) {
	return s.store.Events(ctx, app, f, p)
}

// EventByKey is the event of an app, for what delivers it.
func (s *Service) EventByKey(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Event, error) {
	return s.store.Event(ctx, app, key)
}

// Resend asks for one more try of delivering an event to an endpoint, now. While one is running that one is it. Where the same request has been made
// before, nothing is asked for.
func (s *Service) Resend(ctx context.Context, app hookswitch.Key, eventRef, endpointRef string, idem Idempotency) error {
	if once, ok := idem.once(app); ok {
		if _, err := s.store.Seen(once); hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
	}
	ev, err := s.Event(ctx, app, eventRef)
	if err != nil {
		return err
	}
	ep, err := s.Endpoint(ctx, app, endpointRef)
	if err != nil {
		return err
	}
	if ev.Expired {
		return &hookswitch.Error{Kind: hookswitch.Gone, Code: "missing_payload", Message: "the payload of this message has been removed, so it cannot be sent again"}
	}
	if ep.Disabled {
		return errEndpointDisabled
	}
	attempts, err := s.store.AttemptsByEvent(ctx, app, ev.Key, store.AttemptFilter{Endpoint: ep.Key, OK: new(true)}, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	restore := hookswitch.DeliveryFailed
	if len(attempts) > 0 {
		restore = hookswitch.DeliveryDelivered
	}
	err = s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		if err := idem.claim(tx, app, s); err != nil {
			return err
		}
		d := store.Delivery{Kind: ep.DeliveryKind(), App: app, Subject: ev.Key, Target: ep.Key, NextAt: b.now, Restore: restore}
		row, inFlight, err := tx.Resend(d, b.now)
		if err == nil && !inFlight {
			b.wakeKind(row.Kind)
		}
		return err
	})
	if _, again := replayed(err); again {
		return nil
	}
	return err
}

// errEndpointDisabled refuses what would be sent to a disabled endpoint.
var errEndpointDisabled = &hookswitch.Error{Kind: hookswitch.Conflict, Code: "endpoint_disabled", Message: "the endpoint is disabled; enable it before sending to it again"}

// statusOf derives what the delivery of an event to an endpoint has come to.
func statusOf(e *hookswitch.Endpoint, target hookswitch.Target, row *store.Delivery, ok, tried bool, event hookswitch.Key) hookswitch.DeliveryStatus {
	st := hookswitch.DeliveryStatus{Tried: tried}
	switch {
	case ok:
		st.State = hookswitch.DeliveryDelivered
	case row != nil:
		st.State = row.State
		ordered := row.Kind == hookswitch.DeliverOrdered
		if row.State == hookswitch.DeliveryPending && (!e.DeletedAt.IsZero() || !ordered && event <= e.CanceledUpto && !row.Manual) {
			st.State = hookswitch.DeliveryCanceled
		}
		// Of a queue nobody knows when its turn comes, but for the head that waits for its next try.
		if st.State == hookswitch.DeliveryPending && row.Owner == 0 && (!ordered || row.Tries > 0 && !e.Disabled) {
			st.Next = row.NextAt
		}
	case target.Held:
		st.Held = true
	}
	return st
}

// Destination is an endpoint that an event was owed to, and what has come of it.
type Destination struct {
	Endpoint *hookswitch.Endpoint
	Status   hookswitch.DeliveryStatus
}

// Destinations are the endpoints that an event was owed to, in the order of their keys, deleted ones among them.
func (s *Service) Destinations(ctx context.Context, ev *hookswitch.Event) ([]Destination, error) {
	rows, err := s.store.DeliveriesOf(ctx, ev.App, ev.Key)
	if err != nil {
		return nil, err
	}
	at, err := s.store.TriedEndpoints(ctx, ev.App, ev.Key)
	if err != nil {
		return nil, err
	}
	targets := slices.Clone(ev.Targets)
	byKey := func(k hookswitch.Key) bool {
		return slices.ContainsFunc(targets, func(t hookswitch.Target) bool { return t.Endpoint == k })
	}
	ok, tried := make(map[hookswitch.Key]bool), make(map[hookswitch.Key]bool)
	for _, a := range at {
		tried[a.Endpoint], ok[a.Endpoint] = true, a.OK
		if !byKey(a.Endpoint) { // sent there by hand
			targets = append(targets, hookswitch.Target{Endpoint: a.Endpoint})
		}
	}
	keys := make([]hookswitch.Key, len(targets))
	for i, t := range targets {
		keys[i] = t.Endpoint
	}
	endpoints, err := s.store.EndpointsByKeys(ctx, ev.App, keys)
	if err != nil {
		return nil, err
	}
	out := make([]Destination, 0, len(endpoints))
	for _, ep := range endpoints {
		var row *store.Delivery
		for i := range rows {
			if rows[i].Target == ep.Key {
				row = &rows[i]
			}
		}
		target := targets[slices.IndexFunc(targets, func(t hookswitch.Target) bool { return t.Endpoint == ep.Key })]
		out = append(out, Destination{ep, statusOf(ep, target, row, ok[ep.Key], tried[ep.Key], ev.Key)})
	}
	return out, nil
}

// AttemptsByEndpoint lists the attempts on an endpoint of an app.
func (s *Service) AttemptsByEndpoint(ctx context.Context, app, endpoint hookswitch.Key, f store.AttemptFilter, p store.Page) ([]*hookswitch.Attempt, error) {
	return s.store.AttemptsByEndpoint(ctx, app, endpoint, f, p)
}

// AttemptsByEvent lists the attempts for an event of an app.
func (s *Service) AttemptsByEvent(ctx context.Context, app, event hookswitch.Key, f store.AttemptFilter, p store.Page) ([]*hookswitch.Attempt, error) {
	return s.store.AttemptsByEvent(ctx, app, event, f, p)
}

// Attempt is one attempt for an event of an app.
func (s *Service) Attempt(ctx context.Context, app, event hookswitch.Key, ref string) (*hookswitch.Attempt, error) {
	key, ok := s.ids.Parse(hookswitch.KindAttempt, ref)
	if !ok {
		return nil, hookswitch.NotFoundf("attempt not found")
	}
	return s.store.Attempt(ctx, app, event, key)
}

func replayed(err error) (hookswitch.Key, bool) {
	var dup *store.DuplicateError
	if errors.As(err, &dup) {
		return dup.Ref, true
	}
	return 0, false
}

// wakeKind has the engine look for work of the kind once the transaction is committed.
func (b *births) wakeKind(kind hookswitch.DeliveryKind) {
	if b.wake == nil {
		b.wake = make(map[work.Kind]bool, 2)
	}
	b.wake[work.Kind(kind)] = true
}
