package ingest

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Options are what New needs.
type Options struct {
	Service *service.Service
	// Providers are the adapters, those that the service has.
	Providers []hookswitch.Provider
	// NewResponder builds the responder of a configuration, for dialogues. Without it they are answered as if it failed.
	NewResponder func(hookswitch.ResponderConfig) (hookswitch.Responder, error)
	Logger       *slog.Logger
	Now          func() time.Time
	// Observe, where set, is told of each request: the provider, where one is certain, how long the answer took, and what became of it.
	Observe func(provider string, took time.Duration, r Result)
}

// Doors are the provider doors. They may be used from many goroutines at once.
type Doors struct {
	o          Options
	doors      []*door
	surface    *httpapi.Surface
	responders *respond.Cache[hookswitch.Responder]
}

// New returns the doors of the providers, and those of each sender.
func New(o Options) *Doors {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(string, time.Duration, Result) {}
	}
	if o.NewResponder == nil {
		o.NewResponder = func(hookswitch.ResponderConfig) (hookswitch.Responder, error) {
			return nil, errors.New("there are no responders here")
		}
	}
	return &Doors{
		o: o, doors: doorsOf(o.Providers), responders: respond.NewCache(o.NewResponder),
		// Each door limits bodies itself, so that what is too large is counted like any other refusal.
		surface: &httpapi.Surface{Name: "ingest", MaxBody: math.MaxInt64, WriteError: writeError, Log: o.Logger},
	}
}

// Register adds the doors to m.
func (d *Doors) Register(m *httpapi.Mux) {
	m = m.With(d.surface)
	add := func(pattern, name string, get bool, open opener) {
		m.Handle(http.MethodPost, pattern, name, d.handle(open))
		allow := http.MethodPost
		if get {
			m.Handle(http.MethodGet, pattern, name+": handshake", d.handle(open))
			allow = "GET, POST"
		}
		m.Handle("", pattern, name+": refusal of other methods", d.handle(func(*http.Request) (entrance, error) {
			return entrance{}, &methodError{allow}
		}))
	}
	for _, at := range d.doors {
		names := make([]string, len(at.providers))
		for i, o := range at.providers {
			names[i] = o.provider.Name()
		}
		add(at.path, "push of "+strings.Join(names, " or "), handshakes(at.providers), at.open)
	}
	add("/in/{sender}", "push for one sender", true, d.openSender)
	add("/in/{sender}/{channel}", "push for one channel of a sender", true, d.openSender)
}

// entrance is what a request may come in by: some adapters, and the sender it is for where the path names one.
type entrance struct {
	adapters []opening
	sender   hookswitch.Key
	channel  hookswitch.Channel
}

// opener finds the entrance of a request.
type opener func(r *http.Request) (entrance, error)

func (at *door) open(*http.Request) (entrance, error) { return entrance{adapters: at.providers}, nil }

// openSender finds the adapters of the sender that the path names.
func (d *Doors) openSender(r *http.Request) (entrance, error) {
	routes, err := d.o.Service.SenderRoutes(r.Context(), r.PathValue("sender"))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return entrance{}, noSuchDoor()
	}
	if err != nil {
		return entrance{}, err
	}
	in := entrance{sender: routes[0].Sender, channel: hookswitch.Channel(r.PathValue("channel"))}
	found := false
	for _, p := range d.o.Providers {
		var channels []hookswitch.Channel
		for _, route := range routes {
			if in.channel == "" || route.Channel == in.channel {
				found = true
				if route.Provider == p.Name() {
					channels = append(channels, route.Channel)
				}
			}
		}
		if len(channels) > 0 {
			in.adapters = append(in.adapters, opening{p, limitFor(p, channels)})
		}
	}
	switch {
	case !found:
		return entrance{}, noSuchDoor()
	case len(in.adapters) == 0: // of providers that this server does not have
		return entrance{}, notConfigured()
	}
	return in, nil
}

func noSuchDoor() error {
	return refuse(UnknownSender, hookswitch.NotFound, codeNotFound, "There is no such sender, or it has no such channel.")
}

// outcome is what handling a request has led to.
type outcome struct {
	provider string
	result   Result
	sender   hookswitch.Key     // that the door names; 0: none
	channel  hookswitch.Channel // too
	routes   []hookswitch.Route // that the push was for
	cause    string             // why it was refused
}

// handle answers the requests of one door, and tells Observe what became of each.
func (d *Doors) handle(open opener) httpapi.Handler {
	return func(w http.ResponseWriter, r *http.Request) (err error) {
		out, start := outcome{result: Failed}, time.Now()
		defer func() { // deferred, so that a panic counts as a failure
			var refused *refusal
			switch {
			case errors.As(err, &refused):
				out.result = refused.result
				if out.cause == "" {
					out.cause = refused.err.Message
				}
				d.logRefusal(r, &out, refused)
			case err != nil:
				out.result = resultOf(err)
			}
			d.o.Observe(out.provider, time.Since(start), out.result)
			d.note(r, &out)
		}()
		return d.serve(w, r, open, &out)
	}
}

