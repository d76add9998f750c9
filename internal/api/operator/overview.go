package operator

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// overviewOut is how the whole server has been doing for a day.
type overviewOut struct {
	Version       string             `json:"version"`  // of the program; empty: not known
	Database      string             `json:"database"` // SQLite or PostgreSQL
	Pause         *pauseOut          `json:"pause"`    // null: work goes on
	Apps          int                `json:"apps"`
	Accepted      int64              `json:"accepted"` // events made
	AcceptedBytes int64              `json:"acceptedBytes"`
	Delivered     int64              `json:"delivered"` // attempts that succeeded
	Failed        int64              `json:"failed"`
	Due           int                `json:"due"`
	OldestDue     *httpapi.MilliTime `json:"oldestDue"`
	Failing       []failingOut       `json:"failingEndpoints"` // the longest failing first
	Loudest       []volumeOut        `json:"loudestApps"`
	ErrorBudget   budgetOut          `json:"errorBudget"`
	DatabaseBytes int64              `json:"databaseBytes"`
	LogBytes      *int64             `json:"logBytes"` // of the write-ahead log, or of what was written since the last checkpoint; null: not known
	Nodes         []nodeOut          `json:"nodes"`
}

type failingOut struct {
	AppID      string             `json:"appId"`
	EndpointID string             `json:"endpointId"`
	URL        string             `json:"url"`
	FailingAt  httpapi.MilliTime  `json:"failingSince"`
	Disabled   bool               `json:"disabled"`
	DisablesAt *httpapi.MilliTime `json:"disablesAt"` // when it will be disabled unless something gets through
}

type volumeOut struct {
	AppID    string  `json:"appId"`
	Name     string  `json:"name"`
	Events   int64   `json:"events"`
	Bytes    int64   `json:"bytes"`
	Share    float64 `json:"share"` // of all events, from 0 to 1
	LastHour int64   `json:"lastHour"`
	Usual    int64   `json:"usualHour"`
}

type budgetOut struct {
	Objective float64   `json:"objective"` // the share of attempts that are to succeed, from 0 to 1
	Days      int       `json:"days"`
	Used      float64   `json:"used"` // the share of the budget that is used; more than 1: more than there is
	Burns     []burnOut `json:"burns"`
}

type burnOut struct {
	Hours    int     `json:"hours"`
	Attempts int64   `json:"attempts"`
	Failed   int64   `json:"failed"`
	Rate     float64 `json:"rate"` // how many times as fast as it may the budget is used up
}

func (h *handler) getOverview(w http.ResponseWriter, r *http.Request) error {
	o, err := h.service.Overview(r.Context())
	if err != nil {
		return err
	}
	out := overviewOut{Version: h.version, Database: h.database, Pause: newPause(h.service.Paused()), Apps: o.Apps, Accepted: o.Accepted, AcceptedBytes: o.Bytes, Due: o.Backlog.Due, OldestDue: timeOrNull(o.Backlog.Oldest),
		Failing: []failingOut{}, Loudest: []volumeOut{}}
	for i := range o.OK {
		out.Delivered, out.Failed = out.Delivered+o.OK[i], out.Failed+o.Failed[i]
	}
	for _, f := range o.Failing {
		e := f.Health.Endpoint
		out.Failing = append(out.Failing, failingOut{h.id(hookswitch.KindApp, f.App.Key), h.id(hookswitch.KindEndpoint, e.Key), e.URL, httpapi.MilliTime(e.FailSince), e.Disabled, timeOrNull(f.Health.DisablesAt)})
	}
	for _, l := range o.Loudest {
		out.Loudest = append(out.Loudest, volumeOut{h.id(hookswitch.KindApp, l.App.Key), l.App.Name, l.Events, l.Bytes, l.Share, l.LastHour, l.Usual()})
	}
	b, err := h.service.ErrorBudget(r.Context())
	if err != nil {
		return err
	}
	out.ErrorBudget = budgetOut{Objective: b.Objective, Days: b.Days, Used: b.Used, Burns: []burnOut{}}
	for _, one := range b.Burns {
		out.ErrorBudget.Burns = append(out.ErrorBudget.Burns, burnOut{int(one.Window / time.Hour), one.OK + one.Failed, one.Failed, one.Rate})
	}
	size, err := h.service.DatabaseSize(r.Context())
	if err != nil {
		return err
	}
	if out.DatabaseBytes = size.Data; size.Log >= 0 {
		out.LogBytes = &size.Log
	}
	if out.Nodes, err = h.nodes(r); err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
