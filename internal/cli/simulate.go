package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

type simulateCmd struct {
	WhatsApp  simulateWhatsApp  `cmd:"" name:"whatsapp" help:"Play WhatsApp, at Meta or Twilio"`
	Messenger simulateChannel   `cmd:"" name:"messenger" help:"Play a page on Messenger"`
	Instagram simulateChannel   `cmd:"" name:"instagram" help:"Play an account on Instagram"`
	SMS       simulateChannel   `cmd:"" name:"sms" help:"Play SMS, at Twilio or Africa's Talking"`
	USSD      simulateDialogue  `cmd:"" name:"ussd" help:"Play a USSD session, at Africa's Talking"`
	Voice     simulateDialogue  `cmd:"" name:"voice" help:"Play a call, at Twilio or Africa's Talking"`
	Telegram  simulateChannel   `cmd:"" name:"telegram" help:"Play a bot on Telegram"`
	X         simulateChannel   `cmd:"" name:"x" help:"Play an account on X"`
	Email     simulateChannel   `cmd:"" name:"email" help:"Play an address, at Postmark, SendGrid, Mailgun or Resend"`
	WebChat   simulateChannel   `cmd:"" name:"web_chat" help:"Play a server that passes on what visitors of a web site write"`
	Phone     simulatePhone     `cmd:"" name:"phone" help:"A telephone at the terminal, with the providers behind it"`
	List      simulateProviders `cmd:"" name:"list" help:"List who can be played"`
}

// newSimulate has each command know its channel.
func newSimulate() simulateCmd {
	messages := func(ch hookswitch.Channel) simulateChannel { return simulateChannel{played: played{Channel: ch}} }
	dialogue := func(ch hookswitch.Channel) simulateDialogue { return simulateDialogue{played: played{Channel: ch}} }
	return simulateCmd{
		WhatsApp: simulateWhatsApp{simulateChannel: messages(hookswitch.WhatsApp)}, Messenger: messages(hookswitch.Messenger), Instagram: messages(hookswitch.Instagram),
		SMS: messages(hookswitch.SMS), USSD: dialogue(hookswitch.USSD), Voice: dialogue(hookswitch.Voice), Telegram: messages(hookswitch.Telegram), X: messages(hookswitch.X),
		Email: messages(hookswitch.Email), WebChat: messages(hookswitch.WebChat),
	}
}

// Help is kong's.
func (simulateCmd) Help() string {
	return `Plays a messaging provider: makes its pushes, signed as it would sign them, and stands in for the API over which it takes messages. It talks to this
machine only.

    hookswitch simulate whatsapp --text "Hello"
    hookswitch simulate sms --provider africastalking --text "Hello" --duplicate 5 --concurrency 5
    hookswitch simulate ussd --enter 1 --enter 2
    hookswitch simulate telegram --list
    hookswitch simulate list`
}

// simulateProviders lists the simulators.
type simulateProviders struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is kong's.
func (simulateProviders) Help() string {
	return `Lists the channels and providers that can be played, and how each provider repeats what a server does not take.

    hookswitch simulate list
    hookswitch simulate list --json`
}

// player is an entry of the list.
type player struct {
	Channel  string   `json:"channel"`
	Provider string   `json:"provider"`
	Kinds    []string `json:"kinds"`
	Habit    string   `json:"habit"`
}

// Run lists.
func (c *simulateProviders) Run(e *env) error {
	var list []player
	var rows [][]string
	for _, s := range simulate.All() {
		kinds := []string{}
		for _, k := range s.Kinds {
			kinds = append(kinds, k.Name)
		}
		list = append(list, player{string(s.Channel), s.Provider, kinds, s.Habit})
		rows = append(rows, []string{string(s.Channel), s.Provider, s.Habit})
	}
	return e.show(c.JSON, list, func(p *printer) { p.table([]string{"CHANNEL", "PROVIDER", "WHAT IS NOT TAKEN"}, rows) })
}

