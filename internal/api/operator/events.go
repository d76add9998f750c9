package operator

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// foundEventOut is an event that a filter found, without its payload, and what has become of it.
type foundEventOut struct {
	ID        string             `json:"id"`
	UID       *string            `json:"uid"`
	Type      string             `json:"type"`
	Tags      []string           `json:"tags"`
	At        httpapi.MilliTime  `json:"at"`
	Attempts  int                `json:"attempts"`
	LastCode  *int               `json:"lastCode"`  // that the last attempt was answered with; null: none
	Delivered int                `json:"delivered"` // endpoints that have it
	Waiting   int                `json:"waiting"`   // that it will be sent to
	Failed    int                `json:"failed"`    // that it is not sent to any more
	Held      int                `json:"held"`      // that were disabled when it was made
	NextAt    *httpapi.MilliTime `json:"nextAt"`    // when the next attempt is made; null: none is known
}

func (h *handler) newFoundEvent(f service.FoundEvent) foundEventOut {
	out := foundEventOut{ID: h.id(hookswitch.KindEvent, f.Key), UID: httpapi.OrNull(f.UID), Type: f.Type, Tags: f.Tags, At: httpapi.MilliTime(f.CreatedAt()),
		Attempts: f.Tries, Delivered: f.Delivered, Waiting: f.Waiting, Failed: f.Failed, Held: f.Held, NextAt: httpapi.Millis(f.Next)}
	if out.Tags == nil {
		out.Tags = []string{}
	}
	if f.Last != nil && f.Last.Code != 0 {
		out.LastCode = &f.Last.Code
	}
	return out
}

// findEvents lists the events that a filter lets through. It looks for no longer than a moment: then the list is short, and goes on at its cursor.
func (h *handler) findEvents(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	query, problems := h.service.ParseFilter(q.Text("q"))
	for _, wrong := range problems {
		text := strings.TrimSuffix(wrong.Text, ".")
		if wrong.Term != (filter.Term{}) {
			text = wrong.Term.String() + ": " + text
		}
		q.Fail("is not understood: "+text, "q")
	}
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	list, stopped, _, err := h.service.FindEvents(r.Context(), a.Key, query, p.page())
	if err != nil {
		return err
	}
	out := newList(h, p, list, func(f service.FoundEvent) hookswitch.Key { return f.Key }, h.newFoundEvent)
	if out.NextCursor == nil && stopped != 0 {
		cursor := strings.TrimPrefix(h.id(cursorKind, stopped), cursorKind.Prefix())
		out.NextCursor = &cursor
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
