package operator

import (
	"encoding/json"
	"net/http"

	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// schemasIn are the schemas that an event type is to have, by version.
type schemasIn struct {
	Schemas json.RawMessage `json:"schemas"`
}

// comparisonsOut is in what they differ from the ones that it has.
type comparisonsOut struct {
	// Breaks says that a receiver which relies on what was may fail.
	Breaks bool            `json:"breaks"`
	Items  []comparisonOut `json:"items"`
}

type comparisonOut struct {
	Version string            `json:"version"`
	Against string            `json:"against"` // itself, as it was, or for a new version the newest before
	Gone    bool              `json:"gone"`
	Breaks  bool              `json:"breaks"`
	Changes []schemaChangeOut `json:"changes"`
}

type schemaChangeOut struct {
	Path     string `json:"path"` // of the member in a payload; empty: the payload itself
	Breaking bool   `json:"breaking"`
	Text     string `json:"text"`
}

func newComparisons(list []service.SchemaComparison) comparisonsOut {
	out := comparisonsOut{Items: make([]comparisonOut, len(list))}
	for i, c := range list {
		one := comparisonOut{Version: c.Version, Against: c.Against, Gone: c.Gone, Breaks: c.Breaks(), Changes: make([]schemaChangeOut, len(c.Changes))}
		for j, change := range c.Changes {
			one.Changes[j] = schemaChangeOut{change.Path, change.Breaking, change.Text}
		}
		out.Breaks = out.Breaks || one.Breaks
		out.Items[i] = one
	}
	return out
}

func (h *handler) checkEventType(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[schemasIn](r)
	if err != nil {
		return err
	}
	schemas := []byte(in.Schemas)
	if string(schemas) == "null" {
		schemas = nil
	}
	list, err := h.service.CheckEventType(r.Context(), r.PathValue("type"), schemas)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newComparisons(list))
}
