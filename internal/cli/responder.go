package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/internal/client"
)

type responderCmd struct {
	Get     responderGet     `cmd:"" help:"Show what answers the messages of a sender"`
	Set     responderSet     `cmd:"" help:"Choose what answers the messages of a sender"`
	Try     responderTry     `cmd:"" help:"Ask a responder, without sending anything to anybody"`
	Silence responderSilence `cmd:"" help:"Switch a responder off on a channel, or on again"`
	Remove  responderRemove  `cmd:"" help:"Take the responder from a sender"`
	Log     responderLog     `cmd:"" help:"List what responders were asked for"`
	Flow    responderFlow    `cmd:"" help:"Show the menu of a sender, and where its sessions end"`
}

// Help is kong's.
func (responderCmd) Help() string {
	return `A responder answers what people write to a sender: a language model, a bot of your own, keywords, a menu.

    hookswitch responder set --app acme support -f responder.json
    hookswitch responder try --app acme support --channel sms "What is my balance?"`
}

// ofSender names a sender.
type ofSender struct {
	ofApp
	Sender string `arg:"" help:"The sender, by id or name."`
}

// askSender makes a call about the sender.
func askSender[T any](e *env, c *ofSender, call func(ctx context.Context, cl *client.Client, sender string) (T, error)) (T, error) {
	return ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (T, error) {
		s, err := findSender(ctx, cl, c.App, c.Sender)
		if err != nil {
			var zero T
			return zero, err
		}
		return call(ctx, cl, s.ID)
	})
}

func (p *printer) responder(r client.SenderResponder) {
	if r.Kind == nil {
		p.line("Nobody answers by itself.")
	} else {
		var pretty bytes.Buffer
		if json.Indent(&pretty, r.Configuration, "", "  ") != nil {
			pretty.Write(r.Configuration)
		}
		p.line("%s", pretty.String())
	}
	if len(r.Silenced) > 0 {
		p.line("Switched off on %s.", strings.Join(r.Silenced, ", "))
	}
}

type responderGet struct{ ofSender }

// Help is kong's.
func (responderGet) Help() string {
	return `Shows the configuration of a responder, with *** in place of secrets. Given back so, they stay what they are.

    hookswitch responder get --app acme support
    hookswitch responder get --app acme support --json`
}

