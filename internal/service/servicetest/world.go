// Package servicetest builds small worlds for tests: a service over a real store, a fake provider, a scripted responder, receivers on loopback, and on
// demand the engine that delivers. Time stands still until a test moves it. It leaves what is tested to its callers.
package servicetest

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Start is what the clock of a new world shows.
var Start = time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)

// PublicURL is where the server of a world is said to be.
const PublicURL = "http://hookswitch.example"

// Options are what a test may change of a world before it is made.
type Options struct {
	Profiles       map[hookswitch.ProfileName]hookswitch.Profile
	Providers      []hookswitch.Provider // besides the fake one
	CheckResponder func(hookswitch.ResponderConfig) error
	NewResponder   func(hookswitch.ResponderConfig) (hookswitch.Responder, error)
	AllowPlain     func(host string) bool
	CheckURL       func(*url.URL) error
	// Now is the clock of everything in the world; nil: the world's own, which stands still.
	Now func() time.Time
}

// World is a service and what is around it.
type World struct {
	TB       testing.TB
	DB       *storetest.DB
	Clock    *storetest.Clock
	Store    *store.Store
	Service  *service.Service
	Provider *Provider
	// Slots stands in for the engine until Run is called.
	Slots *Slots

	options Options
}

// New makes a world over the database.
func New(tb testing.TB, db *storetest.DB, opts ...func(*Options)) *World {
	tb.Helper()
	w := &World{TB: tb, DB: db, Clock: storetest.NewClock(Start), Provider: NewProvider(), options: Options{
		Profiles: map[hookswitch.ProfileName]hookswitch.Profile{
			hookswitch.ProfileSvix: hookswitch.SvixProfile(), hookswitch.ProfileZavu: hookswitch.ZavuProfile(),
		},
		AllowPlain: func(host string) bool { return host == "127.0.0.1" },
	}}
	for _, opt := range opts {
		opt(&w.options)
	}
	if w.options.Now == nil {
		w.options.Now = w.Clock.Now
	}
	w.Store = db.Open(storetest.Now(w.options.Now))
	CheckEvents(tb, w.Store)
	w.serve(w.options.Now)
	return w
}

func (w *World) serve(now func() time.Time) {
	w.TB.Helper()
	s, err := service.New(service.Options{
		Store: w.Store, Now: now, Profiles: w.options.Profiles, Providers: append([]hookswitch.Provider{w.Provider}, w.options.Providers...),
		AllowPlain: w.options.AllowPlain, CheckURL: w.options.CheckURL, CheckResponder: w.options.CheckResponder, NewResponder: w.options.NewResponder, PublicURL: PublicURL, Retention: 90 * 24 * time.Hour,
	})
	if err != nil {
		w.TB.Fatal(err)
	}
	if err := s.RegisterEventTypes(context.Background()); err != nil {
		w.TB.Fatal(err)
	}
	w.Service, w.Slots = s, &Slots{}
	s.Attach(w.Slots)
	slots := w.Slots
	w.TB.Cleanup(func() {
		if n := slots.Reserved(); n != 0 {
			w.TB.Errorf("%d places in the engine's queues were reserved, and neither used nor given back", n)
		}
	})
}

// Twin is another service over the same store, as another process would have it. Its clock is a little ahead, so that its keys are its own.
func (w *World) Twin() *World {
	w.TB.Helper()
	t := *w
	t.serve(func() time.Time { return w.Clock.Now().Add(100 * time.Millisecond) })
	return &t
}

// Reopen is the world of a process that begins after this one's store was closed.
func (w *World) Reopen() *World {
	w.TB.Helper()
	t := *w
	t.Store = w.DB.Open(storetest.Now(w.Clock.Now))
	t.serve(w.Clock.Now)
	return &t
}

// OtherNode is a service on another node of the same database, which has to be PostgreSQL.
func (w *World) OtherNode() *World {
	w.TB.Helper()
	t := *w
	t.Store = w.DB.Open(storetest.Now(w.Clock.Now), w.DB.OtherNode)
	t.serve(w.Clock.Now)
	return &t
}

// App makes an App.
func (w *World) App(change ...func(*hookswitch.App)) *hookswitch.App {
	w.TB.Helper()
	a := hookswitch.App{Name: "Test"}
	for _, c := range change {
		c(&a)
	}
	return Must(w.Service.CreateApp(context.Background(), a, service.Idempotency{}))(w.TB)
}

// EventTypes enters event types into the catalogue, each unless it is there already.
func (w *World) EventTypes(names ...string) {
	w.TB.Helper()
	for _, name := range names {
		_, err := w.Service.CreateEventType(context.Background(), hookswitch.EventType{Name: name, Description: name}, service.Idempotency{})
		if err != nil && hookswitch.KindOf(err) != hookswitch.Conflict {
			w.TB.Fatal(err)
		}
	}
}

// Endpoint makes an endpoint of the App. The event types of its filter are entered into the catalogue.
func (w *World) Endpoint(app *hookswitch.App, url string, change ...func(*hookswitch.Endpoint)) *hookswitch.Endpoint {
	w.TB.Helper()
	e := hookswitch.Endpoint{URL: url}
	for _, c := range change {
		c(&e)
	}
	w.EventTypes(e.EventTypes...)
	return Must(w.Service.CreateEndpoint(context.Background(), app.Key, e, service.Idempotency{}))(w.TB)
}

