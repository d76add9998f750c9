package service

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
	"github.com/hookswitch/hookswitch/webhook"
)

// CreateEndpoint stores a new endpoint of an app. The event types that it takes have to be such as can be chosen. Without a secret it gets one. Where the same request has been made before, that
// one's endpoint is returned.
func (s *Service) CreateEndpoint(ctx context.Context, app hookswitch.Key, e hookswitch.Endpoint, idem Idempotency) (*hookswitch.Endpoint, error) {
	e.App, e.Profile = app, hookswitch.ProfileSvix
	if e.Version == 0 {
		e.Version = 1
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	if len(e.Secrets) == 0 {
		e.Secrets = []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(webhook.NewSecret().Reveal())}}
	} else {
		sec, err := webhook.ParseSecret(e.Secrets[0].Secret.Reveal())
		if err != nil || !sec.CanSign() {
			return nil, hookswitch.InvalidField("must be whsec_ and 24 to 75 bytes in base64, or whsk_ and an ed25519 key pair in base64", "secret")
		}
		e.Secrets[0].Secret = hookswitch.Secret(sec.Reveal())
	}
	if e.Disabled {
		e.DisabledBy = disabledManual
	}
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		e.Key, e.CreatedAt = s.keys.Next(), s.now().UTC()
		e.UpdatedAt = e.CreatedAt
		if err := idem.claim(tx, e.Key, s); err != nil {
			return err
		}
		if err := checkFilter(tx, audienceOf(ctx), nil, e.EventTypes); err != nil {
			return err
		}
		a, err := tx.App(tx.Context(), app)
		if err != nil {
			return err
		}
		if err := tx.InsertEndpoint(&e); err != nil {
			return err
		}
		if err := s.note(tx, actorOf(ctx), hookswitch.DidCreateEndpoint, &e); err != nil {
			return err
		}
		b.endpointEvent(hookswitch.EventEndpointCreated, a, &e)
		return s.touch(tx, app, e.CreatedAt)
	})
	s.cache.forget(app)
	if ref, again := replayed(err); again {
		return s.store.Endpoint(ctx, app, ref)
	}
	return &e, err
}

// Who disabled an endpoint.
const (
	disabledManual    = "manual"
	disabledAutomatic = "automatic"
)

// Endpoint is the endpoint of an app that ref names, by id or by its caller's name.
func (s *Service) Endpoint(ctx context.Context, app hookswitch.Key, ref string) (*hookswitch.Endpoint, error) {
	if key, ok := s.ids.Parse(hookswitch.KindEndpoint, ref); ok {
		return s.store.Endpoint(ctx, app, key)
	}
	if hookswitch.CheckUID(hookswitch.KindEndpoint, ref) != "" {
		return nil, hookswitch.NotFoundf("endpoint not found")
	}
	return s.store.EndpointByUID(ctx, app, ref)
}

// Endpoints lists the endpoints of an app, those that are not webhooks of its senders.
func (s *Service) Endpoints(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Endpoint, error) {
	return s.store.Endpoints(ctx, app, p)
}

// UpdateEndpoint changes an endpoint as change says, which may run more than once, on a fresh copy each time. Disabling it ends what it is owed, in one step however much that is; enabling it clears its failure clock
// and sends nothing by itself. An ordered endpoint's queue is kept while it is disabled, and goes on from its head when it is enabled. Event types that it takes anew have to be
// such as can be chosen.
func (s *Service) UpdateEndpoint(ctx context.Context, app, key hookswitch.Key, change func(*hookswitch.Endpoint) error) (*hookswitch.Endpoint, error) {
	var e *hookswitch.Endpoint
	enabled := false
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) (err error) {
		if e, err = tx.Endpoint(tx.Context(), app, key); err != nil {
			return err
		}
		a, err := tx.App(tx.Context(), app)
		if err != nil {
			return err
		}
		was, filter, before := e.Disabled, slices.Clone(e.EventTypes), copied(e)
		if err := change(e); err != nil {
			return err
		}
		if err := e.Validate(); err != nil {
			return err
		}
		if e.Sender == 0 {
			if err := checkFilter(tx, audienceOf(ctx), filter, e.EventTypes); err != nil {
				return err
			}
		}
		now := s.now().UTC()
		switch {
		case e.Disabled && !was:
			e.DisabledBy, e.CanceledUpto = disabledManual, s.keys.Next()
		case !e.Disabled && was:
			e.DisabledBy, e.FailSince = "", time.Time{}
		}
		e.UpdatedAt = now
		if err := tx.UpdateEndpoint(e); err != nil {
			return err
		}
		if err := s.noteChange(tx, actorOf(ctx), before, e); err != nil {
			return err
		}
		if enabled = was && !e.Disabled; enabled {
			if err := tx.WakeHead(key, now); err != nil {
				return err
			}
		}
		b.endpointEvent(hookswitch.EventEndpointUpdated, a, e)
		if e.Disabled != was {
			st := &appState{app: a}
			if st.endpoints, err = tx.AllEndpoints(tx.Context(), app); err != nil {
				return err
			}
			if e.Disabled {
				b.endpointDisabled(st, e)
			} else {
				b.endpointEnabled(st, e)
			}
		}
		return s.touch(tx, app, now)
	})
	s.cache.forget(app)
	if enabled && err == nil {
		s.engine.Wake(work.Kind(hookswitch.DeliverOrdered), s.now())
	}
	return e, err
}

