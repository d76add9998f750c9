package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/client"
)

type senderCmd struct {
	Apply     senderApply     `cmd:"" help:"Make senders what a file says"`
	Create    senderCreate    `cmd:"" help:"Create a sender"`
	List      senderList      `cmd:"" help:"List the senders of an app"`
	Get       senderGet       `cmd:"" help:"Show a sender with its routes and doors"`
	Route     routeCmd        `cmd:"" help:"Manage the routes of a sender"`
	Providers senderProviders `cmd:"" help:"List what routes can be made of"`
	Register  senderRegister  `cmd:"" help:"Tell the providers of a sender where to push"`
	Delete    senderDelete    `cmd:"" help:"Delete a sender"`
}

// Help is kong's.
func (senderCmd) Help() string {
	return `A sender is an identity that customers see: a number, a page, a bot. It has a route for each channel it is reached on, with the credentials of its
provider, and perhaps a webhook and a responder. A sender file describes senders:

    {"senders": [{"name": "support", "channel": "whatsapp", "provider": "meta",
      "credentials": {"app_secret": "…", "verify_token": "…", "access_token": "…", "phone_number_id": "…"},
      "webhook": {"url": "https://example.com/hook"}, "responder": {"kind": "echo"}}]}

    hookswitch sender apply --app acme -f senders.json
    hookswitch sender list --app acme`
}

// senders prints senders one after the other.
func (p *printer) senders(list []client.Sender) {
	for i, s := range list {
		if i > 0 {
			p.line("")
		}
		p.sender(s)
	}
}

func (p *printer) sender(s client.Sender) {
	head := s.Name
	if s.Result != "" {
		head += ": " + s.Result
	}
	p.line("%s", head)
	list := []field{{"  id", s.ID}, {"  number", text(s.PhoneNumber)}, {"  email", text(s.EmailAddress)}}
	for _, c := range s.Channels {
		carried := func(r client.Route) bool {
			return r.Channel == c || c == hookswitch.SMSOneWay && r.Channel == string(hookswitch.SMS)
		}
		if !slices.ContainsFunc(s.Routes, carried) {
			list = append(list, field{"  channel", c + "; it has no route yet"})
		}
	}
	for _, r := range s.Routes {
		list = append(list, field{"  route", routeText(r)}, field{"  route id", r.ID})
		if r.Receives {
			list = append(list, field{"  door", strings.Join(append([]string{r.DoorURL}, r.SharedDoorURLs...), " or ")})
		}
	}
	if s.Responder != nil {
		list = append(list, field{"  responder", s.Responder.Kind})
	}
	if w := s.Webhook; w != nil {
		list = append(list, field{"  webhook", w.URL}, field{"  secret", w.Secret})
	}
	p.fields(list...)
	if s.Webhook != nil && s.Webhook.Secret != "" {
		p.line("  Keep the secret: it is not shown again.")
	}
}

func routeText(r client.Route) string {
	out := r.Channel + " over " + r.Provider
	if a := text(r.Address); a != "" {
		out += " at " + a
	}
	if !r.Known {
		return out + "; this server has no adapter of that provider"
	}
	if d := r.Disabled; d != nil {
		return out + "; sends nothing since " + clock(d.At) + ": " + d.Cause + "; set its credentials anew with \"hookswitch sender route set\""
	}
	out += "; receives: " + yesNo(r.Receives) + ", sends: " + yesNo(r.Sends)
	if len(r.Lacks) > 0 {
		out += " without " + strings.Join(r.Lacks, ", ")
	}
	if len(r.Ignored) > 0 {
		out += "; its provider does not know " + strings.Join(r.Ignored, ", ")
	}
	return out
}

type senderApply struct {
	ofApp
	File string `name:"file" short:"f" required:"" placeholder:"FILE" help:"Sender file; - reads standard input."`
}

// Help is kong's.
func (senderApply) Help() string {
	return `Makes the senders of an app what a sender file says. Entries of one name are one sender with several routes, senders that the file does not name are
left alone, and applying it again changes nothing. An entry with an "id" means the sender that has it, such as one that was made over the API and needs a
route. The secret of a new webhook is printed this once.

    hookswitch sender apply --app acme -f senders.json
    cat senders.json | hookswitch sender apply --app acme -f - --json`
}

// maxFile bounds what is read of a file or of standard input.
const maxFile = 16 << 20

// readInput reads a file, or standard input for "-".
func (e *env) readInput(name string) ([]byte, error) {
	in := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", inputName(name), err)
	case len(b) > maxFile:
		return nil, fmt.Errorf("%s is larger than %d MiB", inputName(name), maxFile>>20)
	}
	return b, nil
}

func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// checkJSON says where b is no JSON.
func checkJSON(b []byte, name string) error {
	var v any
	err := json.Unmarshal(b, &v)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		line := 1 + strings.Count(string(b[:min(int(syntax.Offset), len(b))]), "\n")
		return hinted(fmt.Errorf("%s is not valid JSON: line %d: %w", name, line, err), "correct line "+fmt.Sprint(line)+" of "+name)
	}
	return fmt.Errorf("%s is not valid JSON: %w", name, err)
}

// Run applies the file.
func (c *senderApply) Run(e *env) error {
	b, err := e.readInput(c.File)
	if err != nil {
		return hinted(err, "-f with the path of a sender file; \"hookswitch sender --help\" shows one")
	}
	if err := checkJSON(b, inputName(c.File)); err != nil {
		return err
	}
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Sender], error) {
		return cl.ApplySenders(ctx, c.App, b)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) { p.senders(page.Items) })
}

