package store

import (
	"cmp"
	"slices"
)

const claimTargets = `WITH picked AS (
	SELECT d.subject, d.target, d.next_at FROM unnest($1::bigint[], $2::bigint[]) AS t (target, most) CROSS JOIN LATERAL (
		SELECT subject, target, next_at FROM deliveries WHERE kind = $3 AND target = t.target AND owner = 0 AND state = 0 AND next_at <= $4
		ORDER BY next_at LIMIT t.most FOR UPDATE SKIP LOCKED) d LIMIT $5)
	UPDATE deliveries d SET owner = $6, next_at = $7, claim_no = d.claim_no + 1 FROM picked p WHERE d.subject = p.subject AND d.target = p.target AND d.kind = $3
	RETURNING d.subject, d.target, d.kind, d.app_id, d.state, d.owner, d.next_at, d.tries, d.claim_no, d.manual, d.restore, d.due_at, d.started_at, d.task, p.next_at`

// claimMany leases what is due of the targets, oldest first within each, in the order of the targets.
func claimMany(tx *Tx, out *Claimed, req ClaimRequest, due []share, node int) error {
	targets, most := make([]int64, len(due)), make([]int64, len(due))
	for i, d := range due {
		targets[i], most[i] = int64(d.target), int64(d.limit)
	}
	type claimed struct {
		Delivery
		dueAt int64
	}
	rows, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (c claimed, err error) {
		c.Delivery, err = scanDelivery(scanFunc(func(dest ...any) error { return row.Scan(append(dest, &c.dueAt)...) }))
		return c, err
	}, claimTargets, targets, most, int64(req.Kind), req.Now.UnixMilli(), req.Max-len(out.Deliveries), int64(node), millis(req.Lease))
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b claimed) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.dueAt, b.dueAt), cmp.Compare(a.Subject, b.Subject))
	})
	for _, c := range rows {
		out.Deliveries = append(out.Deliveries, c.Delivery)
	}
	return nil
}

// scanFunc is a row that is scanned by a function.
type scanFunc func(dest ...any) error

// Scan calls f.
func (f scanFunc) Scan(dest ...any) error { return f(dest...) }
