package svix

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// messageIn is the body of a publish. Payload and Data are two spellings of one field; their bytes are what is stored, signed and sent.
type messageIn struct {
	EventType              string          `json:"eventType"`
	EventID                *string         `json:"eventId"`
	Payload                json.RawMessage `json:"payload"`
	Data                   json.RawMessage `json:"data"`
	Channels               []string        `json:"channels"`
	Application            *appIn          `json:"application"`
	PayloadRetentionPeriod *int            `json:"payloadRetentionPeriod"`
	PayloadRetentionHours  *int            `json:"payloadRetentionHours"`
	DeliverAt              json.RawMessage `json:"deliverAt"`
	Params                 *rawParams      `json:"transformationsParams"`
}

// rawParams sends a body that is not JSON.
type rawParams struct {
	RawPayload *string         `json:"rawPayload"`
	Headers    json.RawMessage `json:"headers"`
}

// publish is in as the service takes it.
func (in *messageIn) publish() (service.Publish, error) {
	var c hookswitch.Checks
	p := service.Publish{Type: in.EventType, Tags: distinct(in.Channels), Payload: in.Payload}
	if in.EventID != nil {
		if p.UID = *in.EventID; p.UID == "" {
			c.Field("must not be empty", "eventId")
		}
	}
	name := "payload"
	if absent(p.Payload) && !absent(in.Data) {
		p.Payload, name = in.Data, "data"
	}
	raw := in.Params != nil && in.Params.RawPayload != nil
	switch {
	case absent(p.Payload) && !raw:
		c.Field("is required", "payload")
	case !absent(p.Payload) && p.Payload[0] != '{':
		c.Field("must be an object", name)
	}
	if raw {
		p.Payload = []byte(*in.Params.RawPayload)
	}
	within := func(n *int, most int, name string) {
		if n != nil && (*n < 1 || *n > most) {
			c.Field("is out of range", name)
		}
	}
	within(in.PayloadRetentionPeriod, 90, "payloadRetentionPeriod")
	within(in.PayloadRetentionHours, 90*24, "payloadRetentionHours")
	if in.PayloadRetentionPeriod != nil && in.PayloadRetentionHours != nil {
		c.Field("cannot be given together with payloadRetentionPeriod", "payloadRetentionHours")
	}
	if err := c.Err(); err != nil {
		return p, err
	}
	if !absent(in.DeliverAt) {
		return p, hookswitch.Errorf(hookswitch.Unsupported, "deliverAt is not offered by this server.")
	}
	if raw {
		return p, in.Params.checkType()
	}
	return p, nil
}

// checkType refuses a content type that the message would not be sent with.
func (rp *rawParams) checkType() error {
	var headers map[string]json.RawMessage
	if absent(rp.Headers) || json.Unmarshal(rp.Headers, &headers) != nil {
		return nil
	}
	for name, raw := range headers {
		var value string
		if http.CanonicalHeaderKey(name) != "Content-Type" || json.Unmarshal(raw, &value) != nil {
			continue
		}
		if kind, _, err := mime.ParseMediaType(value); err != nil || kind != "application/json" {
			return hookswitch.Errorf(hookswitch.Unsupported, "A content type other than application/json is not offered by this server.")
		}
	}
	return nil
}

// absent reports whether a field was left out, or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (h *Handler) createMessage(w http.ResponseWriter, r *http.Request) error {
	withContent := true
	if r.URL.RawQuery != "" {
		q := httpapi.NewQuery(r)
		withContent = q.Bool("with_content", true)
		if err := q.Err(); err != nil {
			return err
		}
	}
	in, err := httpapi.Decode[messageIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	p, err := in.publish()
	if err != nil {
		return err
	}
	app, err := h.appFor(r.Context(), r.PathValue("app_id"), in.Application)
	if err != nil {
		return err
	}
	ev, err := h.service.PublishEvent(r.Context(), app, p, idem)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusAccepted, h.appendMessage(make([]byte, 0, 256+len(ev.Payload)), ev, withContent))
}

// appFor is the App that ref names, made from inline where there is none and the caller asks for it.
func (h *Handler) appFor(ctx context.Context, ref string, inline *appIn) (*hookswitch.App, error) {
	app, err := h.service.App(ctx, ref)
	if inline == nil || hookswitch.KindOf(err) != hookswitch.NotFound {
		return app, err
	}
	mismatch := func(message, kind string) error {
		return &hookswitch.Error{Kind: hookswitch.Invalid, Fields: []hookswitch.FieldError{
			{Path: []string{"body", "application", "uid"}, Message: message, Type: kind}}}
	}
	switch {
	case inline.UID == nil || *inline.UID == "":
		return nil, mismatch("is required, and must be the one in the path", "application_uid_missing")
	case *inline.UID != ref:
		return nil, mismatch("must be the one in the path", "application_uid_mismatch")
	}
	var a hookswitch.App
	if err := inline.apply(&a, "application"); err != nil {
		return nil, err
	}
	made, err := h.service.CreateApp(ctx, a, service.Idempotency{})
	if hookswitch.KindOf(err) == hookswitch.Conflict {
		return h.service.App(ctx, ref) // made by somebody else in between
	}
	return made, nestedIn(err, "application")
}

