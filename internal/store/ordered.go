package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hookswitch/hookswitch"
)

// What an ordered endpoint is owed has positions. They are taken under the lock of the endpoint's row in positions and held until the commit, so that whoever
// sees one position sees all before it.
const (
	takeLast      = `INSERT INTO positions (endpoint_id, last) VALUES ($1, $2) ON CONFLICT (endpoint_id) DO UPDATE SET last = positions.last + excluded.last RETURNING last`
	insertOrdered = `INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at, position)
		VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $7, $8, $9, 0, 0, $10)`
)

// takePositions takes the next n positions of an endpoint's queue, and returns the first.
func (tx *Tx) takePositions(endpoint hookswitch.Key, n int) (int64, error) {
	var last int64
	err := tx.q.QueryRowContext(tx.ctx, takeLast, int64(endpoint), int64(n)).Scan(&last)
	if err != nil && tx.failed == nil {
		tx.failed = err
	}
	return last - int64(n) + 1, err
}

func (tx *Tx) insertOrdered(d *Delivery) error {
	position, err := tx.takePositions(d.Target, 1)
	if err != nil {
		return err
	}
	_, err = tx.exec(insertOrdered, int64(d.Subject), int64(d.Target), int64(d.Kind), int64(d.App), int64(d.Owner), millis(d.NextAt), d.Claim,
		d.Manual, int64(d.Restore), position)
	return err
}

// LockPositions keeps others from taking positions of the endpoints until the transaction ends. It has to be the first statement of one that takes some at
// its end: where events arrive all the time, it would be begun anew for ever otherwise.
func (tx *Tx) LockPositions(endpoints []hookswitch.Key) error {
	if len(endpoints) == 0 || tx.d.forUpdate == "" {
		return nil
	}
	var args []any
	_, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (key int64, err error) {
		err = row.Scan(&key)
		return key, err
	}, `SELECT endpoint_id FROM positions WHERE endpoint_id IN `+in(&args, int64s(endpoints))+` ORDER BY endpoint_id`+tx.d.forUpdate, args...)
	return err
}

// The walk over ordered targets looks at the first position of each: what waits behind it does not count, however much it is.
const walkHeads = `WITH RECURSIVE walk (target, owner, next_at) AS (
	SELECT * FROM (SELECT target, owner, next_at FROM deliveries WHERE position > 0 AND state = 0 AND target > $1 ORDER BY target, position LIMIT 1) first
	UNION ALL
	SELECT (SELECT d.target FROM deliveries d WHERE d.position > 0 AND d.state = 0 AND d.target > walk.target ORDER BY d.target, d.position LIMIT 1),
		(SELECT d.owner FROM deliveries d WHERE d.position > 0 AND d.state = 0 AND d.target > walk.target ORDER BY d.target, d.position LIMIT 1),
		(SELECT d.next_at FROM deliveries d WHERE d.position > 0 AND d.state = 0 AND d.target > walk.target ORDER BY d.target, d.position LIMIT 1)
	FROM walk WHERE walk.target IS NOT NULL
) SELECT target, owner, next_at FROM walk WHERE target IS NOT NULL LIMIT $2`

func (s *Store) walkHeads(ctx context.Context, after hookswitch.Key) ([]waitingTarget, error) {
	return scanAll(ctx, &s.Reader, func(row rowScanner) (w waitingTarget, err error) {
		var owner int64
		err = row.Scan(&w.target, &owner, &w.nextAt)
		w.busy = owner != 0
		return w, err
	}, walkHeads, int64(after), walkStep)
}

// selectFirst is the head of a target's queue, leased or not.
const selectFirst = `SELECT ` + deliveryColumns + ` FROM deliveries WHERE target = $1 AND position > 0 AND state = 0 ORDER BY position LIMIT 1`

