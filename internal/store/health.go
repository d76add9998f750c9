package store

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

// HourCount is how attempts at an endpoint went in one hour.
type HourCount struct {
	Endpoint hookswitch.Key
	Hour     time.Time // its beginning
	OK       int64
	Failed   int64
}

// HourCounts are how attempts at the endpoints of an app went, hour by hour, from the hour of since on. Hours without attempts are left out.
func (r *Reader) HourCounts(ctx context.Context, app hookswitch.Key, since time.Time) ([]HourCount, error) {
	return r.hourCounts(ctx, `SELECT c.endpoint_id, c.hour, SUM(c.ok), SUM(c.failed) FROM endpoints p JOIN counters c ON c.endpoint_id = p.id
		WHERE p.app_id = $1 AND p.deleted_at = 0 AND c.hour >= $2 GROUP BY c.endpoint_id, c.hour ORDER BY c.endpoint_id, c.hour`, int64(app), since.UnixMilli()/time.Hour.Milliseconds())
}

// AllHourCounts is HourCounts over all apps, summed up: Endpoint is 0.
func (r *Reader) AllHourCounts(ctx context.Context, since time.Time) ([]HourCount, error) {
	return r.hourCounts(ctx, `SELECT 0, hour, SUM(ok), SUM(failed) FROM counters WHERE hour >= $1 GROUP BY hour ORDER BY hour`, since.UnixMilli()/time.Hour.Milliseconds())
}

// FailingHourCounts is AllHourCounts of the endpoints whose failure clock runs, or ran when the rules disabled them, from the hour in which it began on.
func (r *Reader) FailingHourCounts(ctx context.Context, since time.Time) ([]HourCount, error) {
	hour := time.Hour.Milliseconds()
	return r.hourCounts(ctx, `SELECT 0, c.hour, SUM(c.ok), SUM(c.failed) FROM endpoints p JOIN counters c ON c.endpoint_id = p.id
		WHERE p.fail_since > 0 AND c.hour >= p.fail_since / `+strconv.FormatInt(hour, 10)+` AND c.hour >= $1 GROUP BY c.hour ORDER BY c.hour`, since.UnixMilli()/hour)
}

func (r *Reader) hourCounts(ctx context.Context, query string, args ...any) ([]HourCount, error) {
	return scanAll(ctx, r, func(row rowScanner) (c HourCount, err error) {
		var hour int64
		err = row.Scan(&c.Endpoint, &hour, &c.OK, &c.Failed)
		c.Hour = time.UnixMilli(hour * time.Hour.Milliseconds()).UTC()
		return c, err
	}, query, args...)
}

// Owed is what an endpoint has still to be sent.
type Owed struct {
	Waiting int       // between attempts or for a place; at most MaxOwed
	Oldest  time.Time // when the oldest event of those was made; zero: nothing waits
	NextAt  time.Time // when the next one is due
}

// MaxOwed is how much that waits is counted for one endpoint: a page says "more than" beyond it.
const MaxOwed = 10_000

// Owed tells what waits for an endpoint of an app.
func (r *Reader) Owed(ctx context.Context, app, endpoint hookswitch.Key) (Owed, error) {
	var o Owed
	var oldest, next sql.NullInt64
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*), MIN(subject), MIN(next_at) FROM (SELECT subject, next_at FROM deliveries
		WHERE kind IN (1, 5) AND target = $1 AND owner = 0 AND state = 0 AND app_id = $2 LIMIT $3) waiting`, int64(endpoint), int64(app), MaxOwed).Scan(&o.Waiting, &oldest, &next)
	if oldest.Valid {
		o.Oldest = hookswitch.Key(oldest.Int64).Time()
	}
	o.NextAt = fromMillis(next.Int64)
	return o, readErr(err, "endpoint")
}

// AnswerTimes are how long the newest attempts at an endpoint of an app took that were answered with success, at most limit of those since the time, unordered.
func (r *Reader) AnswerTimes(ctx context.Context, app, endpoint hookswitch.Key, since time.Time, limit int) ([]time.Duration, error) {
	return scanAll(ctx, r, func(row rowScanner) (d time.Duration, err error) {
		var us int64
		err = row.Scan(&us)
		return time.Duration(us) * time.Microsecond, err
	}, `SELECT total_us FROM (SELECT total_us, ok, app_id FROM attempts WHERE endpoint_id = $1 AND id >= $2 ORDER BY id DESC LIMIT $3) newest WHERE ok AND app_id = $4`,
		int64(endpoint), int64(hookswitch.KeyAt(since)), limit, int64(app))
}

// Activity is the least that tells whether something ever happened at an app.
type Activity struct{ Attempted, Delivered bool }

// Activity reports whether anything was ever tried at the endpoints of an app, and whether anything got through, as far as counters are kept.
func (r *Reader) Activity(ctx context.Context, app hookswitch.Key) (a Activity, err error) {
	const some = `(SELECT COUNT(*) FROM (SELECT 1 AS one FROM endpoints p JOIN counters c ON c.endpoint_id = p.id WHERE p.app_id = $1`
	var attempted, delivered int
	err = r.q.QueryRowContext(ctx, `SELECT `+some+` LIMIT 1) a), `+some+` AND c.ok > 0 LIMIT 1) d)`, int64(app)).Scan(&attempted, &delivered)
	return Activity{attempted > 0, delivered > 0}, readErr(err, "application")
}

// FailingEndpoints are the endpoints of all apps whose failure clock runs, or ran when the rules disabled them, the longest first. Operational ones are left out.
func (r *Reader) FailingEndpoints(ctx context.Context, limit int) ([]*hookswitch.Endpoint, error) {
	return scanAll(ctx, r, r.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE fail_since > 0 AND deleted_at = 0 AND app_id <> $1 ORDER BY fail_since LIMIT $2`,
		int64(hookswitch.OrganizationApp), limit)
}

// CountApps is how many apps there are, all but the organisation's own, at most limit.
func (r *Reader) CountApps(ctx context.Context, limit int) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT id FROM apps WHERE deleted_at = 0 AND id <> $1 LIMIT $2) counted`, int64(hookswitch.OrganizationApp), limit).Scan(&n)
	return n, readErr(err, "application")
}
