package cli

import (
	"context"
	"fmt"

	"github.com/hookswitch/hookswitch/internal/client"
)

type endpointCmd struct {
	Create  endpointCreate  `cmd:"" help:"Create an endpoint"`
	List    endpointList    `cmd:"" help:"List the endpoints of an app"`
	Get     endpointGet     `cmd:"" help:"Show an endpoint"`
	Set     endpointSet     `cmd:"" help:"Change an endpoint"`
	Delete  endpointDelete  `cmd:"" help:"Delete an endpoint"`
	Secret  endpointSecret  `cmd:"" help:"Print the signing secret of an endpoint"`
	Recover endpointRecover `cmd:"" help:"Send to an endpoint again what it missed"`
}

// Help is kong's.
func (endpointCmd) Help() string {
	return `An endpoint is a URL that gets the events of an app: all, or those of some types. Each request is signed with the endpoint's secret.

    hookswitch endpoint create --app acme https://example.com/hook
    hookswitch endpoint list --app acme`
}

// endpointFields are what can be set about an endpoint. A flag that is not given leaves its field alone, an empty one clears it.
type endpointFields struct {
	Type         []string     `name:"type" placeholder:"TYPE" help:"Send events of these types only; may be given several times."`
	Tag          []string     `name:"tag" placeholder:"TAG" help:"Send events with one of these tags only; may be given several times."`
	UID          *string      `name:"uid" placeholder:"UID" help:"Your own name for it, usable wherever its id is."`
	Description  *string      `name:"description" placeholder:"TEXT" help:"What it is for."`
	ThrottleRate *int         `name:"throttle-rate" placeholder:"N" help:"Most deliveries a second; 0 for no limit of its own."`
	Metadata     metadataFlag `name:"metadata" placeholder:"KEY=VALUE" help:"Your own key-value pairs, replacing all there are: a flag for each, and an empty one for none."`
}

func (f *endpointFields) changes() client.Changes {
	c := client.Changes{}
	if f.Type != nil {
		c["eventTypes"] = listOrNull(f.Type)
	}
	if f.Tag != nil {
		c["channels"] = listOrNull(f.Tag)
	}
	if f.UID != nil {
		c["uid"] = orNull(*f.UID)
	}
	if f.Description != nil {
		c["description"] = *f.Description
	}
	if f.ThrottleRate != nil {
		c["throttleRate"] = nil
		if *f.ThrottleRate != 0 {
			c["throttleRate"] = *f.ThrottleRate
		}
	}
	if f.Metadata != nil {
		c["metadata"] = f.Metadata
	}
	return c
}

// listOrNull is nil for a list that names nothing, which means everything.
func listOrNull(list []string) any {
	if len(list) == 0 || len(list) == 1 && list[0] == "" {
		return nil
	}
	return list
}

// endpointWithSecret is what create prints.
type endpointWithSecret struct {
	client.Endpoint
	Secret string `json:"secret,omitempty"`
}

func (p *printer) endpoint(e endpointWithSecret) {
	p.fields(field{"id", e.ID}, field{"url", e.URL}, field{"uid", text(e.UID)}, field{"description", e.Description}, field{"types", anything(e.EventTypes)},
		field{"tags", anything(e.Channels)}, field{"enabled", yesNo(!e.Disabled)}, field{"throttle rate", number(e.ThrottleRate)},
		field{"metadata", pairs(e.Metadata)}, field{"secret", e.Secret}, field{"created", clock(e.CreatedAt)})
}

type endpointCreate struct {
	ofApp
	endpointFields
	Secret string `name:"secret" placeholder:"whsec_…" help:"Signing secret; made when not given."`
	To     string `arg:"" name:"endpoint-url" help:"URL that gets the events."`
}

// Help is kong's.
func (endpointCreate) Help() string {
	return `Creates an endpoint and prints it with the secret that its receiver needs to check signatures.

    hookswitch endpoint create --app acme https://example.com/hook
    hookswitch endpoint create --app acme https://example.com/hook --type message.inbound,message.failed --json`
}

// Run creates the endpoint.
func (c *endpointCreate) Run(e *env) error {
	fields := c.changes()
	fields["url"] = c.To
	if c.Secret != "" {
		fields["secret"] = c.Secret
	}
	ep, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (ep endpointWithSecret, err error) {
		if ep.Endpoint, err = cl.CreateEndpoint(ctx, c.App, fields); err != nil {
			return ep, err
		}
		if ep.Secret, err = cl.EndpointSecret(ctx, c.App, ep.ID); err != nil {
			return ep, hinted(fmt.Errorf("the endpoint %s was made, but its secret could not be read: %w", ep.ID, err),
				"hookswitch endpoint secret --app "+c.App+" "+ep.ID)
		}
		return ep, nil
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, ep, func(p *printer) { p.endpoint(ep) })
}

