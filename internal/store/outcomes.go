package store

import (
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

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

// told tells whoever waits for o that it is committed.
func (o *Outcome) told() {
	if o.recorded != nil {
		close(o.recorded)
		o.recorded = nil
	}
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

var insertEvents, insertDeliveries = several(insertEvent), several(insertDelivery)

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
