package service

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// The event types that the gateway itself makes, one file each, in the form in which the Svix-shaped API takes an event type.
//
//go:embed eventtypes/*.json
var builtInFiles embed.FS

var builtInTypes = sync.OnceValues(func() ([]hookswitch.EventType, error) {
	files, err := builtInFiles.ReadDir("eventtypes")
	if err != nil {
		return nil, err
	}
	list := make([]hookswitch.EventType, len(files))
	for i, f := range files {
		raw, err := builtInFiles.ReadFile("eventtypes/" + f.Name())
		if err != nil {
			return nil, err
		}
		var in struct {
			Name, Description, GroupName string
			FeatureFlags                 []string
			Schemas                      json.RawMessage
		}
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("read the event type in %s: %w", f.Name(), err)
		}
		list[i] = hookswitch.EventType{Name: in.Name, Description: in.Description, GroupName: in.GroupName, FeatureFlags: in.FeatureFlags, Schemas: in.Schemas}
	}
	return list, nil
})

// BuiltInEventTypes are the event types that the gateway itself makes, as RegisterEventTypes enters them.
func BuiltInEventTypes() ([]hookswitch.EventType, error) {
	list, err := builtInTypes()
	return slices.Clone(list), err
}

// RegisterEventTypes enters the event types that the gateway itself makes into the catalogue, each once in the life of the database: what an operator makes of one
// afterwards, or that it has been removed, stays. It is called at the start, before anything is served.
func (s *Service) RegisterEventTypes(ctx context.Context) error {
	builtIn, err := builtInTypes()
	if err != nil {
		return err
	}
	known, err := s.store.RegisteredEventTypes(ctx)
	if err != nil {
		return fmt.Errorf("read which event types are registered: %w", err)
	}
	if !slices.ContainsFunc(builtIn, func(t hookswitch.EventType) bool { return !slices.Contains(known, t.Name) }) {
		return nil
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		fresh := make([]*hookswitch.EventType, len(builtIn))
		for i, t := range builtIn {
			t.Key, t.CreatedAt = s.keys.Next(), s.now().UTC()
			t.UpdatedAt = t.CreatedAt
			fresh[i] = &t
		}
		return tx.RegisterEventTypes(fresh)
	})
	if err != nil {
		return fmt.Errorf("register the event types: %w", err)
	}
	return nil
}

// isBuiltIn reports whether the gateway itself makes events of the type.
func isBuiltIn(name string) bool {
	list, _ := builtInTypes() // read at the start, or there is nothing to protect
	return slices.ContainsFunc(list, func(t hookswitch.EventType) bool { return t.Name == name })
}

// EventTypeQuery says which event types are wanted, and whether with their schemas.
type EventTypeQuery struct {
	Archived bool
	Schemas  bool
}

// EventTypes lists the event types that the caller sees (Restricted), by name.
func (s *Service) EventTypes(ctx context.Context, q EventTypeQuery, p store.NamePage) ([]*hookswitch.EventType, error) {
	return s.store.EventTypes(ctx, audienceOf(ctx).filter(store.EventTypeFilter{Archived: q.Archived, Schemas: q.Schemas}), p)
}

// EventType is the event type with the name, an archived one too, as far as the caller sees it (Restricted).
func (s *Service) EventType(ctx context.Context, name string) (*hookswitch.EventType, error) {
	if hookswitch.CheckName(name) != "" {
		return nil, hookswitch.NotFoundf("event type not found")
	}
	t, err := s.store.EventType(ctx, name)
	if err == nil && !audienceOf(ctx).visible(t) {
		return nil, hookswitch.NotFoundf("event type not found")
	}
	return t, err
}

// normal is t as it is stored: without repetitions, and without what stands for nothing.
func normal(t *hookswitch.EventType) {
	slices.Sort(t.FeatureFlags)
	if t.FeatureFlags = slices.Compact(t.FeatureFlags); len(t.FeatureFlags) == 0 {
		t.FeatureFlags = nil
	}
}

// checkEventType reports every wrong field of t, its schemas among them.
func checkEventType(t *hookswitch.EventType) error {
	normal(t)
	if err := t.Validate(); err != nil {
		return err
	}
	return checkSchemas(t.Schemas)
}

// CreateEventType stores a new event type. An archived one of the name becomes what t says. Where the same request has been made before, that one's
// event type is returned.
func (s *Service) CreateEventType(ctx context.Context, t hookswitch.EventType, idem Idempotency) (*hookswitch.EventType, error) {
	if err := checkEventType(&t); err != nil {
		return nil, err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.EventType(tx.Context(), t.Name)
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
			have, t.Key = nil, s.keys.Next()
		case err != nil:
			return err
		default:
			t.Key = have.Key
		}
		if err := idem.claim(tx, t.Key, s); err != nil {
			return err
		}
		if have != nil && !have.Archived {
			return eventTypeExists(t.Name)
		}
		return s.putEventType(tx, &t, have)
	})
	if ref, again := replayed(err); again {
		return s.store.EventTypeByKey(ctx, ref)
	}
	if hookswitch.KindOf(err) == hookswitch.Conflict {
		return nil, eventTypeExists(t.Name) // also where another one was faster
	}
	return &t, err
}