// claimFirst leases the head of an ordered endpoint's queue, when that is due and not leased.
func (tx *Tx) claimFirst(out *Claimed, req ClaimRequest, target hookswitch.Key, node int) error {
	rows, err := scanAll(tx.ctx, &tx.Reader, scanDelivery, selectFirst, int64(target))
	switch {
	case err != nil || len(rows) == 0 || rows[0].Owner != 0:
		return err
	case rows[0].NextAt.After(req.Now):
		out.later(rows[0].NextAt)
		return nil
	}
	if err := tx.lease(rows, req.Lease, node); err != nil {
		return err
	}
	out.Deliveries = append(out.Deliveries, rows...)
	return nil
}

// WakeHead makes the head of an ordered endpoint's queue due at now, if it waits. The row is written either way, so that somebody who makes it wait in this
// moment has to look again.
func (tx *Tx) WakeHead(endpoint hookswitch.Key, now time.Time) error {
	rows, err := scanAll(tx.ctx, &tx.Reader, scanDelivery, selectFirst, int64(endpoint))
	if err != nil || len(rows) == 0 {
		return err
	}
	_, err = tx.exec(`UPDATE deliveries SET next_at = CASE WHEN owner = 0 AND next_at > $4 THEN $4 ELSE next_at END WHERE subject = $1 AND target = $2 AND kind = $3`,
		int64(rows[0].Subject), int64(endpoint), int64(rows[0].Kind), millis(now))
	return err
}

// Cancel ends what is owed of an event to an endpoint, and returns the row as it was, in whichever manner it waited. What a node holds at this moment is ended by its
// attempt, whatever that comes to. A try asked for by hand is given up, and what it was asked for goes back to what it was. The error is of kind NotFound
// where there is no row; one that has ended is left alone.
func (tx *Tx) Cancel(event, endpoint hookswitch.Key) (Delivery, error) {
	d, err := tx.owedEvent(event, endpoint)
	if err != nil {
		return d, err
	}
	return d, tx.cancel(&d)
}

func (tx *Tx) cancel(d *Delivery) (err error) {
	id := []any{int64(d.Subject), int64(d.Target), int64(d.Kind)}
	switch {
	case d.State != hookswitch.DeliveryPending:
		return nil
	case d.Owner != 0:
		_, err = tx.exec(`UPDATE deliveries SET restore = CASE WHEN restore = 0 THEN 3 ELSE restore END WHERE subject = $1 AND target = $2 AND kind = $3`, id...)
		return err
	case d.Manual && d.Restore == hookswitch.DeliveryDelivered, d.Task < 0:
		_, err = tx.exec(deleteDelivery, id...)
	default:
		_, err = tx.exec(`UPDATE deliveries SET state = CASE WHEN restore = 0 THEN 3 ELSE restore END, next_at = 0, manual = FALSE, task = 0 WHERE subject = $1 AND target = $2 AND kind = $3`, id...)
	}
	if err != nil || d.Task == 0 {
		return err
	}
	return tx.untaken(max(d.Task, -d.Task), 1)
}

// CancelOrdered ends what of an ordered endpoint's queue was accepted up to the key upto, from its end on. It looks at limit rows below a position, 0 for all of
// them, and returns the position to go on below, 0 at the head of the queue. Tries asked for by hand stay.
func (tx *Tx) CancelOrdered(endpoint, upto hookswitch.Key, below int64, limit int) (next int64, err error) {
	if below == 0 {
		below = 1<<63 - 1
	}
	positions, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (p int64, err error) {
		err = row.Scan(&p)
		return p, err
	}, `SELECT position FROM deliveries WHERE target = $1 AND position > 0 AND state = 0 AND position < $2 ORDER BY position DESC LIMIT $3`, int64(endpoint), below, limit)
	if err != nil || len(positions) == 0 {
		return 0, err
	}
	low := positions[len(positions)-1]
	if _, err := tx.exec(`UPDATE deliveries SET state = CASE WHEN owner = 0 THEN 3 ELSE 0 END, next_at = CASE WHEN owner = 0 THEN 0 ELSE next_at END, restore = CASE WHEN owner = 0 THEN restore ELSE 3 END
		WHERE target = $1 AND position > 0 AND state = 0 AND position >= $2 AND position < $3 AND subject <= $4 AND manual = FALSE`,
		int64(endpoint), low, below, int64(upto)); err != nil {
		return 0, err
	}
	if len(positions) < limit {
		return 0, nil
	}
	return low, nil
}

