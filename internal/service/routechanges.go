package service

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// RouteChange is what a caller asks of a route of a sender. The names of wrong fields are those of the operator's API.
type RouteChange struct {
	// Channel and Provider count for a new route only.
	Channel  hookswitch.Channel
	Provider string
	// Credentials take the place of those of the same names. A name with no value is taken away, one that is not there stays as it is.
	Credentials hookswitch.Credentials
	// Beside are the names whose values so far stay good behind the new ones, for as long as the provider may still use them.
	Beside []string
	// Rate is how often may be sent over it, as hookswitch.ParseRate reads it, or UsualRate; "" leaves it as it is.
	Rate string
}

// ChangedRoute is a route as it is after a change.
type ChangedRoute struct {
	Sender *hookswitch.Sender
	Route  hookswitch.Route
	// Made are credentials that nobody gave and that were made up just now. They are not shown again.
	Made hookswitch.Credentials
}

// ProviderInfo is what can be chosen for a route: a provider, and what it wants to know on one of its channels.
type ProviderInfo struct {
	Name     string
	Channel  hookswitch.Channel
	Fields   []hookswitch.CredentialField
	Receives bool // by a door
	Sends    bool
	// Challenged says that the provider asks the door to prove itself, Tells that it can be told over its API where to push, and Checks that it can be asked whose account credentials open.
	Challenged, Tells, Checks bool
}

