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
	Disabled   []DisabledSender
	// Accepted is how many events were made in the day, and Bytes how much their payloads had; Loudest are the Apps that made the most.
	Accepted, Bytes int64
	Loudest         []AppVolume
}

// DisabledSender is a sender that sends nothing over one of its routes, until the route's credentials are set anew.
type DisabledSender struct {
	App    *hookswitch.App
	Sender *hookswitch.Sender
	Route  hookswitch.Route
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
	if o.Disabled, err = s.disabledSenders(ctx); err != nil {
		return nil, err
	}
	if o.Loudest, err = s.Loudest(ctx); err != nil {
		return nil, err
	}
	made, err := s.store.Volumes(ctx, 0, first)
	for _, v := range made {
		o.Accepted, o.Bytes = o.Accepted+v.Events, o.Bytes+v.Bytes
	}
	return o, err
}

// disabledSenders are the first of those whose routes are disabled.
func (s *Service) disabledSenders(ctx context.Context) (list []DisabledSender, err error) {
	routes, err := s.DisabledRoutes(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range routes[:min(len(routes), overviewFailing)] {
		app, err := s.AppByKey(ctx, r.App)
		var sender *hookswitch.Sender
		if err == nil {
			sender, err = s.store.Sender(ctx, r.App, r.Sender)
		}
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound: // gone, and the routes are a moment older
		case err != nil:
			return nil, err
		default:
			list = append(list, DisabledSender{app, sender, r})
		}
	}
	return list, nil
}

// Nodes lists the nodes that have a number, the lowest first.
func (s *Service) Nodes(ctx context.Context) ([]store.NodeState, error) { return s.store.Nodes(ctx) }

// Queues tells what waits and runs of each kind of work.
func (s *Service) Queues(ctx context.Context) ([]store.QueueState, error) {
	return s.store.Queues(ctx, s.now())
}

// DatabaseSize tells how much the database takes.
func (s *Service) DatabaseSize(ctx context.Context) (store.Size, error) { return s.store.Size(ctx) }

// TriedThisHour is how many attempts at endpoints there were in the hour under way.
func (s *Service) TriedThisHour(ctx context.Context) (n int64, err error) {
	list, err := s.store.AllHourCounts(ctx, s.now().UTC().Truncate(time.Hour))
	for _, c := range list {
		n += c.OK + c.Failed
	}
	return n, err
}

// FailedAttempt is an attempt that failed, with what it was about and what has become of the delivery since.
type FailedAttempt struct {
	Attempt  *hookswitch.Attempt
	App      *hookswitch.App
	Endpoint *hookswitch.Endpoint // nil: it has been deleted
	// State is that of the delivery now: pending while it is tried again, delivered when a later attempt got through.
	State  hookswitch.DeliveryState
	NextAt time.Time // when it is tried again; zero: it is not, or is being tried at this moment
}

// FailedAttempts lists the attempts that failed at the endpoints of an App or, with app 0, of all Apps, the newest first. codeClass narrows them: 0 is no answer, 400 is 400 to 499; nil: any. stopped is where
// the list goes on when looking took too long, else 0.
func (s *Service) FailedAttempts(ctx context.Context, app hookswitch.Key, codeClass *int, p store.Page) (list []FailedAttempt, stopped hookswitch.Key, err error) {
	found, stopped, err := s.store.FailedAttempts(ctx, app, codeClass, p)
	if err != nil {
		return nil, 0, err
	}
	apps, endpoints := make(map[hookswitch.Key]*hookswitch.App), make(map[hookswitch.Key]*hookswitch.Endpoint)
	for _, a := range found {
		f := FailedAttempt{Attempt: a}
		if f.App = apps[a.App]; f.App == nil {
			f.App, err = s.AppByKey(ctx, a.App)
			if hookswitch.KindOf(err) == hookswitch.NotFound {
				continue
			}
			if err != nil {
				return nil, 0, err
			}
			apps[a.App] = f.App
		}
		e, known := endpoints[a.Endpoint]
		if !known {
			if e, err = s.store.Endpoint(ctx, a.App, a.Endpoint); hookswitch.KindOf(err) == hookswitch.NotFound {
				e, err = nil, nil
			}
			if err != nil {
				return nil, 0, err
			}
			endpoints[a.Endpoint] = e
		}
		f.Endpoint = e
		if f.State, f.NextAt, err = s.deliveryNow(ctx, a, e); err != nil {
			return nil, 0, err
		}
		list = append(list, f)
	}
	return list, stopped, nil
}

// deliveryNow is what has become of the delivery that an attempt belongs to. e is its endpoint; nil: it has been deleted.
func (s *Service) deliveryNow(ctx context.Context, a *hookswitch.Attempt, e *hookswitch.Endpoint) (hookswitch.DeliveryState, time.Time, error) {
	rows, err := s.store.DeliveriesOf(ctx, a.App, a.Event)
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, row := range rows {
		switch {
		case row.Target != a.Endpoint:
		case row.State != hookswitch.DeliveryPending:
			return row.State, time.Time{}, nil
		case e == nil || a.Event <= e.CanceledUpto:
			return hookswitch.DeliveryCanceled, time.Time{}, nil
		case row.Owner != 0:
			return hookswitch.DeliveryPending, time.Time{}, nil
		default:
			return hookswitch.DeliveryPending, row.NextAt, nil
		}
	}
	tried, err := s.store.TriedEndpoints(ctx, a.App, a.Event)
	for _, t := range tried {
		if t.Endpoint == a.Endpoint && t.OK {
			return hookswitch.DeliveryDelivered, time.Time{}, err
		}
	}
	return hookswitch.DeliveryCanceled, time.Time{}, err
}