// Run shows it.
func (c *responderGet) Run(e *env) error {
	r, err := askSender(e, &c.ofSender, func(ctx context.Context, cl *client.Client, sender string) (client.SenderResponder, error) {
		return cl.Responder(ctx, c.App, sender)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, r, func(p *printer) { p.responder(r) })
}

type responderSet struct {
	ofSender
	File  string `name:"file" short:"f" required:"" placeholder:"FILE" help:"The configuration, a JSON object; - reads standard input."`
	Check bool   `name:"check" help:"Say what is wrong with it, and change nothing."`
}

// Help is kong's.
func (responderSet) Help() string {
	return `Makes a configuration what answers. It is in force with the next message. *** stands for a secret that stays as it is.

    hookswitch responder set --app acme support -f responder.json
    echo '{"kind":"echo"}' | hookswitch responder set --app acme support -f - --check`
}

// Run sets it.
func (c *responderSet) Run(e *env) error {
	b, err := e.readInput(c.File)
	if err != nil {
		return hinted(err, "-f with the path of a JSON file")
	}
	if err := checkJSON(b, inputName(c.File)); err != nil {
		return err
	}
	r, err := askSender(e, &c.ofSender, func(ctx context.Context, cl *client.Client, sender string) (client.SenderResponder, error) {
		if c.Check {
			if err := cl.CheckResponder(ctx, c.App, sender, b); err != nil {
				return client.SenderResponder{}, err
			}
			return cl.Responder(ctx, c.App, sender)
		}
		return cl.ChangeResponder(ctx, c.App, sender, b)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, r, func(p *printer) {
		if c.Check {
			p.line("Nothing is wrong with it. It is not in effect yet.")
			return
		}
		p.line("It answers the next message.")
	})
}

type responderTry struct {
	ofSender
	Channel string `name:"channel" default:"whatsapp" placeholder:"CHANNEL" help:"As if it came over this channel."`
	Name    string `name:"name" placeholder:"NAME" help:"The name of the person."`
	Text    string `arg:"" optional:"" help:"What the person says; nothing begins a call or a USSD session."`
}

// Help is kong's.
func (responderTry) Help() string {
	return `Asks the responder what it would say. Nothing is stored and nothing is sent to anybody; a server that answers is called, and may charge for it.

    hookswitch responder try --app acme support --channel sms "What is my balance?"
    hookswitch responder try --app acme support --channel ussd --json`
}

// Run asks.
func (c *responderTry) Run(e *env) error {
	t, err := askSender(e, &c.ofSender, func(ctx context.Context, cl *client.Client, sender string) (client.Tried, error) {
		return cl.TryResponder(ctx, c.App, sender, client.Trial{Channel: c.Channel, Text: c.Text, Name: c.Name})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, t, func(p *printer) {
		p.line("%s", t.Text)
		list := []field{{"  took", strconv.FormatInt(t.TookMs, 10) + " ms"}, {"  model", text(t.Model)}, {"  screen", text(t.Screen)}, {"  failure", text(t.Failure)}}
		if t.TokensIn+t.TokensOut > 0 {
			list = append(list, field{"  tokens", fmt.Sprintf("%d in, %d out", t.TokensIn, t.TokensOut)})
		}
		for _, one := range []struct {
			is   bool
			text string
		}{{t.Handover, "a person takes over"}, {t.End, "the session ends"}, {t.Refused, "the model refused"}, {t.OptOut, "the words end messages"}} {
			if one.is {
				list = append(list, field{"  and", one.text})
			}
		}
		p.fields(list...)
	})
}

type responderSilence struct {
	ofSender
	Channel string `arg:"" help:"The channel."`
	End     bool   `name:"end" help:"Switch it on again."`
}

// Help is kong's.
func (responderSilence) Help() string {
	return `Switches a responder off on one channel, at once: people are heard, and nobody answers by itself. Who dials or calls is told that the service is not available.

    hookswitch responder silence --app acme support whatsapp
    hookswitch responder silence --app acme support whatsapp --end`
}

// Run switches it.
func (c *responderSilence) Run(e *env) error {
	r, err := askSender(e, &c.ofSender, func(ctx context.Context, cl *client.Client, sender string) (client.SenderResponder, error) {
		return cl.SilenceResponder(ctx, c.App, sender, c.Channel, !c.End)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, r, func(p *printer) {
		if c.End {
			p.line("It answers again on %s.", c.Channel)
			return
		}
		p.line("It says nothing more on %s.", c.Channel)
	})
}

type responderRemove struct{ ofSender }

// Help is kong's.
func (responderRemove) Help() string {
	return `Takes the responder from a sender: nobody answers by itself any more, and its configuration is gone.

    hookswitch responder remove --app acme support
    hookswitch responder remove --app acme support --json`
}

// Run removes it.
func (c *responderRemove) Run(e *env) error {
	id, err := askSender(e, &c.ofSender, func(ctx context.Context, cl *client.Client, sender string) (string, error) {
		return sender, cl.RemoveResponder(ctx, c.App, sender)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, gone{id, true}, func(p *printer) { p.line("Nobody answers by itself any more.") })
}

type responderLog struct {
	ofApp
	paging
	Sender  string `name:"sender" placeholder:"SENDER" help:"Only that of this sender, by id or name."`
	Channel string `name:"channel" placeholder:"CHANNEL" help:"Only on this channel."`
	Result  string `name:"result" placeholder:"RESULT" help:"Only with this result: answered, silent, handover, refused, dropped, again or failed."`
}

// Help is kong's.
func (responderLog) Help() string {
	return `Lists each time that a responder was asked, newest first: how long it took, what it cost, and what became of it. What anybody said is not in it.

    hookswitch responder log --app acme --result failed
    hookswitch responder log --app acme --sender support --json`
}

// Run lists them.
func (c *responderLog) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Reply], error) {
		id, err := senderFlag(ctx, cl, c.App, c.Sender)
		if err != nil {
			return client.Page[client.Reply]{}, err
		}
		return cl.Replies(ctx, c.App, id, c.Channel, c.Result, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "No responder was asked yet.", []string{"TIME", "CHANNEL", "RESULT", "TRY", "TOOK", "TOKENS", "BY", "PROBLEM"}, func(r client.Reply) []string {
			by := r.Kind
			if m := text(r.Model); m != "" {
				by = m
			}
			return []string{clock(r.At), r.Channel, r.Result, strconv.Itoa(r.Try), strconv.FormatInt(r.TookMs, 10) + " ms", fmt.Sprintf("%d+%d", r.TokensIn, r.TokensOut), by, short(text(r.Problem))}
		})
	})
}

// senderFlag is the id of the sender that a flag names; "": it names none.
func senderFlag(ctx context.Context, cl *client.Client, app, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	s, err := findSender(ctx, cl, app, ref)
	return s.ID, err
}

type responderFlow struct {
	ofSender
	Channel string `name:"channel" default:"ussd" placeholder:"CHANNEL" help:"ussd or voice."`
	Days    int    `name:"days" default:"7" placeholder:"N" help:"How far back, up to 90 days."`
}

// Help is kong's.
func (responderFlow) Help() string {
	return `Shows the screens of a sender's menu, how many sessions came to each, and how many left there.

    hookswitch responder flow --app acme "Money menu"
    hookswitch responder flow --app acme "Money menu" --channel voice --days 30 --json`
}

// Run shows it.
func (c *responderFlow) Run(e *env) error {
	f, err := askSender(e, &c.ofSender, func(ctx context.Context, cl *client.Client, sender string) (client.Flow, error) {
		return cl.Flow(ctx, c.App, sender, c.Channel, c.Days)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, f, func(p *printer) {
		var ended []string
		for _, how := range slices.Sorted(maps.Keys(f.Sessions)) {
			ended = append(ended, fmt.Sprintf("%d %s", f.Sessions[how], how))
		}
		p.line("Sessions: %s", strings.Join(ended, ", "))
		rows := make([][]string, len(f.Screens))
		for i, s := range f.Screens {
			name := s.Name
			if name == "" {
				name = "step " + strconv.Itoa(s.Step)
			}
			rows[i] = []string{name, strconv.Itoa(s.Sessions), strconv.Itoa(s.Shown), strconv.Itoa(s.Ended), strconv.Itoa(s.Left), short(s.Text)}
		}
		p.table([]string{"SCREEN", "SESSIONS", "SHOWN", "ENDED", "LEFT", "TEXT"}, rows)
	})
}

type sessionCmd struct {
	List sessionList `cmd:"" help:"List the USSD sessions and calls of an app"`
	Get  sessionGet  `cmd:"" help:"Show a USSD session or a call, step by step"`
}

// Help is kong's.
func (sessionCmd) Help() string {
	return `A USSD session or a call is kept with each of its steps: what was entered or said, and what was answered.

    hookswitch session list --app acme --channel ussd
    hookswitch session get --app acme dlg_…`
}

type sessionList struct {
	ofApp
	paging
	Sender  string `name:"sender" placeholder:"SENDER" help:"Only those of this sender, by id or name."`
	Channel string `name:"channel" placeholder:"CHANNEL" help:"Only ussd, or voice."`
}

// Help is kong's.
func (sessionList) Help() string {
	return `Lists the USSD sessions and calls of an app, newest first.

    hookswitch session list --app acme --channel ussd
    hookswitch session list --app acme --sender "Money menu" --json`
}

// Run lists them.
func (c *sessionList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Session], error) {
		id, err := senderFlag(ctx, cl, c.App, c.Sender)
		if err != nil {
			return client.Page[client.Session]{}, err
		}
		return cl.Sessions(ctx, c.App, id, c.Channel, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "Nobody has dialled or called yet.", []string{"ID", "TIME", "CHANNEL", "FROM", "TO", "STATUS", "STEPS", "ENTERED"}, func(s client.Session) []string {
			return []string{s.ID, clock(s.CreatedAt), s.Channel, s.From, s.To, s.Status, strconv.Itoa(s.Steps), short(s.Entered)}
		})
	})
}

type sessionGet struct {
	ofApp
	Session string `arg:"" help:"The session or call, by its id."`
}

// Help is kong's.
func (sessionGet) Help() string {
	return `Shows a USSD session or a call, step by step.

    hookswitch session get --app acme dlg_…
    hookswitch session get --app acme dlg_… --json`
}

// Run shows it.
func (c *sessionGet) Run(e *env) error {
	s, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Session, error) {
		return cl.Session(ctx, c.App, c.Session)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, s, func(p *printer) {
		p.fields(field{"id", s.ID}, field{"from", s.From}, field{"to", s.To}, field{"status", s.Status})
		for _, step := range s.List {
			p.line("")
			p.line("> %s", step.Input)
			p.line("%s", step.Answer)
		}
	})
}
