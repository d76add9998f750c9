package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// activityOut is one thing that somebody did to an app, or that happened to it by itself.
type activityOut struct {
	ID         string            `json:"id"`
	At         httpapi.MilliTime `json:"at"`
	Action     string            `json:"action"`     // such as endpoint.changed
	Actor      string            `json:"actor"`      // portal, operator, key, api or system
	EndpointID *string           `json:"endpointId"` // null: no endpoint was concerned
	Name       string            `json:"name"`       // what the endpoint was called then
	Details    map[string]string `json:"details"`
}

func (h *handler) newActivity(a *hookswitch.Activity) activityOut {
	out := activityOut{ID: h.id(hookswitch.KindTask, a.Key), At: httpapi.MilliTime(a.At()), Action: string(a.Action), Actor: string(a.Actor.Kind), Name: a.Name, Details: a.Details}
	if a.Endpoint != 0 {
		out.EndpointID = httpapi.OrNull(h.id(hookswitch.KindEndpoint, a.Endpoint))
	}
	if out.Details == nil {
		out.Details = map[string]string{}
	}
	return out
}

func (h *handler) listActivity(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.paging(q, defaultLimit, maxLimit)
	actions := make([]string, 0, len(hookswitch.Actions))
	for _, a := range hookswitch.Actions {
		actions = append(actions, string(a))
	}
	action := q.OneOf("action", "", actions...)
	actor := q.OneOf("actor", "", string(hookswitch.ActorPortal), string(hookswitch.ActorOperator), string(hookswitch.ActorKey), string(hookswitch.ActorAPI), string(hookswitch.ActorSystem))
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.service.App(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	list, err := h.service.Activities(r.Context(), a.Key, store.ActivityFilter{Action: hookswitch.Action(action), Actor: hookswitch.ActorKind(actor)}, p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(a *hookswitch.Activity) hookswitch.Key { return a.Key }, h.newActivity))
}
