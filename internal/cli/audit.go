package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/hookswitch/hookswitch/internal/client"
)

type auditCmd struct {
	List   auditList   `cmd:"" help:"List who did what"`
	Verify auditVerify `cmd:"" help:"Check that nothing of it was changed since"`
}

// Help is kong's.
func (auditCmd) Help() string {
	return `Who changes something is noted with what was done, and the notes of each app are chained: each has a hash over itself and the one before it, under a key that is not in the database.

    hookswitch audit list --query 'secret'
    hookswitch audit verify`
}

type auditList struct {
	remote
	paging
	App    string `name:"app" env:"HOOKSWITCH_APP" placeholder:"APP" help:"Only what was done to this app, by id or uid."`
	Query  string `name:"query" placeholder:"TEXT" help:"Only what has this text in its name or details; of all apps alone."`
	Action string `name:"action" placeholder:"ACTION" help:"Only what is of this action, such as endpoint.deleted."`
	Actor  string `name:"actor" placeholder:"WHO" help:"Only what this one did: portal, operator, key, api or system."`
}

// Help is kong's.
func (auditList) Help() string {
	return `Lists who did what to all apps and to the server, newest first.

    hookswitch audit list --actor operator
    hookswitch audit list --app acme --action secret.shown --json`
}

// Run lists activities.
func (c *auditList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Activity], error) {
		return cl.Activities(ctx, c.App, c.Query, c.Action, c.Actor, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "Nobody has done that.", []string{"TIME", "APP", "ACTION", "WHO", "WHAT", "DETAILS"}, func(a client.Activity) []string {
			var details []string
			for _, name := range slices.Sorted(maps.Keys(a.Details)) {
				details = append(details, name+": "+a.Details[name])
			}
			return []string{clock(a.At), text(a.AppID), a.Action, a.Actor, short(a.Name), short(words(details...))}
		})
	})
}

type auditVerify struct {
	remote
	App     string `name:"app" env:"HOOKSWITCH_APP" placeholder:"APP" help:"Only the chain of this app, by id or uid."`
	Against string `name:"against" placeholder:"FILE" help:"What this command printed with --json at another time: its entries have to be there still."`
}

// Help is kong's.
func (auditVerify) Help() string {
	return `Checks the chains of activities: whether an entry was changed, taken out or put in since it was written. Keep what --json prints elsewhere, and check against it later: so it is noticed
as well when somebody who has the server's key has written a chain anew. It says how many of the noted heads were compared: those of entries that are past keeping cannot be, nor, with --app, those
of other apps.

    hookswitch audit verify
    hookswitch audit verify --json | tee heads.json
    hookswitch audit verify --against heads.json`
}

// chainWords are what is wrong with a chain, for people.
var chainWords = map[string]string{"changed": "was changed", "missing": "is missing", "cut": "and what is behind it are missing", "replaced": "is another one than it was"}

// Run checks the chains.
func (c *auditVerify) Run(e *env) error {
	var noted client.ChainReport
	if c.Against != "" {
		b, err := os.ReadFile(c.Against)
		if err == nil {
			err = json.Unmarshal(b, &noted)
		}
		if err == nil && len(noted.Heads) == 0 {
			err = fmt.Errorf("%s is not what \"hookswitch audit verify --json\" prints", c.Against)
		}
		if err != nil {
			return &usageError{fmt.Errorf("--against: %w", err)}
		}
	}
	report, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.ChainReport, error) {
		return cl.VerifyActivities(ctx, c.App, noted.Heads)
	})
	if err != nil {
		return err
	}
	if err := e.show(c.JSON, report, func(p *printer) {
		for _, problem := range report.Problems {
			of := "the server"
			if problem.AppID != nil {
				of = *problem.AppID
			}
			p.line("Entry %d of %s %s.", problem.Number, of, chainWords[problem.What])
		}
		if report.Valid {
			p.line("%d entries in %d chains are as they were written.", report.Entries, report.Chains)
		}
		if c.Against != "" {
			p.line("%d of the %d heads in %s were compared.", report.Compared, len(noted.Heads), c.Against)
		}
		if report.Unchained > 0 {
			p.line("%d entries are older than the chains, and cannot be checked.", report.Unchained)
		}
	}); err != nil {
		return err
	}
	if !report.Valid {
		return hinted(fmt.Errorf("the record of who did what is not as it was written, at %d of its entries", len(report.Problems)), "hookswitch audit verify --json, and a backup of the time before")
	}
	return nil
}
