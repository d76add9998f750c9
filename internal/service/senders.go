package service

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// SenderSpec is one entry of a sender file: one route of the sender with its id or, where that is empty, with its name, and what the sender is to be.
type SenderSpec struct {
	ID          string
	Name        string // with an ID the name that the sender is to have; "" leaves it as it is
	Channel     hookswitch.Channel
	Provider    string
	PhoneNumber string
	Credentials hookswitch.Credentials
	Webhook     *WebhookSpec
	Responder   *hookswitch.ResponderConfig
	Dialogue    *hookswitch.DialogueTexts
	// Rate is how often may be sent over the route, as hookswitch.ParseRate reads it, or UsualRate; "" leaves it as it is.
	Rate string
}

// UsualRate is the rate of a route that sends as often as is usual at its provider.
const UsualRate = "usual"

// WebhookSpec is the webhook of a sender as a file describes it.
type WebhookSpec struct {
	URL    string
	Events []string // nil: all
}

// AppliedSender is what became of the entries of one name.
type AppliedSender struct {
	Sender  *hookswitch.Sender
	Webhook *hookswitch.Endpoint // nil: none
	// Secret is the webhook's signing secret, when it was made just now. It is not shown again.
	Secret  hookswitch.Secret
	Created bool
	Changed bool
}

// maxSenderSpecs is how many entries a file may have.
const maxSenderSpecs = 1000

// ApplySenders makes the senders of an app what the entries say. Entries of one id or name are one sender with several routes. Senders that no entry names
// are left alone; applying the same entries again changes nothing, but that a disabled route is no longer disabled.
func (s *Service) ApplySenders(ctx context.Context, app hookswitch.Key, specs []SenderSpec) ([]AppliedSender, error) {
	if err := s.checkSpecs(specs); err != nil {
		return nil, err
	}
	var out []AppliedSender
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		out = nil
		if err := tx.HoldApp(app); err != nil { // two that make a sender of one name would make two
			return err
		}
		changed := false
		for i, spec := range specs {
			id, _ := s.ids.Parse(hookswitch.KindSender, spec.ID)
			at := slices.IndexFunc(out, func(a AppliedSender) bool { return a.Sender.Key == id || id == 0 && a.Sender.Name == spec.Name })
			if at < 0 {
				applied, err := s.applySender(tx, app, id, spec, i)
				if err != nil {
					return err
				}
				out = append(out, applied)
				at = len(out) - 1
			} else if err := s.changeSender(tx, &out[at], spec); err != nil {
				return err
			}
			if err := s.applyRoute(tx, &out[at], spec, i); err != nil {
				return err
			}
			if err := s.applyWebhook(tx, &out[at], spec); err != nil {
				return err
			}
			changed = changed || out[at].Created || out[at].Changed
		}
		if !changed {
			return nil
		}
		return tx.TouchApp(app, s.now())
	})
	s.cache.forget(app)
	s.routes.forget()
	return out, err
}

