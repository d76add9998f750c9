package service

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// AppUsage says what is to be counted.
type AppUsage struct {
	Since, Until time.Time
	Apps         []string // by id or by their callers' names; empty: all
}

// maxUsageApps is how many apps one request may name.
const maxUsageApps = 10_000

type appUsageParams struct {
	SinceMS int64            `json:"since_ms"`
	UntilMS int64            `json:"until_ms"`
	Apps    []hookswitch.Key `json:"apps"` // ascending; null: all
}

// appUsage is what was found out of one App.
type appUsage struct {
	App      hookswitch.Key `json:"app"`
	UID      string         `json:"uid"`
	Events   int64          `json:"events"`
	Attempts int64          `json:"attempts"`
}

// CountUsage starts a task that counts the events and the attempts of apps. unknown are the names that no App has.
func (s *Service) CountUsage(ctx context.Context, u AppUsage, idem Idempotency) (t *hookswitch.Task, unknown []string, err error) {
	var c hookswitch.Checks
	if u.Since.IsZero() {
		c.Field("is required", "since")
	}
	if u.Until.IsZero() {
		c.Field("is required", "until")
	} else if u.Until.Before(u.Since) {
		c.Field("must not lie before since", "until")
	}
	if len(u.Apps) > maxUsageApps {
		c.Field("must name at most 10000 applications", "appIds")
	}
	if err := c.Err(); err != nil {
		return nil, nil, err
	}
	p := appUsageParams{SinceMS: u.Since.UnixMilli(), UntilMS: u.Until.UnixMilli()}
	for _, ref := range u.Apps {
		app, err := s.App(ctx, ref)
		switch {
		case err == nil:
			p.Apps = append(p.Apps, app.Key)
		case hookswitch.KindOf(err) == hookswitch.NotFound:
			unknown = append(unknown, ref)
		default:
			return nil, nil, err
		}
	}
	if len(u.Apps) > 0 && p.Apps == nil {
		return nil, nil, hookswitch.InvalidField("names no application that exists", "appIds")
	}
	slices.Sort(p.Apps)
	p.Apps = slices.Compact(p.Apps)
	params, err := json.Marshal(p)
	if err != nil {
		return nil, nil, err
	}
	t, err = s.startTask(ctx, hookswitch.Task{Key: s.keys.Next(), Kind: hookswitch.TaskAppStats, Params: params, Total: hookswitch.TaskUncounted, CreatedAt: s.now().UTC()}, idem)
	return t, unknown, err
}

const (
	// usageStretch is how many apps one step looks at.
	usageStretch = 200
	// usageBudget is how long one step counts before it commits what it has found. Apps can have very many events.
	usageBudget = 100 * time.Millisecond
)

// nextApps are the apps behind the task's place, of those that it names or of all. place is where they end, and last says that there are no more.
func (s *Service) nextApps(ctx context.Context, t *hookswitch.Task, named []hookswitch.Key) (apps []*hookswitch.App, place hookswitch.Key, last bool, err error) {
	if named == nil {
		apps, err = s.store.Apps(ctx, store.Page{Limit: usageStretch, After: t.Place, Ascending: true})
		if place = t.Place; len(apps) > 0 {
			place = apps[len(apps)-1].Key
		}
		return apps, place, len(apps) < usageStretch, err
	}
	from, _ := slices.BinarySearch(named, t.Place+1)
	named = named[from:]
	some := named[:min(len(named), usageStretch)]
	for _, key := range some {
		app, err := s.store.App(ctx, key)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue // deleted in between
		}
		if err != nil {
			return nil, 0, false, err
		}
		apps = append(apps, app)
	}
	if place = t.Place; len(some) > 0 {
		place = some[len(some)-1]
	}
	return apps, place, len(some) == len(named), nil
}

// found adds to the result of a task, a list, in the transaction that moves it to place.
func found[T any](s *Service, ctx context.Context, t *hookswitch.Task, more []T, place hookswitch.Key, last bool) (taskStep, error) {
	all, err := results[T](t)
	if err != nil {
		return taskStep{}, err
	}
	result, err := json.Marshal(append(all, more...))
	if err != nil {
		return taskStep{}, err
	}
	return s.advance(ctx, t, func(_ *store.Tx, b *births, next *hookswitch.Task) error {
		next.Place, next.Result, next.Done, next.UpdatedAt = place, result, t.Done+int64(len(more)), b.now
		if last {
			next.Status, next.Total = hookswitch.TaskFinished, next.Done
		}
		return nil
	})
}

