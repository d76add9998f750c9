package client

import (
	"context"
	"net/http"
	"time"
)

// Key is an API key. Key.Key, its text, is there only in the answer that makes it.
type Key struct {
	ID        string    `json:"id"`
	Key       string    `json:"key,omitempty"`
	Test      bool      `json:"test"`
	Hint      string    `json:"hint"`
	CreatedAt time.Time `json:"createdAt"`
}

// CreateKey makes an API key of an app. Sends of a test key are simulated.
func (c *Client) CreateKey(ctx context.Context, app string, test bool) (k Key, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/keys", map[string]bool{"test": test}, &k)
	return k, err
}

// Keys lists the API keys of an app.
func (c *Client) Keys(ctx context.Context, app string, l List) (Page[Key], error) {
	return operatorList[Key](ctx, c, appPath(app)+"/keys", l, nil)
}

// DeleteKey revokes an API key.
func (c *Client) DeleteKey(ctx context.Context, app, key string) error {
	return c.call(ctx, http.MethodDelete, appPath(app)+"/keys/"+seg(key), nil, nil)
}
