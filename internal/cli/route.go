package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/internal/client"
)

type senderCreate struct {
	ofApp
	Phone   string `name:"phone" placeholder:"NUMBER" help:"Its phone number, such as +15551234567."`
	Default bool   `name:"default" help:"Messages that name no sender go out from it."`
	Name    string `arg:"" help:"The name of the sender."`
}

// Help is kong's.
func (senderCreate) Help() string {
	return `Makes a sender without routes, which "hookswitch sender route add" gives it.

    hookswitch sender create --app acme support
    hookswitch sender create --app acme support --phone +15551234567 --json`
}

// Run makes it.
func (c *senderCreate) Run(e *env) error {
	s, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Sender, error) {
		return cl.CreateSender(ctx, c.App, client.NewSender{Name: c.Name, PhoneNumber: c.Phone, Default: c.Default})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, s, func(p *printer) { p.sender(s) })
}

type senderProviders struct {
	remote
	Channel string `name:"channel" placeholder:"CHANNEL" help:"Only the providers of this channel."`
}

// Help is kong's.
func (senderProviders) Help() string {
	return `Lists what routes can be made of: providers, their channels, and the credentials that each wants.

    hookswitch sender providers
    hookswitch sender providers --channel whatsapp`
}

// Run lists them.
func (c *senderProviders) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Provider], error) {
		return cl.Providers(ctx)
	})
	if err != nil {
		return err
	}
	page.Items = slices.DeleteFunc(page.Items, func(p client.Provider) bool { return c.Channel != "" && p.Channel != c.Channel })
	return e.show(c.JSON, page, func(p *printer) {
		for i, one := range page.Items {
			if i > 0 {
				p.line("")
			}
			p.line("%s over %s", one.Channel, one.Provider)
			var rows [][]string
			for _, f := range one.Credentials {
				needed := ""
				switch {
				case f.Receives:
					needed = "to receive"
				case f.Sends:
					needed = "to send"
				}
				if f.Chosen {
					needed = strings.TrimSpace(needed + " (made if left out)")
				}
				if !f.Rare {
					rows = append(rows, []string{"  " + f.Name, needed, f.Hint})
				}
			}
			p.table([]string{"  NAME", "NEEDED", "WHAT IT IS"}, rows)
		}
	})
}

type routeCmd struct {
	Add    routeAdd    `cmd:"" help:"Give a sender a route over a provider"`
	Set    routeSet    `cmd:"" help:"Change the credentials of a route"`
	Check  routeCheck  `cmd:"" help:"Check a route, and ask its provider whose account it opens"`
	Remove routeRemove `cmd:"" help:"Take a route from a sender"`
}

// Help is kong's.
func (routeCmd) Help() string {
	return `A route is how one channel of a sender is reached: a provider, and the credentials for it. Credentials are stored encrypted and never shown again.

    hookswitch sender route add --app acme support --channel telegram --provider telegram --set bot_token=@token.txt
    hookswitch sender route check --app acme support telegram`
}

// credentialFlags are what sets credentials.
type credentialFlags struct {
	Set  []string `name:"set" sep:"none" placeholder:"NAME=VALUE" help:"A credential; NAME=@FILE reads it from a file, and keeps it out of the list of processes. May be given several times, also for several values of one."`
	Rate string   `name:"rate" placeholder:"RATE" help:"How often may be sent over it, such as 10/s, or usual."`
}

func (c *credentialFlags) read(e *env) (map[string][]string, error) {
	out := make(map[string][]string)
	for _, one := range c.Set {
		name, value, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, usagef("--set takes NAME=VALUE, and got something without a name before an “=”")
		}
		if file, isFile := strings.CutPrefix(value, "@"); isFile {
			b, err := e.readInput(file)
			if err != nil {
				return nil, hinted(err, "--set "+name+"=@ with the path of a file")
			}
			value = strings.TrimSpace(string(b))
		}
		out[name] = append(out[name], value)
	}
	return out, nil
}

func (p *printer) changedRoute(r client.ChangedRoute) {
	p.line("%s", routeText(r.Route))
	list := []field{{"  id", r.Route.ID}, {"  door", r.Route.DoorURL}}
	for _, name := range slices.Sorted(maps.Keys(r.Made)) {
		list = append(list, field{"  " + name, r.Made[name]})
	}
	p.fields(list...)
	if len(r.Made) > 0 {
		p.line("  Keep what was made up: it is not shown again.")
	}
}

type routeAdd struct {
	ofApp
	credentialFlags
	Channel  string `name:"channel" required:"" placeholder:"CHANNEL" help:"The channel, such as whatsapp."`
	Provider string `name:"provider" required:"" placeholder:"PROVIDER" help:"The provider, such as meta."`
	Sender   string `arg:"" help:"The sender, by id or name."`
}

// Help is kong's.
func (routeAdd) Help() string {
	return `Gives a sender a route. What is to be made up on our side, such as a verify token, is made where it is left out, and printed this once.
"hookswitch sender providers" lists what each provider wants.

    hookswitch sender route add --app acme support --channel whatsapp --provider meta --set app_secret=@secret.txt --set phone_number_id=106540352242922
    hookswitch sender route add --app acme support --channel telegram --provider telegram --set bot_token=@token.txt --json`
}

