package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
)

// Size is how much the database takes, in bytes.
type Size struct {
	Data int64
	// Log is what is still to be copied into the database: on SQLite the length of the write-ahead log, on PostgreSQL what was written since the last checkpoint. -1: not known.
	Log int64
	// LogMost is the length of Log from which on something holds it up; 0: there is none.
	LogMost int64
	// Dead are rows of the queue that were deleted and lie there still, on PostgreSQL, as far as it knows; -1: not known.
	Dead int64
}

// Size tells how much the database takes.
func (s *Store) Size(ctx context.Context) (Size, error) {
	z, err := s.backend.size(ctx)
	return z, readErr(err, "database")
}

func (s *sqlite) size(context.Context) (Size, error) {
	z := Size{LogMost: 4 * restartPages * pageSize, Dead: -1}
	for path, n := range map[string]*int64{s.path: &z.Data, s.path + "-wal": &z.Log} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return z, err
		}
		*n = info.Size()
	}
	return z, nil
}

func (p *postgres) size(ctx context.Context) (Size, error) {
	z := Size{Log: -1, Dead: -1}
	if err := p.db.QueryRowContext(ctx, `SELECT pg_database_size(current_database())`).Scan(&z.Data); err != nil {
		return z, err
	}
	// What follows is not there in every database that speaks the protocol, nor permitted to every role.
	var n sql.NullInt64
	if err := p.db.QueryRowContext(ctx, `SELECT CAST(pg_current_wal_lsn() - redo_lsn AS BIGINT) FROM pg_control_checkpoint()`).Scan(&n); err == nil && n.Valid {
		z.Log = n.Int64
	}
	if err := p.db.QueryRowContext(ctx, `SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = CAST('deliveries' AS regclass)`).Scan(&n); err == nil && n.Valid {
		z.Dead = n.Int64
	}
	return z, nil
}
