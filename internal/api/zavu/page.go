package zavu

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// The number of rows on a page.
const (
	defaultLimit = 50
	maxLimit     = 100
)

// pager is which part of a list a caller asks for. Lists are in the order of their rows' keys, so a cursor stays where it is whatever is added.
type pager struct {
	h         *handler
	limit     int
	ascending bool
	at        hookswitch.Key // the row before the page; 0: the page is the first
}

// newestFirst reads limit and cursor for a list that begins with what was made last. Wrong ones are noted in q.
func (h *handler) newestFirst(q *httpapi.Query) pager { return h.pager(q, false) }

// oldestFirst reads limit and cursor for a list in the order in which its rows were made. Wrong ones are noted in q.
func (h *handler) oldestFirst(q *httpapi.Query) pager { return h.pager(q, true) }

func (h *handler) pager(q *httpapi.Query, ascending bool) pager {
	p := pager{h: h, limit: h.limitOf(q), ascending: ascending}
	if text := q.Text("cursor"); text != "" {
		key, ok := h.ids.Parse(cursorKind, cursorKind.Prefix()+text)
		if !ok {
			q.Fail("is not the nextCursor of a list", "cursor")
		}
		p.at = key
	}
	return p
}

// limitOf reads how many rows a page has. A wrong number is noted in q.
func (h *handler) limitOf(q *httpapi.Query) int {
	text := q.Text("limit")
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		q.Fail("must be a whole number between 1 and "+strconv.Itoa(maxLimit), "limit")
	}
	return n
}

// cursorKind keeps cursors apart from the ids of what they stand behind. Nothing that is listed is of this kind.
const cursorKind = hookswitch.KindTask

// page is the page as the store reads it: one row more than is shown, to know whether there is more.
func (p pager) page() store.Page {
	sp := store.Page{Limit: p.limit + 1, Ascending: p.ascending}
	if p.ascending {
		sp.After = p.at
	} else {
		sp.Before = p.at
	}
	return sp
}

type listOut[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"nextCursor"`
}

// writeList answers with the rows that the store has read for the page. key is a row's key, show its wire form.
func writeList[T, U any](w http.ResponseWriter, p pager, rows []T, key func(T) hookswitch.Key, show func(T) U) error {
	var next hookswitch.Key
	if len(rows) > p.limit {
		rows = rows[:p.limit]
		next = key(rows[p.limit-1])
	}
	return httpapi.Encode(w, http.StatusOK, newList(rows, p.cursor(next), show))
}

// newList shows rows. next leads on from them; nil: they are the last.
func newList[T, U any](rows []T, next *string, show func(T) U) listOut[U] {
	out := listOut[U]{Items: make([]U, len(rows)), NextCursor: next}
	for i, row := range rows {
		out.Items[i] = show(row)
	}
	return out
}

// cursor names the row that the next page begins behind; nil for none.
func (p pager) cursor(at hookswitch.Key) *string {
	if at == 0 {
		return nil
	}
	text := strings.TrimPrefix(p.h.id(cursorKind, at), cursorKind.Prefix())
	return &text
}

// searchCursor is the cursor of a list of what was searched for.
func searchCursor(at *store.Found) *string {
	if at == nil {
		return nil
	}
	b, _ := json.Marshal([]any{at.Range, at.Term, strconv.FormatInt(int64(at.Contact), 36)}) // numbers and texts can be encoded
	text := base64.RawURLEncoding.EncodeToString(b)
	return &text
}

// searchPage reads limit and cursor for a list of what is searched for. Wrong ones are noted in q.
func (h *handler) searchPage(q *httpapi.Query) (after store.Found, limit int) {
	text := q.Text("cursor")
	limit = h.limitOf(q)
	if text == "" {
		return after, limit
	}
	var parts []json.RawMessage
	var key string
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &parts)
	}
	if err != nil || len(parts) != 3 || json.Unmarshal(parts[0], &after.Range) != nil || json.Unmarshal(parts[1], &after.Term) != nil || json.Unmarshal(parts[2], &key) != nil {
		q.Fail("is not the nextCursor of a list", "cursor")
		return after, limit
	}
	n, err := strconv.ParseInt(key, 36, 64)
	if err != nil || after.Range < 0 || after.Range > 1 {
		q.Fail("is not the nextCursor of a list", "cursor")
	}
	after.Contact = hookswitch.Key(n)
	return after, limit
}
