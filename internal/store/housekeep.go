package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// HousekeepOptions say how long things are kept. Zero keeps for ever.
type HousekeepOptions struct {
	// Retention is how long events, attempts, receipts, counters, the bytes of attachments and dialogues that have ended are kept. It has to exceed the longest schedule.
	Retention time.Duration
	// StrayRetention is how long pushes that belong to no route are kept.
	StrayRetention time.Duration
	// TaskRetention is how long tasks that have ended are kept.
	TaskRetention time.Duration
	// ActivityRetention is how long it is known who did what.
	ActivityRetention time.Duration
}

// HousekeepResult is what Housekeep did.
type HousekeepResult struct {
	// Canceled counts, by app, what was still owed when it became too old.
	Canceled map[hookswitch.Key]int
	// Ended counts what waited for endpoints that were disabled or deleted: it read as canceled already.
	Ended int
	// Payloads counts those that were removed before their events.
	Payloads int
	// How many were dropped.
	Events, Attempts, Bins, Once, Answers, Receipts, Strays, Counters, Tokens, Tasks, Dialogues, Attachments, Activities, Volumes, Erased int
}

// TokenGrace is how long a token that has ended is kept: its bearer is told that it has ended, and the request that made it may be repeated.
const TokenGrace = 24 * time.Hour

// housekeepChunk bounds one transaction, so that what else is written does not wait for long.
const housekeepChunk = 500

// Housekeep ends what can no longer be delivered, and drops what is past keeping, in small transactions with pauses between them. It returns what it has done
// also when it ends early. Several nodes may do it at once.
func (s *Store) Housekeep(ctx context.Context, o HousekeepOptions) (HousekeepResult, error) {
	now := s.now()
	res := HousekeepResult{Canceled: make(map[hookswitch.Key]int)}
	if err := s.endCanceled(ctx, &res); err != nil {
		return res, err
	}
	type step struct {
		sum *int
		run func(tx *Tx) (int, error)
	}
	bound := housekeepChunk
	steps := []step{
		{&res.Bins, func(tx *Tx) (int, error) { return tx.DropBinsBefore(now, bound) }},
		{&res.Payloads, func(tx *Tx) (int, error) { return tx.ExpungeExpired(now, bound) }},
		{&res.Tokens, func(tx *Tx) (int, error) { return tx.DropTokensBefore(now.Add(-TokenGrace), bound) }},
		{new(int), func(tx *Tx) (int, error) { return tx.ForgetTokenTexts(now, bound) }},
	}
	for life := Life10Minutes; life < LifeForever; life++ {
		steps = append(steps,
			step{&res.Once, func(tx *Tx) (int, error) { return tx.ForgetOnce(life, now, bound) }},
			step{&res.Answers, func(tx *Tx) (int, error) { return tx.ForgetAnswers(life, now, bound) }})
	}
	if o.Retention > 0 {
		cutoff := now.Add(-o.Retention)
		if err := s.dropOwed(ctx, cutoff, res.Canceled); err != nil {
			return res, err
		}
		steps = append(steps,
			step{&res.Attempts, func(tx *Tx) (int, error) { return tx.DropAttemptsBefore(cutoff, bound) }},
			step{&res.Events, func(tx *Tx) (int, error) { return tx.DropEventsBefore(cutoff, bound) }},
			step{&res.Receipts, func(tx *Tx) (int, error) { return tx.DropReceiptsBefore(cutoff, bound) }},
			step{&res.Attachments, func(tx *Tx) (int, error) { return tx.DropAttachmentsBefore(cutoff, bound) }},
			step{new(int), func(tx *Tx) (int, error) { return tx.DropRepliesBefore(cutoff, bound) }},
			step{&res.Dialogues, func(tx *Tx) (int, error) { return tx.DropDialoguesBefore(cutoff, bound) }},
			step{&res.Counters, func(tx *Tx) (int, error) { return tx.DropCountersBefore(cutoff, bound) }},
			step{&res.Volumes, func(tx *Tx) (int, error) { return tx.DropVolumesBefore(cutoff, bound) }})
	}
	if o.StrayRetention > 0 {
		steps = append(steps, step{&res.Strays, func(tx *Tx) (int, error) { return tx.DropStraysBefore(now.Add(-o.StrayRetention), bound) }})
	}
	if o.TaskRetention > 0 {
		steps = append(steps, step{&res.Tasks, func(tx *Tx) (int, error) { return tx.DropTasksBefore(now.Add(-o.TaskRetention), bound) }})
	}
	if o.ActivityRetention > 0 {
		steps = append(steps, step{&res.Activities, func(tx *Tx) (int, error) { return tx.DropActivitiesBefore(now.Add(-o.ActivityRetention), bound) }})
	}
	for _, st := range steps {
		if err := s.chunks(ctx, st.sum, st.run); err != nil {
			return res, err
		}
	}
	return res, s.eraseDeleted(ctx, &res.Erased)
}

// chunks runs step in one transaction after another until it finds less than a chunk, and adds up what it did.
func (s *Store) chunks(ctx context.Context, sum *int, step func(tx *Tx) (int, error)) error {
	for {
		start, n := time.Now(), 0
		if err := s.Update(ctx, func(tx *Tx) (err error) {
			n, err = step(tx)
			return err
		}); err != nil {
			return err
		}
		if *sum += n; n < housekeepChunk {
			return nil
		}
		// As long for the others as for itself.
		if err := pauseFor(ctx, time.Since(start)); err != nil {
			return err
		}
	}
}

