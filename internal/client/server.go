package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Pause is that nothing is delivered.
type Pause struct {
	Since time.Time `json:"since"`
	Note  string    `json:"note"`
}

// Overview is how the server has been doing for a day.
type Overview struct {
	Version       string            `json:"version"`
	Database      string            `json:"database"`
	Pause         *Pause            `json:"pause"` // nil: work goes on
	Apps          int               `json:"apps"`
	Accepted      int64             `json:"accepted"`
	AcceptedBytes int64             `json:"acceptedBytes"`
	Delivered     int64             `json:"delivered"`
	Failed        int64             `json:"failed"`
	Due           int               `json:"due"`
	OldestDue     *time.Time        `json:"oldestDue"`
	Failing       []FailingEndpoint `json:"failingEndpoints"`
	Loudest       []AppVolume       `json:"loudestApps"`
	ErrorBudget   ErrorBudget       `json:"errorBudget"`
	DatabaseBytes int64             `json:"databaseBytes"`
	LogBytes      *int64            `json:"logBytes"`
	Nodes         []Node            `json:"nodes"`
}

// FailingEndpoint is an endpoint that has failed without a break.
type FailingEndpoint struct {
	AppID      string     `json:"appId"`
	EndpointID string     `json:"endpointId"`
	URL        string     `json:"url"`
	Since      time.Time  `json:"failingSince"`
	Disabled   bool       `json:"disabled"`
	DisablesAt *time.Time `json:"disablesAt"`
}

// AppVolume is how much an app has made in a day.
type AppVolume struct {
	AppID    string  `json:"appId"`
	Name     string  `json:"name"`
	Events   int64   `json:"events"`
	Bytes    int64   `json:"bytes"`
	Share    float64 `json:"share"`
	LastHour int64   `json:"lastHour"`
	Usual    int64   `json:"usualHour"`
}

// ErrorBudget is how many attempts may fail, and did.
type ErrorBudget struct {
	Objective float64 `json:"objective"`
	Days      int     `json:"days"`
	Used      float64 `json:"used"`
	Burns     []Burn  `json:"burns"`
}

// Burn is how fast the budget is used up, over some hours.
type Burn struct {
	Hours    int     `json:"hours"`
	Attempts int64   `json:"attempts"`
	Failed   int64   `json:"failed"`
	Rate     float64 `json:"rate"`
}

// Node is one of the processes that share the database.
type Node struct {
	Number      int        `json:"number"`
	Instance    string     `json:"instance"`
	State       string     `json:"state"` // working, drained or silent
	Own         bool       `json:"own"`
	Starts      int64      `json:"starts"`
	StartedAt   *time.Time `json:"startedAt"`
	HeartbeatAt time.Time  `json:"heartbeatAt"`
	DrainedAt   *time.Time `json:"drainedAt"`
	Version     *string    `json:"version"`
	Cores       int        `json:"cores"`
	CPU         float64    `json:"cpu"`
	MemoryBytes int64      `json:"memoryBytes"`
	Running     int        `json:"running"`
}

// Queues is what waits and runs.
type Queues struct {
	Pause        *Pause          `json:"pause"`
	Queues       []Queue         `json:"queues"`
	Destinations []TargetBacklog `json:"destinations"`
	Partial      bool            `json:"partial"`
	Slow         []SlowEndpoint  `json:"slowEndpoints"`
}

// Queue is what waits and runs of one kind of work.
type Queue struct {
	Kind      string     `json:"kind"`
	Due       int        `json:"due"`
	Later     int        `json:"later"`
	Running   int        `json:"running"`
	OldestDue *time.Time `json:"oldestDue"`
}

// TargetBacklog is what waits for somebody.
type TargetBacklog struct {
	Kind       string     `json:"kind"`
	AppID      *string    `json:"appId"`
	EndpointID *string    `json:"endpointId"`
	Name       string     `json:"name"`
	Waiting    int        `json:"waiting"`
	Due        int        `json:"due"`
	OldestDue  *time.Time `json:"oldestDue"`
}

// SlowEndpoint is an endpoint that takes long to answer.
type SlowEndpoint struct {
	AppID      string `json:"appId"`
	EndpointID string `json:"endpointId"`
	URL        string `json:"url"`
	P50MS      int64  `json:"p50Ms"`
	P95MS      int64  `json:"p95Ms"`
	Attempts   int64  `json:"attempts"`
	Failed     int64  `json:"failed"`
}

