package portal

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
)

//go:embed all:templates
var templateFiles embed.FS

var templates = ui.Load(templateFiles, "templates")

// Options are what New needs.
type Options struct {
	Service *service.Service
	Logger  *slog.Logger
	Now     func() time.Time
	// Stopping, where set, is closed when the server stops: live views end then.
	Stopping <-chan struct{}
	// OperatorToken opens the dashboard. While it is empty, only API keys do.
	OperatorToken hookswitch.Secret
	// FrameAncestors are the origins that may show the portal in a frame, in the form of the directive of that name.
	FrameAncestors []string
	// HTTP is what the addresses of endpoints are tried with; nil: they are not.
	HTTP *safehttp.Client
	// Settings are the ones in effect, without secrets.
	Settings []Setting
	// Doors are the provider doors, which what is simulated at the dashboard is pushed through; nil: nothing is.
	Doors http.Handler
	// Disk tells how much room there is; nil: it is not known.
	Disk func() (Disk, error)
	// Version is that of the program, "" where it is not known, and Database the kind of its database.
	Version, Database string
}

// Setting is one setting of the server, as pages show it.
type Setting struct {
	Name, Env, Value, Default, Help string
	Source                          string // where the value comes from: flag, environment, file or default
}

// Disk is the room of the file system that the data lie on, in bytes, and what the data take of it.
type Disk struct{ Data, Free, Total int64 }

// Pages are the pages over one service.
type Pages struct {
	Options
	svc     *service.Service
	log     *slog.Logger
	now     func() time.Time
	surface *httpapi.Surface // pages: errors are pages too
	data    *httpapi.Surface // what programs and scripts ask for: errors are JSON
	own     *http.CrossOriginProtection
	isToken func(string) bool // the operator's
	signIns *turns
	tails   *seats
	files   *seats
	invites *inviteLimits
	play    *play
	lines   lines
	docs    func() (*docs, error)
	mux     *http.ServeMux
}

// New returns the pages.
func New(o Options) *Pages {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Pages{Options: o, svc: o.Service, log: o.Logger, now: o.Now, own: http.NewCrossOriginProtection(), isToken: sameText(o.OperatorToken),
		signIns: newTurns(signInRate, signInBurst), tails: newSeats(maxTails, maxTailsOf), files: newSeats(maxFiles, maxFilesOf), invites: newInviteLimits(), mux: http.NewServeMux()}
	p.surface = &httpapi.Surface{Name: "pages", MaxBody: maxForm, WriteError: p.writeError, Log: o.Logger}
	p.data = &httpapi.Surface{Name: "pages", MaxBody: maxForm, Log: o.Logger}
	p.own.SetDenyHandler(p.surface.Refuse(hookswitch.Errorf(hookswitch.Forbidden, "That came from another site's page. Open the page here and try again.")))
	p.play = newPlay(p)
	p.docs = newDocs(p)
	for i := range routes {
		p.mount(&routes[i])
	}
	for _, root := range []string{portalRoot, dashboardRoot, playRoot} {
		p.mux.Handle(root+"/", p.handler(&route{name: "Not found", in: areaOf(root)}, root, func(*Pages, *view) error { return noSuchPage() }))
	}
	return p
}

// maxForm is the greatest size of a form in bytes.
const maxForm = 256 << 10

// Register adds the pages to m.
func (p *Pages) Register(m *httpapi.Mux) {
	static := m.With(p.data)
	static.Handle(http.MethodGet, ui.AssetPath+"{name}", "style sheets and scripts of the pages", ui.ServeAsset)
	// Pages route and limit for themselves: a bin takes every method and path, and errors are pages.
	m = m.With(&httpapi.Surface{Name: "pages", MaxBody: math.MaxInt64, Log: p.log})
	all := func(w http.ResponseWriter, r *http.Request) error {
		p.ServeHTTP(w, r)
		return nil
	}
	m.Handle("", portalRoot+"/{path...}", "the portal", all)
	m.Handle("", dashboardRoot+"/{path...}", "the dashboard", all)
	m.Handle("", playRoot+"/{path...}", "play pages", all)
	m.Handle("", inviteRoot+"/{path...}", "invitations to connect an account", all)
	m.Handle(http.MethodGet, "/docs", "the operations of the API", all)
	m.Handle(http.MethodGet, keysPath, "the public keys of an endpoint", all)
}

func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Bins come before the mux, which would redirect paths that it could write more shortly.
	if rest, ok := strings.CutPrefix(r.URL.Path, binPath); ok {
		p.play.serveTaking(w, r, rest)
		return
	}
	if h := w.Header(); h.Get("Access-Control-Allow-Origin") != "" {
		h.Del("Access-Control-Allow-Origin") // pages are not for other origins, whatever the APIs beside them allow
	}
	if len(r.URL.Path) > 1 && strings.HasSuffix(r.URL.Path, "/") { // /play/ is /play
		c := *r
		u := *r.URL
		u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
		c.URL, r = &u, &c
	}
	p.mux.ServeHTTP(w, r)
}

