package service

import (
	"context"
	"sync"
	"time"
)

// Objective is the share of attempts that are to succeed, unless the settings say otherwise.
const Objective = 0.99

// budgetDays is how long the budget of failures has to last.
const budgetDays = 7

// Burn is how fast the budget of failures is used up.
type Burn struct {
	Window     time.Duration // that it was looked at, to the hour
	OK, Failed int64         // attempts
	// Rate is how many times faster than it may be the budget is used up: at 1 it lasts as long as it has to.
	Rate float64
}

// ErrorBudget is how many attempts may fail, and did. Those at endpoints that have failed without a break for longer do not count: they are their owners' to put right.
type ErrorBudget struct {
	Objective float64
	Days      int
	Burns     []Burn // of the last hour, six hours, a day and all days, the shortest first
	// Used is the share of the budget of all days that is used up; more than 1: more than there is. NaN and Inf do not occur.
	Used float64
}

// burns remembers the hours that are over.
type burns struct {
	mu   sync.Mutex
	hour time.Time // up to which the rest is known
	list []hourTally
}

type hourTally struct {
	hour       time.Time
	ok, failed int64
}

// ErrorBudget tells how much of the budget of failures is used up.
func (s *Service) ErrorBudget(ctx context.Context) (*ErrorBudget, error) {
	now := s.now().UTC()
	hour := now.Truncate(time.Hour)
	s.burns.mu.Lock()
	defer s.burns.mu.Unlock()
	if !s.burns.hour.Equal(hour) {
		list, err := s.tallies(ctx, hour.Add(-budgetDays*24*time.Hour), hour)
		if err != nil {
			return nil, err
		}
		s.burns.hour, s.burns.list = hour, list
	}
	last, err := s.tallies(ctx, hour, hour.Add(time.Hour))
	if err != nil {
		return nil, err
	}
	b := &ErrorBudget{Objective: s.o.Objective, Days: budgetDays}
	for _, w := range []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, budgetDays * 24 * time.Hour} {
		burn := Burn{Window: w}
		for _, t := range append(last[:len(last):len(last)], s.burns.list...) {
			if !t.hour.Before(hour.Add(-w)) {
				burn.OK, burn.Failed = burn.OK+t.ok, burn.Failed+t.failed
			}
		}
		if all := burn.OK + burn.Failed; all > 0 {
			burn.Rate = float64(burn.Failed) / float64(all) / max(1-b.Objective, 1e-9)
		}
		b.Burns = append(b.Burns, burn)
	}
	b.Used = b.Burns[len(b.Burns)-1].Rate
	return b, nil
}

// tallies are the attempts of the hours from since to before until, hour by hour.
func (s *Service) tallies(ctx context.Context, since, until time.Time) (list []hourTally, err error) {
	all, err := s.store.AllHourCounts(ctx, since)
	if err != nil {
		return nil, err
	}
	dead, err := s.store.FailingHourCounts(ctx, since)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if !c.Hour.Before(until) {
			continue
		}
		t := hourTally{c.Hour, c.OK, c.Failed}
		for _, d := range dead {
			if d.Hour.Equal(c.Hour) {
				t.failed = max(t.failed-d.Failed, 0)
			}
		}
		list = append(list, t)
	}
	return list, nil
}
