package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// simulatePhone is a telephone at the terminal, and the providers between it and the server.
type simulatePhone struct {
	played
	Start  string        `name:"channel" default:"whatsapp" placeholder:"CHANNEL" help:"The channel to begin with."`
	Listen string        `name:"api" default:"127.0.0.1:8421" placeholder:"HOST:PORT" help:"Stand in for the providers' APIs at this address."`
	Script bool          `name:"script" help:"Show no prompt, and wait for an answer after each message; to have none is an error."`
	Wait   time.Duration `name:"wait" default:"5s" placeholder:"TIME" help:"How long a script waits for an answer."`
}

const phoneHelp = `TEXT              write, or answer what a call or a session has asked
*384*1234#        dial a USSD code
/call             call; an empty line is silence, digits are pressed
/use CHANNEL [PROVIDER]
                  go to another channel
/from ID          be another person
/send KIND [TEXT] send something of a kind, such as image; /kinds lists them
/again            make the last push once more, as providers do
/hangup           leave the call or the session
/help, /quit`

// Help is kong's.
func (simulatePhone) Help() string {
	return `A telephone at the terminal: write on any channel, dial USSD codes, call, and see what is answered. It plays the providers too, so start the server with
their APIs here, each under its name:

HOOKSWITCH_PROVIDER_BASE_URLS=meta=http://127.0.0.1:8421/meta,telegram=http://127.0.0.1:8421/telegram,…
HOOKSWITCH_ALLOW_NETWORKS=127.0.0.0/8

The phone prints the whole of the first when it starts. With --script it reads its lines from a pipe and waits for each answer; it ends with an error that names the
lines that had none. What is answered in web chat is fetched by the visitor's browser, and not shown here.

    hookswitch simulate phone -f senders.json
    printf '*384*1234#\n1\n' | hookswitch simulate phone -f senders.json --script`
}

// phone is the telephone while it is on.
type phone struct {
	cmd  *simulatePhone
	env  *env
	apis map[string]simulate.API

	sim      simulate.Simulator
	account  simulate.Account
	from     string
	dialogue simulate.Dialogue // under way
	last     *simulate.Push

	line       int      // of the input
	unanswered []string // the lines of a script that had no answer

	mu      sync.Mutex // of showing
	answers chan struct{}
}

// shownLine is a line of the phone as JSON.
type shownLine struct {
	Channel string `json:"channel"`
	What    string `json:"what"` // answer, screen, end, pushed, note
	Text    string `json:"text"`
	TookMs  int64  `json:"tookMs,omitempty"`
}

// Run is on until its input ends.
func (c *simulatePhone) Run(e *env) error {
	if c.List {
		return (&simulateProviders{JSON: c.JSON}).Run(e)
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return hinted(fmt.Errorf("listen on %s: %w", c.Listen, err), "another address, such as --api 127.0.0.1:0")
	}
	p := &phone{cmd: c, env: e, apis: map[string]simulate.API{}, from: c.From, answers: make(chan struct{}, 1000)}
	mux, setting, err := p.providers("http://" + listener.Addr().String())
	if err == nil {
		err = p.use(hookswitch.Channel(c.Start), c.Provider)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	ctx, cancel := context.WithCancel(e.ctx)
	var running sync.WaitGroup
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	running.Go(func() { _ = srv.Serve(listener) }) // ends with the close below
	for _, api := range p.apis {
		running.Go(func() { _ = api.Run(ctx) })
	}
	defer func() {
		cancel()
		_ = srv.Close()
		for _, api := range p.apis {
			api.Close()
		}
		running.Wait()
	}()
	p.show("note", "HOOKSWITCH_PROVIDER_BASE_URLS="+setting, 0)
	if !c.Script {
		p.show("note", "/help shows what the phone can do.", 0)
	}
	if err := p.listen(ctx); err != nil {
		return err
	}
	if len(p.unanswered) > 0 {
		return hinted(fmt.Errorf("no answer to line %s within %s", strings.Join(p.unanswered, ", "), c.Wait), "a server that calls this phone, by the setting printed above, and a sender with a responder; or a longer --wait")
	}
	return nil
}

// providers sets up the stand-ins of all APIs, each under its provider's name, and the setting that leads to them.
func (p *phone) providers(base string) (*http.ServeMux, string, error) {
	accounts := map[string][]simulate.Account{}
	var names []string
	for _, s := range simulate.All() {
		a, err := p.accountOf(s)
		if err != nil {
			return nil, "", err
		}
		if !slices.Contains(names, s.Provider) {
			names = append(names, s.Provider)
		}
		accounts[s.Provider] = append(accounts[s.Provider], a)
	}
	mux := http.NewServeMux()
	var setting []string
	for _, name := range names {
		api, ok := simulate.NewAPI(accounts[name], simulate.APIOptions{Callback: p.cmd.baseURL(), OnSend: p.answered})
		if !ok {
			continue
		}
		p.apis[name] = api
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name, api))
		setting = append(setting, name+"="+base+"/"+name)
	}
	return mux, strings.Join(setting, ","), nil
}