// ProviderInfos are all pairs of a provider and a channel that a route can be made of, by channel and name. Routes of the provider api are made by the APIs that use them.
func (s *Service) ProviderInfos() (list []ProviderInfo) {
	for _, p := range s.providers {
		var channels []hookswitch.Channel
		for _, d := range p.Doors() {
			channels = append(channels, d.Channels...)
		}
		slices.Sort(channels)
		for _, ch := range slices.Compact(channels) {
			list = append(list, s.providerInfo(p, ch))
		}
	}
	slices.SortFunc(list, func(a, b ProviderInfo) int {
		if a.Channel != b.Channel {
			return slices.Index(hookswitch.Channels, a.Channel) - slices.Index(hookswitch.Channels, b.Channel)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}

func (s *Service) providerInfo(p hookswitch.Provider, ch hookswitch.Channel) ProviderInfo {
	info := ProviderInfo{Name: p.Name(), Channel: ch, Fields: credentialFields(p, ch), Receives: len(p.Doors()) > 0}
	_, info.Sends = p.(hookswitch.MessageSender)
	_, info.Challenged = p.(hookswitch.Challenger)
	_, info.Tells = p.(hookswitch.Registrar)
	_, info.Checks = p.(hookswitch.Connector)
	if ch == hookswitch.USSD || ch == hookswitch.Voice {
		info.Sends = false
	}
	return info
}

func credentialFields(p hookswitch.Provider, ch hookswitch.Channel) []hookswitch.CredentialField {
	if d, ok := p.(hookswitch.CredentialsDescriber); ok {
		return d.CredentialFields(ch)
	}
	return nil
}

// Bounds of what a credential may be.
const (
	maxCredentialValues = 100
	maxCredential       = 8192 // bytes
)

// CreateRoute gives the sender with the id a route over a provider. What the provider wants to be made up, such as a verify token, is made where none is given.
func (s *Service) CreateRoute(ctx context.Context, app hookswitch.Key, sender string, in RouteChange) (ChangedRoute, error) {
	var c hookswitch.Checks
	if !in.Channel.Valid() {
		c.Field("must be one of "+channelNames(), "channel")
	}
	p := s.providers[in.Provider]
	switch {
	case p == nil:
		c.Field("must be one of "+strings.Join(s.providersOn(in.Channel), ", "), "provider")
	case in.Channel.Valid() && !slices.Contains(s.providersOn(in.Channel), in.Provider):
		c.Field("does not carry "+string(in.Channel)+"; "+strings.Join(s.providersOn(in.Channel), " and ")+" do", "provider")
	}
	if err := c.Err(); err != nil {
		return ChangedRoute{}, err
	}
	made := hookswitch.Credentials{}
	for _, f := range credentialFields(p, in.Channel) {
		if f.Chosen && in.Credentials.First(f.Name) == "" {
			made[f.Name] = []string{rand.Text()}
		}
	}
	return s.changeRoute(ctx, app, sender, func(tx *store.Tx, from *hookswitch.Sender) (hookswitch.Route, hookswitch.Credentials, error) {
		return hookswitch.Route{Key: s.keys.Next(), App: app, Sender: from.Key, Channel: in.Channel, Provider: in.Provider, Credentials: maps.Clone(made)}, made, nil
	}, in, hookswitch.DidAddChannel)
}

// providersOn are the names of the providers that carry a channel; all where it is none.
func (s *Service) providersOn(ch hookswitch.Channel) (names []string) {
	for _, info := range s.ProviderInfos() {
		if (info.Channel == ch || !ch.Valid()) && !slices.Contains(names, info.Name) {
			names = append(names, info.Name)
		}
	}
	return names
}

// UpdateRoute changes the credentials and the rate of the route with the id. A route that was disabled is no longer.
func (s *Service) UpdateRoute(ctx context.Context, app hookswitch.Key, sender, route string, in RouteChange) (ChangedRoute, error) {
	return s.changeRoute(ctx, app, sender, func(tx *store.Tx, from *hookswitch.Sender) (hookswitch.Route, hookswitch.Credentials, error) {
		r, err := s.routeNamed(from, route)
		if err != nil {
			return hookswitch.Route{}, nil, err
		}
		out := *r
		out.Credentials = maps.Clone(r.Credentials)
		return out, nil, nil
	}, in, hookswitch.DidChangeCredentials)
}

// routeNamed is the route of a sender with the id.
func (s *Service) routeNamed(from *hookswitch.Sender, id string) (*hookswitch.Route, error) {
	key, ok := s.ids.Parse(hookswitch.KindRoute, id)
	at := slices.IndexFunc(from.Routes, func(r hookswitch.Route) bool { return r.Key == key })
	if !ok || at < 0 {
		return nil, hookswitch.NotFoundf("the sender has no such channel")
	}
	return &from.Routes[at], nil
}

// changeRoute changes or adds the route that find gives. Changes to one App's senders are made one after the other.
func (s *Service) changeRoute(ctx context.Context, app hookswitch.Key, id string, find func(*store.Tx, *hookswitch.Sender) (hookswitch.Route, hookswitch.Credentials, error), in RouteChange,
	action hookswitch.Action) (out ChangedRoute, err error) {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return ChangedRoute{}, err
	}
	by := actorOf(ctx)
	err = s.changeBots(ctx, app, sender.Key, func(tx *store.Tx, from *hookswitch.Sender) error {
		r, made, err := find(tx, from)
		if err != nil {
			return err
		}
		p := s.providers[r.Provider]
		if err := s.checkRoute(p, &r, &in); err != nil {
			return err
		}
		in.apply(&r)
		if checks, ok := p.(hookswitch.CredentialsChecker); ok {
			if err := under(checks.CheckCredentials(r.Channel, r.Credentials), "credentials"); err != nil {
				return err
			}
		}
		if p != nil {
			r.Account, r.Address = p.Account(r.Credentials), p.Address(r.Channel, r.Credentials, from.PhoneNumber)
		}
		if action == hookswitch.DidAddChannel && slices.ContainsFunc(from.Routes, func(have hookswitch.Route) bool {
			return have.Channel == r.Channel && have.Provider == r.Provider && have.Address == r.Address
		}) {
			return hookswitch.Errorf(hookswitch.Conflict, "the sender has %s over %s already; change its credentials, or name another address", r.Channel, r.Provider)
		}
		r.DisabledAt, r.DisabledCause = time.Time{}, ""
		if err := tx.PutRoute(&r); err != nil {
			var known *hookswitch.Error
			if errors.As(err, &known) && known.Kind == hookswitch.Conflict {
				return &hookswitch.Error{Kind: hookswitch.Conflict, Err: known.Err, Message: known.Message + "; each address belongs to one sender of one application"}
			}
			return err
		}
		names := slices.Sorted(maps.Keys(in.Credentials))
		if err := s.noteSender(tx, by, action, from, "Channel", string(r.Channel), "Provider", r.Provider, "Credentials", strings.Join(names, ", ")); err != nil {
			return err
		}
		out = ChangedRoute{Sender: from, Route: r, Made: made}
		return nil
	})
	if err != nil {
		return ChangedRoute{}, err
	}
	out.Sender, err = s.store.Sender(ctx, app, sender.Key)
	return out, err
}

// checkRoute reports what is wrong with a change itself.
func (s *Service) checkRoute(p hookswitch.Provider, r *hookswitch.Route, in *RouteChange) error {
	var c hookswitch.Checks
	fields := credentialFields(p, r.Channel)
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.Name
	}
	for _, name := range slices.Sorted(maps.Keys(in.Credentials)) {
		values := in.Credentials[name]
		at := slices.Index(known, name)
		if _, have := r.Credentials[name]; at < 0 && !have && len(fields) > 0 {
			c.Field(unwanted(p, r.Channel), "credentials", name)
			continue
		}
		switch {
		case at >= 0 && !fields[at].Several && len(values) > 1:
			c.Field("must have one value", "credentials", name)
		case len(values) > maxCredentialValues:
			c.Field("must have at most "+strconv.Itoa(maxCredentialValues)+" values", "credentials", name)
		case slices.ContainsFunc(values, func(v string) bool {
			return len(v) > maxCredential || !utf8.ValidString(v) || strings.Contains(v, "\x00")
		}):
			c.Field("must be a text of at most "+strconv.Itoa(maxCredential)+" bytes", "credentials", name)
		case at >= 0 && len(fields[at].Choices) > 0 && len(values) > 0 && !slices.Contains(fields[at].Choices, values[0]):
			c.Field("must be "+strings.Join(fields[at].Choices, " or ")+", or left out", "credentials", name)
		}
	}
	if _, err := hookswitch.ParseRate(in.Rate); err != nil && in.Rate != UsualRate {
		c.Field(err.Error()+"; or "+UsualRate, "rate")
	}
	return c.Err()
}

// apply makes a route what the change says.
func (in *RouteChange) apply(r *hookswitch.Route) {
	if r.Credentials == nil {
		r.Credentials = hookswitch.Credentials{}
	}
	for name, values := range in.Credentials {
		values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
		if slices.Contains(in.Beside, name) && len(values) > 0 {
			for _, old := range r.Credentials[name] {
				if !slices.Contains(values, old) {
					values = append(values, old)
				}
			}
		}
		if r.Credentials[name] = values; len(values) == 0 {
			delete(r.Credentials, name)
		}
	}
	if in.Rate != "" {
		r.Rate, _ = hookswitch.ParseRate(in.Rate) // checked before; the usual one is zero
	}
}

// DeleteRoute takes a channel from a sender: its door closes, and nothing is sent over it any more.
func (s *Service) DeleteRoute(ctx context.Context, app hookswitch.Key, id, route string) error {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return err
	}
	by := actorOf(ctx)
	return s.changeBots(ctx, app, sender.Key, func(tx *store.Tx, from *hookswitch.Sender) error {
		r, err := s.routeNamed(from, route)
		if err != nil {
			return err
		}
		if err := tx.DeleteRoute(app, r.Key, s.now()); err != nil {
			return err
		}
		return s.noteSender(tx, by, hookswitch.DidRemoveChannel, from, "Channel", string(r.Channel), "Provider", r.Provider)
	})
}