// copied is a copy that shares nothing that can change.
func copied(e *hookswitch.Endpoint) *hookswitch.Endpoint {
	c := *e
	c.EventTypes, c.Tags = slices.Clone(e.EventTypes), slices.Clone(e.Tags)
	c.Headers, c.Metadata = maps.Clone(e.Headers), maps.Clone(e.Metadata)
	return &c
}

// DeleteEndpoint removes an endpoint. Nothing is sent to it afterwards.
func (s *Service) DeleteEndpoint(ctx context.Context, app, key hookswitch.Key) error {
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		e, err := tx.Endpoint(tx.Context(), app, key)
		if err != nil {
			return err
		}
		a, err := tx.App(tx.Context(), app)
		if err != nil {
			return err
		}
		if err := tx.DeleteEndpoint(app, key, s.keys.Next(), s.now()); err != nil {
			return err
		}
		if err := s.note(tx, actorOf(ctx), hookswitch.DidDeleteEndpoint, e); err != nil {
			return err
		}
		b.endpointEvent(hookswitch.EventEndpointDeleted, a, e)
		return s.touch(tx, app, s.now())
	})
	s.cache.forget(app)
	return err
}

// EndpointNow is the endpoint as it is at this moment, for what delivers to it, or nil when it is gone. Changes made on other nodes are seen within half a
// second.
func (s *Service) EndpointNow(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Endpoint, error) {
	st, err := s.state(ctx, app)
	switch {
	case err == nil:
		return st.endpoint(key), nil
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		return nil, nil
	}
	return nil, err
}

// Throttle is how many attempts a second the endpoint allows: its own rate, else its App's; 0 for no limit, less than 0 where that cannot be told now. Changes made on
// other nodes are seen within half a second. To an endpoint that gets nothing there is no limit.
func (s *Service) Throttle(app, key hookswitch.Key) float64 {
	st := s.cache.get(app)
	if st == nil {
		ctx, cancel := context.WithTimeout(context.Background(), throttleTimeout)
		defer cancel()
		var err error
		if st, err = s.state(ctx, app); hookswitch.KindOf(err) == hookswitch.NotFound {
			return 0
		} else if err != nil {
			return -1
		}
	}
	e := st.endpoint(key)
	switch {
	case e == nil || e.Disabled:
		return 0
	case e.ThrottleRate > 0:
		return float64(e.ThrottleRate)
	}
	return float64(st.app.ThrottleRate)
}

// throttleTimeout bounds how long the store may take to tell the rate of an endpoint.
const throttleTimeout = time.Second

// Throttled is since when deliveries to the endpoint have been waiting on this node because of its rate; zero: they are not.
func (s *Service) Throttled(e *hookswitch.Endpoint) time.Time {
	engine, ok := s.engine.(interface{ Throttled(work.Lane) time.Time })
	if !ok {
		return time.Time{}
	}
	var since time.Time
	for _, kind := range []hookswitch.DeliveryKind{hookswitch.DeliverWebhook, hookswitch.DeliverOrdered} {
		if at := engine.Throttled(work.Lane{Kind: work.Kind(kind), Target: int64(e.Key)}); !at.IsZero() && (since.IsZero() || at.Before(since)) {
			since = at
		}
	}
	return since
}

// Record queues the outcome of a delivery that has no consequences beyond its own row.
func (s *Service) Record(o *store.Outcome) {
	s.store.Record(o)
	s.recorded(o)
}

// recorded counts an outcome that the store has, or will have.
func (s *Service) recorded(o *store.Outcome) {
	s.counts.attempt(o)
	if o.ClockRuns && o.Attempt != nil && o.Attempt.OK {
		s.cache.stopClock(o.App, o.Target)
	}
}

