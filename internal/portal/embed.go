package portal

import (
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
)

// embedPath is where pages of others load the element that shows the portal.
const embedPath = ui.AssetPath + ui.EmbedFile

// appCookie names the App that the browser last opened the portal of. When its session has ended the page can still say so in a frame of that App's, and in no other.
const appCookie = "hookswitch-portal-app"

// appCookieLife is how long that is known.
const appCookieLife = 30 * 24 * time.Hour

// lookUpApp finds out whose portal was asked for where nobody is signed in: the query of the link says so, or the cookie of the session before. Nothing but who may show the page in
// a frame, and how it looks, hangs on it.
func (v *view) lookUpApp() {
	if v.root != portalRoot || v.App != nil {
		return
	}
	ref := v.query("app")
	if ref == "" {
		ref = v.cookie(appCookie)
	}
	if ref == "" {
		return
	}
	app, ok := v.p.svc.IDs().Parse(hookswitch.KindApp, ref) // not by an id that somebody can think of
	if !ok {
		return
	}
	if settings, err := v.p.svc.PortalSettings(v.ctx(), app); err == nil {
		v.portal = settings
	}
}

// noteApp remembers whose portal the browser opens.
func (v *view) noteApp(app hookswitch.Key) {
	v.setCookie(appCookie, v.ID(hookswitch.KindApp, app), appCookieLife)
}

// endedInFrame has the page that frames the portal learn that there is no session.
func (v *view) endedInFrame(status int) {
	if v.root == portalRoot && status == http.StatusUnauthorized {
		v.tellHost("session-expired", "expired_token")
	}
}

// tellHost has the page say something to the one that frames it.
func (v *view) tellHost(event, detail string) {
	if v.Shell.Data == nil {
		v.Shell.Data = make(map[string]string)
	}
	v.Shell.Data["event"] = event
	if detail != "" {
		v.Shell.Data["detail"] = detail
	}
}
