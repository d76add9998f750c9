package cli

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/client"
)

type listenCmd struct {
	URL    string `name:"url" env:"HOOKSWITCH_URL" default:"http://127.0.0.1:8420" placeholder:"URL" group:"connection" help:"Address of the server."`
	Bin    string `name:"bin" placeholder:"BIN" help:"Bin to listen to: its address, that of its page, or its token. When not given, one is made."`
	Name   string `name:"name" placeholder:"NAME" help:"Name of the bin that is made; with one it stays for 30 days after its last request."`
	All    bool   `name:"all" help:"Begin with what the bin holds already."`
	JSON   bool   `name:"json" help:"Print JSON, a line for each request."`
	Target string `arg:"" optional:"" placeholder:"TARGET" help:"Address that gets what arrives, such as http://localhost:3000/webhooks. Without it requests are only shown."`
}

// Help is kong's.
func (listenCmd) Help() string {
	return `Shows what arrives at a bin as it arrives, and sends it on to a server on this machine: as it came, in the order in which it came, one after the other.
What arrives while the connection is lost comes when it is back. What came of each request is told to the bin's page too.

    hookswitch listen http://localhost:3000/webhooks
    hookswitch listen --bin https://hooks.example.com/play/in/… --json`
}

// listening is what is printed first.
type listening struct {
	Address string `json:"address"`
	Page    string `json:"page"`
	Target  string `json:"target,omitempty"`
}

// arrived is a request as it is printed.
type arrived struct {
	*client.BinRequest
	SentOn *client.SentOn `json:"sentOn,omitempty"`
}

// relistenAfter is how long it waits before it tries to come back, at most.
const relistenAfter = 15 * time.Second

// Run listens until the context ends.
func (c *listenCmd) Run(e *env) error {
	if c.Target != "" {
		if _, wrong := hookswitch.ParseEndpointURL(c.Target); wrong != "" {
			return usagef("TARGET %s, and is %q", wrong, c.Target)
		}
	}
	base := c.URL
	if u, err := url.Parse(c.Bin); err == nil && u.Host != "" { // the address of a bin says where the server is
		base = u.Scheme + "://" + u.Host
		if before, _, ok := strings.Cut(u.Path, "/play/"); ok {
			base += before
		}
	}
	cl, err := client.New(client.Options{URL: cmp.Or(base, defaultURL), UserAgent: "hookswitch/" + e.versionOf().Version})
	if err != nil {
		return &usageError{err}
	}
	token, after := client.BinToken(c.Bin), "0"
	switch {
	case token == "":
		token, err = cl.CreateBin(e.ctx, c.Name)
	case !c.All:
		after, err = cl.NewestInBin(e.ctx, token)
	}
	if err != nil {
		return err
	}
	w, err := cl.WatchBin(token, after)
	if err != nil {
		return err
	}
	if err := e.show(c.JSON, listening{cl.BinAddress(token), cl.BinPage(token), c.Target}, func(p *printer) {
		p.fields(field{"address", cl.BinAddress(token)}, field{"page", cl.BinPage(token)}, field{"sent on to", c.Target})
		p.line("Waiting for requests. End with Ctrl+C.")
	}); err != nil {
		return err
	}
	return c.follow(e, cl, w, token)
}

// follow comes back as often as the connection is lost.
func (c *listenCmd) follow(e *env, cl *client.Client, w *client.BinWatch, token string) error {
	notice := &printer{out: e.Stderr}
	lost := 0
	for {
		err := w.Follow(e.ctx, func() {
			if lost > 0 {
				notice.line("The connection is back. What has arrived meanwhile comes now.")
			}
			lost = 0
		}, func(q *client.BinRequest) error { return c.one(e, cl, token, q) })
		var stop *stopError
		switch {
		case e.ctx.Err() != nil:
			return nil
		case errors.As(err, &stop):
			return stop.err
		case errors.Is(err, client.ErrBinGone):
			return err
		}
		if lost++; lost == 1 {
			notice.line("The connection is lost: %v. Trying again until it is back.", err)
		}
		t := time.NewTimer(min(relistenAfter, time.Second<<min(lost-1, 4)))
		select {
		case <-t.C:
		case <-e.ctx.Done():
		}
		t.Stop()
	}
}

// stopError is what ends the listening for good.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }

// one sends a request on, and prints what came of it.
func (c *listenCmd) one(e *env, cl *client.Client, token string, q *client.BinRequest) error {
	a := arrived{BinRequest: q}
	if c.Target != "" {
		did := cl.SendOn(e.ctx, q, c.Target)
		if e.ctx.Err() != nil {
			return e.ctx.Err()
		}
		a.SentOn = &did
		if err := cl.NoteSentOn(context.WithoutCancel(e.ctx), token, q.ID, did); err != nil && !c.JSON {
			(&printer{out: e.Stderr}).line("The bin's page does not show what came of it: %v", err)
		}
	}
	err := e.show(c.JSON, a, func(p *printer) {
		outcome := ""
		switch did := a.SentOn; {
		case did == nil:
		case did.Status == 0:
			outcome = "  → " + did.Why
		default:
			outcome = "  → " + statusWords(did)
		}
		p.line("%s  %-6s %s  %s%s", q.Time.Local().Format("15:04:05"), q.Method, cmp.Or(q.Type, q.Path, "/"), q.Verdict.Word, outcome)
	})
	if err != nil {
		return &stopError{err}
	}
	return nil
}

func statusWords(did *client.SentOn) string {
	return strconv.Itoa(did.Status) + " in " + (time.Duration(did.MS) * time.Millisecond).String()
}
