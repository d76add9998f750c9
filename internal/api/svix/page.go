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

// page is which part of a list a caller asks for. P is what the rows are in the order of.
type page[P comparable] struct {
	limit     int
	ascending bool // the order shown
	cursor    P    // the row next to the page; zero: none
	backward  bool // the page lies before the cursor
	// write appends a place as iterators have it.
	write func(b []byte, at P) []byte
}

// pageOf reads the page that q asks for. read is the place that an iterator names.
func pageOf[P comparable](q *httpapi.Query, ascending bool, read func(string) (P, bool), write func([]byte, P) []byte) page[P] {
	p := page[P]{limit: q.Int("limit", defaultLimit, 1, maxLimit), ascending: ascending, write: write}
	if it := q.Text("iterator"); it != "" {
		name, backward := strings.CutPrefix(it, "-")
		at, ok := read(name)
		if !ok {
			q.Fail("is not an iterator of this list", "iterator")
		}
		p.cursor, p.backward = at, backward
	}
	return p
}

// pager is the page of a list whose rows are in the order of their keys, which is the order of their ids.
type pager struct {
	page[hookswitch.Key]
	low, high hookswitch.Key // keys outside of them are not listed; 0: no bound
}

// pager reads the page that q asks for, of rows with ids of the kind. Lists in an order that callers may choose say so with orderOf.
func (h *Handler) pager(q *httpapi.Query, kind hookswitch.Kind, ascending bool) *pager {
	return &pager{page: pageOf(q, ascending,
		func(id string) (hookswitch.Key, bool) { return h.ids.Parse(kind, id) },
		func(b []byte, at hookswitch.Key) []byte { return h.ids.Append(b, kind, at) })}
}

// namedPager is the page of a list whose rows are in the order of their names.
type namedPager struct{ page[string] }

// namePager reads the page that q asks for, of rows in the order of their names.
func namePager(q *httpapi.Query, ascending bool) *namedPager {
	return &namedPager{pageOf(q, ascending, func(name string) (string, bool) {
		name = strings.TrimPrefix(name, dashed)
		return name, hookswitch.CheckName(name) == ""
	}, func(b []byte, name string) []byte {
		if strings.HasPrefix(name, "-") {
			b = append(b, dashed...)
		}
		return append(b, name...)
	})}
}

// dashed stands in iterators before a name that begins with the dash by which pages that lie before are known. No name has it.
const dashed = "~"

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
	case !before.IsZero() && before.Before(now):
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

// store is the page as the store reads it: one row more than is shown, to know whether there is more.
func (p *namedPager) store() store.NamePage {
	sp := store.NamePage{Limit: p.limit + 1, Ascending: p.ascending != p.backward}
	if sp.Ascending {
		sp.After = p.cursor
	} else {
		sp.Before = p.cursor
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

// listing is one page of rows, as the store has read it for a page.
type listing[T any, P comparable] struct {
	rows []T
	key  func(T) P                    // what the rows are in the order of
	item func(b []byte, row T) []byte // appends the row as JSON
	// stopped is where the store gave up looking, when a page came out short though there may be more; zero: it did not.
	stopped P
}

// list is a listing in the order of keys.
type list[T any] = listing[T, hookswitch.Key]

// writeList answers with a page of a list in the order of keys.
func writeList[T any](w http.ResponseWriter, p *pager, l list[T]) error {
	return writePage(w, &p.page, l)
}

// writePage answers with a page.
func writePage[T any, P comparable](w http.ResponseWriter, p *page[P], l listing[T, P]) error {
	var none P
	more := len(l.rows) > p.limit
	if more {
		l.rows = l.rows[:p.limit]
	}
	if p.backward {
		slices.Reverse(l.rows)
	}
	var first, last P
	if n := len(l.rows); n > 0 {
		first, last = l.key(l.rows[0]), l.key(l.rows[n-1])
	}
	if !more && l.stopped != none {
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
	if last != none {
		b = append(p.write(append(b, '"'), last), '"')
	} else {
		b = append(b, "null"...)
	}
	if first != none {
		b = append(b, `,"prevIterator":"-`...)
		b = append(p.write(b, first), '"')
	}
	b = append(b, `,"done":`...)
	if more {
		b = append(b, "false}"...)
	} else {
		b = append(b, "true}"...)
	}
	return writeJSON(w, http.StatusOK, b)
}
