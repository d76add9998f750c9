package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/client"
)

type statusCmd struct{ remote }

// Help is kong's.
func (statusCmd) Help() string {
	return `Shows how the server has been doing for a day: what was accepted, delivered and failed, what waits, which endpoints fail, who publishes most, and how the nodes are.

    hookswitch status
    hookswitch status --json | jq .errorBudget`
}

// Run shows the overview.
func (c *statusCmd) Run(e *env) error {
	o, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Overview, error) { return cl.Overview(ctx) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, o, func(p *printer) {
		p.fields(field{"version", o.Version}, field{"database", o.Database + ", " + megabytes(o.DatabaseBytes)}, field{"paused", paused(o.Pause)}, field{"apps", strconv.Itoa(o.Apps)},
			field{"accepted", fmt.Sprint(o.Accepted)}, field{"delivered", fmt.Sprint(o.Delivered)}, field{"failed", fmt.Sprint(o.Failed)}, field{"due", strconv.Itoa(o.Due)},
			field{"oldest due", clockOrNone(o.OldestDue)}, field{"error budget", fmt.Sprintf("%.0f%% used of what %s %% over %d days allow", o.ErrorBudget.Used*100,
				strconv.FormatFloat(o.ErrorBudget.Objective*100, 'f', -1, 64), o.ErrorBudget.Days)})
		if len(o.Failing) > 0 {
			p.line("")
			rows := make([][]string, len(o.Failing))
			for i, f := range o.Failing {
				rows[i] = []string{f.EndpointID, f.URL, clock(f.Since), yesNo(f.Disabled)}
			}
			p.table([]string{"FAILING ENDPOINT", "URL", "SINCE", "OFF"}, rows)
		}
		if len(o.Loudest) > 0 {
			p.line("")
			rows := make([][]string, len(o.Loudest))
			for i, l := range o.Loudest {
				rows[i] = []string{l.AppID, l.Name, fmt.Sprint(l.Events), fmt.Sprintf("%.0f%%", l.Share*100)}
			}
			p.table([]string{"PUBLISHES MOST", "NAME", "EVENTS", "SHARE"}, rows)
		}
		p.line("")
		p.nodes(o.Nodes)
	})
}

type checkupCmd struct{ remote }

// Help is kong's.
func (checkupCmd) Help() string {
	return `Has the server look at its database, disk, nodes, clocks and address, and at what it may reach. It ends with an error when something is wrong, and not for what only wants to be looked at.

    hookswitch checkup
    hookswitch checkup --json | jq '.items[] | select(.state != "fine")'`
}

// Run shows what was found.
func (c *checkupCmd) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Check], error) {
		return cl.Checkup(ctx)
	})
	if err != nil {
		return err
	}
	if err := e.show(c.JSON, page, func(p *printer) {
		rows := make([][]string, len(page.Items))
		for i, one := range page.Items {
			rows[i] = []string{one.State, one.Name, one.Sentence, text(one.Advice)}
		}
		p.table([]string{"STATE", "WHAT", "FOUND", "ADVICE"}, rows)
	}); err != nil {
		return err
	}
	for _, one := range page.Items {
		if one.State == "bad" {
			return hinted(fmt.Errorf("%s: %s", one.Name, one.Sentence), text(one.Advice))
		}
	}
	return nil
}

func paused(p *client.Pause) string {
	switch {
	case p == nil:
		return ""
	case p.Note == "":
		return "since " + clock(p.Since)
	}
	return "since " + clock(p.Since) + ": " + p.Note
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func (p *printer) nodes(list []client.Node) {
	rows := make([][]string, len(list))
	for i, n := range list {
		state := n.State
		if n.Own {
			state += ", answers"
		}
		rows[i] = []string{strconv.Itoa(n.Number), state, clock(n.HeartbeatAt), strconv.Itoa(n.Running), fmt.Sprintf("%.2f of %d", n.CPU, n.Cores), megabytes(n.MemoryBytes), text(n.Version)}
	}
	p.table([]string{"NODE", "STATE", "HEARD OF", "RUNNING", "CPU", "MEMORY", "VERSION"}, rows)
}

type queueCmd struct {
	Show   queueShow   `cmd:"" help:"Show what waits and runs, for whom, and who is slow"`
	Pause  queuePause  `cmd:"" help:"Pause all deliveries"`
	Resume queueResume `cmd:"" help:"End the pause"`
}

// Help is kong's.
func (queueCmd) Help() string {
	return `What is owed waits in queues, one for each endpoint, conversation and app. For maintenance all of them can be paused: the doors and the APIs go on taking and storing.

    hookswitch queue show
    hookswitch queue pause --note "Moving the database"`
}

type queueShow struct{ remote }

// Help is kong's.
func (queueShow) Help() string {
	return `Shows what waits and runs by kind of work, the longest queues with their destinations, and busy endpoints that take long to answer.

    hookswitch queue show
    hookswitch queue show --json | jq '.destinations[0]'`
}

// Run shows the queues.
func (c *queueShow) Run(e *env) error {
	q, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Queues, error) { return cl.Queues(ctx) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, q, func(p *printer) {
		if q.Pause != nil {
			p.line("Paused %s.\n", paused(q.Pause))
		}
		rows := make([][]string, len(q.Queues))
		for i, k := range q.Queues {
			rows[i] = []string{k.Kind, strconv.Itoa(k.Due), clockOrNone(k.OldestDue), strconv.Itoa(k.Running), strconv.Itoa(k.Later)}
		}
		p.table([]string{"WORK", "DUE", "OLDEST DUE", "RUNNING", "LATER"}, rows)
		if len(q.Destinations) > 0 {
			p.line("")
			rows = make([][]string, len(q.Destinations))
			for i, d := range q.Destinations {
				rows[i] = []string{d.Kind, text(d.AppID), text(d.EndpointID), d.Name, strconv.Itoa(d.Waiting), strconv.Itoa(d.Due)}
			}
			p.table([]string{"FOR", "APP", "ENDPOINT", "URL", "WAITING", "DUE"}, rows)
		}
		if len(q.Slow) > 0 {
			p.line("")
			rows = make([][]string, len(q.Slow))
			for i, s := range q.Slow {
				rows[i] = []string{s.EndpointID, s.URL, (time.Duration(s.P50MS) * time.Millisecond).String(), (time.Duration(s.P95MS) * time.Millisecond).String(), fmt.Sprint(s.Attempts)}
			}
			p.table([]string{"SLOW ENDPOINT", "URL", "P50", "P95", "ATTEMPTS"}, rows)
		}
	})
}

