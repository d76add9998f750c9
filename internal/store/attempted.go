package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// AttemptedEvent is an event with what its delivery to one endpoint has come to.
type AttemptedEvent struct {
	Event    *hookswitch.Event
	Delivery *Delivery // what is still owed; nil: nothing
	OK       bool      // an attempt has succeeded
}

// AttemptedFilter narrows a list of the events that an endpoint has been tried with.
type AttemptedFilter struct {
	EventFilter
	States []hookswitch.DeliveryState // nil: whatever the state
}

// An event has few attempts and an endpoint very many, which PostgreSQL does not know before it has looked: "+ 0" and LIMIT keep it from walking all of an
// endpoint for each event.
const (
	attemptedColumns = eventColumns + `, d.kind, d.state, d.owner, d.next_at, d.tries, d.manual, ` + succeeded
	attempted        = `(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.endpoint_id + 0 = $2 LIMIT 1) IS NOT NULL`
	succeeded        = `(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.endpoint_id + 0 = $2 AND a.ok LIMIT 1) IS NOT NULL`
	owedToJoin       = ` deliveries d ON d.subject = e.id AND d.target = $2 AND d.kind IN (1, 5)`
	canceledNow      = `(d.state = 3 OR d.state = 0 AND d.kind = 1 AND d.manual = FALSE AND e.id <= $3)`
	fromEvents       = ` FROM events e LEFT JOIN` + owedToJoin + ` WHERE e.app_id = $1 AND ` + attempted
	// Where an endpoint has few attempts, their events are looked up. CROSS JOIN has SQLite begin with them.
	fromAttempts = ` FROM (SELECT DISTINCT a.event_id FROM attempts a WHERE a.endpoint_id = $2) few CROSS JOIN events e LEFT JOIN` + owedToJoin + ` WHERE e.id = few.event_id AND e.app_id = $1`
	// What is still owed and has been tried has an index of its own.
	fromTried = ` FROM deliveries d JOIN events e ON e.id = d.subject WHERE d.target = $2 AND (d.tries > 0 OR d.state <> 0) AND d.kind IN (1, 5) AND e.app_id = $1 AND ` + attempted
)

func scanAttempted(row rowScanner) (AttemptedEvent, error) {
	var e hookswitch.Event
	var a AttemptedEvent
	var r eventRow
	var kind, state, owner, next, tries sql.NullInt64
	var manual sql.NullBool
	if err := row.Scan(r.dest(&e, &kind, &state, &owner, &next, &tries, &manual, &a.OK)...); err != nil {
		return a, err
	}
	r.finish(&e)
	a.Event = &e
	if state.Valid {
		a.Delivery = &Delivery{Kind: hookswitch.DeliveryKind(kind.Int64), Tries: int(tries.Int64), State: hookswitch.DeliveryState(state.Int64), Owner: int(owner.Int64), NextAt: fromMillis(next.Int64), Manual: manual.Bool}
	}
	return a, nil
}

// stateClause is true for a delivery whose derived state is one of states.
func stateClause(states []hookswitch.DeliveryState) string {
	var any []string
	for _, s := range states {
		switch s {
		case hookswitch.DeliveryDelivered:
			any = append(any, succeeded)
		case hookswitch.DeliveryFailed:
			any = append(any, "d.state = 2 AND NOT "+succeeded)
		case hookswitch.DeliveryCanceled:
			any = append(any, canceledNow+" AND NOT "+succeeded)
		case hookswitch.DeliveryPending:
			any = append(any, "d.state = 0 AND NOT "+canceledNow+" AND NOT "+succeeded)
		}
	}
	return " AND (" + strings.Join(any, " OR ") + ")"
}

// AttemptedEvents lists the events of an app that an endpoint has been tried with, by the key of the event. canceledUpto is the endpoint's. stopped is where
// the walk gave up when there may be more behind it, else 0.
func (r *Reader) AttemptedEvents(ctx context.Context, app, endpoint, canceledUpto hookswitch.Key, f AttemptedFilter, p Page) (list []AttemptedEvent, stopped hookswitch.Key, err error) {
	from, column := fromEvents, "e.id"
	read := func(p Page) ([]AttemptedEvent, error) {
		args := []any{int64(app), int64(endpoint)}
		query := `SELECT ` + f.columns(attemptedColumns) + from
		if f.States != nil {
			clause := stateClause(f.States)
			if strings.Contains(clause, "$3") { // PostgreSQL insists on every parameter being used
				args = append(args, int64(canceledUpto))
			}
			query += clause
		}
		query += f.EventFilter.clause(&args)
		return scanAll(ctx, r, scanAttempted, query+p.clause(column, &args), args...)
	}
	// What has not been delivered still has its row.
	if f.States != nil && !slices.Contains(f.States, hookswitch.DeliveryDelivered) {
		from, column = fromTried, "d.subject"
		return walk(p, func(p Page) (hookswitch.Key, error) {
			return r.nth(ctx, `SELECT d.subject FROM deliveries d WHERE d.target = $1 AND (d.tries > 0 OR d.state <> 0)`, column, p, []any{int64(endpoint)})
		}, read)
	}
	if many, err := r.attemptSteps(ctx, endpoint, AttemptFilter{})(Page{}); err != nil {
		return nil, 0, err
	} else if many == 0 {
		from = fromAttempts
		list, err = read(p)
		return list, 0, err
	}
	return walk(p, r.eventSteps(ctx, app), read)
}
