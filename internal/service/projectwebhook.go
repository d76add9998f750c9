package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// ProjectWebhook is the webhook of an app itself, or an error of kind NotFound.
func (s *Service) ProjectWebhook(ctx context.Context, app hookswitch.Key) (*hookswitch.Endpoint, error) {
	return s.store.SenderWebhook(ctx, app, hookswitch.WebhookOfProject)
}

// projectEvents are the events of a project's webhook, each once; nil means all of them.
func projectEvents(names []string, c *hookswitch.Checks) []string {
	if names == nil {
		return slices.Clone(hookswitch.ProjectEvents)
	}
	var list []string
	for _, n := range names {
		switch {
		case !slices.Contains(hookswitch.ProjectEvents, n):
			c.Choice("names the unknown event "+n+"; allowed are "+strings.Join(hookswitch.ProjectEvents, ", "), hookswitch.ProjectEvents, "events")
		case !slices.Contains(list, n):
			list = append(list, n)
		}
	}
	if len(names) == 0 {
		c.Choice("must name at least one event, or be left out for all", hookswitch.ProjectEvents, "events")
	}
	return list
}

// SetProjectWebhook makes the webhook of an app, with a new secret, in place of one that is there. The secret is not shown again.
func (s *Service) SetProjectWebhook(ctx context.Context, app hookswitch.Key, url string, events []string) (*hookswitch.Endpoint, hookswitch.Secret, error) {
	var c hookswitch.Checks
	if url == "" {
		c.Field("is required", "url")
	} else if m := s.checkWebhookURL(url); m != "" {
		c.Field(m, "url")
	}
	events = projectEvents(events, &c)
	if err := c.Err(); err != nil {
		return nil, "", err
	}
	secret := newWebhookSecret()
	var e *hookswitch.Endpoint
	err := s.changeProjectWebhook(ctx, app, func(tx *store.Tx, have *hookswitch.Endpoint) error {
		now := s.now().UTC()
		if have != nil {
			e = have
			e.URL, e.EventTypes, e.Disabled, e.DisabledBy, e.UpdatedAt = url, events, false, "", now
			e.Secrets = []hookswitch.EndpointSecret{{Secret: secret}}
			return tx.UpdateEndpoint(e)
		}
		e = &hookswitch.Endpoint{Key: s.keys.Next(), App: app, Sender: hookswitch.WebhookOfProject, Profile: hookswitch.ProfileZavu, URL: url, EventTypes: events,
			Secrets: []hookswitch.EndpointSecret{{Secret: secret}}, Version: 1, CreatedAt: now, UpdatedAt: now}
		return tx.InsertEndpoint(e)
	})
	return e, secret, err
}

// ProjectWebhookChange says what is to change of a project's webhook. What is nil stays.
type ProjectWebhookChange struct {
	URL    *string
	Events []string
	Active *bool
}

// UpdateProjectWebhook changes the webhook of an app. While it is inactive nothing is sent, and what happens meanwhile is not kept for it; what was still owed ends. Its secret stays.
func (s *Service) UpdateProjectWebhook(ctx context.Context, app hookswitch.Key, change ProjectWebhookChange) (*hookswitch.Endpoint, error) {
	var c hookswitch.Checks
	if change.URL != nil {
		if m := s.checkWebhookURL(*change.URL); m != "" {
			c.Field(m, "url")
		}
	}
	var events []string
	if change.Events != nil {
		events = projectEvents(change.Events, &c)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	var e *hookswitch.Endpoint
	err := s.changeProjectWebhook(ctx, app, func(tx *store.Tx, have *hookswitch.Endpoint) error {
		if have == nil {
			return hookswitch.NotFoundf("webhook not found")
		}
		e = have
		if change.URL != nil {
			e.URL = *change.URL
		}
		if events != nil {
			e.EventTypes = events
		}
		if change.Active != nil && *change.Active == e.Disabled {
			e.Disabled = !*change.Active
			e.DisabledBy, e.FailSince = "", time.Time{}
			if e.Disabled {
				e.DisabledBy, e.CanceledUpto = disabledManual, s.keys.Next()
			}
		}
		e.UpdatedAt = s.now().UTC()
		return tx.UpdateEndpoint(e)
	})
	return e, err
}

// DeleteProjectWebhook removes the webhook of an app. What was still owed to it ends.
func (s *Service) DeleteProjectWebhook(ctx context.Context, app hookswitch.Key) error {
	return s.changeProjectWebhook(ctx, app, func(tx *store.Tx, have *hookswitch.Endpoint) error {
		if have == nil {
			return hookswitch.NotFoundf("webhook not found")
		}
		return tx.DeleteEndpoint(app, have.Key, s.keys.Next(), s.now())
	})
}

// changeProjectWebhook runs change on the webhook of an app, nil where there is none. A new version of the App makes two changes at once run one after the other.
func (s *Service) changeProjectWebhook(ctx context.Context, app hookswitch.Key, change func(tx *store.Tx, have *hookswitch.Endpoint) error) error {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.TouchApp(app, s.now()); err != nil {
			return err
		}
		have, err := tx.SenderWebhook(tx.Context(), app, hookswitch.WebhookOfProject)
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
		if err != nil {
			have = nil
		}
		return change(tx, have)
	})
	s.cache.forget(app)
	return err
}
