package cli

import (
	"context"
	"strconv"

	"github.com/hookswitch/hookswitch/internal/client"
)

type strayCmd struct {
	List   strayList   `cmd:"" help:"List the pushes that were kept aside"`
	Show   strayShow   `cmd:"" help:"Show a push that was kept aside, with its body"`
	Delete strayDelete `cmd:"" help:"Delete a push that was kept aside"`
}

// Help is kong's.
func (strayCmd) Help() string {
	return `A genuine push of a provider that belongs to no sender, or of which a part could not be read, is kept aside, so that nothing is lost while a sender is being set up.

    hookswitch stray list
    hookswitch stray show stray_…`
}

type strayList struct {
	remote
	Limit  int    `name:"limit" default:"20" placeholder:"N" help:"Most items to print, up to 20."`
	Cursor string `name:"cursor" placeholder:"CURSOR" help:"Go on where the list before has ended."`
}

// Validate is called by kong.
func (c *strayList) Validate() error { return checkLimit(c.Limit, maxStrays) }

// Help is kong's.
func (strayList) Help() string {
	return `Lists the pushes that were kept aside, newest first, with the reason.

    hookswitch stray list
    hookswitch stray list --limit 5 --json`
}

// maxStrays is how many the server shows at once: pushes can be large.
const maxStrays = 20

// Run lists the pushes.
func (c *strayList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Stray], error) {
		return cl.Strays(ctx, client.List{Limit: c.Limit, Cursor: c.Cursor})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "Nothing has been kept aside.", []string{"ID", "TIME", "PROVIDER", "DOOR", "BYTES", "REASON"}, func(s client.Stray) []string {
			return []string{s.ID, clock(s.ReceivedAt), s.Provider, s.Door, strconv.Itoa(s.BodyBytes), short(s.Reason)}
		})
	})
}

type strayShow struct {
	remote
	Stray string `arg:"" help:"The push, by its id."`
}

// Help is kong's.
func (strayShow) Help() string {
	return `Shows a push that was kept aside, why, and what it said. The JSON has the very bytes as base64, in bodyBase64.

    hookswitch stray show stray_…
    hookswitch stray show stray_… --json | jq -r .bodyBase64 | base64 -d`
}

// Run shows the push.
func (c *strayShow) Run(e *env) error {
	s, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Stray, error) { return cl.Stray(ctx, c.Stray) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, s, func(p *printer) {
		p.fields(field{"id", s.ID}, field{"time", clock(s.ReceivedAt)}, field{"provider", s.Provider}, field{"door", s.Door}, field{"bytes", strconv.Itoa(s.BodyBytes)},
			field{"reason", s.Reason})
		if s.Body == nil {
			p.line("\nThe body is no text. --json shows its bytes.")
			return
		}
		p.line("\n%s", *s.Body)
	})
}

type strayDelete struct {
	remote
	Stray string `arg:"" help:"The push, by its id."`
}

// Help is kong's.
func (strayDelete) Help() string {
	return `Deletes a push that was kept aside. Old ones are deleted by themselves.

    hookswitch stray delete stray_…
    hookswitch stray delete stray_… --json`
}

// Run deletes the push.
func (c *strayDelete) Run(e *env) error {
	return remove(e, &c.remote, "push", c.Stray, func(ctx context.Context, cl *client.Client) error { return cl.DeleteStray(ctx, c.Stray) })
}