// ended is an endpoint for which something waits that reads as canceled.
type ended struct {
	key, upto hookswitch.Key
	deleted   bool
}

// Of what waits for an endpoint only the next few are looked at. Behind them something that reads as canceled may be left, until it comes to be tried: what waits for
// an endpoint that was disabled once may be very much.
const selectEnded = `SELECT e.id, e.canceled_upto, e.deleted_at FROM endpoints e WHERE (e.canceled_upto > 0 OR e.deleted_at > 0) AND EXISTS (
	SELECT 1 FROM (SELECT d.subject, d.manual FROM deliveries d WHERE d.kind = $1 AND d.target = e.id AND d.owner = 0 AND d.state = 0 ORDER BY d.next_at LIMIT 1000) d
	WHERE e.deleted_at > 0 OR $1 = 1 AND d.manual = FALSE AND d.subject <= e.canceled_upto) LIMIT $2`

// endCanceled takes out of the queue what waits for endpoints that have been disabled or deleted since it was born. The queue of an ordered one outlives its being disabled.
func (s *Store) endCanceled(ctx context.Context, res *HousekeepResult) error {
	for _, kind := range []hookswitch.DeliveryKind{hookswitch.DeliverWebhook, hookswitch.DeliverOrdered} {
		if err := s.endCanceledOf(ctx, kind, res); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) endCanceledOf(ctx context.Context, kind hookswitch.DeliveryKind, res *HousekeepResult) error {
	for {
		list, err := scanAll(ctx, &s.Reader, func(row rowScanner) (e ended, err error) {
			var deleted int64
			err = row.Scan(&e.key, &e.upto, &deleted)
			e.deleted = deleted > 0
			return e, err
		}, selectEnded, int64(kind), housekeepChunk)
		if err != nil {
			return err
		}
		before := res.Ended
		for _, e := range list {
			if err := s.chunks(ctx, &res.Ended, func(tx *Tx) (int, error) {
				if e.deleted {
					return tx.cancelAll(kind, e.key, housekeepChunk)
				}
				return tx.CancelPending(kind, e.key, e.upto, housekeepChunk)
			}); err != nil {
				return err
			}
		}
		if len(list) < housekeepChunk || res.Ended == before {
			return nil
		}
	}
}

// cancelAll ends up to limit of what waits for a target that is gone, whoever asked for it, and returns how many.
func (tx *Tx) cancelAll(kind hookswitch.DeliveryKind, target hookswitch.Key, limit int) (int, error) {
	n, err := tx.exec(`UPDATE deliveries SET state = $3, next_at = 0, manual = FALSE, task = 0 WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND subject IN (
		SELECT subject FROM deliveries WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 LIMIT $4)`,
		int64(kind), int64(target), int64(hookswitch.DeliveryCanceled), limit)
	return int(n), err
}

// dropOwed drops the rows of what is older than cutoff, and counts by app what was still owed. What runs at this moment is left for the next time.
func (s *Store) dropOwed(ctx context.Context, cutoff time.Time, canceled map[hookswitch.Key]int) error {
	type row struct {
		app   hookswitch.Key
		state hookswitch.DeliveryState
	}
	for {
		var list []row
		if err := s.Update(ctx, func(tx *Tx) (err error) {
			list, err = scanAll(tx.ctx, &tx.Reader, func(r rowScanner) (v row, err error) {
				err = r.Scan(&v.app, &v.state)
				return v, err
			}, `DELETE FROM deliveries WHERE (subject, target, kind) IN (SELECT subject, target, kind FROM deliveries WHERE subject < $1 AND owner = 0 ORDER BY subject LIMIT $2)
				RETURNING app_id, state`, int64(hookswitch.KeyAt(cutoff)), housekeepChunk)
			return err
		}); err != nil {
			return err
		}
		for _, r := range list {
			if r.state == hookswitch.DeliveryPending {
				canceled[r.app]++
			}
		}
		if len(list) < housekeepChunk {
			return nil
		}
	}
}

// DropReceiptsBefore removes up to limit receipts older than before and returns how many.
func (tx *Tx) DropReceiptsBefore(before time.Time, limit int) (int, error) {
	return tx.dropBefore(`DELETE FROM receipts WHERE id IN (SELECT id FROM receipts WHERE id < $1 ORDER BY id LIMIT $2)`, int64(hookswitch.KeyAt(before)), limit)
}

// DropStraysBefore removes up to limit strays older than before and returns how many.
func (tx *Tx) DropStraysBefore(before time.Time, limit int) (int, error) {
	return tx.dropBefore(`DELETE FROM strays WHERE id IN (SELECT id FROM strays WHERE id < $1 ORDER BY id LIMIT $2)`, int64(hookswitch.KeyAt(before)), limit)
}

// DropCountersBefore removes up to limit counters of hours before the one of before and returns how many.
func (tx *Tx) DropCountersBefore(before time.Time, limit int) (int, error) {
	return tx.dropBefore(`DELETE FROM counters WHERE (endpoint_id, hour, node) IN (SELECT endpoint_id, hour, node FROM counters WHERE hour < $1 ORDER BY hour LIMIT $2)`,
		before.UnixMilli()/time.Hour.Milliseconds(), limit)
}

func (tx *Tx) dropBefore(statement string, bound int64, limit int) (int, error) {
	n, err := tx.exec(statement, bound, limit)
	return int(n), err
}
