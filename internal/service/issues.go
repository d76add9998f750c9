package service

import (
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/diagnose"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Issue is equal failures at one endpoint: the same cause, as diagnose names it.
type Issue struct {
	Endpoint  *hookswitch.Endpoint
	Diagnosis diagnose.Diagnosis // of the newest of them
	First     time.Time          // that was looked at
	Last      time.Time
	Count     int
	More      bool // there are older ones that were not looked at
	// Over says that something got through to the endpoint after Last.
	Over   bool
	State  IssueState
	Note   string
	Marked time.Time // when somebody said so; zero: nobody has
	// Newest are some of the attempts, newest first, without their answers' headers.
	Newest []*hookswitch.Attempt
}

// IssueState is what is to be done about an issue.
type IssueState string

// The states of issues.
const (
	IssueOpen   IssueState = "open"
	IssueSolved IssueState = "solved" // until it happens again
	IssueMuted  IssueState = "muted"  // whatever happens
)

// Bounds of what issues are made of.
const (
	IssueDays     = 14
	issueAttempts = 200 // failures of one endpoint, the newest
	issueNewest   = 10
	MaxIssueNote  = 2000
)

// Issues groups the failures of the last IssueDays at the endpoints of an App by cause, the newest issue first.
func (s *Service) Issues(ctx context.Context, app hookswitch.Key) ([]*Issue, error) {
	endpoints, err := s.store.Endpoints(ctx, app, store.Page{Limit: HealthEndpoints})
	if err != nil {
		return nil, err
	}
	since := s.now().UTC().Add(-IssueDays * 24 * time.Hour)
	counts, err := s.store.HourCounts(ctx, app, since)
	if err != nil {
		return nil, err
	}
	failed := make(map[hookswitch.Key]bool)
	for _, c := range counts {
		failed[c.Endpoint] = failed[c.Endpoint] || c.Failed > 0
	}
	endpoints = slices.DeleteFunc(endpoints, func(e *hookswitch.Endpoint) bool { return !failed[e.Key] })
	return s.IssuesAt(ctx, app, endpoints)
}

// IssuesAt is Issues at some endpoints of an App.
func (s *Service) IssuesAt(ctx context.Context, app hookswitch.Key, endpoints []*hookswitch.Endpoint) ([]*Issue, error) {
	since := s.now().UTC().Add(-IssueDays * 24 * time.Hour)
	marks, err := s.store.IssueMarks(ctx, app)
	if err != nil {
		return nil, err
	}
	var list []*Issue
	for _, e := range endpoints {
		of, err := s.issuesOf(ctx, e, since)
		if err != nil {
			return nil, err
		}
		list = append(list, of...)
	}
	for _, i := range list {
		i.State = IssueOpen
		for _, m := range marks {
			if m.Endpoint != i.Endpoint.Key || m.Cause != i.Diagnosis.Code {
				continue
			}
			i.State, i.Note, i.Marked = IssueState(m.State), m.Note, m.ChangedAt
			if i.State == IssueSolved && i.Last.After(m.ChangedAt) {
				i.State = IssueOpen // it has happened again
			}
		}
	}
	slices.SortFunc(list, func(a, b *Issue) int { return b.Last.Compare(a.Last) })
	return list, nil
}

// issuesOf are the issues of one endpoint, without what was said about them.
func (s *Service) issuesOf(ctx context.Context, e *hookswitch.Endpoint, since time.Time) ([]*Issue, error) {
	no, yes := false, true
	attempts, _, err := s.store.AttemptsByEndpoint(ctx, e.App, e.Key, store.AttemptFilter{OK: &no}, store.Page{Limit: issueAttempts})
	if err != nil {
		return nil, err
	}
	newestOK, _, err := s.store.AttemptsByEndpoint(ctx, e.App, e.Key, store.AttemptFilter{OK: &yes, Bare: true}, store.Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	known := s.Known(e)
	by := make(map[string]*Issue)
	var list []*Issue
	for _, a := range attempts {
		at := a.CreatedAt()
		if at.Before(since) {
			break
		}
		d := diagnose.Reason(a, known)
		i := by[d.Code]
		if i == nil {
			i = &Issue{Endpoint: e, Diagnosis: d, Last: at}
			i.Over = len(newestOK) > 0 && newestOK[0].Key > a.Key
			by[d.Code] = i
			list = append(list, i)
		}
		i.Count++
		if i.First = at; len(i.Newest) < issueNewest {
			i.Newest = append(i.Newest, a)
		}
	}
	if len(attempts) == issueAttempts && !attempts[issueAttempts-1].CreatedAt().Before(since) {
		for _, i := range list {
			i.More = true
		}
	}
	return list, nil
}

// Issue is one issue of an App.
func (s *Service) Issue(ctx context.Context, app hookswitch.Key, endpoint, cause string) (*Issue, error) {
	e, err := s.Endpoint(ctx, app, endpoint)
	if err != nil {
		return nil, err
	}
	list, err := s.Issues(ctx, app)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		if i.Endpoint.Key == e.Key && i.Diagnosis.Code == cause {
			return i, nil
		}
	}
	return nil, hookswitch.NotFoundf("There is no such issue. An issue goes away when nothing has failed that way for %d days.", IssueDays)
}

// MarkIssue says what is to be done about an issue of an App.
func (s *Service) MarkIssue(ctx context.Context, app, endpoint hookswitch.Key, cause string, state IssueState, note string) error {
	switch state {
	case IssueOpen, IssueSolved, IssueMuted:
	default:
		return hookswitch.InvalidField("must be open, solved or muted", "state")
	}
	if m := hookswitch.CheckText(note); m != "" {
		return hookswitch.InvalidField(m, "note")
	}
	if len(note) > MaxIssueNote {
		return hookswitch.InvalidField("must be at most 2000 bytes long", "note")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Endpoint(tx.Context(), app, endpoint)
		if err != nil {
			return err
		}
		if err := s.note(tx, actorOf(ctx), hookswitch.DidMarkIssue, e, "Issue", cause, "State", string(state), "Note", note); err != nil {
			return err
		}
		return tx.PutIssueMark(app, &store.IssueMark{Endpoint: endpoint, Cause: cause, State: string(state), Note: note, ChangedAt: s.now().UTC()})
	})
}