// Filter makes an endpoint take only events of the types.
func Filter(types ...string) func(*hookswitch.Endpoint) {
	return func(e *hookswitch.Endpoint) { e.EventTypes = types }
}

// Disabled makes an endpoint disabled.
func Disabled(e *hookswitch.Endpoint) { e.Disabled = true }

// Ordered makes an endpoint get one event at a time, in order.
func Ordered(e *hookswitch.Endpoint) { e.Ordered = true }

// Publish makes an event of the App.
func (w *World) Publish(app *hookswitch.App, eventType string) *hookswitch.Event {
	w.TB.Helper()
	return Must(w.Service.PublishEvent(context.Background(), app, service.Publish{Type: eventType, Payload: []byte(`{"n":1}`)}, service.Idempotency{}))(w.TB)
}

// Disable and Enable change an endpoint as a person would.
func (w *World) Disable(e *hookswitch.Endpoint) { w.set(e, true) }

// Enable is the opposite of Disable.
func (w *World) Enable(e *hookswitch.Endpoint) { w.set(e, false) }

func (w *World) set(e *hookswitch.Endpoint, disabled bool) {
	w.TB.Helper()
	Must(w.Service.UpdateEndpoint(context.Background(), e.App, e.Key, func(e *hookswitch.Endpoint) error {
		e.Disabled = disabled
		return nil
	}))(w.TB)
}

// Sender makes a sender with one route of the fake provider, whose address is the name, and a responder of kind "test" where respond is set.
func (w *World) Sender(app *hookswitch.App, name string, ch hookswitch.Channel, respond bool) *hookswitch.Sender {
	w.TB.Helper()
	if respond {
		return w.SenderWith(app, name, ch, `{"kind":"test"}`)
	}
	return w.SenderWith(app, name, ch, "")
}

// SenderWith is Sender with the configuration of a responder, empty for none.
func (w *World) SenderWith(app *hookswitch.App, name string, ch hookswitch.Channel, responder string) *hookswitch.Sender {
	w.TB.Helper()
	spec := service.SenderSpec{Name: name, Channel: ch, Provider: FakeName, Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {name}}}
	if responder != "" {
		spec.Responder = new(hookswitch.ResponderConfig)
		if err := spec.Responder.UnmarshalJSON([]byte(responder)); err != nil {
			w.TB.Fatal(err)
		}
	}
	return Must(w.Service.ApplySenders(context.Background(), app.Key, []service.SenderSpec{spec}))(w.TB)[0].Sender
}

// Push has the fake provider push updates of its account, as its door would take them.
func (w *World) Push(updates ...Update) (service.ReceivedResult, error) {
	w.TB.Helper()
	return w.PushTo("fake-secret", updates...)
}

// PushTo is Push for the account with the secret.
func (w *World) PushTo(secret string, updates ...Update) (service.ReceivedResult, error) {
	w.TB.Helper()
	ctx := context.Background()
	push := NewPush(secret, w.options.Now(), updates...)
	for _, a := range Must(w.Service.Accounts(ctx, FakeName, 0, ""))(w.TB) {
		if a.Provider.Verify(push, a.Credentials) != nil {
			continue
		}
		list := Must(a.Provider.Parse(push))(w.TB)
		return w.Service.Receive(ctx, service.Received{Account: &a, Updates: list, Door: "/fake", At: push.At, Body: push.Body})
	}
	w.TB.Fatal("no account proves the push")
	return service.ReceivedResult{}, nil
}

// Converse has the fake provider push one step of a dialogue, which ask answers, and returns what the person is told.
func (w *World) Converse(u Update, ask service.Ask) (service.Conversed, error) {
	w.TB.Helper()
	return w.ConverseIn(context.Background(), u, ask)
}

// ConverseIn is Converse for a provider that waits no longer than ctx.
func (w *World) ConverseIn(ctx context.Context, u Update, ask service.Ask) (service.Conversed, error) {
	w.TB.Helper()
	push := NewPush("fake-secret", w.Clock.Now(), u)
	for _, a := range Must(w.Service.Accounts(context.Background(), FakeName, 0, ""))(w.TB) {
		if a.Provider.Verify(push, a.Credentials) != nil {
			continue
		}
		list := Must(a.Provider.Parse(push))(w.TB)
		return w.Service.Converse(ctx, service.Received{Account: &a, Door: "/fake", At: push.At, Body: push.Body}, &list[0], ask)
	}
	w.TB.Fatal("no account proves the push")
	return service.Conversed{}, nil
}

// Claim leases what is due of a kind, as the engine would, and returns its outcomes to be.
func (w *World) Claim(kind hookswitch.DeliveryKind) []*Leased {
	w.TB.Helper()
	now := w.Clock.Now()
	got := Must(w.Store.ClaimDue(context.Background(), store.ClaimRequest{Kind: kind, Now: now, Lease: now.Add(5 * time.Minute), Max: 1000,
		PerTarget: func(hookswitch.Key) int { return 1000 }, Ordered: kind != hookswitch.DeliverWebhook}))(w.TB)
	out := make([]*Leased, len(got.Deliveries))
	for i, d := range got.Deliveries {
		out[i] = &Leased{Delivery: d, Outcome: store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim}}
	}
	return out
}

