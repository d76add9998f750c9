package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// dialect is what differs between the databases. Everything else is one body of SQL.
type dialect struct {
	name string
	// words are substituted in migrations.
	words map[string]string
	// skipLocked ends a SELECT that passes over the rows that another transaction is changing.
	skipLocked string
	// forUpdate ends a SELECT whose rows no other transaction may change until this one has ended.
	forUpdate string
	// holds is true where a column of bytes holds others; the first %s is the column, the second what is looked for.
	holds string
	// finds is true where a column of bytes holds a text, of which big and small letters of ASCII are alike.
	finds finder
	// findsBytes is finds for columns whose bytes are no text, and notText says of an error that finds met some; nil: it takes any bytes.
	findsBytes finder
	notText    func(error) bool
	// claimMany claims of many targets in one statement, where other nodes claim too; nil: there are none, and each target is claimed alone.
	claimMany func(ctx context.Context, s *Store, out *Claimed, req ClaimRequest, due []share) error
	// lag is how long after it was made a key may still be committed.
	lag time.Duration
	// oldest is how long ago the oldest transaction of any node began; nil: there is one node.
	oldest func(ctx context.Context, q querier) time.Duration
	goose  string
	// classify sorts an error of the driver.
	classify func(error) fault
}

// finder writes a condition that a column holds a text; bind makes a placeholder of a value.
type finder func(column, text string, bind func(any) string) string

// fault is what an error of a driver means for the caller.
type fault uint8

const (
	faultStatement fault = iota // this statement or its values are at fault
	faultUnique                 // a unique index refused the row
	faultRetry                  // a conflict with another transaction: the same again may succeed
	faultAway                   // the database cannot be reached, is full or shutting down
	faultFatal                  // the storage cannot be trusted any more: the process has to end
)

// schema returns the migration text with the dialect's words in it.
func (d *dialect) schema(text string) string {
	for word, with := range d.words {
		text = strings.ReplaceAll(text, "{{"+word+"}}", with)
	}
	return text
}

// querier is what runs statements: the reader pool, the writer connection or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) rowScanner
}

// rows are what a query answers with, like those of the standard library.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}
