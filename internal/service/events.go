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

	// What few events have. Nil, zero and empty: none.
	Labels      []string
	DeliverAt   time.Time     // nothing is sent before; between MinDelay and MaxDelay ahead
	Keep        time.Duration // how long the payload is kept; zero: as long as the event
	ContentType string        // as it is sent; empty: application/json
}

// MaxPayload is the greatest size of an event's payload, in bytes, unless the settings say otherwise.
const MaxPayload = 1 << 20

// delaySlack is for callers who compute a time to deliver at a moment before they ask, or by another clock.
const delaySlack = 5 * time.Second

func (p *Publish) validate(maxPayload int, now time.Time) error {
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
	if len(p.Labels) > hookswitch.MaxLabels {
		c.Field("must have at most "+strconv.Itoa(hookswitch.MaxLabels)+" entries", "tags")
	}
	for i, l := range p.Labels {
		if m := hookswitch.CheckLabel(l); m != "" {
			c.Field(m, "tags", "["+strconv.Itoa(i)+"]")
		}
	}
	if d := p.DeliverAt.Sub(now); !p.DeliverAt.IsZero() && (d < hookswitch.MinDelay-delaySlack || d > hookswitch.MaxDelay+delaySlack) {
		c.Field("must lie between one minute and 24 hours ahead", "deliverAt")
	}
	if p.ContentType != "" {
		if m := hookswitch.CheckContentType(p.ContentType); m != "" {
			c.Field(m, "transformationsParams", "headers", "content-type")
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

// event is what p makes of the App at now.
func (p *Publish) event(key, app hookswitch.Key, now time.Time) *hookswitch.Event {
	ev := &hookswitch.Event{Key: key, App: app, Type: p.Type, UID: p.UID, Tags: p.Tags, Payload: p.Payload, Labels: p.Labels, ContentType: p.ContentType}
	if !p.DeliverAt.IsZero() {
		ev.DeliverAt = p.DeliverAt.UTC().Truncate(time.Millisecond)
	}
	if p.Keep > 0 {
		ev.ExpiresAt = now.UTC().Add(p.Keep).Truncate(time.Millisecond)
	}
	return ev
}

func uidOnce(app, ref hookswitch.Key, uid string) store.Once {
	return store.OnceOf(store.LifeForever, ref, "event uid", strconv.FormatInt(int64(app), 36), uid)
}

// PublishEvent stores an event and what is owed for it. When it returns, both are on stable storage. Where the same request has been made before, that one's event is
// returned.
func (s *Service) PublishEvent(ctx context.Context, app *hookswitch.App, p Publish, idem Idempotency) (*hookswitch.Event, error) {
	return s.publish(ctx, app, p, idem, func(b *births, st *appState, ev *hookswitch.Event) error {
		b.targets(st, ev, 0, false, 0)
		return nil
	})
}

// publish is PublishEvent where fan says which endpoints the event goes to.
func (s *Service) publish(ctx context.Context, app *hookswitch.App, p Publish, idem Idempotency, fan func(*births, *appState, *hookswitch.Event) error) (*hookswitch.Event, error) {
	if err := p.validate(s.o.MaxPayload, s.now()); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		st, err := s.state(ctx, app.Key)
		if err != nil {
			return nil, err
		}
		b := &births{s: s, now: s.now()}
		ev := p.event(s.keys.Next(), app.Key, b.now)
		accept := &store.Accept{App: app.Key, Version: st.app.Version, Events: []*hookswitch.Event{ev}}
		idemOnce, isIdem := idem.once(ev.Key)
		if isIdem {
			accept.Once = append(accept.Once, idemOnce)
		}
		if p.UID != "" {
			accept.Once = append(accept.Once, uidOnce(app.Key, ev.Key, p.UID))
		}
		if err := fan(b, st, ev); err != nil {
			return nil, err
		}
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

// Active reports whether an event of the type with the tags would be sent to an endpoint of the app now.
func (s *Service) Active(ctx context.Context, app hookswitch.Key, eventType string, tags []string) (bool, error) {
	p := Publish{Type: eventType, Tags: tags}
	if err := p.validate(s.o.MaxPayload, s.now()); err != nil {
		return false, err
	}
	st, err := s.state(ctx, app)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(st.endpoints, func(e *hookswitch.Endpoint) bool { return !e.Disabled && e.Matches(eventType, tags, 0, false) }), nil
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

// Events lists the events of an app. stopped is not 0 when the walk ended early for its length: the list is short, and goes on behind that key.
func (s *Service) Events(ctx context.Context, app hookswitch.Key, f store.EventFilter, p store.Page) (list []*hookswitch.Event, stopped hookswitch.Key, err error) {
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
	attempts, err := s.store.AttemptsByEvent(ctx, app, ev.Key, store.AttemptFilter{Endpoint: ep.Key, OK: new(true), Bare: true}, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	restore := hookswitch.DeliveryFailed
	if len(attempts) > 0 {
		restore = hookswitch.DeliveryDelivered
	}
	s.canceled.take(ev.Key, ep.Key) // the try that is under way is the one that is asked for
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

// BareEvents are the events of an app with the keys, without their payloads.
func (s *Service) BareEvents(ctx context.Context, app hookswitch.Key, keys []hookswitch.Key) ([]*hookswitch.Event, error) {
	return s.store.BareEvents(ctx, app, keys)
}

// AttemptsByEndpoint lists the attempts on an endpoint of an app. stopped is not 0 when the walk ended early for its length: the list is short, and goes on
// behind that key.
func (s *Service) AttemptsByEndpoint(ctx context.Context, app, endpoint hookswitch.Key, f store.AttemptFilter, p store.Page) (list []*hookswitch.Attempt, stopped hookswitch.Key, err error) {
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

// AttemptedEndpoint is the endpoint of an attempt, also one that has been deleted.
func (s *Service) AttemptedEndpoint(ctx context.Context, a *hookswitch.Attempt) (*hookswitch.Endpoint, error) {
	list, err := s.store.EndpointsByKeys(ctx, a.App, []hookswitch.Key{a.Endpoint})
	if err == nil && len(list) == 0 {
		err = hookswitch.NotFoundf("endpoint not found")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// CountAttempts counts the attempts on an endpoint of an app between the keys of a page. more says that there are more than it looked at.
func (s *Service) CountAttempts(ctx context.Context, app, endpoint hookswitch.Key, f store.AttemptFilter, p store.Page) (n int64, more bool, err error) {
	return s.store.CountAttempts(ctx, app, endpoint, f, p)
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
	b.wakeAt(kind, b.now)
}

// wakeAt is wakeKind for work that is due at a time.
func (b *births) wakeAt(kind hookswitch.DeliveryKind, at time.Time) {
	if b.wake == nil {
		b.wake = make(map[work.Kind]time.Time, 2)
	}
	if have, ok := b.wake[work.Kind(kind)]; !ok || at.Before(have) {
		b.wake[work.Kind(kind)] = at
	}
}