type senderList struct {
	ofApp
	paging
}

// Help is kong's.
func (senderList) Help() string {
	return `Lists the senders of an app, newest first.

    hookswitch sender list --app acme
    hookswitch sender list --app acme --json`
}

// Run lists the senders.
func (c *senderList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Sender], error) {
		return cl.Senders(ctx, c.App, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "The app has no senders. Make some with: hookswitch sender apply --app APP -f FILE", []string{"ID", "NAME", "CHANNELS", "PROVIDERS", "WEBHOOK"},
			func(s client.Sender) []string {
				var providers []string
				for _, r := range s.Routes {
					name := r.Provider
					if r.Disabled != nil {
						name += " (disabled)"
					}
					providers = append(providers, name)
				}
				hook := ""
				if s.Webhook != nil {
					hook = s.Webhook.URL
				}
				return []string{s.ID, s.Name, strings.Join(s.Channels, ", "), strings.Join(providers, ", "), hook}
			})
	})
}

// findSender is the sender of an app by its id, or else by its name.
func findSender(ctx context.Context, cl *client.Client, app, ref string) (client.Sender, error) {
	if strings.HasPrefix(ref, hookswitch.KindSender.Prefix()) {
		return cl.Sender(ctx, app, ref)
	}
	var found []client.Sender
	for l := (client.List{Limit: 100}); ; {
		page, err := cl.Senders(ctx, app, l)
		if err != nil {
			return client.Sender{}, err
		}
		for _, s := range page.Items {
			if s.Name == ref {
				found = append(found, s)
			}
		}
		switch {
		case len(found) > 1:
			return client.Sender{}, hinted(fmt.Errorf("the app has several senders of the name %q", ref), "the id of one of them, such as "+found[0].ID)
		case page.NextCursor == nil && len(found) == 1:
			return found[0], nil
		case page.NextCursor == nil:
			return client.Sender{}, hinted(fmt.Errorf("the app has no sender of the name %q", ref), "hookswitch sender list --app "+app)
		}
		l.Cursor = *page.NextCursor
	}
}

type senderGet struct {
	ofApp
	Sender string `arg:"" help:"The sender, by id or name."`
}

// Help is kong's.
func (senderGet) Help() string {
	return `Shows a sender: its routes, and for each the addresses to enter at its provider.

    hookswitch sender get --app acme support
    hookswitch sender get --app acme support --json`
}

// Run shows the sender.
func (c *senderGet) Run(e *env) error {
	s, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Sender, error) {
		return findSender(ctx, cl, c.App, c.Sender)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, s, func(p *printer) { p.sender(s) })
}

type senderRegister struct {
	ofApp
	Channel string `name:"channel" placeholder:"CHANNEL" help:"Only for the routes on this channel."`
	Sender  string `arg:"" help:"The sender, by id or name."`
}

// Help is kong's.
func (senderRegister) Help() string {
	return `Tells the provider of each route of a sender to push to this server, at an address of the sender's own, in place of where it pushed before. What a provider
has no call for is printed as steps to take at its web site. Doing it again changes nothing.

    hookswitch sender register --app acme support
    hookswitch sender register --app acme support --channel sms --json`
}

// Run tells the providers.
func (c *senderRegister) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Registration], error) {
		s, err := findSender(ctx, cl, c.App, c.Sender)
		if err != nil {
			return client.Page[client.Registration]{}, err
		}
		return cl.RegisterSender(ctx, c.App, s.ID, c.Channel)
	})
	if err != nil {
		return err
	}
	if err := e.show(c.JSON, page, func(p *printer) { p.registrations(page.Items) }); err != nil {
		return err
	}
	var failed []string
	hint := "correct the sender file, apply it, and register again"
	for _, r := range page.Items {
		if r.Error != nil {
			failed = append(failed, r.Channel)
			if r.Error.Again {
				hint = "the same command in a moment"
			}
		}
	}
	if len(failed) > 0 {
		return hinted(fmt.Errorf("not registered: %s", strings.Join(failed, ", ")), hint)
	}
	return nil
}

func (p *printer) registrations(list []client.Registration) {
	for i, r := range list {
		if i > 0 {
			p.line("")
		}
		switch head := r.Channel + " over " + r.Provider + ": "; {
		case r.Error != nil:
			p.line("%s%s", head, r.Error.Message)
		case r.Result == "registered":
			p.line("%sregistered", head)
		default:
			p.line("%sto be entered by hand", head)
		}
		p.fields(field{"  door", r.DoorURL})
		if len(r.Steps) > 0 {
			p.line("  Left to do:")
		}
		for n, step := range r.Steps {
			p.line("  %d. %s", n+1, step)
		}
	}
}

type senderDelete struct {
	ofApp
	Sender string `arg:"" help:"The sender, by id or name."`
}

// Help is kong's.
func (senderDelete) Help() string {
	return `Deletes a sender. Its doors close, and its webhook gets nothing more.

    hookswitch sender delete --app acme support
    hookswitch sender delete --app acme support --json`
}

// Run deletes the sender.
func (c *senderDelete) Run(e *env) error {
	var id string
	_, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (struct{}, error) {
		s, err := findSender(ctx, cl, c.App, c.Sender)
		if err != nil {
			return struct{}{}, err
		}
		id = s.ID
		return struct{}{}, cl.DeleteSender(ctx, c.App, s.ID)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, gone{id, true}, func(p *printer) { p.line("Deleted sender %s.", c.Sender) })
}