// played are the flags about who is played, and at which door.
type played struct {
	Channel hookswitch.Channel `kong:"-"`

	Provider   string            `name:"provider" placeholder:"NAME" help:"Who is played, where the channel has several; --list shows them."`
	List       bool              `name:"list" help:"List what can be played."`
	From       string            `name:"from" placeholder:"ID" help:"The person: a number such as +254712345678, a user id, or an address."`
	URL        string            `name:"url" env:"HOOKSWITCH_URL" default:"http://127.0.0.1:8420" placeholder:"URL" help:"The server whose door is pushed to."`
	PublicURL  string            `name:"public-url" placeholder:"URL" help:"The server's address as the provider knows it, which Twilio's signatures cover; --url when not given."`
	Path       string            `name:"path" placeholder:"PATH" help:"The door, such as /in/snd_…; the shared one of the channel when not given."`
	File       string            `name:"file" short:"f" placeholder:"FILE" help:"Take the credentials from the first entry of the channel in a sender file."`
	Credential map[string]string `name:"credential" mapsep:"none" placeholder:"NAME=VALUE" help:"A credential as sender files name it; wins over the file."`
	JSON       bool              `name:"json" help:"Print JSON, one object a line."`
}

func (c *played) baseURL() string { return strings.TrimRight(cmp.Or(c.URL, defaultURL), "/") }

// account is who is played. Flags win over the file, and the file over the demo.
func (c *played) account(e *env) (simulate.Simulator, simulate.Account, error) {
	s, err := simulate.Of(c.Channel, c.Provider)
	if err != nil {
		return s, simulate.Account{}, &usageError{err}
	}
	creds, number := hookswitch.Credentials{}, ""
	if c.File != "" {
		var provider string
		if creds, number, provider, err = c.credentials(e); err != nil {
			return s, simulate.Account{}, err
		}
		if s, err = simulate.Of(c.Channel, provider); err != nil {
			return s, simulate.Account{}, &usageError{err}
		}
	}
	a := s.Account(number, creds)
	for name, value := range c.Credential {
		a = a.With(name, value)
	}
	a.Path, a.PublicURL = c.Path, cmp.Or(c.PublicURL, c.baseURL())
	return s, a, nil
}

