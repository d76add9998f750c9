package svix

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// eventTypeIn is the body of POST and PUT. Schemas keep their bytes. A feature flag in its old, single spelling counts where the list is left out.
type eventTypeIn struct {
	Name         string          `json:"name"`
	Description  *string         `json:"description"`
	Archived     bool            `json:"archived"`
	Deprecated   bool            `json:"deprecated"`
	Schemas      json.RawMessage `json:"schemas"`
	FeatureFlag  *string         `json:"featureFlag"`
	FeatureFlags []string        `json:"featureFlags"`
	GroupName    *string         `json:"groupName"`
}

// eventType is the event type that in describes. at leads to in inside the body.
func (in *eventTypeIn) eventType(at ...string) (hookswitch.EventType, error) {
	var c hookswitch.Checks
	t := hookswitch.EventType{Name: in.Name, Archived: in.Archived, Deprecated: in.Deprecated, FeatureFlags: flagsOf(in.FeatureFlag, in.FeatureFlags),
		GroupName: textOf(&c, in.GroupName, append(at, "groupName")...)}
	if in.Description == nil {
		c.Field("is required", append(at, "description")...)
	} else {
		t.Description = *in.Description
	}
	if !absent(in.Schemas) {
		t.Schemas = in.Schemas
	}
	return t, c.Err()
}

// textOf is a name given by a caller: null is none, and "" is a mistake.
func textOf(c *hookswitch.Checks, name *string, path ...string) string {
	if name == nil {
		return ""
	}
	if *name == "" {
		c.Field("must not be empty", path...)
	}
	return *name
}

// flagsOf are the feature flags in either spelling.
func flagsOf(one *string, list []string) []string {
	if list == nil && one != nil {
		return []string{*one}
	}
	return list
}

// spelled names the feature flag in err as the caller did.
func (in *eventTypeIn) spelled(err error) error {
	if in.FeatureFlags == nil && in.FeatureFlag != nil {
		return renamed(err, "featureFlags", "featureFlag")
	}
	return err
}

type eventTypePatch struct {
	Description  httpapi.Optional[string]          `json:"description"`
	Archived     httpapi.Optional[bool]            `json:"archived"`
	Deprecated   httpapi.Optional[bool]            `json:"deprecated"`
	Schemas      httpapi.Optional[json.RawMessage] `json:"schemas"`
	FeatureFlag  httpapi.Optional[*string]         `json:"featureFlag"`
	FeatureFlags httpapi.Optional[[]string]        `json:"featureFlags"`
	GroupName    httpapi.Optional[*string]         `json:"groupName"`
}

func (in *eventTypePatch) apply(t *hookswitch.EventType) error {
	var c hookswitch.Checks
	t.Description = needed(&c, in.Description, t.Description, "description")
	t.Archived = needed(&c, in.Archived, t.Archived, "archived")
	t.Deprecated = needed(&c, in.Deprecated, t.Deprecated, "deprecated")
	t.Schemas = in.Schemas.Or(t.Schemas)
	switch {
	case in.FeatureFlags.Set:
		t.FeatureFlags = in.FeatureFlags.Value
	case in.FeatureFlag.Set:
		t.FeatureFlags = flagsOf(in.FeatureFlag.Value, nil)
	}
	if in.GroupName.Set {
		t.GroupName = textOf(&c, in.GroupName.Value, "groupName")
	}
	return c.Err()
}

func (in *eventTypePatch) spelled(err error) error {
	if !in.FeatureFlags.Set {
		return renamed(err, "featureFlags", "featureFlag")
	}
	return err
}

// eventTypeOut is what is told of an event type besides its schemas.
type eventTypeOut struct {
	Name         string            `json:"name"`
	Description  string            `json:"description"`
	Archived     bool              `json:"archived"`
	Deprecated   bool              `json:"deprecated"`
	FeatureFlag  *string           `json:"featureFlag"`
	FeatureFlags []string          `json:"featureFlags"`
	GroupName    *string           `json:"groupName"`
	CreatedAt    httpapi.MicroTime `json:"createdAt"`
	UpdatedAt    httpapi.MicroTime `json:"updatedAt"`
}

// appendEventType appends t. Its schemas come out byte for byte as they were given.
func appendEventType(b []byte, t *hookswitch.EventType) []byte {
	out := eventTypeOut{Name: t.Name, Description: t.Description, Archived: t.Archived, Deprecated: t.Deprecated, FeatureFlags: t.FeatureFlags,
		GroupName: httpapi.OrNull(t.GroupName), CreatedAt: micros(t.CreatedAt), UpdatedAt: micros(t.UpdatedAt)}
	if len(t.FeatureFlags) > 0 {
		out.FeatureFlag = &t.FeatureFlags[0]
	}
	b = appendJSON(b, out)
	return append(appendSchemas(b[:len(b)-1], t), '}')
}

func appendSchemas(b []byte, t *hookswitch.EventType) []byte {
	b = append(b, `,"schemas":`...)
	if t.Schemas == nil {
		return append(b, "null"...)
	}
	return append(b, t.Schemas...)
}

func writeEventType(w http.ResponseWriter, status int, t *hookswitch.EventType, err error) error {
	if err != nil {
		return err
	}
	return writeJSON(w, status, appendEventType(nil, t))
}

