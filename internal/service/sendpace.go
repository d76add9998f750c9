package service

import (
	"maps"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// paceOf is how often may be sent over a route: what its operator says, else what is usual at its provider.
func paceOf(sender hookswitch.MessageSender, r *hookswitch.Route) hookswitch.Pace {
	var p hookswitch.Pace
	if own, ok := sender.(hookswitch.Pacer); ok {
		p = own.Pace(r)
	}
	if !r.Rate.IsZero() {
		p.Route = r.Rate
	}
	return p
}

// sendPace keeps sends to what the providers take. It counts on this node alone, which may use its share of each rate; a restart forgets what was sent before, and leaves
// that to the provider's own refusal. The zero sendPace is ready.
type sendPace struct {
	mu     sync.Mutex // guards everything below
	nodes  int
	routes map[hookswitch.Key]*window
	people map[personOf]*window
	paused map[hookswitch.Key]time.Time
	slots  map[hookswitch.Key]slot
	// How much the last three may hold before they are looked through.
	peopleAt, pausedAt, slotsAt int
}

// personOf is a person as a route sees them.
type personOf struct{ route, conversation hookswitch.Key }

// slot is when a message that waits for its turn may be sent.
type slot struct {
	route hookswitch.Key
	at    time.Time
}

// keptPaces is how many people, pauses and slots are remembered at least before those that are over are forgotten.
const keptPaces = 4096

// setNodes says how many nodes share the rates.
func (p *sendPace) setNodes(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nodes = max(1, n)
}

// share is this node's part of a rate.
func (p *sendPace) share(r hookswitch.Rate) hookswitch.Rate {
	switch {
	case p.nodes <= 1 || r.IsZero():
		return r
	case r.N >= p.nodes:
		return hookswitch.Rate{N: r.N / p.nodes, Per: r.Per}
	}
	return hookswitch.Rate{N: 1, Per: r.Per * time.Duration(p.nodes) / time.Duration(r.N)}
}

// turn takes a send of the message: it may be made at once when the time that is returned is not after now, and else has to ask again then. Of those that wait for a
// route each gets a time of its own, in the order in which they have asked first. Of a conversation only one message asks at a time.
func (p *sendPace) turn(pace hookswitch.Pace, route, conversation, message hookswitch.Key, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes == nil {
		p.routes, p.people = make(map[hookswitch.Key]*window), make(map[personOf]*window)
		p.paused, p.slots = make(map[hookswitch.Key]time.Time), make(map[hookswitch.Key]slot)
	}
	p.forget(now)
	if until := p.paused[route]; until.After(now) {
		return until
	}
	pair := personOf{route, conversation}
	person := windowFor(p.people, pair, p.share(pace.Person))
	if at := person.free(now); at.After(now) {
		return at
	}
	if s, ok := p.slots[message]; ok && s.route == route {
		if s.at.After(now) {
			return s.at
		}
		delete(p.slots, message)
		person.take(now)
		return now
	}
	all := windowFor(p.routes, route, p.share(pace.Route))
	at := all.free(now)
	all.take(at)
	if at.After(now) {
		p.slots[message] = slot{route, at}
		return at
	}
	person.take(now)
	return now
}

// pause stops all sends over a route until a time: its provider has said so.
func (p *sendPace) pause(route hookswitch.Key, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paused == nil {
		p.paused = make(map[hookswitch.Key]time.Time)
	}
	if until.After(p.paused[route]) {
		p.paused[route] = until
	}
	// Who has been given a time before then is given another, or all would come at once.
	maps.DeleteFunc(p.slots, func(_ hookswitch.Key, s slot) bool { return s.route == route })
}

// forget drops what is over, when there is much of it.
func (p *sendPace) forget(now time.Time) {
	forget(p.people, &p.peopleAt, func(w *window) bool { return w.over(now) })
	forget(p.slots, &p.slotsAt, func(s slot) bool { return now.Sub(s.at) > sendDeadline })
	forget(p.paused, &p.pausedAt, func(until time.Time) bool { return !until.After(now) })
}

// forget drops what is over from m once it holds more than at, and doubles what is left to set at anew: looking through m costs each that is added to it the same,
// however large m is.
func forget[K comparable, V any](m map[K]V, at *int, over func(V) bool) {
	if *at = max(*at, keptPaces); len(m) <= *at {
		return
	}
	maps.DeleteFunc(m, func(_ K, v V) bool { return over(v) })
	*at = 2 * len(m)
}

// window holds to a rate: no more than so many within any stretch of its time. nil sets no limit.
type window struct {
	rate hookswitch.Rate
	at   []time.Time // the last rate.N, the oldest at next
	next int
}

// windowFor is the window at key, made or made anew as its rate asks for.
func windowFor[K comparable](m map[K]*window, key K, rate hookswitch.Rate) *window {
	w := m[key]
	switch {
	case rate.IsZero():
		if w != nil {
			delete(m, key)
		}
		return nil
	case w != nil && w.rate == rate:
		return w
	}
	made := &window{rate: rate, at: make([]time.Time, rate.N)}
	if w != nil {
		for i := range w.at { // from the oldest on: the newest stay
			made.take(w.at[(w.next+i)%len(w.at)])
		}
	}
	m[key] = made
	return made
}

// free is when one more may start, not before now.
func (w *window) free(now time.Time) time.Time {
	if w == nil || w.at[w.next].IsZero() {
		return now
	}
	if at := w.at[w.next].Add(w.rate.Per); at.After(now) {
		return at
	}
	return now
}

// take notes a start at a time, not before those noted already.
func (w *window) take(at time.Time) {
	if w == nil {
		return
	}
	w.at[w.next] = at
	w.next = (w.next + 1) % len(w.at)
}

// over reports whether the window holds nothing back any more.
func (w *window) over(now time.Time) bool {
	newest := w.at[(w.next+len(w.at)-1)%len(w.at)]
	return now.Sub(newest) >= w.rate.Per
}
