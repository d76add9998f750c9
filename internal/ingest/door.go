package ingest

import (
	"slices"

	"github.com/hookswitch/hookswitch"
)

// Selector is a Provider that shares a door with others and knows its pushes by what they carry, such as a header of its own. Nothing is
// proved by that: it only saves the other adapters of the door from looking.
type Selector interface {
	Claims(p *hookswitch.Push) bool
}

// door is one path and the adapters that may be behind it.
type door struct {
	path      string
	providers []opening
}

// opening is one adapter at a door, with the limit it sets there.
type opening struct {
	provider hookswitch.Provider
	maxBody  int64
}

// doorsOf are the paths of the providers, in the order in which they name them.
func doorsOf(providers []hookswitch.Provider) []*door {
	var doors []*door
	for _, p := range providers {
		for _, d := range p.Doors() {
			i := slices.IndexFunc(doors, func(have *door) bool { return have.path == d.Path })
			if i < 0 {
				doors = append(doors, &door{path: d.Path})
				i = len(doors) - 1
			}
			doors[i].providers = append(doors[i].providers, opening{p, d.MaxBody})
		}
	}
	return doors
}

// limitFor is the largest body that p takes at any of its doors for one of the channels, or at any where none of them has such a door.
func limitFor(p hookswitch.Provider, channels []hookswitch.Channel) int64 {
	var fitting, any int64
	for _, d := range p.Doors() {
		any = max(any, d.MaxBody)
		if slices.ContainsFunc(d.Channels, func(ch hookswitch.Channel) bool { return slices.Contains(channels, ch) }) {
			fitting = max(fitting, d.MaxBody)
		}
	}
	if fitting == 0 {
		return any
	}
	return fitting
}

// limit is the largest body that any of the adapters takes.
func limit(list []opening) int64 {
	var most int64
	for _, o := range list {
		most = max(most, o.maxBody)
	}
	return most
}

// handshakes reports whether any of the adapters proves the ownership of its door.
func handshakes(list []opening) bool {
	return slices.ContainsFunc(list, func(o opening) bool { _, ok := o.provider.(hookswitch.Challenger); return ok })
}

// claimants narrows list to the adapters whose push p may be: those that claim it, else those that cannot tell, else all.
func claimants(list []opening, p *hookswitch.Push) []opening {
	if len(list) == 1 {
		return list
	}
	var claiming, silent []opening
	for _, o := range list {
		s, ok := o.provider.(Selector)
		switch {
		case !ok:
			silent = append(silent, o)
		case s.Claims(p):
			claiming = append(claiming, o)
		}
	}
	switch {
	case len(claiming) > 0:
		return claiming
	case len(silent) > 0:
		return silent
	}
	return list
}
