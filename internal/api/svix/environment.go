package svix

import (
	"net/http"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// exportVersion is the form of what exportEnvironment gives.
const exportVersion = 1

// exportEnvironment gives everything that importEnvironment takes. There are no connectors and settings of the hosted kind here, and clients insist on finding their names.
func (h *Handler) exportEnvironment(w http.ResponseWriter, r *http.Request) error {
	b := []byte(`{"version":` + strconv.Itoa(exportVersion) + `,"createdAt":`)
	b = appendTime(b, h.now())
	b = append(b, `,"settings":null,"connectors":[],"eventTypes":[`...)
	first := true
	err := h.service.EachEventType(r.Context(), func(t *hookswitch.EventType) error {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendEventType(b, t)
		return nil
	})
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, append(b, "]}"...))
}

// environmentIn is what another environment has exported. Its settings are about what this server has not, and are left aside.
type environmentIn struct {
	EventTypes []eventTypeIn `json:"eventTypes"`
	Connectors []struct{}    `json:"connectors"`
}

func (h *Handler) importEnvironment(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[environmentIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	if len(in.Connectors) > 0 {
		return hookswitch.Errorf(hookswitch.Unsupported, "Connectors are not offered by this server. Leave them out to import the rest.")
	}
	var c hookswitch.Checks
	list := make([]hookswitch.EventType, len(in.EventTypes))
	for i := range in.EventTypes {
		list[i], err = in.EventTypes[i].eventType("eventTypes", "["+strconv.Itoa(i)+"]")
		c.Add(err)
	}
	if err := c.Err(); err != nil {
		return err
	}
	if err := h.service.ImportEventTypes(r.Context(), list, idem); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
