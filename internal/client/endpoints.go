package client

import (
	"context"
	"net/http"
	"time"
)

// Endpoint is an endpoint as the Svix-shaped API shows it.
type Endpoint struct {
	ID           string            `json:"id"`
	UID          *string           `json:"uid"`
	URL          string            `json:"url"`
	Description  string            `json:"description"`
	Disabled     bool              `json:"disabled"`
	EventTypes   []string          `json:"eventTypes"`
	Channels     []string          `json:"channels"` // the tags it listens to
	ThrottleRate *int              `json:"throttleRate"`
	Metadata     map[string]string `json:"metadata"`
	CreatedAt    time.Time         `json:"createdAt"`
	UpdatedAt    time.Time         `json:"updatedAt"`
}

const svixBase = "/api/v1/app/"

func endpointsPath(app string) string { return svixBase + seg(app) + "/endpoint" }

// CreateEndpoint makes an endpoint. Its URL is among the fields.
func (c *Client) CreateEndpoint(ctx context.Context, app string, fields Changes) (e Endpoint, err error) {
	err = c.call(ctx, http.MethodPost, endpointsPath(app), fields, &e)
	return e, err
}

// Endpoints lists the endpoints of an app.
func (c *Client) Endpoints(ctx context.Context, app string, l List) (Page[Endpoint], error) {
	return svixList[Endpoint](ctx, c, endpointsPath(app), l, nil)
}

// Endpoint is the endpoint with the id or uid.
func (c *Client) Endpoint(ctx context.Context, app, endpoint string) (e Endpoint, err error) {
	err = c.call(ctx, http.MethodGet, endpointsPath(app)+"/"+seg(endpoint), nil, &e)
	return e, err
}

// UpdateEndpoint changes some fields of an endpoint.
func (c *Client) UpdateEndpoint(ctx context.Context, app, endpoint string, fields Changes) (e Endpoint, err error) {
	err = c.call(ctx, http.MethodPatch, endpointsPath(app)+"/"+seg(endpoint), fields, &e)
	return e, err
}

// DeleteEndpoint removes an endpoint.
func (c *Client) DeleteEndpoint(ctx context.Context, app, endpoint string) error {
	return c.call(ctx, http.MethodDelete, endpointsPath(app)+"/"+seg(endpoint), nil, nil)
}

// EndpointSecret is the secret that an endpoint's events are signed with.
func (c *Client) EndpointSecret(ctx context.Context, app, endpoint string) (string, error) {
	var answer struct {
		Key string `json:"key"`
	}
	err := c.call(ctx, http.MethodGet, endpointsPath(app)+"/"+seg(endpoint)+"/secret", nil, &answer)
	return answer.Key, err
}
