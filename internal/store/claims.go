package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

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

// claimOf claims of the targets until the request is satisfied, and moves After behind the last one it came to.
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
	after := hookswitch.Key(targets[len(targets)-1].target)
	if len(due) == 0 {
		out.After = after
		return nil
	}
	var err error
	if claim := s.d.claimMany; claim != nil {
		have := len(out.Deliveries)
		if err = s.outcomeOf(claim(ctx, s, out, req, due)); err != nil {
			out.Deliveries = out.Deliveries[:have]
		}
	} else {
		err = s.claimEach(ctx, out, req, due)
	}
	if err != nil {
		return err
	}
	out.After = after
	if len(out.Deliveries) >= req.Max {
		out.After = out.Deliveries[len(out.Deliveries)-1].Target
	}
	return nil
}

// claimStep is how many targets one transaction claims of: whoever waits for the writer comes behind no more than those.
const claimStep = 8

// claimEach claims of one target after the other, some in each transaction. What an earlier transaction has leased stays in out when a later one fails.
func (s *Store) claimEach(ctx context.Context, out *Claimed, req ClaimRequest, due []share) error {
	for part := range slices.Chunk(due, claimStep) {
		have := len(out.Deliveries)
		if have >= req.Max {
			break
		}
		err := s.Update(ctx, func(tx *Tx) error {
			out.Deliveries = out.Deliveries[:have]
			for _, d := range part {
				if len(out.Deliveries) >= req.Max {
					break
				}
				if err := tx.claim(out, req, d.target, min(d.limit, req.Max-len(out.Deliveries)), s.node.Number); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			out.Deliveries = out.Deliveries[:have]
			return err
		}
	}
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
		WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND next_at <= $3 ORDER BY next_at LIMIT $4`,
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
	rows, err := scanAll(tx.ctx, &tx.Reader, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND (started_at = 0 OR next_at <= $3) ORDER BY subject LIMIT 1`,
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
