package svix

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// cancelMessage ends what is owed of one message to one endpoint. A call of our own: the hosted API ends only what is older than a time.
func (h *Handler) cancelMessage(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	id := h.ids.Format(hookswitch.KindEndpoint, e.Key)
	if err := h.service.CancelDelivery(r.Context(), app.Key, r.PathValue("msg_id"), id, idem); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusAccepted, struct{}{})
}

type cancelMessagesIn struct {
	CreatedBefore *string `json:"createdBefore"`
}

// cancelMessages ends what is owed to an endpoint of messages made before a time, or until now.
func (h *Handler) cancelMessages(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[cancelMessagesIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	before := h.now()
	if in.CreatedBefore != nil {
		at, ok := httpapi.ParseTime(*in.CreatedBefore)
		if !ok {
			return hookswitch.InvalidField("must be a time such as 2025-01-31T12:00:00Z", "createdBefore")
		}
		before = at
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	if err := h.service.CancelDeliveries(r.Context(), app.Key, e, before, idem); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// throttlingOut says whether an endpoint's rate holds deliveries up. The words are a closed set that clients know.
type throttlingOut struct {
	Status         string             `json:"status"`
	ThrottledSince *httpapi.MicroTime `json:"throttledSince"`
}

func (h *Handler) getThrottling(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	since := h.service.Throttled(e)
	out := throttlingOut{Status: "Ok", ThrottledSince: httpapi.Micros(since)}
	if !since.IsZero() {
		out.Status = "RateLimited"
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