func (s *Service) checkSpecs(specs []SenderSpec) error {
	var c hookswitch.Checks
	if len(specs) == 0 {
		c.Field("must have at least one entry", "senders")
	}
	if len(specs) > maxSenderSpecs {
		c.Field("must have at most "+strconv.Itoa(maxSenderSpecs)+" entries", "senders")
		return c.Err()
	}
	for i, spec := range specs {
		at := func(message string, path ...string) {
			c.Field(message, append([]string{"senders", "[" + strconv.Itoa(i) + "]"}, path...)...)
		}
		if _, ok := s.ids.Parse(hookswitch.KindSender, spec.ID); !ok && spec.ID != "" {
			at("must be the id of a sender, such as the API gives", "id")
		}
		if m := hookswitch.CheckSenderName(spec.Name); m != "" && (spec.ID == "" || spec.Name != "") {
			at(m, "name")
		}
		if !spec.Channel.Valid() {
			at("must be one of "+channelNames(), "channel")
		}
		if hookswitch.CheckName(spec.Provider) != "" {
			at("must name a provider such as meta or twilio", "provider")
		}
		if spec.PhoneNumber != "" {
			if m := hookswitch.CheckPhone(spec.PhoneNumber); m != "" {
				at(m, "phoneNumber")
			}
		}
		s.checkSpecCredentials(&spec, func(message string, path ...string) { at(message, append([]string{"credentials"}, path...)...) })
		if spec.Responder != nil && s.o.CheckResponder != nil {
			var wrong *hookswitch.Error
			switch err := s.o.CheckResponder(*spec.Responder); {
			case errors.As(err, &wrong) && len(wrong.Fields) > 0:
				for _, f := range wrong.Fields {
					at(f.Message, f.Path[min(1, len(f.Path)):]...)
				}
			case err != nil:
				at(err.Error(), "responder")
			}
		}
		if _, err := hookswitch.ParseRate(spec.Rate); err != nil && spec.Rate != UsualRate {
			at(err.Error()+"; or "+UsualRate, "rate")
		}
		if spec.Dialogue != nil {
			spec.Dialogue.Check(func(message string, path ...string) { at(message, append([]string{"dialogue"}, path...)...) })
		}
		if w := spec.Webhook; w != nil {
			if m := s.checkWebhookURL(w.URL); m != "" {
				at(m, "webhook", "url")
			}
			if _, m := webhookEvents(w.Events); m != "" {
				at(m, "webhook", "events")
			}
		}
	}
	return c.Err()
}

// checkSpecCredentials says which credentials of an entry its provider does not take as they are.
func (s *Service) checkSpecCredentials(spec *SenderSpec, at func(message string, path ...string)) {
	p, ok := s.providers[spec.Provider].(hookswitch.CredentialsChecker)
	if !ok {
		return
	}
	var wrong *hookswitch.Error
	switch err := p.CheckCredentials(spec.Channel, spec.Credentials); {
	case errors.As(err, &wrong) && len(wrong.Fields) > 0:
		for _, f := range wrong.Fields {
			at(f.Message, f.Path[min(1, len(f.Path)):]...)
		}
	case err != nil:
		at(err.Error())
	}
}

// Ignored are the names of credentials of a route that its provider does not know: misspelt, or for another version of this server.
func (s *Service) Ignored(r *hookswitch.Route) (names []string) {
	p := s.providers[r.Provider]
	if p == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.Credentials)) {
		if !takesCredential(p, name) {
			names = append(names, name)
		}
	}
	return names
}

// takesCredential reports whether a provider takes a credential of the name on any of its channels: entries for several channels of one account often share theirs.
func takesCredential(p hookswitch.Provider, name string) bool {
	described := false
	for _, d := range p.Doors() {
		for _, ch := range d.Channels {
			fields := credentialFields(p, ch)
			if slices.ContainsFunc(fields, func(f hookswitch.CredentialField) bool { return f.Name == name }) {
				return true
			}
			described = described || len(fields) > 0
		}
	}
	return !described
}

// unwanted says that a credential has a name that a provider does not know, and which it takes on a channel.
func unwanted(p hookswitch.Provider, ch hookswitch.Channel) string {
	var known []string
	for _, f := range credentialFields(p, ch) {
		known = append(known, f.Name)
	}
	return "is nothing that " + p.Name() + " wants for " + string(ch) + "; it takes " + strings.Join(known, ", ")
}

func channelNames() string {
	names := make([]string, len(hookswitch.Channels))
	for i, c := range hookswitch.Channels {
		names[i] = string(c)
	}
	return strings.Join(names, ", ")
}

// maxWebhookURL is the greatest length of the URL of a sender's webhook.
const maxWebhookURL = 2048

