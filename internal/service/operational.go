package service

import (
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
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

// announce is operational for any data.
func (b *births) announce(eventType string, data any) {
	b.announced = true
	ev := &hookswitch.Event{Key: b.s.keys.Next(), App: hookswitch.OrganizationApp, Type: eventType}
	b.targets(b.organization, ev, 0, true, 0)
	if len(ev.Targets) == 0 {
		return
	}
	ev.Payload = encode(object{{"type", eventType}, {"data", data}})
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
