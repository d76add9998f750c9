package client

import (
	"context"
	"net/http"
)

// NewSender is a sender that is to be made.
type NewSender struct {
	Name        string `json:"name"`
	PhoneNumber string `json:"phoneNumber,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

// CreateSender makes a sender without routes.
func (c *Client) CreateSender(ctx context.Context, app string, in NewSender) (s Sender, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/senders", in, &s)
	return s, err
}

// RouteChange is a new route, or what changes about one.
type RouteChange struct {
	Channel     string              `json:"channel,omitempty"`
	Provider    string              `json:"provider,omitempty"`
	Credentials map[string][]string `json:"credentials,omitempty"`
	Remove      []string            `json:"remove,omitempty"`
	Beside      []string            `json:"beside,omitempty"`
	Rate        string              `json:"rate,omitempty"`
}

// ChangedRoute is a route after a change. Made are credentials that were made up just now, by name.
type ChangedRoute struct {
	Route Route             `json:"route"`
	Made  map[string]string `json:"made,omitempty"`
}

func routePath(app, sender, route string) string {
	return appPath(app) + "/senders/" + seg(sender) + "/routes/" + seg(route)
}

// CreateRoute gives a sender a route.
func (c *Client) CreateRoute(ctx context.Context, app, sender string, in RouteChange) (r ChangedRoute, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/senders/"+seg(sender)+"/routes", in, &r)
	return r, err
}

// UpdateRoute changes a route.
func (c *Client) UpdateRoute(ctx context.Context, app, sender, route string, in RouteChange) (r ChangedRoute, err error) {
	err = c.call(ctx, http.MethodPatch, routePath(app, sender, route), in, &r)
	return r, err
}

// DeleteRoute takes a route from a sender.
func (c *Client) DeleteRoute(ctx context.Context, app, sender, route string) error {
	return c.call(ctx, http.MethodDelete, routePath(app, sender, route), nil, nil)
}

// RouteCheck is what was found out about a route.
type RouteCheck struct {
	Receives  bool     `json:"receives"`
	Sends     bool     `json:"sends"`
	Missing   []string `json:"missing"`
	Challenge *string  `json:"challenge"` // failed, answered or waiting; nil: the provider never asks
	Refused   int64    `json:"refused"`
	Cause     *string  `json:"cause"`
	Asked     bool     `json:"asked"` // the provider was asked whose account the credentials open
	Account   *struct {
		ID    string  `json:"id"`
		Name  *string `json:"name"`
		Phone *string `json:"phoneNumber"`
	} `json:"account"`
	Error *string `json:"error"`
}

// CheckRoute looks at a route, and asks its provider.
func (c *Client) CheckRoute(ctx context.Context, app, sender, route string) (r RouteCheck, err error) {
	err = c.call(ctx, http.MethodPost, routePath(app, sender, route)+"/check", nil, &r)
	return r, err
}

// Provider is a provider on one of its channels.
type Provider struct {
	Provider    string       `json:"provider"`
	Channel     string       `json:"channel"`
	Credentials []Credential `json:"credentials"`
}

// Credential is what a provider wants to know.
type Credential struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Hint     string `json:"hint"`
	Receives bool   `json:"receives"`
	Sends    bool   `json:"sends"`
	Chosen   bool   `json:"chosen"`
	Rare     bool   `json:"rare"`
}

// Providers are all that a route can be made of.
func (c *Client) Providers(ctx context.Context) (Page[Provider], error) {
	page := Page[Provider]{Items: []Provider{}}
	err := c.call(ctx, http.MethodGet, operatorBase+"/providers", nil, &page)
	return page, err
}
