package svix

import (
	"net/http"

	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// operational answers with what f does for the organisation's own App: its endpoints are the operational ones.
func (h *Handler) operational(f appHandler) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		app, err := h.service.Organization(r.Context())
		if err != nil {
			return err
		}
		return f(w, r, app)
	}
}
