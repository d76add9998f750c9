package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Overview is how the whole server has been doing for a day.
type Overview struct {
	Apps       int // at most OverviewApps
	OK, Failed []int64
	Hours      []time.Time
	Backlog    store.Backlog
	Failing    []FailingEndpoint // the longest failing first
}

// FailingEndpoint is an endpoint whose failure clock runs, or that the rules have disabled.
type FailingEndpoint struct {
	App    *hookswitch.App
	Health *EndpointHealth
}

// Bounds of an Overview.
const (
	OverviewApps    = 100_000
	overviewFailing = 20
)

// Overview tells how the whole server has been doing.
func (s *Service) Overview(ctx context.Context) (*Overview, error) {
	now := s.now().UTC()
	first := now.Truncate(time.Hour).Add(-(HealthHours - 1) * time.Hour)
	o := &Overview{OK: make([]int64, HealthHours), Failed: make([]int64, HealthHours)}
	for i := range HealthHours {
		o.Hours = append(o.Hours, first.Add(time.Duration(i)*time.Hour))
	}
	counts, err := s.store.AllHourCounts(ctx, first)
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		if i := int(c.Hour.Sub(first) / time.Hour); i >= 0 && i < HealthHours {
			o.OK[i], o.Failed[i] = c.OK, c.Failed
		}
	}
	if o.Backlog, err = s.store.Backlog(ctx, now); err != nil {
		return nil, err
	}
	if o.Apps, err = s.store.CountApps(ctx, OverviewApps); err != nil {
		return nil, err
	}
	failing, err := s.store.FailingEndpoints(ctx, overviewFailing)
	if err != nil {
		return nil, err
	}
	for _, e := range failing {
		app, err := s.AppByKey(ctx, e.App)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		h, err := s.HealthOf(ctx, e.App, []*hookswitch.Endpoint{e})
		if err != nil {
			return nil, err
		}
		o.Failing = append(o.Failing, FailingEndpoint{app, h.Endpoints[0]})
	}
	return o, nil
}
