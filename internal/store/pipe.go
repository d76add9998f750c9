package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pipe is the connection of one transaction to PostgreSQL. Statements whose result nobody waits for are kept, and go out with the next one that somebody waits for: on
// a busy database it is the ways there and back that cost, not the statements. It belongs to one goroutine.
type pipe struct {
	conn *pgx.Conn
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
	list, batch := p.batch()
	res := p.conn.SendBatch(ctx, &batch)
	if err := p.answers(res, list[:len(list)-1]); err != nil {
		return last, err
	}
	last, err = list[len(list)-1].answer(res)
	return last, cmp.Or(err, res.Close())
}

// batch empties what is kept into one that is to be sent.
func (p *pipe) batch() (list []kept, batch pgx.Batch) {
	list, p.kept = p.kept, nil
	for _, k := range list {
		batch.Queue(k.text, k.args...)
	}
	return list, batch
}

// answer reads what the statement was answered with.
func (k kept) answer(res pgx.BatchResults) (tag pgconn.CommandTag, err error) {
	if k.check != nil {
		return tag, k.check(res.QueryRow())
	}
	return res.Exec()
}

// answers reads what statements were answered with that nobody waits for. With an error of theirs the answer is over.
func (p *pipe) answers(res pgx.BatchResults, list []kept) error {
	for _, k := range list {
		if _, err := k.answer(res); err != nil {
			p.failed = err
			_ = res.Close() // the first error is the one that counts
			return err
		}
	}
	return nil
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
	if p.conn.IsClosed() || p.conn.PgConn().TxStatus() == 'I' {
		return
	}
	if _, err := p.conn.Exec(ctx, `ROLLBACK`); err != nil {
		_ = p.conn.Close(ctx) // the pool makes another one
	}
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

// QueryContext sends what is kept together with the query, whose rows have to be closed before the next statement.
func (p *pipe) QueryContext(ctx context.Context, text string, args ...any) (rows, error) {
	p.write(text, args...)
	list, batch := p.batch()
	res := p.conn.SendBatch(ctx, &batch)
	if err := p.answers(res, list[:len(list)-1]); err != nil {
		return nil, err
	}
	got, err := res.Query()
	if err != nil {
		_ = res.Close()
		return nil, err
	}
	return pipeRows{got, res}, nil
}

// pipeRows are the rows of a query and the answer that they came with.
type pipeRows struct {
	pgx.Rows
	res pgx.BatchResults
}

// Close ends the answer.
func (r pipeRows) Close() error {
	r.Rows.Close()
	return r.res.Close()
}

// QueryRowContext returns a row that is asked for, together with what is kept, when it is scanned.
func (p *pipe) QueryRowContext(ctx context.Context, text string, args ...any) rowScanner {
	return scanFunc(func(dest ...any) error {
		p.keep(kept{text, args, func(row rowScanner) error { return row.Scan(dest...) }})
		_, err := p.send(ctx)
		return err
	})
}
