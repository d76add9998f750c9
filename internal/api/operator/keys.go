package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type keyOut struct {
	ID        string            `json:"id"`
	Key       string            `json:"key,omitempty"` // the text, only in the answer that makes it
	Test      bool              `json:"test"`
	Hint      string            `json:"hint"` // the text's last letters
	CreatedAt httpapi.MilliTime `json:"createdAt"`
}

func (h *handler) newKey(k *hookswitch.APIKey) keyOut {
	return keyOut{ID: h.id(hookswitch.KindAPIKey, k.Key), Test: k.Test, Hint: k.Hint, CreatedAt: httpapi.MilliTime(k.CreatedAt)}
}

type keyIn struct {
	Test bool `json:"test"`
}

func (h *handler) listKeys(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	keys, err := h.service.APIKeys(r.Context(), a.Key, p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, keys, func(k *hookswitch.APIKey) hookswitch.Key { return k.Key }, h.newKey))
}

func (h *handler) createKey(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[keyIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	k, text, err := h.service.CreateAPIKey(r.Context(), a.Key, in.Test)
	if err != nil {
		return err
	}
	out := h.newKey(k)
	out.Key = text.Reveal()
	return httpapi.Encode(w, http.StatusCreated, out)
}

func (h *handler) deleteKey(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	if err := h.service.DeleteAPIKey(r.Context(), a.Key, r.PathValue("key")); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
