package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/server"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// printer prints the trace, a line a step, each with the time since the message was sent.
type printer struct {
	out   io.Writer
	start time.Time
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

func (p *printer) step(name, format string, args ...any) {
	fmt.Fprintf(p.out, "  %9s  %-11s %s\n", fmt.Sprintf("+%.1f ms", float64(time.Since(p.start).Microseconds())/1000), name, fmt.Sprintf(format, args...))
}

func (p *printer) head(srv *server.Server) {
	p.line("")
	p.line("Hookswitch runs at %s", srv.URL())
	p.line("")
	p.line("A WhatsApp message goes through everything; the number, the person and the provider are simulated:")
	p.line("")
}

func (p *printer) links(ctx context.Context, srv *server.Server, d *demo) {
	token, file := srv.OperatorToken()
	p.line("")
	if link, err := d.service.OpenPortal(ctx, d.app.Key, service.PortalAccess{Capabilities: hookswitch.AllCapabilities}, service.Idempotency{}); err == nil {
		p.line("The customer's portal:     %s", link.URL.Reveal())
	}
	p.line("The operator's dashboard:  %s/dashboard/login#token=%s", srv.URL(), token.Reveal())
	p.line("Watch the events arrive:   %s", d.binPage())
	p.line("A phone to write with:     %s/dashboard/apps/%s/phone", srv.URL(), demoUID)
	p.line("Metrics, health:           %s/metrics  %s/readyz", srv.URL(), srv.URL())
	p.line("The APIs, described:       %s/openapi.json", srv.URL())
	p.line("")
	if file != "" {
		p.line("The operator's token is in %s. Try, in another terminal:", file)
		p.line("")
		p.line("  curl -s %s/api/v1/app -H \"Authorization: Bearer $(cat %s)\"", srv.URL(), file)
	} else {
		p.line("Try, in another terminal:")
		p.line("")
		p.line("  curl -s %s/api/v1/app -H \"Authorization: Bearer $HOOKSWITCH_OPERATOR_TOKEN\"", srv.URL())
	}
	p.line("")
	p.line("Write to the demo number yourself:")
	p.line("")
	p.line("  go run ./cmd/hookswitch simulate whatsapp --url %s --text \"I want an agent\"", srv.URL())
	p.line("")
	p.line("Ctrl-C stops.")
}

// trace sends a message as the person, and tells what becomes of it until the answer has been read.
func (d *demo) trace(ctx context.Context, p *printer, number simulate.WhatsApp, graph *simulate.Graph) error {
	ctx, cancel := context.WithTimeout(ctx, traceTimeout)
	defer cancel()
	push := number.Text(demoPerson, demoName, demoText)
	p.start = time.Now()
	res, err := push.Post(ctx, nil, d.url)
	if err != nil {
		return err
	}
	if res.Status != http.StatusOK {
		return fmt.Errorf("the push was answered %d: %s", res.Status, res.Body)
	}
	p.step("push", "%s writes %q to %s", demoName, demoText, simulate.DemoPhone)
	p.step("verified", "signature of Meta's push checked, stored, acknowledged with 200 in %.1f ms", float64(res.Took.Microseconds())/1000)
	verify, err := d.verifier(ctx)
	if err != nil {
		return err
	}
	var after hookswitch.Key
	for {
		bell := d.service.BinBell(d.bin.Token)
		list, err := d.service.BinRequests(ctx, d.bin.Token, store.Page{Limit: 100, After: after, Ascending: true})
		if err != nil {
			return err
		}
		for _, q := range list {
			after = q.Key
			done, err := d.tell(p, q, verify)
			if err != nil {
				return err
			}
			if done {
				return nil
			}
		}
		select {
		case <-bell:
		case <-ctx.Done():
			return errors.New("the answer was not read in time")
		}
	}
}

// tell prints one event that arrived in the bin, and reports whether it is the last of the trace.
func (d *demo) tell(p *printer, q *store.BinRequest, verify func(*store.BinRequest) error) (last bool, err error) {
	if err := verify(q); err != nil {
		return false, fmt.Errorf("an event arrived with a bad signature: %w", err)
	}
	var ev struct {
		Type string `json:"type"`
		Data struct {
			From, To, Text, Message, Status, ConversationID string
			ProviderMessageID                               string
		} `json:"data"`
	}
	if err := json.Unmarshal(q.Body, &ev); err != nil {
		return false, err
	}
	switch ev.Type {
	case hookswitch.EventMessageReceived:
		p.step("normalised", "%q, in the one shape that all channels share", ev.Data.Message)
	case hookswitch.EventMessageQueued:
		p.step("answered", "the responder says %q", ev.Data.Text)
	case hookswitch.EventMessageSent:
		p.step("accepted", "the provider took the answer as %s", shorten(ev.Data.ProviderMessageID, 28))
	case hookswitch.EventMessageDelivered:
		p.step("delivered", "to %s", ev.Data.To)
	case hookswitch.EventMessageRead:
		p.step("read", "by %s", ev.Data.To)
	}
	p.step("  event", "%-17s → play bin, signature verified", ev.Type)
	return ev.Type == hookswitch.EventMessageRead, nil
}

func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// verifier checks the signature of what arrived, as a customer's software would: by the headers, with the secrets it was given.
func (d *demo) verifier(ctx context.Context) (func(*store.BinRequest) error, error) {
	hook, err := d.service.SenderWebhook(ctx, d.app.Key, d.sender.Key)
	if err != nil {
		return nil, err
	}
	endpoint, err := d.endpoint(ctx)
	if err != nil {
		return nil, err
	}
	text, err := webhook.ParseTextSecret(hook.Secrets[0].Secret.Reveal())
	if err != nil {
		return nil, err
	}
	secret, err := webhook.ParseSecret(endpoint.Secrets[0].Secret.Reveal())
	if err != nil {
		return nil, err
	}
	timed, standard := webhook.NewTimedVerifier(text), webhook.NewVerifier(secret)
	return func(q *store.BinRequest) error {
		h := make(http.Header)
		for _, l := range q.Headers {
			h.Add(l.Name, l.Value)
		}
		if h.Get(webhook.ZavuHeader) != "" {
			return timed.Verify(h, q.Body)
		}
		return standard.Verify(h, q.Body)
	}, nil
}
