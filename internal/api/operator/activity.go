package operator

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// activityOut is one thing that somebody did to an app, or that happened to it by itself.
type activityOut struct {
	ID         string            `json:"id"`
	AppID      *string           `json:"appId"`  // null: it concerns the whole server
	Number     int64             `json:"number"` // its place in the chain of its app; 0: it is older than the chains
	Hash       string            `json:"hash"`   // over it and the one before it, in hex
	At         httpapi.MilliTime `json:"at"`
	Action     string            `json:"action"`     // such as endpoint.changed
	Actor      string            `json:"actor"`      // portal, operator, key, api or system
	EndpointID *string           `json:"endpointId"` // null: no endpoint was concerned
	Name       string            `json:"name"`       // what the endpoint was called then
	Details    map[string]string `json:"details"`
}

func (h *handler) newActivity(a *hookswitch.Activity) activityOut {
	out := activityOut{ID: h.id(hookswitch.KindTask, a.Key), At: httpapi.MilliTime(a.At()), Action: string(a.Action), Actor: string(a.Actor.Kind), Name: a.Name, Details: a.Details, Number: a.Number, Hash: hex.EncodeToString(a.Hash)}
	if a.App != hookswitch.OrganizationApp {
		out.AppID = httpapi.OrNull(h.id(hookswitch.KindApp, a.App))
	}
	if a.Endpoint != 0 {
		out.EndpointID = httpapi.OrNull(h.id(hookswitch.KindEndpoint, a.Endpoint))
	}
	if out.Details == nil {
		out.Details = map[string]string{}
	}
	return out
}

// activityFilter reads what a list of activities is narrowed by.
func activityFilter(q *httpapi.Query) store.ActivityFilter {
	actions := make([]string, 0, len(hookswitch.Actions))
	for _, a := range hookswitch.Actions {
		actions = append(actions, string(a))
	}
	return store.ActivityFilter{Action: hookswitch.Action(q.OneOf("action", "", actions...)),
		Actor: hookswitch.ActorKind(q.OneOf("actor", "", string(hookswitch.ActorPortal), string(hookswitch.ActorOperator), string(hookswitch.ActorKey), string(hookswitch.ActorAPI), string(hookswitch.ActorSystem)))}
}

func (h *handler) listActivity(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p, f := h.paging(q, defaultLimit, maxLimit), activityFilter(q)
	if err := q.Err(); err != nil {
		return err
	}
	a, err := h.service.App(r.Context(), r.PathValue("app"))
	if err != nil {
		return err
	}
	list, err := h.service.Activities(r.Context(), a.Key, f, p.page())
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newList(h, p, list, func(a *hookswitch.Activity) hookswitch.Key { return a.Key }, h.newActivity))
}

func (h *handler) listAllActivity(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p, f := h.paging(q, defaultLimit, maxLimit), activityFilter(q)
	f.Text = strings.TrimSpace(r.URL.Query().Get("q"))
	if err := q.Err(); err != nil {
		return err
	}
	list, stopped, err := h.service.AllActivities(r.Context(), f, p.page())
	if err != nil {
		return err
	}
	out := newList(h, p, list, func(a *hookswitch.Activity) hookswitch.Key { return a.Key }, h.newActivity)
	if stopped != 0 && out.NextCursor == nil {
		out.NextCursor = new(strings.TrimPrefix(h.id(cursorKind, stopped), cursorKind.Prefix()))
	}
	return httpapi.Encode(w, http.StatusOK, out)
}

// linkOut is an entry of a chain.
type linkOut struct {
	AppID  *string `json:"appId"` // null: the chain of what concerns the whole server
	Number int64   `json:"number"`
	Hash   string  `json:"hash"` // in hex
}

// verifyIn says what is to be checked. Heads are what an earlier answer told, kept elsewhere: they have to be in the chains still.
type verifyIn struct {
	App   string    `json:"app"` // empty: all chains
	Heads []linkOut `json:"heads"`
}

type chainProblemOut struct {
	AppID  *string `json:"appId"`
	Number int64   `json:"number"`
	What   string  `json:"what"` // changed, missing, cut or replaced
}

type verifyOut struct {
	Valid     bool              `json:"valid"`
	Chains    int               `json:"chains"`
	Entries   int               `json:"entries"`
	Compared  int               `json:"compared"`  // of the heads that were sent: not those of other chains, nor of entries that are past keeping
	Unchained int               `json:"unchained"` // entries that are older than the chains, and cannot be checked
	Problems  []chainProblemOut `json:"problems"`
	Heads     []linkOut         `json:"heads"` // the last entry of each chain
}

func (h *handler) chainOf(app hookswitch.Key) *string {
	if app == hookswitch.OrganizationApp {
		return nil
	}
	return httpapi.OrNull(h.id(hookswitch.KindApp, app))
}

func (h *handler) verifyActivity(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[verifyIn](r)
	if err != nil {
		return err
	}
	var app hookswitch.Key
	if in.App != "" {
		a, err := h.service.App(r.Context(), in.App)
		if err != nil {
			return err
		}
		app = a.Key
	}
	var noted []store.ChainLink
	for i, l := range in.Heads {
		link := store.ChainLink{App: hookswitch.OrganizationApp, Number: l.Number}
		ok := true
		if l.AppID != nil {
			link.App, ok = h.service.IDs().Parse(hookswitch.KindApp, *l.AppID)
		}
		if link.Hash, err = hex.DecodeString(l.Hash); err != nil || !ok {
			return hookswitch.InvalidField("is none of a chain of this server", "heads", "["+strconv.Itoa(i)+"]")
		}
		noted = append(noted, link)
	}
	report, err := h.service.CheckChains(r.Context(), app, noted)
	if err != nil {
		return err
	}
	out := verifyOut{Valid: len(report.Problems) == 0, Chains: report.Chains, Entries: report.Entries, Compared: report.Compared, Unchained: report.Unchained, Problems: []chainProblemOut{}, Heads: []linkOut{}}
	for _, p := range report.Problems {
		out.Problems = append(out.Problems, chainProblemOut{h.chainOf(p.App), p.Number, p.What})
	}
	for _, l := range report.Heads {
		out.Heads = append(out.Heads, linkOut{h.chainOf(l.App), l.Number, hex.EncodeToString(l.Hash)})
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
