package svix

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// taskCommon is what the answer to a request that starts a task says.
type taskCommon struct {
	ID        string            `json:"id"`
	Status    string            `json:"status"`
	Task      string            `json:"task"`
	UpdatedAt httpapi.MicroTime `json:"updatedAt"`
}

type taskOut struct {
	Data json.RawMessage `json:"data"`
	taskCommon
}

func (h *Handler) taskCommon(t *hookswitch.Task) taskCommon {
	return taskCommon{ID: h.ids.Format(hookswitch.KindTask, t.Key), Status: string(t.Status), Task: string(t.Kind), UpdatedAt: micros(t.UpdatedAt)}
}

// writeStarted answers a request that has started a task.
func (h *Handler) writeStarted(w http.ResponseWriter, t *hookswitch.Task, err error) error {
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusAccepted, h.taskCommon(t))
}

func (h *Handler) writeTask(w http.ResponseWriter, r *http.Request, t *hookswitch.Task) error {
	data, err := h.service.TaskData(r.Context(), t)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, taskOut{data, h.taskCommon(t)})
}

// task is the task of the path. One of another App does not exist for a caller that is bound to an App, nor one about all apps.
func (h *Handler) task(r *http.Request) (*hookswitch.Task, error) {
	t, err := h.service.Task(r.Context(), r.PathValue("task_id"))
	if err == nil && !callerOf(r).mayUse(t.App) {
		return nil, hookswitch.NotFoundf("background task not found")
	}
	return t, err
}

func (h *Handler) listTasks(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindTask, orderOf(q, "descending"))
	f := store.TaskFilter{
		Status: hookswitch.TaskStatus(q.OneOf("status", "", texts(hookswitch.TaskStatuses)...)),
		Kind:   hookswitch.TaskKind(q.OneOf("task", "", texts(hookswitch.TaskKinds)...)),
	}
	if err := q.Err(); err != nil {
		return err
	}
	tasks, err := h.service.Tasks(r.Context(), f, p.store())
	if err != nil {
		return err
	}
	rows := make([]taskRow, len(tasks))
	for i, t := range tasks {
		if rows[i].Task = t; i == p.limit {
			break // only told of
		}
		if rows[i].data, err = h.service.TaskData(r.Context(), t); err != nil {
			return err
		}
	}
	return writeList(w, p, list[taskRow]{rows: rows,
		key:  func(t taskRow) hookswitch.Key { return t.Key },
		item: func(b []byte, t taskRow) []byte { return appendJSON(b, taskOut{t.data, h.taskCommon(t.Task)}) },
	})
}

type taskRow struct {
	*hookswitch.Task
	data json.RawMessage
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func (h *Handler) getTask(w http.ResponseWriter, r *http.Request) error {
	t, err := h.task(r)
	if err != nil {
		return err
	}
	return h.writeTask(w, r, t)
}

// cancelTask ends a task. One that has ended already stays as it is.
func (h *Handler) cancelTask(w http.ResponseWriter, r *http.Request) error {
	t, err := h.task(r)
	if err != nil {
		return err
	}
	if t, err = h.service.CancelTask(r.Context(), t); err != nil {
		return err
	}
	return h.writeTask(w, r, t)
}

// resumeTask goes on with a recovery that was canceled or ended early, in a task of its own.
func (h *Handler) resumeTask(w http.ResponseWriter, r *http.Request) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	t, err := h.task(r)
	if err != nil {
		return err
	}
	if t.Endpoint == 0 {
		return hookswitch.Errorf(hookswitch.Conflict, "Only tasks that send to an endpoint can be gone on with.")
	}
	e, err := h.service.Endpoint(r.Context(), t.App, h.ids.Format(hookswitch.KindEndpoint, t.Endpoint))
	if err != nil {
		return err
	}
	next, err := h.service.ResumeRecovery(r.Context(), e, r.PathValue("task_id"), idem)
	return h.writeStarted(w, next, err)
}

// recoverIn is the body of the three requests that send something to an endpoint once more. Each of them looks at its own fields.
type recoverIn struct {
	Since         *string `json:"since"`
	Until         *string `json:"until"`
	RatePerSecond *int    `json:"ratePerSecond"` // ours
	Canary        int     `json:"canary"`        // ours
	Text          string  `json:"text"`          // ours

	OnlyOwed bool `json:"onlyOwed"` // ours, for replay-missing

	EventTypes      []string `json:"eventTypes"` // these for bulk-replay; but for status ours for the others
	Channel         *string  `json:"channel"`
	Tag             *string  `json:"tag"`
	Status          *int     `json:"status"`
	StatusCodeClass *int     `json:"statusCodeClass"`
}

