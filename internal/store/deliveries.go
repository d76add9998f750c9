package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
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

// Verdict is what an outcome does to its row.
type Verdict uint8

// The verdicts.
const (
	// Done deletes the row, whatever its claim.
	Done Verdict = iota
	// Retry makes it wait until Next, one scheduled failure older.
	Retry
	// Exhausted makes it failed.
	Exhausted
	// Restored undoes a manual try that failed.
	Restored
	// Canceled makes it canceled.
	Canceled
	// Postponed makes it wait until Next, no older: the try did not count, and a manual one stays manual.
	Postponed
)

// Outcome is what came of one run. Attempt, where there is one, has its key already.
type Outcome struct {
	Kind    hookswitch.DeliveryKind
	App     hookswitch.Key
	Subject hookswitch.Key
	Target  hookswitch.Key
	Claim   int64
	Verdict Verdict
	Next    time.Time
	Attempt *hookswitch.Attempt
	// ClockRuns tells that the endpoint's failure clock runs, as far as the caller knows: a success stops it at once.
	ClockRuns bool

	// doubtful says that it may have been committed before: the answer was lost.
	doubtful bool
	// recorded, where somebody waits for it, is closed when it is committed.
	recorded chan struct{}
}

const (
	insertEvent     = `INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	insertRichEvent = `INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired, labels, deliver_at, expires_at, content_type)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	insertDelivery = `INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
		VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $7, $8, $9, 0, 0)`
	insertAttempt = `INSERT INTO attempts (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, expired, manual,
		dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, FALSE, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING`
	deleteDelivery = `DELETE FROM deliveries WHERE subject = $1 AND target = $2 AND kind = $3`
	// letGo makes a row wait that a node has held. One that was canceled meanwhile (see Cancel) does not wait for another try.
	letGo         = `owner = 0, state = CASE WHEN restore = 3 AND manual = FALSE THEN 3 ELSE 0 END`
	retryDelivery = `UPDATE deliveries SET ` + letGo + `, next_at = $5, tries = tries + 1, manual = FALSE, started_at = 0, task = 0
		WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0 AND owner <> 0`
	postponeDelivery = `UPDATE deliveries SET ` + letGo + `, next_at = $5, started_at = 0
		WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0 AND owner <> 0`
	endDelivery = `UPDATE deliveries SET owner = 0, state = $5, tries = tries + $6, next_at = 0, manual = FALSE, task = 0
		WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0`
	restoreDelivery = `UPDATE deliveries SET owner = 0, state = restore, next_at = due_at, manual = FALSE, task = 0
		WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND restore <> 1`
	dropRestored = `DELETE FROM deliveries WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND restore = 1`
	addCount     = `INSERT INTO counters (endpoint_id, hour, node, ok, failed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (endpoint_id, hour, node) DO UPDATE SET ok = counters.ok + excluded.ok, failed = counters.failed + excluded.failed`
	markOK = `UPDATE endpoints SET last_ok = $2, fail_since = 0 WHERE id = $1`
)

func (tx *Tx) insertEvent(e *hookswitch.Event) error {
	args := []any{int64(e.Key), int64(e.App), e.Type, e.UID, wordsText(e.Tags), notNil(e.Payload), packTargets(e.Targets), e.Expired}
	statement := insertEvent
	if !e.Plain() {
		statement, args = insertRichEvent, append(args, wordsText(e.Labels), millis(e.DeliverAt), millis(e.ExpiresAt), e.ContentType)
	}
	return tx.write(statement, args...)
}

func (tx *Tx) insertDelivery(d *Delivery) error {
	if d.Kind == hookswitch.DeliverOrdered {
		return tx.insertOrdered(d)
	}
	return tx.write(insertDelivery, int64(d.Subject), int64(d.Target), int64(d.Kind), int64(d.App), int64(d.Owner), millis(d.NextAt), d.Claim,
		d.Manual, int64(d.Restore))
}

func attemptArgs(a *hookswitch.Attempt) []any {
	return []any{int64(a.Key), int64(a.App), int64(a.Event), int64(a.Endpoint), clean(a.URL), a.OK, int64(a.Code), a.Failure, notNil(a.Answer),
		notNil(a.Headers), a.Manual, a.Timings.DNS.Microseconds(), a.Timings.Connect.Microseconds(), a.Timings.TLS.Microseconds(),
		a.Timings.Wait.Microseconds(), a.Timings.Total.Microseconds(), signedAt(a), factsText(a.Facts)}
}

