package service

import (
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Organization is the App of the organisation itself, which owns the operational endpoints. App and Apps do not know it.
func (s *Service) Organization(ctx context.Context) (*hookswitch.App, error) {
	return s.AppByKey(ctx, hookswitch.OrganizationApp)
}

// operational tells the organisation's endpoints, those whose filter lets the type through, what has happened to the App; nil stands for something that
// concerns no single one. data becomes the value of "data" with its fields in their order:
//
//	b.operational(hookswitch.EventTaskFinished, nil, object{{"taskId", id}, {"task", kind}, {"status", status}, {"data", result}})
//
// It belongs into the function given to update, whose transaction then holds the event and what is owed for it. Where no endpoint wants it nothing is stored. What
// happens to the organisation's own App is told to nobody: telling it would bring about more of the same.
func (b *births) operational(eventType string, app *hookswitch.App, data object) {
	if app == nil || app.Key != hookswitch.OrganizationApp {
		b.announce(eventType, data)
	}
}

// wants reports whether an operational endpoint wants events of the type, a disabled one for later.
func (b *births) wants(eventType string) bool {
	b.announced = true // also a no has to be true when the transaction is committed
	return b.organization.wants(eventType)
}

func (st *appState) wants(eventType string) bool {
	return slices.ContainsFunc(st.endpoints, func(e *hookswitch.Endpoint) bool { return e.Matches(eventType, nil, 0, true) })
}

// announce is operational for any data.
func (b *births) announce(eventType string, data any) {
	if !b.wants(eventType) {
		return
	}
	ev := &hookswitch.Event{Key: b.s.keys.Next(), App: hookswitch.OrganizationApp, Type: eventType}
	ev.Payload = encode(object{{"type", eventType}, {"data", data}})
	b.targets(b.organization, ev, 0, true, 0)
	b.events = append(b.events, ev)
}

// endpointEvent tells the organisation what has become of an endpoint of an App. The webhooks of senders belong to another API and are not told of.
func (b *births) endpointEvent(eventType string, app *hookswitch.App, e *hookswitch.Endpoint) {
	if e.Sender == 0 {
		b.operational(eventType, app, b.s.aboutEndpoint(app, e))
	}
}

// endpointDisabled tells that an endpoint has been disabled: the organisation, and of the App's other endpoints those whose filter names it.
func (b *births) endpointDisabled(st *appState, e *hookswitch.Endpoint) {
	data := b.s.aboutEndpoint(st.app, e)
	if !e.FailSince.IsZero() {
		data = append(data, field{"failSince", timeText(e.FailSince)})
	}
	b.endpointTurned(hookswitch.EventEndpointDisabled, st, e, append(data, field{"trigger", e.DisabledBy}))
}

// endpointEnabled is the opposite of endpointDisabled.
func (b *births) endpointEnabled(st *appState, e *hookswitch.Endpoint) {
	b.endpointTurned(hookswitch.EventEndpointEnabled, st, e, b.s.aboutEndpoint(st.app, e))
}

func (b *births) endpointTurned(eventType string, st *appState, e *hookswitch.Endpoint, data object) {
	if e.Sender == 0 {
		b.operational(eventType, st.app, data)
	}
	if e.Operational() || !slices.ContainsFunc(st.endpoints, func(o *hookswitch.Endpoint) bool {
		return o.Key != e.Key && !o.Disabled && o.Matches(eventType, nil, 0, true)
	}) {
		return
	}
	ev := &hookswitch.Event{Key: b.s.keys.Next(), App: e.App, Type: eventType, Payload: encode(object{{"type", eventType}, {"data", data}})}
	b.targets(st, ev, 0, true, e.Key)
	b.events = append(b.events, ev)
}

// failingTries is which failure of a delivery message.attempt.failing tells of, and how many a success has to follow for message.attempt.recovered.
const failingTries = 4

// PlainTries is how many scheduled tries may have failed before one whose outcome is always recorded by Record.
const PlainTries = failingTries - 2

// RecordLate is Record for a try that tries scheduled ones failed before, and after which the endpoint is not judged. Where the organisation wants to know of it the
// outcome and the event are committed together, before it returns; and so is the outcome where its successor waits for it.
func (s *Service) RecordLate(ctx context.Context, o *store.Outcome, tries int) error {
	eventType := ""
	switch {
	case o.App == hookswitch.OrganizationApp || o.Attempt == nil:
	case o.Attempt.OK && tries >= failingTries:
		eventType = hookswitch.EventAttemptRecovered
	case o.Verdict == store.Retry && tries+1 == failingTries:
		eventType = hookswitch.EventAttemptFailing
	case o.Verdict == store.Exhausted && !o.Attempt.Manual: // the receiver wants no more of it
		eventType = hookswitch.EventAttemptExhausted
	}
	if eventType != "" {
		if org, err := s.state(ctx, hookswitch.OrganizationApp); err == nil && !org.wants(eventType) {
			eventType = ""
		}
	}
	if eventType == "" {
		if o.Kind == hookswitch.DeliverOrdered {
			return s.RecordNow(ctx, o)
		}
		s.Record(o)
		return nil
	}
	err := s.update(ctx, nil, func(tx *store.Tx, b *births) error {
		s.rekey(o)
		own, err := tx.Record(o, b.now)
		if err != nil || !own {
			return err
		}
		return b.attemptEvent(tx, eventType, o)
	})
	if err == nil {
		s.recorded(o)
	}
	return err
}

// rekey gives the attempt of an outcome that is about to be committed a new key. The log of attempts may have passed the one it got before a wait.
func (s *Service) rekey(o *store.Outcome) { o.Attempt.Key = s.keys.Next() }

// attemptEvent tells the organisation what a try has led to.
func (b *births) attemptEvent(tx *store.Tx, eventType string, o *store.Outcome) error {
	if o.App == hookswitch.OrganizationApp || !b.wants(eventType) {
		return nil
	}
	app, err := tx.App(tx.Context(), o.App)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil // deleted meanwhile, and everything of it
	}
	if err != nil {
		return err
	}
	uid, err := tx.EventUID(tx.Context(), o.App, o.Subject)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return err
	}
	ids, a := b.s.ids, o.Attempt
	data := append(b.s.aboutApp(app), field{"msgId", ids.Format(hookswitch.KindEvent, o.Subject)}).with("msgEventId", uid)
	b.operational(eventType, app, append(data,
		field{"endpointId", ids.Format(hookswitch.KindEndpoint, o.Target)},
		field{"lastAttempt", object{{"id", ids.Format(hookswitch.KindAttempt, a.Key)}, {"responseStatusCode", a.Code}, {"timestamp", timeText(a.CreatedAt())}}}))
	return nil
}

// aboutEndpoint is what operational events say of an endpoint.
func (s *Service) aboutEndpoint(app *hookswitch.App, e *hookswitch.Endpoint) object {
	data := s.aboutApp(app)
	data = append(data, field{"endpointId", s.ids.Format(hookswitch.KindEndpoint, e.Key)})
	return data.with("endpointUid", e.UID)
}

func (s *Service) aboutApp(app *hookswitch.App) object {
	return object{{"appId", s.ids.Format(hookswitch.KindApp, app.Key)}}.with("appUid", app.UID)
}

// with is o and a field more, unless that is empty: client libraries read a missing field as none, and not all of them null.
func (o object) with(name, text string) object {
	if text == "" {
		return o
	}
	return append(o, field{name, text})
}

// timeText is t as the Svix-shaped API writes times.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
