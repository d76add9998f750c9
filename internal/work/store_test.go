package work_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch/internal/work"
)

type rowKey struct {
	lane    work.Lane
	subject int64
}

type row struct {
	item   work.Item
	leased bool
	at     time.Time // when due, or the end of the lease
}

// memStore is a Store in memory, with the fences of a real one.
type memStore struct {
	mu       sync.Mutex
	ordered  map[work.Kind]bool
	rows     map[rowKey]*row
	turn     int // whose lane comes first
	claims   int
	leases   int // items that claims took
	released []work.Item
	err      error
}

func newMemStore(ordered ...work.Kind) *memStore {
	s := &memStore{ordered: map[work.Kind]bool{}, rows: map[rowKey]*row{}}
	for _, k := range ordered {
		s.ordered[k] = true
	}
	return s
}

func (s *memStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// addWaiting commits work that is not leased.
func (s *memStore) addWaiting(lane work.Lane, subject int64, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows[rowKey{lane, subject}] = &row{item: work.Item{Lane: lane, Subject: subject, Due: due}, at: due}
}

// addLeased commits work that is born leased.
func (s *memStore) addLeased(lane work.Lane, subject int64, now, lease time.Time) work.Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := work.Item{Lane: lane, Subject: subject, Claim: 1, Due: now, Lease: lease}
	s.rows[rowKey{lane, subject}] = &row{item: it, leased: true, at: lease}
	return it
}

// done records a final outcome.
func (s *memStore) done(it work.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows, rowKey{it.Lane, it.Subject})
}

// retry records a failure that is tried again.
func (s *memStore) retry(it work.Item, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.mine(it); r != nil {
		r.item.Tries++
		r.leased, r.at = false, next
	}
}

func (s *memStore) mine(it work.Item) *row {
	r := s.rows[rowKey{it.Lane, it.Subject}]
	if r == nil || !r.leased || r.item.Claim != it.Claim {
		return nil
	}
	return r
}

func (s *memStore) owed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows)
}

// waitsBefore says whether the lane has waiting work up to a subject.
func (s *memStore) waitsBefore(lane work.Lane, subject int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, r := range s.rows {
		if key.lane == lane && key.subject <= subject && !r.leased {
			return true
		}
	}
	return false
}

func (s *memStore) leased() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.rows {
		if r.leased {
			n++
		}
	}
	return n
}

func (s *memStore) releasedSubjects() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var subjects []int64
	for _, it := range s.released {
		subjects = append(subjects, it.Subject)
	}
	slices.Sort(subjects)
	return subjects
}

func (s *memStore) claimCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims
}

func (s *memStore) Claim(ctx context.Context, req work.ClaimRequest) (work.ClaimResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims++
	if s.err != nil {
		return work.ClaimResult{}, s.err
	}
	byLane := map[work.Lane][]*row{}
	var lanes []work.Lane
	for key, r := range s.rows {
		if key.lane.Kind != req.Kind {
			continue
		}
		if byLane[key.lane] == nil {
			lanes = append(lanes, key.lane)
		}
		byLane[key.lane] = append(byLane[key.lane], r)
	}
	slices.SortFunc(lanes, func(a, b work.Lane) int { return cmp.Compare(a.Target, b.Target) })
	var res work.ClaimResult
	s.turn++
	for i := range lanes {
		lane := lanes[(i+s.turn)%len(lanes)]
		rows := byLane[lane]
		slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.item.Subject, b.item.Subject) })
		room := -1
		for _, r := range rows {
			due := !r.leased && !r.at.After(req.Now)
			if !due && !r.leased && (res.Next.IsZero() || r.at.Before(res.Next)) {
				res.Next = r.at
			}
			if !due && s.ordered[req.Kind] {
				break
			}
			if !due || len(res.Items) == req.Max {
				continue
			}
			if room < 0 {
				room = req.PerLane(lane)
			}
			if room == 0 {
				continue
			}
			room--
			r.item.Claim++
			s.leases++
			r.item.Due, r.item.Lease = r.at, req.Lease
			r.leased, r.at = true, req.Lease
			res.Items = append(res.Items, r.item)
		}
	}
	return res, nil
}

func (s *memStore) Release(ctx context.Context, items []work.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("release: %w", ctx.Err())
	}
	for _, it := range items {
		if r := s.mine(it); r != nil {
			r.leased, r.at = false, it.Due
			s.released = append(s.released, it)
		}
	}
	return nil
}

func (s *memStore) Reclaim(ctx context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n := 0
	for _, r := range s.rows {
		if r.leased && !r.at.After(now) {
			r.leased, r.at = false, now
			n++
		}
	}
	return n, nil
}
