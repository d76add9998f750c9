package service

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/openapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// catalogueStep is how many event types are read at once where all are wanted.
const catalogueStep = 250

// EachEventType calls fn with every event type, by name, archived ones and schemas included, until it returns an error.
func (s *Service) EachEventType(ctx context.Context, fn func(*hookswitch.EventType) error) error {
	return eachEventType(ctx, &s.store.Reader, store.EventTypeFilter{Archived: true, Schemas: true}, fn)
}

func eachEventType(ctx context.Context, r *store.Reader, f store.EventTypeFilter, fn func(*hookswitch.EventType) error) error {
	p := store.NamePage{Limit: catalogueStep, Ascending: true}
	for {
		list, err := r.EventTypes(ctx, f, p)
		if err != nil {
			return err
		}
		for _, t := range list {
			if err := fn(t); err != nil {
				return err
			}
		}
		if len(list) < p.Limit {
			return nil
		}
		p.After = list[len(list)-1].Name
	}
}

// ImportEventTypes makes the event types of list what it says, and leaves all others as they are. Either all of it happens or nothing.
func (s *Service) ImportEventTypes(ctx context.Context, list []hookswitch.EventType, idem Idempotency) error {
	var c hookswitch.Checks
	for i := range list {
		c.Add(under(checkEventType(&list[i]), "eventTypes", "["+strconv.Itoa(i)+"]"))
	}
	if err := c.Err(); err != nil {
		return err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := idem.claim(tx, s.keys.Next(), s); err != nil {
			return err
		}
		for i := range list {
			if _, err := s.upsertEventType(tx, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if _, again := replayed(err); again {
		return nil
	}
	return err
}

// under is err about a part of the body that lies at path.
func under(err error, path ...string) error {
	var e *hookswitch.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Fields = make([]hookswitch.FieldError, len(e.Fields))
	for i, f := range e.Fields {
		f.Path = slices.Concat([]string{"body"}, path, f.Path[1:])
		out.Fields[i] = f
	}
	return &out
}

// OpenAPIImport says what the event types of the webhooks in an OpenAPI document are to become.
type OpenAPIImport struct {
	Document []byte // in JSON or YAML
	Field    string // what the caller calls it
	// DryRun changes nothing.
	DryRun bool
	// ReplaceAll archives what the document does not have, all but the event types that the gateway itself makes.
	ReplaceAll bool
}

// ImportOpenAPI makes an event type of each webhook that an OpenAPI document describes, new, or in the place of the one with its name, which is no longer archived then. What
// the document does not say of feature flags and groups stays. It returns the event types as they are now, or would be after a dry run.
func (s *Service) ImportOpenAPI(ctx context.Context, in OpenAPIImport, idem Idempotency) ([]*hookswitch.EventType, error) {
	hooks, err := openapi.Read(in.Document)
	var wrong *openapi.Error
	if errors.As(err, &wrong) {
		return nil, hookswitch.InvalidField(wrong.Message, append([]string{in.Field}, wrong.Path...)...)
	}
	if err != nil {
		return nil, err
	}
	var c hookswitch.Checks
	list, names := make([]*hookswitch.EventType, len(hooks)), make([]string, len(hooks))
	for i, h := range hooks {
		t := typeOfWebhook(h)
		c.Add(under(checkEventType(t), append([]string{in.Field}, h.Path...)...))
		list[i], names[i] = t, h.Name
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	if in.DryRun {
		_, err := overlay(ctx, &s.store.Reader, hooks, list, names)
		return list, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := idem.claim(tx, s.keys.Next(), s); err != nil {
			return err
		}
		have, err := overlay(tx.Context(), &tx.Reader, hooks, list, names)
		if err != nil {
			return err
		}
		for _, t := range list {
			t.Key = 0
			if err := s.putEventType(tx, t, have[t.Name]); err != nil {
				return err
			}
		}
		if !in.ReplaceAll {
			return nil
		}
		now := s.now()
		return eachEventType(tx.Context(), &tx.Reader, store.EventTypeFilter{}, func(t *hookswitch.EventType) error {
			if slices.Contains(names, t.Name) || isBuiltIn(t.Name) {
				return nil
			}
			return tx.ArchiveEventType(t.Key, now)
		})
	})
	if _, again := replayed(err); again {
		_, err = overlay(ctx, &s.store.Reader, hooks, list, names)
	}
	return list, err
}

// typeOfWebhook is the event type that a webhook describes.
func typeOfWebhook(h openapi.Webhook) *hookswitch.EventType {
	t := &hookswitch.EventType{Name: h.Name, Description: h.Description, Deprecated: h.Deprecated}
	if h.Schema != nil {
		t.Schemas = append(append([]byte(`{"1":`), h.Schema...), '}')
	}
	if h.GroupName != nil {
		t.GroupName = *h.GroupName
	}
	if h.FeatureFlags != nil {
		t.FeatureFlags = slices.Clone(*h.FeatureFlags)
	}
	return t
}

// overlay gives the event types of list what their webhooks do not tell and the stored ones have, and returns these by name.
func overlay(ctx context.Context, r *store.Reader, hooks []openapi.Webhook, list []*hookswitch.EventType, names []string) (map[string]*hookswitch.EventType, error) {
	stored, err := r.EventTypesNamed(ctx, names)
	if err != nil {
		return nil, err
	}
	have := make(map[string]*hookswitch.EventType, len(stored))
	for _, t := range stored {
		have[t.Name] = t
	}
	for i, h := range hooks {
		old := have[h.Name]
		if old == nil {
			old = &hookswitch.EventType{}
		}
		if h.GroupName == nil {
			list[i].GroupName = old.GroupName
		}
		if h.FeatureFlags == nil {
			list[i].FeatureFlags = old.FeatureFlags
		}
	}
	return have, nil
}