// timeOf is the time that text has, zero where there is none.
func timeOf(c *hookswitch.Checks, text *string, name string) time.Time {
	if text == nil {
		return time.Time{}
	}
	t, ok := httpapi.ParseTime(*text)
	if !ok {
		c.Field("must be a time as in RFC 3339, such as 2025-01-31T12:00:00Z", name)
	}
	return t
}

// recovery is in as the service takes it.
func (in *recoverIn) recovery(kind hookswitch.TaskKind) (service.Recovery, error) {
	var c hookswitch.Checks
	r := service.Recovery{Since: timeOf(&c, in.Since, "since"), Until: timeOf(&c, in.Until, "until"), Canary: in.Canary, Text: in.Text}
	if in.RatePerSecond != nil {
		if r.Rate = *in.RatePerSecond; r.Rate == 0 {
			r.Rate = -1 // out of range: no rate would mean as fast as can be
		}
	}
	switch kind {
	case hookswitch.TaskReplay:
		r.OnlyOwed = in.OnlyOwed
	case hookswitch.TaskBulkReplay:
		in.states(&c, &r)
	}
	in.filters(&c, &r)
	return r, c.Err()
}

func (in *recoverIn) filters(c *hookswitch.Checks, r *service.Recovery) {
	if len(in.EventTypes) > maxTypes {
		c.Field("must name at most 500 event types", "eventTypes")
		return
	}
	r.EventTypes = distinct(in.EventTypes)
	for i, t := range in.EventTypes {
		if m := hookswitch.CheckName(t); m != "" {
			c.Field(m, "eventTypes", "["+strconv.Itoa(i)+"]")
			break
		}
	}
	if in.Channel != nil {
		r.Tag = *in.Channel
		if m := hookswitch.CheckTag(r.Tag); m != "" {
			c.Field(m, "channel")
		}
	}
	if in.Tag != nil {
		r.Label = *in.Tag
		if m := hookswitch.CheckLabel(r.Label); m != "" {
			c.Field(m, "tag")
		}
	}
	if n := in.StatusCodeClass; n != nil {
		if r.CodeClass = n; *n < 0 || *n > 500 || *n%100 != 0 {
			c.Field("must be one of 0, 100, 200, 300, 400 and 500", "statusCodeClass")
		}
	}
}

func (in *recoverIn) states(c *hookswitch.Checks, r *service.Recovery) {
	if in.Status == nil {
		return
	}
	switch status(*in.Status) {
	case statusSuccess:
		r.States = []hookswitch.DeliveryState{hookswitch.DeliveryDelivered}
	case statusPending:
		r.States = []hookswitch.DeliveryState{} // nothing has it
	case statusFail:
		r.States = []hookswitch.DeliveryState{hookswitch.DeliveryFailed}
	case statusSending:
		r.States = []hookswitch.DeliveryState{hookswitch.DeliveryPending}
	case statusCanceled:
		r.States = []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}
	default:
		c.Field("must be one of 0, 1, 2, 3 and 4", "status")
	}
}

// recover answers a request to send things to an endpoint once more, in the way of the kind. With dry_run it only counts.
func (h *Handler) recover(kind hookswitch.TaskKind) appHandler {
	return func(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
		q := httpapi.NewQuery(r)
		dry := q.Bool("dry_run", false)
		if err := q.Err(); err != nil {
			return err
		}
		in, err := httpapi.Decode[recoverIn](r)
		if err != nil {
			return err
		}
		idem, err := idempotency(r)
		if err != nil {
			return err
		}
		rec, err := in.recovery(kind)
		if err != nil {
			return err
		}
		e, err := h.endpoint(r, app)
		if err != nil {
			return err
		}
		id := h.ids.Format(hookswitch.KindEndpoint, e.Key)
		if dry {
			n, err := h.service.CountRecovery(r.Context(), kind, app.Key, id, rec)
			if err != nil {
				return err
			}
			return httpapi.Encode(w, http.StatusOK, countOut{n})
		}
		t, err := h.service.StartRecovery(r.Context(), kind, app.Key, id, rec, idem)
		return h.writeStarted(w, t, err)
	}
}

type countOut struct {
	Count int64 `json:"count"`
}

// purgeContents removes the payloads of all messages of an application, and what was answered to them.
func (h *Handler) purgeContents(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	t, err := h.service.PurgeContents(r.Context(), app.Key, idem)
	return h.writeStarted(w, t, err)
}
