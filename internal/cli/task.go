package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/internal/client"
)

type endpointRecover struct {
	oneEndpoint
	What    string   `name:"what" default:"failed" enum:"failed,never,all" help:"What to send again: what failed, what was never tried, or all."`
	Since   string   `name:"since" default:"24h" placeholder:"TIME" help:"Events from then on: a time such as 2026-01-31T14:00:00Z, or so long ago, such as 90m or 24h."`
	Until   string   `name:"until" placeholder:"TIME" help:"Events before then; now when not given."`
	Type    []string `name:"type" placeholder:"TYPE" help:"Events of these types only; may be given several times."`
	Tag     string   `name:"tag" placeholder:"TAG" help:"Events with this tag only."`
	Text    string   `name:"text" placeholder:"TEXT" help:"Events whose payload has it only: words, texts in quotes, members such as order:17."`
	Answers string   `name:"answers" enum:",0,100,200,300,400,500" default:"" placeholder:"CLASS" help:"Events with an attempt that was answered so only: 500 for 500 to 599, 0 for no answer."`
	Rate    int      `name:"rate" placeholder:"N" help:"Most attempts a second."`
	Canary  int      `name:"canary" placeholder:"N" help:"Send so many first, and the others only when all of those got through."`
	DryRun  bool     `name:"dry-run" help:"Count what would be sent, and send nothing."`
}

// Help is kong's.
func (endpointRecover) Help() string {
	return `Sends to an endpoint again what it has missed, each event once, in a task that goes on by itself.

    hookswitch endpoint recover --app acme billing --since 2026-01-31T14:00:00Z --until 2026-01-31T15:10:00Z --dry-run
    hookswitch endpoint recover --app acme billing --what never --since 24h --canary 10 --rate 50`
}

// moment reads a time, or so long ago.
func moment(flag, s string) (time.Time, error) {
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return time.Now().Add(-d).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usagef("--%s must be a time such as 2026-01-31T14:00:00Z, or so long ago, such as 24h", flag)
	}
	return t, nil
}

// fields are what the flags ask for.
func (c *endpointRecover) fields() (client.Changes, error) {
	since, err := moment("since", c.Since)
	if err != nil {
		return nil, err
	}
	f := client.Changes{"since": since}
	if c.Until != "" {
		if f["until"], err = moment("until", c.Until); err != nil {
			return nil, err
		}
	}
	if len(c.Type) > 0 {
		f["eventTypes"] = c.Type
	}
	if c.Tag != "" {
		f["channel"] = c.Tag
	}
	if c.Text != "" {
		f["text"] = c.Text
	}
	if c.Answers != "" {
		if f["statusCodeClass"], err = strconv.Atoi(c.Answers); err != nil {
			return nil, err
		}
	}
	if c.Rate != 0 {
		f["ratePerSecond"] = c.Rate
	}
	if c.Canary != 0 {
		f["canary"] = c.Canary
	}
	if c.What == "never" {
		f["onlyOwed"] = true
	}
	return f, nil
}

// counted is what a dry run prints as JSON.
type counted struct {
	Count int `json:"count"`
}

// Run starts the recovery, or counts.
func (c *endpointRecover) Run(e *env) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	way := map[string]string{"failed": client.RecoverFailed, "never": client.RecoverMissing, "all": client.RecoverAll}[c.What]
	if c.DryRun {
		n, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (int, error) {
			return cl.CountRecovery(ctx, c.App, c.Endpoint, way, fields)
		})
		if err != nil {
			return err
		}
		return e.show(c.JSON, counted{n}, func(p *printer) { p.line("%d events would be sent.", n) })
	}
	t, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Task, error) {
		started, err := cl.Recover(ctx, c.App, c.Endpoint, way, fields)
		if err != nil {
			return started, err
		}
		return cl.Task(ctx, started.ID)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, t, func(p *printer) {
		p.task(t)
		p.line("See how far it is with: hookswitch task get %s", t.ID)
	})
}

