package service

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/diagnose"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/store"
)

// FoundAttempt is an attempt with what surrounds it.
type FoundAttempt struct {
	*hookswitch.Attempt                   // of its answer the beginning alone
	On                  *hookswitch.Event // without its payload; nil: it is not kept any more
	Number              int               // which attempt of the event at the endpoint it is, from 1
	Scheduled           int               // how many there are by the schedule
	Latest              bool              // no other one followed
	Status              hookswitch.DeliveryStatus
	Reason              diagnose.Diagnosis // why it failed, or what is remarkable about its success
}

// FoundEvent is an event with what has become of it at its endpoints.
type FoundEvent struct {
	*hookswitch.Event // without its payload
	// How many endpoints have it, will be tried again, have been given up, and were disabled when it was made.
	Delivered, Waiting, Failed, Held int
	Tries                            int
	Last                             *store.Try // nil: there was none
	Next                             time.Time  // when it is tried again next; zero: not at all
}

// Endpoints is how many endpoints the event concerns.
func (f *FoundEvent) Endpoints() int { return f.Delivered + f.Waiting + f.Failed + f.Held }

// maxTries is how many attempts are looked at for the events of one page.
const maxTries = 2000

// ParseFilter reads what is written in a filter bar, with times relative to now. What cannot be understood is left out, and said.
func (s *Service) ParseFilter(text string) (filter.Query, []filter.Problem) {
	return filter.Parse(text, s.now())
}

// conditions are a filter as the store understands it. none says that nothing can fit.
func (s *Service) conditions(ctx context.Context, app hookswitch.Key, q *filter.Query, p *store.Page, oneEndpoint bool) (c store.Search, none bool, problems []filter.Problem, err error) {
	said := func(w string) bool { return slices.Contains(q.Statuses, w) }
	switch delivered, failed := said(filter.Delivered), said(filter.Failed) || said(filter.Waiting) || said(filter.GivenUp); {
	case delivered && !failed:
		c.OK = new(true)
	case failed && !delivered:
		c.OK = new(false)
		if !said(filter.Failed) {
			c.Waiting, c.GivenUp = said(filter.Waiting), said(filter.GivenUp)
		}
	}
	for _, r := range q.Codes {
		c.Codes = append(c.Codes, store.CodeRange(r))
	}
	c.Types, c.Tags, c.Texts = q.Types, q.Channels, q.Texts
	for _, ref := range q.Messages {
		if app == 0 { // of all Apps: ids alone say which is meant
			if key, ok := s.ids.Parse(hookswitch.KindEvent, ref); ok {
				c.Events = append(c.Events, key)
			}
			continue
		}
		ev, err := s.Event(ctx, app, ref)
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
		case err != nil:
			return c, false, nil, err
		default:
			c.Events = append(c.Events, ev.Key)
		}
	}
	none = none || len(q.Messages) > 0 && len(c.Events) == 0
	if len(q.Endpoints) > 0 && oneEndpoint {
		problems = append(problems, filter.Problem{Term: filter.Term{Name: filter.Endpoint}, Text: "This list is of one endpoint; endpoint: is for the list of all messages."})
	} else if len(q.Endpoints) > 0 {
		var all []*hookswitch.Endpoint
		if app != 0 {
			if all, err = s.store.Endpoints(ctx, app, store.Page{Limit: HealthEndpoints}); err != nil {
				return c, false, nil, err
			}
		}
		for _, ref := range q.Endpoints {
			if key, ok := s.ids.Parse(hookswitch.KindEndpoint, ref); ok {
				c.Endpoints = append(c.Endpoints, key)
			}
			for _, e := range all {
				if e.UID == ref || strings.EqualFold(e.Description, ref) {
					c.Endpoints = append(c.Endpoints, e.Key)
				}
			}
		}
		none = none || len(c.Endpoints) == 0
	}
	if !q.After.IsZero() {
		p.After = max(p.After, hookswitch.KeyAt(q.After))
	}
	if k := hookswitch.KeyAt(q.Before); !q.Before.IsZero() && (p.Before == 0 || k < p.Before) {
		p.Before = k
	}
	return c, none, problems, nil
}

// FindAttempts finds attempts at an endpoint by the conditions of a filter bar. stopped is not 0 when it ended early for its length: the list is short, and goes on behind that key. problems
// are conditions that make no sense here.
func (s *Service) FindAttempts(ctx context.Context, e *hookswitch.Endpoint, q filter.Query, p store.Page) (list []FoundAttempt, stopped hookswitch.Key, problems []filter.Problem, err error) {
	c, none, problems, err := s.conditions(ctx, e.App, &q, &p, true)
	if err != nil || none {
		return nil, 0, problems, err
	}
	rows, stopped, err := s.store.SearchAttempts(ctx, e.App, e.Key, c, p)
	if err != nil {
		return nil, 0, problems, err
	}
	list, err = s.surround(ctx, e, rows)
	return list, stopped, problems, err
}