// clean makes foreign text fit for a TEXT column.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// Append inserts events and what is owed for them.
func (tx *Tx) Append(events []*hookswitch.Event, deliveries []Delivery) error {
	for _, e := range events {
		if err := tx.insertEvent(e); err != nil {
			return err
		}
	}
	for i := range deliveries {
		if err := tx.insertDelivery(&deliveries[i]); err != nil {
			return err
		}
	}
	return nil
}

// Record writes an outcome in this transaction, together with its consequences. It reports whether the row was still the outcome's own; the
// attempt is written either way.
func (tx *Tx) Record(o *Outcome, now time.Time) (own bool, err error) {
	if own, err = tx.settle(o); err != nil {
		return own, err
	}
	if o.Attempt == nil {
		return own, nil
	}
	ok, failed := 0, 1
	if o.Attempt.OK {
		ok, failed = 1, 0
	}
	// A row beside the committer's, which changes that one all the time. Counters come before endpoints, as in the committer.
	if err := tx.write(addCount, int64(o.Target), hourOf(o.Attempt), -1-o.Attempt.Key.Node(), ok, failed); err != nil {
		return own, err
	}
	if o.Attempt.OK {
		err = tx.write(markOK, int64(o.Target), now.UnixMilli())
	}
	return own, err
}

// settle writes the row and the attempt of an outcome.
func (tx *Tx) settle(o *Outcome) (own bool, err error) {
	id := []any{int64(o.Subject), int64(o.Target), int64(o.Kind)}
	fenced := append(id[:3:3], o.Claim)
	var n int64
	switch o.Verdict {
	case Done:
		n, err = tx.exec(deleteDelivery, id...)
	case Retry:
		n, err = tx.exec(retryDelivery, append(fenced, millis(o.Next))...)
	case Postponed:
		n, err = tx.exec(postponeDelivery, append(fenced, millis(o.Next))...)
	case Exhausted:
		n, err = tx.exec(endDelivery, append(fenced, int64(hookswitch.DeliveryFailed), 1)...)
	case Canceled:
		n, err = tx.exec(endDelivery, append(fenced, int64(hookswitch.DeliveryCanceled), 0)...)
	case Restored:
		if n, err = tx.exec(restoreDelivery, fenced...); err == nil && n == 0 {
			n, err = tx.exec(dropRestored, fenced...)
		}
	}
	if err != nil {
		return false, err
	}
	if o.Attempt != nil {
		if err := tx.write(insertAttempt, attemptArgs(o.Attempt)...); err != nil {
			return false, err
		}
	}
	return n > 0, nil
}

func hourOf(a *hookswitch.Attempt) int64 { return a.Key.Millis() / time.Hour.Milliseconds() }

// Start marks a send as begun, before the provider is called. It reports false when the row is not the caller's any more, or has
// been begun before.
func (tx *Tx) Start(o *Outcome, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE deliveries SET started_at = $5 WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0 AND owner <> 0 AND started_at = 0`,
		int64(o.Subject), int64(o.Target), int64(o.Kind), o.Claim, millis(now))
	return n == 1, err
}

// Await makes a send whose outcome is unknown wait for a receipt until the deadline.
func (tx *Tx) Await(o *Outcome, deadline time.Time) error {
	_, err := tx.exec(`UPDATE deliveries SET owner = 0, next_at = $5 WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0`,
		int64(o.Subject), int64(o.Target), int64(o.Kind), o.Claim, millis(deadline))
	return err
}

// Restart makes a send that has begun one that has not: what had begun is known to have arrived, or may be sent again.
func (tx *Tx) Restart(o *Outcome) error {
	_, err := tx.exec(`UPDATE deliveries SET started_at = 0 WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0 AND owner <> 0`,
		int64(o.Subject), int64(o.Target), int64(o.Kind), o.Claim)
	return err
}

// Continue ends a run that has sent a part of a message: what is left of it is due now, and has not been tried.
func (tx *Tx) Continue(o *Outcome, now time.Time) error {
	_, err := tx.exec(`UPDATE deliveries SET owner = 0, next_at = $5, tries = 0, started_at = 0 WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND state = 0`,
		int64(o.Subject), int64(o.Target), int64(o.Kind), o.Claim, millis(now))
	return err
}

// Proceed is Continue from outside a run: a receipt has told the outcome of the part that is waited for. It reports whether one was.
func (tx *Tx) Proceed(kind hookswitch.DeliveryKind, subject, target hookswitch.Key, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE deliveries SET next_at = $4, tries = 0, started_at = 0 WHERE subject = $1 AND target = $2 AND kind = $3 AND owner = 0 AND state = 0 AND started_at <> 0`,
		int64(subject), int64(target), int64(kind), millis(now))
	return n == 1, err
}

