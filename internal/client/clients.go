package client

import (
	"context"
	"net/http"
	"time"
)

// OAuthClient is a program that gets tokens by its credentials. ClientSecret is there only in the answer that makes it.
type OAuthClient struct {
	ClientID     string    `json:"clientId"`
	ClientSecret string    `json:"clientSecret,omitempty"`
	Name         *string   `json:"name"`
	Hint         string    `json:"hint"`
	CreatedAt    time.Time `json:"createdAt"`
}

// CreateOAuthClient makes a client of an app.
func (c *Client) CreateOAuthClient(ctx context.Context, app, name string) (out OAuthClient, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/clients", map[string]string{"name": name}, &out)
	return out, err
}

// OAuthClients lists the clients of an app.
func (c *Client) OAuthClients(ctx context.Context, app string, l List) (Page[OAuthClient], error) {
	return operatorList[OAuthClient](ctx, c, appPath(app)+"/clients", l, nil)
}

// RevokeOAuthClient ends a client and its tokens.
func (c *Client) RevokeOAuthClient(ctx context.Context, app, id string) error {
	return c.call(ctx, http.MethodDelete, appPath(app)+"/clients/"+seg(id), nil, nil)
}
