package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

// A list with a filter that no index serves walks over the rows of one that is there. It gives up after so many rows or so long, and says where: its caller
// goes on behind that key. So a list takes about the same time whatever there is to find, and however much lies between.
const (
	walkRows = 10_000
	walkTime = 15 * time.Millisecond
	stepRows = 500
)

// steps is the key of the row at which a step over p ends, or 0 when the rows of p end before that.
type steps func(p Page) (hookswitch.Key, error)

// walk reads a page step by step. read gives the rows of a part of p that the filter lets through. stopped is where the walk gave up when there may be more
// behind it, else 0.
func walk[T any](p Page, next steps, read func(p Page) ([]T, error)) (list []T, stopped hookswitch.Key, err error) {
	start := time.Now()
	for looked := stepRows; ; looked += stepRows {
		end, err := next(p)
		if err != nil {
			return nil, 0, err
		}
		part := p
		part.Limit -= len(list)
		switch {
		case end == 0:
		case p.Ascending:
			part.Before = end + 1
		default:
			part.After = end - 1
		}
		rows, err := read(part)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, rows...)
		switch {
		case len(list) >= p.Limit || end == 0:
			return list, 0, nil
		case looked >= walkRows || time.Since(start) > walkTime:
			return list, end, nil
		case p.Ascending:
			p.After = end
		default:
			p.Before = end
		}
	}
}

// nth is a step of a walk over the rows that query selects the keys of.
func (r *Reader) nth(ctx context.Context, query, column string, p Page, args []any) (hookswitch.Key, error) {
	p.Limit = 1
	query += p.clause(column, &args) + " OFFSET " + strconv.Itoa(stepRows-1)
	var key hookswitch.Key
	err := r.q.QueryRowContext(ctx, query, args...).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return key, readErr(err, "row")
}