// RouteCheck is what was found out about a route.
type RouteCheck struct {
	Setup RouteSetup
	// Fields are those that the provider wants, and Missing those without which nothing is received or sent.
	Fields  []hookswitch.CredentialField
	Missing []hookswitch.CredentialField
	// Asked says that the provider was asked whose account the credentials open. Account is it, and Err why they open none.
	Asked   bool
	Account hookswitch.ConnectedAccount
	Err     *hookswitch.Error
	// AcceptedAt is when the last genuine push came, ChallengeAt when the provider last asked the door to prove itself, and ChallengeFailed that it was for another token.
	AcceptedAt, ChallengeAt time.Time
	ChallengeFailed         bool
	// Refused is how many pushes were refused in all, and Cause why the last was.
	Refused int64
	Cause   string
}

// saw adds what came to the doors of the route.
func (c *RouteCheck) saw(notes []store.DoorNote, routes int) {
	var refusedAt time.Time
	for _, n := range notes {
		if !NoteIsAbout(&n, &c.Setup.Route, routes) {
			continue
		}
		switch n.Result {
		case "accepted", "duplicate":
			if n.At.After(c.AcceptedAt) {
				c.AcceptedAt = n.At
			}
		case "handshake", "bad_token":
			if n.At.After(c.ChallengeAt) {
				c.ChallengeAt, c.ChallengeFailed = n.At, n.Result == "bad_token"
			}
		default:
			c.Refused += n.Seen
			if n.At.After(refusedAt) {
				refusedAt, c.Cause = n.At, n.Cause
			}
		}
	}
}

