package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch/internal/client"
)

type appCmd struct {
	Create appCreate `cmd:"" help:"Create an app"`
	List   appList   `cmd:"" help:"List the apps"`
	Get    appGet    `cmd:"" help:"Show an app"`
	Set    appSet    `cmd:"" help:"Change an app"`
	Export appExport `cmd:"" help:"Print what is kept about an app"`
	Delete appDelete `cmd:"" help:"Delete an app with all it has"`
}

// Help is kong's.
func (appCmd) Help() string {
	return `An app is a tenant: it owns senders, endpoints, events and API keys. The Svix-shaped API calls it an application, the Zavu-shaped API a project.

    hookswitch app create "Acme Bank" --uid acme
    hookswitch app list`
}

// appFields are what can be set about an app. A flag that is not given leaves its field alone, an empty one clears it.
type appFields struct {
	UID          *string      `name:"uid" placeholder:"UID" help:"Your own name for it, usable wherever its id is."`
	BotName      *string      `name:"bot-name" placeholder:"NAME" help:"Name of the bot in *.respond events."`
	BotRef       *string      `name:"bot-ref" placeholder:"REF" help:"Your reference of the bot in *.respond events."`
	CompanyID    *string      `name:"company-id" placeholder:"ID" help:"Id of the company in *.respond events."`
	ThrottleRate *int         `name:"throttle-rate" placeholder:"N" help:"Deliveries a second to each endpoint that sets no rate itself; 0 for no limit."`
	Metadata     metadataFlag `name:"metadata" placeholder:"KEY=VALUE" help:"Your own key-value pairs, replacing all there are: a flag for each, and an empty one for none."`
}

func (f *appFields) changes() client.Changes {
	c := client.Changes{}
	set := func(name string, value *string) {
		if value != nil {
			c[name] = orNull(*value)
		}
	}
	set("uid", f.UID)
	set("botName", f.BotName)
	set("botRef", f.BotRef)
	set("companyId", f.CompanyID)
	if f.ThrottleRate != nil {
		c["throttleRate"] = *f.ThrottleRate
	}
	if f.Metadata != nil {
		c["metadata"] = f.Metadata
	}
	return c
}

// orNull is nil for "", which clears a field.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (p *printer) app(a client.App) {
	p.fields(field{"id", a.ID}, field{"name", a.Name}, field{"uid", text(a.UID)}, field{"project id", a.ProjectID}, field{"bot name", text(a.BotName)},
		field{"bot ref", text(a.BotRef)}, field{"company id", text(a.CompanyID)}, field{"throttle rate", number(a.ThrottleRate)},
		field{"metadata", pairs(a.Metadata)}, field{"created", clock(a.CreatedAt)})
}

type appCreate struct {
	remote
	appFields
	Name string `arg:"" help:"Name of the app."`
}

// Help is kong's.
func (appCreate) Help() string {
	return `Creates an app and prints its id, which other commands take as --app.

    hookswitch app create "Acme Bank"
    APP=$(hookswitch app create "Acme Bank" --uid acme --json | jq -r .id)`
}

// Run creates the app.
func (c *appCreate) Run(e *env) error {
	fields := c.changes()
	fields["name"] = c.Name
	a, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.App, error) { return cl.CreateApp(ctx, fields) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, a, func(p *printer) { p.app(a) })
}

type appList struct {
	remote
	paging
}

// Help is kong's.
func (appList) Help() string {
	return `Lists the apps, newest first.

    hookswitch app list
    hookswitch app list --limit 100 --json`
}

// Run lists the apps.
func (c *appList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.App], error) {
		return cl.Apps(ctx, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no apps. Make one with: hookswitch app create NAME", []string{"ID", "UID", "NAME", "CREATED"},
			func(a client.App) []string { return []string{a.ID, text(a.UID), a.Name, clock(a.CreatedAt)} })
	})
}

type appGet struct {
	remote
	App string `arg:"" help:"The app, by id or uid."`
}

// Help is kong's.
func (appGet) Help() string {
	return `Shows an app.

    hookswitch app get acme
    hookswitch app get acme --json`
}

// Run shows the app.
func (c *appGet) Run(e *env) error {
	a, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.App, error) { return cl.App(ctx, c.App) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, a, func(p *printer) { p.app(a) })
}

// portalFields are what can be set about the portal of an app.
type portalFields struct {
	Color   *string   `name:"portal-color" placeholder:"COLOR" help:"Brand colour of the portal, such as #0d5c4d."`
	Logo    *string   `name:"portal-logo" placeholder:"URL" help:"Logo of the portal, an https address of a picture."`
	Font    *string   `name:"portal-font" placeholder:"NAME" help:"Font of the portal, one that readers have."`
	Radius  *int      `name:"portal-radius" placeholder:"PIXELS" help:"Roundness of corners in the portal, 0 to 16."`
	Theme   *string   `name:"portal-theme" placeholder:"THEME" help:"Colours of the portal: light or dark; empty for the reader's."`
	Density *string   `name:"portal-density" placeholder:"DENSITY" help:"Density of the portal: compact or comfortable."`
	Direct  *string   `name:"portal-direction" placeholder:"DIRECTION" help:"Direction in which the portal is read: ltr or rtl."`
	Refused *string   `name:"portal-refused" placeholder:"SHOW" help:"What a session may not do: show, with the reason, or hide."`
	Frames  *[]string `name:"portal-frame-ancestors" placeholder:"ORIGIN" help:"Origins that may show the portal in a frame, replacing all there are; empty for none."`
}

