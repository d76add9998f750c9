package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/hookswitch/hookswitch"
)

// TargetBacklog is what waits for one target.
type TargetBacklog struct {
	Kind    hookswitch.DeliveryKind
	Target  hookswitch.Key
	App     hookswitch.Key
	Waiting int       // at most MaxOwed
	Due     int       // of those
	Oldest  time.Time // when the first of them fell due; zero: none is
}

// TargetBacklogs tells what waits for each target, target by target in no order, as many as there is time for. stopped says that there was not enough for all.
func (s *Store) TargetBacklogs(ctx context.Context, now time.Time, within time.Duration) (list []TargetBacklog, stopped bool, err error) {
	start := time.Now()
	for _, kind := range []hookswitch.DeliveryKind{hookswitch.DeliverWebhook, hookswitch.DeliverOrdered, hookswitch.DeliverMessage, hookswitch.DeliverRespond, hookswitch.DeliverTask} {
		for after := hookswitch.Key(0); ; {
			targets, err := scanAll(ctx, &s.Reader, func(row rowScanner) (w waitingTarget, err error) {
				err = row.Scan(&w.target, &w.nextAt)
				return w, err
			}, walkTargets, int64(kind), int64(after), walkStep)
			if err != nil {
				return nil, false, err
			}
			for _, w := range targets {
				if time.Since(start) > within {
					return list, true, nil
				}
				d := TargetBacklog{Kind: kind, Target: hookswitch.Key(w.target)}
				var app, oldest sql.NullInt64
				if err := s.q.QueryRowContext(ctx, `SELECT MAX(app_id), COUNT(*), COALESCE(SUM(CASE WHEN next_at <= $3 THEN 1 ELSE 0 END), 0), MIN(CASE WHEN next_at <= $3 THEN next_at END)
					FROM (SELECT app_id, next_at FROM deliveries WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 ORDER BY next_at LIMIT $4) waiting`,
					int64(kind), w.target, now.UnixMilli(), MaxOwed).Scan(&app, &d.Waiting, &d.Due, &oldest); err != nil {
					return nil, false, readErr(err, "delivery")
				}
				if d.App, d.Oldest = hookswitch.Key(app.Int64), fromMillis(oldest.Int64); d.Waiting > 0 {
					list = append(list, d)
				}
				after = d.Target
			}
			if len(targets) < walkStep {
				break
			}
		}
	}
	return list, false, nil
}

// Busy is how often an endpoint was tried.
type Busy struct {
	App, Endpoint hookswitch.Key
	OK, Failed    int64
}

// Busiest are the endpoints that were tried most often from the hour of since on, the busiest first.
func (r *Reader) Busiest(ctx context.Context, since time.Time, limit int) ([]Busy, error) {
	return scanAll(ctx, r, func(row rowScanner) (b Busy, err error) {
		err = row.Scan(&b.Endpoint, &b.App, &b.OK, &b.Failed)
		return b, err
	}, `SELECT p.id, p.app_id, c.ok, c.failed FROM (SELECT endpoint_id, SUM(ok) AS ok, SUM(failed) AS failed FROM counters WHERE hour >= $1 GROUP BY endpoint_id ORDER BY SUM(ok) + SUM(failed) DESC LIMIT $2) c
		JOIN endpoints p ON p.id = c.endpoint_id WHERE p.deleted_at = 0 AND p.app_id <> $3 ORDER BY c.ok + c.failed DESC`,
		since.UnixMilli()/time.Hour.Milliseconds(), limit, int64(hookswitch.OrganizationApp))
}
