package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/client"
)

type eventCmd struct {
	Send     eventSend     `cmd:"" help:"Send an event to the endpoints of an app"`
	List     eventList     `cmd:"" help:"List the events of an app"`
	Find     eventFind     `cmd:"" help:"Find events by what is in them and what became of them"`
	Get      eventGet      `cmd:"" help:"Show an event and what became of it"`
	Attempts eventAttempts `cmd:"" help:"List the attempts at delivering an event"`
	Resend   eventResend   `cmd:"" help:"Send an event again"`
}

// Help is kong's.
func (eventCmd) Help() string {
	return `An event is a fact with a type and a JSON payload. It goes to every endpoint of its app whose filter matches, signed, until each has taken it.

    hookswitch event send --app acme invoice.paid '{"id": 7}'
    hookswitch event list --app acme`
}

type eventSend struct {
	ofApp
	Type    string   `arg:"" help:"Type of the event, such as invoice.paid."`
	Payload string   `arg:"" optional:"" default:"{}" help:"Payload: a JSON object, @FILE, or - for standard input. Receivers get its very bytes."`
	ID      string   `name:"id" placeholder:"ID" help:"Your own id of the event; a second one with it is refused."`
	Tag     []string `name:"tag" placeholder:"TAG" help:"Tags, for endpoints that listen to some only; may be given several times."`
}

// Help is kong's.
func (eventSend) Help() string {
	return `Sends an event. When the command ends with success the event is on stable storage, and delivery has begun.

    hookswitch event send --app acme invoice.paid '{"id": 7, "amount": 10.50}'
    date -u +'{"at": "%FT%TZ"}' | hookswitch event send --app acme clock.tick - --tag test --json`
}

// payload is the bytes of the payload.
func (c *eventSend) payload(e *env) ([]byte, error) {
	b, name := []byte(c.Payload), "the payload"
	file, isFile := strings.CutPrefix(c.Payload, "@")
	if c.Payload == "-" {
		file, isFile = "-", true
	}
	if isFile {
		var err error
		if b, err = e.readInput(file); err != nil {
			return nil, hinted(err, "@ with the path of a JSON file")
		}
		name = inputName(file)
	}
	if err := checkJSON(b, name); err != nil {
		if !isFile {
			return nil, &usageError{err}
		}
		return nil, err
	}
	if b = bytes.TrimSpace(b); b[0] != '{' {
		return nil, usagef("%s must be a JSON object, such as {\"id\": 7}", name)
	}
	return b, nil
}

// Run sends the event.
func (c *eventSend) Run(e *env) error {
	payload, err := c.payload(e)
	if err != nil {
		return err
	}
	ev, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Event, error) {
		return cl.PublishEvent(ctx, c.App, client.Publish{Type: c.Type, UID: c.ID, Tags: c.Tag, Payload: payload})
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, ev, func(p *printer) {
		p.line("%s", ev.ID)
		p.line("See what became of it with: hookswitch event get --app %s %s", c.App, ev.ID)
	})
}

type eventList struct {
	ofApp
	paging
	Type []string `name:"type" placeholder:"TYPE" help:"Only events of these types; may be given several times."`
	Tag  string   `name:"tag" placeholder:"TAG" help:"Only events with this tag."`
}

// Help is kong's.
func (eventList) Help() string {
	return `Lists the events of an app without their payloads, newest first.

    hookswitch event list --app acme
    hookswitch event list --app acme --type message.inbound --limit 10 --json`
}

// Run lists the events.
func (c *eventList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Event], error) {
		return cl.Events(ctx, c.App, client.EventFilter{Types: c.Type, Tag: c.Tag}, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no such events. Send one with: hookswitch event send --app APP TYPE", []string{"ID", "TIME", "TYPE", "YOUR ID", "TAGS"},
			func(ev client.Event) []string {
				return []string{ev.ID, clock(ev.Timestamp), ev.Type, text(ev.UID), strings.Join(ev.Tags, ", ")}
			})
	})
}

type eventFind struct {
	ofApp
	paging
	Filter []string `arg:"" help:"Conditions, as in the filter bar of the pages; without quotes of the shell, several words are several texts."`
}

// Help is kong's.
func (eventFind) Help() string {
	return `Finds events, newest first, by the filter of the pages. Conditions are status: (delivered, failed, waiting, given-up), code: (503, 5xx, none), type: (message.*),
channel:, endpoint:, message:, after: and before: (2h, 3d, 2026-03-01T14:30), a field of the payload (order:17), and texts in the payload, in big or small letters. Those
of one name are alternatives; different ones have to hold together.

    hookswitch event find --app acme status:failed code:5xx after:2h
    hookswitch event find --app acme 'type:order.* "ada lovelace"' --json`
}

// Run finds the events. It goes on until there are as many as were asked for, or no more.
func (c *eventFind) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.FoundEvent], error) {
		found, list := client.Page[client.FoundEvent]{Items: []client.FoundEvent{}}, c.list()
		for {
			page, err := cl.FindEvents(ctx, c.App, strings.Join(c.Filter, " "), list)
			if err != nil {
				return found, err
			}
			found.Items, found.NextCursor = append(found.Items, page.Items...), page.NextCursor
			if list.Limit = c.Limit - len(found.Items); list.Limit <= 0 || page.NextCursor == nil {
				return found, nil
			}
			list.Cursor = *page.NextCursor
		}
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "No event matches.", []string{"ID", "TIME", "TYPE", "DELIVERED", "WAITING", "GIVEN UP", "ATTEMPTS", "LAST CODE"}, func(f client.FoundEvent) []string {
			code := ""
			if f.LastCode != nil {
				code = strconv.Itoa(*f.LastCode)
			}
			return []string{f.ID, clock(f.At), f.Type, strconv.Itoa(f.Delivered), strconv.Itoa(f.Waiting), strconv.Itoa(f.Failed), strconv.Itoa(f.Attempts), code}
		})
	})
}