type queuePause struct {
	remote
	Note string `name:"note" placeholder:"TEXT" help:"Why; everybody who signs in reads it."`
}

// Help is kong's.
func (queuePause) Help() string {
	return `Stops webhooks, messages to people, responders and tasks on all nodes within a second. What runs goes on to its end. The doors and the APIs go on taking and storing, and nothing is lost.

    hookswitch queue pause
    hookswitch queue pause --note "Moving the database" --json`
}

// Run pauses.
func (c *queuePause) Run(e *env) error {
	pause, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Pause, error) { return cl.Pause(ctx, c.Note) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, pause, func(p *printer) { p.line("Paused since %s. Go on with: hookswitch queue resume", clock(pause.Since)) })
}

type queueResume struct{ remote }

// Help is kong's.
func (queueResume) Help() string {
	return `Ends the pause: what has waited is done now.

    hookswitch queue resume
    hookswitch queue resume --json`
}

// resumed is what the end of a pause prints as JSON.
type resumed struct {
	Paused bool `json:"paused"`
}

// Run ends the pause.
func (c *queueResume) Run(e *env) error {
	_, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (resumed, error) { return resumed{}, cl.Resume(ctx) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, resumed{}, func(p *printer) { p.line("Work goes on.") })
}

type nodeCmd struct {
	List  nodeList  `cmd:"" help:"List the nodes"`
	Drain nodeDrain `cmd:"" help:"Have a node take no more work"`
	Fill  nodeFill  `cmd:"" help:"Have a node take work again"`
}

// Help is kong's.
func (nodeCmd) Help() string {
	return `A node is one of the processes that share the database. Before it is stopped it can be drained: it takes no more work, and its /readyz says that it is not ready for requests.

    hookswitch node list
    hookswitch node drain 2`
}

type nodeList struct{ remote }

// Help is kong's.
func (nodeList) Help() string {
	return `Lists the nodes: whether they take work, how much they have, and how busy they are.

    hookswitch node list
    hookswitch node list --json`
}

// Run lists the nodes.
func (c *nodeList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Node], error) { return cl.Nodes(ctx) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) { p.nodes(page.Items) })
}

// oneNode names one node.
type oneNode struct {
	remote
	Node int `arg:"" help:"The node, by its number."`
}

func (c *oneNode) drain(e *env, drain bool) error {
	n, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Node, error) {
		return cl.DrainNode(ctx, c.Node, drain)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, n, func(p *printer) { p.nodes([]client.Node{n}) })
}

type nodeDrain struct{ oneNode }

// Help is kong's.
func (nodeDrain) Help() string {
	return `Has a node take no more work, within a second. What runs there goes on to its end, and the other nodes take the rest. A new start of the node takes work again.

    hookswitch node drain 2
    hookswitch node drain 2 --json | jq .running`
}

// Run drains the node.
func (c *nodeDrain) Run(e *env) error { return c.drain(e, true) }

type nodeFill struct{ oneNode }

// Help is kong's.
func (nodeFill) Help() string {
	return `Has a node take work again that was drained.

    hookswitch node fill 2
    hookswitch node fill 2 --json`
}

// Run has the node take work again.
func (c *nodeFill) Run(e *env) error { return c.drain(e, false) }

// words joins what is not empty.
func words(list ...string) string {
	out := list[:0:0]
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}
