package svix

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// destinationOut is an endpoint and what the delivery of a message to it has come to.
type destinationOut struct {
	endpointCommon
	Status      status             `json:"status"`
	StatusText  string             `json:"statusText"`
	NextAttempt *httpapi.MicroTime `json:"nextAttempt"`
}

// listDestinations lists the endpoints that a message went to or is owed to, deleted ones among them. Those that were disabled when it was made got nothing and are left out.
func (h *Handler) listDestinations(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindEndpoint, true)
	expanded := q.Bool("expanded_statuses", false)
	if err := q.Err(); err != nil {
		return err
	}
	ev, err := h.message(r, app)
	if err != nil {
		return err
	}
	all, err := h.service.Destinations(r.Context(), ev)
	if err != nil {
		return err
	}
	rows := make([]service.Destination, 0, len(all))
	for _, d := range all {
		if !d.Status.Held || d.Status.Tried {
			rows = append(rows, d)
		}
	}
	key := func(d service.Destination) hookswitch.Key { return d.Endpoint.Key }
	return writeList(w, p, list[service.Destination]{rows: slice(p, rows, key), key: key,
		item: func(b []byte, d service.Destination) []byte {
			st := statusOf(d.Status, expanded)
			return appendJSON(b, destinationOut{h.endpointCommon(d.Endpoint), st, st.String(), httpapi.Micros(d.Status.Next)})
		},
	})
}

// listAttemptedMessages lists the messages that an endpoint has been tried with.
func (h *Handler) listAttemptedMessages(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindEvent, false)
	p.within(q, h.now())
	f := store.AttemptedFilter{EventFilter: eventFilter(q)}
	withContent, expanded := q.Bool("with_content", true), q.Bool("expanded_statuses", false)
	want := statusFilter(q)
	if err := q.Err(); err != nil {
		return err
	}
	f.Bare = !withContent
	e, err := h.endpoint(r, app)
	if err != nil {
		return err
	}
	switch want {
	case statusSuccess:
		f.States = []hookswitch.DeliveryState{hookswitch.DeliveryDelivered}
	case statusFail:
		f.States = []hookswitch.DeliveryState{hookswitch.DeliveryFailed}
		if !expanded {
			f.States = append(f.States, hookswitch.DeliveryCanceled)
		}
	case statusSending:
		f.States = []hookswitch.DeliveryState{hookswitch.DeliveryPending}
	case statusCanceled:
		f.States = []hookswitch.DeliveryState{hookswitch.DeliveryCanceled}
	}
	var rows []service.AttemptedEvent
	var stopped hookswitch.Key
	if want != statusPending && (want != statusCanceled || expanded) {
		if rows, stopped, err = h.service.AttemptedEvents(r.Context(), e, f, p.store()); err != nil {
			return err
		}
	}
	return writeList(w, p, list[service.AttemptedEvent]{rows: rows, stopped: stopped,
		key: func(a service.AttemptedEvent) hookswitch.Key { return a.Event.Key },
		item: func(b []byte, a service.AttemptedEvent) []byte {
			st := statusOf(a.Status, expanded)
			b = h.appendMessageFields(b, a.Event, withContent)
			b = appendStatus(b, st)
			return append(appendNext(b, a.Status.Next), '}')
		},
	})
}

func appendStatus(b []byte, st status) []byte {
	b = append(b, `,"status":`...)
	b = append(b, byte('0'+st))
	b = append(b, `,"statusText":"`...)
	return append(append(b, st.String()...), '"')
}

func appendNext(b []byte, next time.Time) []byte {
	b = append(b, `,"nextAttempt":`...)
	if next.IsZero() {
		return append(b, "null"...)
	}
	return appendTime(b, next)
}