type taskCmd struct {
	List   taskList   `cmd:"" help:"List tasks"`
	Get    taskGet    `cmd:"" help:"Show how far a task is"`
	Cancel taskCancel `cmd:"" help:"End a task"`
	Resume taskResume `cmd:"" help:"Go on with a recovery that was stopped"`
}

// Help is kong's.
func (taskCmd) Help() string {
	return `A task is work that takes longer than a request, such as a recovery. It survives restarts.

    hookswitch task list
    hookswitch task get qtask_2bVnZyXw`
}

func (p *printer) task(t client.Task) {
	total := "counting"
	if t.Data.Total != nil {
		total = strconv.Itoa(*t.Data.Total)
	}
	p.fields(field{"id", t.ID}, field{"task", t.Task}, field{"status", taskStatus(t)}, field{"done", strconv.Itoa(t.Data.Done) + " of " + total}, field{"not sent", some(t.Data.Skipped)},
		field{"error", t.Data.Error}, field{"goes on with", t.Data.Resumes}, field{"updated", clock(t.UpdatedAt)})
}

// some is a number, or "" for none.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func taskStatus(t client.Task) string {
	if t.Data.Canceled {
		return "canceled"
	}
	return t.Status
}

type taskList struct {
	remote
	paging
	Status string `name:"status" enum:",running,finished,failed" default:"" placeholder:"STATUS" help:"Only those that are running, finished or failed."`
}

// Help is kong's.
func (taskList) Help() string {
	return `Lists the tasks of the last 90 days, newest first.

    hookswitch task list
    hookswitch task list --status running --json`
}

// Run lists the tasks.
func (c *taskList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Task], error) {
		return cl.Tasks(ctx, c.Status, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no tasks.", []string{"ID", "UPDATED", "TASK", "STATUS", "DONE"}, func(t client.Task) []string {
			return []string{t.ID, clock(t.UpdatedAt), t.Task, taskStatus(t), strconv.Itoa(t.Data.Done)}
		})
	})
}

// oneTask names a task.
type oneTask struct {
	remote
	Task string `arg:"" help:"The task, by id."`
}

// shown prints what was asked of the server.
func (c *oneTask) shown(e *env, call func(context.Context, *client.Client) (client.Task, error)) error {
	t, err := ask(e, &c.remote, call)
	if err != nil {
		return err
	}
	return e.show(c.JSON, t, func(p *printer) { p.task(t) })
}

type taskGet struct{ oneTask }

// Help is kong's.
func (taskGet) Help() string {
	return `Shows how far a task is, and why it failed if it did.

    hookswitch task get qtask_2bVnZyXw
    hookswitch task get qtask_2bVnZyXw --json | jq .data.done`
}

// Run shows the task.
func (c *taskGet) Run(e *env) error {
	return c.shown(e, func(ctx context.Context, cl *client.Client) (client.Task, error) { return cl.Task(ctx, c.Task) })
}

type taskCancel struct{ oneTask }

// Help is kong's.
func (taskCancel) Help() string {
	return `Ends a task. What it has sent stays sent; what has not begun is as it was before.

    hookswitch task cancel qtask_2bVnZyXw
    hookswitch task cancel qtask_2bVnZyXw --json`
}

// Run ends the task.
func (c *taskCancel) Run(e *env) error {
	return c.shown(e, func(ctx context.Context, cl *client.Client) (client.Task, error) { return cl.CancelTask(ctx, c.Task) })
}

type taskResume struct{ oneTask }

// Help is kong's.
func (taskResume) Help() string {
	return `Goes on with a recovery that was canceled or ended early: a new task sends the same events but for those that have got through since.

    hookswitch task resume qtask_2bVnZyXw
    hookswitch task resume qtask_2bVnZyXw --json`
}

// Run starts the task that goes on.
func (c *taskResume) Run(e *env) error {
	return c.shown(e, func(ctx context.Context, cl *client.Client) (client.Task, error) {
		t, err := cl.ResumeTask(ctx, c.Task)
		if err != nil {
			return t, err
		}
		return cl.Task(ctx, t.ID)
	})
}