// NoteIsAbout reports whether what came to a door may have been for a route of a sender that has so many: a door that names no channel is about the only route there is, or about all of one provider.
func NoteIsAbout(n *store.DoorNote, r *hookswitch.Route, routes int) bool {
	return (n.Channel == r.Channel || n.Channel == "") && (n.Provider == r.Provider || n.Provider == "" && routes == 1)
}

// CheckRoute looks at the route of a sender, and asks its provider whose account its credentials open, where the provider can be asked. Nothing is changed.
func (s *Service) CheckRoute(ctx context.Context, app hookswitch.Key, id, route string) (RouteCheck, error) {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return RouteCheck{}, err
	}
	r, err := s.routeNamed(sender, route)
	if err != nil {
		return RouteCheck{}, err
	}
	var out RouteCheck
	for _, setup := range s.RouteSetups(sender) {
		if setup.Route.Key == r.Key {
			out.Setup = setup
		}
	}
	notes, err := s.DoorNotes(ctx, sender.Key)
	if err != nil {
		return out, err
	}
	out.saw(notes, len(sender.Routes))
	p := s.providers[r.Provider]
	if p == nil {
		return out, nil
	}
	out.Fields = credentialFields(p, r.Channel)
	for _, f := range out.Fields {
		if f.Receives && !out.Setup.Receives && r.Credentials.First(f.Name) == "" || slices.Contains(out.Setup.Lacks, f.Name) {
			out.Missing = append(out.Missing, f)
		}
	}
	asks, ok := p.(hookswitch.Connector)
	if !ok {
		return out, nil
	}
	out.Asked = true
	out.Account, err = asks.Connect(ctx, r.Channel, r.Credentials)
	if err != nil && !errors.As(err, &out.Err) {
		return out, err
	}
	return out, nil
}

// noteSender writes down what is done to a sender, in the transaction that does it. details are names and values in turn.
func (s *Service) noteSender(tx *store.Tx, by hookswitch.Actor, action hookswitch.Action, sender *hookswitch.Sender, details ...string) error {
	var known []string
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			known = append(known, details[i], details[i+1])
		}
	}
	return s.noteApp(tx, by, action, sender.App, sender.Name, known...)
}
