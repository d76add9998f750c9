package operator

import (
	"net/http"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Pushes can be large: a page has fewer of them than other lists, and shows only the beginning of each.
const (
	maxStrays    = 20
	maxStrayBody = 16 << 10
)

type strayOut struct {
	Provider string `json:"provider"`
	Door     string `json:"door"`
	Reason   string `json:"reason"`
	// Body is the beginning of the push as text, BodyBytes the size of all of it. A body that is no text shows as null.
	Body       *string           `json:"body"`
	BodyBytes  int               `json:"bodyBytes"`
	ReceivedAt httpapi.MilliTime `json:"receivedAt"`
}

func newStray(s store.Stray) strayOut {
	out := strayOut{Provider: s.Provider, Door: s.Door, Reason: s.Reason, BodyBytes: len(s.Body), ReceivedAt: httpapi.MilliTime(s.Key.Time())}
	b := s.Body
	if len(b) > maxStrayBody {
		b = b[:maxStrayBody]
		for len(b) > maxStrayBody-utf8.UTFMax && !utf8.Valid(b) { // the cut may have gone through a letter
			b = b[:len(b)-1]
		}
	}
	if utf8.Valid(b) {
		text := string(b)
		out.Body = &text
	}
	return out
}

func (h *handler) listStrays(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, maxStrays, maxStrays)
	if err := q.Err(); err != nil {
		return err
	}
	list, err := h.strays(r.Context(), p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(s store.Stray) hookswitch.Key { return s.Key }, newStray))
}
