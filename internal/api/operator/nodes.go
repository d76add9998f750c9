package operator

import (
	"net/http"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

type nodeOut struct {
	Number      int                `json:"number"`
	Instance    string             `json:"instance"`
	State       string             `json:"state"` // working, drained or silent
	Own         bool               `json:"own"`   // it is the one that answers
	Starts      int64              `json:"starts"`
	StartedAt   *httpapi.MilliTime `json:"startedAt"`
	HeartbeatAt httpapi.MilliTime  `json:"heartbeatAt"`
	DrainedAt   *httpapi.MilliTime `json:"drainedAt"` // since when it is to take no work; null: it takes some
	Version     *string            `json:"version"`
	Cores       int                `json:"cores"`
	CPU         float64            `json:"cpu"` // cores that it uses
	MemoryBytes int64              `json:"memoryBytes"`
	Running     int                `json:"running"` // work that it has
}

type nodesOut struct {
	Items []nodeOut `json:"items"`
}

func newNode(n store.NodeState, running int) nodeOut {
	out := nodeOut{Number: n.Number, Instance: n.Instance, State: "silent", Own: n.Own, Starts: n.Epoch, StartedAt: timeOrNull(n.StartedAt), HeartbeatAt: httpapi.MilliTime(n.HeartbeatAt),
		DrainedAt: timeOrNull(n.DrainedAt), Version: httpapi.OrNull(n.Version), Cores: n.Cores, CPU: float64(n.CPU) / 1000, MemoryBytes: n.Memory, Running: running}
	switch {
	case !n.Lives && !n.Own:
	case !n.DrainedAt.IsZero():
		out.State = "drained"
	default:
		out.State = "working"
	}
	return out
}

func (h *handler) nodes(r *http.Request) ([]nodeOut, error) {
	nodes, err := h.service.Nodes(r.Context())
	if err != nil {
		return nil, err
	}
	queues, err := h.service.Queues(r.Context())
	if err != nil {
		return nil, err
	}
	running := make(map[int]int)
	for _, q := range queues {
		for node, n := range q.Nodes {
			running[node] += n
		}
	}
	list := make([]nodeOut, len(nodes))
	for i, n := range nodes {
		list[i] = newNode(n, running[n.Number])
	}
	return list, nil
}

func (h *handler) listNodes(w http.ResponseWriter, r *http.Request) error {
	list, err := h.nodes(r)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, nodesOut{list})
}

// drainNode has a node take no work or, with drain false, take some again.
func (h *handler) drainNode(drain bool) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		number, err := strconv.Atoi(r.PathValue("node"))
		if err != nil || number < 1 || number > hookswitch.MaxNode {
			return hookswitch.NotFoundf("node not found")
		}
		if err := h.service.DrainNode(r.Context(), number, drain); err != nil {
			return err
		}
		list, err := h.nodes(r)
		if err != nil {
			return err
		}
		for _, n := range list {
			if n.Number == number {
				return httpapi.Encode(w, http.StatusOK, n)
			}
		}
		return hookswitch.NotFoundf("node not found")
	}
}
