package client

import (
	"context"
	"net/http"
	"time"
)

// Stray is a genuine push, or one with parts, that belonged to no route or could not be read.
type Stray struct {
	ID         string    `json:"id"`
	Provider   string    `json:"provider"`
	Door       string    `json:"door"`
	Reason     string    `json:"reason"`
	Body       *string   `json:"body"` // in lists the beginning; nil: it is no text
	BodyBytes  int       `json:"bodyBytes"`
	BodyBase64 []byte    `json:"bodyBase64,omitempty"` // all of it, of one that was asked for by its id
	ReceivedAt time.Time `json:"receivedAt"`
}

// Strays lists what was kept aside.
func (c *Client) Strays(ctx context.Context, l List) (Page[Stray], error) {
	return operatorList[Stray](ctx, c, operatorBase+"/strays", l, nil)
}

// Stray is what was kept aside under the id, with all of its body.
func (c *Client) Stray(ctx context.Context, id string) (s Stray, err error) {
	err = c.call(ctx, http.MethodGet, operatorBase+"/strays/"+seg(id), nil, &s)
	return s, err
}

// DeleteStray forgets what was kept aside under the id.
func (c *Client) DeleteStray(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, operatorBase+"/strays/"+seg(id), nil, nil)
}