// accountOf is the account of the sender file on the channel and at the provider of s, or the demo's where the file has none.
func (p *phone) accountOf(s simulate.Simulator) (simulate.Account, error) {
	c := played{Channel: s.Channel, Provider: s.Provider, URL: p.cmd.URL, PublicURL: p.cmd.PublicURL, File: p.cmd.File, Path: p.cmd.Path}
	_, a, err := c.account(p.env)
	if err == nil {
		return a, nil
	}
	var none *noEntryError
	if errors.As(err, &none) {
		c.File = ""
		_, a, err = c.account(p.env)
	}
	return a, err
}

func (p *phone) use(ch hookswitch.Channel, provider string) error {
	var s simulate.Simulator
	var err error
	if s, err = simulate.Of(ch, provider); err != nil {
		return &usageError{err}
	}
	a, err := p.accountOf(s)
	if err != nil {
		return err
	}
	a.API = p.apis[s.Provider]
	p.sim, p.account, p.last, p.dialogue = s, a, nil, nil
	return nil
}

// answered shows what a provider has taken for the phone.
func (p *phone) answered(s simulate.Sent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.print(shownLine{string(s.Channel), "answer", cmp.Or(s.Text, "["+s.Type+"]"), 0})
	select {
	case p.answers <- struct{}{}:
	default:
	}
}

func (p *phone) show(what, text string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.print(shownLine{string(p.sim.Channel), what, text, took.Milliseconds()})
}

func (p *phone) print(l shownLine) error {
	return p.env.show(p.cmd.JSON, l, func(out *printer) {
		switch l.What {
		case "note":
			out.line("%s", l.Text)
		case "answer":
			out.line("%s < %s", l.Channel, l.Text)
		case "pushed":
			out.line("%s > %s  (%d ms)", l.Channel, l.Text, l.TookMs)
		default: // a screen, whose lines are kept
			for i, line := range strings.Split(l.Text, "\n") {
				word := map[bool]string{true: strings.ToUpper(l.What), false: ""}[i == 0]
				out.line("%-4s| %s", word, line)
			}
			out.line("    (%d ms)", l.TookMs)
		}
	})
}

// listen does what the lines say until there are none.
func (p *phone) listen(ctx context.Context) error {
	lines := make(chan string)
	go func() { // ends with the input, or with the program
		defer close(lines)
		in := bufio.NewScanner(p.env.Stdin)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		if !p.cmd.Script {
			fmt.Fprintf(p.env.Stdout, "%s %s> ", p.sim.Channel, cmp.Or(p.from, p.sim.Person.From))
		}
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok || line == "/quit" {
				return p.hangUp(ctx)
			}
			p.line++
			if err := p.do(ctx, line); err != nil {
				p.show("note", err.Error(), 0)
				if p.cmd.Script {
					return errors.Join(fmt.Errorf("line %d: %w", p.line, err), p.hangUp(ctx))
				}
			}
		}
	}
}

func (p *phone) hangUp(ctx context.Context) error {
	if p.dialogue == nil {
		return nil
	}
	d := p.dialogue
	p.dialogue = nil
	return d.HangUp(ctx)
}

