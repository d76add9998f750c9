package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// IssueMark is what people have said about an issue: equal failures at one endpoint.
type IssueMark struct {
	Endpoint  hookswitch.Key
	Cause     string
	State     string // open, solved or muted
	Note      string
	ChangedAt time.Time
}

// IssueMarks are what people have said about the issues of an app.
func (r *Reader) IssueMarks(ctx context.Context, app hookswitch.Key) ([]IssueMark, error) {
	return scanAll(ctx, r, func(row rowScanner) (m IssueMark, err error) {
		var changed int64
		err = row.Scan(&m.Endpoint, &m.Cause, &m.State, &m.Note, &changed)
		m.ChangedAt = fromMillis(changed)
		return m, err
	}, `SELECT endpoint_id, cause, state, note, changed_at FROM issues WHERE app_id = $1 ORDER BY changed_at DESC LIMIT 5000`, int64(app))
}

// PutIssueMark stores what is said about an issue of an app.
func (tx *Tx) PutIssueMark(app hookswitch.Key, m *IssueMark) error {
	_, err := tx.exec(`INSERT INTO issues (app_id, endpoint_id, cause, state, note, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (app_id, endpoint_id, cause) DO UPDATE SET state = excluded.state, note = excluded.note, changed_at = excluded.changed_at`,
		int64(app), int64(m.Endpoint), clean(m.Cause), m.State, clean(m.Note), millis(m.ChangedAt))
	return err
}