// Leased is a claimed delivery and its outcome to be.
type Leased struct {
	store.Delivery
	Outcome store.Outcome
}

// Fail makes the outcome that of an attempt that failed for good.
func (w *World) Fail(l *Leased, code int) *store.Outcome {
	o := l.Outcome
	o.Verdict = store.Exhausted
	o.Attempt = w.attempt(l, code)
	return &o
}

// Succeed records the outcome of an attempt that succeeded, and waits until it is stored.
func (w *World) Succeed(l *Leased, clockRuns bool) {
	w.TB.Helper()
	o := l.Outcome
	o.Attempt, o.ClockRuns = w.attempt(l, 200), clockRuns
	w.Service.Record(&o)
	w.Flush()
}

func (w *World) attempt(l *Leased, code int) *hookswitch.Attempt {
	return &hookswitch.Attempt{Key: w.Service.NextKey(), App: l.App, Event: l.Subject, Endpoint: l.Target, Code: code, OK: code/100 == 2, Manual: l.Manual, Answer: []byte("x")}
}

// Flush waits until what has been recorded is stored: outcomes ride along with the next commit.
func (w *World) Flush() {
	w.TB.Helper()
	// An accept for an App that does not exist is refused, and yet commits what waits.
	if err := w.Store.Accept(&store.Accept{}); !errors.Is(err, store.ErrStale) {
		w.TB.Fatalf("flush: %v", err)
	}
}

// Delivery is the row of what is owed, or nil.
func (w *World) Delivery(kind hookswitch.DeliveryKind, subject, target hookswitch.Key) *store.Delivery {
	w.TB.Helper()
	d, err := w.Store.Delivery(context.Background(), kind, subject, target)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil
	}
	if err != nil {
		w.TB.Fatal(err)
	}
	return &d
}

// Events are the App's events, oldest first.
func (w *World) Events(app *hookswitch.App) []*hookswitch.Event {
	w.TB.Helper()
	list, _, err := w.Service.Events(context.Background(), app.Key, store.EventFilter{}, store.Page{Limit: 10_000, Ascending: true})
	return Must(list, err)(w.TB)
}

// Types are the types of the App's events, oldest first.
func (w *World) Types(app *hookswitch.App) []string {
	w.TB.Helper()
	var out []string
	for _, e := range w.Events(app) {
		out = append(out, e.Type)
	}
	return out
}

// Messages are the App's messages, oldest first.
func (w *World) Messages(app *hookswitch.App) []*hookswitch.Message {
	w.TB.Helper()
	return Must(w.Service.Messages(context.Background(), app.Key, store.MessageFilter{}, store.Page{Limit: 10_000, Ascending: true}))(w.TB)
}

// Running is an engine that delivers.
type Running struct {
	Engine *work.Engine
	HTTP   *safehttp.Client
	stop   func() error
}

// Stop stops the engine and waits for it.
func (r *Running) Stop() error { return r.stop() }

// Run starts an engine over the world. It stops at the end of the test.
func (w *World) Run(respond func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error), change ...func(*deliver.Options, *work.Options)) *Running {
	w.TB.Helper()
	r := &Running{HTTP: safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})}
	d := deliver.Options{
		Service: w.Service, HTTP: r.HTTP, Now: w.options.Now,
		UserAgent:    map[hookswitch.ProfileName]string{hookswitch.ProfileSvix: "Svix-Test/1", hookswitch.ProfileZavu: "Zavu-Test/1"},
		NewResponder: func(hookswitch.ResponderConfig) (hookswitch.Responder, error) { return responder(respond), nil },
		Wake:         func(k work.Kind, at time.Time) { r.Engine.Wake(k, at) },
		Random:       func() float64 { return 0.5 },
	}
	o := work.Options{Now: w.options.Now, PollEvery: 20 * time.Millisecond, Grace: time.Second}
	for _, c := range change {
		c(&d, &o)
	}
	o.Kinds = deliver.Kinds(d)
	o.Store = deliver.NewQueue(w.Store, o.Kinds)
	engine, err := work.New(o)
	if err != nil {
		w.TB.Fatal(err)
	}
	r.Engine = engine
	w.Service.Attach(engine)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		r.HTTP.Close()
		return err
	})
	w.TB.Cleanup(func() {
		if err := r.stop(); err != nil {
			w.TB.Errorf("stop the engine: %v", err)
		}
	})
	return r
}

type responder func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error)

func (f responder) Respond(ctx context.Context, t *hookswitch.Turn) (hookswitch.Reply, error) {
	return f(ctx, t)
}

// Eventually waits until ok, which is asked again and again.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.NewTimer(time.Minute) // only what fails waits so long
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("it does not come about: %s", what)
		}
	}
}

// Must is v, or ends the test.
func Must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}