// NextKey is a new key, for an attempt.
func (s *Service) NextKey() hookswitch.Key { return s.keys.Next() }

// Exhaust records the failure of the last attempt of a delivery, and judges the endpoint by it: the first exhausted delivery starts its failure clock, and one on a clock older
// than the profile allows disables it. gone disables it at once.
func (s *Service) Exhaust(ctx context.Context, o *store.Outcome, gone bool) error {
	disabled, changed := false, false
	err := s.update(ctx, []hookswitch.Key{o.App}, func(tx *store.Tx, b *births) error {
		disabled, changed = false, false
		s.rekey(o)
		own, err := tx.Record(o, b.now)
		if err != nil || !own && !gone {
			return err
		}
		if own && !o.Attempt.Manual && o.Verdict == store.Exhausted {
			if err := b.attemptEvent(tx, hookswitch.EventAttemptExhausted, o); err != nil {
				return err
			}
		}
		e, err := tx.Endpoint(tx.Context(), o.App, o.Target)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if e.Disabled {
			return nil
		}
		p, since := s.profiles[e.Profile], e.FailSince
		if !gone {
			if p.DisableAfter <= 0 {
				return nil
			}
			lastOK, err := tx.LastOK(o.App, e.Key)
			if err != nil {
				return err
			}
			if e.FailSince.IsZero() || !lastOK.Before(e.FailSince) {
				e.FailSince = b.now
			}
			disabled = b.now.Sub(e.FailSince) >= p.DisableAfter && lastOK.Before(e.FailSince)
		} else {
			disabled = true
			if e.FailSince.IsZero() && !o.Attempt.OK {
				e.FailSince = b.now
			}
		}
		if disabled {
			s.disable(b, e)
			why := "it failed for too long"
			if gone {
				why = "it asked for that"
			}
			if err := s.note(tx, hookswitch.Actor{Kind: hookswitch.ActorSystem}, hookswitch.DidDisableEndpoint, e, "Why", why); err != nil {
				return err
			}
		}
		// While the clock runs on, the App is left alone: each new version of it makes the accepts of the moment fan out anew.
		if changed = disabled || !e.FailSince.Equal(since); !changed {
			return nil
		}
		if err := tx.UpdateEndpoint(e); err != nil {
			return err
		}
		return s.touch(tx, o.App, b.now)
	})
	if changed {
		s.cache.forget(o.App)
	}
	if err == nil {
		s.counts.attempt(o)
		if disabled {
			s.counts.Disabled.Add(1)
			s.log.Warn("endpoint disabled", "app_id", s.ids.Format(hookswitch.KindApp, o.App), "endpoint_id", s.ids.Format(hookswitch.KindEndpoint, o.Target), "gone", gone)
		}
	}
	return err
}

// disable turns an endpoint off and tells the others.
func (s *Service) disable(b *births, e *hookswitch.Endpoint) {
	e.Disabled, e.DisabledBy, e.CanceledUpto, e.UpdatedAt = true, disabledAutomatic, s.keys.Next(), b.now.UTC()
	b.endpointDisabled(b.state(e.App), e)
}

// Skip ends a delivery without an attempt: its endpoint is gone or disabled, or its event has been removed. After a manual try it is what it was before.
func (s *Service) Skip(o *store.Outcome, manual bool) {
	o.Verdict = store.Canceled
	if manual {
		o.Verdict = store.Restored
	}
	s.store.Record(o)
}

// orNil is nil for "", so that an absent name reads as null.
func orNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// EndpointStats are the numbers of attempts on an endpoint, by result.
type EndpointStats struct{ OK, Failed int64 }

// EndpointStats counts the attempts on an endpoint of an app between two times, to the hour.
func (s *Service) EndpointStats(ctx context.Context, app, endpoint hookswitch.Key, since, until time.Time) (EndpointStats, error) {
	ok, failed, err := s.store.Stats(ctx, app, endpoint, since, until)
	return EndpointStats{ok, failed}, err
}

// webhookEvents are the event names of a sender's webhook, each once; nil means all that are ever about a sender. The message is "" for good ones.
func webhookEvents(names []string) (list []string, message string) {
	if names == nil {
		return hookswitch.AllSenderEvents(), ""
	}
	for _, n := range names {
		if !slices.Contains(hookswitch.SenderEvents, n) {
			allowed, _ := json.Marshal(hookswitch.SenderEvents) // a list of texts can be encoded
			return nil, "names the unknown event " + n + "; allowed are " + string(allowed)
		}
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	if len(list) == 0 {
		return nil, "must name at least one event, or be left out for all"
	}
	return list, ""
}
