package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type templateCmd struct {
	List    templateList    `cmd:"" help:"List the templates of an app"`
	Approve templateApprove `cmd:"" help:"Decide that a submitted template may be sent"`
	Reject  templateReject  `cmd:"" help:"Decide that a submitted template may not be sent"`
}

// Help is kong's.
func (templateCmd) Help() string {
	return `A template is made and submitted over the API. Where its sender has a WhatsApp Business Account that the server can reach, WhatsApp decides on it; otherwise it waits for these
commands.

    hookswitch template list --app acme --status pending
    hookswitch template approve --app acme tpl_…`
}

type templateList struct {
	ofApp
	paging
	Status string `name:"status" placeholder:"STATUS" help:"Only templates of this status: draft, pending, approved or rejected."`
}

// Help is kong's.
func (templateList) Help() string {
	return `Lists the templates of an app, newest first. Of those with an account the provider decides.

    hookswitch template list --app acme --status pending
    hookswitch template list --app acme --json`
}

// Run lists the templates.
func (c *templateList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Template], error) {
		return cl.Templates(ctx, c.App, c.Status, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no such templates.", []string{"ID", "STATUS", "NAME", "LANGUAGE", "CATEGORY", "ACCOUNT", "BODY"}, func(t client.Template) []string {
			return []string{t.ID, t.Status, t.Name, t.Language, t.Category, text(t.Account), short(t.Body)}
		})
	})
}

// oneTemplate names one template.
type oneTemplate struct {
	ofApp
	Template string `arg:"" help:"The template, by its id."`
}

// decide makes a call about the template and shows what it is then.
func (c *oneTemplate) decide(e *env, call func(context.Context, *client.Client) (client.Template, error)) error {
	t, err := ask(e, &c.remote, call)
	if err != nil {
		return err
	}
	return e.show(c.JSON, t, func(p *printer) {
		p.fields(field{"id", t.ID}, field{"status", t.Status}, field{"reason", text(t.RejectionReason)}, field{"name", t.Name}, field{"language", t.Language}, field{"category", t.Category},
			field{"sender", text(t.SenderID)}, field{"body", t.Body})
	})
}

type templateApprove struct {
	oneTemplate
	ProviderName string `name:"provider-name" placeholder:"NAME" help:"What the provider knows it as, where that is not its own name, such as a content SID of Twilio's."`
}

// Help is kong's.
func (templateApprove) Help() string {
	return `Decides that a submitted template may be sent. The webhook of its sender is told.

    hookswitch template approve --app acme tpl_…
    hookswitch template approve --app acme tpl_… --provider-name HX0123456789abcdef0123456789abcdef`
}

// Run approves the template.
func (c *templateApprove) Run(e *env) error {
	return c.decide(e, func(ctx context.Context, cl *client.Client) (client.Template, error) {
		return cl.ApproveTemplate(ctx, c.App, c.Template, c.ProviderName)
	})
}

type templateReject struct {
	oneTemplate
	Reason string `name:"reason" placeholder:"TEXT" help:"Why; whoever has made it is told."`
}

// Help is kong's.
func (templateReject) Help() string {
	return `Decides that a submitted template may not be sent. The webhook of its sender is told, and why.

    hookswitch template reject --app acme tpl_… --reason "reads like an advertisement"
    hookswitch template reject --app acme tpl_… --json`
}

// Run rejects the template.
func (c *templateReject) Run(e *env) error {
	return c.decide(e, func(ctx context.Context, cl *client.Client) (client.Template, error) {
		return cl.RejectTemplate(ctx, c.App, c.Template, c.Reason)
	})
}
