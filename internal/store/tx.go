package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/hookswitch/hookswitch"
)

// Tx is one transaction, given to the function of Update. What it reads is what it may build on: another transaction that changes the same
// rows makes this one run again.
type Tx struct {
	Reader
	ctx context.Context
	// failed is the first error of a statement that writes. PostgreSQL ends the transaction then, and so do we on SQLite.
	failed error
	// pipe is the connection on PostgreSQL; nil on SQLite, where no statement is worth waiting with.
	pipe *pipe
	// versions are those of live apps that have been read and not changed since, where one transaction is made of many updates; nil on PostgreSQL.
	versions map[hookswitch.Key]int64
}

// ErrStale says that events were fanned out under an older version of their App. The caller reads the App again and fans out anew.
var ErrStale = errors.New("the app has changed since the events were fanned out")

// DuplicateError says that something was done before, and names what it led to.
type DuplicateError struct{ Ref hookswitch.Key }

func (e *DuplicateError) Error() string { return "it has been done before" }

// exec runs a statement that changes rows and returns how many.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	res, err := tx.q.ExecContext(tx.ctx, query, args...)
	if err != nil {
		if tx.failed == nil {
			tx.failed = err
		}
		return 0, err
	}
	return res.RowsAffected()
}

// write runs a statement that changes rows when it suits: at the latest before the commit, and before anything is read. How many it changes is not told, so it is for rows that
// are new, or that this transaction has read: what it has read and another one has changed meanwhile makes it run again.
func (tx *Tx) write(query string, args ...any) error {
	if tx.pipe == nil {
		_, err := tx.exec(query, args...)
		return err
	}
	tx.pipe.write(query, args...)
	return nil
}

// check runs a query of one row when it suits, as write does. An error of fn ends the transaction.
func (tx *Tx) check(fn func(row rowScanner) error, query string, args ...any) error {
	if tx.pipe == nil {
		return fn(tx.q.QueryRowContext(tx.ctx, query, args...))
	}
	tx.pipe.keep(kept{query, args, fn})
	return nil
}

// execOne runs a statement that must find its row.
func (tx *Tx) execOne(what, query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	if n == 0 {
		return hookswitch.NotFoundf("%s not found", what)
	}
	return nil
}

// unique turns the refusal of a unique index into an error of kind Conflict with the sentence.
func (tx *Tx) unique(err error, sentence string) error {
	if err != nil && tx.d.classify(err) == faultUnique {
		return &hookswitch.Error{Kind: hookswitch.Conflict, Message: sentence, Err: err}
	}
	return err
}

// Context is the transaction's own: it is not cancelled with the caller's.
func (tx *Tx) Context() context.Context { return tx.ctx }

// meta returns the named value, storing fresh first where there is none.
func (tx *Tx) meta(name string, fresh []byte) ([]byte, error) {
	if _, err := tx.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, fresh); err != nil {
		return nil, err
	}
	var value []byte
	err := tx.q.QueryRowContext(tx.ctx, `SELECT value FROM meta WHERE name = $1`, name).Scan(&value)
	return value, err
}

// call runs fn, which has not succeeded when one of its writes failed, and makes a panic an error: a bug in one unit of work must not end the others of its batch.
func call(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	err = fn(tx)
	if tx.pipe != nil && tx.pipe.failed != nil {
		return tx.pipe.failed
	}
	return cmp.Or(err, tx.failed)
}
