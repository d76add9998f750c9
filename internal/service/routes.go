package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// routeCache keeps the routes of all apps: doors look at them for every push. It is dropped whenever a sender changes.
type routeCache struct {
	mu       sync.RWMutex
	loaded   bool
	epoch    int64
	routes   []hookswitch.Route
	accounts map[string][]Account // of each provider
	versions map[hookswitch.Key]int64
}

// older reports whether one of the apps that have changed lately has a newer version than the cached routes were read under, and notes them. What is not
// in the list has not changed for a while, and is forgotten: when it changes it comes with a version that is new.
func (c *routeCache) older(changed []store.AppVersion) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	older := false
	versions := make(map[hookswitch.Key]int64, len(changed))
	for _, v := range changed {
		older = older || c.versions[v.App] < v.Version
		versions[v.App] = v.Version
	}
	c.versions = versions
	return older
}

func (c *routeCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded, c.routes, c.accounts = false, nil, nil
	c.epoch++
}

// allRoutes are the live routes of all apps, and the accounts that they make.
func (s *Service) allRoutes(ctx context.Context) ([]hookswitch.Route, map[string][]Account, error) {
	c := &s.routes
	c.mu.RLock()
	routes, accounts, loaded, epoch := c.routes, c.accounts, c.loaded, c.epoch
	c.mu.RUnlock()
	if loaded {
		return routes, accounts, nil
	}
	routes, err := s.store.AllRoutes(ctx)
	if err != nil {
		return nil, nil, err
	}
	accounts = make(map[string][]Account)
	for name, p := range s.providers {
		accounts[name] = accountsOf(p, routes, func(*hookswitch.Route) bool { return true })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch { // nothing has changed since the read began
		c.routes, c.accounts, c.loaded = routes, accounts, true
	}
	return routes, accounts, nil
}

// Account is a set of routes whose pushes are proved by the same credential.
type Account struct {
	Provider    hookswitch.Provider
	Name        string
	Credentials hookswitch.Credentials
	Routes      []hookswitch.Route
}

// Accounts are the provider's accounts over all apps. With a sender, only those of its routes, and of those only the ones of channel where that is not
// empty. They are shared and must not be changed.
func (s *Service) Accounts(ctx context.Context, provider string, sender hookswitch.Key, channel hookswitch.Channel) ([]Account, error) {
	routes, accounts, err := s.allRoutes(ctx)
	if err != nil {
		return nil, err
	}
	p := s.providers[provider]
	if p == nil || sender == 0 && channel == "" {
		return slices.Clip(accounts[provider]), nil
	}
	return accountsOf(p, routes, func(r *hookswitch.Route) bool {
		return (sender == 0 || r.Sender == sender) && (channel == "" || r.Channel == channel)
	}), nil
}

// accountsOf groups the provider's routes that are wanted by what proves their pushes. Routes with several values of a credential, a secret that is being
// replaced or a second one, are grouped with their like only: what proves a push for them need not prove it for others of the same account.
func accountsOf(p hookswitch.Provider, routes []hookswitch.Route, wanted func(*hookswitch.Route) bool) []Account {
	var out []Account
	at := make(map[string]int)
	for i := range routes {
		r := &routes[i]
		if r.Provider != p.Name() || r.Account == "" || !wanted(r) {
			continue
		}
		group := r.Account + several(r.Credentials)
		n, ok := at[group]
		if !ok {
			n = len(out)
			at[group] = n
			out = append(out, Account{Provider: p, Name: r.Account, Credentials: r.Credentials})
		}
		out[n].Routes = append(out[n].Routes, *r)
	}
	return out
}

// several writes out the credentials that have more than one value.
func several(c hookswitch.Credentials) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if len(c[name]) > 1 {
			fmt.Fprintf(&b, " %q%q", name, c[name])
		}
	}
	return b.String()
}

// HandshakeCredentials are the credentials of every route of the provider: a handshake names no account, so its token is tried on all of them.
func (s *Service) HandshakeCredentials(ctx context.Context, provider string, sender hookswitch.Key) ([]hookswitch.Credentials, error) {
	routes, _, err := s.allRoutes(ctx)
	if err != nil {
		return nil, err
	}
	var out []hookswitch.Credentials
	for _, r := range routes {
		if r.Provider == provider && (sender == 0 || r.Sender == sender) {
			out = append(out, r.Credentials)
		}
	}
	return out, nil
}