func (h *Handler) listEventTypes(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := namePager(q, orderOf(q, "ascending"))
	want := service.EventTypeQuery{Archived: q.Bool("include_archived", false), Schemas: q.Bool("with_content", false)}
	if err := q.Err(); err != nil {
		return err
	}
	types, err := h.service.EventTypes(r.Context(), want, p.store())
	if err != nil {
		return err
	}
	return writePage(w, &p.page, listing[*hookswitch.EventType, string]{rows: types,
		key:  func(t *hookswitch.EventType) string { return t.Name },
		item: appendEventType,
	})
}

func (h *Handler) createEventType(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[eventTypeIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	t, err := in.eventType()
	if err != nil {
		return err
	}
	made, err := h.service.CreateEventType(r.Context(), t, idem)
	return writeEventType(w, http.StatusCreated, made, in.spelled(err))
}

func (h *Handler) getEventType(w http.ResponseWriter, r *http.Request) error {
	t, err := h.service.EventType(r.Context(), r.PathValue("event_type_name"))
	return writeEventType(w, http.StatusOK, t, err)
}

// replaceEventType changes the event type of the path, or creates it.
func (h *Handler) replaceEventType(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[eventTypeIn](r)
	if err != nil {
		return err
	}
	in.Name = r.PathValue("event_type_name")
	t, err := in.eventType()
	if err != nil {
		return err
	}
	out, created, err := h.service.ReplaceEventType(r.Context(), t)
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return writeEventType(w, status, out, pathName(in.spelled(err)))
}

// pathName is err with the name where it is: in the path.
func pathName(err error) error {
	var e *hookswitch.Error
	if !errors.As(err, &e) {
		return err
	}
	for i, f := range e.Fields {
		if len(f.Path) == 2 && f.Path[1] == "name" {
			e.Fields[i].Path = []string{"path", "event_type_name"}
		}
	}
	return err
}

func (h *Handler) changeEventType(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[eventTypePatch](r)
	if err != nil {
		return err
	}
	t, err := h.service.UpdateEventType(r.Context(), r.PathValue("event_type_name"), in.apply)
	return writeEventType(w, http.StatusOK, t, in.spelled(err))
}

// deleteEventType archives, and removes only when told so.
func (h *Handler) deleteEventType(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	remove := h.service.ArchiveEventType
	if q.Bool("expunge", false) {
		remove = h.service.DeleteEventType
	}
	if err := q.Err(); err != nil {
		return err
	}
	if err := remove(r.Context(), r.PathValue("event_type_name")); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}

// openAPIIn names a document in one of two ways: as an object, or as a text.
type openAPIIn struct {
	Spec       json.RawMessage `json:"spec"`
	SpecRaw    *string         `json:"specRaw"`
	DryRun     bool            `json:"dryRun"`
	ReplaceAll bool            `json:"replaceAll"`
}

func (h *Handler) importOpenAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[openAPIIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	job := service.OpenAPIImport{Document: in.Spec, Field: "spec", DryRun: in.DryRun, ReplaceAll: in.ReplaceAll}
	switch {
	case absent(in.Spec) == (in.SpecRaw == nil):
		return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "Give the document either as spec or as specRaw."}
	case in.SpecRaw != nil:
		job.Document, job.Field = []byte(*in.SpecRaw), "specRaw"
	}
	types, err := h.service.ImportOpenAPI(r.Context(), job, idem)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, appendImported(nil, types, in.DryRun))
}

// typeFromOpenAPI is what is told of an event type that a dry run would make.
type typeFromOpenAPI struct {
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	Deprecated   bool     `json:"deprecated"`
	FeatureFlag  *string  `json:"featureFlag"`
	FeatureFlags []string `json:"featureFlags"`
	GroupName    *string  `json:"groupName"`
}

func appendImported(b []byte, types []*hookswitch.EventType, dryRun bool) []byte {
	names := []string{}
	if !dryRun {
		for _, t := range types {
			names = append(names, t.Name)
		}
	}
	b = appendTexts(append(b, `{"data":{"modified":`...), names)
	b = append(b, `,"to_modify":`...)
	if !dryRun {
		return append(b, "null}}"...)
	}
	b = append(b, '[')
	for i, t := range types {
		if i > 0 {
			b = append(b, ',')
		}
		out := typeFromOpenAPI{Name: t.Name, Description: t.Description, Deprecated: t.Deprecated, FeatureFlags: t.FeatureFlags, GroupName: httpapi.OrNull(t.GroupName)}
		if len(t.FeatureFlags) > 0 {
			out.FeatureFlag = &t.FeatureFlags[0]
		}
		b = appendJSON(b, out)
		b = append(appendSchemas(b[:len(b)-1], t), '}')
	}
	return append(b, "]}}"...)
}

// exampleIn asks for the example of an event type.
type exampleIn struct {
	EventType    string `json:"eventType"`
	ExampleIndex *int   `json:"exampleIndex"`
}

func (h *Handler) sendExample(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[exampleIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	index := 0
	if in.ExampleIndex != nil {
		if index = *in.ExampleIndex; index < 0 {
			return hookswitch.InvalidField("must not be negative", "exampleIndex")
		}
	}
	ev, err := h.service.SendExample(r.Context(), app, e.Key, in.EventType, index, idem)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusAccepted, h.appendMessage(nil, ev, true))
}
