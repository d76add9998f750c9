package widget

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Base is where the door for browsers is.
const Base = "/api/v1/widget"

// Options are what New needs.
type Options struct {
	Service *service.Service
	// Key is what sessions are signed under, at least 16 bytes, the same on all nodes.
	Key    []byte
	Logger *slog.Logger
	Now    func() time.Time
	// MaxStreams is how many browsers may wait for answers on this node at a time; 0, and more than MaxStreams: MaxStreams.
	MaxStreams int
	// Stopping, where set, is closed when the server stops: streams end then, and browsers come back elsewhere.
	Stopping <-chan struct{}
}

// MaxStreams is how many streams a node keeps open at most.
const MaxStreams = 1000

// Widget is the door and the files of the widget.
type Widget struct {
	svc      *service.Service
	log      *slog.Logger
	now      func() time.Time
	key      []byte
	provider hookswitch.Provider
	own      string // the origin of this server's pages
	limits   limits
	streams  *streams
	stopping <-chan struct{}
	surface  *httpapi.Surface
	pages    *httpapi.Surface
}

// New returns the widget over a service.
func New(o Options) (*Widget, error) {
	if len(o.Key) < 16 {
		return nil, errors.New("the key that sessions of the widget are signed under is too short")
	}
	key, err := hkdf.Key(sha256.New, o.Key, nil, "hookswitch widget sessions", sha256.Size)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxStreams <= 0 || o.MaxStreams > MaxStreams {
		o.MaxStreams = MaxStreams
	}
	w := &Widget{svc: o.Service, log: o.Logger, now: o.Now, key: key, provider: webchat.New(), limits: newLimits(), streams: newStreams(o.MaxStreams), stopping: o.Stopping}
	if u, err := url.Parse(o.Service.PublicURL()); err == nil {
		w.own = u.Scheme + "://" + strings.ToLower(u.Host) // as browsers write it
	}
	w.surface = &httpapi.Surface{Name: "widget", MaxBody: maxBody, Log: o.Logger}
	w.pages = &httpapi.Surface{Name: "widget", MaxBody: maxBody, WriteError: w.writeErrorPage, Log: o.Logger}
	return w, nil
}

// maxBody bounds what a browser may post: a text of the greatest length, each character escaped.
const maxBody = 64 << 10

// Register adds the widget's routes to m.
func (wg *Widget) Register(m *httpapi.Mux) {
	api := m.With(wg.surface)
	for _, rt := range []struct {
		method, path, name string
		serve              httpapi.Handler
	}{
		{http.MethodPost, Base + "/init", "begin or resume a web chat", wg.init},
		{http.MethodPost, Base + "/message", "a visitor's message", wg.message},
		{http.MethodPost, Base + "/receipts", "what a visitor has seen", wg.receipts},
		{http.MethodGet, Base + "/events", "answers as they come", wg.events},
	} {
		api.Handle(rt.method, rt.path, rt.name, rt.serve)
		api.Handle(http.MethodOptions, rt.path, "which sites may call it", wg.preflight(rt.method))
	}
	pages := m.With(wg.pages)
	pages.Handle(http.MethodGet, scriptPath, "the script that sites embed", wg.script)
	pages.Handle(http.MethodGet, demoPath, "a page with the web chat of a sender", wg.demo)
	pages.Handle(http.MethodGet, demoPath+".css", "its style", wg.demoStyle)
}

// chat is the web chat of a sender.
type chat struct {
	route    *hookswitch.Route
	settings webchat.Settings
}

// chatOf is the web chat of the sender with the id.
func (wg *Widget) chatOf(ctx context.Context, sender string) (*chat, error) {
	routes, err := wg.svc.SenderRoutes(ctx, sender)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return nil, err
	}
	for i := range routes {
		if r := &routes[i]; wg.serves(r) {
			return &chat{r, webchat.ReadSettings(r.Credentials)}, nil
		}
	}
	return nil, &hookswitch.Error{Kind: hookswitch.NotFound, Code: "unknown_sender", Message: "There is no web chat of this sender."}
}

// serves reports whether r is a web chat that this package serves.
func (wg *Widget) serves(r *hookswitch.Route) bool {
	return r.Channel == hookswitch.WebChat && r.Provider == wg.provider.Name()
}

// visitor is the person of a session as the service knows them.
func (c *chat) visitor(s *session) service.Visitor {
	return service.Visitor{Route: c.route, Address: s.visitor}
}

// receive stores what a visitor tells. Nothing proves it but the session, which the caller has checked.
func (wg *Widget) receive(ctx context.Context, r *http.Request, c *chat, updates ...hookswitch.Update) (service.ReceivedResult, error) {
	account := &service.Account{Provider: wg.provider, Name: c.route.Account, Credentials: c.route.Credentials, Routes: []hookswitch.Route{*c.route}}
	return wg.svc.Receive(ctx, service.Received{Account: account, Updates: updates, Door: r.URL.Path, At: wg.now()})
}
