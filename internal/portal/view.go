package portal

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

// view is one request for a page: who looks, at what, and what will surround it. What templates are given embeds one, so they can call its exported methods.
type view struct {
	p     *Pages
	w     http.ResponseWriter
	r     *http.Request
	route *route
	root  string // of the area

	// Session is who looks; nil: nobody is signed in.
	Session *hookswitch.Token
	// App is whose things are shown; nil where it is about all of them.
	App *hookswitch.App
	// Base is where the pages of App begin: "/portal", or "/dashboard/apps/app_…".
	Base string
	// Now is the time of the page.
	Now time.Time
	// Shell is what surrounds the page. Handlers may change it before they call show.
	Shell *ui.Shell

	here   string
	portal hookswitch.PortalSettings
	// event is what a page that frames the portal is told when the form has been done, and about what.
	event, about string
	key          *hookswitch.APIKey // that the session was opened with; nil: with none
	tabs         []ui.Tab           // the views of one endpoint, with {endpoint} in their URLs
}

func (p *Pages) newView(w http.ResponseWriter, r *http.Request, rt *route, root string) *view {
	v := &view{p: p, w: w, r: r, route: rt, root: root, Base: root, Now: p.now(), here: hereOf(rt, r.URL)}
	v.Shell = &ui.Shell{Title: rt.name, Nonce: newNonce(), Root: root, Home: root, Here: v.here, Posted: rt.method == http.MethodPost, Framed: framed(r)}
	switch root {
	case portalRoot:
		v.Shell.Area, v.Shell.Place = "portal", "Webhooks"
	case dashboardRoot:
		v.Shell.Area, v.Shell.Place = "dashboard", "Dashboard"
	default:
		v.Shell.Area, v.Shell.Place = "play", "Play"
	}
	v.Shell.Look.Theme = v.themeChosen()
	return v
}

// Here is where the page can be had: its path with its query or, of the answer to a form at a path that is none of a page, the page above it.
func (v *view) Here() string { return v.here }

func hereOf(rt *route, u *url.URL) string {
	if rt.method == http.MethodGet {
		return u.RequestURI()
	}
	pattern, path := rt.path, u.EscapedPath()
	for {
		if slices.ContainsFunc(routes, func(r route) bool { return r.method == http.MethodGet && r.in&rt.in != 0 && r.path == pattern }) {
			break
		}
		up, at := strings.LastIndexByte(pattern, '/'), strings.LastIndexByte(path, '/')
		if up <= 0 || at <= 0 {
			return u.RequestURI()
		}
		pattern, path = pattern[:up], path[:at]
	}
	if path == u.EscapedPath() {
		return u.RequestURI()
	}
	return path
}

// ctx is the request's.
func (v *view) ctx() context.Context { return v.r.Context() }

// admit finds out who asks, and lets in who may.
func (p *Pages) admit(v *view) error {
	if v.route.in&open != 0 || v.route.in == 0 {
		securityHeaders(v.w.Header(), v.Shell.Nonce, v.ancestors(), "")
		return nil
	}
	var err error
	if v.root == portalRoot {
		err = p.admitCustomer(v)
	} else {
		err = p.admitOperator(v)
	}
	if err != nil {
		return err
	}
	if v.App != nil {
		v.Shell.Subject = excerpt(v.App.Name, maxShownName)
	}
	if v.Session.Kind == hookswitch.TokenSession {
		v.r = v.r.WithContext(service.Restricted(v.ctx(), v.Session.FeatureFlags))
	}
	v.r = v.r.WithContext(service.By(v.ctx(), v.actor()))
	v.navigate()
	v.pauseBanner()
	v.takeFlash()
	securityHeaders(v.w.Header(), v.Shell.Nonce, v.ancestors(), ui.LogoOrigin(v.Shell.Look))
	reason := v.Refused(v.route.needs)
	if v.route.admin && reason == "" {
		reason = v.refusedAdmin()
	}
	if reason != "" {
		return hookswitch.Errorf(hookswitch.Forbidden, "%s", reason)
	}
	return nil
}

// ancestors are who may show the page in a frame. Only the portal may be shown in one.
func (v *view) ancestors() []string {
	if v.root != portalRoot {
		return nil
	}
	own := v.portal.FrameAncestors
	return append(v.p.FrameAncestors[:len(v.p.FrameAncestors):len(v.p.FrameAncestors)], own...)
}

// homeURL is the first page of the area for who looks.
func (v *view) homeURL() string {
	if v.App != nil {
		return v.Base
	}
	return v.root
}

// Refused says why whoever looks may not do what needs the capability; "" when they may.
func (v *view) Refused(needed hookswitch.Capabilities) string {
	if v.Session == nil || needed == 0 || v.Session.Capabilities.Allow(needed) {
		return ""
	}
	if v.Session.Capabilities&^hookswitch.ViewingCapabilities == 0 {
		return "Your access is read-only. Ask whoever gave you the link for more."
	}
	switch {
	case needed&hookswitch.ManageEndpoint != 0:
		return "Your access does not cover changing endpoints."
	case needed&hookswitch.CreateAttempts != 0:
		return "Your access does not cover sending again."
	case needed&(hookswitch.ViewEndpointSecret|hookswitch.ManageEndpointSecret) != 0:
		return "Your access does not cover secrets."
	}
	return "Your access does not cover that."
}

// refusedAdmin says why whoever looks may not do what is the operator's; "" when they may.
func (v *view) refusedAdmin() string {
	if v.isOperator() {
		return ""
	}
	return "That is the operator's to do."
}