func eventTypeExists(name string) error {
	return &hookswitch.Error{Kind: hookswitch.Conflict, Code: "event_type_exists", Message: "an event type " + name + " exists already"}
}

// putEventType stores t in the place of have, which is nil where there is none yet.
func (s *Service) putEventType(tx *store.Tx, t, have *hookswitch.EventType) error {
	now := s.now().UTC()
	t.UpdatedAt = now
	if have == nil {
		if t.Key == 0 {
			t.Key = s.keys.Next()
		}
		t.CreatedAt = now
		return tx.InsertEventType(t)
	}
	t.Key, t.CreatedAt = have.Key, have.CreatedAt
	return tx.UpdateEventType(t)
}

// ReplaceEventType makes the event type with t's name what t says, and tells whether it was not there before.
func (s *Service) ReplaceEventType(ctx context.Context, t hookswitch.EventType) (out *hookswitch.EventType, created bool, err error) {
	if err := checkEventType(&t); err != nil {
		return nil, false, err
	}
	for again := false; ; again = true {
		err = s.store.Update(ctx, func(tx *store.Tx) error {
			created, err = s.upsertEventType(tx, &t)
			return err
		})
		if again || hookswitch.KindOf(err) != hookswitch.Conflict { // another one may have made it in between
			return &t, created, err
		}
	}
}

// upsertEventType makes the event type with t's name what t says, and tells whether it was not there before.
func (s *Service) upsertEventType(tx *store.Tx, t *hookswitch.EventType) (created bool, err error) {
	have, err := tx.EventType(tx.Context(), t.Name)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		t.Key = 0
		return true, s.putEventType(tx, t, nil)
	}
	if err != nil {
		return false, err
	}
	return false, s.putEventType(tx, t, have)
}

// UpdateEventType changes the event type with the name as change says, which may run more than once, on a fresh copy each time.
func (s *Service) UpdateEventType(ctx context.Context, name string, change func(*hookswitch.EventType) error) (*hookswitch.EventType, error) {
	if hookswitch.CheckName(name) != "" {
		return nil, hookswitch.NotFoundf("event type not found")
	}
	var t *hookswitch.EventType
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if t, err = tx.EventType(tx.Context(), name); err != nil {
			return err
		}
		if err := change(t); err != nil {
			return err
		}
		if err := checkEventType(t); err != nil {
			return err
		}
		t.UpdatedAt = s.now().UTC()
		return tx.UpdateEventType(t)
	})
	return t, err
}

// ArchiveEventType takes an event type out of what can be chosen. What it means to endpoints whose filter names it stays.
func (s *Service) ArchiveEventType(ctx context.Context, name string) error {
	_, err := s.UpdateEventType(ctx, name, func(t *hookswitch.EventType) error {
		t.Archived = true
		return nil
	})
	return err
}

// DeleteEventType removes an event type for good. What it means to endpoints whose filter names it stays.
func (s *Service) DeleteEventType(ctx context.Context, name string) error {
	if hookswitch.CheckName(name) != "" {
		return hookswitch.NotFoundf("event type not found")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteEventType(name) })
}

// maxNamed is how many names an error names.
const maxNamed = 10

// checkFilter reports the event types that the filter of an endpoint names anew and that cannot be chosen: they are not in the catalogue, archived, or hidden from who
// asks. before is what the filter named until now, which is not judged again.
func checkFilter(tx *store.Tx, a audience, before, after []string) error {
	old := make(map[string]bool, len(before))
	for _, name := range before {
		old[name] = true
	}
	named := slices.DeleteFunc(slices.Clone(after), func(name string) bool { return old[name] })
	if len(named) == 0 {
		return nil
	}
	known, err := tx.EventTypesNamed(tx.Context(), named)
	if err != nil {
		return err
	}
	chosen := make(map[string]bool, len(known))
	for _, t := range known {
		chosen[t.Name] = !t.Archived && a.visible(t)
	}
	missing := slices.DeleteFunc(named, func(name string) bool { return chosen[name] })
	if len(missing) == 0 {
		return nil
	}
	text := strings.Join(missing[:min(len(missing), maxNamed)], ", ")
	if more := len(missing) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return hookswitch.InvalidField("names event types that do not exist or are archived: "+text, "filterTypes")
}

// typeSample is how many of the newest events TypeVolumes counts.
const typeSample = 50_000

// TypeVolumes counts the events of an App in the last day by type. more says that there are more events than were counted.
func (s *Service) TypeVolumes(ctx context.Context, app hookswitch.Key) (counts map[string]int, more bool, err error) {
	if counts, err = s.store.TypeVolumes(ctx, app, s.now().Add(-24*time.Hour), typeSample); err != nil {
		return nil, false, err
	}
	n := 0
	for _, c := range counts {
		n += c
	}
	return counts, n >= typeSample, nil
}
