package service

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

type actorKey struct{}

// By is a context in which what is done is noted as done by the actor. Without it, it is noted as done over an API.
func By(ctx context.Context, a hookswitch.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

func actorOf(ctx context.Context) hookswitch.Actor {
	if a, ok := ctx.Value(actorKey{}).(hookswitch.Actor); ok {
		return a
	}
	return hookswitch.Actor{Kind: hookswitch.ActorAPI}
}

// note writes down what is done, in the transaction that does it. details are names and values in turn.
func (s *Service) note(tx *store.Tx, by hookswitch.Actor, action hookswitch.Action, e *hookswitch.Endpoint, details ...string) error {
	name := e.URL
	if e.Description != "" {
		name = e.Description
	}
	return s.noteDone(tx, &hookswitch.Activity{App: e.App, Actor: by, Action: action, Endpoint: e.Key, Name: name}, details)
}

// noteApp writes down what is done to an App and to none of its endpoints. name is what that is called.
func (s *Service) noteApp(tx *store.Tx, by hookswitch.Actor, action hookswitch.Action, app hookswitch.Key, name string, details ...string) error {
	return s.noteDone(tx, &hookswitch.Activity{App: app, Actor: by, Action: action, Name: name}, details)
}

// noteServer writes down what is done to the whole server.
func (s *Service) noteServer(tx *store.Tx, by hookswitch.Actor, action hookswitch.Action, name string, details ...string) error {
	return s.noteApp(tx, by, action, hookswitch.OrganizationApp, name, details...)
}

func (s *Service) noteDone(tx *store.Tx, a *hookswitch.Activity, details []string) error {
	a.Key = s.keys.Next()
	for i := 0; i+1 < len(details); i += 2 {
		if a.Details == nil {
			a.Details = make(map[string]string)
		}
		a.Details[details[i]] = details[i+1]
	}
	return tx.InsertActivity(a)
}

// noteChange writes down in what an endpoint differs from what it was; nothing when in nothing.
func (s *Service) noteChange(tx *store.Tx, by hookswitch.Actor, was, e *hookswitch.Endpoint) error {
	if was.Disabled != e.Disabled {
		action := hookswitch.DidEnableEndpoint
		if e.Disabled {
			action = hookswitch.DidDisableEndpoint
		}
		if err := s.note(tx, by, action, e); err != nil {
			return err
		}
	}
	var details []string
	for _, d := range EndpointChanges(was, e) {
		details = append(details, d.Field, d.Was+" → "+d.Is)
	}
	if details == nil {
		return nil
	}
	return s.note(tx, by, hookswitch.DidChangeEndpoint, e, details...)
}

// Change is what changes about one field of an endpoint, in words. The values of headers are left out: some are secrets.
type Change struct{ Field, Was, Is string }

// EndpointChanges are the differences of two versions of an endpoint, in the order of the pages. Whether it is disabled is not among them.
func EndpointChanges(was, is *hookswitch.Endpoint) (list []Change) {
	add := func(field, a, b string) {
		if a != b {
			list = append(list, Change{field, a, b})
		}
	}
	words := func(list []string, none string) string {
		if list == nil {
			return none
		}
		return strings.Join(slices.Sorted(slices.Values(list)), ", ")
	}
	add("Address", was.URL, is.URL)
	add("Name", cmp.Or(was.Description, "none"), cmp.Or(is.Description, "none"))
	add("Event types", words(was.EventTypes, "all"), words(is.EventTypes, "all"))
	add("Tags", words(was.Tags, "all"), words(is.Tags, "all"))
	add("Rate", rateWords(was.ThrottleRate), rateWords(is.ThrottleRate))
	order := map[bool]string{false: "as they come", true: "one at a time, in order"}
	add("Order", order[was.Ordered], order[is.Ordered])
	for _, name := range slices.Sorted(maps.Keys(mergedNames(was.Headers, is.Headers))) {
		a, had := was.Headers[name]
		b, has := is.Headers[name]
		switch {
		case had && !has:
			list = append(list, Change{"Header " + name, "set", "taken away"})
		case has && !had:
			list = append(list, Change{"Header " + name, "not set", "set"})
		case a != b:
			list = append(list, Change{"Header " + name, "one value", "another value"})
		}
	}
	add("Metadata", pairWords(was.Metadata), pairWords(is.Metadata))
	return list
}

func rateWords(n int) string {
	if n == 0 {
		return "no limit"
	}
	return strconv.Itoa(n) + " a second"
}

func pairWords(m map[string]string) string {
	var b []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b = append(b, name+"="+m[name])
	}
	return cmp.Or(strings.Join(b, ", "), "none")
}

// AppChanges are the differences of two versions of an App, in the order of the pages.
func AppChanges(was, is *hookswitch.App) (list []Change) {
	add := func(field, a, b string) {
		if a != b {
			list = append(list, Change{field, cmp.Or(a, "none"), cmp.Or(b, "none")})
		}
	}
	add("Name", was.Name, is.Name)
	add("Own id", was.UID, is.UID)
	add("Rate", rateWords(was.ThrottleRate), rateWords(is.ThrottleRate))
	add("Bot name", was.BotName, is.BotName)
	add("Bot ref", was.BotRef, is.BotRef)
	add("Company id", was.CompanyID, is.CompanyID)
	add("Metadata", pairWords(was.Metadata), pairWords(is.Metadata))
	return list
}

func mergedNames(a, b map[string]string) map[string]bool {
	all := make(map[string]bool)
	for name := range a {
		all[name] = true
	}
	for name := range b {
		all[name] = true
	}
	return all
}

// Activities lists who did what to an App, newest first.
func (s *Service) Activities(ctx context.Context, app hookswitch.Key, f store.ActivityFilter, p store.Page) ([]*hookswitch.Activity, error) {
	return s.store.Activities(ctx, app, f, p)
}

// AllActivities lists who did what to all Apps and to the whole server, newest first. stopped is not 0 when looking took too long: the list is short, and goes on behind that key.
func (s *Service) AllActivities(ctx context.Context, f store.ActivityFilter, p store.Page) (list []*hookswitch.Activity, stopped hookswitch.Key, err error) {
	return s.store.AllActivities(ctx, f, p)
}
