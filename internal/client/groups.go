package client

import (
	"context"
	"net/http"
	"time"
)

// Group is a community or portfolio that messages belong to. ID is a UUID.
type Group struct {
	ID          string    `json:"id"`
	ExternalRef *string   `json:"externalRef"`
	Name        *string   `json:"name"`
	Configured  bool      `json:"configured"`
	CreatedAt   time.Time `json:"createdAt"`
}

// CreateGroup makes a group of an app. Its fields are id, externalRef and name.
func (c *Client) CreateGroup(ctx context.Context, app string, fields Changes) (g Group, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/groups", fields, &g)
	return g, err
}

// Groups lists the groups of an app.
func (c *Client) Groups(ctx context.Context, app string, l List) (Page[Group], error) {
	return operatorList[Group](ctx, c, appPath(app)+"/groups", l, nil)
}

// DeleteGroup removes a group.
func (c *Client) DeleteGroup(ctx context.Context, app, id string) error {
	return c.call(ctx, http.MethodDelete, appPath(app)+"/groups/"+seg(id), nil, nil)
}
