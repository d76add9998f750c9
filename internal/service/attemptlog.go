package service

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// The log of attempts goes to operational endpoints that name it, in batches.
const (
	logEvery = 5 * time.Second
	logBatch = 200
	// logBehind is how far the log stays behind the clock: an attempt has its key before it is committed, and is committed within less.
	logBehind = 2 * time.Second
)

// logs reports whether an enabled endpoint wants the log of attempts.
func logs(endpoints []*hookswitch.Endpoint) bool {
	return slices.ContainsFunc(endpoints, func(e *hookswitch.Endpoint) bool {
		return !e.Disabled && e.Matches(hookswitch.EventAttemptLog, nil, 0, true)
	})
}

// touch gives an App whose endpoints have changed a new version. With the first operational endpoint that wants the log of attempts the log begins, now, and it ends with
// the last.
func (s *Service) touch(tx *store.Tx, app hookswitch.Key, now time.Time) error {
	if app == hookswitch.OrganizationApp {
		endpoints, err := tx.AllEndpoints(tx.Context(), app)
		if err != nil {
			return err
		}
		_, kept, err := tx.LogCursor(tx.Context())
		switch wanted := logs(endpoints); {
		case err != nil:
			return err
		case wanted && !kept:
			err = tx.SetLogCursor(hookswitch.KeyAt(now))
		case kept && !wanted:
			err = tx.DropLogCursor()
		}
		if err != nil {
			return err
		}
	}
	return tx.TouchApp(app, now)
}

// LogAttempts tells the operational endpoints that want it of the attempts since the last time, each once: events and cursor are committed together. An attempt that
// another node commits later than two seconds after it was made is missing.
func (s *Service) LogAttempts(ctx context.Context) error {
	for more := true; more; {
		org, err := s.state(ctx, hookswitch.OrganizationApp)
		if err != nil || !logs(org.endpoints) {
			return err
		}
		// Known before the transaction begins: what is committed in between is behind the bound.
		bound := hookswitch.KeyAt(s.now().Add(-logBehind))
		if unwritten := s.store.Unwritten(); unwritten != 0 {
			bound = min(bound, unwritten)
		}
		err = s.update(ctx, nil, func(tx *store.Tx, b *births) error {
			more = false
			after, kept, err := tx.LogCursor(tx.Context())
			if err != nil || !kept {
				return err
			}
			list, err := tx.AttemptLog(tx.Context(), after, bound, logBatch)
			if err != nil || len(list) == 0 {
				return err
			}
			records := make([]any, len(list))
			for i := range list {
				records[i] = s.attemptRecord(&list[i])
			}
			b.announce(hookswitch.EventAttemptLog, records)
			more = len(list) == logBatch
			return tx.SetLogCursor(list[len(list)-1].Key)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// What the log calls the two results of an attempt.
const (
	loggedSuccess = 0
	loggedFailure = 2
)

// attemptRecord is an attempt as the log tells it.
func (s *Service) attemptRecord(a *store.LoggedAttempt) object {
	status := loggedFailure
	if a.OK {
		status = loggedSuccess
	}
	start, end := timeText(a.Key.Time().Add(-a.Took)), timeText(a.Key.Time())
	o := object{{"orgId", s.ids.Format(hookswitch.KindOrganization, hookswitch.OrganizationApp)}, {"appId", s.ids.Format(hookswitch.KindApp, a.App)}}.with("appUid", a.AppUID)
	o = append(o, field{"msgId", s.ids.Format(hookswitch.KindEvent, a.Event)}).with("msgEventId", a.EventUID).with("eventType", a.EventType)
	return append(o, field{"msgCreated", timeText(a.Event.Time())},
		field{"endpointId", s.ids.Format(hookswitch.KindEndpoint, a.Endpoint)},
		field{"attemptId", s.ids.Format(hookswitch.KindAttempt, a.Key)},
		field{"attemptCount", min(a.Number, math.MaxUint16)},
		field{"attemptStart", start}, field{"attemptEnd", end}, field{"httpTimes", object{{"start", start}, {"end", end}}},
		field{"responseStatusCode", a.Code}, field{"status", status})
}
