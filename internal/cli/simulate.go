package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

type simulateCmd struct {
	WhatsApp simulateWhatsApp `cmd:"" name:"whatsapp" help:"Play Meta's side of a WhatsApp number"`
}

// Help is kong's.
func (simulateCmd) Help() string {
	return `Plays a messaging provider: makes its pushes, signed as it would sign them, and stands in for the API over which it takes messages. It talks to this
machine only.

    hookswitch simulate whatsapp --text "Hello"
    hookswitch simulate whatsapp --list`
}

// simulateWhatsApp plays scenarios, or stands in for the Graph API.
type simulateWhatsApp struct {
	Scenario string `name:"scenario" default:"text" placeholder:"NAME" help:"What to play; --list shows what there is."`
	List     bool   `name:"list" help:"List the scenarios."`
	Graph    string `name:"graph" placeholder:"HOST:PORT" help:"Stand in for the Graph API at this address until interrupted: take messages, and report them sent, delivered and read."`

	Text    string  `name:"text" placeholder:"TEXT" help:"What the person writes."`
	From    string  `name:"from" placeholder:"PHONE" help:"The person's number, such as +254712345678."`
	Name    string  `name:"name" placeholder:"NAME" help:"The person's profile name."`
	ReplyTo string  `name:"reply-to" placeholder:"WAMID" help:"The message of ours that a button, a reaction or a status is about."`
	Count   int     `name:"count" default:"100" placeholder:"N" help:"Messages of a burst, up to 100000."`
	Rate    float64 `name:"rate" default:"0" placeholder:"N" help:"Messages a second of a burst; 0 for as fast as they are taken."`
	Workers int     `name:"workers" default:"16" placeholder:"N" help:"Connections of a burst, up to 256."`

	URL  string `name:"url" env:"HOOKSWITCH_URL" default:"http://127.0.0.1:8420" placeholder:"URL" help:"The server whose door is pushed to."`
	Path string `name:"path" placeholder:"PATH" help:"The door, such as /in/snd_…; the shared one of WhatsApp when not given."`

	File          string            `name:"file" short:"f" placeholder:"FILE" help:"Take the number's credentials from the first WhatsApp entry of a sender file."`
	AppSecret     hookswitch.Secret `name:"app-secret" placeholder:"SECRET" help:"App secret that pushes are signed with."`
	AccessToken   hookswitch.Secret `name:"access-token" placeholder:"TOKEN" help:"Access token that the Graph stand-in asks for; any when not given."`
	PhoneNumberID string            `name:"phone-number-id" placeholder:"ID" help:"Phone number id."`
	WABAID        string            `name:"waba-id" placeholder:"ID" help:"Id of the business account."`
	DisplayPhone  string            `name:"display-phone" placeholder:"PHONE" help:"The number itself."`

	JSON bool `name:"json" help:"Print JSON, one object a line."`
}

// Help is kong's.
func (simulateWhatsApp) Help() string {
	return `Plays Meta's side of a WhatsApp number. It pushes a scenario to the server, with the signature of the app secret, and fails when the door does not answer
as it should. The number's credentials come from flags, or from the sender file that was applied; with neither they are those of the demo: app secret
` + simulate.DemoAppSecret + `, phone number id ` + simulate.DemoPhoneNumberID + `, account ` + simulate.DemoWABAID + `.

With --graph it stands in for the Graph API instead, so that answers can be sent: start the server with
HOOKSWITCH_PROVIDER_BASE_URLS=meta=http://HOST:PORT.

    hookswitch simulate whatsapp --text "What is my balance?" --from +254712345678
    hookswitch simulate whatsapp -f senders.json --scenario burst --count 500 --rate 100
    hookswitch simulate whatsapp -f senders.json --graph 127.0.0.1:9000`
}

// Validate is called by kong.
func (c *simulateWhatsApp) Validate() error {
	switch {
	case c.Count < 1 || c.Count > 100_000:
		return fmt.Errorf("--count must lie between 1 and 100000, and is %d", c.Count)
	case c.Rate < 0 || c.Rate > 10_000:
		return fmt.Errorf("--rate must lie between 0 and 10000, and is %g", c.Rate)
	case c.Workers < 1 || c.Workers > 256:
		return fmt.Errorf("--workers must lie between 1 and 256, and is %d", c.Workers)
	}
	return nil
}

// Run plays.
func (c *simulateWhatsApp) Run(e *env) error {
	if c.List {
		return c.list(e)
	}
	number, token, err := c.number(e)
	if err != nil {
		return err
	}
	if c.Graph != "" {
		return c.standIn(e, number, token)
	}
	return c.play(e, number)
}

