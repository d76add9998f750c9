package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type contactCmd struct {
	Get         contactGet         `cmd:"" help:"Show a contact, and where they have opted out"`
	ClearOptOut contactClearOptOut `cmd:"" help:"Allow messages to a contact again"`
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