func results[T any](t *hookswitch.Task) (list []T, err error) {
	if len(t.Result) > 0 {
		err = json.Unmarshal(t.Result, &list)
	}
	return list, err
}

func (s *Service) stepAppStats(ctx context.Context, t *hookswitch.Task) (taskStep, error) {
	var p appUsageParams
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return taskStep{}, err
	}
	start := time.Now()
	apps, place, last, err := s.nextApps(ctx, t, p.Apps)
	if err != nil {
		return taskStep{}, err
	}
	more := make([]appUsage, 0, len(apps))
	for _, app := range apps {
		if len(more) > 0 && time.Since(start) > usageBudget {
			place, last = more[len(more)-1].App, false
			break
		}
		u := appUsage{App: app.Key, UID: app.UID}
		if u.Events, u.Attempts, err = s.store.AppUsage(ctx, app.Key, time.UnixMilli(p.SinceMS), time.UnixMilli(p.UntilMS)); err != nil {
			return taskStep{}, err
		}
		more = append(more, u)
	}
	return found(s, ctx, t, more, place, last)
}

func (s *Service) appStatsData(t *hookswitch.Task, _ int64) object {
	var p appUsageParams
	list, err := results[appUsage](t)
	if err != nil || json.Unmarshal(t.Params, &p) != nil {
		return nil
	}
	stats := make([]any, len(list))
	for i, u := range list {
		stats[i] = object{{"appId", s.ids.Format(hookswitch.KindApp, u.App)}, {"appUid", orNil(u.UID)}, {"messageDestinations", u.Attempts}, {"messages", u.Events}}
	}
	return object{{"appStats", stats}, {"since", timeText(time.UnixMilli(p.SinceMS))}, {"until", timeText(time.UnixMilli(p.UntilMS))}}
}

// appEventTypes are the event types that the endpoints of one App name.
type appEventTypes struct {
	App hookswitch.Key `json:"app"`
	// Named are in the order of the alphabet.
	Named []string `json:"named"`
	All   bool     `json:"all"` // an endpoint takes all types
}

// AggregateEventTypes starts a task that lists which event types the endpoints of each App subscribe to.
func (s *Service) AggregateEventTypes(ctx context.Context) (*hookswitch.Task, error) {
	return s.startTask(ctx, hookswitch.Task{Key: s.keys.Next(), Kind: hookswitch.TaskEventTypeAggregate, Total: hookswitch.TaskUncounted, CreatedAt: s.now().UTC()}, Idempotency{})
}

func (s *Service) stepEventTypes(ctx context.Context, t *hookswitch.Task) (taskStep, error) {
	apps, place, last, err := s.nextApps(ctx, t, nil)
	if err != nil {
		return taskStep{}, err
	}
	subs, err := s.store.Subscriptions(ctx, t.Place, place)
	if err != nil {
		return taskStep{}, err
	}
	more := make([]appEventTypes, len(apps))
	for i, app := range apps {
		more[i].App = app.Key
		for ; len(subs) > 0 && subs[0].App <= app.Key; subs = subs[1:] {
			if subs[0].App == app.Key {
				more[i].Named = append(more[i].Named, subs[0].EventTypes...)
				more[i].All = more[i].All || subs[0].EventTypes == nil
			}
		}
		slices.Sort(more[i].Named)
		more[i].Named = slices.Compact(more[i].Named)
	}
	return found(s, ctx, t, more, place, last)
}

func (s *Service) eventTypesData(t *hookswitch.Task, _ int64) object {
	list, err := results[appEventTypes](t)
	if err != nil {
		return nil
	}
	types := make([]any, len(list))
	for i, a := range list {
		types[i] = object{{"appId", s.ids.Format(hookswitch.KindApp, a.App)}, {"explicitlySubscribedEventTypes", a.Named}, {"hasCatchAllEndpoint", a.All}}
	}
	return object{{"event_types", types}}
}