// scenario is an entry of the list.
type scenario struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

func (c *simulateWhatsApp) list(e *env) error {
	var list []scenario
	var rows [][]string
	for _, s := range simulate.WhatsAppScenarios() {
		list = append(list, scenario{s.Name, s.About})
		rows = append(rows, []string{s.Name, s.About})
	}
	return e.show(c.JSON, list, func(p *printer) { p.table([]string{"SCENARIO", "WHAT HAPPENS"}, rows) })
}

// number is the number that is played, and the access token of its account. Flags win over the file.
func (c *simulateWhatsApp) number(e *env) (simulate.WhatsApp, hookswitch.Secret, error) {
	creds := hookswitch.Credentials{}
	phone := ""
	if c.File != "" {
		var err error
		if creds, phone, err = c.credentials(e); err != nil {
			return simulate.WhatsApp{}, "", err
		}
	}
	return simulate.WhatsApp{
		AppSecret:     cmp.Or(c.AppSecret, hookswitch.Secret(creds.First("app_secret")), simulate.DemoAppSecret),
		PhoneNumberID: cmp.Or(c.PhoneNumberID, creds.First("phone_number_id"), simulate.DemoPhoneNumberID),
		WABAID:        cmp.Or(c.WABAID, creds.First("waba_id"), simulate.DemoWABAID),
		DisplayPhone:  cmp.Or(c.DisplayPhone, phone, simulate.DemoPhone),
		Path:          c.Path,
	}, cmp.Or(c.AccessToken, hookswitch.Secret(creds.First("access_token"))), nil
}

// credentials are those of the first WhatsApp entry of the sender file, with its number.
func (c *simulateWhatsApp) credentials(e *env) (hookswitch.Credentials, string, error) {
	b, err := e.readInput(c.File)
	if err != nil {
		return nil, "", hinted(err, "-f with the path of a sender file")
	}
	if err := checkJSON(b, inputName(c.File)); err != nil {
		return nil, "", err
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
		return nil, "", hinted(fmt.Errorf("%s is no sender file: %w", inputName(c.File), err), "\"hookswitch sender --help\" shows one")
	}
	for _, s := range file.Senders {
		if s.Channel == hookswitch.WhatsApp && s.Provider == "meta" {
			return s.Credentials, s.PhoneNumber, nil
		}
	}
	return nil, "", hinted(fmt.Errorf("%s has no entry of the channel whatsapp and the provider meta", inputName(c.File)), "another file, or --app-secret and --phone-number-id")
}

func (c *simulateWhatsApp) play(e *env, number simulate.WhatsApp) error {
	all := simulate.WhatsAppScenarios()
	i := slices.IndexFunc(all, func(s simulate.Scenario) bool { return s.Name == c.Scenario })
	if i < 0 {
		return &usageError{fmt.Errorf("there is no scenario %q; \"hookswitch simulate whatsapp --list\" shows what there is", c.Scenario)}
	}
	workers := 1
	if c.Scenario == "burst" {
		workers = c.Workers
	}
	t := &tally{quiet: c.Scenario == "burst", cmd: c, env: e}
	begin := time.Now()
	steps := all[i].Steps(number, simulate.Person{Phone: c.From, Name: c.Name, Text: c.Text, ReplyTo: c.ReplyTo, Count: c.Count, Rate: c.Rate})
	err := simulate.Play(e.ctx, nil, strings.TrimRight(cmp.Or(c.URL, defaultURL), "/"), workers, steps, t.add)
	t.took = time.Since(begin)
	return errors.Join(t.summary(), cmp.Or(err, t.failure()))
}

// tally counts the outcomes of a scenario and shows them.
type tally struct {
	cmd   *simulateWhatsApp
	env   *env
	quiet bool // too many to show each
	ok    int
	times []time.Duration
	bad   *simulate.Outcome // the first that was wrong
	wrong int
	took  time.Duration
	err   error // of showing
}

// push is an outcome as JSON.
type push struct {
	IDs        []string `json:"ids"`
	Status     int      `json:"status,omitempty"`
	Want       int      `json:"want"`
	OK         bool     `json:"ok"`
	DurationMs float64  `json:"durationMs"`
	Answer     string   `json:"answer,omitempty"`
	Error      string   `json:"error,omitempty"`
}

