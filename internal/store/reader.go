package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Reader runs the statements that read: on the reader pool as a part of Store, inside a transaction as a part of Tx.
type Reader struct {
	q   querier
	d   *dialect
	box *seal
}

func (r *Reader) close() error {
	if c, ok := r.q.(*statements); ok {
		return c.close()
	}
	return nil
}

// cleaned is a querier whose texts are made fit for a TEXT column, so that one with a NUL in it is not found rather than refused.
type cleaned struct{ q driverQuerier }

// driverQuerier is a database or a connection of the standard library.
type driverQuerier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (c cleaned) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	return c.q.ExecContext(ctx, text, cleanArgs(args)...)
}

func (c cleaned) QueryContext(ctx context.Context, text string, args ...any) (rows, error) {
	return c.q.QueryContext(ctx, text, cleanArgs(args)...)
}

func (c cleaned) QueryRowContext(ctx context.Context, text string, args ...any) rowScanner {
	return c.q.QueryRowContext(ctx, text, cleanArgs(args)...)
}

func cleanArgs(args []any) []any {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			if c := clean(v); c != v {
				args[i] = c
			}
		case sql.NullString:
			if c := clean(v.String); c != v.String {
				args[i] = sql.NullString{String: c, Valid: v.Valid}
			}
		}
	}
	return args
}

// preparer is a database or a connection.
type preparer interface {
	driverQuerier
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements is a querier that prepares each text once. It may be used from many goroutines when its preparer may.
type statements struct {
	db preparer
	mu sync.RWMutex
	by map[string]*sql.Stmt
}

func cachedStatements(db preparer) *statements {
	return &statements{db: db, by: make(map[string]*sql.Stmt)}
}

// stmtLimit keeps texts with a varying number of placeholders from filling the cache.
const stmtLimit = 512

// boundLimit is a limit that is bound. SQLite plans a statement anew for each value bound there, which can take longer than running it; an expression it takes as it comes.
var boundLimit = regexp.MustCompile(`LIMIT \$\d+`)

// bindable is text as it is prepared. Parameters that come in the order of their numbers lose these: to SQLite they are names, each of which the driver looks up with each run.
func bindable(text string) string {
	text = boundLimit.ReplaceAllString(text, "${0} + 0")
	for i, name := range numbered.FindAllString(text, -1) {
		if name != "$"+strconv.Itoa(i+1) {
			return text
		}
	}
	return numbered.ReplaceAllLiteralString(text, "?")
}

// stmt is the prepared text, or nil where it has to run unprepared: beyond the limit, and where it cannot be prepared, which running it then
// tells.
func (c *statements) stmt(ctx context.Context, text string) *sql.Stmt {
	c.mu.RLock()
	st, full := c.by[text], len(c.by) >= stmtLimit
	c.mu.RUnlock()
	if st != nil || full {
		return st
	}
	st, err := c.db.PrepareContext(ctx, bindable(text))
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.by[text]; have != nil || c.by == nil {
		_ = st.Close() // another one was faster, or the store is being closed
		return have
	}
	c.by[text] = st
	return st
}

func (c *statements) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	args = cleanArgs(args)
	if st := c.stmt(ctx, text); st != nil {
		return st.ExecContext(ctx, args...)
	}
	return c.db.ExecContext(ctx, text, args...)
}

func (c *statements) QueryContext(ctx context.Context, text string, args ...any) (rows, error) {
	args = cleanArgs(args)
	if st := c.stmt(ctx, text); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return c.db.QueryContext(ctx, text, args...)
}

func (c *statements) QueryRowContext(ctx context.Context, text string, args ...any) rowScanner {
	args = cleanArgs(args)
	if st := c.stmt(ctx, text); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return c.db.QueryRowContext(ctx, text, args...)
}

func (c *statements) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, st := range c.by {
		errs = append(errs, st.Close())
	}
	c.by = nil
	return errors.Join(errs...)
}

// readErr gives an error of a read its kind: NotFound where there was no row, else Unavailable.
func readErr(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return hookswitch.NotFoundf("%s not found", what)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	var known *hookswitch.Error
	if errors.As(err, &known) {
		return err
	}
	return unavailable(err)
}

// scanAll reads all rows of a query with scan.
func scanAll[T any](ctx context.Context, r *Reader, scan func(rowScanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, readErr(err, "row")
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, readErr(err, "row")
		}
		out = append(out, v)
	}
	return out, readErr(rows.Err(), "row")
}

type rowScanner interface{ Scan(dest ...any) error }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// pairsText is a map as stored: JSON, "" for none.
func pairsText(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	b, _ := json.Marshal(m) // a map of texts can be encoded
	return string(b)
}

func textPairs(s string) map[string]string {
	if s == "" {
		return nil
	}
	var m map[string]string
	_ = json.Unmarshal([]byte(s), &m) // written by pairsText
	return m
}

// listText is a list as stored: JSON, NULL for no list.
func listText(list []string) sql.NullString {
	if list == nil {
		return sql.NullString{}
	}
	b, _ := json.Marshal(list) // a list of texts can be encoded
	return sql.NullString{String: string(b), Valid: true}
}

func textList(s sql.NullString) []string {
	if !s.Valid || s.String == "" {
		return nil
	}
	list := []string{}
	_ = json.Unmarshal([]byte(s.String), &list) // written by listText
	return list
}

func nullText(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
