package portal

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var signInRoutes = []route{
	{in: open, method: "GET", path: "/portal/login", name: "Open the portal", handle: (*Pages).portalLogin, signIn: true},
	{in: open, method: "POST", path: "/portal/login", name: "Open the portal", handle: (*Pages).openPortal, signIn: true},
	{in: open, method: "GET", path: "/dashboard/login", name: "Sign in", handle: (*Pages).dashboardLogin, signIn: true},
	{in: open, method: "POST", path: "/dashboard/login", name: "Sign in", handle: (*Pages).openDashboard, signIn: true},
	{in: open, method: "POST", path: "/portal/logout", name: "Sign out", handle: (*Pages).leave},
	{in: open, method: "POST", path: "/dashboard/logout", name: "Sign out", handle: (*Pages).leave},
	{in: open, method: "POST", path: "/portal/look", name: "Colours", handle: (*Pages).setTheme},
	{in: open, method: "POST", path: "/dashboard/look", name: "Colours", handle: (*Pages).setTheme},
	{in: open, method: "POST", path: "/play/look", name: "Colours", handle: (*Pages).setTheme},
}

// How often a visitor may try to sign in to the dashboard.
const (
	signInRate  = 2 // a second
	signInBurst = 20
)

// The names of cookies, behind a prefix that ties them to this host where there is TLS.
const (
	portalCookie    = "hookswitch-portal"
	dashboardCookie = "hookswitch-dashboard"
	lookCookie      = "hookswitch-look"
	themeCookie     = "hookswitch-theme"
	flashCookie     = "hookswitch-note"
)

// sameText returns what tells whether a text is the one, in constant time. Nothing is the empty one.
func sameText(want hookswitch.Secret) func(string) bool {
	sum := sha256.Sum256([]byte(want.Reveal()))
	return func(s string) bool {
		got := sha256.Sum256([]byte(s))
		return want != "" && subtle.ConstantTimeCompare(got[:], sum[:]) == 1
	}
}

// framed reports whether the page is shown in a frame.
func framed(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "iframe", "frame", "object", "embed", "fencedframe":
		return true
	}
	return false
}

// secure reports whether browsers reach the server over TLS.
func (p *Pages) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(p.svc.PublicURL(), "https://")
}

func (v *view) cookieName(name string) string {
	if v.p.secure(v.r) {
		return "__Host-" + name
	}
	return name
}