// oneEvent names one event.
type oneEvent struct {
	ofApp
	Event string `arg:"" help:"The event, by its id or yours."`
}

type eventGet struct{ oneEvent }

// Help is kong's.
func (eventGet) Help() string {
	return `Shows an event with its payload, and what has become of it at each endpoint that it is owed to.

    hookswitch event get --app acme invoice-7
    hookswitch event get --app acme invoice-7 --json`
}

// eventWithDestinations is what get prints.
type eventWithDestinations struct {
	client.Event
	Destinations []client.Destination `json:"destinations"`
}

// maxDestinations is more endpoints than the server lists at once.
const maxDestinations = 250

func destinations(ctx context.Context, cl *client.Client, app, event string) ([]client.Destination, error) {
	page, err := cl.Destinations(ctx, app, event, client.List{Limit: maxDestinations})
	return page.Items, err
}

// Run shows the event.
func (c *eventGet) Run(e *env) error {
	ev, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (out eventWithDestinations, err error) {
		if out.Event, err = cl.Event(ctx, c.App, c.Event); err != nil {
			return out, err
		}
		out.Destinations, err = destinations(ctx, cl, c.App, c.Event)
		return out, err
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, ev, func(p *printer) {
		p.fields(field{"id", ev.ID}, field{"type", ev.Type}, field{"your id", text(ev.UID)}, field{"tags", strings.Join(ev.Tags, ", ")}, field{"time", clock(ev.Timestamp)})
		var payload bytes.Buffer
		if json.Indent(&payload, ev.Payload, "", "  ") == nil {
			p.line("\n%s", payload.String())
		}
		p.line("")
		if len(ev.Destinations) == 0 {
			p.line("No endpoint of the app matched it.")
			return
		}
		rows := make([][]string, len(ev.Destinations))
		for i, d := range ev.Destinations {
			next := ""
			if d.NextAttempt != nil {
				next = clock(*d.NextAttempt)
			}
			rows[i] = []string{d.ID, d.StatusText, next, d.URL}
		}
		p.table([]string{"ENDPOINT", "STATUS", "NEXT ATTEMPT", "URL"}, rows)
	})
}

type eventAttempts struct {
	oneEvent
	paging
	Endpoint string `name:"endpoint" placeholder:"ENDPOINT" help:"Only attempts at this endpoint, by id or uid."`
}

// Help is kong's.
func (eventAttempts) Help() string {
	return `Lists the attempts at delivering an event, newest first, with what each was answered.

    hookswitch event attempts --app acme invoice-7
    hookswitch event attempts --app acme invoice-7 --endpoint billing --json`
}

// Run lists the attempts.
func (c *eventAttempts) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Attempt], error) {
		return cl.EventAttempts(ctx, c.App, c.Event, c.Endpoint, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There has been no attempt.", []string{"TIME", "ENDPOINT", "STATUS", "TOOK", "ANSWER"}, func(a client.Attempt) []string {
			status := a.StatusText
			if a.Code != 0 {
				status = strings.TrimSpace(a.StatusText + " " + strconv.Itoa(a.Code) + " " + http.StatusText(a.Code))
			}
			return []string{clock(a.Timestamp), a.EndpointID, status, (time.Duration(a.DurationMs) * time.Millisecond).String(), short(a.Response)}
		})
	})
}

// maxShort is how many letters of an answer a table shows.
const maxShort = 60

// short is the beginning of s on one line.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxShort {
		return string(r[:maxShort-1]) + "…"
	}
	return s
}

type eventResend struct {
	oneEvent
	Endpoint string `name:"endpoint" placeholder:"ENDPOINT" help:"Send it to this endpoint, whether or not it has it."`
}

// Help is kong's.
func (eventResend) Help() string {
	return `Asks for one more attempt now: at the endpoint that is named, or at each that is enabled and does not have the event yet.

    hookswitch event resend --app acme invoice-7
    hookswitch event resend --app acme invoice-7 --endpoint billing`
}

// resent is what resend prints as JSON.
type resent struct {
	Event     string   `json:"event"`
	Endpoints []string `json:"endpoints"`
}

// Run asks for the attempts.
func (c *eventResend) Run(e *env) error {
	out, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (resent, error) {
		out := resent{Event: c.Event, Endpoints: []string{}}
		targets := []string{c.Endpoint}
		if c.Endpoint == "" {
			all, err := destinations(ctx, cl, c.App, c.Event)
			if err != nil {
				return out, err
			}
			targets = nil
			for _, d := range all {
				if d.Status != client.StatusSuccess && !d.Disabled {
					targets = append(targets, d.ID)
				}
			}
		}
		for _, id := range targets {
			if err := cl.Resend(ctx, c.App, c.Event, id); err != nil {
				return out, fmt.Errorf("resend to %s: %w", id, err)
			}
			out.Endpoints = append(out.Endpoints, id)
		}
		return out, nil
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, out, func(p *printer) {
		if len(out.Endpoints) == 0 {
			p.line("Every enabled endpoint it is owed to has it. Name one with --endpoint to send it again.")
			return
		}
		p.line("Sent again to %s.", strings.Join(out.Endpoints, ", "))
	})
}
