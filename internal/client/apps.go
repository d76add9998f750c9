package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// App is an app as the operator's API shows it.
type App struct {
	ID           string            `json:"id"`
	ProjectID    string            `json:"projectId"`
	UID          *string           `json:"uid"`
	Name         string            `json:"name"`
	BotName      *string           `json:"botName"`
	BotRef       *string           `json:"botRef"`
	CompanyID    *string           `json:"companyId"`
	ThrottleRate *int              `json:"throttleRate"`
	Metadata     map[string]string `json:"metadata"`
	CreatedAt    time.Time         `json:"createdAt"`
	UpdatedAt    time.Time         `json:"updatedAt"`
}

const (
	operatorBase = "/operator/v1"
	appsPath     = operatorBase + "/apps"
)

func appPath(app string) string { return appsPath + "/" + seg(app) }

// Changes are fields by their wire names; a nil value clears one.
type Changes map[string]any

// CreateApp makes an app. Its name is among the fields.
func (c *Client) CreateApp(ctx context.Context, fields Changes) (a App, err error) {
	err = c.call(ctx, http.MethodPost, appsPath, fields, &a)
	return a, err
}

// Apps lists the apps.
func (c *Client) Apps(ctx context.Context, l List) (Page[App], error) {
	return operatorList[App](ctx, c, appsPath, l, nil)
}

// App is the app with the id or uid.
func (c *Client) App(ctx context.Context, app string) (a App, err error) {
	err = c.call(ctx, http.MethodGet, appPath(app), nil, &a)
	return a, err
}

// UpdateApp changes some fields of an app.
func (c *Client) UpdateApp(ctx context.Context, app string, fields Changes) (a App, err error) {
	err = c.call(ctx, http.MethodPatch, appPath(app), fields, &a)
	return a, err
}

// DeleteApp removes an app and all it has.
func (c *Client) DeleteApp(ctx context.Context, app string) error {
	return c.call(ctx, http.MethodDelete, appPath(app), nil, nil)
}

// Portal is how the portal of an app looks, and who may frame it.
type Portal struct {
	Theme          *string  `json:"theme"`
	Color          *string  `json:"color"`
	Logo           *string  `json:"logo"`
	Font           *string  `json:"font"`
	Radius         *int     `json:"radius"`
	Density        *string  `json:"density"`
	Direction      *string  `json:"direction"`
	Refused        *string  `json:"refused"`
	FrameAncestors []string `json:"frameAncestors"`
}

// Portal is how the portal of the app with the id or uid looks.
func (c *Client) Portal(ctx context.Context, app string) (p Portal, err error) {
	err = c.call(ctx, http.MethodGet, appPath(app)+"/portal", nil, &p)
	return p, err
}

// UpdatePortal changes how the portal of an app looks.
func (c *Client) UpdatePortal(ctx context.Context, app string, fields Changes) (p Portal, err error) {
	err = c.call(ctx, http.MethodPatch, appPath(app)+"/portal", fields, &p)
	return p, err
}

// SetResponder chooses what answers what is posted to an app: the responder, as JSON.
func (c *Client) SetResponder(ctx context.Context, app string, responder []byte) (s Sender, err error) {
	err = c.call(ctx, http.MethodPut, appPath(app)+"/responder", json.RawMessage(responder), &s)
	return s, err
}

// ExportApp writes to w what is kept about an app, a JSON object a line.
func (c *Client) ExportApp(ctx context.Context, app string, w io.Writer) error {
	return c.copy(ctx, appPath(app)+"/export", w)
}