// ordered reports whether some of a is owed to an ordered endpoint.
func (a *Accept) ordered() bool {
	for i := range a.Deliveries {
		if a.Deliveries[i].Kind == hookswitch.DeliverOrdered {
			return true
		}
	}
	return false
}

// lines are the accepts for ordered endpoints, by App, where other nodes may hold the locks of their positions: an App whose lock is held for long holds up itself
// alone. As in the committer, whatever has queued while one commit ran is written in the next.
type lines struct {
	slots chan struct{} // commits at once
	wg    sync.WaitGroup

	mu     sync.Mutex
	m      map[hookswitch.Key]*line
	closed bool
}

type line struct {
	units []*unit
	bytes int
}

// lineSlots is how many commits for ordered endpoints run at once. Each takes a connection.
const lineSlots = 4

func newLines() *lines {
	return &lines{slots: make(chan struct{}, lineSlots), m: make(map[hookswitch.Key]*line)}
}

// submit commits u with what else waits for its App.
func (ls *lines) submit(s *Store, u *unit) error {
	app := u.accept.App
	ls.mu.Lock()
	l := ls.m[app]
	switch {
	case ls.closed:
		ls.mu.Unlock()
		return errClosed
	case l == nil:
		l = &line{}
		ls.m[app] = l
		ls.wg.Go(func() { ls.run(s, app, l) })
	case len(l.units) >= maxQueued/4 || l.bytes >= maxQueuedBytes/4:
		ls.mu.Unlock()
		return errFull
	}
	l.units, l.bytes = append(l.units, u), l.bytes+u.size
	ls.mu.Unlock()
	return <-u.done
}

// run commits what waits for an App until nothing does.
func (ls *lines) run(s *Store, app hookswitch.Key, l *line) {
	for {
		ls.slots <- struct{}{}
		ls.mu.Lock()
		n, bytes := 0, 0
		for n < len(l.units) && n < maxBatchUnits && (n == 0 || bytes+l.units[n].size <= maxBatchBytes) {
			bytes += l.units[n].size
			n++
		}
		units := l.units[:n:n]
		l.units, l.bytes = l.units[n:], l.bytes-bytes
		if n == 0 {
			delete(ls.m, app)
		}
		ls.mu.Unlock()
		if n > 0 {
			s.commitLine(units)
		}
		<-ls.slots
		if n == 0 {
			return
		}
	}
}

func (ls *lines) close() {
	ls.mu.Lock()
	ls.closed = true
	ls.mu.Unlock()
	ls.wg.Wait()
}

// commitLine commits the accepts of one App, and tells each what came of it.
func (s *Store) commitLine(units []*unit) {
	b := &batch{}
	for _, u := range units {
		b.accepts = append(b.accepts, u.accept)
	}
	start := time.Now()
	err := s.write(b)
	if err != nil && len(units) > 1 && !errors.Is(err, errUnknown) && s.backend.dialect().classify(err) == faultStatement {
		s.log.Warn("commit: a batch failed and is split", "error", err, "units", len(units))
		left, right := halves(units)
		s.commitLine(left)
		s.commitLine(right)
		return
	}
	s.observe(len(units), time.Since(start))
	for _, u := range units {
		res := err
		if res == nil || u.accept.err != nil {
			res = u.accept.err
		}
		u.done <- s.outcomeOf(res)
	}
}

// orderedRows are what a batch owes to ordered endpoints, as columns. back is how far a row stands from the last one of its endpoint.
type orderedRows struct {
	subject, target, app, next, claim, back []int64
	restore                                 []int16
	manual                                  []bool
	count                                   map[int64]int64
}