func (v *view) cookie(name string) string {
	c, err := v.r.Cookie(v.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie keeps a value in the browser. life 0: until it is closed; less: not any more. In a frame of another site the cookie is that site's own.
func (v *view) setCookie(name, value string, life time.Duration) {
	c := &http.Cookie{Name: v.cookieName(name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if v.p.secure(v.r) {
		c.Secure = true
		if v.root == portalRoot && framed(v.r) {
			c.SameSite, c.Partitioned = http.SameSiteNoneMode, true
		}
	}
	switch {
	case life < 0:
		c.MaxAge = -1
	case life > 0:
		c.MaxAge = int(life.Seconds())
	}
	http.SetCookie(v.w, c)
}

// themeChosen is the theme that the reader has chosen.
func (v *view) themeChosen() string {
	if t := v.cookie(themeCookie); hookswitch.CheckTheme(t) == "" {
		return t
	}
	return ""
}

// lookAsked is the look that the page which opened the portal asked for.
func (v *view) lookAsked() (l hookswitch.Look) {
	b, err := base64.RawURLEncoding.DecodeString(v.cookie(lookCookie))
	if err != nil || len(b) == 0 || json.Unmarshal(b, &l) != nil {
		return hookswitch.Look{}
	}
	if s := (hookswitch.PortalSettings{Look: l}); s.Validate() != nil {
		return hookswitch.Look{}
	}
	return l
}

// maxFlash is how many characters of a sentence are kept: browsers throw cookies of more than 4096 bytes away, and names of things have no bound.
const maxFlash = 400

func (v *view) leaveFlash(f ui.Flash) {
	f.Text = excerpt(f.Text, maxFlash)
	b, err := json.Marshal(f)
	if err == nil {
		v.setCookie(flashCookie, base64.RawURLEncoding.EncodeToString(b), time.Minute)
	}
}

// takeFlash shows what became of what was done before, once.
func (v *view) takeFlash() {
	if v.r.Method != http.MethodGet || v.route.data || v.r.Header.Get("HX-Request") != "" {
		return
	}
	value := v.cookie(flashCookie)
	if value == "" {
		return
	}
	v.setCookie(flashCookie, "", -1)
	var f ui.Flash
	b, err := base64.RawURLEncoding.DecodeString(value)
	if err == nil && json.Unmarshal(b, &f) == nil && f.Text != "" {
		switch {
		case strings.HasPrefix(f.LinkURL, playRoot+"/"):
			f.LinkURL, f.Away = local(f.LinkURL, playRoot), v.Shell.Framed // bins are shown in no frame
		case f.LinkURL != "":
			f.LinkURL = local(f.LinkURL, v.root)
		}
		v.Shell.Flash = &f
		if f.Event != "" {
			v.tellHost(f.Event, f.Detail)
		}
	}
}

// admitCustomer lets in who has a session in the portal.
func (p *Pages) admitCustomer(v *view) error {
	text := v.cookie(portalCookie)
	if text == "" {
		return hookswitch.Errorf(hookswitch.Unauthorized, "Open the portal from the application that you came from: its link signs you in. A session lasts %s after the last page.",
			ui.Span(service.SessionIdle))
	}
	t, err := p.svc.Session(v.ctx(), hookswitch.Secret(text), hookswitch.TokenSession, "")
	if hookswitch.KindOf(err) == hookswitch.Unauthorized {
		v.setCookie(portalCookie, "", -1)
		return hookswitch.Errorf(hookswitch.Unauthorized, "Your session has ended. Open the portal again from the application that you came from.")
	}
	if err != nil {
		return err
	}
	v.Session = t
	if v.App, err = p.svc.AppByKey(v.ctx(), t.App); err != nil {
		return err
	}
	if v.portal, err = p.svc.PortalSettings(v.ctx(), t.App); err != nil {
		return err
	}
	v.Shell.Look = hookswitch.Look{Theme: v.themeChosen()}.Over(v.lookAsked()).Over(v.portal.Look)
	v.Shell.Who = &ui.Who{Name: "Signed in", SignOut: portalRoot + "/logout"}
	readOnly := t.Capabilities&^hookswitch.ViewingCapabilities == 0
	if readOnly {
		v.Shell.Who.Detail = "read-only"
	}
	if v.asCustomer() {
		v.Shell.Who.Name = "Operator, as this customer"
		text := "You are the operator, in the portal of " + excerpt(v.App.Name, maxShownName) + ". What you change here is noted as yours, and the customer sees it in Activity."
		if readOnly {
			text = "You are the operator, in the portal of " + excerpt(v.App.Name, maxShownName) + ", to look only. The customer sees in Activity that you were here."
		}
		v.Shell.Banners = append(v.Shell.Banners, ui.Banner{Tone: ui.Warn, Text: text, Link: &ui.Link{Name: "Back to the dashboard", URL: dashboardRoot + "/apps/" + v.AppID()}})
	}
	return nil
}

// staysIn reports whether the session that was let in has not ended since.
func (v *view) staysIn() bool {
	cookie, kind := portalCookie, hookswitch.TokenSession
	if v.root == dashboardRoot {
		cookie, kind = dashboardCookie, hookswitch.TokenDashboard
	}
	_, err := v.p.svc.Session(v.ctx(), hookswitch.Secret(v.cookie(cookie)), kind, v.p.OperatorToken)
	return hookswitch.KindOf(err) != hookswitch.Unauthorized
}

// asCustomer reports whether the operator looks at the portal as the customer.
func (v *view) asCustomer() bool {
	return v.Session != nil && v.Session.Kind == hookswitch.TokenSession && v.Session.Scope == service.OperatorSession
}

// admitOperator lets in who is signed in to the dashboard: the operator everywhere, the bearer of an API key to the things of its App.
func (p *Pages) admitOperator(v *view) error {
	t, err := p.svc.Session(v.ctx(), hookswitch.Secret(v.cookie(dashboardCookie)), hookswitch.TokenDashboard, p.OperatorToken)
	if hookswitch.KindOf(err) == hookswitch.Unauthorized {
		return p.askToSignIn(v)
	}
	if err != nil {
		return err
	}
	v.Session = t
	v.Shell.Who = &ui.Who{Name: "Operator", SignOut: dashboardRoot + "/logout"}
	if !v.isOperator() {
		v.Shell.Who.Name = "API key"
		if t.Ref != 0 {
			v.key, err = p.svc.APIKeyBy(v.ctx(), t.App, t.Ref)
			if hookswitch.KindOf(err) == hookswitch.NotFound { // revoked a moment ago
				return p.askToSignIn(v)
			}
			if err != nil {
				return err
			}
			v.Shell.Who.Detail = keyDetail(v.key)
		}
		v.Base = dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, t.App)
		if v.App, err = p.svc.AppByKey(v.ctx(), t.App); err != nil {
			return err
		}
		// The key names the App. Where another one is asked for, that does not exist.
		if ref := v.r.PathValue("app"); ref != "" {
			asked, err := p.svc.App(v.ctx(), ref)
			if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && asked.Key != t.App {
				return hookswitch.NotFoundf("There is no such application.")
			}
			return err
		}
		if v.route.in&(operator|tenant) == operator && v.route.path != "" {
			return hookswitch.NotFoundf("This page is the operator's.")
		}
		return nil
	}
	if ref := v.r.PathValue("app"); ref != "" && v.route.in&tenant != 0 {
		v.App, err = p.svc.App(v.ctx(), ref)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return hookswitch.NotFoundf("There is no such application.")
		}
		if err != nil {
			return err
		}
		v.Base = dashboardRoot + "/apps/" + v.AppID()
	}
	return nil
}

// keyDetail says which key somebody is signed in with.
func keyDetail(k *hookswitch.APIKey) string {
	text := "…" + k.Hint
	if k.Name != "" {
		text = k.Name
	}
	if k.Test {
		text += ", for tests"
	}
	return text
}

// askToSignIn leads people to the form, and back afterwards. Scripts are told that the session has ended.
func (p *Pages) askToSignIn(v *view) error {
	if v.r.Method != http.MethodGet || v.route.data || v.route.stream || v.r.Header.Get("HX-Request") != "" {
		return hookswitch.Errorf(hookswitch.Unauthorized, "Your session has ended. Sign in again.")
	}
	to := dashboardRoot + "/login"
	if here := v.Here(); here != dashboardRoot {
		to += "?next=" + url.QueryEscape(here)
	}
	return &redirectError{to}
}

// redirectError sends the browser elsewhere instead of an answer.
type redirectError struct{ to string }

func (e *redirectError) Error() string { return "elsewhere: " + e.to }

// loginPage is what both pages for signing in show.
type loginPage struct {
	*view
	Action  string
	Next    string
	Reason  string // why a link did not work, one of the service's words; "" before one was tried
	Title   string
	Text    string
	Problem string // with what was typed
}

// The words for links that do not open the portal.
var linkTexts = map[string]struct{ title, text string }{
	service.LinkMissing: {"This address does not sign you in",
		"The portal is opened by a link that the application you came from makes for you, and part of that link is missing. Go back there and open the portal again."},
	service.LinkInvalid: {"This link is not valid",
		"It may have been cut off while it was copied, or it has been withdrawn. Go back to the application that you came from and open the portal again."},
	service.LinkExpired: {"This link has expired",
		"Links to the portal can be opened for a short time only. Go back to the application that you came from and open the portal again."},
	service.LinkUsed: {"This link has been used already",
		"A link to the portal opens it once. If it was you, the page is still open in another tab, or this browser is signed in already. Otherwise go back to the application that you came from and open the portal again."},
}

func (p *Pages) portalLogin(v *view) error {
	return p.showPortalLogin(v, http.StatusOK, "")
}

func (p *Pages) showPortalLogin(v *view, status int, reason string) error {
	v.lookUpApp()
	v.Shell.Look = hookswitch.Look{Theme: v.themeChosen()}.Over(ui.LookOf(v.r.URL.Query())).Over(v.portal.Look)
	v.Shell.Look.Logo = ""
	v.Shell.Bare, v.Shell.Script = true, "signin.js"
	securityHeaders(v.w.Header(), v.Shell.Nonce, v.ancestors(), "")
	page := loginPage{view: v, Action: v.Here(), Reason: reason}
	if reason != "" {
		page.Title, page.Text = linkTexts[reason].title, linkTexts[reason].text
		v.Shell.Title = page.Title
		v.tellHost("session-expired", reason)
	} else {
		missing := linkTexts[service.LinkMissing]
		page.Title, page.Text = missing.title, missing.text
	}
	return v.write(status, "open/portal-login", page)
}

// openPortal exchanges the one-time token of a link for a session.
func (p *Pages) openPortal(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	t, text, err := p.svc.OpenSession(v.ctx(), hookswitch.Secret(form.Get("token")), v.r.UserAgent())
	var link *service.LinkError
	if errors.As(err, &link) {
		return p.showPortalLogin(v, http.StatusUnauthorized, link.Reason)
	}
	if err != nil {
		return err
	}
	v.setCookie(portalCookie, text.Reveal(), t.Until.Sub(v.Now))
	v.noteApp(t.App)
	if look := ui.LookOf(v.r.URL.Query()); look != (hookswitch.Look{}) {
		b, err := json.Marshal(look)
		if err != nil {
			return err
		}
		v.setCookie(lookCookie, base64.RawURLEncoding.EncodeToString(b), t.Until.Sub(v.Now))
	} else if v.cookie(lookCookie) != "" {
		v.setCookie(lookCookie, "", -1)
	}
	return seeOther(v.w, local(v.query("next"), portalRoot))
}

func (p *Pages) dashboardLogin(v *view) error {
	return p.showDashboardLogin(v, http.StatusOK, "")
}

func (p *Pages) showDashboardLogin(v *view, status int, problem string) error {
	v.Shell.Bare, v.Shell.Script = true, "signin.js"
	return v.write(status, "open/dashboard-login", loginPage{view: v, Action: v.Here(), Problem: problem})
}

// openDashboard signs the operator in, or who bears an API key.
func (p *Pages) openDashboard(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if !p.signIns.allow(v.visitor(), p.now()) {
		return hookswitch.Errorf(hookswitch.RateLimited, "Somebody tries to sign in very often from where you are. Try again in a few seconds.")
	}
	token := strings.TrimSpace(form.Get("token"))
	var t *hookswitch.Token
	var text hookswitch.Secret
	home := dashboardRoot
	switch {
	case token == "":
		return p.showDashboardLogin(v, http.StatusUnprocessableEntity, "Enter the operator token, or an API key of a project.")
	case p.isToken(token):
		t, text, err = p.svc.OpenOperatorSession(v.ctx(), p.OperatorToken, v.r.UserAgent())
	default:
		key, failed := p.svc.APIKey(v.ctx(), token)
		if hookswitch.KindOf(failed) == hookswitch.Unauthorized {
			return p.showDashboardLogin(v, http.StatusUnauthorized, "That is neither the operator token nor a live API key. The operator token lies in operator.token in the data directory, unless the setting operator-token names it.")
		}
		if failed != nil {
			return failed
		}
		t, text, err = p.svc.OpenKeySession(v.ctx(), key, v.r.UserAgent())
		home = dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, key.App)
	}
	var refused *hookswitch.Error
	if errors.As(err, &refused) && refused.Kind == hookswitch.Forbidden {
		return p.showDashboardLogin(v, http.StatusForbidden, refused.Message)
	}
	if err != nil {
		return err
	}
	v.setCookie(dashboardCookie, text.Reveal(), t.Until.Sub(v.Now))
	if next := local(v.query("next"), dashboardRoot); next != dashboardRoot {
		home = next
	}
	return seeOther(v.w, home)
}

// leave signs out of the area.
func (p *Pages) leave(v *view) error {
	cookie, kind, to := portalCookie, hookswitch.TokenSession, portalRoot
	if v.root == dashboardRoot {
		cookie, kind, to = dashboardCookie, hookswitch.TokenDashboard, dashboardRoot+"/login"
	}
	t, err := p.svc.Session(v.ctx(), hookswitch.Secret(v.cookie(cookie)), kind, p.OperatorToken)
	if err == nil {
		if t.Kind == hookswitch.TokenSession && t.Scope == service.OperatorSession {
			to = dashboardRoot + "/apps/" + v.ID(hookswitch.KindApp, t.App)
		}
		err = p.svc.EndSession(v.ctx(), t.App, t.Key)
	}
	if err != nil && hookswitch.KindOf(err) != hookswitch.Unauthorized {
		return err
	}
	v.setCookie(cookie, "", -1)
	return seeOther(v.w, to)
}

// setTheme keeps the theme that the reader chose.
func (p *Pages) setTheme(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	const year = 365 * 24 * time.Hour
	switch theme := form.Get("theme"); theme {
	case "light", "dark":
		v.setCookie(themeCookie, theme, year)
	case "auto":
		v.setCookie(themeCookie, "", -1)
	default:
		return hookswitch.InvalidField("must be auto, light or dark", "theme")
	}
	back := form.Get("back")
	if v.root == playRoot && back == "/docs" {
		return seeOther(v.w, back)
	}
	return seeOther(v.w, local(back, v.root))
}
