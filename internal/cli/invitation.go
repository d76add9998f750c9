package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type invitationCmd struct {
	List     invitationList     `cmd:"" help:"List the invitations of an app"`
	Complete invitationComplete `cmd:"" help:"Complete an invitation with a sender"`
	Fail     invitationFail     `cmd:"" help:"Note that connecting an account has failed"`
	Cancel   invitationCancel   `cmd:"" help:"End an invitation"`
}

// Help is kong's.
func (invitationCmd) Help() string {
	return `An invitation is made over the API. Its page lets a client connect a WhatsApp number or a Facebook page; with these commands you do it in their place.

    hookswitch invitation list --app acme --status pending
    hookswitch invitation complete --app acme inv_… --sender "Shop"`
}

type invitationList struct {
	ofApp
	paging
	Status string `name:"status" placeholder:"STATUS" help:"Only invitations of this status: pending, in_progress, completed, expired, cancelled or failed."`
}

// Help is kong's.
func (invitationList) Help() string {
	return `Lists the invitations of an app, newest first.

    hookswitch invitation list --app acme --status in_progress
    hookswitch invitation list --app acme --json`
}

// Run lists the invitations.
func (c *invitationList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Invitation], error) {
		return cl.Invitations(ctx, c.App, c.Status, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no such invitations.", []string{"ID", "STATUS", "TYPE", "CLIENT", "EXPIRES", "SENDER"}, func(i client.Invitation) []string {
			return []string{i.ID, i.Status, i.ConnectionType, text(i.ClientName), clock(i.ExpiresAt), text(i.SenderID)}
		})
	})
}

// oneInvitation names one invitation.
type oneInvitation struct {
	ofApp
	Invitation string `arg:"" help:"The invitation, by its id."`
}

// change makes a call about the invitation and shows what it is then.
func (c *oneInvitation) change(e *env, call func(context.Context, *client.Client) (client.Invitation, error)) error {
	i, err := ask(e, &c.remote, call)
	if err != nil {
		return err
	}
	return e.show(c.JSON, i, func(p *printer) {
		p.fields(field{"id", i.ID}, field{"status", i.Status}, field{"type", i.ConnectionType}, field{"client", text(i.ClientName)}, field{"sender", text(i.SenderID)},
			field{"account", text(i.AccountID)}, field{"failure", text(i.FailureReason)}, field{"page", i.URL})
	})
}

type invitationComplete struct {
	oneInvitation
	Sender string `name:"sender" required:"" placeholder:"SENDER" help:"The sender that the client's account is, by id or name. Apply a sender file to make one."`
}

// Help is kong's.
func (invitationComplete) Help() string {
	return `Completes an invitation with a sender of the app. The project's webhook is told, with the sender's id.

    hookswitch invitation complete --app acme inv_… --sender "Shop"
    hookswitch invitation complete --app acme inv_… --sender snd_… --json`
}

// Run completes the invitation.
func (c *invitationComplete) Run(e *env) error {
	return c.change(e, func(ctx context.Context, cl *client.Client) (client.Invitation, error) {
		return cl.CompleteInvitation(ctx, c.App, c.Invitation, client.Changes{"sender": c.Sender})
	})
}

type invitationFail struct {
	oneInvitation
	Reason string `name:"reason" default:"internal_error" placeholder:"CODE" help:"Why, as a word for programs such as fb_not_authorized."`
}

// Help is kong's.
func (invitationFail) Help() string {
	return `Notes that connecting an account has failed. The link can be used again.

    hookswitch invitation fail --app acme inv_… --reason fb_not_authorized
    hookswitch invitation fail --app acme inv_… --json`
}

// Run fails the invitation.
func (c *invitationFail) Run(e *env) error {
	return c.change(e, func(ctx context.Context, cl *client.Client) (client.Invitation, error) {
		return cl.FailInvitation(ctx, c.App, c.Invitation, c.Reason)
	})
}

type invitationCancel struct{ oneInvitation }

// Help is kong's.
func (invitationCancel) Help() string {
	return `Ends an invitation: its link works no longer.

    hookswitch invitation cancel --app acme inv_…
    hookswitch invitation cancel --app acme inv_… --json`
}

// Run cancels the invitation.
func (c *invitationCancel) Run(e *env) error {
	return c.change(e, func(ctx context.Context, cl *client.Client) (client.Invitation, error) {
		return cl.CancelInvitation(ctx, c.App, c.Invitation)
	})
}