// do is one line.
func (p *phone) do(ctx context.Context, line string) error {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case word == "/help":
		p.show("note", phoneHelp, 0)
	case word == "/kinds":
		for _, k := range p.sim.Kinds {
			p.show("note", k.Name+": "+k.About, 0)
		}
	case word == "/use":
		ch, provider, _ := strings.Cut(rest, " ")
		if err := p.hangUp(ctx); err != nil {
			return err
		}
		return p.use(hookswitch.Channel(ch), strings.TrimSpace(provider))
	case word == "/from":
		p.from = rest
	case word == "/hangup":
		return p.hangUp(ctx)
	case word == "/call":
		if err := p.use(hookswitch.Voice, rest); err != nil {
			return err
		}
		return p.dial(ctx)
	case word == "/again":
		return p.again(ctx)
	case p.dialogue != nil:
		begin := time.Now()
		s, err := p.dialogue.Answer(ctx, line)
		return p.screen(s, err, begin)
	case strings.HasPrefix(line, "*") && strings.HasSuffix(line, "#"):
		if err := p.use(hookswitch.USSD, ""); err != nil {
			return err
		}
		code := strings.TrimSuffix(p.account.Credentials.First("service_code"), "#")
		more, ours := strings.CutPrefix(strings.TrimSuffix(line, "#"), code)
		if !ours || more != "" && more[0] != '*' {
			return fmt.Errorf("nobody is at %s; the sender's code is %s#", line, code)
		}
		var inputs []string
		if more != "" {
			inputs = strings.Split(more[1:], "*")
		}
		return p.dial(ctx, inputs...)
	case word == "/send":
		kind, text, _ := strings.Cut(rest, " ")
		return p.send(ctx, kind, text)
	case strings.HasPrefix(line, "/"):
		return fmt.Errorf("the phone does not know %s; /help shows what it knows", word)
	case line != "":
		return p.send(ctx, "text", line)
	}
	return nil
}

func (p *phone) dial(ctx context.Context, inputs ...string) error {
	d, err := p.sim.Dial(p.account, nil, p.cmd.baseURL(), p.from)
	if err != nil {
		return err
	}
	p.dialogue = d
	begin := time.Now()
	s, err := d.Open(ctx, inputs...)
	return p.screen(s, err, begin)
}

// screen shows what a dialogue has answered, or that it has not.
func (p *phone) screen(s simulate.Screen, err error, begin time.Time) error {
	took := time.Since(begin)
	if err != nil {
		p.dialogue = nil
		return fmt.Errorf("the line is dead after %s: %w", took.Round(time.Millisecond), err)
	}
	word := map[bool]string{true: "con", false: "end"}[s.More]
	if !s.More {
		p.dialogue = nil
	}
	p.show(word, s.Text, took)
	return nil
}

func (p *phone) send(ctx context.Context, kind, text string) error {
	k, ok := p.sim.Kind(kind)
	if !ok {
		return fmt.Errorf("%s over %s has no kind %q; /kinds lists them, and /use goes to another channel", p.sim.Channel, p.sim.Provider, kind)
	}
	push := p.sim.Push(k, p.account, simulate.Person{From: p.from, Text: text})
	p.last = &push
	return p.push(ctx, cmp.Or(text, "["+kind+"]"), true)
}

func (p *phone) again(ctx context.Context) error {
	switch {
	case p.dialogue != nil:
		begin := time.Now()
		s, err := p.dialogue.Repeat(ctx)
		if errors.Is(err, simulate.ErrNoRepeat) {
			return err
		}
		return p.screen(s, err, begin)
	case p.last != nil:
		return p.push(ctx, "again", false)
	}
	return errors.New("nothing has been sent yet")
}

// push makes the last push, and waits for an answer where a script expects one.
func (p *phone) push(ctx context.Context, text string, wait bool) error {
	for len(p.answers) > 0 {
		<-p.answers
	}
	res, err := p.last.Post(ctx, nil, p.cmd.baseURL())
	switch {
	case err != nil:
		return err
	case res.Status/100 != 2:
		return fmt.Errorf("the door answered %d: %s", res.Status, short(string(res.Body)))
	}
	p.show("pushed", text, res.Took)
	if !p.cmd.Script || !wait || p.apis[p.sim.Provider] == nil {
		return nil
	}
	timer := time.NewTimer(p.cmd.Wait)
	defer timer.Stop()
	select {
	case <-p.answers:
	case <-timer.C:
		p.unanswered = append(p.unanswered, strconv.Itoa(p.line))
		p.show("note", "no answer within "+p.cmd.Wait.String(), 0)
	case <-ctx.Done():
	}
	return nil
}
