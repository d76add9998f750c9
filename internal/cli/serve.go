package cli

import (
	"fmt"

	"github.com/hookswitch/hookswitch/internal/config"
)

type devCmd struct{ config.Server }

// Help is kong's.
func (devCmd) Help() string {
	return `Starts a server with a demo in it: an app, a simulated WhatsApp number, and a play bin as the endpoint of its events. One message goes through
everything, and its way is printed. Deliveries may go to this machine. The settings are those of serve.

    hookswitch dev
    hookswitch dev --listen 127.0.0.1:9000 --data-dir /tmp/hookswitch`
}

// Run starts the server.
func (c *devCmd) Run(e *env) error { return hintServer(e.Dev(e.ctx, c.Server, e.Stdout)) }

type serveCmd struct{ config.Server }

// Help is kong's.
func (serveCmd) Help() string {
	return `Starts a server, and stops it in order at the first interrupt; the second ends it at once. It works with nothing set: an SQLite database, the operator
token and the master key are made in the data directory.

A setting is a flag, a variable of the environment, or a line of a YAML file, in this order. The list below shows the flag with its default, the meaning, and
the variable; the key in the file is the flag without its dashes, as in "retry-schedule: [5s, 5m, 2h]".

    hookswitch serve
    hookswitch serve --listen 0.0.0.0:8420 --public-url https://hooks.example.com --database postgres://hookswitch@db/hookswitch`
}

// Run starts the server.
func (c *serveCmd) Run(e *env) error { return hintServer(e.Serve(e.ctx, c.Server, e.Stdout)) }

type migrateCmd struct {
	config.Server
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is kong's.
func (migrateCmd) Help() string {
	return `Brings the schema of the database up to date and ends. A server does so by itself when it starts; this command is for those who want to do it before.

    hookswitch migrate
    hookswitch migrate --database postgres://hookswitch@db/hookswitch --json`
}

// migrated is what migrate prints as JSON.
type migrated struct {
	Applied []int64 `json:"applied"`
}

// Run migrates.
func (c *migrateCmd) Run(e *env) error {
	applied, err := e.Migrate(e.ctx, c.Server)
	if err != nil {
		return hintServer(err)
	}
	return e.show(c.JSON, migrated{append([]int64{}, applied...)}, func(p *printer) {
		if len(applied) == 0 {
			p.line("The schema was up to date.")
			return
		}
		p.line("Applied %s.", fmt.Sprint(applied))
	})
}

// hintServer adds what to try when a server does not start.
func hintServer(err error) error {
	if err == nil {
		return nil
	}
	return hinted(err, "check the settings with \"hookswitch serve --help\"")
}
