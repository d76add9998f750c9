package svix

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// The number of rows on a page.
const (
	defaultLimit = 50
	maxLimit     = 250
)

// pager is which page of a list a caller asks for. Rows are in the order of their keys, which is the order of their ids.
type pager struct {
	ids       *hookswitch.IDs
	kind      hookswitch.Kind // of the ids that iterators are made of
	limit     int
	ascending bool           // the order shown
	cursor    hookswitch.Key // the row next to the page; 0: none
	backward  bool           // the page lies before the cursor
	low, high hookswitch.Key // keys outside of them are not listed; 0: no bound
}

// pager reads the page that q asks for. Lists in an order that callers may choose say so with orderOf.
func (h *Handler) pager(q *httpapi.Query, kind hookswitch.Kind, ascending bool) *pager {
	p := &pager{ids: h.ids, kind: kind, ascending: ascending, limit: q.Int("limit", defaultLimit, 1, maxLimit)}
	if it := q.Text("iterator"); it != "" {
		id, backward := strings.CutPrefix(it, "-")
		key, ok := h.ids.Parse(kind, id)
		if !ok {
			q.Fail("is not an iterator of this list", "iterator")
		}
		p.cursor, p.backward = key, backward
	}
	return p
}

// orderOf reads which order the caller wants.
func orderOf(q *httpapi.Query, def string) (ascending bool) {
	return q.OneOf("order", def, "ascending", "descending") == "ascending"
}

// window is how far lists of messages and attempts look back.
const window = 90 * 24 * time.Hour

// within bounds the page by the times before and after of q. after alone gives the oldest rows since then.
func (p *pager) within(q *httpapi.Query, now time.Time) {
	before, after := q.Time("before"), q.Time("after")
	if p.cursor == 0 && before.IsZero() && !after.IsZero() {
		p.backward = true
	}
	if !before.IsZero() {
		p.high = keyAt(before)
	}
	if !after.IsZero() {
		p.low = keyAt(after) - 1
	}
	if p.backward {
		return
	}
	start := now
	switch {
	case p.cursor != 0:
		start = p.cursor.Time()
	case !before.IsZero():
		start = before
	}
	if far := keyAt(start.Add(-window)) - 1; p.low == 0 || far > p.low {
		p.low = far
	}
}

// keyAt is hookswitch.KeyAt for any time, also for those that keys cannot express. It is never 0, which would mean no bound.
func keyAt(t time.Time) hookswitch.Key {
	switch y := t.Year(); {
	case y < 2024:
		return -1
	case y > 2090:
		return math.MaxInt64
	}
	return max(1, hookswitch.KeyAt(t))
}

// store is the page as the store reads it: one row more than is shown, to know whether there is more.
func (p *pager) store() store.Page {
	sp := store.Page{Limit: p.limit + 1, Before: p.high, After: p.low, Ascending: p.ascending != p.backward}
	switch {
	case p.cursor == 0:
	case sp.Ascending:
		sp.After = p.cursor
		if p.low > p.cursor {
			sp.After = p.low
		}
	default:
		sp.Before = p.cursor
		if p.high != 0 && p.high < p.cursor {
			sp.Before = p.high
		}
	}
	return sp
}

// slice is the page of rows that are all in memory, in ascending order of their keys.
func slice[T any](p *pager, rows []T, key func(T) hookswitch.Key) []T {
	sp := p.store()
	var out []T
	if !sp.Ascending {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	for _, row := range rows {
		if k := key(row); (sp.Before == 0 || k < sp.Before) && (sp.After == 0 || k > sp.After) && len(out) < sp.Limit {
			out = append(out, row)
		}
	}
	return out
}

// list is one page of rows, as the store has read it for p.
type list[T any] struct {
	rows []T
	key  func(T) hookswitch.Key
	item func(b []byte, row T) []byte // appends the row as JSON
	// stopped is where the store gave up looking, when a page came out short though there may be more; 0: it did not.
	stopped hookswitch.Key
}

// writeList answers with a page.
func writeList[T any](w http.ResponseWriter, p *pager, l list[T]) error {
	more := len(l.rows) > p.limit
	if more {
		l.rows = l.rows[:p.limit]
	}
	if p.backward {
		slices.Reverse(l.rows)
	}
	var first, last hookswitch.Key
	if n := len(l.rows); n > 0 {
		first, last = l.key(l.rows[0]), l.key(l.rows[n-1])
	}
	if !more && l.stopped != 0 {
		if more = true; p.backward {
			first = l.stopped
		} else {
			last = l.stopped
		}
	}
	b := append(make([]byte, 0, 512*(len(l.rows)+1)), `{"data":[`...)
	for i, row := range l.rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = l.item(b, row)
	}
	b = append(b, `],"iterator":`...)
	if last != 0 {
		b = append(p.ids.Append(append(b, '"'), p.kind, last), '"')
	} else {
		b = append(b, "null"...)
	}
	if first != 0 {
		b = append(b, `,"prevIterator":"-`...)
		b = append(p.ids.Append(b, p.kind, first), '"')
	}
	b = append(b, `,"done":`...)
	if more {
		b = append(b, "false}"...)
	} else {
		b = append(b, "true}"...)
	}
	return writeJSON(w, http.StatusOK, b)
}
