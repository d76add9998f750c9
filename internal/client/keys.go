package client

import (
	"context"
	"net/http"
	"time"
)

// Key is an API key. Key.Key, its text, is there only in the answer that makes it.
type Key struct {
	ID         string     `json:"id"`
	Key        string     `json:"key,omitempty"`
	Name       string     `json:"name"`
	Test       bool       `json:"test"`
	Scopes     []string   `json:"scopes"` // none: everything
	Hint       string     `json:"hint"`
	CreatedAt  time.Time  `json:"createdAt"`
	RotatedAt  *time.Time `json:"rotatedAt"`
	OldUntil   *time.Time `json:"oldUntil"`
	LastUsedAt *time.Time `json:"lastUsedAt"`
}

// NewKey is what a key is made with. Sends of a test key are simulated; a key without scopes is for everything.
type NewKey struct {
	Name   string   `json:"name,omitempty"`
	Test   bool     `json:"test"`
	Scopes []string `json:"scopes,omitempty"`
}

// CreateKey makes an API key of an app.
func (c *Client) CreateKey(ctx context.Context, app string, in NewKey) (k Key, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/keys", in, &k)
	return k, err
}

// RotateKey gives an API key a new text. The old one counts for overlap longer.
func (c *Client) RotateKey(ctx context.Context, app, key string, overlap time.Duration) (k Key, err error) {
	err = c.call(ctx, http.MethodPost, appPath(app)+"/keys/"+seg(key)+"/rotate", map[string]int64{"overlapMs": overlap.Milliseconds()}, &k)
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