// MayNot is Refused by the name that docs and templates use: endpoints.write, secrets.read, secrets.write, messages.resend, or operator.
func (v *view) MayNot(what string) string {
	switch what {
	case "endpoints.write":
		return v.Refused(hookswitch.ManageEndpoint)
	case "secrets.read":
		return v.Refused(hookswitch.ViewEndpointSecret)
	case "secrets.write":
		return v.Refused(hookswitch.ManageEndpointSecret)
	case "messages.resend":
		return v.Refused(hookswitch.CreateAttempts)
	}
	if what == "operator" {
		return v.refusedAdmin()
	}
	panic("portal: there is no capability " + what)
}

// navigate fills the navigation in.
func (v *view) navigate() {
	inApp := v.App != nil
	v.Shell.Home = v.homeURL()
	current := v.route.path
	if v.route.under != "" {
		current = v.route.under
	}
	for i := range routes {
		rt := &routes[i]
		if rt.tab != "" && rt.in&v.route.in != 0 {
			v.tabs = append(v.tabs, ui.Tab{Name: rt.tab, URL: v.Base + rt.path, Current: rt.path == v.route.path})
		}
		if rt.nav == nil {
			continue
		}
		switch {
		case v.root == portalRoot && rt.in&customer == 0, v.root == dashboardRoot && inApp && rt.in&tenant == 0, v.root == dashboardRoot && !inApp && rt.in&operator == 0,
			rt.admin && !v.isOperator():
			continue
		}
		base := v.Base
		if !inApp {
			base = v.root
		}
		groups := v.Shell.Nav
		if len(groups) == 0 || groups[len(groups)-1].Name != rt.nav.group {
			groups = append(groups, ui.NavGroup{Name: rt.nav.group})
		}
		g := &groups[len(groups)-1]
		g.Links = append(g.Links, ui.NavLink{Name: rt.name, URL: base + rt.path, Icon: rt.nav.icon, Current: rt.path == current && rt.in&v.route.in != 0})
		v.Shell.Nav = groups
	}
	if v.root == dashboardRoot && inApp && v.isOperator() {
		v.Shell.Back = &ui.Link{Name: "All applications", URL: dashboardRoot + "/apps"}
	}
}

// isOperator reports whether the operator looks.
func (v *view) isOperator() bool {
	return v.Session != nil && v.Session.Kind == hookswitch.TokenDashboard && v.Session.App == hookswitch.OrganizationApp
}

// show answers with the page of the template.
func (v *view) show(name string, content any) error { return v.write(http.StatusOK, name, content) }

// write is show with a status other than 200.
func (v *view) write(status int, name string, content any) error {
	body, err := templates.Render(name, v.Shell, content)
	if err != nil {
		return err
	}
	return writePage(v.w, status, body)
}

// part answers with one block of a page, for a script that puts it into one.
func (v *view) part(name, block string, content any) error {
	body, err := templates.Part(name, block, content)
	if err != nil {
		return err
	}
	return writePage(v.w, http.StatusOK, body)
}

// form reads the form that was sent.
func (v *view) form() (url.Values, error) {
	if err := v.r.ParseForm(); err != nil {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "The form cannot be read: %w", err)
	}
	return v.r.PostForm, nil
}

// query is a parameter of the page.
func (v *view) query(name string) string { return v.r.URL.Query().Get(name) }

// done goes on to a page of the area after a form, and says there what came of it.
func (v *view) done(path string, tone ui.Tone, sentence string, link ...string) error {
	f := ui.Flash{Tone: tone, Text: sentence, Event: v.event, Detail: v.about}
	if len(link) == 2 {
		f.LinkName, f.LinkURL = link[0], link[1]
	}
	v.leaveFlash(f)
	return seeOther(v.w, path)
}

// ID writes a key as callers of the API see it.
func (v *view) ID(kind hookswitch.Kind, key hookswitch.Key) string {
	return v.p.svc.IDs().Format(kind, key)
}

// AppID is the id of the App.
func (v *view) AppID() string { return v.ID(hookswitch.KindApp, v.App.Key) }

// Ago writes a time relative to the page's.
func (v *view) Ago(t time.Time) template.HTML { return ui.Time(t, v.Now) }

// Due writes when something will be done.
func (v *view) Due(t time.Time) template.HTML { return due(t, v.Now) }

// Clock writes a time of day.
func (v *view) Clock(t time.Time) template.HTML { return ui.Clock(t, v.Now) }

// Link is the page's URL with its parameters changed: names and values in turn; an empty value takes one away.
func (v *view) Link(pairs ...string) string { return ui.With(v.r.URL, pairs...) }

// Page leads to a page of the App: the parts joined by slashes below Base.
func (v *view) Page(parts ...string) string {
	path := v.Base
	for _, s := range parts {
		if s != "" {
			path += "/" + strings.TrimPrefix(s, "/")
		}
	}
	return path
}

// api tells the reader which request of the Svix-shaped API the page shows; path is below /api/v1, and cli what the command line would be, "" where there is none.
func (v *view) api(method, path, cli string) {
	v.call(method, "/api/v1"+path, cli)
}

// call is api for any path.
func (v *view) call(method, path, cli string) {
	curl := "curl "
	if method != http.MethodGet {
		curl += "-X " + method + " "
	}
	if !strings.HasPrefix(path, playRoot+"/") { // who knows the address of a bin needs no token
		curl += "-H \"Authorization: Bearer $HOOKSWITCH_TOKEN\" \\\n  "
	}
	curl += "'" + v.p.svc.PublicURL() + path + "'"
	v.Shell.Call = &ui.Call{Method: method, Path: path, Curl: curl, CLI: cli}
}
