package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Delivery is one row of what is still owed.
type Delivery struct {
	Kind    hookswitch.DeliveryKind
	App     hookswitch.Key
	Subject hookswitch.Key // an event, a message
	Target  hookswitch.Key // an endpoint, a conversation
	State   hookswitch.DeliveryState
	// Owner is the node that runs it until NextAt, or 0 while it waits, due at NextAt.
	Owner  int
	NextAt time.Time
	Tries  int
	Claim  int64
	Manual bool
	// Restore is the state that the failure of a manual try goes back to: pending (waiting again at DueAt), failed, canceled, or
	// delivered, where the row disappears.
	Restore hookswitch.DeliveryState
	DueAt   time.Time
	// StartedAt is when a send to a person began. From then on it is not repeated by itself.
	StartedAt time.Time
	// Task is the task that asked for the manual try, negative where the row was inserted for it; 0: none.
	Task hookswitch.Key
}

func eventValues(e *hookswitch.Event) []any {
	return []any{int64(e.Key), int64(e.App), e.Type, e.UID, wordsText(e.Tags), notNil(e.Payload), packTargets(e.Targets), e.Expired}
}

func deliveryValues(d *Delivery) []any {
	return []any{int64(d.Subject), int64(d.Target), int64(d.Kind), int64(d.App), int64(d.Owner), millis(d.NextAt), d.Claim, d.Manual, int64(d.Restore)}
}

func (tx *Tx) insertDelivery(d *Delivery) error {
	if d.Kind == hookswitch.DeliverOrdered {
		return tx.insertOrdered(d)
	}
	return tx.write(insertDelivery, deliveryValues(d)...)
}

// Append inserts events and what is owed for them.
func (tx *Tx) Append(events []*hookswitch.Event, deliveries []Delivery) error {
	rows := make([][]any, 0, max(len(events), len(deliveries)))
	for _, e := range events {
		if e.Plain() {
			rows = append(rows, eventValues(e))
		} else if err := tx.write(insertRichEvent, append(eventValues(e), wordsText(e.Labels), millis(e.DeliverAt), millis(e.ExpiresAt), e.ContentType)...); err != nil {
			return err
		}
	}
	if err := tx.insertRows(insertEvents, rows); err != nil {
		return err
	}
	rows = rows[:0]
	for i := range deliveries {
		if d := &deliveries[i]; d.Kind != hookswitch.DeliverOrdered {
			rows = append(rows, deliveryValues(d))
		} else if err := tx.insertOrdered(d); err != nil {
			return err
		}
	}
	return tx.insertRows(insertDeliveries, rows)
}

const deliveryColumns = `subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at, task`

func scanDelivery(row rowScanner) (Delivery, error) {
	var d Delivery
	var next, due, started int64
	err := row.Scan(&d.Subject, &d.Target, &d.Kind, &d.App, &d.State, &d.Owner, &next, &d.Tries, &d.Claim, &d.Manual, &d.Restore, &due, &started, &d.Task)
	d.NextAt, d.DueAt, d.StartedAt = fromMillis(next), fromMillis(due), fromMillis(started)
	return d, err
}

// Delivery is the row of what is owed for subject to target, or an error of kind NotFound.
func (r *Reader) Delivery(ctx context.Context, kind hookswitch.DeliveryKind, subject, target hookswitch.Key) (Delivery, error) {
	d, err := scanDelivery(r.q.QueryRowContext(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE subject = $1 AND target = $2 AND kind = $3`,
		int64(subject), int64(target), int64(kind)))
	return d, readErr(err, "delivery")
}

// DeliveriesOf are the rows of what an App owes for subject.
func (r *Reader) DeliveriesOf(ctx context.Context, app, subject hookswitch.Key) ([]Delivery, error) {
	return scanAll(ctx, r, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE subject = $1 AND app_id = $2`, int64(subject), int64(app))
}

const answering = `SELECT 1 FROM deliveries WHERE target = $1 AND kind IN (2, 3) AND owner = 0 AND state = 0
	UNION ALL SELECT 1 FROM deliveries WHERE target = $1 AND kind IN (2, 3) AND owner <> 0 AND kind IN (2, 3, 4) LIMIT 1`

// Answering reports whether a responder is to answer in the conversation, or a message in it is to be sent, now or later.
func (r *Reader) Answering(ctx context.Context, conversation hookswitch.Key) (bool, error) {
	var one int
	err := r.q.QueryRowContext(ctx, answering, int64(conversation)).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, readErr(err, "delivery")
}

// Resend asks for one more try now, by hand. It returns the row as it stands afterwards, or reports inFlight when a try is running already, or is the next to: that one
// is it. A row that did not exist is inserted; restore is then the state its failure leads to. What waits already is tried in the manner in which it waits,
// whatever the kind of d; anything else is owed as d, which for an ordered endpoint means at the end of its queue.
func (tx *Tx) Resend(d Delivery, now time.Time) (row Delivery, inFlight bool, err error) {
	have, err := tx.owedEvent(d.Subject, d.Target)
	switch {
	case hookswitch.KindOf(err) == hookswitch.NotFound:
		d.Manual, d.Claim = true, now.UnixMilli() // above the claims of rows that were there before, whose late failures must not end this one
		return d, false, tx.insertDelivery(&d)
	case err != nil:
		return have, false, err
	case have.Owner != 0:
		return have, true, nil
	case have.Manual:
		return have, true, nil // asked for already, and not yet run
	}
	var position int64
	if have.State == hookswitch.DeliveryPending {
		if have.Kind == hookswitch.DeliverOrdered && !have.NextAt.After(now) {
			return have, true, nil // it has its turn in the queue
		}
		d.Kind = have.Kind
	} else if d.Kind == hookswitch.DeliverOrdered {
		if position, err = tx.takePositions(d.Target, 1); err != nil {
			return have, false, err
		}
	}
	have.Restore, have.DueAt, d.Kind, have.Kind = have.State, have.NextAt, have.Kind, d.Kind
	have.State, have.Manual, have.NextAt = hookswitch.DeliveryPending, true, now
	_, err = tx.exec(`UPDATE deliveries SET state = 0, manual = TRUE, next_at = $4, restore = $5, due_at = $6, kind = $7, position = CASE WHEN state = 0 THEN position ELSE $8 END
		WHERE subject = $1 AND target = $2 AND kind = $3`,
		int64(d.Subject), int64(d.Target), int64(d.Kind), millis(now), int64(have.Restore), millis(have.DueAt), int64(have.Kind), position)
	return have, false, err
}

// owedEvent is the row of what is owed of an event to an endpoint, in whichever manner, or an error of kind NotFound.
func (tx *Tx) owedEvent(event, endpoint hookswitch.Key) (Delivery, error) {
	d, err := scanDelivery(tx.q.QueryRowContext(tx.ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE subject = $1 AND target = $2 AND kind IN (1, 5)`,
		int64(event), int64(endpoint)))
	return d, readErr(err, "delivery")
}