type endpointList struct {
	ofApp
	paging
}

// Help is kong's.
func (endpointList) Help() string {
	return `Lists the endpoints of an app, newest first. Webhooks of senders are shown with their senders.

    hookswitch endpoint list --app acme
    hookswitch endpoint list --app acme --json`
}

// Run lists the endpoints.
func (c *endpointList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Endpoint], error) {
		return cl.Endpoints(ctx, c.App, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "The app has no endpoints. Make one with: hookswitch endpoint create --app APP URL", []string{"ID", "ENABLED", "TYPES", "URL"},
			func(ep client.Endpoint) []string {
				return []string{ep.ID, yesNo(!ep.Disabled), anything(ep.EventTypes), ep.URL}
			})
	})
}

// oneEndpoint names one endpoint.
type oneEndpoint struct {
	ofApp
	Endpoint string `arg:"" help:"The endpoint, by id or uid."`
}

type endpointGet struct{ oneEndpoint }

// Help is kong's.
func (endpointGet) Help() string {
	return `Shows an endpoint.

    hookswitch endpoint get --app acme billing
    hookswitch endpoint get --app acme billing --json`
}

// Run shows the endpoint.
func (c *endpointGet) Run(e *env) error {
	ep, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Endpoint, error) {
		return cl.Endpoint(ctx, c.App, c.Endpoint)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, ep, func(p *printer) { p.endpoint(endpointWithSecret{Endpoint: ep}) })
}

type endpointSet struct {
	oneEndpoint
	endpointFields
	NewURL  string `name:"new-url" placeholder:"URL" help:"Send to this URL from now on."`
	Enable  bool   `name:"enable" xor:"enable" help:"Enable it. What it missed is kept and not sent by this."`
	Disable bool   `name:"disable" xor:"enable" help:"Disable it. What it is still owed is not sent."`
}

// Help is kong's.
func (endpointSet) Help() string {
	return `Changes an endpoint. What no flag names stays as it is; an empty value clears.

    hookswitch endpoint set --app acme billing --new-url https://example.com/hooks/v2
    hookswitch endpoint set --app acme billing --type "" --enable`
}

// Run changes the endpoint.
func (c *endpointSet) Run(e *env) error {
	fields := c.changes()
	if c.NewURL != "" {
		fields["url"] = c.NewURL
	}
	if c.Enable || c.Disable {
		fields["disabled"] = c.Disable
	}
	if len(fields) == 0 {
		return usagef("nothing to set: give at least one flag such as --new-url or --disable")
	}
	ep, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Endpoint, error) {
		return cl.UpdateEndpoint(ctx, c.App, c.Endpoint, fields)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, ep, func(p *printer) { p.endpoint(endpointWithSecret{Endpoint: ep}) })
}

type endpointDelete struct{ oneEndpoint }

// Help is kong's.
func (endpointDelete) Help() string {
	return `Deletes an endpoint. Nothing is sent to it any more.

    hookswitch endpoint delete --app acme billing
    hookswitch endpoint delete --app acme billing --json`
}

// Run deletes the endpoint.
func (c *endpointDelete) Run(e *env) error {
	return remove(e, &c.remote, "endpoint", c.Endpoint, func(ctx context.Context, cl *client.Client) error {
		return cl.DeleteEndpoint(ctx, c.App, c.Endpoint)
	})
}

type endpointSecret struct{ oneEndpoint }

// Help is kong's.
func (endpointSecret) Help() string {
	return `Prints the secret that the events of an endpoint are signed with, for its receiver.

    hookswitch endpoint secret --app acme billing
    export WEBHOOK_SECRET=$(hookswitch endpoint secret --app acme billing)`
}

// shownSecret is what secret prints as JSON.
type shownSecret struct {
	Secret string `json:"secret"`
}

// Run prints the secret.
func (c *endpointSecret) Run(e *env) error {
	secret, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (string, error) {
		return cl.EndpointSecret(ctx, c.App, c.Endpoint)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, shownSecret{secret}, func(p *printer) { p.line("%s", secret) })
}
