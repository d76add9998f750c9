// Package dev is the five-second start: a server with a demo application, a WhatsApp number that is simulated on both sides, and a play bin as its
// customers' endpoint. It sends one message through everything and prints what happened on the way.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/server"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/store"
)

// What is set up, and the person who writes to it.
const (
	demoUID    = "demo"
	demoSender = "Demo WhatsApp"
	demoMenu   = "Demo USSD"
	demoPerson = "+254712345678"
	demoName   = "Amina Njeri"
	demoText   = "What is my balance?"
	demoReply  = "Your balance is KES 1,250. Is there anything else?"
)

// traceTimeout is how long the first message may take through everything.
const traceTimeout = 15 * time.Second

// Run starts the server with the demo, prints the trace of one message, and serves until ctx ends.
func Run(ctx context.Context, settings config.Server, out io.Writer) error {
	log := settings.Logger(out)
	if settings.LogLevel == "info" { // the trace is what people want to read
		quiet := settings
		quiet.LogLevel = "warn"
		log = quiet.Logger(out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the simulated provider: %w", err)
	}
	settings.AllowNetworks = append(settings.AllowNetworks, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	settings.ProviderBaseURLs = withDefault(settings.ProviderBaseURLs, "meta", "http://"+listener.Addr().String())

	srv, err := server.New(ctx, &settings, log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	number := simulate.Demo()
	graph := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{number}, Token: simulate.DemoAccessToken, Callback: srv.URL()})
	stopGraph := serveGraph(ctx, listener, graph)
	defer stopGraph()
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- srv.Run(runCtx) }()

	p := &printer{out: out}
	err = func() error {
		demo, err := setUp(ctx, srv)
		if err != nil {
			return fmt.Errorf("set up the demo: %w", err)
		}
		p.head(srv)
		if err := demo.trace(ctx, p, number, graph); err != nil {
			return fmt.Errorf("send the demo message: %w", err)
		}
		p.links(ctx, srv, demo)
		return nil
	}()
	if err != nil {
		stop()
		if ctx.Err() != nil { // stopped while it was starting
			return <-done
		}
		return errors.Join(err, <-done)
	}
	return <-done
}

func withDefault(urls config.BaseURLs, name, url string) config.BaseURLs {
	out := config.BaseURLs{name: url}
	for k, v := range urls {
		out[k] = v
	}
	return out
}

// serveGraph runs the stand-in of the Graph API until the function it returns is called.
func serveGraph(ctx context.Context, l net.Listener, graph *simulate.Graph) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	srv := &http.Server{Handler: graph, ReadHeaderTimeout: 10 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(l) }) // ends with the close below
	wg.Go(func() { _ = graph.Run(ctx) })
	return func() {
		cancel()
		_ = srv.Close()
		graph.Close()
		wg.Wait()
	}
}

// demo is what was set up: the application, its sender and the bin that gets its events.
type demo struct {
	service *service.Service
	app     *hookswitch.App
	sender  *hookswitch.Sender
	bin     *store.Bin
	url     string
}

// setUp makes the demo application what it should be. On a second start it finds it.
func setUp(ctx context.Context, srv *server.Server) (*demo, error) {
	svc := srv.Service()
	d := &demo{service: svc, url: srv.URL()}
	app, err := svc.App(ctx, demoUID)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		app, err = svc.CreateApp(ctx, hookswitch.App{Name: "Demo", UID: demoUID}, service.Idempotency{})
	}
	if err != nil {
		return nil, err
	}
	d.app = app
	if d.bin, err = svc.CreateBin(ctx); err != nil {
		return nil, err
	}
	var responder hookswitch.ResponderConfig
	if err := responder.UnmarshalJSON([]byte(`{"kind":"rules",
		"greeting":"Hello {name}! Ask me for your balance, or write \"agent\" to talk to a person.",
		"rules":[{"keywords":["balance"],"reply":"` + demoReply + `"},{"keywords":["thanks","thank you"],"reply":"You are welcome!"}],
		"handover":["agent","human"],"handoverReply":"A colleague will write to you here in a moment.",
		"fallback":"I can tell you your balance. Write \"agent\" to talk to a person."}`)); err != nil {
		return nil, err
	}
	ussd, err := simulate.Of(hookswitch.USSD, "africastalking")
	if err != nil {
		return nil, err
	}
	var menu hookswitch.ResponderConfig
	if err := menu.UnmarshalJSON([]byte(`{"kind":"menu","start":"main","unknown":"Please choose 1 or 2.","screens":{
		"main":{"text":"Welcome to Acme.","options":[{"key":"1","label":"My balance","goTo":"balance"},{"key":"2","label":"Talk to us","goTo":"person"}]},
		"balance":{"text":"Your balance is KES 1,250.","end":true},"person":{"text":"We will call you back.","handover":true}}}`)); err != nil {
		return nil, err
	}
	applied, err := svc.ApplySenders(ctx, app.Key, []service.SenderSpec{{
		Name: demoSender, Channel: hookswitch.WhatsApp, Provider: "meta", PhoneNumber: simulate.DemoPhone,
		Credentials: hookswitch.Credentials{"app_secret": {simulate.DemoAppSecret}, "verify_token": {simulate.DemoVerifyToken}, "access_token": {simulate.DemoAccessToken},
			"phone_number_id": {simulate.DemoPhoneNumberID}, "waba_id": {simulate.DemoWABAID}},
		Webhook:   &service.WebhookSpec{URL: d.binURL()},
		Responder: &responder,
	}, {
		Name: demoMenu, Channel: hookswitch.USSD, Provider: "africastalking", Credentials: ussd.Demo.Credentials, Responder: &menu,
	}})
	if err != nil {
		return nil, err
	}
	d.sender = applied[0].Sender
	endpoint, err := d.endpoint(ctx)
	if err != nil {
		return nil, err
	}
	hook := applied[0].Webhook
	return d, svc.SetBinSecrets(ctx, d.bin.Token, hook.Secrets[0].Secret, endpoint.Secrets[0].Secret)
}

// endpoint is the application's own endpoint: the same bin, for message.received in its own shape.
func (d *demo) endpoint(ctx context.Context) (*hookswitch.Endpoint, error) {
	const uid = "demo-bin"
	have, err := d.service.Endpoint(ctx, d.app.Key, uid)
	if err == nil {
		return d.service.UpdateEndpoint(ctx, d.app.Key, have.Key, func(e *hookswitch.Endpoint) error {
			e.URL, e.Disabled = d.binURL(), false
			return nil
		})
	}
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return nil, err
	}
	return d.service.CreateEndpoint(ctx, d.app.Key, hookswitch.Endpoint{UID: uid, URL: d.binURL(), Description: "The play bin of the demo",
		EventTypes: []string{hookswitch.EventMessageReceived}}, service.Idempotency{})
}

func (d *demo) binURL() string { return d.url + "/play/in/" + d.bin.Token }

func (d *demo) binPage() string { return d.url + "/play/" + d.bin.Token }
