package cli

import (
	"context"

	"github.com/hookswitch/hookswitch/internal/client"
)

type draftCmd struct {
	List    draftList    `cmd:"" help:"List the drafts of an app"`
	Approve draftApprove `cmd:"" help:"Send a draft"`
	Reject  draftReject  `cmd:"" help:"Decide that a draft is not sent"`
	Edit    draftEdit    `cmd:"" help:"Change what a draft says"`
}

// Help is kong's.
func (draftCmd) Help() string {
	return `What a person has written in public, such as a mention on X, is not answered without somebody having looked: the responder's answer becomes a draft. It waits for
review until it is approved, which sends it, or rejected.

    hookswitch draft list --app acme --status pending_review
    hookswitch draft approve --app acme drf_…`
}

type draftList struct {
	ofApp
	paging
	Status string `name:"status" placeholder:"STATUS" help:"Only drafts of this status: pending_review, approved, posted or rejected."`
}

// Help is kong's.
func (draftList) Help() string {
	return `Lists the drafts of an app, newest first.

    hookswitch draft list --app acme --status pending_review
    hookswitch draft list --app acme --json`
}

// Run lists the drafts.
func (c *draftList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Draft], error) {
		return cl.Drafts(ctx, c.App, c.Status, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no such drafts.", []string{"ID", "TIME", "STATUS", "AUTHOR", "POST", "REPLY"}, func(d client.Draft) []string {
			return []string{d.ID, clock(d.CreatedAt), d.Status, d.AuthorUsername, short(d.TweetText), short(d.DraftReply)}
		})
	})
}

// oneDraft names one draft.
type oneDraft struct {
	ofApp
	Draft string `arg:"" help:"The draft, by its id."`
}

// decide makes a call about the draft and shows what it is then.
func (c *oneDraft) decide(e *env, call func(context.Context, *client.Client) (client.Draft, error)) error {
	d, err := ask(e, &c.remote, call)
	if err != nil {
		return err
	}
	return e.show(c.JSON, d, func(p *printer) {
		p.fields(field{"id", d.ID}, field{"status", d.Status}, field{"error", text(d.Error)}, field{"author", d.AuthorUsername}, field{"post", d.TweetText},
			field{"reply", d.DraftReply}, field{"message", text(d.MessageID)})
	})
}

type draftApprove struct{ oneDraft }

// Help is kong's.
func (draftApprove) Help() string {
	return `Sends what a draft says, under the post that it answers. It is posted when the provider has taken it; when that fails it waits for review again.

    hookswitch draft approve --app acme drf_…
    hookswitch draft approve --app acme drf_… --json`
}

// Run approves the draft.
func (c *draftApprove) Run(e *env) error {
	return c.decide(e, func(ctx context.Context, cl *client.Client) (client.Draft, error) {
		return cl.ApproveDraft(ctx, c.App, c.Draft)
	})
}

type draftReject struct{ oneDraft }

// Help is kong's.
func (draftReject) Help() string {
	return `Decides that a draft is not sent.

    hookswitch draft reject --app acme drf_…
    hookswitch draft reject --app acme drf_… --json`
}

// Run rejects the draft.
func (c *draftReject) Run(e *env) error {
	return c.decide(e, func(ctx context.Context, cl *client.Client) (client.Draft, error) {
		return cl.RejectDraft(ctx, c.App, c.Draft)
	})
}

type draftEdit struct {
	oneDraft
	Reply string `arg:"" help:"What it is to say: at most 280 characters."`
}

// Help is kong's.
func (draftEdit) Help() string {
	return `Changes what a draft says that waits for review.

    hookswitch draft edit --app acme drf_… "Thank you! We have sent you a message."
    hookswitch draft edit --app acme drf_… "Thank you!" --json`
}

// Run changes the draft.
func (c *draftEdit) Run(e *env) error {
	return c.decide(e, func(ctx context.Context, cl *client.Client) (client.Draft, error) {
		return cl.EditDraft(ctx, c.App, c.Draft, c.Reply)
	})
}
