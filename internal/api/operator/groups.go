package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type groupOut struct {
	ID          string  `json:"id"` // a UUID
	ExternalRef *string `json:"externalRef"`
	Name        *string `json:"name"`
	// Configured is false for a group that a message has named while there were none.
	Configured bool              `json:"configured"`
	CreatedAt  httpapi.MilliTime `json:"createdAt"`
}

func newGroup(g *hookswitch.Group) groupOut {
	return groupOut{ID: g.UUID, ExternalRef: httpapi.OrNull(g.ExternalRef), Name: httpapi.OrNull(g.Name), Configured: g.Configured, CreatedAt: httpapi.MilliTime(g.CreatedAt)}
}

type groupIn struct {
	ID          string `json:"id"`
	ExternalRef string `json:"externalRef"`
	Name        string `json:"name"`
}

func (h *handler) createGroup(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[groupIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	g, err := h.service.CreateGroup(r.Context(), a.Key, hookswitch.Group{UUID: in.ID, ExternalRef: in.ExternalRef, Name: in.Name})
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusCreated, newGroup(g))
}
