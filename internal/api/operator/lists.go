package operator

import (
	"context"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	defaultLimit = 50
	maxLimit     = 100
)

type listOut[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"nextCursor"`
}

// paging is the part of a list that a request asks for.
type paging struct {
	limit  int
	before hookswitch.Key
}

// page asks the store for one row more than is shown: it tells whether there are others.
func (p paging) page() store.Page { return store.Page{Limit: p.limit + 1, Before: p.before} }

// paging reads limit and cursor. Wrong ones are noted in q.
func (h *handler) paging(q *httpapi.Query, def, most int) paging {
	p := paging{limit: q.Int("limit", def, 1, most)}
	if text := q.Text("cursor"); text != "" {
		key, ok := h.service.IDs().Parse(cursorKind, cursorKind.Prefix()+text)
		if !ok {
			q.Fail("is not the nextCursor of a list", "cursor")
		}
		p.before = key
	}
	return p
}

// cursorKind keeps cursors apart from the ids of what they stand behind. Nothing that is listed is of this kind.
const cursorKind = hookswitch.KindTask

// cut takes the row too many off rows, and is the cursor that leads on from there.
func cut[T any](h *handler, p paging, rows []T, key func(T) hookswitch.Key) ([]T, *string) {
	if len(rows) <= p.limit {
		return rows, nil
	}
	cursor := strings.TrimPrefix(h.id(cursorKind, key(rows[p.limit-1])), cursorKind.Prefix())
	return rows[:p.limit], &cursor
}

// newList shows rows, of which there may be one too many for the page.
func newList[T, U any](h *handler, p paging, rows []T, key func(T) hookswitch.Key, show func(T) U) listOut[U] {
	rows, cursor := cut(h, p, rows, key)
	out := listOut[U]{Items: make([]U, len(rows)), NextCursor: cursor}
	for i, row := range rows {
		out.Items[i] = show(row)
	}
	return out
}

// listOfApp is the handler that lists what the app of the path has.
func listOfApp[T, U any](h *handler, rows func(context.Context, hookswitch.Key, store.Page) ([]T, error), key func(T) hookswitch.Key, show func(T) U) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := httpapi.NewQuery(r)
		p := h.paging(q, defaultLimit, maxLimit)
		if err := q.Err(); err != nil {
			return err
		}
		a, err := h.app(r)
		if err != nil {
			return err
		}
		list, err := rows(r.Context(), a.Key, p.page())
		if err != nil {
			return err
		}
		return httpapi.Encode(w, http.StatusOK, newList(h, p, list, key, show))
	}
}

// removeFromApp is the handler that removes what a parameter of the path names from the path's app.
func (h *handler) removeFromApp(param string, remove func(ctx context.Context, app hookswitch.Key, id string) error) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		a, err := h.app(r)
		if err != nil {
			return err
		}
		if err := remove(r.Context(), a.Key, r.PathValue(param)); err != nil {
			return err
		}
		return httpapi.NoContent(w)
	}
}
