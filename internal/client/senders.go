package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Sender is a sender with its routes.
type Sender struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	Result      string  `json:"result,omitempty"` // of an application: created, changed or unchanged
	PhoneNumber *string `json:"phoneNumber"`
	Default     bool    `json:"default"`
	// Channels are those of the routes, and those that have been switched on and wait for one.
	Channels     []string   `json:"channels"`
	EmailAddress *string    `json:"emailAddress"`
	DoorURL      string     `json:"doorUrl"`
	Routes       []Route    `json:"routes"`
	Webhook      *Webhook   `json:"webhook"`
	Responder    *Responder `json:"responder"`
	// Dialogue is what it says in calls and USSD sessions in its own words.
	Dialogue  *hookswitch.DialogueTexts `json:"dialogue"`
	CreatedAt time.Time                 `json:"createdAt"`
	UpdatedAt time.Time                 `json:"updatedAt"`
}

// Route is how one channel of a sender is reached.
type Route struct {
	ID       string  `json:"id"`
	Channel  string  `json:"channel"`
	Provider string  `json:"provider"`
	Address  *string `json:"address"`
	Known    bool    `json:"known"` // the server has an adapter of the provider
	Receives bool    `json:"receives"`
	Sends    bool    `json:"sends"`
	// Lacks are the credentials without which nothing can be sent over it, though its provider could; Ignored those of its own that the provider does not know.
	Lacks   []string `json:"lacks"`
	Ignored []string `json:"ignored"`
	Rate    *string  `json:"rate"` // how often may be sent over it; nil: as often as is usual at its provider
	// Disabled is there where nothing can be sent over it until its credentials are set anew.
	Disabled       *RouteDisabled `json:"disabled"`
	DoorURL        string         `json:"doorUrl"`
	SharedDoorURLs []string       `json:"sharedDoorUrls"`
}

// RouteDisabled tells since when a route is disabled, and why, in the provider's words.
type RouteDisabled struct {
	At    time.Time `json:"at"`
	Cause string    `json:"cause"`
}

// Webhook is the webhook of a sender. Secret is there only in the answer that makes it.
type Webhook struct {
	ID     string   `json:"id"`
	URL    string   `json:"url"`
	Events []string `json:"events"`
	Active bool     `json:"active"`
	// SignatureVersion is the variant of Zavu's signature: v1, v1+v2 or v2.
	SignatureVersion string `json:"signatureVersion"`
	Secret           string `json:"secret,omitempty"`
}

// Responder is what answers a sender's messages.
type Responder struct {
	Kind string `json:"kind"`
}

// ApplySenders makes the senders of an app what the sender file says.
func (c *Client) ApplySenders(ctx context.Context, app string, file []byte) (Page[Sender], error) {
	page := Page[Sender]{Items: []Sender{}}
	err := c.call(ctx, http.MethodPut, appPath(app)+"/senders", json.RawMessage(file), &page)
	return page, err
}

// Senders lists the senders of an app.
func (c *Client) Senders(ctx context.Context, app string, l List) (Page[Sender], error) {
	return operatorList[Sender](ctx, c, appPath(app)+"/senders", l, nil)
}

// Sender is the sender of an app with the id.
func (c *Client) Sender(ctx context.Context, app, sender string) (s Sender, err error) {
	err = c.call(ctx, http.MethodGet, appPath(app)+"/senders/"+seg(sender), nil, &s)
	return s, err
}

// DeleteSender removes a sender.
func (c *Client) DeleteSender(ctx context.Context, app, sender string) error {
	return c.call(ctx, http.MethodDelete, appPath(app)+"/senders/"+seg(sender), nil, nil)
}

// Registration is what became of telling the provider of a route where to push.
type Registration struct {
	RouteID  string             `json:"routeId"`
	Channel  string             `json:"channel"`
	Provider string             `json:"provider"`
	DoorURL  string             `json:"doorUrl"`
	Result   string             `json:"result"` // registered, by_hand or failed
	Error    *RegistrationError `json:"error"`
	Steps    []string           `json:"steps"` // what is left for a person to do at the provider
}

// RegistrationError is why a provider has not taken an address.
type RegistrationError struct {
	Message string `json:"message"`
	Again   bool   `json:"again"` // the same call may do better later
}

// RegisterSender tells the providers of a sender where to push. With a channel, only for the routes of that.
func (c *Client) RegisterSender(ctx context.Context, app, sender, channel string) (Page[Registration], error) {
	page := Page[Registration]{Items: []Registration{}}
	path := appPath(app) + "/senders/" + seg(sender) + "/register"
	if channel != "" {
		path += "?channel=" + url.QueryEscape(channel)
	}
	err := c.call(ctx, http.MethodPost, path, nil, &page)
	return page, err
}
