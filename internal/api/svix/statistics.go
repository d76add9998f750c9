package svix

import (
	"net/http"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// appUsageIn says which applications to count, by ids or uids in either list, and from when to when.
type appUsageIn struct {
	Since   *string  `json:"since"`
	Until   *string  `json:"until"`
	AppIDs  []string `json:"appIds"`
	AppUIDs []string `json:"appUids"`
}

type appUsageOut struct {
	taskCommon
	UnresolvedAppIDs []string `json:"unresolvedAppIds"`
}

func (h *Handler) countUsage(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[appUsageIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	var c hookswitch.Checks
	u := service.AppUsage{Since: timeOf(&c, in.Since, "since"), Until: timeOf(&c, in.Until, "until"), Apps: slices.Concat(in.AppIDs, in.AppUIDs)}
	if err := c.Err(); err != nil {
		return err
	}
	t, unknown, err := h.service.CountUsage(r.Context(), u, idem)
	if err != nil {
		return err
	}
	if unknown == nil {
		unknown = []string{}
	}
	return httpapi.Encode(w, http.StatusAccepted, appUsageOut{h.taskCommon(t), unknown})
}

func (h *Handler) aggregateEventTypes(w http.ResponseWriter, r *http.Request) error {
	t, err := h.service.AggregateEventTypes(r.Context())
	return h.writeStarted(w, t, err)
}
