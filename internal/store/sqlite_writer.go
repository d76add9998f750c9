package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// writer runs the statements of the one connection that writes, for one goroutine. Those that ask go the usual way; those that write are handed to the driver, with a
// list of arguments that is used again: database/sql makes a new one for each, an eighth of what a server under load throws away.
type writer struct {
	*statements
	conn *sql.Conn
	by   map[string]driver.StmtExecContext
	args []driver.NamedValue
}

func newWriter(conn *sql.Conn) *writer {
	return &writer{statements: cachedStatements(conn), conn: conn, by: make(map[string]driver.StmtExecContext)}
}

// ExecContext runs a statement that writes.
func (w *writer) ExecContext(ctx context.Context, text string, args ...any) (res sql.Result, err error) {
	if len(w.by) >= stmtLimit && w.by[text] == nil {
		return w.conn.ExecContext(ctx, text, cleanArgs(args)...)
	}
	err = w.conn.Raw(func(c any) error {
		st, err := w.prepared(ctx, c, text)
		if err != nil {
			return err
		}
		if err := w.bind(cleanArgs(args)); err != nil {
			return err
		}
		res, err = st.ExecContext(ctx, w.args)
		clear(w.args)
		return err
	})
	return res, err
}

// prepared is the statement for text on c, prepared once.
func (w *writer) prepared(ctx context.Context, c any, text string) (driver.StmtExecContext, error) {
	if st := w.by[text]; st != nil {
		return st, nil
	}
	st, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, bindable(text))
	if err != nil {
		return nil, err
	}
	w.by[text] = st.(driver.StmtExecContext)
	return w.by[text], nil
}

// bind makes args those of the next statement.
func (w *writer) bind(args []any) (err error) {
	w.args = w.args[:0]
	for i, a := range args {
		if !driver.IsValue(a) {
			if a, err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return err
			}
		}
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return nil
}

func (w *writer) close() error {
	errs := []error{w.statements.close()}
	for _, st := range w.by {
		errs = append(errs, w.conn.Raw(func(any) error { return st.(driver.Stmt).Close() }))
	}
	clear(w.by)
	return errors.Join(errs...)
}
