package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type clientCmd struct {
	Create clientCreate `cmd:"" help:"Create a client"`
	List   clientList   `cmd:"" help:"List the clients of an app"`
	Revoke clientRevoke `cmd:"" help:"Revoke a client"`
}

// Help is kong's.
func (clientCmd) Help() string {
	return `A client is a program that gets tokens for the Travtus-shaped API by its credentials (OAuth 2.0). It acts for one app.

    hookswitch client create --app acme
    hookswitch client list --app acme`
}

type clientCreate struct {
	ofApp
	Name string `name:"name" placeholder:"NAME" help:"What you call it."`
}

// Help is kong's.
func (clientCreate) Help() string {
	return `Creates a client and prints its id and secret. The secret is not shown again.

    hookswitch client create --app acme --name "Property system"
    hookswitch client create --app acme --json | jq -r .clientSecret`
}

// Run creates the client.
func (c *clientCreate) Run(e *env) error {
	made, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.OAuthClient, error) {
		return cl.CreateOAuthClient(ctx, c.App, c.Name)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, made, func(p *printer) {
		p.fields(field{"client id", made.ClientID}, field{"client secret", made.ClientSecret}, field{"name", text(made.Name)})
		p.line("Keep the secret: it is not shown again.")
	})
}

type clientList struct {
	ofApp
	paging
}

// Help is kong's.
func (clientList) Help() string {
	return `Lists the clients of an app, newest first, with the last letters of their secrets.

    hookswitch client list --app acme
    hookswitch client list --app acme --json`
}

// Run lists the clients.
func (c *clientList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.OAuthClient], error) {
		return cl.OAuthClients(ctx, c.App, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "The app has no clients. Make one with: hookswitch client create --app APP", []string{"CLIENT ID", "NAME", "ENDS IN", "CREATED"},
			func(c client.OAuthClient) []string {
				return []string{c.ClientID, text(c.Name), c.Hint, clock(c.CreatedAt)}
			})
	})
}

type clientRevoke struct {
	ofApp
	Client string `arg:"" help:"Id of the client, as client list shows it."`
}

// Help is kong's.
func (clientRevoke) Help() string {
	return `Revokes a client. Its tokens are refused from now on.

    hookswitch client revoke --app acme cli_0abcDEF
    hookswitch client revoke --app acme cli_0abcDEF --json`
}

// Run revokes the client.
func (c *clientRevoke) Run(e *env) error {
	return remove(e, &c.remote, "client", c.Client, func(ctx context.Context, cl *client.Client) error { return cl.RevokeOAuthClient(ctx, c.App, c.Client) })
}
