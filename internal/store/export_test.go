package store

import (
	"context"
	"database/sql"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Limits that tests run into.
const (
	MaxQueued     = maxQueued
	StmtLimit     = stmtLimit
	NodeForgotten = nodeForgotten
)

// Exec runs any statement on the writer.
func (s *Store) Exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.Update(ctx, func(tx *Tx) error {
		n, err = tx.exec(query, args...)
		return err
	})
	return n, err
}

// Queued is how many units wait for a commit, those in the background besides.
func (s *Store) Queued() (units, later int) {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return len(s.queue.units), len(s.queue.later)
}

// Int reads one number.
func (s *Store) Int(ctx context.Context, query string, args ...any) (int64, error) {
	var n sql.NullInt64
	err := s.q.QueryRowContext(ctx, query, args...).Scan(&n)
	return n.Int64, err
}

// How targets are packed and buckets numbered.
var (
	PackTargets   = packTargets
	UnpackTargets = unpackTargets
	OnceBucket    = Life.bucket
)

// SealRecord and OpenRecord seal under the store's master key.
func (s *Store) SealRecord(plain []byte, owner string) []byte { return s.box.seal(plain, owner) }

// OpenRecord is the other way.
func (s *Store) OpenRecord(record []byte, owner string) ([]byte, error) {
	return s.box.open(record, owner)
}

// AllDeliveries are all rows of the queue, by subject.
func (s *Store) AllDeliveries(ctx context.Context) (map[hookswitch.Key]Delivery, error) {
	list, err := scanAll(ctx, &s.Reader, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries`)
	rows := make(map[hookswitch.Key]Delivery, len(list))
	for _, d := range list {
		rows[d.Subject] = d
	}
	return rows, err
}

// Pragma sets a pragma of SQLite's writer.
func (s *Store) Pragma(ctx context.Context, pragma string) error {
	var got any
	return s.backend.(*sqlite).conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got)
}

// SealedAnswer is the record of a kept answer as it lies in the database.
func (s *Store) SealedAnswer(ctx context.Context, o Once) (sealed []byte, err error) {
	err = s.q.QueryRowContext(ctx, `SELECT sealed FROM answers WHERE hash = $1`, o.Hash[:]).Scan(&sealed)
	return sealed, err
}

// Queries whose plans matter.
const (
	SelectOptedOut = selectOptedOut
	SelectByPhone  = selectByPhone
	ClaimHeads     = claimHeads
)

// How contacts are indexed.
const (
	IndexStep     = indexStep
	IndexBurst    = indexBurst
	IndexPatience = indexPatience
	SearchIndexes = searchIndexes
)

// IndexDue and IndexSome are what indexes contacts behind their changes.
func (s *Store) IndexDue(ctx context.Context) (bool, error) { return s.indexDue(ctx) }

// IndexSome is one step of it.
func (s *Store) IndexSome(ctx context.Context) (int, error) { return s.indexSome(ctx, 0) }

// Plan tells how the database goes about a query.
func (s *Store) Plan(ctx context.Context, query string, args ...any) (string, error) {
	column, explain := 3, "EXPLAIN QUERY PLAN "
	if s.backend.dialect() != sqliteDialect {
		column, explain = 0, "EXPLAIN "
	}
	lines, err := scanAll(ctx, &s.Reader, func(row rowScanner) (line string, err error) {
		dest := make([]any, column+1)
		for i := range dest[:column] {
			dest[i] = new(int)
		}
		dest[column] = &line
		return line, row.Scan(dest...)
	}, explain+query, args...)
	return strings.Join(lines, "\n"), err
}

// RecordAgain is RecordNow of an outcome whose COMMIT got no answer.
func (s *Store) RecordAgain(ctx context.Context, o *Outcome) error {
	o.doubtful = true
	return s.RecordNow(ctx, o)
}

// InsertAttempt inserts an attempt.
const InsertAttempt = insertAttempt
