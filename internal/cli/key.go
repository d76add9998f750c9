package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type keyCmd struct {
	Create keyCreate `cmd:"" help:"Create an API key"`
	List   keyList   `cmd:"" help:"List the API keys of an app"`
	Delete keyDelete `cmd:"" help:"Revoke an API key"`
}

// Help is kong's.
func (keyCmd) Help() string {
	return `An API key lets a program act for one app in the Zavu-shaped API. What is sent with a test key is simulated.

    hookswitch key create --app acme --test
    hookswitch key list --app acme`
}

func keyMode(k client.Key) string {
	if k.Test {
		return "test"
	}
	return "live"
}

type keyCreate struct {
	ofApp
	Test bool `name:"test" help:"Make a test key: what is sent with it is simulated."`
}

// Help is kong's.
func (keyCreate) Help() string {
	return `Creates an API key and prints it. It is not shown again.

    hookswitch key create --app acme
    KEY=$(hookswitch key create --app acme --test --json | jq -r .key)`
}

// Run creates the key.
func (c *keyCreate) Run(e *env) error {
	k, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Key, error) {
		return cl.CreateKey(ctx, c.App, c.Test)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, k, func(p *printer) {
		p.fields(field{"key", k.Key}, field{"id", k.ID}, field{"mode", keyMode(k)})
		p.line("Keep the key: it is not shown again.")
	})
}

type keyList struct {
	ofApp
	paging
}

// Help is kong's.
func (keyList) Help() string {
	return `Lists the API keys of an app by their last letters, newest first.

    hookswitch key list --app acme
    hookswitch key list --app acme --json`
}

// Run lists the keys.
func (c *keyList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Key], error) {
		return cl.Keys(ctx, c.App, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "The app has no API keys. Make one with: hookswitch key create --app APP", []string{"ID", "MODE", "ENDS IN", "CREATED"},
			func(k client.Key) []string { return []string{k.ID, keyMode(k), k.Hint, clock(k.CreatedAt)} })
	})
}

type keyDelete struct {
	ofApp
	Key string `arg:"" help:"Id of the key, as key list shows it."`
}

// Help is kong's.
func (keyDelete) Help() string {
	return `Revokes an API key. Whoever uses it is refused from now on.

    hookswitch key delete --app acme key_0abcDEF
    hookswitch key delete --app acme key_0abcDEF --json`
}

// Run revokes the key.
func (c *keyDelete) Run(e *env) error {
	return remove(e, &c.remote, "key", c.Key, func(ctx context.Context, cl *client.Client) error { return cl.DeleteKey(ctx, c.App, c.Key) })
}