// securityHeaders are those of every page. Scripts and styles are files of ours, and bear a nonce where the page names them; there is no way to bring others in. ancestors are who may
// show the page in a frame.
func securityHeaders(h http.Header, nonce string, ancestors []string, logo string) {
	frames := "'none'"
	if len(ancestors) > 0 {
		frames = strings.Join(ancestors, " ")
		h.Del("X-Frame-Options")
		h.Del("Cross-Origin-Opener-Policy")
	} else {
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	images := "'self'"
	if logo != "" {
		images += " " + logo
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'self' 'nonce-"+nonce+"'; img-src "+images+
		"; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors "+frames)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	h.Del("Access-Control-Allow-Origin")
}

// handler serves one route below the root of its area.
func (p *Pages) handler(rt *route, root string, handle func(*Pages, *view) error) http.Handler {
	surface := p.surface
	if rt.data {
		surface = p.data
	}
	if rt.stream {
		surface = p.data.With(func(s *httpapi.Surface) { s.MaxBody = math.MaxInt64 })
	}
	run := surface.Handle(func(w http.ResponseWriter, r *http.Request) error {
		v := viewOf(r)
		v.w, v.r = w, r
		err := p.admit(v)
		var elsewhere *redirectError
		switch {
		case errors.As(err, &elsewhere):
			return seeOther(w, elsewhere.to)
		case err != nil:
			return err
		case rt.stream && r.Method == http.MethodHead: // nobody reads what would go on
			return nil
		}
		return handle(p, v)
	})
	checked := p.own.Handler(run)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := p.newView(w, r, rt, root)
		securityHeaders(w.Header(), v.Shell.Nonce, nil, "")
		checked.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), viewKey{}, v)))
	})
}

// mount adds a route in every area that it belongs to.
func (p *Pages) mount(rt *route) {
	for _, at := range rt.places() {
		p.mux.Handle(rt.method+" "+at.pattern, p.handler(rt, at.root, rt.handle))
	}
}

// errorPage is what is shown instead of a page.
type errorPage struct {
	*view
	Status int
	Blank  ui.Blank
}

func (p *Pages) writeError(w http.ResponseWriter, r *http.Request, status int, e *hookswitch.Error) {
	v := viewOf(r)
	if v == nil {
		v = p.newView(w, r, &route{}, playRoot)
	}
	v.w, v.r = w, r
	page := errorPage{view: v, Status: status, Blank: ui.Blank{Kind: "error", Title: http.StatusText(status), Text: e.Message}}
	switch e.Kind {
	case hookswitch.NotFound:
		page.Blank.Title, page.Blank.Kind = "There is nothing here", "nomatch"
	case hookswitch.Unavailable, hookswitch.RateLimited:
		page.Blank.Title = "One moment, please"
	case hookswitch.Internal:
		page.Blank.Title = "That did not work"
	case hookswitch.Forbidden:
		page.Blank.Title, page.Blank.Kind = "That is not permitted", "denied"
	case hookswitch.Gone:
		page.Blank.Title, page.Blank.Kind = "This is not kept any more", "expired"
	case hookswitch.Unauthorized:
		page.Blank.Title, page.Blank.Kind = "You are not signed in", "expired"
	}
	page.Blank.Links = p.waysOn(v, e)
	v.Shell.Title = page.Blank.Title
	if v.Session == nil {
		v.lookUpApp()
	}
	v.endedInFrame(status)
	securityHeaders(w.Header(), v.Shell.Nonce, v.ancestors(), ui.LogoOrigin(v.Shell.Look))
	if err := v.write(status, "open/error", &page); err != nil {
		p.log.LogAttrs(r.Context(), slog.LevelError, "render the error page", slog.Any("error", err))
		http.Error(w, e.Message, status)
	}
}

// waysOn are what can be done after an error.
func (p *Pages) waysOn(v *view, e *hookswitch.Error) []ui.Action {
	switch {
	case strings.HasPrefix(v.route.path, inviteRoot):
		return nil
	case v.root == playRoot:
		return []ui.Action{{Name: "Make a new bin", URL: playRoot, Post: true, Look: "primary"}}
	case v.Session == nil && v.root == dashboardRoot:
		return []ui.Action{{Name: "Sign in", URL: dashboardRoot + "/login", Look: "primary"}}
	case v.Session == nil:
		return nil
	case e.Kind == hookswitch.Internal || e.Kind == hookswitch.Unavailable || e.Kind == hookswitch.RateLimited:
		if v.r.Method == http.MethodGet {
			return []ui.Action{{Name: "Try again", URL: v.Here(), Look: "primary", Icon: "turn"}}
		}
	}
	if above := v.route.under; above != "" && v.App != nil && (e.Kind == hookswitch.NotFound || e.Kind == hookswitch.Gone) {
		for _, rt := range routes {
			if rt.method == http.MethodGet && rt.in&v.route.in != 0 && rt.path == above {
				return []ui.Action{{Name: rt.name, URL: v.Base + above, Look: "primary"}, {Name: "To the first page", URL: v.homeURL()}}
			}
		}
	}
	return []ui.Action{{Name: "To the first page", URL: v.homeURL(), Look: "primary"}}
}

func noSuchPage() error {
	return hookswitch.NotFoundf("This page does not exist, or it does no longer: bins are thrown away after a week.")
}

// seeOther sends the browser on after a form.
func seeOther(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

type viewKey struct{}

func viewOf(r *http.Request) *view {
	v, _ := r.Context().Value(viewKey{}).(*view)
	return v
}

func newNonce() string { return rand.Text() }

// local is a path of the area that root begins, from what somebody says; the root for anything else.
func local(path, root string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || u.Path != root && !strings.HasPrefix(u.Path, root+"/") || strings.ContainsAny(path, "\\\r\n") ||
		slices.Contains(strings.Split(u.Path, "/"), "..") {
		return root
	}
	return path
}

func writePage(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the reader has gone
	return nil
}
