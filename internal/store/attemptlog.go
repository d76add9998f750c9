package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
)

// LoggedAttempt is what the log of attempts says of one.
type LoggedAttempt struct {
	Key, App, Event, Endpoint hookswitch.Key
	AppUID, EventUID          string // the callers' names; "": none
	EventType                 string // "": the event is not kept any more
	Number                    int    // which attempt of the event at the endpoint it was, from 1
	OK                        bool
	Code                      int
	Took                      time.Duration
}

// AttemptLog lists the attempts with keys above after and below before, oldest first. Attempts at the organisation's own endpoints are not among them.
func (r *Reader) AttemptLog(ctx context.Context, after, before hookswitch.Key, limit int) ([]LoggedAttempt, error) {
	return scanAll(ctx, r, func(row rowScanner) (a LoggedAttempt, err error) {
		var us int64
		err = row.Scan(&a.Key, &a.App, &a.Event, &a.Endpoint, &a.OK, &a.Code, &us, &a.Number, &a.EventType, &a.EventUID, &a.AppUID)
		a.Took = time.Duration(us) * time.Microsecond
		return a, err
	}, `SELECT a.id, a.app_id, a.event_id, a.endpoint_id, a.ok, a.code, a.total_us,
		(SELECT COUNT(*) FROM attempts b WHERE b.event_id = a.event_id AND b.endpoint_id + 0 = a.endpoint_id AND b.id <= a.id),
		COALESCE(e.type, ''), COALESCE(e.uid, ''), COALESCE(p.uid, '')
		FROM attempts a LEFT JOIN events e ON e.id = a.event_id LEFT JOIN apps p ON p.id = a.app_id
		WHERE a.id > $1 AND a.id < $2 AND a.app_id <> $3 ORDER BY a.id LIMIT $4`,
		int64(after), int64(before), int64(hookswitch.OrganizationApp), limit)
}

// logCursor names the value of meta that says how far the log of attempts has come.
const logCursor = "attempt_log"

// LogCursor is the attempt that the log of attempts has come to. It reports false while no log is kept.
func (r *Reader) LogCursor(ctx context.Context) (hookswitch.Key, bool, error) {
	var value []byte
	err := r.q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, logCursor).Scan(&value)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, false, nil
	case err != nil:
		return 0, false, readErr(err, "cursor")
	case len(value) != 8:
		return 0, false, errors.New("the cursor of the attempt log cannot be read")
	}
	return hookswitch.Key(binary.BigEndian.Uint64(value)), true, nil
}

// SetLogCursor moves the cursor of the log of attempts, or begins a log.
func (tx *Tx) SetLogCursor(at hookswitch.Key) error {
	_, err := tx.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		logCursor, binary.BigEndian.AppendUint64(nil, uint64(at)))
	return err
}

// DropLogCursor ends the log of attempts.
func (tx *Tx) DropLogCursor() error {
	_, err := tx.exec(`DELETE FROM meta WHERE name = $1`, logCursor)
	return err
}
