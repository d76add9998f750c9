package cli

import (
	"context"
	"errors"

	"github.com/hookswitch/hookswitch/internal/client"
)

type eventTypeCmd struct {
	Import eventTypeImport `cmd:"" help:"Make event types of the webhooks of an OpenAPI document"`
	Check  eventTypeCheck  `cmd:"" help:"Compare schemas with those that an event type has"`
}

// Help is kong's.
func (eventTypeCmd) Help() string {
	return `Event types are the catalogue that endpoints choose from. Each may have JSON Schemas, by version.

    hookswitch event-type import -f openapi.yaml --dry-run
    hookswitch event-type check order.paid -f schemas.json`
}

type eventTypeImport struct {
	remote
	File       string `name:"file" short:"f" required:"" placeholder:"FILE" help:"OpenAPI document, JSON or YAML; - reads standard input."`
	DryRun     bool   `name:"dry-run" help:"Only say which event types it has."`
	ReplaceAll bool   `name:"replace-all" help:"Archive the event types that it does not name."`
}

// Help is kong's.
func (eventTypeImport) Help() string {
	return `Makes event types of the webhooks of an OpenAPI document, with their descriptions, schemas and examples.

    hookswitch event-type import -f openapi.yaml --dry-run
    hookswitch event-type import -f openapi.json --replace-all`
}

// Run imports it.
func (c *eventTypeImport) Run(e *env) error {
	b, err := e.readInput(c.File)
	if err != nil {
		return hinted(err, "-f with the path of an OpenAPI document")
	}
	done, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.ImportedTypes, error) {
		return cl.ImportOpenAPI(ctx, string(b), c.DryRun, c.ReplaceAll)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, done, func(p *printer) {
		for _, name := range done.Data.Modified {
			p.line("%s", name)
		}
		for _, t := range done.Data.ToModify {
			p.line("%s", t.Name)
		}
		if c.DryRun {
			p.line("Nothing was imported: this was a dry run.")
		}
	})
}

type eventTypeCheck struct {
	remote
	File string `name:"file" short:"f" required:"" placeholder:"FILE" help:"Schemas: a JSON object from versions to JSON Schemas; - reads standard input."`
	Name string `arg:"" help:"The event type."`
}

// Help is kong's.
func (eventTypeCheck) Help() string {
	return `Says in what schemas differ from those that receivers of an event type know. It ends with an error where a receiver may fail, so that a build can ask.

    hookswitch event-type check order.paid -f schemas.json
    hookswitch event-type check order.paid -f schemas.json --json`
}

// Run compares them.
func (c *eventTypeCheck) Run(e *env) error {
	b, err := e.readInput(c.File)
	if err != nil {
		return hinted(err, "-f with the path of a JSON file")
	}
	if err := checkJSON(b, inputName(c.File)); err != nil {
		return err
	}
	found, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.SchemaCheck, error) {
		return cl.CheckEventType(ctx, c.Name, b)
	})
	if err != nil {
		return err
	}
	if err := e.show(c.JSON, found, func(p *printer) {
		if len(found.Items) == 0 {
			p.line("Nothing differs.")
		}
		for _, one := range found.Items {
			switch {
			case one.Gone:
				p.line("version %s is gone", one.Version)
			case one.Version != one.Against:
				p.line("version %s is new, beside version %s", one.Version, one.Against)
			default:
				p.line("version %s", one.Version)
			}
			for _, change := range one.Changes {
				mark := " "
				if change.Breaking {
					mark = "!"
				}
				p.line("  %s %s %s", mark, change.Path, change.Text)
			}
		}
	}); err != nil {
		return err
	}
	if found.Breaks {
		return hinted(errors.New("a receiver that relies on what was may fail"), "a version of its own for what is new")
	}
	return nil
}
