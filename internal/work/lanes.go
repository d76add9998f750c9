package work

import (
	"sync"
	"time"
)

const shards = 64

// lanes are the lanes in memory. A shard's lock may be held while taking a lane's, never the other way round.
type lanes [shards]struct {
	mu sync.RWMutex
	m  map[Lane]*lane
	_  [32]byte // keeps the locks of two shards off one cache line
}

func shardOf(key Lane) int {
	const golden = 0x9e3779b97f4a7c15
	return int((uint64(key.Target)*golden + uint64(key.Kind)*golden>>8) >> 58)
}

// find returns the lane, locked, or nil if it is not in memory.
func (ls *lanes) find(key Lane) *lane {
	s := &ls[shardOf(key)]
	s.mu.RLock()
	l := s.m[key]
	s.mu.RUnlock()
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if l.gone {
		l.mu.Unlock()
		return nil
	}
	return l
}

// get returns the lane, locked, and makes it if needed.
func (ls *lanes) get(k *kind, key Lane, now func() time.Time) *lane {
	for {
		if l := ls.find(key); l != nil {
			return l
		}
		s := &ls[shardOf(key)]
		s.mu.Lock()
		if s.m == nil {
			s.m = make(map[Lane]*lane)
		}
		if s.m[key] == nil {
			s.m[key] = &lane{key: key, kind: k, limit: newLimit(k.Start, k.Max), progress: now()}
		}
		s.mu.Unlock()
	}
}

// each calls f for every lane, locked.
func (ls *lanes) each(f func(*lane)) {
	var all []*lane
	for i := range ls {
		s := &ls[i]
		s.mu.RLock()
		for _, l := range s.m {
			all = append(all, l)
		}
		s.mu.RUnlock()
		for _, l := range all {
			l.mu.Lock()
			if !l.gone {
				f(l)
			}
			l.mu.Unlock()
		}
		clear(all)
		all = all[:0]
	}
}

// sweep forgets lanes that have been idle since before, and the spare memory of the others.
func (ls *lanes) sweep(before time.Time) {
	for i := range ls {
		s := &ls[i]
		s.mu.Lock()
		for key, l := range s.m {
			l.mu.Lock()
			if l.idle() {
				l.queue, l.held = queue{}, nil
				waits := l.kind.Ordered && l.backlog && l.backlogAt.After(before)
				if l.progress.Before(before) && !waits && !l.pace.spent() {
					l.gone = true
					delete(s.m, key)
				}
			}
			l.mu.Unlock()
		}
		s.mu.Unlock()
	}
}