func (t *tally) add(o simulate.Outcome) {
	if o.Err == nil {
		t.times = append(t.times, o.Result.Took)
	}
	if o.OK() {
		t.ok++
	} else if t.wrong++; t.bad == nil {
		t.bad = &o
	}
	if t.quiet || t.err != nil {
		return
	}
	out := push{IDs: o.Step.Push.IDs, Status: o.Result.Status, Want: o.Step.Want, OK: o.OK(), DurationMs: milliseconds(o.Result.Took), Answer: string(o.Result.Body)}
	if o.Err != nil {
		out.Error = o.Err.Error()
	}
	t.err = t.env.show(t.cmd.JSON, out, func(p *printer) {
		if o.Err == nil {
			p.line("%d  %.1f ms  %s", out.Status, out.DurationMs, strings.Join(out.IDs, " "))
		}
	})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// burst is the outcome of many pushes as JSON.
type burst struct {
	Pushes   int     `json:"pushes"`
	OK       int     `json:"ok"`
	Wrong    int     `json:"wrong"`
	Seconds  float64 `json:"seconds"`
	MedianMs float64 `json:"medianMs"`
	P99Ms    float64 `json:"p99Ms"`
	MaxMs    float64 `json:"maxMs"`
}

func (t *tally) summary() error {
	if !t.quiet || t.err != nil {
		return t.err
	}
	slices.Sort(t.times)
	at := func(q float64) float64 {
		if len(t.times) == 0 {
			return 0
		}
		return milliseconds(t.times[int(q*float64(len(t.times)-1))])
	}
	out := burst{Pushes: t.ok + t.wrong, OK: t.ok, Wrong: t.wrong, Seconds: t.took.Seconds(), MedianMs: at(.5), P99Ms: at(.99), MaxMs: at(1)}
	return t.env.show(t.cmd.JSON, out, func(p *printer) {
		p.line("%d pushes in %.2f s, %d answered as they should be; median %.1f ms, 99 of 100 within %.1f ms, slowest %.1f ms", out.Pushes, out.Seconds, out.OK, out.MedianMs,
			out.P99Ms, out.MaxMs)
	})
}

// failure is an error when the door has answered as it should not.
func (t *tally) failure() error {
	if t.bad == nil {
		return nil
	}
	if err := t.bad.Err; err != nil {
		if errors.Is(err, simulate.ErrNotLoopback) {
			return err
		}
		return hinted(err, "start a server with \"hookswitch serve\", or say where it is with --url or HOOKSWITCH_URL")
	}
	r := t.bad.Result
	err := fmt.Errorf("the door answered %d instead of %d: %s", r.Status, t.bad.Step.Want, short(string(r.Body)))
	switch r.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return hinted(err, "-f with the sender file that was applied, or --app-secret: the server knows another app secret")
	case http.StatusServiceUnavailable, http.StatusNotFound:
		return hinted(err, "hookswitch sender apply --app APP -f FILE, so that the server knows the number; or another --path")
	}
	return hinted(err, "look into the server's log")
}

// standIn is the Graph API until the context ends.
func (c *simulateWhatsApp) standIn(e *env, number simulate.WhatsApp, token hookswitch.Secret) error {
	listener, err := net.Listen("tcp", c.Graph)
	if err != nil {
		return hinted(fmt.Errorf("listen on %s: %w", c.Graph, err), "another address, such as --graph 127.0.0.1:0")
	}
	var mu sync.Mutex // messages come from many goroutines
	graph := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{number}, Token: token, Callback: strings.TrimRight(cmp.Or(c.URL, defaultURL), "/"),
		OnSend: func(s simulate.Sent) {
			mu.Lock()
			defer mu.Unlock()
			_ = e.show(c.JSON, taken{s.ID, s.To, s.Type, s.Text, s.Ref}, func(p *printer) { p.line("to %s: %s", s.To, cmp.Or(short(s.Text), "["+s.Type+"]")) })
		}})
	mu.Lock()
	err = e.show(c.JSON, standing{"http://" + listener.Addr().String()}, func(p *printer) {
		p.line("Taking messages at http://%s until interrupted. Start the server with", listener.Addr())
		p.line("HOOKSWITCH_PROVIDER_BASE_URLS=meta=http://%s", listener.Addr())
	})
	mu.Unlock()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	srv := &http.Server{Handler: graph, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(e.ctx, func() { _ = srv.Close() })
	defer stop()
	reports := make(chan error, 1)
	go func() { reports <- graph.Run(e.ctx) }()
	err = srv.Serve(listener)
	graph.Close()
	<-reports
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// standing is what --graph prints first as JSON, and taken what it prints for each message.
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
