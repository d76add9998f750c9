// Package cli is the command line: its grammar, what each command prints, and what it says when something goes wrong.
//
// The commands that are the server get what they run from the program, in Deps. All others talk to a running server through internal/client and have no
// other way to its data, except simulate, which plays a provider at the server's doors.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hookswitch/hookswitch/internal/bench"
	"github.com/hookswitch/hookswitch/internal/config"
)

// Deps are what the commands need of the process around them.
type Deps struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Version is what the linker was told; empty: what the build knows about itself.
	Version string

	// Serve runs a server until ctx ends. Dev does so with a demo in it. What is to be seen goes to out.
	Serve func(ctx context.Context, settings config.Server, out io.Writer) error
	Dev   func(ctx context.Context, settings config.Server, out io.Writer) error
	// Migrate brings the schema of the database up to date and returns the versions it applied.
	Migrate func(ctx context.Context, settings config.Server) ([]int64, error)
	// Bench measures the gateway.
	Bench func(ctx context.Context, o bench.Options, out io.Writer) error
}

// The exit codes.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

// grammar is the whole command line.
type grammar struct {
	Dev     devCmd     `cmd:"" group:"server" help:"Start a server with a demo in it"`
	Serve   serveCmd   `cmd:"" group:"server" help:"Start a server"`
	Migrate migrateCmd `cmd:"" group:"server" help:"Bring the database's schema up to date"`

	App        appCmd        `cmd:"" group:"client" help:"Manage apps"`
	Key        keyCmd        `cmd:"" group:"client" help:"Manage the API keys of an app"`
	Client     clientCmd     `cmd:"" group:"client" help:"Manage the clients of an app, which get tokens"`
	Group      groupCmd      `cmd:"" group:"client" help:"Manage the groups that messages of an app belong to"`
	Sender     senderCmd     `cmd:"" group:"client" help:"Manage the senders of an app"`
	Responder  responderCmd  `cmd:"" group:"client" help:"Manage what answers the messages of a sender"`
	Session    sessionCmd    `cmd:"" group:"client" help:"See USSD sessions and calls, step by step"`
	Endpoint   endpointCmd   `cmd:"" group:"client" help:"Manage the endpoints of an app"`
	EventType  eventTypeCmd  `cmd:"" group:"client" name:"event-type" help:"Manage the catalogue of event types"`
	Task       taskCmd       `cmd:"" group:"client" help:"See recoveries and other tasks, end them and go on with them"`
	Event      eventCmd      `cmd:"" group:"client" help:"Send events and see what became of them"`
	Message    messageCmd    `cmd:"" group:"client" help:"Send messages to people and see what became of them"`
	Contact    contactCmd    `cmd:"" group:"client" help:"See where people have opted out, and clear it"`
	Template   templateCmd   `cmd:"" group:"client" help:"Decide on templates"`
	Invitation invitationCmd `cmd:"" group:"client" help:"Manage invitations to connect an account"`
	Draft      draftCmd      `cmd:"" group:"client" help:"Decide on answers to what was written in public"`
	Stray      strayCmd      `cmd:"" group:"client" help:"See pushes that belonged to no sender"`
	Listen     listenCmd     `cmd:"" group:"client" help:"Send what arrives at a bin on to a server on this machine"`
	Status     statusCmd     `cmd:"" group:"client" help:"Show how the server has been doing"`
	Checkup    checkupCmd    `cmd:"" group:"client" help:"Have the server look at what it stands on"`
	Queue      queueCmd      `cmd:"" group:"client" help:"See what waits, and pause everything"`
	Node       nodeCmd       `cmd:"" group:"client" help:"See the nodes, and drain one"`
	Audit      auditCmd      `cmd:"" group:"client" help:"See who did what, and check that nothing of it was changed"`

	Verify   verifyCmd   `cmd:"" aliases:"doctor" group:"tools" help:"Say why the signature of a webhook does not fit"`
	Simulate simulateCmd `cmd:"" group:"tools" help:"Play a messaging provider"`
	Bench    benchCmd    `cmd:"" group:"tools" help:"Measure the gateway side by side with a plain forwarder"`
	Version  versionCmd  `cmd:"" group:"tools" help:"Print the version"`
}