// surround adds to attempts at an endpoint what surrounds them.
func (s *Service) surround(ctx context.Context, e *hookswitch.Endpoint, rows []*hookswitch.Attempt) ([]FoundAttempt, error) {
	keys := make([]hookswitch.Key, len(rows))
	for i, a := range rows {
		keys[i] = a.Event
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	events, err := s.store.BareEvents(ctx, e.App, keys)
	if err != nil {
		return nil, err
	}
	tries, err := s.store.Tries(ctx, e.App, e.Key, keys, maxTries)
	if err != nil {
		return nil, err
	}
	owed, err := s.store.OwedFor(ctx, e.App, e.Key, keys)
	if err != nil {
		return nil, err
	}
	list := make([]FoundAttempt, len(rows))
	for i, a := range rows {
		f := FoundAttempt{Attempt: a, Scheduled: s.Scheduled(e), Latest: true, Reason: diagnose.Reason(a, s.Known(e))}
		ok := false
		for _, t := range tries {
			if t.Event == a.Event {
				ok = ok || t.OK
				if t.Key <= a.Key {
					f.Number++
				} else {
					f.Latest = false
				}
			}
		}
		f.Number = max(f.Number, 1)
		if at := slices.IndexFunc(events, func(ev *hookswitch.Event) bool { return ev.Key == a.Event }); at >= 0 {
			f.On = events[at]
		}
		var row *store.Delivery
		if at := slices.IndexFunc(owed, func(d store.Delivery) bool { return d.Subject == a.Event }); at >= 0 {
			row = &owed[at]
		}
		f.Status = statusOf(e, hookswitch.Target{Endpoint: e.Key}, row, ok, true, a.Event)
		list[i] = f
	}
	return list, nil
}

// Scheduled is how many attempts an event gets at an endpoint by itself.
func (s *Service) Scheduled(e *hookswitch.Endpoint) int {
	p := s.profiles[e.Profile]
	return len(p.Waits) + 1
}

// Known is what is known of an endpoint for a diagnosis.
func (s *Service) Known(e *hookswitch.Endpoint) diagnose.Known {
	k := diagnose.Known{Now: s.now()}
	for _, secret := range e.Secrets {
		k.Secrets = append(k.Secrets, secret.Secret.Reveal())
	}
	for name, value := range e.Headers {
		if hookswitch.SensitiveHeader(name) {
			k.Secrets = append(k.Secrets, value)
		}
	}
	return k
}

// FindEvents finds events of an App, and what has become of them, by the conditions of a filter bar. What it returns is as of FindAttempts.
func (s *Service) FindEvents(ctx context.Context, app hookswitch.Key, q filter.Query, p store.Page) (list []FoundEvent, stopped hookswitch.Key, problems []filter.Problem, err error) {
	c, none, problems, err := s.conditions(ctx, app, &q, &p, false)
	if err != nil || none {
		return nil, 0, problems, err
	}
	rows, stopped, err := s.store.SearchEvents(ctx, app, c, p)
	if err != nil {
		return nil, 0, problems, err
	}
	keys := make([]hookswitch.Key, len(rows))
	for i, ev := range rows {
		keys[i] = ev.Key
	}
	tries, err := s.store.Tries(ctx, app, 0, keys, maxTries)
	if err != nil {
		return nil, 0, problems, err
	}
	owed, err := s.store.OwedFor(ctx, app, 0, keys)
	if err != nil {
		return nil, 0, problems, err
	}
	list = make([]FoundEvent, len(rows))
	for i, ev := range rows {
		list[i] = foundEvent(ev, tries, owed)
	}
	return list, stopped, problems, nil
}

// foundEvent counts what has become of an event.
func foundEvent(ev *hookswitch.Event, tries []store.Try, owed []store.Delivery) FoundEvent {
	f := FoundEvent{Event: ev}
	targets := slices.Clone(ev.Targets)
	ok, tried := make(map[hookswitch.Key]bool), make(map[hookswitch.Key]bool)
	for i := range tries {
		t := &tries[i]
		if t.Event != ev.Key {
			continue
		}
		f.Tries++
		f.Last = t
		ok[t.Endpoint], tried[t.Endpoint] = ok[t.Endpoint] || t.OK, true
		if !slices.ContainsFunc(targets, func(x hookswitch.Target) bool { return x.Endpoint == t.Endpoint }) {
			targets = append(targets, hookswitch.Target{Endpoint: t.Endpoint})
		}
	}
	for _, t := range targets {
		var row *store.Delivery
		for i := range owed {
			if owed[i].Subject == ev.Key && owed[i].Target == t.Endpoint {
				row = &owed[i]
			}
		}
		switch {
		case ok[t.Endpoint]:
			f.Delivered++
		case row != nil && row.State == hookswitch.DeliveryPending:
			f.Waiting++
			if at := row.NextAt; row.Owner == 0 && (f.Next.IsZero() || at.Before(f.Next)) {
				f.Next = at
			}
		case row != nil || tried[t.Endpoint]:
			f.Failed++
		case t.Held:
			f.Held++
		default:
			f.Waiting++ // it is being sent for the first time
		}
	}
	return f
}

// EndpointDay is what the page of an endpoint shows beside its health.
type EndpointDay struct {
	Codes []CodeCount
	// P50 and P95 are the answer times of successes, hour by hour as in EndpointHealth; 0 for hours without.
	P50, P95 []time.Duration
	Sampled  int  // how many attempts that is from
	Whole    bool // that is all of the day
	// Pace is how many attempts succeed in an hour, at the pace of the last one.
	Pace float64
	// Drain is how long the backlog takes at that pace; 0: there is none, or nothing gets through.
	Drain time.Duration
}

// CodeCount is how often a status was answered; 0: no answer.
type CodeCount struct{ Code, Count int }

// daySample is how many of the newest attempts a day is judged by.
const daySample = 5000

// EndpointDay tells how an endpoint answered in the last day.
func (s *Service) EndpointDay(ctx context.Context, h *EndpointHealth) (*EndpointDay, error) {
	e := h.Endpoint
	now := s.now().UTC()
	first := now.Truncate(time.Hour).Add(-(HealthHours - 1) * time.Hour)
	samples, err := s.store.AnswerSamples(ctx, e.App, e.Key, first, daySample)
	if err != nil {
		return nil, err
	}
	d := &EndpointDay{P50: make([]time.Duration, HealthHours), P95: make([]time.Duration, HealthHours), Sampled: len(samples), Whole: len(samples) < daySample}
	hours := make([][]time.Duration, HealthHours)
	counts := make(map[int]int)
	recent, window := 0, time.Hour
	if n := len(samples); n == daySample {
		window = min(window, max(now.Sub(samples[n-1].At), time.Second)) // the sample does not reach back further
	}
	for _, a := range samples {
		counts[a.Code]++
		if i := int(a.At.Sub(first) / time.Hour); a.OK && i >= 0 && i < HealthHours {
			hours[i] = append(hours[i], a.Took)
		}
		if a.OK && now.Sub(a.At) < time.Hour {
			recent++
		}
	}
	for i, list := range hours {
		if len(list) > 0 {
			d.P95[i] = p95(list) // sorts it
			d.P50[i] = list[len(list)/2]
		}
	}
	for code, n := range counts {
		d.Codes = append(d.Codes, CodeCount{code, n})
	}
	slices.SortFunc(d.Codes, func(a, b CodeCount) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	d.Pace = float64(recent) / window.Hours()
	if recent > 0 && !e.Disabled {
		d.Drain = time.Duration(float64(h.Owed.Waiting) / d.Pace * float64(time.Hour))
	}
	return d, nil
}

// HealthOfEndpoint is Health of one endpoint.
func (s *Service) HealthOfEndpoint(ctx context.Context, e *hookswitch.Endpoint) (*EndpointHealth, []time.Time, error) {
	h, err := s.HealthOf(ctx, e.App, []*hookswitch.Endpoint{e})
	if err != nil {
		return nil, nil, err
	}
	return h.Endpoints[0], h.Hours, nil
}

// Surrounded is an attempt of an App with what surrounds it, and its endpoint, also one that has been deleted. Its answer is whole.
func (s *Service) Surrounded(ctx context.Context, a *hookswitch.Attempt) (*FoundAttempt, *hookswitch.Endpoint, error) {
	e, err := s.AttemptedEndpoint(ctx, a)
	if err != nil {
		return nil, nil, err
	}
	list, err := s.surround(ctx, e, []*hookswitch.Attempt{a})
	if err != nil {
		return nil, nil, err
	}
	return &list[0], e, nil
}

// LastSuccess is the newest attempt at the endpoint of one that succeeded before it; nil: none was found.
func (s *Service) LastSuccess(ctx context.Context, a *hookswitch.Attempt) (*hookswitch.Attempt, error) {
	found, err := s.store.LastSuccess(ctx, a.App, a.Endpoint, a.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil
	}
	return found, err
}

// Answers are the messages of an App that answer a received one, oldest first.
func (s *Service) Answers(ctx context.Context, m *hookswitch.Message) ([]*hookswitch.Message, error) {
	return s.store.AnswersTo(ctx, m)
}

// AnsweredMessage is the received message that m answers; nil: none, or it is gone.
func (s *Service) AnsweredMessage(ctx context.Context, m *hookswitch.Message) (*hookswitch.Message, error) {
	if m.InReplyTo == 0 {
		return nil, nil
	}
	in, err := s.store.Message(ctx, m.App, m.InReplyTo)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, nil
	}
	return in, err
}

// Unwritten is the oldest key that may still be committed; 0: that is not known here.
func (s *Service) Unwritten() hookswitch.Key { return s.store.Unwritten() }
