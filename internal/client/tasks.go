package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Task is a background task as the Svix-shaped API shows it.
type Task struct {
	ID        string    `json:"id"`
	Task      string    `json:"task"`   // what it does, such as endpoint.recover
	Status    string    `json:"status"` // running, finished or failed
	UpdatedAt time.Time `json:"updatedAt"`
	Data      TaskData  `json:"data"`
}

// TaskData is what a recovery tells of itself. Of other tasks the most is empty.
type TaskData struct {
	EndpointID string `json:"endpointId,omitempty"`
	Total      *int   `json:"total,omitempty"` // nil: it is being counted
	Done       int    `json:"done"`
	Skipped    int    `json:"skipped"`
	Canceled   bool   `json:"canceled"`
	Error      string `json:"error,omitempty"`
	Resumes    string `json:"resumes,omitempty"`
}

// The ways in which a recovery sends again, as parts of paths.
const (
	RecoverFailed  = "recover"
	RecoverMissing = "replay-missing"
	RecoverAll     = "bulk-replay"
)

func recoverPath(app, endpoint, way string) string {
	return endpointsPath(app) + "/" + seg(endpoint) + "/" + way
}

// Recover starts a recovery of an endpoint in one of the ways.
func (c *Client) Recover(ctx context.Context, app, endpoint, way string, fields Changes) (t Task, err error) {
	err = c.call(ctx, http.MethodPost, recoverPath(app, endpoint, way), fields, &t)
	return t, err
}

// CountRecovery is how many events that recovery would send now.
func (c *Client) CountRecovery(ctx context.Context, app, endpoint, way string, fields Changes) (int, error) {
	var answer struct {
		Count int `json:"count"`
	}
	err := c.call(ctx, http.MethodPost, recoverPath(app, endpoint, way)+"?dry_run=true", fields, &answer)
	return answer.Count, err
}

const tasksPath = "/api/v1/background-task"

// Tasks lists the tasks of all apps, newest first; status narrows the list, "" does not.
func (c *Client) Tasks(ctx context.Context, status string, l List) (Page[Task], error) {
	query := url.Values{}
	if status != "" {
		query.Set("status", status)
	}
	return svixList[Task](ctx, c, tasksPath, l, query)
}

// Task is the task with the id.
func (c *Client) Task(ctx context.Context, id string) (t Task, err error) {
	err = c.call(ctx, http.MethodGet, tasksPath+"/"+seg(id), nil, &t)
	return t, err
}

// CancelTask ends a task.
func (c *Client) CancelTask(ctx context.Context, id string) (t Task, err error) {
	err = c.call(ctx, http.MethodPost, tasksPath+"/"+seg(id)+"/cancel", nil, &t)
	return t, err
}

// ResumeTask goes on with a recovery that was stopped, in a new task.
func (c *Client) ResumeTask(ctx context.Context, id string) (t Task, err error) {
	err = c.call(ctx, http.MethodPost, tasksPath+"/"+seg(id)+"/resume", nil, &t)
	return t, err
}
