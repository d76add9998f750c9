package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/hookswitch/hookswitch"
)

// A claim is one statement, and a transaction of its own at the level of what is committed: each row that it locks is looked at anew, so a row that another transaction has
// taken or changed in this moment is passed over, and neither waited for nor a reason to begin again. Else one target that something happens to all the time would keep all
// others from being claimed.
const (
	claimTargets = `WITH picked AS (
	SELECT d.subject, d.target, d.next_at FROM unnest($1::bigint[], $7::bigint[]) AS t (target, most) CROSS JOIN LATERAL (
		SELECT subject, target, next_at FROM deliveries WHERE kind = $2 AND target = t.target AND owner = 0 AND state = 0 AND next_at <= $3
		ORDER BY next_at LIMIT t.most FOR UPDATE SKIP LOCKED) d LIMIT $4)
	UPDATE deliveries d SET owner = $5, next_at = $6, claim_no = d.claim_no + 1 FROM picked p WHERE d.subject = p.subject AND d.target = p.target AND d.kind = $2
	RETURNING d.subject, d.target, d.kind, d.app_id, d.state, d.owner, d.next_at, d.tries, d.claim_no, d.manual, d.restore, d.due_at, d.started_at, d.task, p.next_at`

	// leaseHeads follows what names the heads of the targets. They are found before they are locked: to skip a locked one while looking would be to take the one behind it. They
	// are locked one by one, since PostgreSQL may not know yet how many rows there are, and would join the heads with all of them.
	leaseHeads = `, picked AS (
	SELECT d.subject, d.target, d.next_at FROM heads h CROSS JOIN LATERAL (
		SELECT subject, target, next_at FROM deliveries WHERE subject = h.subject AND target = h.target AND kind = $2 AND owner = 0 AND state = 0 AND next_at <= $3
		FOR UPDATE SKIP LOCKED) d LIMIT $4),
	leased AS (UPDATE deliveries d SET owner = $5, next_at = $6, claim_no = d.claim_no + 1 FROM picked p WHERE d.subject = p.subject AND d.target = p.target AND d.kind = $2
	RETURNING d.subject, d.target, d.kind, d.app_id, d.state, d.owner, d.next_at, d.tries, d.claim_no, d.manual, d.restore, d.due_at, d.started_at, d.task, p.next_at AS was_due)
	SELECT * FROM leased UNION ALL SELECT 0, target, 0, 0, 0, 0, 0, 0, 0, FALSE, 0, 0, 0, 0, next_at FROM heads WHERE next_at > $3`

	claimHeads = `WITH heads AS (
	SELECT h.subject, h.target, h.next_at FROM unnest($1::bigint[]) AS t (target) CROSS JOIN LATERAL (
		SELECT subject, target, next_at FROM deliveries WHERE kind = $2 AND target = t.target AND owner = 0 AND state = 0 AND (started_at = 0 OR next_at <= $3) ORDER BY subject LIMIT 1) h
	WHERE NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.target = t.target AND b.kind = $2 AND b.kind IN (2, 3, 4) AND b.owner <> 0))` + leaseHeads

	claimFirsts = `WITH heads AS (
	SELECT h.subject, h.target, h.next_at FROM unnest($1::bigint[]) AS t (target) CROSS JOIN LATERAL (
		SELECT subject, target, owner, next_at FROM deliveries WHERE target = t.target AND position > 0 AND state = 0 ORDER BY position LIMIT 1) h
	WHERE h.owner = 0)` + leaseHeads
)

// claimMany leases what is due of the targets, oldest first within each, in the order of the targets.
func claimMany(ctx context.Context, s *Store, out *Claimed, req ClaimRequest, due []share) error {
	targets, most := make([]int64, len(due)), make([]int64, len(due))
	for i, d := range due {
		targets[i], most[i] = int64(d.target), int64(d.limit)
	}
	args := []any{targets, int64(req.Kind), req.Now.UnixMilli(), req.Max - len(out.Deliveries), int64(s.node.Number), millis(req.Lease)}
	statement := claimHeads
	switch {
	case req.Kind == hookswitch.DeliverOrdered:
		statement = claimFirsts
	case !req.Ordered:
		statement, args = claimTargets, append(args, most)
	}
	type claimed struct {
		Delivery
		dueAt int64
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout) // what has been leased is to be known
	defer cancel()
	rows, err := scanAll(ctx, &s.Reader, func(row rowScanner) (c claimed, err error) {
		c.Delivery, err = scanDelivery(scanFunc(func(dest ...any) error { return row.Scan(append(dest, &c.dueAt)...) }))
		return c, err
	}, statement, args...)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b claimed) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.dueAt, b.dueAt), cmp.Compare(a.Subject, b.Subject))
	})
	for _, c := range rows {
		if c.Subject == 0 { // the head of a target, which waits
			out.later(fromMillis(c.dueAt))
			continue
		}
		out.Deliveries = append(out.Deliveries, c.Delivery)
	}
	return nil
}

// scanFunc is a row that is scanned by a function.
type scanFunc func(dest ...any) error

// Scan calls f.
func (f scanFunc) Scan(dest ...any) error { return f(dest...) }