// Settle ends what is owed for a subject and target from outside its run: a receipt has told the outcome of a send.
func (tx *Tx) Settle(kind hookswitch.DeliveryKind, subject, target hookswitch.Key) error {
	return tx.write(deleteDelivery, int64(subject), int64(target), int64(kind))
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

// ClaimRequest says what to lease.
type ClaimRequest struct {
	Kind  hookswitch.DeliveryKind
	Now   time.Time
	Lease time.Time
	Max   int
	// PerTarget is how many of a target to take at most, 0 to pass over it.
	PerTarget func(target hookswitch.Key) int
	// Ordered takes nothing of a target while something of it is leased, and takes by subject.
	Ordered bool
	// After is the target to go on behind, for fairness from one claim to the next; 0 starts over.
	After hookswitch.Key
}

// Claimed is what a claim took.
type Claimed struct {
	Deliveries []Delivery
	// Next is the earliest time at which more will be due; zero: nothing waits.
	Next time.Time
	// After is the target to go on behind; 0: the walk came to its end.
	After hookswitch.Key
}

// walkStep is how many targets one step of the walk looks at.
const walkStep = 256

// The walk jumps from target to target along the index of what waits, so that a target's million rows cost no more than one.
const walkTargets = `WITH RECURSIVE walk (target, next_at) AS (
	SELECT * FROM (SELECT target, next_at FROM deliveries WHERE kind = $1 AND owner = 0 AND state = 0 AND target > $2
		ORDER BY target, next_at LIMIT 1) first
	UNION ALL
	SELECT (SELECT d.target FROM deliveries d WHERE d.kind = $1 AND d.owner = 0 AND d.state = 0 AND d.target > walk.target ORDER BY d.target, d.next_at LIMIT 1),
		(SELECT d.next_at FROM deliveries d WHERE d.kind = $1 AND d.owner = 0 AND d.state = 0 AND d.target > walk.target ORDER BY d.target, d.next_at LIMIT 1)
	FROM walk WHERE walk.target IS NOT NULL
) SELECT target, next_at FROM walk WHERE target IS NOT NULL LIMIT $3`

type waitingTarget struct {
	target, nextAt int64
	busy           bool // something of it is leased, and nothing else may be
}

// walk is one step of the walk, behind a target.
func (s *Store) walk(ctx context.Context, kind hookswitch.DeliveryKind, after hookswitch.Key) ([]waitingTarget, error) {
	if kind == hookswitch.DeliverOrdered {
		return s.walkHeads(ctx, after)
	}
	return scanAll(ctx, &s.Reader, func(row rowScanner) (w waitingTarget, err error) {
		err = row.Scan(&w.target, &w.nextAt)
		return w, err
	}, walkTargets, int64(kind), int64(after), walkStep)
}

// ClaimDue leases due work, target by target, oldest due first within each. It takes as much as there is of what the request allows.
func (s *Store) ClaimDue(ctx context.Context, req ClaimRequest) (Claimed, error) {
	out := Claimed{After: req.After}
	for len(out.Deliveries) < req.Max {
		targets, err := s.walk(ctx, req.Kind, out.After)
		if err == nil {
			err = s.claimOf(ctx, &out, req, targets)
		}
		if err != nil && len(out.Deliveries) > 0 {
			return out, nil // what is leased has to be run; the error will come again
		}
		if err != nil {
			return out, err
		}
		if len(targets) == 0 || len(targets) < walkStep && out.After == hookswitch.Key(targets[len(targets)-1].target) && len(out.Deliveries) < req.Max {
			out.After = 0
			break
		}
	}
	return out, nil
}

// share is how much may be taken of a target.
type share struct {
	target hookswitch.Key
	limit  int
}

// claimOf claims of the targets, in one transaction, until the request is satisfied, and moves After behind the last one it came to.
func (s *Store) claimOf(ctx context.Context, out *Claimed, req ClaimRequest, targets []waitingTarget) error {
	if len(targets) == 0 {
		return nil
	}
	due := make([]share, 0, len(targets))
	for _, w := range targets {
		if w.busy {
			continue
		}
		if w.nextAt > req.Now.UnixMilli() {
			out.later(fromMillis(w.nextAt))
		} else if n := req.PerTarget(hookswitch.Key(w.target)); n > 0 {
			due = append(due, share{hookswitch.Key(w.target), n})
		}
	}
	have, after := len(out.Deliveries), hookswitch.Key(targets[len(targets)-1].target)
	if len(due) == 0 {
		out.After = after
		return nil
	}
	var last hookswitch.Key
	err := s.Update(ctx, func(tx *Tx) error {
		out.Deliveries, last = out.Deliveries[:have], after
		if claim := tx.d.claimMany; claim != nil && !req.Ordered {
			err := claim(tx, out, req, due, s.node.Number)
			if len(out.Deliveries) >= req.Max {
				last = out.Deliveries[len(out.Deliveries)-1].Target
			}
			return err
		}
		for _, d := range due {
			if err := tx.claim(out, req, d.target, min(d.limit, req.Max-len(out.Deliveries)), s.node.Number); err != nil {
				return err
			}
			if len(out.Deliveries) >= req.Max {
				last = d.target
				break
			}
		}
		return nil
	})
	if err != nil {
		out.Deliveries = out.Deliveries[:have]
		return err
	}
	out.After = last
	return nil
}

// later notes that more will be due at t.
func (c *Claimed) later(t time.Time) {
	if c.Next.IsZero() || t.Before(c.Next) {
		c.Next = t
	}
}

func (tx *Tx) claim(out *Claimed, req ClaimRequest, target hookswitch.Key, limit, node int) error {
	if req.Kind == hookswitch.DeliverOrdered {
		return tx.claimFirst(out, req, target, node)
	}
	if req.Ordered {
		return tx.claimHead(out, req, target, node)
	}
	rows, err := scanAll(tx.ctx, &tx.Reader, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND next_at <= $3 ORDER BY next_at LIMIT $4`+tx.d.skipLocked,
		int64(req.Kind), int64(target), req.Now.UnixMilli(), limit)
	if err != nil {
		return err
	}
	// A fixed set of statement sizes keeps the statements prepared.
	for len(rows) > 0 {
		n := 1
		for n*4 <= len(rows) && n < 64 {
			n *= 4
		}
		if err := tx.lease(rows[:n], req.Lease, node); err != nil {
			return err
		}
		out.Deliveries = append(out.Deliveries, rows[:n]...)
		rows = rows[n:]
	}
	return nil
}

// claimHead leases the first of what an ordered target is owed, when that is due and nothing of the target is leased. A send that has begun and whose
// outcome is unknown does not hold up the others.
func (tx *Tx) claimHead(out *Claimed, req ClaimRequest, target hookswitch.Key, node int) error {
	var busy int
	err := tx.q.QueryRowContext(tx.ctx, `SELECT 1 FROM deliveries WHERE target = $1 AND kind = $2 AND kind IN (2, 3, 4) AND owner <> 0 LIMIT 1`, int64(target), int64(req.Kind)).Scan(&busy)
	if !errors.Is(err, sql.ErrNoRows) {
		return err // nil: it is busy
	}
	// Another node that takes the same one is waited for: skipping its row would give us the one behind it.
	rows, err := scanAll(tx.ctx, &tx.Reader, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND (started_at = 0 OR next_at <= $3) ORDER BY subject LIMIT 1`+tx.d.forUpdate,
		int64(req.Kind), int64(target), req.Now.UnixMilli())
	if err != nil || len(rows) == 0 {
		return err
	}
	if rows[0].NextAt.After(req.Now) {
		out.later(rows[0].NextAt)
		return nil
	}
	if err := tx.lease(rows, req.Lease, node); err != nil {
		return err
	}
	out.Deliveries = append(out.Deliveries, rows...)
	return nil
}

// lease gives rows of one kind and target to the node.
func (tx *Tx) lease(rows []Delivery, until time.Time, node int) error {
	args := []any{int64(node), millis(until), int64(rows[0].Target), int64(rows[0].Kind)}
	marks := make([]string, len(rows))
	for i := range rows {
		rows[i].Owner, rows[i].Claim = node, rows[i].Claim+1
		rows[i].NextAt = until
		args = append(args, int64(rows[i].Subject))
		marks[i] = "$" + strconv.Itoa(len(args))
	}
	_, err := tx.exec(`UPDATE deliveries SET owner = $1, next_at = $2, claim_no = claim_no + 1
		WHERE target = $3 AND kind = $4 AND subject IN (`+strings.Join(marks, ", ")+`)`, args...)
	return err
}

// Release gives leased work back: it waits, due now. Rows that are not the caller's any more are left alone.
func (s *Store) Release(ctx context.Context, list []Delivery, now time.Time) error {
	return s.Update(ctx, func(tx *Tx) error {
		for _, d := range list {
			if _, err := tx.exec(`UPDATE deliveries SET `+letGo+`, next_at = $5 WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND owner <> 0`,
				int64(d.Subject), int64(d.Target), int64(d.Kind), d.Claim, millis(now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Reclaim makes work whose lease has ended wait again, due now, and returns how much there was.
func (s *Store) Reclaim(ctx context.Context, now time.Time) (int, error) {
	// Almost always there is none, and then nothing is written.
	var one int
	err := s.q.QueryRowContext(ctx, `SELECT 1 FROM deliveries WHERE owner <> 0 AND next_at < $1 LIMIT 1`, now.UnixMilli()).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, readErr(err, "delivery")
	}
	var n int64
	err = s.Update(ctx, func(tx *Tx) (err error) {
		n, err = tx.exec(`UPDATE deliveries SET `+letGo+`, next_at = $1 WHERE owner <> 0 AND next_at < $1`, now.UnixMilli())
		return err
	})
	return int(n), err
}

// takeBack makes everything that the node holds wait again, due now.
func (tx *Tx) takeBack(node int, now time.Time) error {
	_, err := tx.exec(`UPDATE deliveries SET `+letGo+`, next_at = $2 WHERE owner = $1 AND owner <> 0`, node, now.UnixMilli())
	return err
}

// Backlog describes what waits.
type Backlog struct {
	Due    int       // waiting and due
	Oldest time.Time // when the oldest due work became due; zero: none is
}

// QueueState is what waits of one kind of work, and what runs.
type QueueState struct {
	Kind    hookswitch.DeliveryKind
	Due     int       // waiting, and due
	Later   int       // waiting for another try, or for its time
	Running int       // a node has them
	Oldest  time.Time // when the oldest due one became due; zero: none is
	Nodes   map[int]int
}

// Queues tells what waits and runs of each kind of work, as far as it is counted: beyond a bound of rows the numbers say only "many".
func (r *Reader) Queues(ctx context.Context, now time.Time) ([]QueueState, error) {
	by := make(map[hookswitch.DeliveryKind]*QueueState)
	of := func(kind hookswitch.DeliveryKind) *QueueState {
		if by[kind] == nil {
			by[kind] = &QueueState{Kind: kind, Nodes: make(map[int]int)}
		}
		return by[kind]
	}
	_, err := scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var kind hookswitch.DeliveryKind
		var all, due int
		var oldest sql.NullInt64
		err := row.Scan(&kind, &all, &due, &oldest)
		q := of(kind)
		q.Due, q.Later, q.Oldest = due, all-due, fromMillis(oldest.Int64)
		return struct{}{}, err
	}, `SELECT kind, COUNT(*), SUM(CASE WHEN next_at <= $1 THEN 1 ELSE 0 END), MIN(CASE WHEN next_at <= $1 THEN next_at END)
		FROM (SELECT kind, next_at FROM deliveries WHERE owner = 0 AND state = 0 AND kind > 0 LIMIT $2) waiting GROUP BY kind`, now.UnixMilli(), backlogBound)
	if err != nil {
		return nil, err
	}
	_, err = scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var kind hookswitch.DeliveryKind
		var node, n int
		err := row.Scan(&kind, &node, &n)
		q := of(kind)
		q.Running += n
		q.Nodes[node] += n
		return struct{}{}, err
	}, `SELECT kind, owner, COUNT(*) FROM (SELECT kind, owner FROM deliveries WHERE owner <> 0 LIMIT $1) running GROUP BY kind, owner`, backlogBound)
	var list []QueueState
	for kind := hookswitch.DeliverWebhook; kind <= hookswitch.DeliverOrdered; kind++ {
		list = append(list, *of(kind))
	}
	return list, err
}

// backlogBound is how many waiting rows are looked at: beyond it the numbers say only "many".
const backlogBound = 100_000

// Backlog counts what is due among the first that wait, for metrics. What waits for its turn at an ordered endpoint does not count.
func (r *Reader) Backlog(ctx context.Context, now time.Time) (Backlog, error) {
	var b Backlog
	var oldest sql.NullInt64
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*), MIN(next_at) FROM (SELECT next_at FROM deliveries
		WHERE owner = 0 AND state = 0 AND kind < 5 LIMIT $2) waiting WHERE next_at <= $1`, now.UnixMilli(), backlogBound).Scan(&b.Due, &oldest)
	b.Oldest = fromMillis(oldest.Int64)
	return b, readErr(err, "delivery")
}
