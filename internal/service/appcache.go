package service

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// appState is an App and all its endpoints, as of one version. It is not changed; a newer one takes its place.
type appState struct {
	app       *hookswitch.App
	endpoints []*hookswitch.Endpoint // in the order of their keys
	// senders are those that transactions have read which have checked the version: whoever changes a sender changes that of its App.
	senders sync.Map // of *hookswitch.Sender by key, not to be changed
}

// endpoint is the App's endpoint, or nil where it has none such.
func (st *appState) endpoint(key hookswitch.Key) *hookswitch.Endpoint {
	i, ok := st.index(key)
	if !ok {
		return nil
	}
	return st.endpoints[i]
}

func (st *appState) index(key hookswitch.Key) (int, bool) {
	return slices.BinarySearchFunc(st.endpoints, key, func(e *hookswitch.Endpoint, k hookswitch.Key) int { return cmp.Compare(e.Key, k) })
}

// appCache keeps the state of the apps in use. A stale entry does no harm to fan-out, because each accept asserts the version it used.
type appCache struct {
	mu   sync.RWMutex
	apps map[hookswitch.Key]*appState
	// uids leads from the callers' names to apps. An entry may be out of date; what it leads to is checked.
	uids map[string]hookswitch.Key
	seen time.Time // up to when changes of other nodes are known
	// forgets counts the calls of forget. What was read from the store before one may be older than the change that it is about, and is not kept.
	forgets uint64
}

// cacheLimit is how many apps are kept. Beyond it some are dropped and read again when needed.
const cacheLimit = 10_000

func (c *appCache) get(app hookswitch.Key) *appState {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.apps[app]
}

// named is the kept state of the app with the uid, or nil.
func (c *appCache) named(uid string) *appState {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if st := c.apps[c.uids[uid]]; st != nil && st.app.UID == uid {
		return st
	}
	return nil
}

// epoch is what put wants to know of the time before the state was read.
func (c *appCache) epoch() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.forgets
}

// put keeps a state that was read in the epoch, unless something has been forgotten since.
func (c *appCache) put(st *appState, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgets != epoch {
		return
	}
	if len(c.apps) >= cacheLimit {
		for k := range c.apps {
			delete(c.apps, k)
			if len(c.apps) < cacheLimit*3/4 {
				break
			}
		}
	}
	if have := c.apps[st.app.Key]; have != nil && have.app.Version > st.app.Version {
		return
	}
	c.apps[st.app.Key] = st
	if st.app.UID != "" {
		if len(c.uids) >= cacheLimit {
			clear(c.uids)
		}
		c.uids[st.app.UID] = st.app.Key
	}
}

func (c *appCache) forget(apps ...hookswitch.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	for _, app := range apps {
		delete(c.apps, app)
	}
}

// stopClock notes that the failure clock of an endpoint does not run any more, so that its further successes are written as rarely as ever. It does
// nothing when the endpoint has changed since it was seen.
func (c *appCache) stopClock(app, endpoint hookswitch.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.apps[app]
	if st == nil {
		return
	}
	at, ok := st.index(endpoint)
	if !ok || st.endpoints[at].FailSince.IsZero() {
		return
	}
	e := *st.endpoints[at]
	e.FailSince = time.Time{}
	endpoints := slices.Clone(st.endpoints)
	endpoints[at] = &e
	c.apps[app] = &appState{app: st.app, endpoints: endpoints}
}

// state is the App with its endpoints.
func (s *Service) state(ctx context.Context, app hookswitch.Key) (*appState, error) {
	if st := s.cache.get(app); st != nil {
		return st, nil
	}
	epoch := s.cache.epoch()
	// The version is read before the endpoints: if they change in between, the accept finds the version stale.
	a, err := s.store.App(ctx, app)
	if err != nil {
		return nil, err
	}
	endpoints, err := s.store.AllEndpoints(ctx, app)
	if err != nil {
		return nil, err
	}
	st := &appState{app: a, endpoints: endpoints}
	s.cache.put(st, epoch)
	return st, nil
}

// pollBack is how far each look reaches behind the last: clocks of nodes differ, and commits come late.
const pollBack = 5 * time.Second

// poll drops what other nodes have changed from the caches.
func (s *Service) poll(ctx context.Context) error {
	s.cache.mu.RLock()
	since := s.cache.seen
	s.cache.mu.RUnlock()
	start := s.now()
	if since.IsZero() {
		since = start
	}
	changed, err := s.store.AppsChangedSince(ctx, since.Add(-pollBack))
	if err != nil {
		return err
	}
	routes := s.routes.older(changed)
	s.cache.mu.Lock()
	for _, v := range changed {
		if have := s.cache.apps[v.App]; have != nil && (v.Deleted || have.app.Version < v.Version) {
			delete(s.cache.apps, v.App)
		}
	}
	s.cache.seen = start
	s.cache.mu.Unlock()
	if routes {
		s.routes.forget()
	}
	return nil
}