// SenderRoutes are the routes of the sender with the id, for a door that names it.
func (s *Service) SenderRoutes(ctx context.Context, id string) ([]hookswitch.Route, error) {
	key, ok := s.ids.Parse(hookswitch.KindSender, id)
	if !ok {
		return nil, hookswitch.NotFoundf("sender not found")
	}
	routes, _, err := s.allRoutes(ctx)
	if err != nil {
		return nil, err
	}
	var out []hookswitch.Route
	for _, r := range routes {
		if r.Sender == key {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return nil, hookswitch.NotFoundf("sender not found")
	}
	return out, nil
}

// Match finds the route of the account that an update means; nil: none, or several could be meant.
func (a *Account) Match(u *hookswitch.Update) *hookswitch.Route { return a.match(u) }

// match finds the route of the account that an update means: the one with its address or, where only one route of that channel exists, that
// one.
func (a *Account) match(u *hookswitch.Update) *hookswitch.Route {
	var only *hookswitch.Route
	n := 0
	for i := range a.Routes {
		r := &a.Routes[i]
		if r.Channel != u.Channel {
			continue
		}
		if r.Address != "" && r.Address == u.Address {
			return r
		}
		only = r
		n++
	}
	if n == 1 {
		return only
	}
	return nil
}

// DisabledRoutes are the routes of all apps over which nothing can be sent until their credentials are set anew.
func (s *Service) DisabledRoutes(ctx context.Context) ([]hookswitch.Route, error) {
	routes, _, err := s.allRoutes(ctx)
	var out []hookswitch.Route
	for i := range routes {
		if routes[i].Disabled() {
			out = append(out, routes[i])
		}
	}
	return out, err
}

// DisableRoute notes that a provider takes nothing more over a route with the credentials that it has here. It does nothing where others have been set since, and where it is known.
func (s *Service) DisableRoute(ctx context.Context, used *hookswitch.Route, cause string) error {
	disabled, gone := false, *used
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		disabled, gone.DisabledAt, gone.DisabledCause = false, s.now().UTC(), cause
		if err := tx.HoldApp(used.App); err != nil { // credentials that are being set must not be taken for the old ones
			return err
		}
		sender, err := tx.Sender(tx.Context(), used.App, used.Sender)
		if err != nil {
			return err
		}
		for i := range sender.Routes {
			if r := &sender.Routes[i]; r.Key == used.Key && sameCredentials(r.Credentials, used.Credentials) {
				disabled, err = disableRoute(tx, r, cause, gone.DisabledAt)
			}
		}
		return err
	})
	if hookswitch.KindOf(err) == hookswitch.NotFound { // it has been deleted meanwhile
		return nil
	}
	if disabled && err == nil {
		s.routeDisabled(&gone)
	}
	return err
}

// disableRoute notes it, and has the nodes read the App's routes anew. It reports false where it was known.
func disableRoute(tx *store.Tx, r *hookswitch.Route, cause string, now time.Time) (bool, error) {
	disabled, err := tx.DisableRoute(r.App, r.Key, cause, now)
	if err != nil || !disabled {
		return false, err
	}
	return true, tx.TouchApp(r.App, now)
}

// routeDisabled is what follows from the commit that has disabled a route.
func (s *Service) routeDisabled(r *hookswitch.Route) {
	s.cache.forget(r.App)
	s.routes.forget()
	s.log.Error("route disabled until its credentials are set anew", "app_id", s.ids.Format(hookswitch.KindApp, r.App), "sender_id", s.ids.Format(hookswitch.KindSender, r.Sender),
		"channel", string(r.Channel), "provider", r.Provider, "cause", r.DisabledCause)
}

func sameCredentials(a, b hookswitch.Credentials) bool {
	return maps.EqualFunc(a, b, slices.Equal[[]string])
}

// catchAll is the route of the account that takes mail which names none of its addresses, or nil.
func (s *Service) catchAll(ctx context.Context, a *Account, u *hookswitch.Update) (*hookswitch.Route, error) {
	for i := range a.Routes {
		r := &a.Routes[i]
		if r.Channel != hookswitch.Email {
			continue
		}
		sender, err := s.store.Sender(ctx, r.App, r.Sender)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		if sender.Email.Catches(u.Address) {
			return r, nil
		}
	}
	return nil, nil
}

// Routes are the live routes of all apps. They are shared and must not be changed.
func (s *Service) Routes(ctx context.Context) ([]hookswitch.Route, error) {
	routes, _, err := s.allRoutes(ctx)
	return slices.Clip(routes), err
}

// routeOfReport finds the route that a report is about which names none, among several of the account: the one that its message went out over or, before the
// provider's id is known, one over which a message to the same person is being sent. It is nil where there is none.
func (s *Service) routeOfReport(ctx context.Context, a *Account, u *hookswitch.Update) (*hookswitch.Route, error) {
	var routes []*hookswitch.Route
	var keys []hookswitch.Key
	for i := range a.Routes {
		if r := &a.Routes[i]; r.Channel == u.Channel {
			routes, keys = append(routes, r), append(keys, r.Key)
		}
	}
	if len(routes) == 0 {
		return nil, nil
	}
	m, err := s.store.MessageByProviderID(ctx, u.Receipt.ProviderID, hookswitch.Outbound, keys)
	if err == nil {
		return routes[slices.Index(keys, m.Route)], nil
	}
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return nil, err
	}
	for _, r := range routes {
		busy, err := sendingOver(ctx, &s.store.Reader, r, u.Receipt.Recipient, s.now())
		if err != nil {
			return nil, err
		}
		if busy != nil {
			return r, nil
		}
	}
	return nil, nil
}