// newGrammar is a grammar whose commands know what their names say.
func newGrammar() *grammar { return &grammar{Simulate: newSimulate()} }

// Help is the paragraph under the program's name.
func (grammar) Help() string {
	return `Hookswitch receives what messaging providers push, answers, sends, and delivers every event to webhook endpoints: signed, retried, replayable.

Five seconds to see it work:

    hookswitch dev

All commands but those of the server talk to a running one at HOOKSWITCH_URL with the token in HOOKSWITCH_OPERATOR_TOKEN. On the machine of the server
neither has to be set, when they run in the directory in which it was started.`
}

// env is what a command runs with.
type env struct {
	Deps
	ctx context.Context
}

// exit is how kong ends the program, caught by parse.
type exit int

// Run runs the command that args name and returns the program's exit code: 0 when all went well, 1 when not, 2 when the command line is wrong.
func Run(ctx context.Context, args []string, d Deps) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	e := &env{Deps: d, ctx: ctx}
	k, err := kong.New(newGrammar(), kong.Name("hookswitch"), kong.Writers(d.Stdout, d.Stderr), kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Bind(e), kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}), kong.ValueFormatter(valueHelp),
		kong.ExplicitGroups([]kong.Group{{Key: "server", Title: "Server:"}, {Key: "client", Title: "Talk to a server:"}, {Key: "tools", Title: "Tools:"},
			{Key: "connection", Title: "Connection:"}}))
	if err != nil {
		return e.fail(err, "")
	}
	line, code, done := parse(k, args)
	if done {
		return code
	}
	if line.err == nil {
		line.err = emptyID(line.ctx)
	}
	if line.err != nil {
		return e.fail(&usageError{line.err}, line.path)
	}
	return e.fail(line.ctx.Run(), line.path)
}

// emptyID is an error where something that has to be named is "", as a variable of a shell is that was never set: the list of all such things has the address without a name.
func emptyID(ctx *kong.Context) error {
	for _, p := range ctx.Path {
		if v := p.Positional; v != nil && v.Required && v.Target.Kind() == reflect.String && v.Target.String() == "" {
			return fmt.Errorf("%s is empty", v.ShortSummary())
		}
	}
	for _, f := range ctx.Flags() {
		if f.Name == "app" && f.Required && f.Target.String() == "" {
			return errors.New("--app is empty")
		}
	}
	return nil
}

// valueHelp is the help of a flag with its default and its variable.
func valueHelp(v *kong.Value) string {
	var more []string
	if v.Default != "" && v.Default != "0" {
		more = append(more, "default "+v.Default)
	}
	for _, name := range v.Tag.Envs {
		more = append(more, "$"+name)
	}
	if len(more) == 0 {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (" + strings.Join(more, ", ") + ")."
}

// line is a command line that was read.
type line struct {
	ctx  *kong.Context
	path string // the words of the command
	err  error
}

// parse reads args. It is done when kong has answered by itself, as it does to --help.
func parse(k *kong.Kong, args []string) (l line, code int, done bool) {
	defer func() {
		if v := recover(); v != nil {
			x, ok := v.(exit)
			if !ok {
				panic(v)
			}
			code, done = int(x), true
		}
	}()
	l.ctx, l.err = k.Parse(args)
	at := l.ctx
	var wrong *kong.ParseError
	if errors.As(l.err, &wrong) {
		at = wrong.Context
	}
	if at != nil {
		for _, p := range at.Path {
			if p.Command != nil {
				l.path += " " + p.Command.Name
			}
		}
	}
	return l, 0, false
}
