package service

import (
	"context"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// WebhookChange is what a caller asks of the webhook of a sender. The zero value asks for nothing.
type WebhookChange struct {
	URL    *string // makes the webhook where there is none
	Remove bool    // takes it away with its secret; what else is asked for is then left aside
	// Events are what it subscribes to in place of what it did. A new webhook for which they are nil gets every event of its sender.
	Events           []string
	Active           *bool
	SignatureVersion *string // "v1", "v1+v2" or "v2"
}

// WebhookNotConfigured is the code of the error for what needs a webhook where there is none.
const WebhookNotConfigured = "webhook_not_configured"

func notConfigured() error {
	return &hookswitch.Error{Kind: hookswitch.Invalid, Code: WebhookNotConfigured,
		Message: "The sender has no webhook. Set webhookUrl to configure one."}
}

// signatureVersions are what a webhook may be told to sign with.
var signatureVersions = []string{webhook.SchemeV1.Version(), webhook.SchemeV1V2.Version(), webhook.SchemeV2.Version()}

// checkWebhook notes what is wrong with the fields of a change themselves.
func (s *Service) checkWebhook(in *WebhookChange, c *hookswitch.Checks) {
	if in.URL != nil {
		if m := s.checkWebhookURL(*in.URL); m != "" {
			c.Field(m, "webhookUrl")
		}
	}
	if in.Events != nil {
		if _, m := webhookEvents(in.Events); m != "" {
			c.Choice(m, hookswitch.SenderEvents, "webhookEvents")
		}
	}
	if v := in.SignatureVersion; v != nil && !slices.Contains(signatureVersions, *v) {
		c.Choice("must be one of "+strings.Join(signatureVersions, ", "), signatureVersions, "webhookSignatureVersion")
	}
}

// changeWebhook makes the webhook of a sender what the change says. secret is set when one was made, which happens with each new webhook: what replaces the URL keeps it.
func (s *Service) changeWebhook(tx *store.Tx, app, sender hookswitch.Key, in *WebhookChange) (hook *hookswitch.Endpoint, secret hookswitch.Secret, err error) {
	hook, err = tx.SenderWebhook(tx.Context(), app, sender)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		hook, err = nil, nil
	}
	if err != nil {
		return nil, "", err
	}
	now := s.now().UTC()
	switch {
	case in.Remove && hook != nil:
		return nil, "", tx.DeleteEndpoint(app, hook.Key, s.keys.Next(), now)
	case in.Remove:
		return nil, "", nil
	case in.URL == nil && in.Events == nil && in.Active == nil && in.SignatureVersion == nil:
		return hook, "", nil
	case hook == nil && in.URL == nil:
		return nil, "", notConfigured()
	}
	made := hook == nil
	if made {
		secret = newWebhookSecret()
		hook = &hookswitch.Endpoint{Key: s.keys.Next(), App: app, Sender: sender, Profile: hookswitch.ProfileZavu, EventTypes: hookswitch.AllSenderEvents(),
			Secrets: []hookswitch.EndpointSecret{{Secret: secret}}, Version: 1, CreatedAt: now}
	}
	if err := in.apply(hook, made, s.keys); err != nil {
		return nil, "", err
	}
	hook.UpdatedAt = now
	if made {
		return hook, secret, tx.InsertEndpoint(hook)
	}
	return hook, "", tx.UpdateEndpoint(hook)
}

// apply makes a webhook what the change says. One that is switched off ends what it is owed.
func (in *WebhookChange) apply(hook *hookswitch.Endpoint, made bool, keys *hookswitch.Keys) error {
	if in.URL != nil {
		hook.URL = *in.URL
	}
	if in.Events != nil {
		hook.EventTypes, _ = webhookEvents(in.Events) // checked before
	}
	if in.Active != nil && *in.Active == hook.Disabled {
		hook.Disabled, hook.DisabledBy = !*in.Active, ""
		if hook.Disabled {
			hook.DisabledBy, hook.CanceledUpto = disabledManual, keys.Next()
		}
	}
	if in.SignatureVersion == nil {
		return nil
	}
	from, to := SignatureVersion(hook), *in.SignatureVersion
	if !made && from != to && from != webhook.SchemeV1V2.Version() && to != webhook.SchemeV1V2.Version() {
		return hookswitch.InvalidField("cannot go from "+from+" to "+to+" at once: set "+webhook.SchemeV1V2.Version()+" first, and "+to+
			" when the receiver is ready for it", "webhookSignatureVersion")
	}
	hook.SignatureVersion = to
	return nil
}

// SignatureVersion is the version that the requests of a webhook are said to be signed with.
func SignatureVersion(hook *hookswitch.Endpoint) string {
	scheme, err := webhook.ParseScheme(hook.SignatureVersion)
	if err != nil { // it chose none: both of the server's own ways carry v2
		return webhook.SchemeV2.Version()
	}
	return scheme.Version()
}

func newWebhookSecret() hookswitch.Secret {
	return hookswitch.Secret(webhook.NewAlphanumericSecret().Reveal())
}

// RegenerateWebhookSecret gives the webhook of the sender with the id a new secret. The old one signs nothing any more, not even what is tried again.
func (s *Service) RegenerateWebhookSecret(ctx context.Context, app hookswitch.Key, id string) (hookswitch.Secret, error) {
	key, ok := s.ids.Parse(hookswitch.KindSender, id)
	if !ok {
		return "", hookswitch.NotFoundf("sender not found")
	}
	secret := newWebhookSecret()
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.HoldApp(app); err != nil {
			return err
		}
		if _, err := tx.Sender(tx.Context(), app, key); err != nil {
			return err
		}
		hook, err := tx.SenderWebhook(tx.Context(), app, key)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return notConfigured()
		}
		if err != nil {
			return err
		}
		hook.Secrets, hook.UpdatedAt = []hookswitch.EndpointSecret{{Secret: secret}}, s.now().UTC()
		if err := tx.UpdateEndpoint(hook); err != nil {
			return err
		}
		return s.touch(tx, app, s.now())
	})
	s.cache.forget(app)
	if err != nil {
		return "", err
	}
	return secret, nil
}