func (r *orderedRows) add(d *Delivery) {
	if r.count == nil {
		r.count = make(map[int64]int64, 1)
	}
	r.subject, r.target, r.app = append(r.subject, int64(d.Subject)), append(r.target, int64(d.Target)), append(r.app, int64(d.App))
	r.next, r.claim, r.back = append(r.next, millis(d.NextAt)), append(r.claim, d.Claim), append(r.back, r.count[int64(d.Target)])
	r.restore, r.manual = append(r.restore, int16(d.Restore)), append(r.manual, d.Manual)
	r.count[int64(d.Target)]++
}

// lineLockTimeout bounds how long a commit waits for the lock of a position.
const lineLockTimeout = "1s"

func (r *orderedRows) queue(q *pgx.Batch) {
	if len(r.subject) == 0 {
		return
	}
	for i, target := range r.target {
		r.back[i] = r.count[target] - 1 - r.back[i]
	}
	endpoints := slices.Sorted(maps.Keys(r.count)) // so that two nodes do not wait for each other in a circle
	counts := make([]int64, len(endpoints))
	for i, e := range endpoints {
		counts[i] = r.count[e]
	}
	q.Queue(`SELECT set_config('lock_timeout', $1, TRUE)`, lineLockTimeout)
	q.Queue(`INSERT INTO positions (endpoint_id, last) SELECT endpoint_id, n FROM unnest($1::bigint[], $2::bigint[]) AS u (endpoint_id, n)
		ON CONFLICT (endpoint_id) DO UPDATE SET last = positions.last + excluded.last`, endpoints, counts)
	q.Queue(`INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at, position)
		SELECT u.subject, u.target, 5, u.app_id, 0, 0, u.next_at, 0, u.claim_no, u.manual, u.restore, 0, 0, p.last - u.back
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::smallint[], $8::bigint[])
		AS u (subject, target, app_id, next_at, claim_no, manual, restore, back) JOIN positions p ON p.endpoint_id = u.target`,
		r.subject, r.target, r.app, r.next, r.claim, r.manual, r.restore, r.back)
}

// askInOrder is AskTries for an ordered endpoint: the tries go to the end of its queue, in the order of the list. What waits or runs there already is left alone.
func (tx *Tx) askInOrder(q TryRequest) (int, error) {
	position, err := tx.takePositions(q.Endpoint, len(q.Events))
	if err != nil {
		return 0, err
	}
	const again = `UPDATE deliveries SET restore = CASE WHEN state = 0 THEN 3 ELSE state END, due_at = 0, state = 0, manual = TRUE, next_at = $4, claim_no = claim_no + 1, task = $5,
		kind = 5, position = $6 WHERE subject = $1 AND target = $2 AND app_id = $3 AND kind IN (1, 5) AND owner = 0 AND (state <> 0 OR kind = 1 AND manual = FALSE AND subject <= $7)`
	const ok = `(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.endpoint_id + 0 = $2 AND a.ok LIMIT 1)`
	fresh := `INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at, task, position)
		SELECT e.id, CAST($2 AS BIGINT), 5, e.app_id, 0, 0, CAST($4 AS BIGINT), 0, CAST($4 AS BIGINT), TRUE, CASE WHEN ` + ok + ` IS NULL THEN 2 ELSE 1 END, 0, 0, CAST($5 AS BIGINT), CAST($6 AS BIGINT)
		FROM events e WHERE e.id = $1 AND e.app_id = $3 AND e.expired = FALSE AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.subject = e.id AND d.target = $2 AND d.kind IN (1, 5))`
	if !q.Again {
		fresh += ` AND ` + ok + ` IS NULL`
	}
	sum := int64(0)
	for i, event := range q.Events {
		args := []any{int64(event), int64(q.Endpoint), int64(q.App), millis(q.At), int64(q.Task), position + int64(i)}
		n, err := tx.exec(again, append(args, int64(q.CanceledUpto))...)
		if err == nil && n == 0 {
			args[4] = -int64(q.Task)
			n, err = tx.exec(fresh, args...)
		}
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return int(sum), nil
}
