package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/hookswitch/hookswitch"
)

// AppUsage counts the events that an App made between two times, and, to the hour, the attempts at its endpoints.
func (r *Reader) AppUsage(ctx context.Context, app hookswitch.Key, since, until time.Time) (events, attempts int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM events WHERE app_id = $1 AND id >= $2 AND id < $3`,
		int64(app), int64(hookswitch.KeyAt(since)), int64(hookswitch.KeyAt(until))).Scan(&events)
	if err != nil {
		return 0, 0, readErr(err, "application")
	}
	hour := time.Hour.Milliseconds()
	var n sql.NullInt64
	err = r.q.QueryRowContext(ctx, `SELECT SUM(c.ok + c.failed) FROM endpoints p JOIN counters c ON c.endpoint_id = p.id WHERE p.app_id = $1 AND c.hour >= $2 AND c.hour < $3`,
		int64(app), since.UnixMilli()/hour, (until.UnixMilli()+hour-1)/hour).Scan(&n)
	return events, n.Int64, readErr(err, "application")
}

// Subscription is what one endpoint takes.
type Subscription struct {
	App        hookswitch.Key
	EventTypes []string // nil: all
}

// Subscriptions are what the endpoints of the apps behind after, up to and with last, take, app by app. Webhooks of senders are left out.
func (r *Reader) Subscriptions(ctx context.Context, after, last hookswitch.Key) ([]Subscription, error) {
	return scanAll(ctx, r, func(row rowScanner) (s Subscription, err error) {
		var types sql.NullString
		err = row.Scan(&s.App, &types)
		s.EventTypes = textList(types)
		return s, err
	}, `SELECT app_id, event_types FROM endpoints WHERE app_id > $1 AND app_id <= $2 AND sender_id = 0 AND deleted_at = 0 ORDER BY app_id, id`, int64(after), int64(last))
}
