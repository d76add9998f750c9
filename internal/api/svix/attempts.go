package svix

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// status is how an attempt ended, or what the delivery of a message to an endpoint has come to. The numbers and words are a closed set that clients know.
type status int

const (
	statusSuccess  status = 0
	statusPending  status = 1 // never given out: what waits is being sent
	statusFail     status = 2
	statusSending  status = 3
	statusCanceled status = 4
)

func (s status) String() string {
	return [...]string{"success", "pending", "fail", "sending", "canceled"}[s]
}

// statusOf is a delivery's status. Clients that do not ask for the expanded set know no canceled: for them it has failed.
func statusOf(d hookswitch.DeliveryStatus, expanded bool) status {
	switch d.State {
	case hookswitch.DeliveryDelivered:
		return statusSuccess
	case hookswitch.DeliveryFailed:
		return statusFail
	case hookswitch.DeliveryCanceled:
		if expanded {
			return statusCanceled
		}
		return statusFail
	}
	return statusSending
}

// statusFilter reads the filter by status; -1 is none.
func statusFilter(q *httpapi.Query) status {
	return status(q.Int("status", -1, int(statusSuccess), int(statusCanceled)))
}

type attemptOut struct {
	ID                 string            `json:"id"`
	MsgID              string            `json:"msgId"`
	EndpointID         string            `json:"endpointId"`
	URL                string            `json:"url"`
	Response           string            `json:"response"`
	ResponseStatusCode int               `json:"responseStatusCode"`
	ResponseDurationMs int64             `json:"responseDurationMs"`
	Status             status            `json:"status"`
	StatusText         string            `json:"statusText"`
	TriggerType        int               `json:"triggerType"`
	Timestamp          httpapi.MicroTime `json:"timestamp"`
}

// The reasons for an attempt.
const (
	triggerScheduled = 0
	triggerManual    = 1
)

func (h *Handler) attemptOut(a *hookswitch.Attempt, withContent bool) attemptOut {
	out := attemptOut{
		ID: h.ids.Format(hookswitch.KindAttempt, a.Key), MsgID: h.ids.Format(hookswitch.KindEvent, a.Event),
		EndpointID: h.ids.Format(hookswitch.KindEndpoint, a.Endpoint), URL: a.URL, Response: "{}", ResponseStatusCode: a.Code,
		ResponseDurationMs: a.Timings.Total.Milliseconds(), Status: statusFail, TriggerType: triggerScheduled, Timestamp: micros(a.CreatedAt()),
	}
	if a.OK {
		out.Status = statusSuccess
	}
	if a.Manual {
		out.TriggerType = triggerManual
	}
	out.StatusText = out.Status.String()
	if withContent {
		out.Response = responseOf(a)
	}
	return out
}

// maxResponse is how much of an answer is shown, in bytes.
const maxResponse = 20_000

// responseOf is the answer as text. One that is not UTF-8 is shown in base64.
func responseOf(a *hookswitch.Attempt) string {
	if a.Expired {
		return "EXPUNGED"
	}
	b := a.Answer
	if len(b) > maxResponse {
		b = b[:maxResponse]
		for range utf8.UTFMax - 1 { // the cut may have split a character
			if r, n := utf8.DecodeLastRune(b); r != utf8.RuneError || n != 1 {
				break
			}
			b = b[:len(b)-1]
		}
		if !utf8.Valid(b) {
			b = a.Answer[:maxResponse]
		}
	}
	if !utf8.Valid(b) {
		return base64.StdEncoding.EncodeToString(b)
	}
	return string(b)
}

// attemptQuery is what both lists of attempts understand.
type attemptQuery struct {
	page        *pager
	filter      store.AttemptFilter
	withContent bool
	none        bool // no attempt has the status asked for
}

func (h *Handler) attemptQuery(r *http.Request, app *hookswitch.App) (*attemptQuery, error) {
	q := httpapi.NewQuery(r)
	a := &attemptQuery{page: h.pager(q, hookswitch.KindAttempt, false), withContent: q.Bool("with_content", true)}
	a.page.within(q, h.now())
	ef := eventFilter(q)
	a.filter.Types, a.filter.Tag = ef.Types, ef.Tag
	switch statusFilter(q) {
	case -1:
	case statusSuccess:
		a.filter.OK = new(true)
	case statusFail:
		a.filter.OK = new(false)
	default:
		a.none = true
	}
	if class := q.OneOf("status_code_class", "", "0", "100", "200", "300", "400", "500"); class != "" {
		n, _ := strconv.Atoi(class) // one of the above
		a.filter.CodeClass = &n
	}
	if err := q.Err(); err != nil {
		return nil, err
	}
	if err := labeled(q); err != nil {
		return nil, err
	}
	ref := q.Text("endpoint_id")
	if r.PathValue("msg_id") != "" && r.PathValue("endpoint_id") != "" {
		ref = r.PathValue("endpoint_id")
	}
	if ref == "" {
		return a, nil
	}
	// An id works for a deleted endpoint too: its attempts are still there.
	key, ok := h.ids.Parse(hookswitch.KindEndpoint, ref)
	if !ok {
		e, err := h.endpointNamed(r.Context(), app.Key, ref)
		if err != nil {
			return nil, err
		}
		key = e.Key
	}
	a.filter.Endpoint = key
	return a, nil
}

// list answers with the page of attempts that read finds.
func (a *attemptQuery) list(h *Handler, w http.ResponseWriter, r *http.Request, app, of hookswitch.Key,
	read func(ctx context.Context, app, of hookswitch.Key, f store.AttemptFilter, p store.Page) ([]*hookswitch.Attempt, error)) error {
	var rows []*hookswitch.Attempt
	if !a.none {
		var err error
		if rows, err = read(r.Context(), app, of, a.filter, a.page.store()); err != nil {
			return err
		}
	}
	return writeList(w, a.page, list[*hookswitch.Attempt]{rows: rows,
		key:  func(at *hookswitch.Attempt) hookswitch.Key { return at.Key },
		item: func(b []byte, at *hookswitch.Attempt) []byte { return appendJSON(b, h.attemptOut(at, a.withContent)) },
	})
}

func (h *Handler) listAttemptsByEndpoint(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	a, err := h.attemptQuery(r, app)
	if err != nil {
		return err
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	return a.list(h, w, r, app.Key, e.Key, h.service.AttemptsByEndpoint)
}

func (h *Handler) listAttemptsByMessage(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	ev, err := h.message(r, app)
	if err != nil {
		return err
	}
	a, err := h.attemptQuery(r, app)
	if err != nil {
		return err
	}
	return a.list(h, w, r, app.Key, ev.Key, h.service.AttemptsByEvent)
}

func (h *Handler) getAttempt(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	ev, err := h.message(r, app)
	if err != nil {
		return err
	}
	a, err := h.service.Attempt(r.Context(), app.Key, ev.Key, r.PathValue("attempt_id"))
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, h.attemptOut(a, true))
}