// nestedIn is err about a part of the body that lies under name.
func nestedIn(err error, name string) error {
	if e, ok := err.(*hookswitch.Error); ok {
		for i, f := range e.Fields {
			e.Fields[i].Path = append([]string{"body", name}, f.Path[min(1, len(f.Path)):]...)
		}
	}
	return err
}

// appendMessage appends ev as JSON.
func (h *Handler) appendMessage(b []byte, ev *hookswitch.Event, withContent bool) []byte {
	return append(h.appendMessageFields(b, ev, withContent), '}')
}

// appendMessageFields leaves the object open for more.
func (h *Handler) appendMessageFields(b []byte, ev *hookswitch.Event, withContent bool) []byte {
	b = append(b, `{"id":"`...)
	b = append(h.ids.Append(b, hookswitch.KindEvent, ev.Key), '"')
	if ev.UID != "" {
		b = appendText(append(b, `,"eventId":`...), ev.UID)
	}
	b = appendText(append(b, `,"eventType":`...), ev.Type)
	b = appendPayload(append(b, `,"payload":`...), ev, withContent)
	b = append(b, `,"channels":`...)
	if ev.Tags == nil {
		b = append(b, "null"...)
	} else {
		b = appendTexts(b, ev.Tags)
	}
	return appendTime(append(b, `,"timestamp":`...), ev.CreatedAt())
}

// appendPayload shows the payload. Clients read it as an object and fail on anything else, so a raw body is wrapped in one.
func appendPayload(b []byte, ev *hookswitch.Event, withContent bool) []byte {
	switch {
	case !withContent:
		return append(b, "{}"...)
	case ev.Expired:
		return append(b, `{"expired":true}`...)
	case bytes.HasPrefix(bytes.TrimLeft(ev.Payload, " \t\r\n"), []byte("{")) && json.Valid(ev.Payload):
		return append(b, ev.Payload...)
	}
	return append(appendText(append(b, `{"rawPayload":`...), string(ev.Payload)), '}')
}

// eventFilter reads which messages a list is about.
func eventFilter(q *httpapi.Query) store.EventFilter {
	f := store.EventFilter{Types: q.List("event_types"), Tag: q.Text("channel")}
	for _, t := range f.Types {
		if m := hookswitch.CheckName(t); m != "" {
			q.Fail(m, "event_types")
			break
		}
	}
	if len(f.Types) > maxTypes {
		q.Fail("must name at most 500 event types", "event_types")
	}
	if f.Tag != "" {
		if m := hookswitch.CheckTag(f.Tag); m != "" {
			q.Fail(m, "channel")
		}
	}
	return f
}

// maxTypes is how many event types a filter may name.
const maxTypes = 500

// labeled refuses a filter by what no message has here.
func labeled(q *httpapi.Query) error {
	if q.Has("tag") {
		return hookswitch.Errorf(hookswitch.Unsupported, "Filtering by tag is not offered by this server.")
	}
	return nil
}

func (h *Handler) listMessages(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindEvent, false)
	p.within(q, h.now())
	f, withContent := eventFilter(q), q.Bool("with_content", true)
	if err := q.Err(); err != nil {
		return err
	}
	if err := labeled(q); err != nil {
		return err
	}
	events, err := h.service.Events(r.Context(), app.Key, f, p.store())
	if err != nil {
		return err
	}
	return writeList(w, p, list[*hookswitch.Event]{rows: events,
		key:  func(ev *hookswitch.Event) hookswitch.Key { return ev.Key },
		item: func(b []byte, ev *hookswitch.Event) []byte { return h.appendMessage(b, ev, withContent) },
	})
}

func (h *Handler) getMessage(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	withContent := q.Bool("with_content", true)
	if err := q.Err(); err != nil {
		return err
	}
	ev, err := h.message(r, app)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, h.appendMessage(nil, ev, withContent))
}

// message is the message of the path.
func (h *Handler) message(r *http.Request, app *hookswitch.App) (*hookswitch.Event, error) {
	return h.service.Event(r.Context(), app.Key, r.PathValue("msg_id"))
}

func (h *Handler) resend(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	id := h.ids.Format(hookswitch.KindEndpoint, e.Key)
	if err := h.service.Resend(r.Context(), app.Key, r.PathValue("msg_id"), id, idem); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusAccepted, struct{}{})
}