// logRefusal says why a request was refused. The access log has the rest; neither the query nor the body may be shown.
func (d *Doors) logRefusal(r *http.Request, out *outcome, e *refusal) {
	if e.err.Kind == hookswitch.Unavailable {
		return // the surface warns of these
	}
	d.o.Logger.LogAttrs(r.Context(), slog.LevelInfo, "push refused", slog.String("provider", out.provider), slog.String("reason", out.result.String()),
		slog.String("request_id", httpapi.RequestID(r.Context())))
}

func resultOf(err error) Result {
	switch {
	case hookswitch.KindOf(err) == hookswitch.Unavailable, errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Failed
}

// serve takes one request through the steps of a door: room, method, size, body, handshake, proof, reading, storing, acknowledging.
func (d *Doors) serve(w http.ResponseWriter, r *http.Request, open opener, out *outcome) error {
	at := d.o.Now()
	if d.o.Service.Full() {
		return &hookswitch.Error{Kind: hookswitch.Unavailable, RetryAfter: time.Second, Message: "Too much is waiting to be stored; send it again shortly."}
	}
	in, err := open(r)
	var method *methodError
	if errors.As(err, &method) {
		return notAllowed(w, method.allow)
	}
	if err != nil {
		return err
	}
	out.sender, out.channel = in.sender, in.channel
	push, err := d.take(r, in.adapters, at)
	if err != nil {
		return err
	}
	in.adapters = claimants(in.adapters, push)
	if len(in.adapters) == 1 {
		out.provider = in.adapters[0].provider.Name()
	}
	answer, ok, err := d.handshake(r.Context(), in, push, out)
	if err != nil {
		return err
	}
	if !ok {
		if push.Method != http.MethodPost {
			return notAllowed(w, http.MethodPost)
		}
		if answer, err = d.receive(r, in, push, out); err != nil {
			return err
		}
	}
	return reply(w, answer)
}

// methodError says that a door is not called by the request's method, only by those of allow.
type methodError struct{ allow string }

func (e *methodError) Error() string { return "only " + e.allow + " is allowed here" }

func notAllowed(w http.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	return refuse(BadMethod, hookswitch.NotAllowed, "", "Only "+allow+" is allowed here.")
}

// take reads the request whole.
func (d *Doors) take(r *http.Request, adapters []opening, at time.Time) (*hookswitch.Push, error) {
	most := limit(adapters)
	if r.ContentLength > most {
		return nil, tooLarge()
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(nil, r.Body, most)
	}
	body, err := httpapi.ReadBody(r)
	switch {
	case hookswitch.KindOf(err) == hookswitch.TooLarge:
		return nil, tooLarge()
	case err != nil:
		return nil, &refusal{BadPayload, &hookswitch.Error{Kind: hookswitch.Invalid, Code: codePayload, Message: "The body ended early."}}
	}
	u, err := d.calledURL(r)
	if err != nil {
		return nil, err
	}
	method := r.Method
	if method == http.MethodHead { // answered as GET, without the body
		method = http.MethodGet
	}
	return &hookswitch.Push{Method: method, URL: u, Header: r.Header, Body: body, At: at}, nil
}

func tooLarge() error {
	return refuse(TooLarge, hookswitch.TooLarge, "", "The body is larger than this door takes.")
}

// calledURL is the URL that the provider called: it knows us by the public URL, whatever a proxy has made of the host and the scheme. Path and query
// are as sent, byte for byte, because signatures cover them.
func (d *Doors) calledURL(r *http.Request) (*url.URL, error) {
	path := r.RequestURI
	if !strings.HasPrefix(path, "/") {
		path = r.URL.RequestURI()
	}
	u, err := url.Parse(strings.TrimSuffix(d.o.Service.PublicURL(), "/") + path)
	if err != nil {
		return nil, refuse(BadPayload, hookswitch.Invalid, codePayload, "The URL is not valid.")
	}
	return u, nil
}

// reply sends an adapter's answer. What it says may come from a stranger, so browsers must not take it for anything but what it is called.
func reply(w http.ResponseWriter, a hookswitch.Answer) error {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if a.ContentType != "" {
		h.Set("Content-Type", a.ContentType)
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	w.WriteHeader(a.Status)
	// An error means that the provider has gone: it will push again, and find that we know.
	_, _ = w.Write(a.Body)
	return nil
}
