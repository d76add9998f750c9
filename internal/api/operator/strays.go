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
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Door     string `json:"door"`
	Reason   string `json:"reason"`
	// Body is the push as text, in lists its beginning, BodyBytes the size of all of it. A body that is no text shows as null.
	Body       *string           `json:"body"`
	BodyBytes  int               `json:"bodyBytes"`
	ReceivedAt httpapi.MilliTime `json:"receivedAt"`
}

func (h *handler) newStray(s store.Stray) strayOut {
	out := strayOut{ID: h.id(hookswitch.KindStray, s.Key), Provider: s.Provider, Door: s.Door, Reason: s.Reason, BodyBytes: len(s.Body), ReceivedAt: httpapi.MilliTime(s.Key.Time())}
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

// wholeStrayOut shows all of a push: as text, and in any case as base64.
type wholeStrayOut struct {
	strayOut
	BodyBase64 []byte `json:"bodyBase64"`
}

// stray is the key of the push that the path names.
func (h *handler) stray(r *http.Request) (hookswitch.Key, error) {
	key, ok := h.service.IDs().Parse(hookswitch.KindStray, r.PathValue("stray"))
	if !ok {
		return 0, hookswitch.NotFoundf("stray not found")
	}
	return key, nil
}

func (h *handler) getStray(w http.ResponseWriter, r *http.Request) error {
	key, err := h.stray(r)
	if err != nil {
		return err
	}
	s, err := h.service.Stray(r.Context(), key)
	if err != nil {
		return err
	}
	out := wholeStrayOut{h.newStray(s), s.Body}
	if utf8.Valid(s.Body) {
		text := string(s.Body)
		out.Body = &text
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

func (h *handler) deleteStray(w http.ResponseWriter, r *http.Request) error {
	key, err := h.stray(r)
	if err != nil {
		return err
	}
	if err := h.service.DeleteStray(r.Context(), key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
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
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(s store.Stray) hookswitch.Key { return s.Key }, h.newStray))
}
