package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type contactCmd struct {
	Get         contactGet         `cmd:"" help:"Show a contact, and where they have opted out"`
	ClearOptOut contactClearOptOut `cmd:"" help:"Allow messages to a contact again"`
	Export      contactExport      `cmd:"" help:"Print what is kept about a contact"`
	Erase       contactErase       `cmd:"" help:"Forget a contact, and all that names them"`
}

// Help is kong's.
func (contactCmd) Help() string {
	return `A contact is a person of an app. Who has said STOP, or told the provider so, is sent nothing more on the channel until they come back.

    hookswitch contact get --app acme +15551234567
    hookswitch contact clear-opt-out --app acme --channel sms +15551234567`
}

// oneContact names one contact.
type oneContact struct {
	ofApp
	Contact string `arg:"" help:"The contact, by id or phone number."`
}

// show makes a call about the contact and shows what it answers.
func (c *oneContact) show(e *env, call func(context.Context, *client.Client) (client.Contact, error)) error {
	contact, err := ask(e, &c.remote, call)
	if err != nil {
		return err
	}
	return e.show(c.JSON, contact, func(p *printer) {
		p.fields(field{"id", contact.ID}, field{"name", text(contact.Name)})
		rows := make([][]string, len(contact.Identifiers))
		for i, id := range contact.Identifiers {
			rows[i] = []string{id.Channel, id.Value, clockOrNone(id.LastInboundAt), clockOrNone(id.OptedOutAt)}
		}
		p.table([]string{"CHANNEL", "KNOWN AS", "LAST WROTE", "OPTED OUT"}, rows)
	})
}

type contactGet struct{ oneContact }

// Help is kong's.
func (contactGet) Help() string {
	return `Shows what a person is known by on each channel, when they last wrote, and since when they want no messages there.

    hookswitch contact get --app acme +15551234567
    hookswitch contact get --app acme con_… --json`
}

// Run shows the contact.
func (c *contactGet) Run(e *env) error {
	return c.show(e, func(ctx context.Context, cl *client.Client) (client.Contact, error) {
		return cl.Contact(ctx, c.App, c.Contact)
	})
}

type contactClearOptOut struct {
	oneContact
	Channel string `name:"channel" placeholder:"CHANNEL" help:"Only on this channel."`
}

// Help is kong's.
func (contactClearOptOut) Help() string {
	return `Allows messages to a person again who has opted out. Do so only when they have asked for it. A provider that they have told so itself goes on refusing until they tell it otherwise.

    hookswitch contact clear-opt-out --app acme --channel sms +15551234567
    hookswitch contact clear-opt-out --app acme con_… --json`
}

// Run clears the opt-out.
func (c *contactClearOptOut) Run(e *env) error {
	return c.show(e, func(ctx context.Context, cl *client.Client) (client.Contact, error) {
		return cl.ClearOptOut(ctx, c.App, c.Contact, c.Channel)
	})
}

type contactExport struct{ oneContact }

// Help is kong's.
func (contactExport) Help() string {
	return `Prints what is kept about a person, a JSON object a line: what they are known by, the conversations with them, the messages, and the events that name them.

    hookswitch contact export --app acme +15551234567
    hookswitch contact export --app acme con_… | tee person.ndjson`
}

// Run prints the export.
func (c *contactExport) Run(e *env) error {
	cl, err := c.client(e.Deps)
	if err != nil {
		return err
	}
	return cl.ExportContact(e.ctx, c.App, c.Contact, e.Stdout)
}

type contactErase struct {
	oneContact
	Yes bool `name:"yes" help:"Do it. Without this nothing is erased."`
}

// Help is kong's.
func (contactErase) Help() string {
	return `Forgets a person for good: what they are known by, the conversations with them, their messages, calls and USSD sessions, and the payloads of events that name them. It goes on in the background. Play bins
and pushes kept aside are not searched: they are thrown away by themselves.

    hookswitch contact erase --app acme --yes +15551234567
    hookswitch contact erase --app acme --yes con_… --json`
}

// Run erases the contact.
func (c *contactErase) Run(e *env) error {
	if !c.Yes {
		return hinted(usagef("nothing was erased: it cannot be undone"), "the same command with --yes, after hookswitch contact export")
	}
	erasure, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Erasure, error) {
		return cl.EraseContact(ctx, c.App, c.Contact)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, erasure, func(p *printer) { p.line("Erasing has begun, as the task %s.", erasure.ID) })
}
