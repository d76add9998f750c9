package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type checkOut struct {
	Name     string  `json:"name"`
	State    string  `json:"state"` // fine, look or bad
	Sentence string  `json:"sentence"`
	Advice   *string `json:"advice"` // null: there is nothing to do
}

type checkupOut struct {
	Items []checkOut `json:"items"`
}

func (h *handler) checkup(w http.ResponseWriter, r *http.Request) error {
	around := service.Surroundings{Version: h.version}
	for _, s := range h.settings {
		if s.Name == "allow-networks" {
			around.Networks = s.Value
		}
	}
	if h.disk != nil {
		if free, all, err := h.disk(); err == nil {
			around.DiskFree, around.DiskAll = free, all
		}
	}
	checks, err := h.service.Checkup(r.Context(), around)
	if err != nil {
		return err
	}
	out := checkupOut{Items: make([]checkOut, len(checks))}
	for i, c := range checks {
		out.Items[i] = checkOut{c.Name, string(c.State), c.Sentence, httpapi.OrNull(c.Advice)}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