// checkWebhookURL says what is wrong with the URL of a sender's webhook: it has to be https, without credentials, and at an address that may be
// reached.
func (s *Service) checkWebhookURL(text string) string {
	u, m := hookswitch.ParseEndpointURL(text)
	switch {
	case m != "":
		return m
	case len(text) > maxWebhookURL:
		return "must be at most " + strconv.Itoa(maxWebhookURL) + " characters long"
	case u.User != nil:
		return "must not contain a user name or password"
	case s.isBin(u):
		return ""
	case u.Scheme != "https" && (s.o.AllowPlain == nil || !s.o.AllowPlain(u.Hostname())):
		return "must start with https://; the setting allow-networks permits http:// to the networks it names"
	case s.o.CheckURL != nil:
		if err := s.o.CheckURL(u); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (s *Service) isBin(u *url.URL) bool {
	_, ok := s.BinToken(u.String())
	return ok
}

// applySender finds or makes the sender of an entry and brings its own fields up to date. id is 0 for an entry that names none.
func (s *Service) applySender(tx *store.Tx, app, id hookswitch.Key, spec SenderSpec, at int) (AppliedSender, error) {
	now := s.now().UTC()
	var have *hookswitch.Sender
	var err error
	if id == 0 {
		have, err = tx.SenderByName(tx.Context(), app, spec.Name)
	} else {
		have, err = tx.Sender(tx.Context(), app, id)
	}
	switch {
	case hookswitch.KindOf(err) == hookswitch.Conflict:
		return AppliedSender{}, hookswitch.Errorf(hookswitch.Conflict, "senders[%d]: several senders have the name %q; write the id of the one that is meant beside it", at, spec.Name)
	case hookswitch.KindOf(err) == hookswitch.NotFound && id != 0:
		return AppliedSender{}, hookswitch.NotFoundf("senders[%d]: there is no sender %s", at, spec.ID)
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		sender := &hookswitch.Sender{Key: s.keys.Next(), App: app, Name: spec.Name, PhoneNumber: spec.PhoneNumber, CreatedAt: now, UpdatedAt: now}
		if spec.Responder != nil {
			sender.Responder = *spec.Responder
		}
		if spec.Dialogue != nil {
			sender.Dialogue = *spec.Dialogue
		}
		return AppliedSender{Sender: sender, Created: true}, tx.InsertSender(sender)
	case err != nil:
		return AppliedSender{}, err
	}
	out := AppliedSender{Sender: have}
	return out, s.changeSender(tx, &out, spec)
}

// changeSender brings a sender's own fields up to date with an entry. What an entry leaves out stays as it is.
func (s *Service) changeSender(tx *store.Tx, a *AppliedSender, spec SenderSpec) error {
	sender, changed := a.Sender, false
	if spec.Name != "" && spec.Name != sender.Name {
		sender.Name, changed = spec.Name, true
	}
	if spec.PhoneNumber != "" && spec.PhoneNumber != sender.PhoneNumber {
		sender.PhoneNumber, changed = spec.PhoneNumber, true
	}
	if spec.Responder != nil && !bytes.Equal(spec.Responder.Raw, sender.Responder.Raw) {
		sender.Responder, changed = *spec.Responder, true
	}
	if spec.Dialogue != nil && *spec.Dialogue != sender.Dialogue {
		sender.Dialogue, changed = *spec.Dialogue, true
	}
	if !changed {
		return nil
	}
	a.Changed = !a.Created
	sender.UpdatedAt = s.now().UTC()
	return tx.UpdateSender(sender)
}

// applyRoute finds or makes the route of an entry: the one with the same channel, provider and address, else the only one with the same channel and
// provider.
func (s *Service) applyRoute(tx *store.Tx, a *AppliedSender, spec SenderSpec, at int) error {
	want := hookswitch.Route{App: a.Sender.App, Sender: a.Sender.Key, Channel: spec.Channel, Provider: spec.Provider, Credentials: spec.Credentials}
	if p := s.providers[spec.Provider]; p != nil {
		want.Account = p.Account(spec.Credentials)
		want.Address = p.Address(spec.Channel, spec.Credentials, cmp.Or(spec.PhoneNumber, a.Sender.PhoneNumber))
	}
	want.Rate, _ = hookswitch.ParseRate(spec.Rate) // checked before; the usual one is zero
	var same []int
	found := -1
	for i, r := range a.Sender.Routes {
		if r.Channel == want.Channel && r.Provider == want.Provider {
			same = append(same, i)
			if r.Address == want.Address {
				found = i
			}
		}
	}
	if found < 0 && len(same) == 1 && (want.Address == "" || a.Sender.Routes[same[0]].Address == "") {
		found = same[0]
	}
	if found < 0 {
		want.Key = s.keys.Next()
		a.Sender.Routes = append(a.Sender.Routes, want)
		a.Changed = !a.Created
	} else {
		have := &a.Sender.Routes[found]
		want.Key = have.Key
		if spec.Rate == "" {
			want.Rate = have.Rate
		}
		if !have.Disabled() && want.Rate == have.Rate && sameCredentials(have.Credentials, want.Credentials) && have.Account == want.Account && have.Address == want.Address {
			return nil
		}
		*have, a.Changed = want, true
	}
	err := tx.PutRoute(&want)
	var known *hookswitch.Error
	if errors.As(err, &known) && known.Kind == hookswitch.Conflict {
		return &hookswitch.Error{Kind: hookswitch.Conflict, Err: known.Err,
			Message: "senders[" + strconv.Itoa(at) + "] (" + spec.Name + "): " + known.Message + "; each address belongs to one sender of one application"}
	}
	return err
}

// applyWebhook makes the webhook of the sender what the entry says. The secret is made with it, and kept when only the URL or the events change.
func (s *Service) applyWebhook(tx *store.Tx, a *AppliedSender, spec SenderSpec) error {
	have, err := tx.SenderWebhook(tx.Context(), a.Sender.App, a.Sender.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		have, err = nil, nil
	}
	if err != nil {
		return err
	}
	a.Webhook = have
	if spec.Webhook == nil {
		return nil
	}
	events, _ := webhookEvents(spec.Webhook.Events)       // checked before
	u, _ := hookswitch.ParseEndpointURL(spec.Webhook.URL) // too
	now := s.now().UTC()
	if have == nil {
		secret := newWebhookSecret()
		have = &hookswitch.Endpoint{Key: s.keys.Next(), App: a.Sender.App, Sender: a.Sender.Key, Profile: hookswitch.ProfileZavu, URL: u.String(), EventTypes: events,
			Secrets: []hookswitch.EndpointSecret{{Secret: secret}}, Version: 1, CreatedAt: now, UpdatedAt: now}
		a.Webhook, a.Secret, a.Changed = have, secret, !a.Created
		return tx.InsertEndpoint(have)
	}
	if have.URL == u.String() && slices.Equal(have.EventTypes, events) {
		return nil
	}
	have.URL, have.EventTypes, have.UpdatedAt, a.Changed = u.String(), events, now, true
	return tx.UpdateEndpoint(have)
}

// Senders lists the senders of an app.
func (s *Service) Senders(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Sender, error) {
	return s.store.Senders(ctx, app, p)
}

// Sender is the sender of an app with the id.
func (s *Service) Sender(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Sender, error) {
	key, ok := s.ids.Parse(hookswitch.KindSender, id)
	if !ok {
		return nil, hookswitch.NotFoundf("sender not found")
	}
	return s.store.Sender(ctx, app, key)
}

// SenderWebhook is the webhook of a sender, or an error of kind NotFound.
func (s *Service) SenderWebhook(ctx context.Context, app, sender hookswitch.Key) (*hookswitch.Endpoint, error) {
	return s.store.SenderWebhook(ctx, app, sender)
}

// DeleteSender removes a sender: its doors close, and its webhook gets nothing more.
func (s *Service) DeleteSender(ctx context.Context, app, key hookswitch.Key) error {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.HoldApp(app); err != nil { // a webhook that is being made would outlive it
			return err
		}
		if err := tx.DeleteSender(app, key, s.now()); err != nil {
			return err
		}
		hook, err := tx.SenderWebhook(tx.Context(), app, key)
		if err == nil {
			err = tx.DeleteEndpoint(app, hook.Key, s.keys.Next(), s.now())
		}
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
		return tx.TouchApp(app, s.now())
	})
	s.cache.forget(app)
	s.routes.forget()
	return err
}
