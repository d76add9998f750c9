package svix

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// headersOut lists the headers; of sensitive ones only the names.
type headersOut struct {
	Headers   map[string]string `json:"headers"`
	Sensitive []string          `json:"sensitive"`
}

func (h *Handler) getHeaders(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	out := headersOut{Headers: make(map[string]string), Sensitive: []string{}}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if hookswitch.SensitiveHeader(name) {
			out.Sensitive = append(out.Sensitive, name)
		} else {
			out.Headers[name] = e.Headers[name]
		}
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

type headersIn struct {
	Headers map[string]string `json:"headers"`
}

func (h *Handler) replaceHeaders(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[headersIn](r)
	if err != nil {
		return err
	}
	if in.Headers == nil {
		return hookswitch.InvalidField("must be an object with the headers; an empty one removes all", "headers")
	}
	return h.updateHeaders(w, r, app, func(map[string]string) map[string]string { return in.Headers })
}

type headersPatch struct {
	Headers       map[string]*string `json:"headers"`
	DeleteHeaders []string           `json:"deleteHeaders"`
}

func (h *Handler) changeHeaders(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[headersPatch](r)
	if err != nil {
		return err
	}
	return h.updateHeaders(w, r, app, in.merge)
}

// merge is have with the patch applied. Names are the same whatever their case; the newer spelling stays.
func (in *headersPatch) merge(have map[string]string) map[string]string {
	out := maps.Clone(have)
	if out == nil {
		out = make(map[string]string)
	}
	remove := func(name string) {
		maps.DeleteFunc(out, func(k, _ string) bool { return strings.EqualFold(k, name) })
	}
	for _, name := range in.DeleteHeaders {
		remove(name)
	}
	for name, value := range in.Headers {
		remove(name)
		if value != nil {
			out[name] = *value
		}
	}
	return out
}

// maxHeaders is how many headers an endpoint may have.
const maxHeaders = 100

func (h *Handler) updateHeaders(w http.ResponseWriter, r *http.Request, app *hookswitch.App, change func(map[string]string) map[string]string) error {
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	_, err = h.service.UpdateEndpoint(r.Context(), app.Key, e.Key, func(e *hookswitch.Endpoint) error {
		e.Headers = change(e.Headers)
		return checkHeaders(e.Headers)
	})
	if err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// checkHeaders refuses what would be ambiguous on the wire.
func checkHeaders(headers map[string]string) error {
	if len(headers) > maxHeaders {
		return hookswitch.InvalidField("must have at most 100 entries", "headers")
	}
	seen := make(map[string]bool, len(headers))
	for name := range headers {
		lower := strings.ToLower(name)
		if seen[lower] {
			return hookswitch.InvalidField("names the same header twice", "headers", name)
		}
		seen[lower] = true
	}
	return nil
}
