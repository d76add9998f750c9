package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Event is an event. The Svix-shaped API calls it a message.
type Event struct {
	ID        string          `json:"id"`
	Type      string          `json:"eventType"`
	UID       *string         `json:"eventId"`
	Tags      []string        `json:"channels"`
	Payload   json.RawMessage `json:"payload"`
	Timestamp time.Time       `json:"timestamp"`
}

// Publish is an event that is to be made.
type Publish struct {
	Type string
	UID  string // empty: none
	Tags []string
	// Payload is a JSON object, whose bytes are what receivers get; empty: {}.
	Payload json.RawMessage
}

func eventsPath(app string) string { return svixBase + seg(app) + "/msg" }

func eventPath(app, event string) string { return eventsPath(app) + "/" + seg(event) }

// PublishEvent makes an event.
func (c *Client) PublishEvent(ctx context.Context, app string, p Publish) (e Event, err error) {
	fields := map[string]any{"eventType": p.Type}
	if p.UID != "" {
		fields["eventId"] = p.UID
	}
	if len(p.Tags) > 0 {
		fields["channels"] = p.Tags
	}
	head, err := json.Marshal(fields)
	if err != nil {
		return e, fmt.Errorf("encode event: %w", err)
	}
	if len(p.Payload) == 0 {
		p.Payload = json.RawMessage("{}")
	}
	// The payload is put in by hand, because encoding/json would write it in its own way.
	body := bytes.Join([][]byte{bytes.TrimSuffix(head, []byte("}")), []byte(`,"payload":`), p.Payload, []byte("}")}, nil)
	err = c.call(ctx, http.MethodPost, eventsPath(app), json.RawMessage(body), &e)
	return e, err
}

// EventFilter narrows a list of events.
type EventFilter struct {
	Types []string
	Tag   string
}

// Events lists the events of an app without their payloads.
func (c *Client) Events(ctx context.Context, app string, f EventFilter, l List) (Page[Event], error) {
	query := url.Values{"with_content": {"false"}}
	if len(f.Types) > 0 {
		query.Set("event_types", strings.Join(f.Types, ","))
	}
	if f.Tag != "" {
		query.Set("channel", f.Tag)
	}
	return svixList[Event](ctx, c, eventsPath(app), l, query)
}

// FoundEvent is an event that a filter found, and what has become of it.
type FoundEvent struct {
	ID        string     `json:"id"`
	UID       *string    `json:"uid"`
	Type      string     `json:"type"`
	Tags      []string   `json:"tags"`
	At        time.Time  `json:"at"`
	Attempts  int        `json:"attempts"`
	LastCode  *int       `json:"lastCode"` // nil: the last attempt was not answered, or there was none
	Delivered int        `json:"delivered"`
	Waiting   int        `json:"waiting"`
	Failed    int        `json:"failed"`
	Held      int        `json:"held"`
	NextAt    *time.Time `json:"nextAt"`
}

// FindEvents finds events of an app by a filter. The server looks for a moment at a time: a list may be short, or empty, and go on at its cursor.
func (c *Client) FindEvents(ctx context.Context, app, filter string, l List) (Page[FoundEvent], error) {
	return operatorList[FoundEvent](ctx, c, appPath(app)+"/events", l, url.Values{"q": {filter}})
}

// Event is the event with the id or uid.
func (c *Client) Event(ctx context.Context, app, event string) (e Event, err error) {
	err = c.call(ctx, http.MethodGet, eventPath(app, event), nil, &e)
	return e, err
}

// Destination is an endpoint that an event is owed to, and what has come of it.
type Destination struct {
	ID          string     `json:"id"`
	URL         string     `json:"url"`
	Disabled    bool       `json:"disabled"`
	Status      int        `json:"status"`
	StatusText  string     `json:"statusText"`
	NextAttempt *time.Time `json:"nextAttempt"`
}

// StatusSuccess is the Status of a Destination that has the event, and of an Attempt that succeeded.
const StatusSuccess = 0

// Destinations lists the endpoints that an event is owed to.
func (c *Client) Destinations(ctx context.Context, app, event string, l List) (Page[Destination], error) {
	return svixList[Destination](ctx, c, eventPath(app, event)+"/endpoint", l, nil)
}

// Resend asks for one more attempt at delivering an event to an endpoint.
func (c *Client) Resend(ctx context.Context, app, event, endpoint string) error {
	return c.call(ctx, http.MethodPost, eventPath(app, event)+"/endpoint/"+seg(endpoint)+"/resend", nil, nil)
}
