package client

import (
	"context"
	"net/url"
	"time"
)

// Attempt is one try of delivering an event to an endpoint.
type Attempt struct {
	ID          string    `json:"id"`
	EventID     string    `json:"msgId"`
	EndpointID  string    `json:"endpointId"`
	URL         string    `json:"url"`
	Status      int       `json:"status"`
	StatusText  string    `json:"statusText"`
	Code        int       `json:"responseStatusCode"` // 0: there was no answer
	DurationMs  int64     `json:"responseDurationMs"`
	Response    string    `json:"response"`
	TriggerType int       `json:"triggerType"` // 0: by the schedule, 1: by hand
	Timestamp   time.Time `json:"timestamp"`
}

// EventAttempts lists the attempts for an event, at one endpoint or, where that is empty, at all.
func (c *Client) EventAttempts(ctx context.Context, app, event, endpoint string, l List) (Page[Attempt], error) {
	var query url.Values
	if endpoint != "" {
		query = url.Values{"endpoint_id": {endpoint}}
	}
	return svixList[Attempt](ctx, c, svixBase+seg(app)+"/attempt/msg/"+seg(event), l, query)
}