// Overview is how the server has been doing.
func (c *Client) Overview(ctx context.Context) (o Overview, err error) {
	err = c.call(ctx, http.MethodGet, operatorBase+"/overview", nil, &o)
	return o, err
}

// Queues is what waits and runs.
func (c *Client) Queues(ctx context.Context) (q Queues, err error) {
	err = c.call(ctx, http.MethodGet, operatorBase+"/queues", nil, &q)
	return q, err
}

// Pause stops all deliveries.
func (c *Client) Pause(ctx context.Context, note string) (p Pause, err error) {
	err = c.call(ctx, http.MethodPost, operatorBase+"/pause", Changes{"note": note}, &p)
	return p, err
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, operatorBase+"/pause", nil, nil)
}

// Nodes lists the nodes.
func (c *Client) Nodes(ctx context.Context) (p Page[Node], err error) {
	err = c.call(ctx, http.MethodGet, operatorBase+"/nodes", nil, &p)
	return p, err
}

// DrainNode has a node take no more work or, with drain false, take some again.
func (c *Client) DrainNode(ctx context.Context, number int, drain bool) (n Node, err error) {
	method := http.MethodPost
	if !drain {
		method = http.MethodDelete
	}
	err = c.call(ctx, method, operatorBase+"/nodes/"+strconv.Itoa(number)+"/drain", nil, &n)
	return n, err
}

// Activity is one thing that somebody did.
type Activity struct {
	ID         string            `json:"id"`
	AppID      *string           `json:"appId"` // nil: it concerns the whole server
	Number     int64             `json:"number"`
	Hash       string            `json:"hash"`
	At         time.Time         `json:"at"`
	Action     string            `json:"action"`
	Actor      string            `json:"actor"`
	EndpointID *string           `json:"endpointId"`
	Name       string            `json:"name"`
	Details    map[string]string `json:"details"`
}

// Activities lists who did what to an app or, where app is empty, to all of them and to the server. text, action and actor narrow it; text where no app is given alone.
func (c *Client) Activities(ctx context.Context, app, text, action, actor string, l List) (Page[Activity], error) {
	path := operatorBase + "/activity"
	if app != "" {
		path = appPath(app) + "/activity"
	}
	query := url.Values{}
	for name, value := range map[string]string{"q": text, "action": action, "actor": actor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return operatorList[Activity](ctx, c, path, l, query)
}

// ChainEntry is an entry of a chain of activities.
type ChainEntry struct {
	AppID  *string `json:"appId"`
	Number int64   `json:"number"`
	Hash   string  `json:"hash"`
}

// ChainReport is what checking the chains of activities has come to.
type ChainReport struct {
	Valid     bool           `json:"valid"`
	Chains    int            `json:"chains"`
	Entries   int            `json:"entries"`
	Compared  int            `json:"compared"` // of the heads that were sent
	Unchained int            `json:"unchained"`
	Problems  []ChainProblem `json:"problems"`
	Heads     []ChainEntry   `json:"heads"`
}

// ChainProblem is a place at which a chain is not what was written.
type ChainProblem struct {
	AppID  *string `json:"appId"`
	Number int64   `json:"number"`
	What   string  `json:"what"`
}

// VerifyActivities checks the chain of an app or, where app is empty, all of them. heads are what an earlier report told.
func (c *Client) VerifyActivities(ctx context.Context, app string, heads []ChainEntry) (r ChainReport, err error) {
	err = c.call(ctx, http.MethodPost, operatorBase+"/activity/verify", map[string]any{"app": app, "heads": heads}, &r)
	return r, err
}

// Check is one thing that the server has looked at.
type Check struct {
	Name     string  `json:"name"`
	State    string  `json:"state"` // fine, look or bad
	Sentence string  `json:"sentence"`
	Advice   *string `json:"advice"`
}

// Checkup has the server look at what it stands on.
func (c *Client) Checkup(ctx context.Context) (p Page[Check], err error) {
	err = c.call(ctx, http.MethodGet, operatorBase+"/checkup", nil, &p)
	return p, err
}
