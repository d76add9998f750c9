package service

import (
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// HealthHours is how far back Health looks, in hours, the one under way included.
const HealthHours = 24

// answerSample is how many of the newest attempts the answer times are taken from.
const answerSample = 500

// EndpointHealth is how an endpoint has been doing for a day.
type EndpointHealth struct {
	Endpoint *hookswitch.Endpoint
	// OK and Failed count attempts hour by hour, the oldest first, HealthHours of each.
	OK, Failed []int64
	P95        time.Duration // of the answer times of successes; 0: none was answered
	Owed       store.Owed
	// DisablesAt is when the endpoint will be disabled unless something gets through; zero: nothing threatens.
	DisablesAt time.Time

	answers []time.Duration
}

// State is a word for how an endpoint is doing.
type State string

// The states, from the worst on.
const (
	StateDisabled State = "disabled" // by the rules, or by a person who said so
	StateFailing  State = "failing"  // its failure clock runs, or nothing of the last hours got through
	StateUnsteady State = "unsteady" // some attempts fail
	StateActive   State = "active"
	StateIdle     State = "idle" // nothing was sent
)

// unsteadyShare is the share of failures from which on an endpoint is called unsteady: one of so many.
const unsteadyShare = 20

// State says how the endpoint is doing.
func (h *EndpointHealth) State() State {
	ok, failed := h.Totals()
	switch {
	case h.Endpoint.Disabled:
		return StateDisabled
	case !h.Endpoint.FailSince.IsZero(), ok == 0 && failed > 0:
		return StateFailing
	case ok == 0:
		return StateIdle
	case failed*unsteadyShare > ok+failed:
		return StateUnsteady
	}
	return StateActive
}

// Totals are the attempts of the day.
func (h *EndpointHealth) Totals() (ok, failed int64) { return sum(h.OK), sum(h.Failed) }

func sum(list []int64) (n int64) {
	for _, v := range list {
		n += v
	}
	return n
}

// AppHealth is how the endpoints of an App have been doing for a day.
type AppHealth struct {
	Endpoints  []*EndpointHealth // newest first
	OK, Failed []int64           // of all of them, hour by hour
	Hours      []time.Time       // when the hours began
	P95        time.Duration
	Owed       store.Owed
}

// Of is the health of the endpoint by key, or nil.
func (h *AppHealth) Of(endpoint hookswitch.Key) *EndpointHealth {
	for _, e := range h.Endpoints {
		if e.Endpoint.Key == endpoint {
			return e
		}
	}
	return nil
}

// HealthEndpoints is how many endpoints of an App Health looks at.
const HealthEndpoints = 200

// Health tells how the endpoints of an App have been doing, the newest HealthEndpoints of them.
func (s *Service) Health(ctx context.Context, app hookswitch.Key) (*AppHealth, error) {
	endpoints, err := s.store.Endpoints(ctx, app, store.Page{Limit: HealthEndpoints})
	if err != nil {
		return nil, err
	}
	return s.HealthOf(ctx, app, endpoints)
}

// findEndpointsLook is how many endpoints FindEndpoints looks at, and findHealthLook at the health of how many.
const (
	findEndpointsLook = 20_000
	findHealthLook    = 1000
)

// FindEndpoints are the endpoints of an App that fit and are in the state ("" for any), with their health, in the part of the list that p says. It may end early where it would have to look at
// very many; stopped is then where it goes on, else 0.
func (s *Service) FindEndpoints(ctx context.Context, app hookswitch.Key, fits func(*hookswitch.Endpoint) bool, state State, p store.Page) (list []*EndpointHealth, stopped hookswitch.Key, err error) {
	part, limit := p, p.Limit
	part.Limit = HealthEndpoints
	for looked, judged := 0, 0; ; {
		chunk, err := s.store.Endpoints(ctx, app, part)
		if err != nil || len(chunk) == 0 {
			return list, 0, err
		}
		last := len(chunk) < part.Limit
		looked += len(chunk)
		end := chunk[len(chunk)-1].Key
		if chunk = slices.DeleteFunc(chunk, func(e *hookswitch.Endpoint) bool { return !fits(e) }); state == "" {
			chunk = chunk[:min(len(chunk), limit-len(list))]
		}
		judged += len(chunk)
		h, err := s.HealthOf(ctx, app, chunk)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range h.Endpoints {
			if len(list) < limit && (state == "" || e.State() == state) {
				list = append(list, e)
			}
		}
		switch {
		case last || len(list) == limit:
			return list, 0, nil
		case looked >= findEndpointsLook || judged >= findHealthLook:
			return list, end, nil
		case p.Ascending:
			part.After = end
		default:
			part.Before = end
		}
	}
}

// HealthOf is Health of some endpoints of an App.
func (s *Service) HealthOf(ctx context.Context, app hookswitch.Key, endpoints []*hookswitch.Endpoint) (*AppHealth, error) {
	now := s.now().UTC()
	first := now.Truncate(time.Hour).Add(-(HealthHours - 1) * time.Hour)
	h := &AppHealth{OK: make([]int64, HealthHours), Failed: make([]int64, HealthHours)}
	for i := range HealthHours {
		h.Hours = append(h.Hours, first.Add(time.Duration(i)*time.Hour))
	}
	counts, err := s.store.HourCounts(ctx, app, first)
	if err != nil {
		return nil, err
	}
	var answers []time.Duration
	for _, e := range endpoints {
		one := &EndpointHealth{Endpoint: e, OK: make([]int64, HealthHours), Failed: make([]int64, HealthHours)}
		for _, c := range counts {
			if i := int(c.Hour.Sub(first) / time.Hour); c.Endpoint == e.Key && i >= 0 && i < HealthHours {
				one.OK[i], one.Failed[i] = c.OK, c.Failed
				h.OK[i] += c.OK
				h.Failed[i] += c.Failed
			}
		}
		if ok, _ := one.Totals(); ok > 0 {
			if one.answers, err = s.store.AnswerTimes(ctx, app, e.Key, first, answerSample); err != nil {
				return nil, err
			}
			one.P95 = p95(one.answers)
			answers = append(answers, one.answers...)
		}
		if one.Owed, err = s.store.Owed(ctx, app, e.Key); err != nil {
			return nil, err
		}
		h.Owed.Waiting += one.Owed.Waiting
		if o := one.Owed.Oldest; !o.IsZero() && (h.Owed.Oldest.IsZero() || o.Before(h.Owed.Oldest)) {
			h.Owed.Oldest = o
		}
		if p := s.profiles[e.Profile]; !e.Disabled && !e.FailSince.IsZero() && p.DisableAfter > 0 {
			one.DisablesAt = e.FailSince.Add(p.DisableAfter)
		}
		h.Endpoints = append(h.Endpoints, one)
	}
	h.P95 = p95(answers)
	return h, nil
}

// p95 is the time that 19 of 20 stay within; 0 of none.
func p95(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[(len(list)*95+99)/100-1]
}

// The first steps of an App.
const (
	StepTest     = "test-sent"          // an example was sent to an endpoint
	StepVerified = "signature-verified" // a receiver was seen, or said, to verify signatures
)

// FirstSteps are what an App has done of what everybody does first.
type FirstSteps struct{ Endpoint, Test, Verified, Live bool }

// All reports whether everything is done.
func (f FirstSteps) All() bool { return f.Endpoint && f.Test && f.Verified && f.Live }

// FirstSteps tells how far an App has come.
func (s *Service) FirstSteps(ctx context.Context, app hookswitch.Key, h *AppHealth) (f FirstSteps, err error) {
	steps, err := s.store.Steps(ctx, app)
	if err != nil {
		return f, err
	}
	act, err := s.store.Activity(ctx, app)
	if err != nil {
		return f, err
	}
	_, f.Test = steps[StepTest]
	_, f.Verified = steps[StepVerified]
	f.Endpoint = len(h.Endpoints) > 0
	f.Test = f.Test || act.Attempted
	f.Live = act.Delivered
	return f, nil
}

// NoteStep notes that an App has done one of the first steps.
func (s *Service) NoteStep(ctx context.Context, app hookswitch.Key, step string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.NoteStep(app, step, s.now()) })
}