// credentials are those of the first entry of the channel, and of the provider where one is named, in the sender file, with its number and its provider.
func (c *played) credentials(e *env) (creds hookswitch.Credentials, number, provider string, err error) {
	b, err := e.readInput(c.File)
	if err != nil {
		return nil, "", "", hinted(err, "-f with the path of a sender file")
	}
	if err := checkJSON(b, inputName(c.File)); err != nil {
		return nil, "", "", err
	}
	var file struct {
		Senders []struct {
			Channel     hookswitch.Channel     `json:"channel"`
			Provider    string                 `json:"provider"`
			PhoneNumber string                 `json:"phoneNumber"`
			Credentials hookswitch.Credentials `json:"credentials"`
		} `json:"senders"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, "", "", hinted(fmt.Errorf("%s is no sender file: %w", inputName(c.File), err), "\"hookswitch sender --help\" shows one")
	}
	for _, s := range file.Senders {
		_, unknown := simulate.Of(c.Channel, s.Provider)
		if s.Channel == c.Channel && unknown == nil && (c.Provider == "" || s.Provider == c.Provider) {
			return s.Credentials, s.PhoneNumber, s.Provider, nil
		}
	}
	what := "no entry of the channel " + string(c.Channel)
	if c.Provider != "" {
		what += " and the provider " + c.Provider
	}
	return nil, "", "", hinted(&noEntryError{inputName(c.File) + " has " + what}, "another file, or --credential NAME=VALUE")
}

// noEntryError says that a sender file has nothing of a channel.
type noEntryError struct{ message string }

func (e *noEntryError) Error() string { return e.message }

// simulateChannel plays messages of a channel, or stands in for its API.
type simulateChannel struct {
	played
	Scenario     string  `name:"scenario" aliases:"kind" default:"text" placeholder:"NAME" help:"What to play, such as a kind of message; --list shows what there is."`
	ScenarioFile string  `name:"scenario-file" placeholder:"FILE" help:"Play the steps of a file; - reads standard input."`
	API          string  `name:"api" aliases:"graph" placeholder:"HOST:PORT" help:"Stand in for the provider's API at this address until interrupted: take messages, and report what becomes of them."`
	Text         string  `name:"text" placeholder:"TEXT" help:"What the person writes."`
	Name         string  `name:"name" placeholder:"NAME" help:"The person's profile name."`
	ReplyTo      string  `name:"reply-to" placeholder:"ID" help:"The message of ours that a button, a reaction or an answer is about, by the provider's id."`
	Count        *int    `name:"count" placeholder:"N" help:"Messages, up to 100000, of one person to ten; 1 when not given, and 100 of a burst."`
	Rate         float64 `name:"rate" default:"0" placeholder:"N" help:"Pushes a second; 0 for as fast as they are taken."`
	Concurrency  int     `name:"concurrency" aliases:"workers" default:"0" placeholder:"N" help:"Pushes at once, up to 256; 1 when not given, and 16 of a burst."`
	Duplicate    int     `name:"duplicate" default:"0" placeholder:"N" help:"Make each push so many times, the same to the byte."`
	Batch        int     `name:"batch" default:"0" placeholder:"N" help:"Put so many messages into each push, at providers that do."`
	Retry        bool    `name:"retry" help:"Repeat what is not taken as the provider does."`
}

// Help is kong's.
func (c *simulateChannel) Help() string {
	example := "hookswitch simulate " + string(c.Channel)
	return `Plays the provider's side. It pushes messages to the server, proved as the provider proves them, and fails when the door does not answer as it should. The
credentials come from a sender file or from --credential; what neither names is the demo's, so that a server knows it after "hookswitch dev".

With --api it stands in for the provider's API instead, so that answers can be sent: start the server with
HOOKSWITCH_PROVIDER_BASE_URLS=` + c.usual() + `=http://HOST:PORT and HOOKSWITCH_ALLOW_NETWORKS=127.0.0.0/8.

    ` + example + ` --text "What is my balance?"
    ` + example + ` --list
    ` + example + ` --duplicate 5 --concurrency 5
    ` + example + ` -f senders.json --scenario burst --count 500 --rate 100
    ` + example + ` -f senders.json --api 127.0.0.1:9000`
}

// usual is the channel's usual provider.
func (c *played) usual() string {
	s, err := simulate.Of(c.Channel, "")
	if err != nil {
		return "NAME"
	}
	return s.Provider
}

func (c *simulateChannel) load() simulate.Load {
	n := 0
	if c.Count != nil {
		n = *c.Count
	}
	return simulate.Load{Person: simulate.Person{From: c.From, Name: c.Name, Text: c.Text, ReplyTo: c.ReplyTo}, Count: n, Rate: c.Rate, Duplicate: c.Duplicate, Batch: c.Batch}
}

// Validate is called by kong.
func (c *simulateChannel) Validate() error {
	if c.Count != nil && *c.Count < 1 {
		return fmt.Errorf("--count must lie between 1 and %d, and is %d", simulate.MaxCount, *c.Count)
	}
	l := c.load()
	if err := l.Check(); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if c.Concurrency < 0 || c.Concurrency > 256 {
		return fmt.Errorf("--concurrency must lie between 1 and 256, and is %d", c.Concurrency)
	}
	return nil
}

// Run plays.
func (c *simulateChannel) Run(e *env) error {
	s, a, err := c.account(e)
	switch {
	case err != nil:
		return err
	case c.List:
		return c.list(e, s)
	case c.API != "":
		return c.standIn(e, a)
	}
	return c.play(e, s, a)
}

// scenario is an entry of the list.
type scenario struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

func (c *simulateChannel) list(e *env, s simulate.Simulator) error {
	var list []scenario
	var rows [][]string
	for _, sc := range s.Scenarios() {
		list = append(list, scenario{sc.Name, sc.About})
		rows = append(rows, []string{sc.Name, sc.About})
	}
	return e.show(c.JSON, list, func(p *printer) {
		p.table([]string{"SCENARIO", "WHAT HAPPENS OVER " + strings.ToUpper(s.Provider)}, rows)
	})
}

// loads are what the flags, or the file, say to play.
func (c *simulateChannel) loads(e *env, s simulate.Simulator) ([]simulate.Load, error) {
	if c.ScenarioFile == "" {
		l, err := s.Load(cmp.Or(c.Scenario, "text"), c.load())
		if err != nil {
			return nil, hinted(&usageError{err}, "hookswitch simulate "+string(c.Channel)+" --provider "+s.Provider+" --list")
		}
		return []simulate.Load{l}, nil
	}
	b, err := e.readInput(c.ScenarioFile)
	if err != nil {
		return nil, hinted(err, "--scenario-file with the path of a file")
	}
	if err := checkJSON(b, inputName(c.ScenarioFile)); err != nil {
		return nil, err
	}
	list, err := simulate.ReadScenario(b)
	if err != nil {
		return nil, hinted(fmt.Errorf("%s is no scenario: %w", inputName(c.ScenarioFile), err), `a file such as {"steps": [{"kind": "text", "text": "Hello", "after": "500ms"}]}`)
	}
	return list, nil
}

func (c *simulateChannel) play(e *env, s simulate.Simulator, a simulate.Account) error {
	loads, err := c.loads(e, s)
	if err != nil {
		return err
	}
	steps, err := s.Steps(a, loads...)
	if err != nil {
		return hinted(&usageError{err}, "hookswitch simulate "+string(c.Channel)+" --provider "+s.Provider+" --list")
	}
	many := 0
	for _, l := range loads {
		many += max(l.Count, 1) * max(l.Duplicate, 1) / max(l.Batch, 1)
	}
	burst := many > 20 || c.Scenario == "burst"
	workers := cmp.Or(c.Concurrency, 1)
	if c.Concurrency == 0 && burst {
		workers = 16
	}
	client := simulate.LoopbackClient()
	defer client.CloseIdleConnections()
	post := func(ctx context.Context, p simulate.Push) (simulate.Result, error) {
		if c.Retry {
			return s.Deliver(ctx, client, c.baseURL(), a, p)
		}
		return p.Post(ctx, client, c.baseURL())
	}
	t := &tally{quiet: burst, json: c.JSON, env: e}
	begin := time.Now()
	err = simulate.PlayBy(e.ctx, post, workers, steps, t.add)
	t.took = time.Since(begin)
	return errors.Join(t.summary(), cmp.Or(err, t.failure()))
}

// standIn is the provider's API until the context ends.
func (c *simulateChannel) standIn(e *env, a simulate.Account) error {
	listener, err := net.Listen("tcp", c.API)
	if err != nil {
		return hinted(fmt.Errorf("listen on %s: %w", c.API, err), "another address, such as --api 127.0.0.1:0")
	}
	var mu sync.Mutex // messages come from many goroutines
	api, ok := simulate.NewAPI([]simulate.Account{a}, simulate.APIOptions{Callback: c.baseURL(), OnSend: func(s simulate.Sent) {
		mu.Lock()
		defer mu.Unlock()
		_ = e.show(c.JSON, taken{s.ID, s.To, s.Type, s.Text, s.Ref}, func(p *printer) { p.line("to %s: %s", s.To, cmp.Or(short(s.Text), "["+s.Type+"]")) })
	}})
	if !ok {
		return errors.Join(usagef("sending over %s makes no call that could be taken", a.Provider), listener.Close())
	}
	mu.Lock()
	err = e.show(c.JSON, standing{"http://" + listener.Addr().String()}, func(p *printer) {
		p.line("Taking messages at http://%s until interrupted. Start the server with", listener.Addr())
		p.line("HOOKSWITCH_PROVIDER_BASE_URLS=%s=http://%s HOOKSWITCH_ALLOW_NETWORKS=127.0.0.0/8", a.Provider, listener.Addr())
	})
	mu.Unlock()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(e.ctx, func() { _ = srv.Close() })
	defer stop()
	reports := make(chan error, 1)
	go func() { reports <- api.Run(e.ctx) }()
	err = srv.Serve(listener)
	api.Close()
	<-reports
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// standing is what --api prints first as JSON, and taken what it prints for each message.
type standing struct {
	URL string `json:"url"`
}

type taken struct {
	ID   string `json:"id"`
	To   string `json:"to"`
	Type string `json:"type"`
	Text string `json:"text"`
	Ref  string `json:"ref"`
}

// simulateWhatsApp has flags for the credentials of Meta, besides.
type simulateWhatsApp struct {
	simulateChannel
	AppSecret     hookswitch.Secret `name:"app-secret" placeholder:"SECRET" help:"App secret that pushes are signed with."`
	AccessToken   hookswitch.Secret `name:"access-token" placeholder:"TOKEN" help:"Access token that the stand-in of the API asks for."`
	PhoneNumberID string            `name:"phone-number-id" placeholder:"ID" help:"Phone number id."`
	WABAID        string            `name:"waba-id" placeholder:"ID" help:"Id of the business account."`
	DisplayPhone  string            `name:"display-phone" placeholder:"PHONE" help:"The number itself."`
}

// Run plays.
func (c *simulateWhatsApp) Run(e *env) error {
	given := map[string]string{"app_secret": c.AppSecret.Reveal(), "access_token": c.AccessToken.Reveal(), "phone_number_id": c.PhoneNumberID, "waba_id": c.WABAID}
	for name, value := range given {
		if value == "" {
			continue
		}
		if c.Credential == nil {
			c.Credential = map[string]string{}
		}
		c.Credential[name] = value
	}
	s, a, err := c.account(e)
	if err != nil {
		return err
	}
	a.Number = cmp.Or(c.DisplayPhone, a.Number)
	switch {
	case c.List:
		return c.list(e, s)
	case c.API != "":
		return c.standIn(e, a)
	}
	return c.play(e, s, a)
}
