package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pipe is the connection of one transaction to PostgreSQL. Statements whose result nobody waits for are kept, and go out with the next one that somebody waits for: on
// a busy database it is the ways there and back that cost, not the statements. It belongs to one goroutine.
type pipe struct {
	conn *sql.Conn
	kept []kept
	// failed is the error of a kept statement: whoever waits for the next one is told of it too, but it is not theirs to explain.
	failed error
}

// kept is a statement that is still to be sent.
type kept struct {
	text  string
	args  []any
	check func(row rowScanner) error // of the one row that it answers with; nil: it answers with none
}

// write keeps a statement.
func (p *pipe) write(text string, args ...any) { p.keep(kept{text: text, args: args}) }

func (p *pipe) keep(k kept) {
	k.args = cleanArgs(k.args)
	p.kept = append(p.kept, k)
}

// flush sends what is kept and waits for it.
func (p *pipe) flush(ctx context.Context) error {
	if len(p.kept) == 0 {
		return nil
	}
	_, err := p.send(ctx)
	p.failed = err
	return err
}

// send sends what is kept, of which somebody waits for the last statement, and returns what that one answered.
func (p *pipe) send(ctx context.Context) (last pgconn.CommandTag, err error) {
	var batch pgx.Batch
	for _, k := range p.kept {
		batch.Queue(k.text, k.args...)
	}
	list := p.kept
	p.kept = nil
	err = p.raw(func(conn *pgx.Conn) error {
		res := conn.SendBatch(ctx, &batch)
		for i, k := range list {
			var tag pgconn.CommandTag
			var err error
			if k.check != nil {
				err = k.check(res.QueryRow())
			} else {
				tag, err = res.Exec()
			}
			if err != nil {
				if i < len(list)-1 {
					p.failed = err
				}
				_ = res.Close() // the first error is the one that counts
				return err
			}
			last = tag
		}
		return res.Close()
	})
	return last, err
}

// raw gives fn the driver's own connection.
func (p *pipe) raw(fn func(*pgx.Conn) error) error {
	return p.conn.Raw(func(driverConn any) error { return fn(driverConn.(*stdlib.Conn).Conn()) })
}

// commit ends the transaction, and sends what is still kept with the COMMIT.
func (p *pipe) commit(ctx context.Context) error {
	if slices.ContainsFunc(p.kept, func(k kept) bool { return k.check != nil }) {
		if err := p.flush(ctx); err != nil {
			return err // a check that fails would not keep the COMMIT behind it from being done
		}
	}
	p.write(`COMMIT`)
	tag, err := p.send(ctx)
	switch {
	case err != nil && lost(err):
		return fmt.Errorf("%w: %w", errUnknown, err)
	case err == nil && tag.String() != "COMMIT":
		return pgx.ErrTxCommitRollback
	}
	return err
}

// rollBack ends a transaction that has failed. A connection that cannot be brought out of it is of no use any more.
func (p *pipe) rollBack(ctx context.Context) {
	p.kept = nil
	_ = p.conn.Raw(func(driverConn any) error {
		conn := driverConn.(*stdlib.Conn).Conn()
		if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
			return nil
		}
		if _, err := conn.Exec(ctx, `ROLLBACK`); err != nil {
			return errors.Join(conn.Close(ctx), err)
		}
		return nil
	})
}

// ExecContext sends what is kept together with the statement.
func (p *pipe) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	p.write(text, args...)
	tag, err := p.send(ctx)
	return result(tag.RowsAffected()), err
}

// result is how many rows a statement changed.
type result int64

// LastInsertId is not known to PostgreSQL.
func (r result) LastInsertId() (int64, error) { return 0, errors.ErrUnsupported }

// RowsAffected is how many rows were changed.
func (r result) RowsAffected() (int64, error) { return int64(r), nil }

// QueryContext sends what is kept, and then the query.
func (p *pipe) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, text, cleanArgs(args)...)
}

// QueryRowContext sends what is kept, and then the query.
func (p *pipe) QueryRowContext(ctx context.Context, text string, args ...any) rowScanner {
	if err := p.flush(ctx); err != nil {
		return noRow{err}
	}
	return p.conn.QueryRowContext(ctx, text, cleanArgs(args)...)
}

// noRow is the row of a query that could not be asked.
type noRow struct{ err error }

// Scan returns why.
func (r noRow) Scan(...any) error { return r.err }
