package svix

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type healthPart struct {
	Status string `json:"status"`
}

type healthOut struct {
	Database healthPart `json:"database"`
	Queue    healthPart `json:"queue"`
	Cache    healthPart `json:"cache"`
}

// health answers 200 while the store takes work. The queue and the cache are parts of this process: they are well when it answers. The client libraries
// expect no body, and that of Kotlin fails on one: they get 204, as from the hosted API.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.Ready(r.Context()); err != nil {
		return err
	}
	if libraryAtLeast(r, 0, 0) {
		return httpapi.NoContent(w)
	}
	ok := healthPart{"ok"}
	return httpapi.Encode(w, http.StatusOK, healthOut{ok, ok, ok})
}

func (h *Handler) ping(w http.ResponseWriter, _ *http.Request) error { return httpapi.NoContent(w) }

// describe answers with the description of this API.
func describe(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, hookswitch.OpenAPI)
}
