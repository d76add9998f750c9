package svix

import (
	"context"
	"net/http"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// endpointIn is the body of POST and PUT. A secret and headers count only when an endpoint is made.
type endpointIn struct {
	URL          string            `json:"url"`
	Description  string            `json:"description"`
	UID          *string           `json:"uid"`
	ThrottleRate *int              `json:"throttleRate"`
	RateLimit    *int              `json:"rateLimit"`
	Disabled     bool              `json:"disabled"`
	EventTypes   []string          `json:"eventTypes"`
	FilterTypes  []string          `json:"filterTypes"`
	Channels     []string          `json:"channels"`
	Version      *int              `json:"version"`
	Metadata     map[string]string `json:"metadata"`
	Secret       *string           `json:"secret"`
	Headers      map[string]string `json:"headers"`
	FIFO         *bool             `json:"fifo"`
}

// apply makes e what in says, all but its secret and headers. What in leaves out is cleared, but for the order: clients that do not know of it must not end it.
func (in *endpointIn) apply(e *hookswitch.Endpoint) error {
	var c hookswitch.Checks
	e.URL, e.Description, e.Disabled, e.Metadata = in.URL, in.Description, in.Disabled, in.Metadata
	e.EventTypes = distinct(in.FilterTypes)
	if !e.Operational() { // what happens to deliveries has no channel
		e.Tags = distinct(in.Channels)
	}
	if in.EventTypes != nil {
		e.EventTypes = distinct(in.EventTypes)
	}
	e.Version = versionOf(&c, in.Version)
	e.UID = uidOf(&c, in.UID)
	e.ThrottleRate = rateOf(&c, in.ThrottleRate, in.RateLimit)
	if in.FIFO != nil {
		e.Ordered = *in.FIFO
	}
	if err := e.Validate(); err != nil {
		c.Add(in.spelled(err))
	}
	return c.Err()
}

// spelled names the filter in err as the caller did.
func (in *endpointIn) spelled(err error) error {
	return spelledFilter(err, in.EventTypes == nil && in.FilterTypes != nil)
}

func (in *endpointPatch) spelled(err error) error {
	return spelledFilter(err, !in.EventTypes.Set && in.FilterTypes.Set)
}

// spelledFilter gives the filter in err its older name, or its newer one.
func spelledFilter(err error, older bool) error {
	if older {
		return renamed(err, "eventTypes", "filterTypes")
	}
	return renamed(err, "filterTypes", "eventTypes")
}

func versionOf(c *hookswitch.Checks, version *int) int {
	if version == nil {
		return 1
	}
	if *version < 1 || *version > 65535 {
		c.Field("must lie between 1 and 65535", "version")
		return 1
	}
	return *version
}

// distinct is list without repetitions; nil stays nil.
func distinct(list []string) []string {
	seen := make(map[string]bool, len(list))
	for i, s := range list {
		if !seen[s] {
			seen[s] = true
			continue
		}
		out := slices.Clone(list[:i])
		for _, s := range list[i:] {
			if !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
		return out
	}
	return list
}

type endpointPatch struct {
	URL          httpapi.Optional[string]            `json:"url"`
	Description  httpapi.Optional[string]            `json:"description"`
	UID          httpapi.Optional[*string]           `json:"uid"`
	ThrottleRate httpapi.Optional[*int]              `json:"throttleRate"`
	RateLimit    httpapi.Optional[*int]              `json:"rateLimit"`
	Disabled     httpapi.Optional[bool]              `json:"disabled"`
	EventTypes   httpapi.Optional[[]string]          `json:"eventTypes"`
	FilterTypes  httpapi.Optional[[]string]          `json:"filterTypes"`
	Channels     httpapi.Optional[[]string]          `json:"channels"`
	Version      httpapi.Optional[*int]              `json:"version"`
	Metadata     httpapi.Optional[map[string]string] `json:"metadata"`
	FIFO         httpapi.Optional[bool]              `json:"fifo"`
}

func (in *endpointPatch) apply(e *hookswitch.Endpoint) error {
	var c hookswitch.Checks
	e.URL = needed(&c, in.URL, e.URL, "url")
	e.Description = in.Description.Or(e.Description)
	e.Disabled = needed(&c, in.Disabled, e.Disabled, "disabled")
	e.Metadata = in.Metadata.Or(e.Metadata)
	e.EventTypes = distinct(in.FilterTypes.Or(e.EventTypes))
	if in.EventTypes.Set {
		e.EventTypes = distinct(in.EventTypes.Value)
	}
	e.Tags = distinct(in.Channels.Or(e.Tags))
	e.Ordered = needed(&c, in.FIFO, e.Ordered, "fifo")
	if in.Version.Set {
		e.Version = versionOf(&c, in.Version.Value)
	}
	if in.UID.Set {
		e.UID = uidOf(&c, in.UID.Value)
	}
	if in.ThrottleRate.Set || in.RateLimit.Set {
		e.ThrottleRate = rateOf(&c, in.ThrottleRate.Value, in.RateLimit.Value)
	}
	if err := e.Validate(); err != nil {
		c.Add(in.spelled(err))
	}
	return c.Err()
}

// endpointCommon is what endpoints and attempted destinations have in common.
type endpointCommon struct {
	ID           string            `json:"id"`
	UID          *string           `json:"uid"`
	URL          string            `json:"url"`
	Description  string            `json:"description"`
	Disabled     bool              `json:"disabled"`
	EventTypes   []string          `json:"eventTypes"`
	FilterTypes  []string          `json:"filterTypes"`
	Channels     []string          `json:"channels"`
	RateLimit    *int              `json:"rateLimit"`
	ThrottleRate *int              `json:"throttleRate"`
	Version      int               `json:"version"`
	FIFO         bool              `json:"fifo"`
	CreatedAt    httpapi.MicroTime `json:"createdAt"`
	UpdatedAt    httpapi.MicroTime `json:"updatedAt"`
}

type endpointOut struct {
	endpointCommon
	Metadata map[string]string `json:"metadata"`
}

func (h *Handler) endpointCommon(e *hookswitch.Endpoint) endpointCommon {
	rate := httpapi.OrNull(e.ThrottleRate)
	return endpointCommon{ID: h.ids.Format(hookswitch.KindEndpoint, e.Key), UID: httpapi.OrNull(e.UID), URL: e.URL, Description: e.Description, Disabled: e.Disabled,
		EventTypes: e.EventTypes, FilterTypes: e.EventTypes, Channels: e.Tags, RateLimit: rate, ThrottleRate: rate, Version: max(1, e.Version), FIFO: e.Ordered,
		CreatedAt: micros(e.CreatedAt), UpdatedAt: micros(e.UpdatedAt)}
}

// operationalEndpointOut is an endpoint without channels and order. Its fields hide those of the same names.
type operationalEndpointOut struct {
	endpointOut
	Channels *struct{} `json:"channels,omitempty"`
	FIFO     *struct{} `json:"fifo,omitempty"`
}

func (h *Handler) endpointOut(e *hookswitch.Endpoint) any {
	out := endpointOut{h.endpointCommon(e), notNull(e.Metadata)}
	if e.Operational() {
		return operationalEndpointOut{endpointOut: out}
	}
	return out
}

// endpoint is the endpoint of the path. The webhooks of senders belong to another API and do not exist here.
func (h *Handler) endpoint(r *http.Request, app *hookswitch.App) (*hookswitch.Endpoint, error) {
	return h.endpointNamed(r.Context(), app.Key, r.PathValue("endpoint_id"))
}

func (h *Handler) endpointNamed(ctx context.Context, app hookswitch.Key, ref string) (*hookswitch.Endpoint, error) {
	e, err := h.service.Endpoint(ctx, app, ref)
	if err == nil && e.Sender != 0 {
		return nil, hookswitch.NotFoundf("endpoint not found")
	}
	return e, err
}

func (h *Handler) listEndpoints(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindEndpoint, orderOf(q, "descending"))
	if err := q.Err(); err != nil {
		return err
	}
	endpoints, err := h.service.Endpoints(r.Context(), app.Key, p.store())
	if err != nil {
		return err
	}
	return writeList(w, p, list[*hookswitch.Endpoint]{rows: endpoints,
		key:  func(e *hookswitch.Endpoint) hookswitch.Key { return e.Key },
		item: func(b []byte, e *hookswitch.Endpoint) []byte { return appendJSON(b, h.endpointOut(e)) },
	})
}

func (h *Handler) createEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[endpointIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	return h.makeEndpoint(w, r, app, in, idem)
}

func (h *Handler) makeEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App, in endpointIn, idem service.Idempotency) error {
	e := hookswitch.Endpoint{App: app.Key, Headers: in.Headers}
	if err := in.apply(&e); err != nil {
		return err
	}
	if err := checkHeaders(e.Headers); err != nil {
		return err
	}
	if in.Secret != nil {
		e.Secrets = []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(*in.Secret)}}
	}
	made, err := h.service.CreateEndpoint(r.Context(), app.Key, e, idem)
	return h.writeEndpoint(w, http.StatusCreated, made, in.spelled(err))
}

