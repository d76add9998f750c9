package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Contact is a person of an app.
type Contact struct {
	ID          string            `json:"id"`
	Name        *string           `json:"name"`
	DisplayName *string           `json:"displayName"`
	Identifiers []Identifier      `json:"identifiers"`
	Metadata    map[string]string `json:"metadata"`
	CreatedAt   time.Time         `json:"createdAt"`
	UpdatedAt   time.Time         `json:"updatedAt"`
}

// Identifier is what a contact is known by on a channel.
type Identifier struct {
	Channel       string     `json:"channel"`
	Value         string     `json:"value"`
	Primary       bool       `json:"primary"`
	LastInboundAt *time.Time `json:"lastInboundAt"`
	OptedOutAt    *time.Time `json:"optedOutAt"` // nil: they have nothing against messages there
}

// Contact is a contact of an app, by id or phone number.
func (c *Client) Contact(ctx context.Context, app, contact string) (out Contact, err error) {
	err = c.call(ctx, http.MethodGet, contactPath(app, contact), nil, &out)
	return out, err
}

// ClearOptOut notes that a contact may be written to again on the channel, or, where it is empty, on all.
func (c *Client) ClearOptOut(ctx context.Context, app, contact, channel string) (out Contact, err error) {
	path := contactPath(app, contact) + "/opt-out"
	if channel != "" {
		path += "?" + url.Values{"channel": {channel}}.Encode()
	}
	err = c.call(ctx, http.MethodDelete, path, nil, &out)
	return out, err
}

// Erasure is the task that erases a contact.
type Erasure struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"createdAt"`
}

// EraseContact has a contact forgotten, and all that names them. That goes on by itself.
func (c *Client) EraseContact(ctx context.Context, app, contact string) (out Erasure, err error) {
	err = c.call(ctx, http.MethodDelete, contactPath(app, contact), nil, &out)
	return out, err
}

// ExportContact writes to w what is kept about a contact, a JSON object a line.
func (c *Client) ExportContact(ctx context.Context, app, contact string, w io.Writer) error {
	return c.copy(ctx, contactPath(app, contact)+"/export", w)
}

func contactPath(app, contact string) string {
	return appPath(app) + "/contacts/" + seg(contact)
}
