package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type groupCmd struct {
	Create groupCreate `cmd:"" help:"Create a group"`
	List   groupList   `cmd:"" help:"List the groups of an app"`
	Delete groupDelete `cmd:"" help:"Delete a group"`
}

// Help is kong's.
func (groupCmd) Help() string {
	return `A group is a community or portfolio that messages of the Travtus-shaped API belong to. While an app has none, messages may name any.

    hookswitch group create --app acme --external-ref oak-towers
    hookswitch group list --app acme`
}

type groupCreate struct {
	ofApp
	ID          string `name:"id" placeholder:"UUID" help:"UUID of the group; made when left out."`
	ExternalRef string `name:"external-ref" placeholder:"REF" help:"What the source of the messages calls it."`
	Name        string `name:"name" placeholder:"NAME" help:"What you call it."`
}

// Help is kong's.
func (groupCreate) Help() string {
	return `Creates a group and prints its id, which messages name as group_id.

    hookswitch group create --app acme --external-ref oak-towers --name "Oak Towers"
    GROUP=$(hookswitch group create --app acme --json | jq -r .id)`
}

func (p *printer) group(g client.Group) {
	p.fields(field{"id", g.ID}, field{"external ref", text(g.ExternalRef)}, field{"name", text(g.Name)}, field{"created", clock(g.CreatedAt)})
}

// Run creates the group.
func (c *groupCreate) Run(e *env) error {
	g, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Group, error) {
		return cl.CreateGroup(ctx, c.App, client.Changes{"id": orNull(c.ID), "externalRef": orNull(c.ExternalRef), "name": orNull(c.Name)})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, g, func(p *printer) { p.group(g) })
}

type groupList struct {
	ofApp
	paging
}

// Help is kong's.
func (groupList) Help() string {
	return `Lists the groups of an app, newest first, those among them that were named by messages.

    hookswitch group list --app acme
    hookswitch group list --app acme --json`
}

// Run lists the groups.
func (c *groupList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Group], error) {
		return cl.Groups(ctx, c.App, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "The app has no groups: messages may name any. Make one with: hookswitch group create --app APP",
			[]string{"ID", "EXTERNAL REF", "NAME", "CONFIGURED"}, func(g client.Group) []string {
				return []string{g.ID, text(g.ExternalRef), text(g.Name), yesNo(g.Configured)}
			})
	})
}

type groupDelete struct {
	ofApp
	Group string `arg:"" help:"Id of the group."`
}

// Help is kong's.
func (groupDelete) Help() string {
	return `Deletes a group. Messages that name it are refused from now on, unless it was the app's last.

    hookswitch group delete --app acme 550e8400-e29b-41d4-a716-446655440000
    hookswitch group delete --app acme 550e8400-e29b-41d4-a716-446655440000 --json`
}

// Run deletes the group.
func (c *groupDelete) Run(e *env) error {
	return remove(e, &c.remote, "group", c.Group, func(ctx context.Context, cl *client.Client) error { return cl.DeleteGroup(ctx, c.App, c.Group) })
}
