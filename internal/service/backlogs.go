package service

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// TargetBacklog is what waits for an endpoint or, of other kinds of work, for something else of an App.
type TargetBacklog struct {
	store.TargetBacklog
	AppOf    *hookswitch.App      // nil: it is about no App
	Endpoint *hookswitch.Endpoint // nil: it is none
}

// maxBacklogs is how many destinations Backlogs tells of.
const maxBacklogs = 20

// Backlogs tells what waits for each destination, the longest queues first. part says that there was no time to look at all of them.
func (s *Service) Backlogs(ctx context.Context, within time.Duration) (list []TargetBacklog, part bool, err error) {
	found, part, err := s.store.TargetBacklogs(ctx, s.now(), within)
	if err != nil {
		return nil, false, err
	}
	slices.SortStableFunc(found, func(a, b store.TargetBacklog) int {
		return cmp.Or(cmp.Compare(b.Due, a.Due), cmp.Compare(b.Waiting, a.Waiting))
	})
	for _, d := range found {
		if len(list) == maxBacklogs {
			break
		}
		one := TargetBacklog{TargetBacklog: d}
		if one.AppOf, err = s.AppByKey(ctx, d.App); err != nil {
			if hookswitch.KindOf(err) != hookswitch.NotFound {
				return nil, false, err
			}
			one.AppOf = nil
			if d.App != 0 {
				continue // it was deleted, and what waits for it is about to be taken back
			}
		}
		if d.Kind == hookswitch.DeliverWebhook || d.Kind == hookswitch.DeliverOrdered {
			if one.Endpoint, err = s.store.Endpoint(ctx, d.App, d.Target); err != nil {
				if hookswitch.KindOf(err) != hookswitch.NotFound {
					return nil, false, err
				}
				continue
			}
		}
		list = append(list, one)
	}
	return list, part, nil
}

// SlowEndpoint is how long an endpoint takes to answer, or not to.
type SlowEndpoint struct {
	App      *hookswitch.App
	Endpoint *hookswitch.Endpoint
	P50, P95 time.Duration // of the newest slowSample attempts, whatever came of them
	Tries    int64         // of the last hour or two
	Failed   int64
}

// Bounds of Slowest.
const (
	slowOf     = 30  // the busiest endpoints
	slowSample = 100 // attempts of each
	slowFrom   = 500 * time.Millisecond
	maxSlow    = 10
)

// Slowest are those of the busiest endpoints of the last hour that take long, the slowest first. A slow one has its own queue, and keeps nobody waiting but itself.
func (s *Service) Slowest(ctx context.Context) (list []SlowEndpoint, err error) {
	since := s.now().UTC().Truncate(time.Hour).Add(-time.Hour)
	busy, err := s.store.Busiest(ctx, since, slowOf)
	if err != nil {
		return nil, err
	}
	for _, b := range busy {
		samples, err := s.store.AnswerSamples(ctx, b.App, b.Endpoint, since, slowSample)
		if err != nil {
			return nil, err
		}
		times := make([]time.Duration, len(samples))
		for i, a := range samples {
			times[i] = a.Took
		}
		one := SlowEndpoint{P95: p95(times), Tries: b.OK + b.Failed, Failed: b.Failed} // p95 sorts
		if one.P95 < slowFrom {
			continue
		}
		one.P50 = times[len(times)/2]
		if one.App, err = s.AppByKey(ctx, b.App); err == nil {
			one.Endpoint, err = s.store.Endpoint(ctx, b.App, b.Endpoint)
		}
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	slices.SortStableFunc(list, func(a, b SlowEndpoint) int { return cmp.Compare(b.P95, a.P95) })
	return list[:min(len(list), maxSlow)], nil
}