func (h *Handler) writeEndpoint(w http.ResponseWriter, status int, e *hookswitch.Endpoint, err error) error {
	if err != nil {
		return err
	}
	return httpapi.Encode(w, status, h.endpointOut(e))
}

func (h *Handler) getEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	e, err := h.endpoint(r, app)
	return h.writeEndpoint(w, http.StatusOK, e, err)
}

// replaceEndpoint changes the endpoint of the path, or creates one where there is none. Its secrets and headers stay.
func (h *Handler) replaceEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[endpointIn](r)
	if err != nil {
		return err
	}
	in.Secret, in.Headers = nil, nil
	change := func() error {
		e, err := h.endpoint(r, app)
		if err != nil {
			return err
		}
		changed, err := h.service.UpdateEndpoint(r.Context(), app.Key, e.Key, in.apply)
		return h.writeEndpoint(w, http.StatusOK, changed, in.spelled(err))
	}
	create := func() error { return h.makeEndpoint(w, r, app, in, service.Idempotency{}) }
	return replace(change, create, h.ours(r.PathValue("endpoint_id"), hookswitch.KindEndpoint))
}

func (h *Handler) changeEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[endpointPatch](r)
	if err != nil {
		return err
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	changed, err := h.service.UpdateEndpoint(r.Context(), app.Key, e.Key, in.apply)
	return h.writeEndpoint(w, http.StatusOK, changed, in.spelled(err))
}

func (h *Handler) deleteEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	if err := h.service.DeleteEndpoint(r.Context(), app.Key, e.Key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
