package svix

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// The span that statistics may cover. The slack is for callers who compute its start and its end a moment apart.
const (
	statsSpan  = 28 * 24 * time.Hour
	statsSlack = 5 * time.Minute
)

// statsOut counts attempts by status. An attempt that is recorded has ended, so only success and fail are ever above zero.
type statsOut struct {
	Success  int64 `json:"success"`
	Pending  int64 `json:"pending"`
	Sending  int64 `json:"sending"`
	Fail     int64 `json:"fail"`
	Canceled int64 `json:"canceled"`
}

func (h *Handler) getStats(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	ok, failed, err := h.endpointStats(r, app)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, statsOut{Success: ok, Fail: failed})
}

// attemptStatsOut is the form of statsOut that newer client libraries ask for, without the states that no attempt has.
type attemptStatsOut struct {
	Success  int64 `json:"success"`
	Fail     int64 `json:"fail"`
	Canceled int64 `json:"canceled"`
}

func (h *Handler) getAttemptStats(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	ok, failed, err := h.endpointStats(r, app)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, attemptStatsOut{Success: ok, Fail: failed})
}

// endpointStats counts the attempts on the endpoint of the path in the span that the query names.
func (h *Handler) endpointStats(r *http.Request, app *hookswitch.App) (ok, failed int64, err error) {
	q := httpapi.NewQuery(r)
	since, until := q.Time("since"), q.Time("until")
	if err := q.Err(); err != nil {
		return 0, 0, err
	}
	now := h.now()
	if until.IsZero() {
		until = now
	}
	if since.IsZero() {
		since = until.Add(-statsSpan)
	}
	switch {
	case until.After(now):
		return 0, 0, invalidRange("until must not lie in the future.")
	case since.After(until):
		return 0, 0, invalidRange("since must not lie after until.")
	case until.Sub(since) > statsSpan+statsSlack:
		return 0, 0, invalidRange("since and until must not lie more than 28 days apart.")
	}
	e, err := h.endpoint(r, app)
	if err != nil {
		return 0, 0, err
	}
	stats, err := h.service.EndpointStats(r.Context(), app.Key, e.Key, since, until)
	if err != nil {
		return 0, 0, err
	}
	return stats.OK, stats.Failed, nil
}

func invalidRange(message string) error {
	return &hookswitch.Error{Kind: hookswitch.Invalid, Code: "invalid_range", Message: message}
}