func (f *portalFields) changes() client.Changes {
	c := client.Changes{}
	for name, value := range map[string]*string{"color": f.Color, "logo": f.Logo, "font": f.Font, "theme": f.Theme, "density": f.Density, "direction": f.Direct, "refused": f.Refused} {
		if value != nil {
			c[name] = orNull(*value)
		}
	}
	if f.Radius != nil {
		c["radius"] = *f.Radius
	}
	if f.Frames != nil {
		origins := []string{}
		for _, o := range *f.Frames {
			if o != "" {
				origins = append(origins, o)
			}
		}
		c["frameAncestors"] = origins
	}
	return c
}

func (p *printer) portal(s client.Portal) {
	frames := strings.Join(s.FrameAncestors, ", ")
	p.fields(field{"portal color", text(s.Color)}, field{"portal logo", text(s.Logo)}, field{"portal font", text(s.Font)}, field{"portal radius", number(s.Radius)},
		field{"portal theme", text(s.Theme)}, field{"portal density", text(s.Density)}, field{"portal direction", text(s.Direction)}, field{"portal refused", text(s.Refused)}, field{"portal frames", text(&frames)})
}

// appWithPortal is an app with how its portal looks, as --json prints it.
type appWithPortal struct {
	client.App
	Portal *client.Portal `json:"portal,omitempty"`
}

type appSet struct {
	remote
	appFields
	portalFields
	Name      *string `name:"name" placeholder:"NAME" help:"Name of the app."`
	Responder string  `name:"responder" placeholder:"FILE" help:"Responder, as in a sender file, for what is posted to the app; - reads standard input."`
	App       string  `arg:"" help:"The app, by id or uid."`
}

// Help is kong's.
func (appSet) Help() string {
	return `Changes an app. What no flag names stays as it is; an empty value clears.

    hookswitch app set acme --bot-name Iris --bot-ref bot-7 --company-id acme-bank
    hookswitch app set acme --uid "" --throttle-rate 50
    hookswitch app set acme --portal-color '#0d5c4d' --portal-frame-ancestors https://app.acme.example
    echo '{"kind":"echo"}' | hookswitch app set acme --responder -`
}

// Run changes the app, and its portal.
func (c *appSet) Run(e *env) error {
	fields, portal := c.appFields.changes(), c.portalFields.changes()
	if c.Name != nil {
		fields["name"] = *c.Name
	}
	if len(fields)+len(portal) == 0 && c.Responder == "" {
		return usagef("nothing to set: give at least one flag such as --name")
	}
	var responder []byte
	if c.Responder != "" {
		var err error
		if responder, err = e.readInput(c.Responder); err != nil {
			return hinted(err, "--responder with the path of a file that holds a responder such as {\"kind\":\"echo\"}")
		}
		if err := checkJSON(responder, inputName(c.Responder)); err != nil {
			return err
		}
	}
	a, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (out appWithPortal, err error) {
		if out.App, err = cl.UpdateApp(ctx, c.App, fields); err != nil {
			return out, err
		}
		// What comes behind is said to be missing: some is set already.
		app := out.ID
		if responder != nil {
			if _, err = cl.SetResponder(ctx, app, responder); err != nil {
				return out, fmt.Errorf("the app is set, but not its responder: %w", err)
			}
			if out.App, err = cl.App(ctx, app); err != nil {
				return out, err
			}
		}
		if len(portal) > 0 {
			p, err := cl.UpdatePortal(ctx, app, portal)
			if err != nil {
				return out, fmt.Errorf("the app is set, but not its portal: %w", err)
			}
			out.Portal = &p
		}
		return out, nil
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, a, func(p *printer) {
		p.app(a.App)
		if a.Portal != nil {
			p.portal(*a.Portal)
		}
	})
}

type appDelete struct {
	remote
	App string `arg:"" help:"The app, by id or uid."`
}

// Help is kong's.
func (appDelete) Help() string {
	return `Deletes an app with its senders, endpoints and keys. What it is still owed is not sent any more, and its doors close.

    hookswitch app delete acme
    hookswitch app delete acme --json`
}

// Run deletes the app.
func (c *appDelete) Run(e *env) error {
	return remove(e, &c.remote, "app", c.App, func(ctx context.Context, cl *client.Client) error { return cl.DeleteApp(ctx, c.App) })
}

type appExport struct {
	remote
	App string `arg:"" help:"The app, by id or uid."`
}

// Help is kong's.
func (appExport) Help() string {
	return `Prints what is kept about an app, a JSON object a line: itself, its endpoints, senders, people, conversations, messages, events, attempts, and who did what to it. Secrets, credentials and keys are left out.

    hookswitch app export acme
    hookswitch app export acme | tee acme.ndjson`
}

// Run prints the export.
func (c *appExport) Run(e *env) error {
	cl, err := c.client(e.Deps)
	if err != nil {
		return err
	}
	return cl.ExportApp(e.ctx, c.App, e.Stdout)
}
