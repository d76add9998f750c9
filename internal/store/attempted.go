package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
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

// walkEvents is how many events of an app one list looks at before it gives up and says where.
const walkEvents = 10_000

// An event has few attempts and an endpoint very many, which PostgreSQL does not know before it has looked: "+ 0" and LIMIT keep it from walking all of an
// endpoint for each event.
const (
	attemptedColumns = `e.id, e.app_id, e.type, e.uid, e.tags, e.payload, e.targets, e.expired, d.kind, d.state, d.owner, d.next_at, d.tries, d.manual, ` + succeeded
	attempted        = `(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.endpoint_id + 0 = $2 LIMIT 1) IS NOT NULL`
	succeeded        = `(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.endpoint_id + 0 = $2 AND a.ok LIMIT 1) IS NOT NULL`
	owedToJoin       = ` deliveries d ON d.subject = e.id AND d.target = $2 AND d.kind IN (1, 5)`
	canceledNow      = `(d.state = 3 OR d.state = 0 AND d.kind = 1 AND d.manual = FALSE AND e.id <= $3)`
)

func scanAttempted(row rowScanner) (AttemptedEvent, error) {
	var e hookswitch.Event
	var a AttemptedEvent
	var tags string
	var targets []byte
	var kind, state, owner, next, tries sql.NullInt64
	var manual sql.NullBool
	if err := row.Scan(&e.Key, &e.App, &e.Type, &e.UID, &tags, &e.Payload, &targets, &e.Expired, &kind, &state, &owner, &next, &tries, &manual, &a.OK); err != nil {
		return a, err
	}
	e.Tags, e.Targets = textList(nullText(tags)), unpackTargets(targets)
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
	if stopped, err = r.walkEnd(ctx, app, p); err != nil {
		return nil, 0, err
	}
	switch {
	case stopped == 0:
	case p.Ascending:
		p.Before = stopped + 1
	default:
		p.After = stopped - 1
	}
	args := []any{int64(app), int64(endpoint)}
	query := `SELECT ` + attemptedColumns + ` FROM events e LEFT JOIN` + owedToJoin + ` WHERE e.app_id = $1 AND ` + attempted
	if f.States != nil {
		args = append(args, int64(canceledUpto))
		clause := stateClause(f.States)
		if !strings.Contains(clause, "$3") {
			args = args[:2] // PostgreSQL insists on every parameter being used
		}
		query += clause
	}
	query += f.EventFilter.clause(&args)
	list, err = scanAll(ctx, r, scanAttempted, query+p.clause("e.id", &args), args...)
	if len(list) >= p.Limit {
		stopped = 0
	}
	return list, stopped, err
}

// walkEnd is the key of the event at which a walk over p has to stop, or 0 when it ends by itself before.
func (r *Reader) walkEnd(ctx context.Context, app hookswitch.Key, p Page) (hookswitch.Key, error) {
	args := []any{int64(app)}
	p.Limit = 1
	query := `SELECT id FROM events WHERE app_id = $1` + p.clause("id", &args) + " OFFSET "
	var key hookswitch.Key
	err := r.q.QueryRowContext(ctx, query+strconv.Itoa(walkEvents-1), args...).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return key, readErr(err, "message")
}
