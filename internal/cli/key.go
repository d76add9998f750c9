package cli

import (
	"cmp"
	"context"
	"strings"

	"github.com/hookswitch/hookswitch/internal/client"
	"github.com/hookswitch/hookswitch/internal/config"
)

type keyCmd struct {
	Create keyCreate `cmd:"" help:"Create an API key"`
	List   keyList   `cmd:"" help:"List the API keys of an app"`
	Rotate keyRotate `cmd:"" help:"Give an API key a new text"`
	Revoke keyRevoke `cmd:"" aliases:"delete" help:"Revoke an API key"`
}

// Help is kong's.
func (keyCmd) Help() string {
	return `An API key lets a program act for one app in the Zavu-shaped API. What is sent with a test key is simulated. A key with scopes opens
only what they name.

    hookswitch key create --app acme --test
    hookswitch key list --app acme`
}

func keyMode(k client.Key) string {
	if k.Test {
		return "test"
	}
	return "live"
}

func keyScopes(k client.Key) string {
	if len(k.Scopes) == 0 {
		return "all"
	}
	return strings.Join(k.Scopes, ",")
}

type keyCreate struct {
	ofApp
	Name  string   `name:"name" placeholder:"TEXT" help:"What people call the key."`
	Test  bool     `name:"test" help:"Make a test key: what is sent with it is simulated."`
	Scope []string `name:"scope" placeholder:"SCOPE,…" help:"What the key is for, such as messages:write; everything when left out."`
}

// Help is kong's.
func (keyCreate) Help() string {
	return `Creates an API key and prints it. It is not shown again.

    hookswitch key create --app acme
    hookswitch key create --app acme --name shop --scope messages:write,contacts:read
    KEY=$(hookswitch key create --app acme --test --json | jq -r .key)`
}

// Run creates the key.
func (c *keyCreate) Run(e *env) error {
	k, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Key, error) {
		return cl.CreateKey(ctx, c.App, client.NewKey{Name: c.Name, Test: c.Test, Scopes: c.Scope})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, k, func(p *printer) {
		p.fields(field{"key", k.Key}, field{"id", k.ID}, field{"name", k.Name}, field{"mode", keyMode(k)}, field{"scopes", keyScopes(k)})
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
		listed(p, page, "The app has no API keys. Make one with: hookswitch key create --app APP", []string{"ID", "NAME", "MODE", "SCOPES", "ENDS IN", "CREATED", "LAST USED"},
			func(k client.Key) []string {
				return []string{k.ID, cmp.Or(k.Name, "-"), keyMode(k), keyScopes(k), k.Hint, clock(k.CreatedAt), clockOrNone(k.LastUsedAt)}
			})
	})
}

type keyRotate struct {
	ofApp
	Key     string          `arg:"" help:"Id of the key, as key list shows it."`
	Overlap config.Duration `name:"overlap" default:"24h" placeholder:"TIME" help:"How long the old text stays valid, up to 30d; 0 ends it at once."`
}

// Help is kong's.
func (keyRotate) Help() string {
	return `Gives an API key a new text and prints it. It is not shown again. The old text stays valid for a while, so that programs can
be moved to the new one; a text that is left from an earlier rotation ends at once.

    hookswitch key rotate --app acme key_0abcDEF
    hookswitch key rotate --app acme key_0abcDEF --overlap 1h --json`
}

// Run rotates the key.
func (c *keyRotate) Run(e *env) error {
	k, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Key, error) {
		return cl.RotateKey(ctx, c.App, c.Key, c.Overlap.Duration)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, k, func(p *printer) {
		p.fields(field{"key", k.Key}, field{"id", k.ID}, field{"old until", clockOrNone(k.OldUntil)})
		p.line("Keep the key: it is not shown again.")
	})
}

type keyRevoke struct {
	ofApp
	Key string `arg:"" help:"Id of the key, as key list shows it."`
}

// Help is kong's.
func (keyRevoke) Help() string {
	return `Revokes an API key. Whoever uses it is refused from now on, on every node.

    hookswitch key revoke --app acme key_0abcDEF
    hookswitch key revoke --app acme key_0abcDEF --json`
}

// Run revokes the key.
func (c *keyRevoke) Run(e *env) error {
	return remove(e, &c.remote, "key", c.Key, func(ctx context.Context, cl *client.Client) error { return cl.DeleteKey(ctx, c.App, c.Key) })
}
