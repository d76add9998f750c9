package operator

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// kindWords are the kinds of work as this API calls them.
var kindWords = map[hookswitch.DeliveryKind]string{
	hookswitch.DeliverWebhook: "webhook", hookswitch.DeliverOrdered: "ordered", hookswitch.DeliverMessage: "message", hookswitch.DeliverRespond: "respond", hookswitch.DeliverTask: "task",
}

type pauseOut struct {
	Since httpapi.MilliTime `json:"since"`
	Note  string            `json:"note"` // why; empty: nobody has said so
}

func newPause(p *store.Pause) *pauseOut {
	if p == nil {
		return nil
	}
	return &pauseOut{httpapi.MilliTime(p.Since), p.Note}
}

type pauseIn struct {
	Note string `json:"note"` // why, for everybody who signs in
}

type queuesOut struct {
	Pause        *pauseOut        `json:"pause"` // null: work goes on
	Queues       []queueOut       `json:"queues"`
	Destinations []destinationOut `json:"destinations"` // the longest queues first
	// Partial says that there are more destinations than could be looked at.
	Partial       bool      `json:"partial"`
	SlowEndpoints []slowOut `json:"slowEndpoints"` // of the busiest of the last hour, the slowest first
}

type queueOut struct {
	Kind      string             `json:"kind"` // webhook, ordered, message, respond or task
	Due       int                `json:"due"`
	Later     int                `json:"later"` // waits for another try, or for its time
	Running   int                `json:"running"`
	OldestDue *httpapi.MilliTime `json:"oldestDue"` // when the oldest fell due; null: none is
}

type destinationOut struct {
	Kind       string             `json:"kind"`
	AppID      *string            `json:"appId"`
	EndpointID *string            `json:"endpointId"` // null: it is a conversation, an app or a task
	Name       string             `json:"name"`       // of the endpoint: its URL
	Waiting    int                `json:"waiting"`
	Due        int                `json:"due"`
	OldestDue  *httpapi.MilliTime `json:"oldestDue"`
}

type slowOut struct {
	AppID      string `json:"appId"`
	EndpointID string `json:"endpointId"`
	URL        string `json:"url"`
	P50MS      int64  `json:"p50Ms"`
	P95MS      int64  `json:"p95Ms"`
	Attempts   int64  `json:"attempts"`
	Failed     int64  `json:"failed"`
}

func timeOrNull(t time.Time) *httpapi.MilliTime {
	if t.IsZero() {
		return nil
	}
	return new(httpapi.MilliTime(t))
}

// backlogTime bounds how long what waits is counted.
const backlogTime = 500 * time.Millisecond

func (h *handler) getQueues(w http.ResponseWriter, r *http.Request) error {
	queues, err := h.service.Queues(r.Context())
	if err != nil {
		return err
	}
	out := queuesOut{Pause: newPause(h.service.Paused()), Queues: []queueOut{}, Destinations: []destinationOut{}, SlowEndpoints: []slowOut{}}
	for _, q := range queues {
		out.Queues = append(out.Queues, queueOut{kindWords[q.Kind], q.Due, q.Later, q.Running, timeOrNull(q.Oldest)})
	}
	backlogs, part, err := h.service.Backlogs(r.Context(), backlogTime)
	if err != nil {
		return err
	}
	out.Partial = part
	for _, d := range backlogs {
		one := destinationOut{Kind: kindWords[d.Kind], Waiting: d.Waiting, Due: d.Due, OldestDue: timeOrNull(d.Oldest)}
		if d.AppOf != nil && d.App != hookswitch.OrganizationApp {
			one.AppID = httpapi.OrNull(h.id(hookswitch.KindApp, d.App))
		}
		if d.Endpoint != nil {
			one.EndpointID, one.Name = httpapi.OrNull(h.id(hookswitch.KindEndpoint, d.Target)), d.Endpoint.URL
		}
		out.Destinations = append(out.Destinations, one)
	}
	slow, err := h.service.Slowest(r.Context())
	if err != nil {
		return err
	}
	for _, s := range slow {
		out.SlowEndpoints = append(out.SlowEndpoints, slowOut{h.id(hookswitch.KindApp, s.App.Key), h.id(hookswitch.KindEndpoint, s.Endpoint.Key), s.Endpoint.URL, s.P50.Milliseconds(), s.P95.Milliseconds(), s.Tries, s.Failed})
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

func (h *handler) pause(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[pauseIn](r)
	if err != nil {
		return err
	}
	p, err := h.service.Pause(r.Context(), in.Note)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newPause(p))
}

func (h *handler) resume(w http.ResponseWriter, r *http.Request) error {
	if err := h.service.Resume(r.Context()); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