// Run adds it.
func (c *routeAdd) Run(e *env) error {
	credentials, err := c.read(e)
	if err != nil {
		return err
	}
	done, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.ChangedRoute, error) {
		s, err := findSender(ctx, cl, c.App, c.Sender)
		if err != nil {
			return client.ChangedRoute{}, err
		}
		return cl.CreateRoute(ctx, c.App, s.ID, client.RouteChange{Channel: c.Channel, Provider: c.Provider, Credentials: credentials, Rate: c.Rate})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, done, func(p *printer) { p.changedRoute(done) })
}

// oneRoute names a route of a sender.
type oneRoute struct {
	ofApp
	Sender string `arg:"" help:"The sender, by id or name."`
	Route  string `arg:"" help:"The route, by its id, or by its channel where that is the only one."`
}

// find is the ids of the sender and the route.
func (c *oneRoute) find(ctx context.Context, cl *client.Client) (sender, route string, err error) {
	s, err := findSender(ctx, cl, c.App, c.Sender)
	if err != nil {
		return "", "", err
	}
	var found []client.Route
	for _, r := range s.Routes {
		if r.ID == c.Route || r.Channel == c.Route {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return "", "", hinted(fmt.Errorf("the sender has no route that %q names", c.Route), "\"hookswitch sender get\" for those that there are, or \"hookswitch sender route add\"")
	}
	if len(found) > 1 {
		return "", "", hinted(fmt.Errorf("the sender has %d routes that %q names", len(found), c.Route), "the id of one, which \"hookswitch sender get\" prints")
	}
	return s.ID, found[0].ID, nil
}

type routeSet struct {
	oneRoute
	credentialFlags
	Unset  []string `name:"unset" placeholder:"NAME" help:"A credential to take away; may be given several times."`
	Beside []string `name:"beside" placeholder:"NAME" help:"A credential whose old value stays good behind the new one; may be given several times."`
}

// Help is kong's.
func (routeSet) Help() string {
	return `Changes credentials of a route; others stay. A route that was disabled sends again.

    hookswitch sender route set --app acme support sms --set auth_token=@new.txt --beside auth_token
    hookswitch sender route set --app acme support sms --unset from --rate usual`
}

// Run changes it.
func (c *routeSet) Run(e *env) error {
	if len(c.Set)+len(c.Unset) == 0 && c.Rate == "" {
		return usagef("nothing to set: give at least one of --set, --unset and --rate")
	}
	credentials, err := c.read(e)
	if err != nil {
		return err
	}
	done, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.ChangedRoute, error) {
		sender, route, err := c.find(ctx, cl)
		if err != nil {
			return client.ChangedRoute{}, err
		}
		return cl.UpdateRoute(ctx, c.App, sender, route, client.RouteChange{Credentials: credentials, Remove: c.Unset, Beside: c.Beside, Rate: c.Rate})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, done, func(p *printer) { p.changedRoute(done) })
}

type routeCheck struct{ oneRoute }

// Help is kong's.
func (routeCheck) Help() string {
	return `Says whether a route can receive and send, what is missing, what came to its door, and whose account its credentials open. Nothing is changed.

    hookswitch sender route check --app acme support whatsapp
    hookswitch sender route check --app acme support whatsapp --json`
}

// Run checks it.
func (c *routeCheck) Run(e *env) error {
	found, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.RouteCheck, error) {
		sender, route, err := c.find(ctx, cl)
		if err != nil {
			return client.RouteCheck{}, err
		}
		return cl.CheckRoute(ctx, c.App, sender, route)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, found, func(p *printer) {
		account := "the provider cannot be asked"
		switch {
		case found.Error != nil:
			account = *found.Error
		case found.Account != nil:
			account = strings.TrimSpace(text(found.Account.Name) + " " + found.Account.ID)
		}
		p.fields(field{"receives", yesNo(found.Receives)}, field{"sends", yesNo(found.Sends)}, field{"missing", strings.Join(found.Missing, ", ")}, field{"challenge", text(found.Challenge)},
			field{"refused", fmt.Sprint(found.Refused)}, field{"because", text(found.Cause)}, field{"account", account})
	})
}

type routeRemove struct{ oneRoute }

// Help is kong's.
func (routeRemove) Help() string {
	return `Takes a route from a sender: its door closes, and nothing is sent over it any more.

    hookswitch sender route remove --app acme support sms
    hookswitch sender route remove --app acme support sms --json`
}

// Run removes it.
func (c *routeRemove) Run(e *env) error {
	id, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (string, error) {
		sender, route, err := c.find(ctx, cl)
		if err != nil {
			return "", err
		}
		return route, cl.DeleteRoute(ctx, c.App, sender, route)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, gone{id, true}, func(p *printer) { p.line("Took the route %s away.", c.Route) })
}
