package service

import (
	"bytes"
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// ChainProblem is a place at which a chain of activities is not what was written.
type ChainProblem struct {
	App    hookswitch.Key
	Number int64 // of the entry
	// What is wrong: "changed" (the entry is not what was written), "missing" (entries up to it were taken out), "cut" (entries behind it were taken out), "replaced" (it is another one than who
	// asks had noted).
	What string
}

// The words of ChainProblem.
const (
	EntryChanged  = "changed"
	EntryMissing  = "missing"
	ChainCut      = "cut"
	EntryReplaced = "replaced"
)

// ChainReport is what checking chains has come to.
type ChainReport struct {
	Chains, Entries int
	// Compared is how many of the noted entries were compared: those of other chains are not, nor those that are past keeping.
	Compared  int
	Unchained int // entries that are older than the chains, at most maxUnchained
	Problems  []ChainProblem
	More      bool              // there are more problems than are named
	Heads     []store.ChainLink // the last entry of each chain, to be noted elsewhere
}

// Bounds of a ChainReport.
const (
	maxChainProblems = 100
	maxUnchained     = 100_000
	chainStretch     = 1000
)

// CheckChains checks the chain of the activities of an App or, with app 0, all chains. noted are entries that who asks has noted at another time: they have to be there still.
func (s *Service) CheckChains(ctx context.Context, app hookswitch.Key, noted []store.ChainLink) (*ChainReport, error) {
	r := &ChainReport{}
	by := make(map[hookswitch.Key][]store.ChainLink)
	for _, n := range noted {
		by[n.App] = append(by[n.App], n)
	}
	check := func(c store.Chain) error {
		r.Chains++
		r.Heads = append(r.Heads, c.ChainLink)
		err := s.checkChain(ctx, r, c, by[c.App])
		delete(by, c.App)
		return err
	}
	switch {
	case app != 0:
		c, err := s.store.Chain(ctx, app)
		if err == nil {
			err = check(c)
		}
		if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return nil, err
		}
	default:
		for after := hookswitch.Key(-1); ; {
			list, err := s.store.Chains(ctx, after, chainStretch)
			if err != nil {
				return nil, err
			}
			for _, c := range list {
				if err := check(c); err != nil {
					return nil, err
				}
				after = c.App
			}
			if len(list) < chainStretch {
				break
			}
		}
	}
	for of, list := range by { // a chain of which nothing is left
		if app == 0 || of == app {
			r.Compared += len(list)
			r.add(of, list[len(list)-1].Number, ChainCut)
		}
	}
	var err error
	r.Unchained, err = s.store.UnchainedActivities(ctx, maxUnchained)
	return r, err
}

func (r *ChainReport) add(app hookswitch.Key, number int64, what string) {
	if len(r.Problems) >= maxChainProblems {
		r.More = true
		return
	}
	r.Problems = append(r.Problems, ChainProblem{app, number, what})
}

func (s *Service) checkChain(ctx context.Context, r *ChainReport, c store.Chain, noted []store.ChainLink) error {
	at := c.Dropped
	var previous []byte // of the entry at, where that is known
	known := at == 0
	for at < c.Number {
		list, err := s.store.CheckedEntries(ctx, c.App, at, chainStretch)
		if err != nil {
			return err
		}
		for _, e := range list {
			if e.Number > c.Number { // it has come meanwhile
				break
			}
			if e.Number != at+1 {
				now, err := s.store.Chain(ctx, c.App)
				if err != nil {
					return err
				}
				if now.Dropped < e.Number-1 { // and they have not become too old meanwhile
					r.add(c.App, e.Number-1, EntryMissing)
				}
				known = false
			}
			r.Entries++
			switch {
			case !e.Fits, known && !bytes.Equal(e.Previous, previous):
				r.add(c.App, e.Number, EntryChanged)
			case e.Number == c.Number && !bytes.Equal(e.Hash, c.Hash):
				r.add(c.App, e.Number, EntryChanged)
			}
			for _, n := range noted {
				if n.Number != e.Number {
					continue
				}
				r.Compared++
				if !bytes.Equal(n.Hash, e.Hash) {
					r.add(c.App, e.Number, EntryReplaced)
				}
			}
			at, previous, known = e.Number, e.Hash, true
		}
		if len(list) < chainStretch {
			break
		}
	}
	if at < c.Number {
		r.add(c.App, at+1, ChainCut)
	}
	beyond := 0
	for _, n := range noted {
		if n.Number > c.Number {
			beyond++
		}
	}
	if beyond > 0 {
		r.Compared += beyond
		r.add(c.App, c.Number+1, ChainCut)
	}
	return nil
}
